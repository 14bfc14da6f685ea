#!/usr/bin/env bash
# RabbitMQ 3.10.8: a message-ttl policy drops nothing from a queue that held messages when it was set.
#
# When a message expires is settled when it is published, so those from before the policy never
# do. Messages are dropped at the head alone (the manual says so), so all that come behind those stay,
# too, for as long as nobody consumes: the policy looks right in every listing, and the queue grows.
# Seen with quorum and with classic queues. Once the old ones are taken, the rest is gone at once. A
# queue without messages behaves as one would think. To get rid of a backlog, purge the queue; and do
# not take a policy for harmless since nothing was dropped: it is, after the next consumer.
#
# RabbitMQ itself must be installed, in that version; a private broker is started.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
rabbitmq 3.10.8
debian 'python3-pika=1.2.0-*'
cat >"$work/client.py" <<'PY'
import os, subprocess, sys, time
import pika

channel = pika.BlockingConnection(pika.URLParameters(os.environ["POSTOFFICE_TEST_RABBIT"])).channel()
channel.confirm_delivery()

def publish(queue, body):
    for _ in range(2):
        channel.basic_publish("", queue, body, pika.BasicProperties(delivery_mode=2))

def messages(queue):
    return channel.queue_declare(queue, passive=True).method.message_count

kinds = ("quorum", "classic")
for kind in kinds:
    for queue in (kind, kind + " empty"):
        channel.queue_declare(queue, durable=True, arguments={"x-queue-type": kind})
    publish(kind, b"old")
subprocess.run([sys.argv[1], "ctl", os.environ["POSTOFFICE_TEST_BROKER"], "-q", "set_policy", "ttl", ".*",
                '{"message-ttl": 500}', "--apply-to", "queues"], check=True)
time.sleep(1)
for kind in kinds:
    publish(kind, b"new")
    publish(kind + " empty", b"new")
time.sleep(4)
for kind in kinds:
    print(f"{kind}, 2 messages before the policy of 0.5 s and 2 after it: {messages(kind)} after 4 s;",
          f"2 after it alone: {messages(kind + ' empty')}")
    taken = [channel.basic_get(kind, auto_ack=True)[2] for _ in range(2)]
    time.sleep(1)
    print(f"{kind}, when {taken} were taken: {messages(kind)}")
PY
seen=$(PYTHONPATH=$work/unpacked/usr/lib/python3/dist-packages \
  sh "$broker" run /usr/bin/python3 "$work/client.py" "$broker") || skip "no broker can be started"
echo "$seen"
for kind in quorum classic; do
  grep -q "^$kind, .*: 4 after 4 s; 2 after it alone: 0$" <<<"$seen" || changed "$kind: messages are dropped"
  grep -q "^$kind, when \[b'old', b'old'\] were taken: 0$" <<<"$seen" || changed "$kind: the rest stays"
done
