# shellcheck shell=bash disable=SC2034 # variables are for those who source it
# What the scripts share: installing packages, building. Source it; it sets $root.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

build_packages=(cmake ninja-build g++ libasio-dev node-llhttp rapidjson-dev libpq-dev
                libsqlite3-dev librabbitmq-dev libssl-dev libcli11-dev libspdlog-dev
                pkg-config libsystemd-dev)
test_packages=(postgresql rabbitmq-server openssl doctest-dev libbenchmark-dev strace curl iproute2 e2fsprogs
               xfsprogs python3 python3-yaml python3-jsonschema shellcheck clang-tidy
               systemd logrotate mandoc  # units, log files and the manual page are checked by these tools
               ca-certificates           # the image has them
               chromium chromium-driver  # the live page is tried in a browser
               prometheus                # for promtool, and alerts that really fire
               # The software around Postoffice that tests/field uses.
               btrfs-progs pgbouncer pgpool2 gunicorn python3-httpx nodejs nginx-light haproxy apache2 varnish caddy)

say() { printf '\n== %s\n' "$*"; }

fail() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

installed() {
  [[ $(dpkg-query -W -f '${Status}' "$1" 2>/dev/null) == "install ok installed" ]]
}

# Installs those of the given Debian packages that are missing. Needs root only if any is.
need_packages() {
  if ! command -v apt-get >/dev/null; then
    echo "This is no Debian: make sure that the equivalents of these packages are installed: $*"
    return
  fi
  local missing=() package
  for package in "$@"; do
    installed "$package" || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  say "installing ${missing[*]}"
  local as_root=()
  if ((EUID != 0)); then
    command -v sudo >/dev/null ||
      fail "these packages are missing, and installing them needs root: ${missing[*]}"
    echo "Installing packages needs root: sudo may ask for your password."
    as_root=(sudo)
  fi
  # Servers among them are not started: tests start their own, and servers of this machine may use
  # the ports.
  local policy=/usr/sbin/policy-rc.d own_policy=
  if [[ ! -e $policy ]]; then
    own_policy=yes
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod +x "$policy"
  fi
  local done=yes
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -q </dev/null &&
    # Without recommends: node-llhttp is needed for its C sources, not for Node.js.
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
      apt-get install -q -y --no-install-recommends "${missing[@]}" </dev/null || done=
  [[ -z $own_policy ]] || "${as_root[@]}" rm -f "$policy"
  [[ -n $done ]] || fail "the packages could not be installed"
}

# Configures and builds: build_preset <preset> <directory> [cmake options…] -- [targets…]
build_preset() {
  local preset=$1 directory=$2 options=()
  shift 2
  while (($#)) && [[ $1 != -- ]]; do
    options+=("$1")
    shift
  done
  shift
  if command -v ccache >/dev/null; then
    options+=(-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  fi
  (cd "$root" && cmake --preset "$preset" -B "$directory" "${options[@]}") &&
    cmake --build "$directory" --parallel "$(nproc)" ${1:+--target "$@"}
}

# Prints the body of http://<address><path>, if there is one; bash needs no other program for that.
page() {
  local address=$1 host=${1%:*} answer
  host=${host#[}
  {
    exec 3<>"/dev/tcp/${host%]}/${address##*:}" || return 1
  } 2>/dev/null
  printf 'GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "$2" "$address" >&3
  answer=$(cat <&3)
  exec 3>&-
  [[ $answer == "HTTP/1.1 200 "* ]] && printf '%s' "${answer#*$'\r\n\r\n'}"
}

running() { [[ -n $1 ]] && kill -0 "$1" 2>/dev/null; }

# start <name> <command…>: in the background, in a process group of its own, so that Ctrl-C reaches
# only the script, which then stops things in order. Lines get the name as a prefix; the process
# that adds it must survive Ctrl-C, too.
start() {
  local name=$1
  shift
  set -m
  "$@" > >(trap '' INT TERM; exec sed -u "s/^/$name | /") 2>&1 &
  set +m
}
