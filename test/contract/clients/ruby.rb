# The calls of README.md with Ruby's xmlrpc. Usage: ruby.rb URL TYPES_URL NODE TEXT SPECIFICATION
require 'json'
require 'xmlrpc/client'

url, types_url, node, text, specification = ARGV.map { |word| word.dup.force_encoding('UTF-8') }
RPC = XMLRPC::Client.new2(url)
TYPES = XMLRPC::Client.new2(types_url)

def plain(value)
  case value
  when XMLRPC::DateTime
    { date: format('%04d%02d%02dT%02d:%02d:%02d', *value.to_a) }
  when XMLRPC::FaultException
    { faultCode: value.faultCode, faultString: value.faultString }
  when Array
    value.map { |item| plain(item) }
  when Hash
    value.transform_values { |member| plain(member) }
  when String
    # Base64 comes as a string of bytes.
    value.encoding == Encoding::BINARY ? { base64: [value].pack('m0') } : value
  else
    value
  end
end

def tell(step)
  value = yield
  puts JSON.generate(step: step, value: plain(value))
  value
rescue XMLRPC::FaultException => fault
  puts JSON.generate(step: step, fault: { code: fault.faultCode, message: fault.faultString })
end

tell('hello') { RPC.call('plushTestConnection') }
tell('signature') { RPC.call('system.methodSignature', 'plushGetNode') }
tell('add') do
  RPC.call('plushAddNode', {
    'hostname' => node,
    'group' => text,
    'ssh_port' => 2222,
    'preference' => 1.5,
    'lease' => { 'id' => 'l-1', 'expires' => XMLRPC::DateTime.new(2031, 1, 2, 3, 4, 5) },
    'properties' => { 'site' => text, 'empty' => '', 'constructor' => 'x' }
  })
end
tell('node') { RPC.call('plushGetNode', node) }
tell('load') { RPC.call('plushLoadAppXml', XMLRPC::Base64.new(specification)) }
tell('fault') { RPC.call('plushGetNode', 'nobody') }
tell('multicall') { RPC.multicall(['plushTestConnection'], ['plushGetNode', 'nobody']).map { |one| one.is_a?(XMLRPC::FaultException) ? one : [one] } }

page = { 'group' => 'many', 'limit' => 400 }
loop do
  answer = tell('page') { RPC.call('plushListNodes', page) }
  break unless answer.key?('cursor')
  page['cursor'] = answer['cursor']
end

date = XMLRPC::DateTime.new(2024, 2, 29, 23, 59, 58)
bytes = XMLRPC::Base64.new("\x00\x01\xfe\xff".b)
tell('types') { TYPES.call('validator1.manyTypesTest', 7, true, text, -0.25, date, bytes) }
tell('echo') do
  TYPES.call('validator1.echoStructTest',
             { 'list' => [1, [], [text, { 'a' => false }]], 'a b' => { 'n' => -2_147_483_648 } })
end
