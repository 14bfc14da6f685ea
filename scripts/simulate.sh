#!/usr/bin/env bash
# Runs random histories of the whole pipeline on a simulated machine, on all cores:
#   scripts/simulate.sh [HISTORIES] [FIRST_SEED]      (default: 1000000, seed of the moment)
# Each history follows from its seed alone; what goes wrong is printed with the line that repeats it.
set -uo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

histories=${1:-1000000}
first=${2:-$(date +%s)0000}
[[ $histories =~ ^[1-9][0-9]*$ && $first =~ ^[0-9]+$ ]] || fail "usage: simulate.sh [HISTORIES] [FIRST_SEED]"

need_packages "${build_packages[@]}" doctest-dev
build_preset release "$root/build/release" -DPOSTOFFICE_BUILD_TESTS=ON -DPOSTOFFICE_BUILD_BENCH=OFF -- \
  simulation_test >/dev/null || fail "the build failed"

cores=$(nproc)
each=$(((histories + cores - 1) / cores))
say "$((each * cores)) histories from seed $first on $cores cores"
running=()
for ((core = 0; core < cores; ++core)); do
  POSTOFFICE_SEED=$((first + core * each)) POSTOFFICE_HISTORIES=$each \
    "$root/build/release/tests/simulation/simulation_test" --no-intro &
  running+=($!)
done
failed=0
for process in "${running[@]}"; do wait "$process" || failed=1; done
exit $failed
