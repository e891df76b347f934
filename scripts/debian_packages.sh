#!/usr/bin/env bash
# Make sure that Debian packages are there: installs the missing ones as root, else names the command.
#   bash scripts/debian_packages.sh PACKAGE ...
set -euo pipefail
[[ $# -gt 0 ]] || { sed -n '2,3s/^# //p' "${BASH_SOURCE[0]}" >&2; exit 2; }
missing=()
for package in "$@"; do
    state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
    [[ $state == installed ]] || missing+=("$package")
done
[[ ${#missing[@]} -gt 0 ]] || exit 0
if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
    echo "error: missing packages; run: sudo apt-get install ${missing[*]}" >&2
    exit 2
fi
echo "installing ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq >&2
exec apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
