#!/usr/bin/env bash
# Measures each stage in turn with a physical minimum or another program for comparison. Writes
# docs/bench/ (a table, and the figures as JSON), the table of docs/benchmarks.md, and all samples
# and pictures into build/bench/. Installs what is missing (that needs root) and builds the preset
# release.
#
#   scripts/bench.sh [--quick] [--pairs N] [--flush-delay MS] [--output DIR] [stage…]
#
# Stages: parse journal ingress core fetch store end_to_end broker; all by default. --flush-delay
# 0.2, 1 or 5 adds that many milliseconds to every flush of the queue, and in the stage store to
# those of PostgreSQL, since one virtual disk's time for a flush says little about other disks.
# POSTOFFICE_BENCH_DIRECTORY names the disk to use.
set -uo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

all_stages=(parse journal ingress core fetch store end_to_end broker)
stages=()
for argument in "$@"; do
  for stage in "${all_stages[@]}"; do
    [[ $argument == "$stage" ]] && stages+=("$stage")
  done
done
((${#stages[@]})) || stages=("${all_stages[@]}")

packages=(python3 libbenchmark-dev)
targets=() options=(-DPOSTOFFICE_BUILD_BENCH=ON)
for stage in "${stages[@]}"; do
  case $stage in
    parse)
      packages+=(libsimdjson-dev doctest-dev) options+=(-DPOSTOFFICE_BUILD_TESTS=ON)
      targets+=(parser_bench http_callback_json_test)
      ;;
    journal)
      packages+=(wrk postgresql)
      targets+=(journal_bench recovery_bench floor_fdatasync upsert_bench bench_ingress_server
        bench_floor_epoll)
      ;;
    ingress)
      packages+=(wrk nginx-light strace)
      targets+=(bench_ingress_server bench_floor_epoll postofficed postoffice-tester)
      ;;
    core)
      packages+=(doctest-dev) options+=(-DPOSTOFFICE_BUILD_TESTS=ON)
      targets+=(core_bench memory_bench pipeline_long_run_test)
      ;;
    fetch)
      packages+=(golang-go)
      targets+=(fetch_bench follow_bench cold_bench postoffice-tester)
      ;;
    store) packages+=(postgresql) targets+=(upsert_bench expiry_bench slow_flush postofficed) ;;
    end_to_end) packages+=(postgresql) targets+=(end_to_end_bench postofficed) ;;
    broker)
      packages+=(postgresql rabbitmq-server wrk)
      targets+=(rabbit_bench postofficed postoffice-tester)
      ;;
  esac
done

need_packages "${build_packages[@]}" "${packages[@]}"
say "building"
build=$root/build/release
build_preset release "$build" "${options[@]}" -- "${targets[@]}" ||
  fail "the build failed"
exec python3 "$root/bench/suite" --build "$build" "$@"
