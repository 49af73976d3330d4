#!/usr/bin/env bash
# Looks whether the documents keep up with the program: prints what each lacks, and exits with 1 when
# something is missing, with 2 when there is no program to ask.
#
#   scripts/check-docs.sh [PROGRAM]      PROGRAM: default ./poolmark
#
#   - each option: in the man page, in a table of docs/configuration.md, and in the completion
#   - each command: in the man page and the completion
#   - each workload, backend, schedule and dispatch: in docs/configuration.md and the completion
#   - each column: in a table of docs/results.md, under the heading of its file
#   - each file that README.md names, and each file that a page links to: there
#   - each public function, field, state and code of procpool.h: in man/procpool.3 and docs/procpool.md;
#     each number in brackets there: a row of the table in docs/procpool.md
#   - the man pages: without warnings, where man is installed
set -u
cd "$(dirname "$0")/.." || exit 2

program=${1:-./poolmark}
man=man/poolmark.1
configuration=docs/configuration.md
results=docs/results.md
completion=completions/poolmark.bash
header=src/procpool/procpool.h
pool_man=man/procpool.3
pool_page=docs/procpool.md
missing=0

miss() {
    printf '%s\n' "$*" >&2
    missing=$((missing + 1))
}

# Whether a file holds a text that stands by itself, not as part of a longer name: holds FILE BEFORE NAME
holds() {
    grep -qE -- "$2${3//./\\.}([^A-Za-z0-9_-]|\$)" "$1"
}

if [ ! -x "$program" ]; then
    echo "check-docs: $program is not there; run make first" >&2
    exit 2
fi
for file in README.md CHANGELOG.md $man $configuration $results $completion $header $pool_man $pool_page; do
    [ -r "$file" ] || miss "$file: is not there"
done
[ "$missing" -eq 0 ] || exit 1

# --- options, commands, names ---------------------------------------------------------------------

while read -r option; do
    holds $man '^\.It Fl Fl ' "$option" || miss "$man: lacks the option --$option"
    holds $configuration '^\| `(--)?' "$option" || miss "$configuration: lacks the key $option"
    holds $completion '--' "$option" || miss "$completion: lacks the option --$option"
done < <("$program" list options | sed -n 's/^\([a-z][a-z-]*\) .*/\1/p')

while read -r command; do
    holds $man '^\.It Cm ' "$command" || miss "$man: lacks the command $command"
    holds $completion '(^|[ (])' "$command" || miss "$completion: lacks the command $command"
done < <("$program" --help | sed -n 's/^  \([a-z][a-z]*\)  *.*/\1/p' | grep -vx poolmark)

for what in workloads backends schedules dispatches; do
    while read -r name; do
        holds $configuration '`' "$name" || miss "$configuration: lacks $name of $what"
        holds $completion "[ ']" "$name" || miss "$completion: lacks $name of $what"
    done < <("$program" list $what | sed '/^$/q' | sed -n 's/^\([a-z][a-z0-9:-]*\) .*/\1/p' | grep -vx none)
done

# --- columns --------------------------------------------------------------------------------------

# The part of docs/results.md under the heading of a file.
part_of() {
    local heading="## $1"
    [ "$1" != point ] || heading='## Columns of a point'
    awk -v heading="$heading" '/^## / { inside = $0 == heading } inside' $results
}

while read -r file column; do
    grep -qE -- "^\| [^|]*\`$column\`" <(part_of "$file") || miss "$results: lacks the column $column of $file"
done < <("$program" list fields | awk '{ print $1, $2 }')

# --- the library ----------------------------------------------------------------------------------

