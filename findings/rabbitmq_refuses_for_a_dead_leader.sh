#!/usr/bin/env bash
# RabbitMQ 3.10.8: where a node of a cluster has just died, a channel may be refused every message to a
# quorum queue, for as long as that channel lives.
#
# The queue has room, another node leads it, and other channels are served. The first message of a
# channel to a queue registers the channel with the queue's leader, at the node that was on record
# when the message came. If that node is down the message is refused: a nack, which means "the queue is
# full" everywhere else. The next one asks the same node. Who connects again at once when a node dies,
# as clients do, gets such a channel. It makes no difference whether the queue may refuse at all
# (x-overflow). So nacks that do not end are a reason to open another channel, not only to wait.
#
# RabbitMQ itself must be installed, in that version; a private cluster of three is started.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
rabbitmq 3.10.8
debian 'python3-pika=1.2.0-*'
cat >"$work/client.py" <<'PY'
import subprocess, sys, time
import pika

script, first, last = sys.argv[1:4]
urls = sys.argv[4:6]  # of the first node, and of the one that dies
kinds = {"reject-publish": {"x-overflow": "reject-publish"}, "drop-head": {}}

def connect(url):
    return pika.BlockingConnection(pika.URLParameters(url))

def taken(channel, queue):
    try:
        channel.basic_publish("", queue, b"x", pika.BasicProperties(delivery_mode=2))
        return True
    except pika.exceptions.NackError:
        return False

def confirming(connection):
    channel = connection.channel()
    channel.confirm_delivery()
    return channel

# Where the client is connected is where the leader is.
dying = connect(urls[1]).channel()
for kind, arguments in kinds.items():
    dying.queue_declare(kind, durable=True, arguments={"x-queue-type": "quorum", **arguments})
time.sleep(2)
connection = connect(urls[0])
at_once = {kind: confirming(connection) for kind in kinds}
later = {kind: confirming(connection) for kind in kinds}
subprocess.run(["sh", script, "kill", last], check=True)
first_try = {kind: taken(at_once[kind], kind) for kind in kinds}
time.sleep(10)
for kind in kinds:
    again = [taken(at_once[kind], kind) for _ in range(5)]
    other = [taken(later[kind], kind) for _ in range(5)]
    depth = connect(urls[0]).channel().queue_declare(kind, passive=True).method.message_count
    print(f"{kind}: the first message after the node died {'taken' if first_try[kind] else 'refused'};",
          f"10 s later {again.count(False)} of 5 refused on that channel,",
          f"{other.count(False)} of 5 on another; {depth} messages are in the queue")
PY
end_cluster() {
  for node in 2 1 0; do sh "$broker" remove "$work/node$node" >/dev/null 2>&1 || true; done
  clean_up
}
trap end_cluster EXIT
chmod 755 "$work"
first=$(sh "$broker" start "$work/node0") || skip "no broker can be started"
sh "$broker" join "$work/node1" "$work/node0" >/dev/null || skip "no cluster can be made"
last=$(sh "$broker" join "$work/node2" "$work/node0") || skip "no cluster can be made"
seen=$(PYTHONPATH=$work/unpacked/usr/lib/python3/dist-packages \
  /usr/bin/python3 "$work/client.py" "$broker" "$work/node0" "$work/node2" "$first" "$last")
echo "$seen"
for kind in reject-publish drop-head; do
  grep -q "^$kind: .* died refused; 10 s later 5 of 5 refused on that channel, 0 of 5 on another" \
    <<<"$seen" || changed "$kind"
done
