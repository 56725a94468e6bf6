# shellcheck shell=bash
# Where this machine's FAISS lives. Sourced by tools/setup, which builds it, and by
# tools/faiss-prefix, which finds it, so that both always mean the same folder.

# Debian 12's source package. Another version is a deliberate change: the C API, the bridge
# and the index files' format all depend on it.
FAISS_VERSION=1.7.3-2

# Raise this when the way FAISS is built changes (options, patches), so that caches follow.
FAISS_RECIPE=1

# The folder that holds everything Kindred keeps outside its repository.
kindred_cache() {
    printf '%s\n' "${KINDRED_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/kindred}"
}

# What the machine code depends on: the processor (its name and instruction sets, once, not
# once a core, and no clock rates, which change by the second), the compiler and the recipe.
# "Features", "implementer" and "part" are what ARM calls them.
faiss_machine() {
    local fields='vendor_id|model name|cpu family|model|stepping|flags|Features'
    fields+='|CPU (implementer|part|variant|architecture)'
    sed -nE "/^($fields)[[:space:]]*:/p" /proc/cpuinfo | sort -u
    uname -m
    c++ --version | head -n 1
    echo "recipe $FAISS_RECIPE"
}

# Prints the prefix for this machine, built or not. Needs a C++ compiler.
faiss_prefix() {
    local key
    key=$(faiss_machine | sha256sum) || return 1
    printf '%s/faiss-%s-%s\n' "$(kindred_cache)" "$FAISS_VERSION" "${key:0:12}"
}

# True if the prefix ($1) holds all that Kindred uses, else prints what is missing. Debian's binary
# package is the warning: it has the C API's headers and none of its code.
faiss_complete() {
    local file
    for file in lib/libfaiss.so lib/libfaiss_c.so include/faiss/c_api/Index_c.h \
        include/faiss/c_api/index_factory_c.h include/faiss/c_api/index_io_c.h \
        include/faiss/Index.h include/faiss/IndexIVF.h include/faiss/IndexHNSW.h \
        include/faiss/impl/IDSelector.h; do
        [ -f "$1/$file" ] || { echo "missing: $1/$file" && return 1; }
    done
}
