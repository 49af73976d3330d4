# Completion of poolmark for bash: commands, options, names, configurations and folders of runs.
#
#   . completions/poolmark.bash       for this shell; or copy it, under the name `poolmark`, into
#                                     ~/.local/share/bash-completion/completions
#
# scripts/check-docs.sh looks that each option of `poolmark list options` occurs here.
# shellcheck shell=bash

# Options that are keys of a configuration too, and those of the command line alone; with an argument, and
# without one.
_poolmark_keys='--title --source --claim --workload --tasks --backends --schedules --dispatch --chunks --workers
    --ranks --bind --launches --reps --precision --precision-of --retakes --scale --cell-timeout --cell --seed --max-seconds
    --max-cells --info'
_poolmark_switches='--calibrate --fresh --oversubscribe --bind-strict --trace --record-host'
_poolmark_others='--out --resume --only --set --format --color'
_poolmark_other_switches='--dry-run --quiet --help'

# Completes the last item of a comma-separated list from words: _poolmark_list WORDS CURRENT
_poolmark_list() {
    local before=
    [[ $2 != *,* ]] || before=${2%,*},
    mapfile -t COMPREPLY < <(compgen -P "$before" -W "$1" -- "${2##*,}")
    compopt -o nospace 2>/dev/null
}

_poolmark_words() {
    mapfile -t COMPREPLY < <(compgen -W "$1" -- "$2")
}

# Files that end in .ini, and folders on the way: _poolmark_files CURRENT
_poolmark_files() {
    mapfile -t COMPREPLY < <(compgen -f -X '!*.ini' -- "$1"; compgen -d -- "$1")
    compopt -o filenames 2>/dev/null
}

# Folders of runs, else any folder. Nothing typed yet: those under results/.
_poolmark_runs() {
    local manifest
    COMPREPLY=()
    for manifest in "$1"*/manifest.json results/"$1"*/manifest.json; do
        [[ ! -e $manifest ]] || COMPREPLY+=("${manifest%/manifest.json}")
    done
    [ ${#COMPREPLY[@]} -gt 0 ] || mapfile -t COMPREPLY < <(compgen -d -- "$1")
    compopt -o filenames 2>/dev/null
}

# Names of the experiments of the files on the command line.
_poolmark_experiments() {
    local word files=()
    for word in "${COMP_WORDS[@]}"; do
        [[ $word != *.ini || ! -r $word ]] || files+=("$word")
    done
    [ ${#files[@]} -eq 0 ] || sed -n 's/^\[ *\([^] ]*\) *\].*/\1/p' "${files[@]}" 2>/dev/null | grep -vx defaults
}

# The value of an option: _poolmark_value OPTION CURRENT
_poolmark_value() {
    case $1 in
    --workload) _poolmark_words 'null sleep burn square' "$2" ;;
    --backends) _poolmark_list 'seq procpool openmp openmp:gomp openmp:llvm mpi hybrid' "$2" ;;
    --schedules)
        _poolmark_list 'static dynamic pool guided guided-llvm fsc mfsc tss fac fac2 tap fiss viss tfss pls rnd wf
            awf-b awf-c awf-d awf-e af bold steal auto taskloop tasks' "$2"
        ;;
    --dispatch) _poolmark_list 'auto native ticket ranges master master-only rma twolevel static' "$2" ;;
    --chunks) _poolmark_list 'auto' "$2" ;;
    --workers) _poolmark_list 'usable cores 1..usable' "$2" ;;
    --ranks) _poolmark_list 'auto all' "$2" ;;
    --bind) _poolmark_words 'none close spread' "$2" ;;
    --precision-of) _poolmark_words 'speedup time' "$2" ;;
    --only) _poolmark_list "$(_poolmark_experiments)" "$2" ;;
    --format) _poolmark_words 'text csv json' "$2" ;;
    --color) _poolmark_words 'auto always never' "$2" ;;
    --resume) _poolmark_runs "$2" ;;
    --out)
        mapfile -t COMPREPLY < <(compgen -d -- "$2")
        compopt -o filenames 2>/dev/null
        ;;
    --set)
        local keys="$_poolmark_keys $_poolmark_switches"
        mapfile -t COMPREPLY < <(compgen -S = -W "${keys//--/}" -- "$2")
        compopt -o nospace 2>/dev/null
        ;;
    *) COMPREPLY=() ;;
    esac
}

_poolmark() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        _poolmark_words 'run report plot compare validate doctor where list --help --version' "$current"
        return
    fi
    # --option=value comes as three words where bash breaks words at '='.
    if [ "$current" = = ]; then
        current=
    elif [ "$previous" = = ]; then
        previous=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    case $command in
    run | where)
        case " ${_poolmark_keys//$'\n'/ } $_poolmark_others " in
        *" $previous "*) _poolmark_value "$previous" "$current" ;;
        *)
            if [[ $current == -* ]]; then
                _poolmark_words "$_poolmark_keys $_poolmark_switches $_poolmark_others $_poolmark_other_switches" \
                    "$current"
            else
                _poolmark_files "$current"
            fi
            ;;
        esac
        ;;
    report | plot)
        if [ "$command" = report ] && [ "$previous" = --format ]; then
            _poolmark_words 'text csv json' "$current"
        elif [[ $current == -* ]]; then
            _poolmark_words "$([ "$command" = plot ] || echo --format) --help" "$current"
        else
            _poolmark_runs "$current"
        fi
        ;;
    validate)
        if [ "$previous" = --format ]; then
            _poolmark_words 'text json' "$current"
        elif [[ $current == -* ]]; then
            _poolmark_words '--format --help' "$current"
        else
            _poolmark_runs "$current"
        fi
        ;;
    doctor)
        if [ "$previous" = --format ]; then
            _poolmark_words 'text json' "$current"
        else
            _poolmark_words '--aa --aa-seconds --format --help' "$current"
        fi
        ;;
    compare)
        case $previous in
        --format | --color) _poolmark_value "$previous" "$current" ;;
        --baselines) _poolmark_value --out "$current" ;;
        --fail-above | --save) ;;
        *)
            if [[ $current == -* ]]; then
                _poolmark_words '--fail-above --format --color --save --force --baselines --help' "$current"
            else
                _poolmark_runs "$current"
            fi
            ;;
        esac
        ;;
    list)
        if [ "$COMP_CWORD" -eq 2 ]; then
            _poolmark_words 'workloads backends schedules dispatches experiments options fields baselines --help' "$current"
        elif [ "${COMP_WORDS[2]}" = experiments ]; then
            _poolmark_files "$current"
        fi
        ;;
    esac
}

complete -F _poolmark poolmark
