#!/usr/bin/env bash
# Do the tests notice? Switches on the bugs listed in README.md, one after the other, and expects
# the test named beside each to fail; without a bug, each of those tests must pass.
#   planted_bugs.sh [--real] <build directory> [bug…]     runs the bugs (all)
#   planted_bugs.sh [--real] --targets                    prints what must be built
# With --real it is those of real_parts.md, in the tests of the real daemon: minutes instead of
# seconds, one after the other.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
list=README.md at_once=$(nproc)
seconds=60  # a test that takes longer hangs: that counts as noticed
if [[ ${1:-} == --real ]]; then
  list=real_parts.md at_once=1 seconds=600
  shift
fi
limit=${POSTOFFICE_PLANTED_SECONDS:-$seconds}

# One line per bug: its name and the command that notices it, [VARIABLE=value…] program [options…].
table() { awk -F'|' '/^\| `/ { gsub(/[` ]*(^|$)[` ]*/, "", $2); gsub(/`/, "", $4); print $2, $4 }' "$here/$1"; }

# Every bug that can be switched on is in a table, and the other way round.
compare_lists() {
  diff <(sed -n 's/^  bug(\([a-z_]*\)).*/\1/p' "$here/../../lib/planted_bug.hpp" | sort) \
    <((table README.md && table real_parts.md) | cut -d' ' -f1 | sort -u) || {
    echo "lib/planted_bug.hpp (<) and the tables of tests/planted (>) name different bugs"
    return 1
  }
}

# Sets variables and command from the words of a table line.
parse() {
  variables=() command=()
  local word
  for word in "$@"; do
    if ((!${#command[@]})) && [[ $word == *=* ]]; then
      variables+=("$word")
    else
      command+=("$word")
    fi
  done
}

# Called for each line of work, at the same time as others: run_one <directory> <bug> <command…>
run_one() {
  local build=$1 bug=$2 program status how begun=$EPOCHREALTIME log
  shift 2
  parse "$@"
  program=$(find "$build/tests" -type f -name "${command[0]}" -perm -u+x | head -1)
  [[ $program ]] || { echo "${command[0]} is not built" && return 1; }
  log=$(mktemp)
  env "${variables[@]}" ${bug:+"POSTOFFICE_PLANTED_BUG=$bug"} timeout -k 5 "$limit" "$program" \
    "${command[@]:1}" >"$log" 2>&1 </dev/null
  status=$?
  local took=$(((${EPOCHREALTIME/./} - ${begun/./}) / 100000))
  took=$((took / 10)).$((took % 10))
  case $status in
    0) how=passed ;;
    124 | 137) how="hung" ;;
    1) how=failed ;;
    *) how="died ($status)" ;;
  esac
  if [[ $bug == none ]]; then
    printf '%-32s %-52s %s in %s s\n' "no bug" "$*" "$how" "$took"
    ((status == 0)) || cat "$log"
  else
    ((status)) && how="caught: $how in $took s" || how="NOT CAUGHT in $took s"
    printf '%-32s %-52s %s\n' "$bug" "$*" "$how"
  fi
  rm -f "$log"
  [[ $bug == none ]] && return "$status"
  ((status))
}

case ${1:-} in
  --targets)
    table "$list" | tr ' ' '\n' | grep -E '^[a-z_]+_tests?$' | sort -u
    exit
    ;;
  --one)
    shift
    run_one "$@"
    exit
    ;;
  '') sed -n '2,7s/^# *//p' "$0" && exit 2 ;;
esac

build=$1
shift
compare_lists || exit 1
work=$(table "$list" | while read -r bug words; do
  [[ $# == 0 || " $* " == *" $bug "* ]] && echo "$bug $words"
done)
[[ $work ]] || { echo "no such bug: $*" && exit 2; }
clean=$(cut -d' ' -f2- <<<"$work" | sort -u | sed 's/^/none /')
echo "$(wc -l <<<"$work") planted bugs:"
export POSTOFFICE_PLANTED_SECONDS=$limit
printf '%s\n' "$clean" "$work" | sed "s|.*|--one $build &|" |
  xargs -P "$at_once" -L 1 bash "${BASH_SOURCE[0]}" || {
  echo "a planted bug was not caught, or a test fails without one"
  exit 1
}
echo "all caught"
