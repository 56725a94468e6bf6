#!/bin/sh
# What is installed suffices others: a program in C and in C++, against the shared and the static
# library, found by pkg-config alone, in a tree that was moved after it had been installed.  Where
# there are kindredd and kindred, its answer is the command line's.
#   test_install.sh BUILD SOURCE CMAKE CC CXX FLAGS
set -eu
build=$1 source=$2 cmake=$3 cc=$4 cxx=$5 flags=$6
folder=$(mktemp -d)
server=
trap 'if [ -n "$server" ]; then kill "$server"; wait "$server" || true; fi; rm -rf "$folder"' EXIT

fail() { echo "$*" >&2; exit 1; }

"$cmake" --install "$build" --component client --prefix "$folder/first" >/dev/null
mv "$folder/first" "$folder/moved"
prefix=$folder/moved
library=$(dirname "$(find "$prefix" -name kindred-client.pc)")
[ -n "$library" ] || fail "no kindred-client.pc was installed"
export PKG_CONFIG_PATH="$library"

# Exactly what is promised.
for file in include/kindred/client.h include/kindred/base/status.h \
    include/kindred/v1/search.pb-c.h share/kindred/proto/kindred/v1/kindred.proto \
    share/kindred/proto/grpc/health/v1/health.proto; do
    [ -f "$prefix/$file" ] || fail "$file is not installed"
done
[ ! -e "$prefix/include/kindred/v1/kindred.pb-c.h" ] || fail "a header that C++ cannot read"
shared=$(find "$prefix" -name 'libkindred-client.so')
readelf -d "$shared" | grep -q 'SONAME.*libkindred-client\.so\.[0-9]' || fail "no soname"
wrong=$(nm -D --defined-only "$shared" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' |
    grep -vE '^(kin_client_|kindred__v1__)' |
    grep -vxE 'kin_(error_clear|error_name|fail|fail_errno|status_text)' || true)
# A sanitizer has symbols of its own.
wrong=$(printf '%s' "$wrong" | grep -vE '^(__(asan|odr_asan|ubsan)|_ZN6__)' || true)
[ -z "$wrong" ] || fail "symbols that are nobody's business: $wrong"
version=$(pkg-config --modversion kindred-client)
[ "$version" = "$(sed -n 's/^project(kindred VERSION \([0-9.]*\).*/\1/p' "$source/CMakeLists.txt")" ] ||
    fail "version $version"

# Strict compilers, no other flags than pkg-config's.
strict="-Wall -Wextra -Werror -pedantic $flags"
program=$source/tests/client/external.c
# shellcheck disable=SC2046,SC2086
{
    "$cc" -std=c11 $strict "$program" -o "$folder/c" $(pkg-config --cflags --libs kindred-client)
    "$cc" -std=c17 $strict "$program" -o "$folder/static" $(pkg-config --cflags kindred-client) \
        $(pkg-config --libs --static kindred-client | sed 's/-lkindred-client/-l:libkindred-client.a/')
    cp "$program" "$folder/external.cc"
    "$cxx" -std=c++11 $strict "$folder/external.cc" -o "$folder/cc" \
        $(pkg-config --cflags --libs kindred-client)
}
ldd "$folder/static" | grep -q kindred && fail "the static program needs the shared library"
LD_LIBRARY_PATH=$(dirname "$shared")${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH
export GRPC_VERBOSITY=NONE

# Nobody listens at port 1.
for one in c static cc; do
    said=$("$folder/$one" 127.0.0.1:1 1.2) && fail "$one: a search without a server has answers"
    case $said in
    "code 14, "*) ;;
    *) fail "$one said: $said" ;;
    esac
done

bin=$build/bin
[ -x "$bin/kindredd" ] && [ -x "$bin/kindred" ] || exit 0
"$bin/kindred" -a "$folder/archive" ingest --no-reindex "$source"/data-samples/SYN-000* >/dev/null
"$bin/kindredd" --config= --archive.path="$folder/archive" --server.listen=127.0.0.1:0 \
    --http.listen=127.0.0.1:0 --port-file="$folder/port" 2>"$folder/log" &
server=$!
waited=0
until [ -s "$folder/port" ]; do
    waited=$((waited + 1))
    if [ $waited -eq 600 ] || ! kill -0 $server; then
        cat "$folder/log" >&2
        fail "kindredd does not start"
    fi
    sleep 0.1
done
address=127.0.0.1:$(sed -n 's/^grpc //p' "$folder/port")
uid=$("$bin/kindred" -a "$folder/archive" export --format ndjson | head -1 |
    sed 's/.*"sop_instance_uid":"\([0-9.]*\)".*/\1/')
wanted=$("$bin/kindred" -a "$folder/archive" search --uid "$uid" -k 3 --json |
    sed -n 's/.*"sop_instance_uid": "\([0-9.]*\)".*/\1/p' | awk '{ print NR " " $0 }')
for one in c static cc; do
    said=$("$folder/$one" "$address" "$uid")
    [ "$said" = "$wanted" ] || fail "$one said: $said, the command line: $wanted"
    said=$("$folder/$one" "$address" nobody) && fail "$one found nobody"
    case $said in
    "code 5, "*) ;;
    *) fail "$one said: $said" ;;
    esac
done
