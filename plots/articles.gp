# Figure 7: do the articles hold? A row for each claim: what it says, what the bound allows, what was
# measured. Every row is divided by its own claimed value, so that 1 is "as claimed"; where an article gives
# no value, by the bound. Rows are categories: nothing joins one to the next.
#
# Columns of articles.csv: row title metric unit backend claimed bound measured low high verdict
# (metric: time, speedup, chunks, sum)
#
# gnuplot -e "home='plots'; input='RUN/articles.csv';
#             output='RUN/plots/articles'; caption='host class, n, base'"
#         plots/articles.gp

call home.'/common.gp' 'begin'
fields = 'row title metric unit backend claimed bound measured low high verdict'
keep(r) = text(r, c_row) ne '' && text(r, c_backend) ne '' && text(r, c_measured) ne ''
call home.'/common.gp' 'read'

# What a row is divided by; NaN when it cannot be drawn.
positive(v) = v > 0 ? v : NaN
unit_of(r) = is_known(positive(amount(r, c_claimed))) ? amount(r, c_claimed) : positive(amount(r, c_bound))

# Lines: one for each claim, times first, then speedups and counts, then sums.
n_lines = 0
backends = ''
groups = 'time speedup chunks sum'
group_of(r) = place(groups, text(r, c_metric)) ? place(groups, text(r, c_metric)) : 3
if (rows > 0) {
    array LINE[rows]
    array FIRST[rows]
    array KEY[rows]
    do for [r = 1:rows] { LINE[r] = 0 }
    do for [g = 1:4] {
        do for [r = 1:rows] {
            if (group_of(r) == g && is_known(unit_of(r)) && is_known(positive(amount(r, c_measured)))) {
                key_ = text(r, c_row)."\t".text(r, c_title)."\t".text(r, c_metric)
                l_ = 0
                do for [l = 1:n_lines] { if (KEY[l] eq key_) { l_ = l } }
                if (!l_) { n_lines = n_lines + 1; l_ = n_lines; KEY[l_] = key_; FIRST[l_] = r }
                LINE[r] = l_
                if (!place(backends, text(r, c_backend))) { backends = glue(backends, text(r, \
                    c_backend), ' ') }
            }
        }
    }
}
if (n_lines == 0) {
    reason = 'no claims to compare'
    call home.'/common.gp' 'nothing'
    exit
}

# Places of the lines, downwards, with a heading above each kind of claim.
array AT[n_lines]
array HEAD_AT[4]
do for [g = 1:4] { HEAD_AT[g] = NaN }
heading(g) = g == 1 ? 'Times: left of 1 is faster than claimed' : g == 2 ? \
    'Speedups: right of 1 is faster than claimed' : \
    g == 3 ? 'Counts' : 'Sums: exact, or wrong'
at_ = 0
do for [l = 1:n_lines] {
    g = group_of(FIRST[l])
    if (!is_known(HEAD_AT[g])) { HEAD_AT[g] = at_ + (at_ > 0 ? 0.4 : 0); at_ = HEAD_AT[g] + 1 }
    AT[l] = at_
    at_ = at_ + 1
}

# The range: all ratios, up to a factor of 4 either way; what lies beyond is drawn at the edge as an arrow.
edge = 4.0
low_ = 1.0
high_ = 1.0
do for [r = 1:rows] {
    if (LINE[r]) {
        do for [c in 'bound measured low high'] {
            eval sprintf('v = positive(amount(r, c_%s)) / unit_of(r)', c)
            if (group_of(r) == 4) { v = 1.0 }
            low_ = least(low_, v)
            high_ = most(high_, v)
        }
    }
}
x_from = most(least(low_ / 1.1, 0.7), 0.94 / edge)
x_to = least(most(high_ * 1.1, 1.4), edge / 0.94)
clamped(v) = v < x_from ? x_from : v > x_to ? x_to : v
span = log2(x_to / x_from)
x_ticks = ''
do for [e = -2:2] { x_ticks = glue(x_ticks, sprintf('"%g" %g', 2.0 ** e, 2.0 ** e), ', ') }
if (span < 3) { x_ticks = x_ticks.', "0.7" 0.7, "1.4" 1.4' }

# The backend that a dumbbell ends at: procpool, or the first of the row.
array ENDS[n_lines]
do for [l = 1:n_lines] {
    ENDS[l] = FIRST[l]
    do for [r = 1:rows] { if (LINE[r] == l && text(r, c_backend) eq 'procpool') { ENDS[l] = r } }
}
shown(v, unit) = !is_known(v) ? '' : unit eq 's' ? time_text(v) : unit eq 'ns' ? time_text(v * 1e-9) : \
    glue(sprintf(v == floor(v) && v < 1e15 ? '%.15g' : v >= 1000 ? '%.0f' : '%.3g', v), unit, \
        unit eq '×' || unit eq 'x' ? '' : ' ')
