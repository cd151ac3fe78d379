/** A program that answers like Node 20 when asked for its version, and fails at anything else. */
export const OLD_NODE = '#!/bin/sh\n[ "$1" = -p ] && echo 20 && exit 0\necho "too old to run this" >&2\nexit 9\n';
