#!/usr/bin/env bash
# Checks the models of the protocols between processes (tests/models/*.pml) with spin.
#
#   scripts/check-models.sh [--long]      --long also checks what takes minutes
#
# Each model is searched as a whole, in several sizes: for states in which an assertion fails, in which all
# have come to rest and work is left, and (live) for runs that never come to rest though every process gets
# its turns. Then defects are put in, one at a time (BUG in the model says which), and each must be found:
# a model that cannot fail says nothing.
#
# Prints one line a search; what failed shows the report and, where there is one, the end of the trail. A
# search that was not complete is a failure, and so is one in which the judge, who looks when all rest,
# never looked. The last line is "N passed, M failed"; the exit status is 0 only when none failed.
#
# Environment: CC.
set -u
cd "$(dirname "$0")/.." || exit 2

# Searches that must find nothing: model | kind | what it is | definitions.
# Kinds: safe, live, long (safe, with --long alone).
holds='
ticket | safe | 3 workers, 1 death                 | -DWORKERS=3 -DBLOCKS=2 -DSTOPS=0
ticket | safe | 2 workers, 2 deaths, a stop        | -DWORKERS=2 -DDEATHS=2
ticket | safe | 2 workers, 1 death, longer ledgers | -DWORKERS=2 -DENTRIES=2 -DBLOCKS=4
ticket | safe | 2 workers, 1 death, two jobs       | -DWORKERS=2 -DOTHER=1 -DSTOPS=0
ticket | live | 2 workers, 1 death                 | -DWORKERS=2
ticket | long | 3 workers, 1 death, more blocks    | -DWORKERS=3 -DBLOCKS=3
range  | safe | 3 workers, 1 death                 | -DWORKERS=3 -DFIRST_BLOCK=2 -DITEMS=3
range  | safe | 2 workers, 2 deaths                | -DWORKERS=2 -DDEATHS=2 -DFIRST_BLOCK=3 -DITEMS=5
range  | safe | 2 workers, two jobs                | -DWORKERS=2 -DDEATHS=0 -DOTHER=1 -DFIRST_BLOCK=2 -DITEMS=2
range  | live | 2 workers, 1 death                 | -DWORKERS=2 -DFIRST_BLOCK=2 -DITEMS=3
range  | live | 3 workers                          | -DWORKERS=3 -DDEATHS=0 -DFIRST_BLOCK=2 -DITEMS=3
range  | long | 3 workers, 1 death, more items     | -DWORKERS=3 -DFIRST_BLOCK=2 -DITEMS=4
range  | long | 3 workers, 2 deaths                | -DWORKERS=3 -DDEATHS=2 -DFIRST_BLOCK=2 -DITEMS=2
finish | safe | 3 workers                          | -DWORKERS=3 -DDEATHS=0
finish | safe | 2 workers, 1 death                 | -DWORKERS=2
finish | live | 2 workers, 1 death                 | -DWORKERS=2 -DCOMINGS=0
finish | long | 3 workers, 1 death                 | -DWORKERS=3 -DCOMINGS=0
sleep  | safe | 2 workers, 1 death                 | -DWORKERS=2
sleep  | long | 3 workers                          | -DWORKERS=3 -DDEATHS=0
sleep  | live | 2 workers, 1 death, 1 job          | -DWORKERS=2 -DJOBS=1
sleep  | long | 2 workers, 2 deaths, 1 job         | -DWORKERS=2 -DDEATHS=2 -DJOBS=1 -DMEET=0
'

