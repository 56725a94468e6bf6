# shellcheck shell=bash
# Building one tree, sourced by tools/demo and tools/check. Both run from the repository's root.

# build_tree FOLDER [CMAKE-OPTION...]: configures where needed and builds with Ninja. Ninja sees
# changed sources and CMake files by itself; a changed FAISS (new processor, compiler or version) or
# ONNX Runtime, other options and new layers (each is configured if its CMakeLists.txt exists) ask for
# a fresh configuration.
build_tree() {
    local folder=$1 wanted
    shift
    wanted="$(tools/faiss-prefix) $(tools/onnxruntime-prefix 2>/dev/null || true) $*"
    wanted+=" $(find bench engine proto tests tools -name CMakeLists.txt | sort)"
    if [ ! -f "$folder/build.ninja" ] ||
        [ "$(cat "$folder/.configured-for" 2>/dev/null)" != "$wanted" ]; then
        mkdir -p "$folder"
        if ! cmake --fresh -S . -B "$folder" -G Ninja "$@" >"$folder/configure.log" 2>&1; then
            tail -n 40 "$folder/configure.log" >&2
            echo "CMake could not configure $folder (whole log: $folder/configure.log)." \
                "If a library is missing, tools/setup should name it: please report it." >&2
            return 1
        fi
        printf '%s\n' "$wanted" >"$folder/.configured-for"
    fi
    if ! cmake --build "$folder"; then
        echo "The build in $folder failed; the compiler's message is above." >&2
        return 1
    fi
}
