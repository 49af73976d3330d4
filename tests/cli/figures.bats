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

@test "timelines, busy times, schedules and heat maps name what they show" {
    setup_figures
    draw timeline timeline.csv synthetic
    for word in 'procpool, static' 'openmp:llvm, guided' 'makespan 36 ms' '262144 of 300000 chunks' 'not known'; do
        grep -q "$word" timeline.svg || complain "timeline.svg lacks $word"
    done
    draw busy busy.csv synthetic
    for word in 'openmp:llvm' 'guided, chunk 8' '+48 %'; do
        grep -q "$word" busy.svg || complain "busy.svg lacks $word"
    done
    draw schedules summary.csv synthetic-grid
    for word in procpool 'chunk 16' 'Schedules: synthetic-grid, 4 workers' 'bound'; do
        grep -q "$word" schedules.svg || complain "schedules.svg lacks $word"
    done
    draw heat summary.csv synthetic-grid
    for word in mpi procpool 3.88 '≤ 4.00' '–'; do
        grep -q "$word" heat.svg || complain "heat.svg lacks $word"
    done
}

# With dots: samples=FILE is set beside what draw sets.
draw_dots() {
    run_split 0 gnuplot -e "home='$root/plots'; input='$root/tests/golden/figures/summary.csv'; experiment='$2'; \
        output='$1'; caption='synthetic'; usable=4; samples='$root/tests/golden/figures/samples.csv'" "$root/plots/$1.gp"
    [ -z "$output$stderr" ] || complain "$1: $output$stderr"
    grep -q '</svg>' "$1.svg" || complain "$1.svg is not whole"
}

# Marks of an SVG: how often its symbols are used.
marks() {
    grep -c '<use ' "$1"
}

@test "samples are dots behind the medians, those taken again are told apart, and outliers lie at the edge" {
    setup_figures
    local script
    for script in speedup efficiency time; do
        draw "$script" summary.csv synthetic
        mv "$script.svg" without.svg
        draw_dots "$script" synthetic
        # The experiment has 9 points with 10 samples each; some are set aside.
        [ "$(marks "$script.svg")" -ge $(($(marks without.svg) + 90)) ] || complain "$script.svg lacks dots"
        grep -q '>samples<' "$script.svg" || complain "$script.svg does not say what its dots are"
        grep -q '>disturbed, taken again<' "$script.svg" || complain "$script.svg does not tell apart"
        grep -q '>disturbed<' "$script.svg" || complain "$script.svg does not tell what counts and was disturbed"
        # A linear axis from 0 has room for what is slow.
        [ "$script" = efficiency ] || grep -q '>beyond the frame<' "$script.svg" || complain "$script.svg loses an outlier"
        ! grep -q '>samples<' without.svg || complain "$script.svg speaks of dots that it has not"
    done
    draw_dots chunks synthetic-chunks
    grep -q '>samples<' chunks.svg
    draw_dots schedules synthetic-grid
    grep -q '>samples<' schedules.svg
}

@test "captions tell the share of disturbed samples, and are broken neither there nor in the rules" {
    setup_figures
    scripted='--times 4ms,5ms --flags -,preempted'
    run_split 0 "$poolmark" run --quiet --out out --title 'squares, summed' --cell "m=./mock_cell $scripted" --backends m \
        --workload null --tasks 12 --workers 1,2,4 --reps 6 --launches 1 --retakes 0
    for script in speedup time; do
        assert_words "$(<out/plots/command-line-$script.svg)" ': squares, summed<' '% of samples disturbed' 'rules: 1'
    done
    head -1 out/plots/command-line-samples.csv | grep -qx 'point,time_s,speedup,counts,spread,disturbed'
    awk -F, 'NR > 1 && $4 == 1 && $6 == 1 { n++ } END { exit !(n >= 9) }' out/plots/command-line-samples.csv
    # A caption of any length: what belongs together stays together.
    for length in 60 90 100 110 120 130 140; do
        caption=$(head -c "$length" /dev/zero | tr '\0' x)
        gnuplot -e "home='$root/plots'; input='$root/tests/golden/figures/summary.csv'; experiment='synthetic'; \
            output='long'; caption='$caption; rules:'.\"\\302\\240\".'12/12'; usable=4" "$root/plots/speedup.gp"
        grep -q 'rules: 12/12' long.svg || complain "broken at $length"
    done
}