# Searches that must find something: model | kind | what is put in | definitions.
fails='
ticket | safe | the lost block is not looked for              | -DBUG=1 -DWORKERS=2
ticket | safe | accounting without waiting                    | -DBUG=2 -DWORKERS=2
ticket | safe | leaving without settling                      | -DBUG=3 -DWORKERS=2 -DENTRIES=2 -DBLOCKS=4
ticket | safe | accounted not looked at again                 | -DBUG=4 -DWORKERS=2
ticket | safe | seats not looked at again                     | -DBUG=5 -DWORKERS=2 -DOTHER=1 -DSTOPS=0
ticket | safe | the living in the window not waited for       | -DBUG=6 -DWORKERS=2
ticket | safe | next read too late                            | -DBUG=7 -DWORKERS=2
ticket | safe | the entry being written is read               | -DBUG=8 -DWORKERS=2
ticket | safe | a visit elsewhere is not seen                 | -DBUG=9 -DWORKERS=2 -DOTHER=1 -DSTOPS=0
range  | safe | cutting without the lock                      | -DBUG=1 -DFIRST_BLOCK=2 -DITEMS=2
range  | safe | the thief does not look again                 | -DBUG=2 -DWORKERS=2
range  | safe | the owner does not look again                 | -DBUG=3 -DWORKERS=2
range  | safe | a steal is not undone                         | -DBUG=4 -DWORKERS=2
range  | safe | the loot changes hands too early              | -DBUG=5 -DWORKERS=2
range  | safe | an undone steal wakes nobody                  | -DBUG=6 -DDEATHS=2 -DFIRST_BLOCK=2 -DITEMS=2
range  | safe | the job of the victim not looked at again     | -DBUG=7 -DWORKERS=2 -DDEATHS=0 -DOTHER=1
range  | safe | locks of the dead are not freed               | -DBUG=8 -DWORKERS=2
range  | safe | the lock of the dead is freed too early       | -DBUG=9 -DFIRST_BLOCK=2 -DITEMS=2
range  | live | nothing of the loot in hand                   | -DBUG=10 -DWORKERS=2
finish | safe | one look at the seats                         | -DBUG=1 -DWORKERS=3 -DDEATHS=0 -DCOMINGS=0
finish | safe | looking before saying so                      | -DBUG=2 -DWORKERS=2 -DDEATHS=0
finish | safe | at no job while looking                       | -DBUG=3 -DWORKERS=2 -DDEATHS=0
finish | safe | coming without looking again                  | -DBUG=4 -DWORKERS=2 -DDEATHS=0
finish | safe | nobody leaves for the dead                    | -DBUG=5 -DWORKERS=2
finish | safe | the parent sleeps without comparing           | -DBUG=6 -DWORKERS=2 -DDEATHS=0
sleep  | safe | the generation is read too late               | -DBUG=1 -DDEATHS=0
sleep  | safe | the parent looks who sleeps too early         | -DBUG=2 -DDEATHS=0
sleep  | safe | spinners counted twice                        | -DBUG=3 -DDEATHS=0
sleep  | safe | a death calls nobody                          | -DBUG=4
sleep  | safe | the phase is read too late                    | -DBUG=5 -DDEATHS=0
sleep  | safe | the end of the last job calls nobody          | -DBUG=6 -DDEATHS=0
sleep  | safe | the epoch of first stays                      | -DBUG=7
'

most_mb=3000
most_depth=50000

long=
case ${1-} in
'') ;;
--long) long=yes most_mb=12000 ;;
*)
    echo 'usage: scripts/check-models.sh [--long]' >&2
    exit 2
    ;;
esac
for tool in spin "${CC:-cc}"; do
    if ! command -v "${tool%% *}" >/dev/null; then
        echo "check-models: $tool is absent (scripts/setup.sh check installs it)" >&2
        exit 2
    fi
done

work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

passed=0 failed=0

# search MODEL KIND OPTIMISATION DEFINITIONS...: the report of the search in $log; fails where there is none.
search() {
    local model=$1 kind=$2 optimisation=$3 flags=(-DSAFETY) how=()
    shift 3
    if [ "$kind" = live ]; then
        flags=(-DNP -DNFAIR=3)
        how=(-l -f)
    fi
    rm -rf "$work/run"
    mkdir "$work/run"
    log=$work/run/log
    {
        cp "tests/models/$model.pml" "$work/run" && cd "$work/run" && spin -a "$@" "$model.pml" &&
            ${CC:-cc} "$optimisation" -w "${flags[@]}" -DMEMLIM="$most_mb" -o pan pan.c &&
            ./pan -m"$most_depth" "${how[@]}"
    } >"$log" 2>&1 </dev/null
    local status=$?
    cd "$OLDPWD" || exit 2
    return "$status"
}

found_nothing() {
    grep -q 'errors: 0$' "$log" && ! grep -q -e 'Search not completed' -e 'depth too small' -e 'truncated' "$log" &&
        grep -A 1 'unreached in proctype judge' "$log" | grep -q '(0 of'
}

states() {
    sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' "$log" | head -n 1
}

fail() {
    failed=$((failed + 1))
    echo "$1: FAILED"
    grep -v '^Depth=' "$log" | sed 's/^/    /' | head -n 60
    if [ -e "$work/run/$2.pml.trail" ]; then
        (cd "$work/run" && spin -t -p "${@:3}" "$2.pml" 2>&1) | tail -n 150 | sed 's/^/    /'
    fi
}

# Calls "$1 MODEL KIND WHAT DEFINITIONS..." for each row of the table $2.
each_row() {
    local model kind what definitions
    while IFS='|' read -r model kind what definitions; do
        [ -n "$model" ] || continue
        # shellcheck disable=SC2086,SC2116
        "$1" ${model// /} ${kind// /} "$(echo $what)" $definitions
    done <<<"$2"
}

must_hold() {
    local name="$1, $3"
    case $2 in
    long) [ -n "$long" ] || return ;;
    live) name+=', live' ;;
    esac
    if search "$1" "$2" -O1 "${@:4}" && found_nothing; then
        passed=$((passed + 1))
        echo "$name: $(states) states, no errors"
    else
        fail "$name" "$1" "${@:4}"
    fi
}

must_fail() {
    local name="$1, $3"
    search "$1" "$2" -O0 "${@:4}"
    if grep -q 'errors: 1$' "$log" && ! grep -q 'depth too small' "$log"; then
        passed=$((passed + 1))
        echo "$name: refuted as it must be"
    else
        fail "$name" "$1" "${@:4}"
    fi
}

each_row must_hold "$holds"
each_row must_fail "$fails"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
