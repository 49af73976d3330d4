#!/usr/bin/env bats
# The figure scripts by themselves, on synthetic inputs: a picture in both forms, and not a word.

load helpers

setup_figures() {
    PATH=$real_path
    command -v gnuplot >/dev/null || skip 'gnuplot is not installed'
}

# draw SCRIPT INPUT EXPERIMENT
draw() {
    run_split 0 gnuplot -e "home='$root/plots'; input='$root/tests/golden/figures/$2'; experiment='$3'; \
        output='$1'; caption='synthetic'; usable=4" "$root/plots/$1.gp"
    [ -z "$output$stderr" ] || complain "$1: $output$stderr"
    [ "$(head -c 8 "$1.png" | od -An -tx1 | tr -d ' \n')" = 89504e470d0a1a0a ] || complain "$1.png is no PNG"
    grep -q '</svg>' "$1.svg" || complain "$1.svg is not whole"
}

@test "figures over workers name each backend that was measured" {
    setup_figures
    for script in speedup efficiency time; do
        draw "$script" summary.csv synthetic
        for backend in procpool openmp; do
            grep -q "$backend" "$script.svg" || complain "$script.svg lacks $backend"
        done
    done
}

@test "the figure over chunks and that of the articles are drawn" {
    setup_figures
    draw chunks summary.csv synthetic-chunks
    grep -q 'procpool' chunks.svg
    draw articles articles.csv ''
    grep -q 'S15' articles.svg
}

@test "an experiment without rows gives a picture that says so" {
    setup_figures
    draw speedup summary.csv nobody
    grep -q 'no rows' speedup.svg
}