strangers = ''
do for [b in backends] { if (!place(known, b)) { strangers = glue(strangers, b, ' ') } }
number_of(b) = place(known, b) ? place(known, b) : words(known) + place(strangers, b)

# The data. Backends of a row lie in lanes above and below its line, procpool or the only one on it.
per_line = most(22, 16 + 2 * words(backends))
others = ''
do for [b in backends] { if (b ne 'procpool') { others = glue(others, b, ' ') } }
lane(b) = !place(others, b) || words(backends) == 1 ? 0 : \
    place(others, b) <= words(others) / 2 ? place(others, b) - words(others) / 2 - 1 : place(others, \
        b) - words(others) / 2
lift(b) = lane(b) * 4.4 / per_line
exact(r) = amount(r, c_measured) == amount(r, c_claimed)
ratio(r) = group_of(r) == 4 ? (exact(r) ? 1.0 : NaN) : amount(r, c_measured) / unit_of(r)
set print $links
print '1 -9 1 -9'
do for [l = 1:n_lines] {
    if (is_known(ratio(ENDS[l]))) { print sprintf('1 %g %.10g %g', AT[l], clamped(ratio(ENDS[l])), AT[l]) }
}
set print $claims
print '1 -9'
do for [l = 1:n_lines] { if (is_known(positive(amount(FIRST[l], c_claimed)))) { print sprintf('1 %g', \
    AT[l]) } }
set print $bounds
print '1 -9'
has_bound = 0
do for [l = 1:n_lines] {
    v = NaN
    do for [r = 1:rows] { if (LINE[r] == l) { v = most(v, positive(amount(r, c_bound)) / unit_of(r)) } }
    if (is_known(v) && v >= x_from && v <= x_to && group_of(FIRST[l]) != 4) { print sprintf('%.10g %g', \
        v, AT[l]); has_bound = 1 }
}
set print $ours
has_interval = 0
do for [b in backends] {
    print '1 -9 1 1 1 -9 ""'
    do for [r = 1:rows] {
        if (LINE[r] && text(r, c_backend) eq b && is_known(ratio(r))) {
            v = ratio(r)
            a = positive(amount(r, c_low)) / unit_of(r)
            z = positive(amount(r, c_high)) / unit_of(r)
            if (group_of(r) == 4 || !is_known(a) || !is_known(z)) { a = v; z = v } else { has_interval = 1 }
            if (v != clamped(v)) {
                print sprintf('NaN NaN NaN NaN %.10g %g "%s"', clamped(v), AT[LINE[r]] + lift(b), \
                    v < x_from ? '◂' : '▸')
            } else {
                print sprintf('%.10g %g %.10g %.10g 1 -9 ""', v, AT[LINE[r]] + lift(b), clamped(a), \
                    clamped(z))
            }
        }
    }
    print ''
    print ''
}
set print

# The page: names left, values right.
label_w = 30
do for [l = 1:n_lines] { label_w = most(label_w, wide(text(FIRST[l], c_row), size_small)) }
label_w = int(label_w)
canvas_w = 1052 + label_w
caption_text = wrap_(caption, int((canvas_w - 40) / (0.56 * size_small)))
head = 118
foot = 64 + 15 * (caption eq '' ? 0 : wrapped_lines)
canvas_h = head + foot + per_line * at_
plot_left = 330 + label_w
plot_right = canvas_w - 332
column_x(i) = across(plot_right + 88 + 74 * (i - 1))

