#!/usr/bin/env bash
# Runs every test on this machine, with no other services: installs what is missing (that needs
# root), builds optimised and with sanitizers, starts a private PostgreSQL cluster for the tests and
# removes it again. Before the last run, tests must notice deliberate mistakes (tests/mutants). The
# output names skipped tests, with the reason, and tests that needed a second try
# (tests/CMakeLists.txt lists those that may have one), and ends with ctest's summary: that of the
# last failed run, if any failed.
set -uo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

presets=(asan tsan release)
mutants=$root/tests/mutants/run.py
log_of() { mkdir -p "$root/build/$1" && echo "$root/build/$1/ctest.log"; }

# Under a kernel with much address space randomisation, GCC 12's ThreadSanitizer does not start.
without_randomisation=()
if setarch "$(uname -m)" -R true 2>/dev/null; then
  without_randomisation=(setarch "$(uname -m)" -R)
fi

# Notes of this kind that tests wrote in their output: "<test> (<preset>): <what>".
told() {
  local kind=$1 preset
  for preset in "${presets[@]}"; do
    awk -v kind="$kind" -v preset="$preset" '
      /^[0-9]+\/[0-9]+ Testing: / { name = $3 }
      index($0, kind ": ") == 1 { print name " (" preset "): " substr($0, length(kind) + 3) }
    ' "$root/build/$preset/Testing/Temporary/LastTest.log"
  done 2>/dev/null | sort -u
}

# Tests that ctest calls skipped although they gave no reason.
skipped_silently() {
  local preset name
  for preset in "${presets[@]}"; do
    sed -nE 's/.*Test +#[0-9]+: ([a-z0-9_]+) \.*\*\*\*Skipped.*/\1/p' "$(log_of "$preset")" |
      while read -r name; do
        grep -qF "$name ($preset): " <<<"$1" || echo "$name ($preset): no reason given"
      done
  done
}

# What the summary does not show: a case that did not run is not one that passed.
tell_of_tests() {
  local skipped again
  skipped=$(told skipped; sed -n 's/^skipped: //p' "$(log_of clang-tidy)")
  skipped=$(printf '%s\n%s' "$skipped" "$(skipped_silently "$skipped")" | sed '/^$/d')
  again=$(told "second try")
  [[ -z $again ]] || say "passed or failed at the second try:"$'\n'"$again"
  [[ -z $skipped ]] || say "skipped, $(wc -l <<<"$skipped") in all:"$'\n'"$skipped"
  [[ -n $skipped$again ]]
}

# One more than there are processors: tests wait four tenths of the time, also with sanitizers.
tests_at_once=$(($(nproc) + 1))

# The output after the last line of progress.
summary_of() { awk '/% tests passed/ { found = 1 } found' "$(log_of "$1")"; }

test_the_tests() {
  say "testing the tests"
  "$mutants" 2>&1 | tee "$(log_of mutants)"
}

# Runs clang-tidy while tests with sanitizers wait, so that it takes no extra time, and before the
# tests that measure.
begin_clang_tidy() {
  nice -n 19 "$root/tests/tidy/clang_tidy.py" "$root/build/release" >"$(log_of clang-tidy)" 2>&1 \
    </dev/null &
  clang_tidy=$!
}

end_clang_tidy() {
  say "clang-tidy"
  wait "$clang_tidy"
  local code=$?
  cat "$(log_of clang-tidy)"
  ((code == 0 || code == 77))
}

run_tests() {
  cd "$root" || exit
  local preset failed=()
  begin_clang_tidy
  for preset in "${presets[@]}"; do
    if [[ $preset == release ]]; then
      end_clang_tidy || failed+=(clang-tidy)
      test_the_tests || failed+=(mutants)
    fi
    say "testing: $preset"
    "${without_randomisation[@]}" ctest --preset "$preset" --no-tests=error \
      --parallel "$tests_at_once" </dev/null 2>&1 | tee "$(log_of "$preset")" || failed+=("$preset")
  done
  if ((!${#failed[@]})); then
    if tell_of_tests; then say "all passed"; summary_of release; fi
    return 0
  fi
  tell_of_tests
  for preset in "${failed[@]}"; do
    say "failed: $preset"
    [[ $preset == mutants ]] && { grep -v ' caught: ' "$(log_of mutants)"; continue; }
    [[ $preset == clang-tidy ]] && { cat "$(log_of clang-tidy)"; continue; }
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
# With precompiled headers: the test package_add_subdirectory builds the library without them. With
# sanitizers, several files are compiled as one, which halves the time for the library.
for preset in "${presets[@]}"; do
  say "building: $preset"
  unity=()
  [[ $preset == release ]] || unity=(-DPOSTOFFICE_UNITY=ON)
  build_preset "$preset" "$root/build/$preset" -DPOSTOFFICE_BUILD_TESTS=ON \
    -DPOSTOFFICE_PRECOMPILE=ON "${unity[@]}" -- ||
    fail "the build of the preset $preset failed"
done
say "building: mutants"
"$mutants" --build || fail "the build with mutants failed"
exec "$root/tests/support/postgres_cluster.sh" run bash "$root/scripts/test.sh" run-tests
