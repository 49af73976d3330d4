# Figure 6: where is it safe? Speedup by chunk size and workers: colour and number, with half of its interval
# and the bound in small print below. A panel a backend and schedule.
#
# Columns of summary.csv: experiment workload scale tasks backend schedule dispatch chunk chunk_auto workers
# ranks threads bind fresh n speedup speedup_low speedup_high serial_fraction base base_s bound
#
# gnuplot -e "home='plots'; input='RUN/summary.csv'; experiment='chunks';
#             output='RUN/plots/chunks-heat'; caption='host class, n, base'; usable=2" plots/heat.gp

call home.'/common.gp' 'begin'
fields = point_fields.'speedup speedup_low speedup_high bound'
keep(r) = of_experiment(r) && text(r, c_backend) ne 'seq' && amount(r, c_speedup) > 0
call home.'/common.gp' 'read'
if (rows == 0) {
    reason = sprintf('no rows for the speedup of %s', experiment)
    call home.'/common.gp' 'nothing'
    exit
}

# Which factors vary within a backend, beside chunk and workers; they tell panels apart.
same_(r, q) = text(r, c_backend) eq text(q, c_backend)
level(r, f) = f eq 'tasks' ? text(r, c_tasks).' tasks' : f eq 'scale' ? 'scale '.text(r, c_scale) : \
    f eq 'bind' ? 'bind '.text(r, c_bind) : f eq 'fresh' ? (text(r, c_fresh) eq '1' ? 'fresh' : 'kept') : \
    f eq 'workload' ? text(r, c_workload) : f eq 'schedule' ? text(r, c_schedule) : \
    f eq 'ranks' ? text(r, c_ranks).(text(r, c_ranks) eq '1' ? ' rank' : ' ranks') : text(r, c_dispatch)
apart_by = ''
do for [f in 'workload tasks scale schedule dispatch bind fresh'] {
    differ_ = 0 < sum [q_ = 2:rows] (f eq 'dispatch' ? (sum [i_ = 1:q_ - 1] (same_(i_, q_) && \
        text(i_, c_schedule) eq text(q_, c_schedule) && level(i_, f) ne level(q_, f) ? 1 : 0)) : \
        level(q_, f) ne level(1, f))
    if (differ_) { apart_by = glue(apart_by, f, ' ') }
}

# Ranks of hybrid that vary at equal workers make panels of their own.
if (0 < sum [q_ = 2:rows] sum [i_ = 1:q_ - 1] (same_(i_, q_) && text(i_, c_workers) eq text(q_, c_workers) && \
    text(i_, c_ranks) ne text(q_, c_ranks) ? 1 : 0)) { apart_by = glue(apart_by, 'ranks', ' ') }
title_of(r) = (name_ = text(r, c_backend), \
    sum [w_ = 1:words(apart_by)] (name_ = glue(name_, level(r, word(apart_by, w_)), ', '), 1), name_)

# Chunk sizes from small to large, with that of rules that choose their own (0) first; workers likewise.
array CHUNKS[rows + 1]
array COUNTS[rows + 1]
n_chunks = 0
n_counts = 0
size_of(r) = text(r, c_chunk_auto) eq '1' ? 0 : amount(r, c_chunk)
do for [r = 1:rows] {
    v = size_of(r)
    if (0 == sum [i_ = 1:n_chunks] (CHUNKS[i_] == v)) {
        n_chunks = n_chunks + 1
        j = n_chunks
        while (j > 1 && CHUNKS[j > 1 ? j - 1 : 1] > v) { CHUNKS[j] = CHUNKS[j - 1]; j = j - 1 }
        CHUNKS[j] = v
    }
    v = amount(r, c_workers)
    if (0 == sum [i_ = 1:n_counts] (COUNTS[i_] == v)) {
        n_counts = n_counts + 1
        j = n_counts
        while (j > 1 && COUNTS[j > 1 ? j - 1 : 1] > v) { COUNTS[j] = COUNTS[j - 1]; j = j - 1 }
        COUNTS[j] = v
    }
}

