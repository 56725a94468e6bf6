#!/bin/sh
# Layers point one way: a file under engine/LAYER includes only headers of its own layer and of
# those before it in the list of engine/CMakeLists.txt.  And nobody calls functions that cannot be
# called safely.
set -eu
root=$1
layers=$(sed -n 's/^set(KINDRED_LAYERS \(.*\))$/\1/p' "$root/engine/CMakeLists.txt")
[ -n "$layers" ] || { echo "engine/CMakeLists.txt names no layers"; exit 1; }
faults=0
files=0

allowed=
for layer in $layers; do
    allowed="$allowed $layer"
    for file in "$root/engine/$layer"/*.[ch] "$root/engine/$layer"/*.cc; do
        [ -e "$file" ] || continue
        files=$((files + 1))
        for used in $(sed -n 's/^#include "\([a-z]*\)\/.*/\1/p' "$file" | sort -u); do
            # Else a generated header, not a layer's.
            case " $layers " in *" $used "*) ;; *) continue ;; esac
            case " $allowed " in
            *" $used "*) ;;
            *)
                echo "$file includes $used/, which lies above $layer/"
                faults=$((faults + 1))
                ;;
            esac
        done
    done
done
[ "$files" -gt 50 ] || { echo "only $files files were looked at"; exit 1; }

# No bound (strcpy, strcat, sprintf, gets), hidden state (strtok, localtime…), or no error
# (atoi).  system() and popen() would hand file names to a shell.
banned='strcpy|strcat|sprintf|vsprintf|gets|strtok|asctime|ctime|localtime|gmtime'
banned="$banned|atoi|atol|atof|system|popen|tmpnam|mktemp|alloca"
if grep -rnE "(^|[^_[:alnum:]>.\"])($banned)\(" "$root/engine" "$root/tools" \
    --include='*.c' --include='*.h' --include='*.cc'; then
    echo "banned functions are called"
    faults=$((faults + 1))
fi

# What a library prints nobody asked for.
if grep -rnE '(^|[^_[:alnum:]])(printf|puts|perror|abort|exit)\(' "$root/engine" \
    --include='*.c' --include='*.cc' |
    grep -vE ':[[:space:]]*(/\*|\*|//)'; then
    echo "engine/ prints or ends the program"
    faults=$((faults + 1))
fi
[ "$faults" -eq 0 ] && echo "$files files of engine/ keep to their layers"
[ "$faults" -eq 0 ]
