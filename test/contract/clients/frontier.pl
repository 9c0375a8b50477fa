# The calls of README.md with Perl's Frontier::Client. Usage: frontier.pl URL TYPES_URL NODE TEXT SPECIFICATION
use strict;
use warnings;
use Encode qw(decode_utf8 encode_utf8);
use Frontier::Client;
use JSON::PP;
use MIME::Base64;

my ($url, $types_url, $node, $text, $specification) = map { decode_utf8($_) } @ARGV;
my %options = (encoding => 'UTF-8', use_objects => 1);
my $rpc = Frontier::Client->new(url => $url, %options);
my $types = Frontier::Client->new(url => $types_url, %options);
# With objects a fault's number is lost in its text.
my $faulty = Frontier::Client->new(url => $url, encoding => 'UTF-8');

sub plain {
    my ($value) = @_;
    my $type = ref $value;
    return [map { plain($_) } @$value] if $type eq 'ARRAY';
    return { map { $_ => plain($value->{$_}) } keys %$value } if $type eq 'HASH';
    # Doubles come as plain scalars, all else as objects.
    return 0 + $value if $type eq '';
    my $content = $value->value;
    return 0 + $content if $type =~ /::Integer$/;
    return $content ? JSON::PP::true : JSON::PP::false if $type =~ /::Boolean$/;
    return { date => $content } if $type =~ /::DateTime::ISO8601$/;
    return { base64 => $content =~ s/\s//gr } if $type =~ /::Base64$/;
    return "$content";
}

sub tell_of {
    my ($step, $server, $method, @params) = @_;
    my $value = eval { $server->call($method, @params) };
    my %line = (step => $step);
    if (!$@) {
        $line{value} = plain($value);
    } elsif ($@ =~ /^Fault returned from XML RPC Server, fault code (-?\d+): (.*)\n$/s) {
        $line{fault} = { code => 0 + $1, message => $2 };
    } else {
        die $@;
    }
    print JSON::PP->new->utf8->encode(\%line), "\n";
    return $line{value};
}

tell_of('hello', $rpc, 'plushTestConnection');
tell_of('signature', $rpc, 'system.methodSignature', 'plushGetNode');
tell_of('add', $rpc, 'plushAddNode', {
    hostname => $node,
    group => $text,
    ssh_port => 2222,
    preference => $rpc->double(1.5),
    lease => { id => 'l-1', expires => $rpc->date_time('20310102T03:04:05') },
    properties => { site => $text, empty => '', 'constructor' => 'x' },
});
tell_of('node', $rpc, 'plushGetNode', $node);
tell_of('load', $rpc, 'plushLoadAppXml', $rpc->base64(encode_base64(encode_utf8($specification))));
tell_of('fault', $faulty, 'plushGetNode', 'nobody');
tell_of('multicall', $rpc, 'system.multicall', [
    { methodName => 'plushTestConnection', params => [] },
    { methodName => 'plushGetNode', params => ['nobody'] },
]);

my %page = (group => 'many', limit => 400);
for (;;) {
    my $answer = tell_of('page', $rpc, 'plushListNodes', {%page});
    last unless defined $answer->{cursor};
    $page{cursor} = $answer->{cursor};
}

tell_of('types', $types, 'validator1.manyTypesTest',
    7, $rpc->boolean(1), $text, $rpc->double(-0.25), $rpc->date_time('20240229T23:59:58'),
    $rpc->base64(encode_base64("\x00\x01\xfe\xff")));
tell_of('echo', $types, 'validator1.echoStructTest',
    { list => [1, [], [$text, { a => $rpc->boolean(0) }]], 'a b' => { n => -2147483648 } });
