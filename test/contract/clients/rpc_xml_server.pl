# Receives Plush's callbacks with Perl's RPC::XML::Server; prints each call. Usage: rpc_xml_server.pl PORT
use strict;
use warnings;
use JSON::PP;
use RPC::XML;
use RPC::XML::Server;

$| = 1;
$RPC::XML::ENCODING = 'utf-8';

my %signatures = (
    sendPlanetLabSlices => 'boolean',
    sendSliceNodes => 'boolean string',
    sendApplicationExit => 'boolean',
    sendHostStatus => 'boolean string',
    sendBlockStatus => 'boolean string',
    sendResourceMatching => 'boolean struct',
);
my $server = RPC::XML::Server->new(host => '127.0.0.1', port => $ARGV[0]);
die $server unless ref $server;
for my $name (keys %signatures) {
    $server->add_method({
        name => $name,
        signature => [$signatures{$name}],
        code => sub {
            my (undef, @params) = @_;
            print JSON::PP->new->utf8->encode({ method => $name, params => \@params }), "\n";
            return RPC::XML::boolean->new(1);
        },
    });
}
$server->server_loop;
