#!/usr/bin/env bash
# Compiles lib/ with clang's thread safety analysis (-Wthread-safety): what is GUARDED_BY a mutex is
# touched with it held only. Nothing is built. Needs clang and a configured build directory, of which
# it reads compile_commands.json.
#
#   scripts/check_thread_safety.sh [build directory]      build/release unless given
set -uo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

build=${1:-$root/build/release}
commands=$build/compile_commands.json
[[ -e $commands ]] || fail "$build is not configured"
need_packages clang python3

# One line each: the file, and the flags that clang has to know of how it is compiled.
list_files() {
  python3 - "$commands" "$root/lib/" <<'PYTHON'
import json, shlex, sys

for entry in json.load(open(sys.argv[1])):
    if not entry["file"].startswith(sys.argv[2]):
        continue
    words, flags = iter(shlex.split(entry["command"])), []
    for word in words:
        if word in ("-isystem", "-I"):
            flags += [word, next(words)]
        elif word.startswith(("-I", "-D", "-std=")):
            flags.append(word)
    print(shlex.join([entry["file"], *flags]))
PYTHON
}

mapfile -t files < <(list_files)
((${#files[@]})) || fail "no file of lib/ in $commands"
say "thread safety of ${#files[@]} files"
printf '%s\n' "${files[@]}" |
  xargs -P "$(nproc)" -d '\n' -I '{}' \
    sh -c 'clang++ -fsyntax-only -Wno-everything -Wthread-safety -Werror=thread-safety {}' ||
  fail "clang sees members that are touched without their mutex"
