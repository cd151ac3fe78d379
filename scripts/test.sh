#!/bin/sh
# The tests on a fresh clone: installs what they need (npm packages, Debian packages), checks format, lint and types, then
# runs every test with Node's own runner except those in test/long/.
#   sh scripts/test.sh [FILE... | long]     long: those in test/long/, which take minutes each: CI has no time for them
set -e
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"

# What the tests meet for real. A tool that stays missing makes the tests that need it skip, with the reason printed.
packages="docker-registry skopeo umoci runc iproute2 iptables erofs-utils fuse3 busybox-static debootstrap attr libcap2-bin apache2-utils xz-utils zstd python3 libarchive-tools openssl fio stress-ng zsh fish"
missing=""
if command -v dpkg-query >/dev/null 2>&1; then
  for package in $packages; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $package"
  done
fi
if [ -n "$missing" ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "shoal: installing Debian packages for the tests:$missing" >&2
    apt-get update -qq >&2
    # Services of these packages (docker-registry) must not start: the tests run their own.
    DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends $missing >&2
  else
    echo "shoal: without root and apt-get these packages stay missing, and the tests that need them skip:$missing" >&2
  fi
fi

most=1500
if [ "$*" = long ]; then
  most=3600
  set -- $(find test/long -name '*.test.ts' | sort)
elif [ $# -eq 0 ]; then
  sh scripts/with-node.sh node_modules/@biomejs/biome/bin/biome check .
  sh scripts/with-node.sh node_modules/typescript/bin/tsc --noEmit
  set -- $(find test -path test/long -prune -o -name '*.test.ts' -print | sort)
fi
# Two files at a time: each starts its own daemons, registries and workers, and the smallest machine has two cores; with
# three at a time it takes as long. A server that a failed test left open would keep its file, and with it the run, from
# ending; --test-force-exit would, too, but loses reports of tests that had ended.
limit=$(command -v timeout >/dev/null 2>&1 && echo "timeout --foreground --kill-after=30 $most" || true)
exec $limit sh scripts/with-node.sh --test --test-concurrency=2 --test-timeout=600000 "$@"