# What the header declares, a line each, as "function NAME", "field NAME" or "constant NAME". A line of the
# header may hold several declarations and a declaration several lines, so blanks and semicolons decide.
declared() {
    awk '
    { text = text $0 "\n" }
    END {
        while (at = index(text, "/*")) {
            n = index(substr(text, at + 2), "*/")
            text = substr(text, 1, at - 1) " " substr(text, at + n + 3)
        }
        n_lines = split(text, lines, "\n")
        text = ""
        for (i = 1; i <= n_lines; i++) {
            if (lines[i] !~ /^#/)
                text = text " " lines[i]
            else if (match(lines[i], /^#define PROCPOOL_[A-Z0-9_]+ /))
                print "constant", substr(lines[i], 9, RLENGTH - 9)
        }
        gsub(/extern "C" \{/, "", text)
        gsub(/__attribute__\(\(format\([^)]*\)\)\)/, "", text)
        while (match(text, /[;{}]/)) {
            part = substr(text, 1, RSTART - 1)
            mark = substr(text, RSTART, 1)
            text = substr(text, RSTART + 1)
            if (mark == "{")
                inside = part ~ /enum/ ? "enum" : "struct"
            else if (inside == "enum" && mark == "}") {
                while (match(part, /PROCPOOL_[A-Z0-9_]+/)) {
                    print "constant", substr(part, RSTART, RLENGTH)
                    part = substr(part, RSTART + RLENGTH)
                }
            } else if (inside == "struct" && mark == ";") {
                sub(/\[.*/, "", part)
                if (match(part, /\(\*[a-z0-9_]+\)/))
                    print "field", substr(part, RSTART + 2, RLENGTH - 3)
                else if (match(part, /[a-z0-9_]+ *$/))
                    print "field", substr(part, RSTART, RLENGTH)
            } else if (match(part, /procpool_[a-z0-9_]+\(/))
                print "function", substr(part, RSTART, RLENGTH - 1)
            if (mark == "}")
                inside = ""
        }
    }' $header | sort -u
}

while read -r kind name; do
    case $kind in
    function) holds $pool_man '^\.Fo ' "$name" || miss "$pool_man: lacks the function $name" ;;
    field) holds $pool_man '^\.It Va (.* )?' "$name" || miss "$pool_man: lacks the field $name" ;;
    constant) holds $pool_man '^\.(It Dv|Dv|Fd #define) ' "$name" || miss "$pool_man: lacks the constant $name" ;;
    esac
    holds $pool_page '`' "$name" || miss "$pool_page: lacks the $kind $name"
done < <(declared)

while read -r row; do
    grep -qF "| $row |" $pool_page || miss "$pool_page: has no row $row, which $header names"
done < <(grep -oE '(^| )\[[0-9]+(, [0-9]+)*\]' $header | tr -d '[] ' | tr ',' '\n' | sort -un | sed 's/.*/[&]/')

# --- files ----------------------------------------------------------------------------------------

# Words that look like files of the project. What is made by a run or by make need not be there.
named_in_readme() {
    grep -oE '[A-Za-z0-9_./-]+' README.md | sed 's/[.]*$//' |
        grep -E '^(\./)?(\.ci|articles|completions|configs|docs|man|plots|scripts|src|tests)/.|^[A-Za-z-]+\.(md|cff)$|^LICENSE$' |
        sort -u
}

while read -r file; do
    [ -e "$file" ] || miss "README.md: names $file, which is not there"
done < <(named_in_readme)

for page in README.md CHANGELOG.md docs/*.md; do
    while read -r link; do
        target=${link%%#*}
        [ -n "$target" ] || target=$(basename "$page")
        target=$(dirname "$page")/$target
        if [ ! -e "$target" ]; then
            miss "$page: links to $link, which is not there"
        elif [[ $link == *'#'* ]] &&
            ! sed -n 's/^##* //p' "$target" | tr '[:upper:] ' '[:lower:]-' | tr -cd 'a-z0-9_\n-' | grep -qx -- "${link#*#}"; then
            miss "$page: links to $link, and there is no such heading"
        fi
    done < <(grep -oE '\]\([^)]*\)' "$page" | sed 's/^](//; s/)$//' | grep -vE '^(https?|mailto):')
done

# --- the man pages --------------------------------------------------------------------------------

if command -v man >/dev/null 2>&1; then
    for page in $man $pool_man; do
        warnings=$(LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -E UTF-8 -l "$page" 2>&1 >/dev/null)
        [ -z "$warnings" ] || miss "$page: $warnings"
    done
fi

[ "$missing" -eq 0 ] || exit 1
