# The calls of README.md with Perl's RPC::XML::Client. Usage: rpc_xml.pl URL TYPES_URL NODE TEXT SPECIFICATION
use strict;
use warnings;
use Encode qw(decode_utf8 encode_utf8);
use JSON::PP;
use MIME::Base64;
use RPC::XML;
use RPC::XML::Client;

$RPC::XML::ENCODING = 'utf-8';
my ($url, $types_url, $node, $text, $specification) = map { decode_utf8($_) } @ARGV;
my $rpc = RPC::XML::Client->new($url);
my $types = RPC::XML::Client->new($types_url);

sub string { return RPC::XML::string->new($_[0]) }

sub plain {
    my ($value) = @_;
    my $type = ref($value) =~ s/^RPC::XML:://r;
    return [map { plain($_) } @$value] if $type eq 'array';
    return { map { $_ => plain($value->{$_}) } keys %$value } if $type eq 'struct';
    return 0 + $value->value if $type =~ /^(int|i4|i8|double)$/;
    return $value->value ? JSON::PP::true : JSON::PP::false if $type eq 'boolean';
    return { date => $value->value =~ s/-//gr } if $type eq 'datetime_iso8601';
    return { base64 => encode_base64($value->value, '') } if $type eq 'base64';
    return $value->value;
}

sub tell_of {
    my ($step, $server, $method, @params) = @_;
    my $answer = $server->send_request($method, @params);
    die $answer unless ref $answer;
    my %line = (step => $step);
    if ($answer->is_fault) {
        $line{fault} = { code => 0 + $answer->code, message => $answer->string };
    } else {
        $line{value} = plain($answer);
    }
    print JSON::PP->new->utf8->encode(\%line), "\n";
    return $line{value};
}

tell_of('hello', $rpc, 'plushTestConnection');
tell_of('signature', $rpc, 'system.methodSignature', string('plushGetNode'));
tell_of('add', $rpc, 'plushAddNode', {
    hostname => string($node),
    group => string($text),
    ssh_port => RPC::XML::int->new(2222),
    preference => RPC::XML::double->new(1.5),
    lease => { id => string('l-1'), expires => RPC::XML::datetime_iso8601->new('2031-01-02T03:04:05') },
    properties => { site => string($text), empty => string(''), 'constructor' => string('x') },
});
tell_of('node', $rpc, 'plushGetNode', string($node));
tell_of('load', $rpc, 'plushLoadAppXml', RPC::XML::base64->new(encode_utf8($specification)));
tell_of('fault', $rpc, 'plushGetNode', string('nobody'));
tell_of('multicall', $rpc, 'system.multicall', [
    { methodName => string('plushTestConnection'), params => [] },
    { methodName => string('plushGetNode'), params => [string('nobody')] },
]);

my %page = (group => string('many'), limit => RPC::XML::int->new(400));
for (;;) {
    my $answer = tell_of('page', $rpc, 'plushListNodes', {%page});
    last unless defined $answer->{cursor};
    $page{cursor} = string($answer->{cursor});
}

tell_of('types', $types, 'validator1.manyTypesTest',
    RPC::XML::int->new(7), RPC::XML::boolean->new(1), string($text), RPC::XML::double->new(-0.25),
    RPC::XML::datetime_iso8601->new('2024-02-29T23:59:58'), RPC::XML::base64->new("\x00\x01\xfe\xff"));
tell_of('echo', $types, 'validator1.echoStructTest', {
    list => [RPC::XML::int->new(1), [], [string($text), { a => RPC::XML::boolean->new(0) }]],
    'a b' => { n => RPC::XML::int->new(-2147483648) },
});
