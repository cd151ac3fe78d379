#!/bin/sh
# Generates proto/generated from proto/shoal.proto. A test runs it into another folder and compares.
#   sh scripts/generate-proto.sh [FOLDER]
set -e
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
folder=${1:-proto/generated}
mkdir -p "$folder"
# encode and decode are all that is used: values are plain objects, checked by our own rules after decoding.
sh scripts/with-node.sh node_modules/protobufjs-cli/bin/pbjs -t static-module -w esm --dts --root shoal \
  --no-create --no-verify --no-convert --no-delimited --no-typeurl --force-number \
  -o "$folder/shoal.js" proto/shoal.proto
