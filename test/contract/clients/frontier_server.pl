# Receives Plush's callbacks with Perl's Frontier::Daemon; prints each call. Usage: frontier_server.pl PORT
use strict;
use warnings;
use Frontier::Daemon;
use Frontier::RPC2;
use JSON::PP;

$| = 1;
my @names = qw(sendPlanetLabSlices sendSliceNodes sendApplicationExit sendHostStatus sendBlockStatus sendResourceMatching);
my %methods = map {
    my $name = $_;
    $name => sub {
        print JSON::PP->new->utf8->encode({ method => $name, params => [@_] }), "\n";
        return Frontier::RPC2::Boolean->new(1);
    }
} @names;
Frontier::Daemon->new(LocalAddr => '127.0.0.1', LocalPort => $ARGV[0], ReuseAddr => 1, methods => \%methods)
    or die "No server: $!";
