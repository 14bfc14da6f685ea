# Sends callbacks on one kept-alive connection; writes the median time of an answer in milliseconds.
use strict;
use warnings;
use HTTP::Tiny;
use Time::HiRes qw(time);

my ($url, $count) = @ARGV;
my $client = HTTP::Tiny->new(keep_alive => 1, no_proxy => ['127.0.0.1']);
my @times;
for my $number (1 .. $count) {
  my $begun = time;
  my $answer = $client->post($url, {content => "{\"object_ids\":[$number]}"});
  push @times, time - $begun;
  die $answer->{content} if $answer->{status} != 202;
}
@times = sort { $a <=> $b } @times;
print $times[@times / 2] * 1000, "\n";