@test "a thousand points are drawn in part, and the caption says so" {
    setup_figures
    awk -F, -v OFS=, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; print; next }
        $at["experiment"] == "synthetic" && $at["backend"] == "procpool" && !n++ {
            for (k = 1; k <= 1000; k++) { $at["workers"] = 2 ^ (k % 5); $at["chunk"] = int(k / 5) + 1; print } }' \
        "$root/tests/golden/figures/summary.csv" >many.csv
    run_split 0 gnuplot -e "home='$root/plots'; input='many.csv'; experiment='synthetic'; output='many'; \
        caption='synthetic'; usable=4" "$root/plots/speedup.gp"
    [ -z "$output$stderr" ] || complain "$output$stderr"
    grep -q 'the first 400 of 1000 points' many.svg || complain 'what is left out is not told'
}

@test "an interval that knows next to nothing leaves the frame, and the figure is drawn" {
    setup_figures
    # As of launches that differ: its upper end is a billion.
    awk -F, -v OFS=, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "speedup_high") c = i } NR > 1 && $c != "" { $c = 1e9 } 1' \
        "$root/tests/golden/figures/summary.csv" >summary.csv
    experiment=$(sed -n '2s/,.*//p' summary.csv)
    for figure in efficiency speedup schedules; do
        run_split 0 timeout 20 gnuplot -e "home='$root/plots'; input='summary.csv'; experiment='$experiment'; output='$figure'" \
            "$root/plots/$figure.gp"
        [ -s "$figure.svg" ]
    done
}

@test "lines join numbers alone: no script but those over workers or chunk sizes draws any" {
    local script
    for script in "$root"/plots/*.gp; do
        case ${script##*/} in
        common.gp | speedup.gp | efficiency.gp | time.gp) ;;
        chunks.gp) ;; # sequential time, over all of x
        terminal.gp) ;; # letters, over workers
        *) ! grep -nE 'with (lines|linespoints|steps)' "$script" || complain "$script joins categories" ;;
        esac
    done
}

@test "an experiment without rows gives a picture that says so" {
    setup_figures
    draw speedup summary.csv nobody
    grep -q 'no rows' speedup.svg
    draw heat summary.csv nobody
    grep -q 'no rows' heat.svg
    draw schedules summary.csv nobody
    grep -q 'no rows' schedules.svg
    mkdir empty
    for script in timeline busy; do
        head -1 "$root/tests/golden/figures/$script.csv" >"empty/$script.csv"
        run_split 0 gnuplot -e "home='$root/plots'; input='empty/$script.csv'; experiment='x'; output='$script'" \
            "$root/plots/$script.gp"
        grep -q '>no ' "$script.svg" || complain "$script.svg does not say that there is nothing"
    done
}

@test "a run draws what its files allow, and plot says what a trace would add" {
    setup_figures
    "$poolmark" run --out out --quiet --workload null --tasks 12 --workers 1,2 --chunks 1,4 --backends procpool \
        --schedules dynamic,guided --reps 2 --launches 1 --trace
    for figure in speedup chunks heat schedules timeline; do
        [ -s "out/plots/command-line-$figure.svg" ] || complain "no $figure: $(ls out/plots)"
    done
    for figure in schedules timeline busy; do
        grep -q 'null · 12 tasks' "out/plots/command-line-$figure.svg" || complain "$figure.svg does not say of what"
    done
    grep -q 'median, n = 2' out/plots/command-line-speedup.svg
    grep -q 'fewer' out/plots/command-line-schedules.svg # points with fewer workers are left out; lines break anywhere
    grep -q 'dots: samples' out/plots/command-line-speedup.svg
    # What was drawn is listed, and what its samples are can be read again.
    [ "$(head -1 out/plots/figures.csv)" = figure,axis,joined,samples ]
    for figure in speedup,number,1 chunks,number,1 heat,category,0 schedules,category,0 timeline,number,0; do
        grep -q "^command-line-$figure," out/plots/figures.csv || complain "$figure: $(cat out/plots/figures.csv)"
    done
    [ "$(tail -n +2 out/plots/figures.csv | wc -l)" -eq "$(ls out/plots/*.svg | wc -l)" ]
    [ "$(head -1 out/plots/command-line-samples.csv)" = point,time_s,speedup,counts,spread,disturbed ]
    [ "$(cells out/plots/command-line-samples.csv counts | grep -c 1)" -ge 18 ] # 8 points and the base, twice
    rm out/trace.csv
    run_split 0 "$poolmark" plot out
    assert_words "$output" 'figures in out/plots' 'no timelines' '--trace'
}
