#!/usr/bin/env bash
# Runs every test, on this machine and with nothing but it: installs what is missing (that needs
# root), builds optimised and with sanitizers, starts a private PostgreSQL cluster for the tests and
# removes it again. Before the last run, mistakes are planted and tests must notice them. The output
# ends with ctest's summary: of the last failed run, if any failed.
set -uo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

presets=(asan tsan release)
planted_bugs=$root/tests/planted/planted_bugs.sh
log_of() { echo "$root/build/$1/ctest.log"; }

# Under a kernel with much address space randomisation, GCC 12's ThreadSanitizer does not start.
without_randomisation=()
if setarch "$(uname -m)" -R true 2>/dev/null; then
  without_randomisation=(setarch "$(uname -m)" -R)
fi

# What follows the last line of progress.
summary_of() { awk '/% tests passed/ { found = 1 } found' "$(log_of "$1")"; }

test_the_tests() {
  say "testing the tests"
  "$planted_bugs" "$root/build/planted" 2>&1 | tee "$(log_of planted)"
}

run_tests() {
  cd "$root" || exit
  local preset failed=()
  for preset in "${presets[@]}"; do
    [[ $preset == release ]] && { test_the_tests || failed+=(planted); }
    say "testing: $preset"
    "${without_randomisation[@]}" ctest --preset "$preset" --no-tests=error --parallel "$(nproc)" \
      </dev/null 2>&1 | tee "$(log_of "$preset")" || failed+=("$preset")
  done
  ((${#failed[@]})) || return 0
  for preset in "${failed[@]}"; do
    say "failed: $preset"
    [[ $preset == planted ]] && { grep -v ' caught: ' "$(log_of planted)"; continue; }
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
say "building: planted"
mapfile -t targets < <("$planted_bugs" --targets)
build_preset planted "$root/build/planted" -- "${targets[@]}" ||
  fail "the build of the preset planted failed"
exec "$root/tests/support/postgres_cluster.sh" run bash "$root/scripts/test.sh" run-tests
