#!/usr/bin/env bash
# Runs every test, on this machine and with nothing but it: installs what is missing (that needs
# root), builds optimised and with sanitizers, starts a private PostgreSQL cluster for the tests and
# removes it again. Before the last run, tests must notice mistakes made on purpose (tests/mutants).
# The output ends with ctest's summary: of the last failed run, if any failed.
set -uo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

presets=(asan tsan release)
mutants=$root/tests/mutants/run.py
log_of() { echo "$root/build/$1/ctest.log"; }

# Under a kernel with much address space randomisation, GCC 12's ThreadSanitizer does not start.
without_randomisation=()
if setarch "$(uname -m)" -R true 2>/dev/null; then
  without_randomisation=(setarch "$(uname -m)" -R)
fi

# Real disks, brokers and clocks take part: a stall of a second that is not ours would fail a test
# that promises an answer within one. So each test may be tried twice, and what needed that is named.
second_tries() {
  local preset
  for preset in "${presets[@]}"; do
    sed -nE "s/.*Test +#[0-9]+: ([a-z0-9_]+) \\.*\\*\\*\\*(Failed|Timeout).*/\1 ($preset)/p" "$(log_of "$preset")"
  done
}

# One more than there are processors: four tenths of the time tests wait, with sanitizers, too.
tests_at_once=$(($(nproc) + 1))

# What follows the last line of progress.
summary_of() { awk '/% tests passed/ { found = 1 } found' "$(log_of "$1")"; }

test_the_tests() {
  say "testing the tests"
  "$mutants" 2>&1 | tee "$(log_of mutants)"
}

run_tests() {
  cd "$root" || exit
  local preset failed=()
  for preset in "${presets[@]}"; do
    [[ $preset == release ]] && { test_the_tests || failed+=(mutants); }
    say "testing: $preset"
    "${without_randomisation[@]}" ctest --preset "$preset" --no-tests=error --parallel "$tests_at_once" \
      --repeat until-pass:2 </dev/null 2>&1 | tee "$(log_of "$preset")" || failed+=("$preset")
  done
  if ((!${#failed[@]})); then
    local again
    again=$(second_tries)
    [[ -z $again ]] || { say "passed at the second try:"$'\n'"$again"; summary_of release; }
    return 0
  fi
  for preset in "${failed[@]}"; do
    say "failed: $preset"
    [[ $preset == mutants ]] && { grep -v ' caught: ' "$(log_of mutants)"; continue; }
    summary_of "$preset"
  done
  return 1
}

# Called back by the cluster's script, which keeps the cluster as long as this runs.
if [[ ${1:-} == run-tests ]]; then
  run_tests
  exit
fi

need_packages "${build_packages[@]}" "${test_packages[@]}"
# With precompiled headers: the test package_add_subdirectory builds the library without them.
for preset in "${presets[@]}"; do
  say "building: $preset"
  build_preset "$preset" "$root/build/$preset" -DPOSTOFFICE_BUILD_TESTS=ON \
    -DPOSTOFFICE_PRECOMPILE=ON -- ||
    fail "the build of the preset $preset failed"
done
say "building: mutants"
"$mutants" --build || fail "the build with mutants failed"
exec "$root/tests/support/postgres_cluster.sh" run bash "$root/scripts/test.sh" run-tests
