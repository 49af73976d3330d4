#!/usr/bin/env bash
# Holds the directions of the house: who may include whom. Prints file:line and the rule that is broken,
# and exits with 1 when there is one.
#
#   scripts/check-includes.sh [ROOT]      ROOT holds src/ (default: the project)
set -u
cd "${1:-$(dirname "$0")/..}" || exit 2

# A folder under src/ may include itself and those named after it.
folders='
base
record    base
topo      base
work      base
sched     base
stats     base
procpool  base sched
cell      base record topo work sched procpool
model     base record work sched stats
run       base record topo work sched stats model
report    base record stats model
cli       base record topo work sched stats model run report
'

# A library's headers (shell patterns) may be included from these files alone.
libraries='
mpi.h               src/cell/mpi*.[ch] src/cell/ranks*.[ch] src/cell/hybrid*.[ch]
omp.h               src/cell/openmp.c src/cell/hybrid.c
hwloc.h|hwloc/*     src/topo/*
gsl/*               src/stats/* src/model/*
jansson.h           src/record/* src/cell/* src/run/* src/cli/*
ini.h               src/run/* src/cli/*
'

# Made by the Makefile; stands in no folder.
made='build_info.h'

broken=0

complain() {
    echo "$1: $2"
    broken=$((broken + 1))
}

# check_own PLACE FILE HEADER: an include in quotes.
check_own() {
    local place=$1 folder=${2#src/} header=$3 target allowed
    folder=${folder%%/*}
    target=${header%%/*}
    [ "$header" != "$made" ] || return 0
    case $header in
    *..*)
        complain "$place" "\"$header\" climbs; headers are named from src/, as \"base/err.h\""
        return
        ;;
    */*) ;;
    *)
        complain "$place" "\"$header\" names no folder; headers are named from src/, as \"base/err.h\""
        return
        ;;
    esac
    if ! allowed=$(awk -v f="$folder" '$1 == f { $1 = $1; found = 1; print } END { exit !found }' <<<"$folders"); then
        complain "$place" "src/$folder is not in the table of scripts/check-includes.sh"
    elif [[ " $allowed " != *" $target "* ]]; then
        complain "$place" "\"$header\" breaks the direction: $folder may include only ${allowed// /, }"
    fi
}

# check_library PLACE FILE HEADER: any include; those of libraries are in angle brackets, mostly.
check_library() {
    local place=$1 file=$2 header=$3 patterns files pattern allowed
    while read -r patterns files; do
        [ -n "$patterns" ] || continue
        # Patterns are compared, not expanded.
        # shellcheck disable=SC2053
        for pattern in ${patterns//|/ }; do
            [[ $header == $pattern ]] || continue
            for allowed in $files; do
                [[ $file != $allowed ]] || return
            done
            complain "$place" "<$header> may be included from $files alone"
            return
        done
    done <<<"$libraries"
}

set -f # patterns stay patterns
while IFS=: read -r file line text; do
    [[ $text =~ ^[[:space:]]*\#[[:space:]]*include[[:space:]]*([<\"])([^>\"]*)[\>\"] ]] || continue
    header=${BASH_REMATCH[2]}
    if [ "${BASH_REMATCH[1]}" = '"' ]; then
        check_own "$file:$line" "$file" "$header"
    fi
    check_library "$file:$line" "$file" "$header"
done < <(grep -rn --include='*.[ch]' '^[[:space:]]*#[[:space:]]*include' src | sort -t: -k1,1 -k2,2n)

[ "$broken" -eq 0 ]
