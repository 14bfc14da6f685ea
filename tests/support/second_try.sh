#!/usr/bin/env bash
# second_try.sh <test> [argument…]: runs it, and once more if its checks failed (exit code 1). What a
# sanitizer finds, a crash or a hang is no stall of the machine, and counts at once.
for sanitizer in ASAN UBSAN LSAN TSAN; do
  options=${sanitizer}_OPTIONS
  export "$options=${!options:+${!options}:}exitcode=66"
done
"$@"
code=$?
((code == 1)) || exit "$code"
echo "second try: the first one failed, see above"
exec "$@"
