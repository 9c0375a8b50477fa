# Receives Plush's callbacks with Ruby's XMLRPC::Server; prints each call. Usage: ruby_server.rb PORT
require 'json'
require 'xmlrpc/server'

$stdout.sync = true
server = XMLRPC::Server.new(ARGV[0].to_i, '127.0.0.1', 4, File.open(File::NULL, 'w'))
server.set_default_handler do |method, *params|
  puts JSON.generate(method: method, params: params)
  true
end
server.serve
