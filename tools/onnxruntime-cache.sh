# shellcheck shell=bash
# Where ONNX Runtime, which runs users' networks, lives on a machine whose Debian has none. Sourced
# by tools/setup, which fetches it, and by tools/onnxruntime-prefix, which finds it.
# Needs kindred_cache() of faiss-cache.sh.

# npm's package onnxruntime-node holds the shared libraries for x64 and arm64, and this is its
# digest: a later version is a deliberate change of both. Any 1.21 or later would do.
ONNXRUNTIME_VERSION=1.30.0
ONNXRUNTIME_SHA512=b7086cd42d82fc1164cf5c9ce4e634288536194aba0d444eee10f86f1e50d90c
ONNXRUNTIME_SHA512+=b79c0309c115d6f31537355733136f5503d96894b3987a9a03f1f8d318e7c8ab

# The C header is in Debian 13's package libonnxruntime-dev: its interface is stable.
ONNXRUNTIME_HEADER_SUITE=trixie

# Prints the folder of this machine's, fetched or not.
onnxruntime_prefix() {
    printf '%s/onnxruntime-%s-%s\n' "$(kindred_cache)" "$ONNXRUNTIME_VERSION" "$(uname -m)"
}

# True if the folder ($1) holds all that Kindred uses, else prints what is missing.
onnxruntime_complete() {
    local file
    for file in lib/libonnxruntime.so.1 include/onnxruntime_c_api.h; do
        [ -f "$1/$file" ] || { echo "missing: $1/$file" && return 1; }
    done
}

# True where the system has its own (Debian 13's libonnxruntime-dev).
onnxruntime_of_system() {
    [ -f /usr/include/onnxruntime/onnxruntime_c_api.h ]
}
