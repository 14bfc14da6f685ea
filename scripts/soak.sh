#!/usr/bin/env bash
# Runs the real daemon on a private PostgreSQL server and injects one fault after another:
#   scripts/soak.sh [MINUTES] [SECONDS_BETWEEN_FAULTS]      (default: 30 20)
# Ends with a line of what was done; 1: a promise was broken. The seed it prints, in
# POSTOFFICE_TEST_SEED, repeats the choice of faults.
set -uo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

minutes=${1:-30}
between=${2:-20}
[[ $minutes =~ ^[1-9][0-9]*$ && $between =~ ^[1-9][0-9]*$ ]] ||
  fail "usage: soak.sh [MINUTES] [SECONDS_BETWEEN_FAULTS]"

need_packages "${build_packages[@]}" postgresql doctest-dev
build_preset release "$root/build/release" -DPOSTOFFICE_BUILD_TESTS=ON -DPOSTOFFICE_BUILD_BENCH=OFF -- \
  soak >/dev/null || fail "the build failed"

say "$minutes minutes, a fault every $between s or so"
POSTOFFICE_SOAK_SECONDS=$((minutes * 60)) POSTOFFICE_SOAK_BETWEEN=$between \
  exec "$root/build/release/tests/fault/fault_soak_test" --no-intro
