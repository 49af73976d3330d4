#!/usr/bin/env bash
# Looks whether the documents keep up with the program: prints what each lacks, and exits with 1 when
# something is missing, with 2 when there is no program to ask.
#
#   scripts/check-docs.sh [PROGRAM]      PROGRAM: default ./poolmark
#
#   - each option: in the man page, in a table of docs/configuration.md, and in the completion
#   - each command: in the man page and the completion
#   - each workload, backend and schedule: in docs/configuration.md and the completion
#   - each column: in a table of docs/results.md, under the heading of its file
#   - each file that README.md names, and each file that a page links to: there
#   - the man page: without warnings, where man is installed
set -u
cd "$(dirname "$0")/.." || exit 2

program=${1:-./poolmark}
man=man/poolmark.1
configuration=docs/configuration.md
results=docs/results.md
completion=completions/poolmark.bash
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
for file in README.md CHANGELOG.md $man $configuration $results $completion; do
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

for what in workloads backends schedules; do
    while read -r name; do
        holds $configuration '`' "$name" || miss "$configuration: lacks $name of $what"
        holds $completion "[ ']" "$name" || miss "$completion: lacks $name of $what"
    done < <("$program" list $what | sed -n 's/^\([a-z][a-z0-9]*\) .*/\1/p')
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

# --- the man page ---------------------------------------------------------------------------------

if command -v man >/dev/null 2>&1; then
    warnings=$(LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -E UTF-8 -l $man 2>&1 >/dev/null)
    [ -z "$warnings" ] || miss "$man: $warnings"
fi

[ "$missing" -eq 0 ] || exit 1
