#!/usr/bin/env bash
# Runs random histories of the whole pipeline on a simulated machine, on all cores:
#   scripts/simulate.sh [HISTORIES] [FIRST_SEED]      (default: 1000000, seed of the moment)
#   Each history follows from its seed alone; a failure is printed with the command that repeats it.
set -uo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

histories=${1:-1000000}
first=${2:-$(date +%s)0000}
[[ $histories =~ ^[1-9][0-9]*$ && $first =~ ^[0-9]+$ ]] || fail "usage: simulate.sh [HISTORIES] [FIRST_SEED]"

need_packages "${build_packages[@]}" doctest-dev
build_preset release "$root/build/release" -DPOSTOFFICE_BUILD_TESTS=ON -DPOSTOFFICE_BUILD_BENCH=OFF -- \
  simulation_test >/dev/null || fail "the build failed"

# In parts, to show the progress.
part=10000
run_from() {
  local seed=$1 left=$2 failed=0
  for (( ; left > 0; left -= part, seed += part)); do
    POSTOFFICE_SEED=$seed POSTOFFICE_HISTORIES=$((left < part ? left : part)) \
      "$root/build/release/tests/simulation/simulation_test" --no-intro |
      grep -E "ERROR|histories"
    ((PIPESTATUS[0])) && failed=1
  done
  return $failed
}

cores=$(nproc)
each=$(((histories + cores - 1) / cores))
say "$((each * cores)) histories from seed $first on $cores cores"
running=()
for ((core = 0; core < cores; ++core)); do
  run_from $((first + core * each)) $each &
  running+=($!)
done
failed=0
for process in "${running[@]}"; do wait "$process" || failed=1; done
if ((failed)); then say "a history broke a promise: see above"; else say "no history broke a promise"; fi
exit $failed
