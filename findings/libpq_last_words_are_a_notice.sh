#!/usr/bin/env bash
# libpq 15: why the server ended an idle session is told by a notice alone, and only to who asks PQisBusy.
#
# A client that waits for its socket calls PQconsumeInput when there is something to read. If
# idle_session_timeout ends the session, PQconsumeInput fails in the end, and PQerrorMessage says
# "server closed the connection unexpectedly", which it says of a crash, too. The server's own words,
# with 57P05, were read but not looked at: PQisBusy, called after each PQconsumeInput though no query
# is under way, hands them to the notice receiver. They never get into PQerrorMessage. A client that
# calls PQexec on the dead session finds them there, before those words.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
debian 'postgresql-15=15.*' 'postgresql-client-15=15.*' 'libpq5=15.*'
postgres_server
sql -c 'select version()'
cat >"$work/client.py" <<'PY'
import select, sys
from libpq import pq, receiver

def end_of_session(what_to_do):
    notices = []
    take = receiver(lambda _, result: notices.append(pq.PQresultErrorField(result, ord("C")).decode()))
    session = pq.PQconnectdb(sys.argv[1].encode())
    pq.PQsetNoticeReceiver(session, take, None)
    pq.PQclear(pq.PQexec(session, b"set idle_session_timeout = '300ms'"))
    alive = True
    while alive:
        if not select.select([pq.PQsocket(session)], [], [], 10)[0]:
            sys.exit("the session does not end")
        alive = what_to_do(session)
    lines = pq.PQerrorMessage(session).decode().split("\n")
    pq.PQfinish(session)
    return f"notices {notices}, message {[line for line in lines if line and not line.startswith(chr(9))]}"

def consume(session):
    return pq.PQconsumeInput(session)

def consume_and_ask(session):
    alive = pq.PQconsumeInput(session)
    pq.PQisBusy(session)
    return alive

def execute(session):
    pq.PQclear(pq.PQexec(session, b"select 1"))
    return False

print("PQconsumeInput:", end_of_session(consume))
print("PQconsumeInput, PQisBusy:", end_of_session(consume_and_ask))
print("PQexec:", end_of_session(execute))
PY
seen=$(PYTHONPATH=$findings python3 "$work/client.py" "$conninfo")
echo "$seen"
closed="server closed the connection unexpectedly"
grep -qF "PQconsumeInput: notices [], message ['$closed']" <<<"$seen" || changed "PQconsumeInput alone tells more"
grep -qF "PQconsumeInput, PQisBusy: notices ['57P05'], message ['$closed']" <<<"$seen" ||
  changed "with PQisBusy it is told otherwise"
grep -q "^PQexec: .*FATAL:  terminating connection due to idle-session timeout', '$closed'" <<<"$seen" ||
  changed "PQexec tells it otherwise"