# Panels: as many as have room on a page, of those that have at least two cells.
most_panels = 24
n_panels = 0
n_left_out = 0
array TITLE[rows]
array PANEL[rows]
letters = 0
low_ = NaN
high_ = NaN
do for [r = 1:rows] {
    t = title_of(r)
    p = 0
    do for [q = 1:n_panels] { if (TITLE[q] eq t) { p = q } }
    if (!p) { n_panels = n_panels + 1; p = n_panels; TITLE[p] = t }
    PANEL[r] = p
    if (p <= most_panels) {
        low_ = least(low_, amount(r, c_speedup))
        high_ = most(high_, amount(r, c_speedup))
    }
}
n_left_out = most(0, n_panels - most_panels)
n_panels = least(n_panels, most_panels)
if (n_left_out > 0) {
    left_ = ''
    do for [p = n_panels + 1:n_panels + least(n_left_out, 4)] { left_ = glue(left_, TITLE[p], ' / ') }
    caption = caption.sprintf('; %d more panel%s left out: %s%s', n_left_out, n_left_out == 1 ? ' is' : 's are', left_, \
        n_left_out > 4 ? sprintf(' and %d others', n_left_out - 4) : '')
}

# The page. Cells are at least as wide as their numbers.
grid_columns = n_panels == 1 ? 1 : n_chunks > 9 ? 1 : n_panels <= 4 || n_chunks > 6 ? 2 : 3
grid_rows = int((n_panels + grid_columns - 1) / grid_columns)
cell_px = most(46, least(88, 540.0 / n_chunks))
row_px = 38
has_room = cell_px >= 86
left_ = 56
panel_w = n_chunks * cell_px
panel_h = n_counts * row_px
box_w = most(panel_w + left_ + 26, 260)
box_h = panel_h + 76
canvas_w = int(most(grid_columns * box_w + 24, 700))
caption_text = wrap_(caption, int((canvas_w - 40) / (0.56 * size_small)))
head = 92
foot = 30 + 15 * (caption eq '' ? 0 : wrapped_lines)
canvas_h = int(head + grid_rows * box_h + foot)

# Colour: the ratio to 1, by powers; orange below, blue above, nearly white at 1.
reach = most(abs(log2(low_)), abs(log2(high_)))
if (reach < 0.5) { reach = 0.5 }
tone(v) = log2(v) / reach
hue_(v, a) = int(255 - (255 - a) * least(1, abs(v)))
shade(s) = (v_ = tone(s), v_ >= 0 ? hue_(v_, 34) * 65536 + hue_(v_, 113) * 256 + hue_(v_, 181) : \
    hue_(v_, 224) * 65536 + hue_(v_, 122) * 256 + hue_(v_, 31))
is_dark(s) = tone(s) > 0.85
two(v) = v >= 99.95 ? sprintf('%.0f', v) : v >= 9.995 ? sprintf('%.1f', v) : v >= 0.0995 ? sprintf('%.2f', v) : sprintf('%.1g', v)
round_(v) = v < 0.0995 ? sprintf('%.2f', v) : two(v)
half_of(r) = (amount(r, c_speedup_high) - amount(r, c_speedup_low)) / 2
# Rounded, so that a cell never says that 2.03 is at most 2.00.
is_above(r) = real(two(amount(r, c_speedup))) > real(two(amount(r, c_bound)))
small_(r) = glue(is_known(half_of(r)) ? '± '.round_(half_of(r)) : '', is_known(amount(r, c_bound)) && \
    has_room ? (is_above(r) ? '> ' : '≤ ').two(amount(r, c_bound)) : '', ' ')
has_above = 0 < sum [r_ = 1:rows] (is_known(amount(r_, c_bound)) && is_above(r_) ? 1 : 0)
position(n, which, v) = sum [i_ = 1:n] ((which == 1 ? CHUNKS[i_] : COUNTS[i_]) == v ? i_ : 0)

# Cells that reach at least nine tenths of their bound are framed: there the chunks are all that limits. One
# worker has nothing to reach.
near(r) = is_known(amount(r, c_bound)) && amount(r, c_workers) > 1 && amount(r, c_speedup) >= 0.9 * amount(r, c_bound)

