#!/usr/bin/env bash
# Every shell script of the tree, by shellcheck (.shellcheckrc). Exit 77: it is not installed.
command -v shellcheck >/dev/null || { echo "skipped: shellcheck is not installed"; exit 77; }
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
folders=(scripts .ci tests deploy findings bench)
mapfile -t scripts < <(find "${folders[@]}" -type f -name '*.sh' && grep -rIlE '^#!.*\b(ba|da)?sh\b' --exclude='*.sh' .ci scripts)
((${#scripts[@]} > 10)) || { echo "only ${#scripts[@]} scripts found"; exit 1; }
shellcheck --format=gcc "${scripts[@]}"