do for [device in devices] {
    eval open_device(device)
    opened_ = open_fonts(device)
    unset label
    unset arrow
    unset key
    set lmargin at screen across(plot_left)
    set rmargin at screen across(plot_right)
    set tmargin at screen up(head)
    set bmargin at screen up(canvas_h - foot)
    set logscale x 2
    set xrange [x_from:x_to] noextend
    set yrange [at_ - 0.4:-0.6] noextend
    set border 1 lc rgb grey
    eval 'set xtics ('.x_ticks.') nomirror out scale 0.6 font font_small textcolor rgb ink'
    unset ytics
    set errorbars 0.5
    set label 'Claimed and measured: the articles' at screen across(20), screen up(24) left \
        font font_title tc rgb ink
    set arrow from first 1, graph 0 to first 1, graph 1 nohead lc rgb grey lw 1 back

    x_ = 20
    line_y = up(56)
    set label '' at screen across(x_ + 8), screen line_y point pt 6 ps 1.5 * big lc rgb ink lw 1.6
    set label 'claimed' at screen across(x_ + 20), screen line_y left font font_small tc rgb ink
    x_ = x_ + 20 + wide('claimed', size_small) + 24
    if (has_bound) {
        set arrow from screen across(x_), screen line_y - 7.0 / canvas_h to screen across(x_), \
            screen line_y + 7.0 / canvas_h nohead lc rgb '#9a9a9a' lw 4
        set label 'bound' at screen across(x_ + 10), screen line_y left font font_small tc rgb ink
        x_ = x_ + 10 + wide('bound', size_small) + 24
    }
    do for [b in backends] {
        colour = cycle(palette, number_of(b))
        set label '' at screen across(x_), screen line_y point pt int(cycle(shapes, \
            number_of(b))) ps 1.1 * big lc rgb colour
        set label b at screen across(x_ + 12), screen line_y left font font_small tc rgb ink
        x_ = x_ + 12 + wide(b, size_small) + 24
    }
    if (has_interval) {
        set arrow from screen across(x_), screen line_y to screen across(x_ + 16), \
            screen line_y heads size screen 3.5 / canvas_w, 90 lc rgb ink lw 1.2
        set label '95 % interval' at screen across(x_ + 24), screen line_y left font font_small tc rgb ink
    }

    end_name = text(ENDS[1], c_backend)
    do for [l = 1:n_lines] { if (text(ENDS[l], c_backend) ne end_name) { end_name = 'measured' } }
    set label 'claimed' at screen column_x(1), screen up(head - 12) right font font_bold tc rgb ink
    set label 'bound' at screen column_x(2), screen up(head - 12) right font font_bold tc rgb ink
    set label end_name at screen column_x(3), screen up(head - 12) right font font_bold tc rgb ink
    do for [g = 1:4] {
        if (is_known(HEAD_AT[g])) { set label heading(g) at screen across(20), first HEAD_AT[g] left \
            font font_bold tc rgb ink }
    }
    do for [l = 1:n_lines] {
        r = FIRST[l]
        e = ENDS[l]
        unit = text(r, c_unit)
        set arrow from first x_from, first AT[l] to first x_to, first AT[l] nohead \
            lc rgb '#ececec' lw 1 back
        set label ''.text(r, c_row) at screen across(20), first AT[l] left font font_small tc rgb ink
        set label cut(text(r, c_title), 46) at screen across(32 + label_w), first AT[l] left \
            font font_small tc rgb ink
        set label shown(amount(r, c_claimed), unit) at screen column_x(1), first AT[l] right \
            font font_small tc rgb ink
        set label (group_of(r) == 4 ? '' : shown(amount(r, c_bound), unit)) at screen column_x(2), \
            first AT[l] right font font_small tc rgb ink
        ours = shown(amount(e, c_measured), unit)
        if (group_of(r) == 4) {
            wrong = ''
            do for [q = 1:rows] { if (LINE[q] == l && !exact(q)) { wrong = glue(wrong, text(q, \
                c_backend), ', ') } }
            ours = wrong eq '' ? 'exact' : wrong.': wrong'
        }
        set label ours at screen column_x(3), first AT[l] right font font_small tc rgb ink
        set label cut(text(e, c_verdict), 13) at screen column_x(3) + across(10), first AT[l] left \
            font font_small tc rgb '#555555'
    }
    set label 'relative to the claimed value; to the bound where nothing is claimed' \
        at screen across(0.5 * (plot_left + plot_right)), screen up(canvas_h - foot + 41) center \
        font font_small tc rgb ink
    if (caption ne '') { set label caption_text at screen across(20), \
        screen up(canvas_h - 12 - 15 * (wrapped_lines - 1)) left font font_small tc rgb '#555555' }

    parts = '$links using 1:2:($3 - $1):(0) with vectors nohead lc rgb grey lw ' . \
        '2.5 notitle, $bounds using 1:($2 - 0.33):(0):(0.66) with vectors ' . \
        'nohead lc rgb "#9a9a9a" lw 4 notitle, $claims using 1:2 with ' . \
        'points pt 7 ps 1.5 * big lc rgb "white" notitle, $claims using 1:2 ' . \
        'with points pt 6 ps 1.5 * big lc rgb ink lw 1.6 notitle'
    do for [i = 1:words(backends)] {
        # procpool last, on top.
        b = word(backends, words(backends) + 1 - i)
        j = words(backends) - i
        parts = parts.sprintf(', $ours index %d using 1:2:3:4 with xerrorbars lc rgb "%s" lw 1.2 ' . \
            'pt -1 notitle, $ours index %d using 1:2 with points pt %d ps %g lc ' . \
            'rgb "%s" notitle, $ours index %d using 5:6:7 with labels tc rgb ' . \
            '"%s" font font_small notitle', \
            j, cycle(palette, number_of(b)), j, int(cycle(shapes, number_of(b))), (b eq 'procpool' ? \
                1.0 : 0.7) * big, cycle(palette, number_of(b)), j, cycle(palette, number_of(b)))
    }
    eval 'plot '.parts
    unset output
}