do for [device in devices] {
    eval open_device(device)
    opened_ = open_fonts(device)
    set multiplot
    set border 0
    set tics scale 0 textcolor rgb ink font font_small
    unset key
    unset grid
    do for [p = 1:n_panels] {
        unset label
        unset arrow
        unset object
        column = (p - 1) % grid_columns
        line = int((p - 1) / grid_columns)
        x0 = 12 + column * box_w + left_
        y0 = head + line * box_h + 24
        set lmargin at screen across(x0)
        set rmargin at screen across(x0 + panel_w)
        set tmargin at screen up(y0)
        set bmargin at screen up(y0 + panel_h)
        set xrange [0.5:n_chunks + 0.5] noextend
        set yrange [0.5:n_counts + 0.5] noextend
        if (p == 1) {
            set label cut('Speedup by chunk size and workers: '.heading, int((canvas_w - 40) / (0.6 * size_title))) at screen across(20), screen up(24) \
                left font font_title tc rgb ink
            set label 'number: median'.(has_room ? '; ± half of its 95 % interval; ≤ bound'.(has_above ? ', > where it lies above' : '') : \
                '; ± half of its 95 % interval') at screen across(20), screen up(48) left font font_small tc rgb ink
            place_ = 20
            do for [i = -4:4] {
                s_ = 2 ** (i / 4.0 * reach)
                if (s_ >= low_ * 0.99 && s_ <= high_ * 1.01 || i == 0) {
                    filled = shade(s_)
                    dark_ = is_dark(s_) ? '#ffffff' : ink
                    set arrow from screen across(place_), screen up(70) to screen across(place_ + 40), \
                        screen up(70) nohead lc rgb filled lw 16
                    set label two(s_) at screen across(place_ + 20), screen up(70) center font font_small tc rgb dark_ front
                    place_ = place_ + 40
                }
            }
            set object 900 rectangle from screen across(place_ + 18), screen up(78) to screen across(place_ + 46), \
                screen up(62) fillstyle empty border lc rgb ink lw 1.6
            set label 'several workers: at least 0.9 of the bound' at screen across(place_ + 54), screen up(70) left font font_small tc rgb ink
            if (caption ne '') { set label caption_text at screen across(20), \
                screen up(canvas_h - 14 - 15 * (wrapped_lines - 1)) left font font_small tc rgb '#555555' }
        }
        set label shorten(TITLE[p], int(most(panel_w, box_w - left_ - 20) / (0.6 * size_text))) at screen across(x0), \
            screen up(y0 - 11) left font font_bold tc rgb ink
        ticks_ = ''
        do for [i = 1:n_chunks] { ticks_ = glue(ticks_, sprintf('"%s" %d', CHUNKS[i] == 0 ? 'auto' : \
            sprintf('%d', CHUNKS[i]), i), ', ') }
        eval 'set xtics ('.ticks_.') scale 0 font font_small'
        ticks_ = ''
        do for [i = 1:n_counts] { ticks_ = glue(ticks_, sprintf('"%d" %d', COUNTS[i], i), ', ') }
        eval 'set ytics ('.ticks_.') scale 0 font font_small'
        if (p + grid_columns > n_panels) { set label 'chunk size in tasks' at graph 0.5, \
            screen up(y0 + panel_h + 36) center font font_small tc rgb ink }
        if (column == 0) { set label 'workers' at screen across(x0 - left_ + 16), graph 0.5 center rotate by 90 \
            font font_small tc rgb ink }
        do for [i = 1:n_chunks] { do for [j = 1:n_counts] {
            if (0 == sum [r_ = 1:rows] (PANEL[r_] == p && size_of(r_) == CHUNKS[i] && \
                amount(r_, c_workers) == COUNTS[j])) { set label '–' at i, j center font font_small tc rgb pale }
        } }
        do for [r = 1:rows] {
            if (PANEL[r] == p) {
                i = position(n_chunks, 1, size_of(r))
                j = position(n_counts, 2, amount(r, c_workers))
                filled = shade(amount(r, c_speedup))
                dark_ = is_dark(amount(r, c_speedup)) ? '#ffffff' : ink
                if (near(r)) {
                    set object rectangle from i - 0.47, j - 0.45 to i + 0.47, j + 0.45 fillcolor rgb filled \
                        fillstyle solid 1 border lc rgb ink lw 1.6
                } else {
                    set object rectangle from i - 0.48, j - 0.46 to i + 0.48, j + 0.46 fillcolor rgb filled \
                        fillstyle solid 1 noborder
                }
                set label two(amount(r, c_speedup)) at i, j + 0.17 center font font_bold tc rgb dark_ front
                set label small_(r) at i, j - 0.25 center font font_tiny tc rgb dark_ front
            }
        }
        plot -1 notitle
    }
    unset multiplot
    unset output
}
