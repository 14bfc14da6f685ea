#!/bin/bash
# Puts programs and exactly what they need into an empty directory, as the root of an image without a
# shell: their shared libraries, the certificates that TLS trusts, names for the user 10001, and the
# licences of all that is copied or compiled in.
#   assemble.sh DIRECTORY PROGRAM…
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
target=$1
shift

# Their code is in the programs, as headers or sources.
compiled_in=(libasio-dev node-llhttp rapidjson-dev libcli11-dev libspdlog-dev)

put() { install -D -m "$1" "$2" "$target/$3"; }

# The Debian packages of files, one a line. /lib and /usr/lib are one directory, and dpkg knows each
# file by one of the names: "libpq5:amd64: /usr/lib/x86_64-linux-gnu/libpq.so.5".
packages_of() {
  local path spelling spellings=() owners owner
  for path in "$@"; do spellings+=("$path" "$(realpath "$path")" "/usr$path" "${path#/usr}"); done
  owners=$(dpkg-query -S "${spellings[@]}" 2>/dev/null | grep -v '^diversion' || true)
  for path in "$@"; do
    owner=
    for spelling in "$path" "$(realpath "$path")" "/usr$path" "${path#/usr}"; do
      owner+=$(grep -m 1 -F ": $spelling" <<<"$owners" | cut -d : -f 1 || true)
      [[ -z $owner ]] || break
    done
    [[ -n $owner ]] || { echo "no package has $path" >&2; return 1; }
    echo "$owner"
  done
}

libraries_of() { ldd "$@" | grep -oE '/[^ :]+\.so[^ :]*' | sort -u; }

mkdir -p "$target"/{tmp,etc,usr/lib/ssl}
chmod 1777 "$target/tmp"
for program in "$@"; do put 0755 "$program" "usr/local/bin/$(basename "$program")"; done
mapfile -t libraries < <(libraries_of "$@")
for library in "${libraries[@]}"; do put 0755 "$(realpath "$library")" "$library"; done

put 0644 /etc/ssl/certs/ca-certificates.crt etc/ssl/certs/ca-certificates.crt
ln -s /etc/ssl/certs/ca-certificates.crt "$target/usr/lib/ssl/cert.pem"  # where OpenSSL looks
printf 'root:x:0:0::/:/\npostoffice:x:10001:10001::/var/lib/postoffice:/\n' >"$target/etc/passwd"
printf 'root:x:0:\npostoffice:x:10001:\n' >"$target/etc/group"
printf 'hosts: files dns\n' >"$target/etc/nsswitch.conf"

put 0644 "$here/LICENSE" usr/share/doc/postoffice/copyright
packages=$(packages_of "${libraries[@]}")
for package in $(printf '%s\n' "$packages" "${compiled_in[@]}" ca-certificates | sort -u); do
  put 0644 "$(realpath "/usr/share/doc/$package/copyright")" "usr/share/doc/$package/copyright"
done
cp -rL /usr/share/common-licenses "$target/usr/share/"  # the copyright files refer to them
