#!/bin/sh
# A program that decodes through workers links no decoding library.
set -eu
found=$(ldd "$1" | grep -E 'libdcm|libofstd|libopenjp2|libtiff|libpng|libjpeg|libzstd' || true)
if [ -n "$found" ]; then
    echo "kin_decoder drags in decoding libraries:" "$found"
    exit 1
fi
ldd "$1" | grep -q libc.so # ldd did its work
