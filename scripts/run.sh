#!/usr/bin/env bash
# Runs the whole service on this machine: postofficed with everything built in, and a tester that
# sends callbacks and answers for their objects. Installs what is missing (that needs root), builds,
# and shows what happens until Ctrl-C. Arguments go to postofficed: scripts/run.sh --ttl 10s
set -uo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

build=$root/build/run
daemon_program=$build/apps/postofficed/postofficed
tester_program=$build/examples/tester/postoffice-tester
export POSTOFFICE_DATA_DIR=${POSTOFFICE_DATA_DIR:-$root/postoffice-data}
daemon=
tester=
last_status=

# The value of a setting, from postofficed's arguments, environment and config file.
setting() { awk -v name="$1" '$1 == name { print $2 }' <<<"$settings"; }

# A number out of flat JSON.
number() { sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" <<<"$last_status"; }

count_objects() {
  local body count
  body=$(page "$admin" "/objects?online=$1&limit=1000") || { echo "?"; return; }
  count=$(grep -o '"id":' <<<"$body" | wc -l)
  [[ $body == *'"next":null'* ]] && echo "$count" || echo "$count or more"
}

summary() {
  last_status=$(page "$admin" /status) || return
  echo "summary | callbacks $(number accepted_callbacks) · ids accepted $(number accepted_ids)," \
    "stored $(number stored), pending $(number pending) · objects online $(count_objects true)," \
    "offline $(count_objects false)"
}

end() {
  trap '' INT TERM
  local code=$1 daemon_code=0
  echo
  if running "$daemon"; then
    summary
    echo "stopping: fetches in flight may end (up to 5 s)"
    kill -TERM "$daemon"
  fi
  # The tester is stopped last: it is the source of objects that are still being fetched.
  if [[ -n $daemon ]]; then wait "$daemon" || daemon_code=$?; fi
  if running "$tester"; then kill -TERM "$tester"; fi
  if [[ -n $tester ]]; then wait "$tester"; fi
  sleep 0.2 # sed still has the last lines
  if [[ -n $last_status ]]; then
    echo "finished: accepted $(number accepted_callbacks) callbacks, $(number accepted_ids) ids;" \
      "data stays in $POSTOFFICE_DATA_DIR, unfinished callbacks are continued by the next run"
  fi
  if ((daemon_code != 0)); then
    echo "postofficed ended with exit code $daemon_code"
    code=$daemon_code
  fi
  exit "$code"
}

need_packages "${build_packages[@]}"
say "building"
build_preset release "$build" -DPOSTOFFICE_BUILD_TESTS=OFF -DPOSTOFFICE_BUILD_BENCH=OFF \
  -- postofficed postoffice-tester || fail "the build failed"

settings=$("$daemon_program" "$@" validate) || exit
listen=$(setting listen)
admin=$(setting admin-listen)
source_address=$(setting source)
source_address=${source_address#http://}
source_address=${source_address%%/*}

say "running: callbacks to http://$listen/callback, pages on http://$admin/; Ctrl-C stops"
trap 'end 0' INT TERM
start daemon "$daemon_program" "$@"
daemon=$!
for ((i = 0; i < 100; ++i)); do
  page "$admin" /readyz >/dev/null && break
  running "$daemon" || { sleep 0.2; end 1; }
  sleep 0.1
done
start tester "$tester_program" --target "http://$listen/callback" --listen "$source_address"
tester=$!

while running "$daemon" && running "$tester"; do
  for ((i = 0; i < 10; ++i)); do
    sleep 0.5 &
    wait $!
    if ! running "$daemon" || ! running "$tester"; then break; fi
  done
  if running "$daemon"; then summary; fi
done
echo "one of the two has ended by itself"
end 1
