# What the scripts share: installing packages, building. Source it; it sets $root.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

build_packages=(cmake ninja-build g++ libasio-dev node-llhttp rapidjson-dev libpq-dev
                libsqlite3-dev librabbitmq-dev libcli11-dev libspdlog-dev)
test_packages=(postgresql rabbitmq-server doctest-dev libbenchmark-dev strace curl iproute2 e2fsprogs xfsprogs)

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
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -q </dev/null &&
    # Without recommends: node-llhttp is wanted for its C sources, not for Node.js.
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
      apt-get install -q -y --no-install-recommends "${missing[@]}" </dev/null ||
    fail "the packages could not be installed"
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
