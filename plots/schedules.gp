# Which schedule? The speedup of each with its interval and its bound, a row a schedule, a panel a backend; for
# tasks that do nothing the time of a task in place of it. Points with fewer workers than others are left out.
#
# Columns of summary.csv: experiment workload scale tasks backend schedule dispatch chunk chunk_auto workers
# ranks threads bind fresh n serial_fraction base base_s speedup speedup_low speedup_high bound median_s
# ci_low_s ci_high_s ns_per_task
#
# Columns of samples, where given (a dot a sample, from the top in the order in which they were taken): point
# speedup time_s counts spread disturbed
#
# gnuplot -e "home='plots'; input='RUN/summary.csv'; experiment='linear';
#             output='RUN/plots/linear-schedules'; caption='host class, n, base'; about='what all points share';
#             samples='RUN/plots/linear-samples.csv'" plots/schedules.gp

call home.'/common.gp' 'begin'
fields = point_fields.'speedup speedup_low speedup_high bound median_s ci_low_s ci_high_s ns_per_task'
keep(r) = of_experiment(r) && text(r, c_backend) ne 'seq' && amount(r, c_median_s) > 0
call home.'/common.gp' 'read'
most_workers = 0
do for [r = 1:rows] { most_workers = most(most_workers, amount(r, c_workers)) }
shown(r) = amount(r, c_workers) == most_workers && (is_null || is_known(amount(r, c_speedup)))
is_null = rows > 0 ? text(1, c_workload)[1:4] eq 'null' : 0
n_shown = rows > 0 ? (sum [r_ = 1:rows] shown(r_)) : 0
if (n_shown == 0) {
    reason = sprintf('no rows for the schedules of %s', experiment)
    call home.'/common.gp' 'nothing'
    exit
}

# What is drawn: the speedup, or the time of a task in s.
per_task(r, s) = s * amount(r, c_ns_per_task) / 1e9 / amount(r, c_median_s)
reading(r) = is_null ? amount(r, c_ns_per_task) / 1e9 : amount(r, c_speedup)
low(r) = is_null ? per_task(r, amount(r, c_ci_low_s)) : amount(r, c_speedup_low)
high(r) = is_null ? per_task(r, amount(r, c_ci_high_s)) : amount(r, c_speedup_high)
limit(r) = is_null ? NaN : amount(r, c_bound)
said_(v) = is_null ? time_text(v) : sprintf('%.2f', v)

# Names: what varies, beside the backend.
level(r, f) = f eq 'workload' ? text(r, c_workload) : f eq 'tasks' ? text(r, c_tasks).' tasks' : \
    f eq 'ranks' ? text(r, c_ranks).'×'.text(r, c_threads) : f eq 'schedule' ? text(r, c_schedule) : \
    f eq 'chunk' ? (text(r, c_chunk_auto) eq '1' ? '' : 'chunk '.text(r, c_chunk)) : \
    f eq 'bind' ? 'bind '.text(r, c_bind) : f eq 'scale' ? 'scale '.text(r, c_scale) : text(r, c_dispatch)
kin(r, q, f) = text(r, c_backend) eq text(q, c_backend) && \
    (f ne 'dispatch' || text(r, c_schedule) eq text(q, c_schedule))
named = ''
do for [f in 'workload tasks scale ranks schedule chunk dispatch bind'] {
    within_ = f eq 'dispatch' || f eq 'ranks'
    differ_ = sum [q_ = 1:rows] (!shown(q_) ? 0 : within_ ? sum [i_ = 1:q_ - 1] (shown(i_) && kin(i_, q_, f) && \
        level(i_, f) ne level(q_, f) ? 1 : 0) : sum [i_ = 1:q_ - 1] (shown(i_) && level(i_, f) ne level(q_, f) ? 1 : 0))
    if (differ_) { named = glue(named, f, ' ') }
}
name_of(r) = (name_ = '', sum [w_ = 1:words(named)] (name_ = glue(name_, level(r, word(named, w_)), ', '), 1), name_)

n_panels = 0
array PANEL[rows]
array PLACE[rows]
array FIRST[rows]
array SIZE[rows]
letters = 4
x_least = NaN
x_most = NaN
middle = NaN
has_interval = 0
has_bound = 0
do for [r = 1:rows] {
    PANEL[r] = 0
    if (shown(r)) {
        p = 0
        do for [q = 1:n_panels] { if (text(FIRST[q], c_backend) eq text(r, c_backend)) { p = q } }
        if (!p) { n_panels = n_panels + 1; p = n_panels; FIRST[p] = r; SIZE[p] = 0 }
        PANEL[r] = p
        PLACE[r] = SIZE[p]
        SIZE[p] = SIZE[p] + 1
        letters = most(letters, strlen(name_of(r)))
        x_least = least(x_least, least(reading(r), low(r)))
        x_most = most(x_most, most(reading(r), most(high(r), limit(r))))
        middle = most(middle, most(reading(r), limit(r)))
        if (is_known(low(r))) { has_interval = 1 }
        if (is_known(limit(r))) { has_bound = 1 }
    }
}
letters = least(letters, 34)
n_out = rows - n_shown
n_fewer = sum [r_ = 1:rows] (amount(r_, c_workers) < most_workers ? 1 : 0)
if (n_out) { caption = glue(caption, sprintf('%d %spoint%s%s left out', n_out, n_out > n_fewer ? 'more ' : '', \
    n_out == 1 ? '' : 's', (n_out > n_fewer ? '' : ' with fewer workers').(n_out == 1 ? ' is' : ' are')), '; ') }
tallest = 0
do for [p = 1:n_panels] { tallest = most(tallest, SIZE[p]) }

# The page.
grid_columns = n_panels == 1 ? 1 : n_panels <= 4 ? 2 : 3
grid_rows = int((n_panels + grid_columns - 1) / grid_columns)
canvas_w = grid_columns == 3 || (grid_columns == 2 && letters > 14) ? 1200 : 900
row_px = tallest <= 6 ? 26 : 18
panel_h = tallest * row_px
cell_h = panel_h + 66
caption_text = wrap_(caption, int((canvas_w - 40) / (0.56 * size_small)))
head = about eq '' ? 84 : 106
foot = 18 + 15 * (caption eq '' ? 0 : wrapped_lines)
canvas_h = int(head + grid_rows * cell_h + foot)
cell_w = (canvas_w - 12) / real(grid_columns)
left_ = 30 + 0.6 * size_small * letters
panel_w = cell_w - left_ - 72
# Intervals that would push the medians together are cut off.
x_from = is_null ? x_least / 1.3 : 0
x_to = is_null ? x_most * 1.3 : least(1.04 * x_most, 1.6 * middle)
# Dots. What lies far beyond all medians is drawn at the edge.
has_dots = 0
has_aside = 0
has_noise = 0
has_beyond = 0
dot_column = is_null ? 2 : 3
dot_factor(r) = is_null ? per_task(r, 1) : 1
if (samples ne '') {
    set datafile separator comma
    dot_least = NaN
    dot_most = NaN
    note_(r, v, counts, disturbed) = !is_known(v) ? 0 : (has_dots = 1, has_aside = has_aside || counts == 0, \
        has_noise = has_noise || (counts > 0 && disturbed > 0), \
        dot_least = least(dot_least, v), dot_most = most(dot_most, v), 0)
    eval sprintf('stats samples skip 1 using (r_ = KEPT[int($1)], r_ ? PANEL[r_] ? ' . \
        'note_(r_, $%d * dot_factor(r_), $4, $6) : 0 : 0, 0) nooutput', dot_column)
    if (has_dots) {
        x_to = most(x_to, least(is_null ? dot_most * 1.1 : dot_most * 1.03, 1.3 * x_to))
        if (is_null) { x_from = least(x_from, most(dot_least / 1.1, x_from / 2)) }
        has_beyond = dot_most > x_to || dot_least < x_from
    }
    set datafile separator whitespace
}
inside(v) = v >= x_from && v <= x_to ? v : NaN
above(v) = v > x_to ? x_to : NaN
below(v) = v < x_from ? x_from : NaN
dot_y(r, p, spread) = r == 0 ? NaN : PANEL[r] == p ? PLACE[r] + 0.5 + 0.7 * spread : NaN

step_of(s) = (unit_ = 10 ** floor(log10(s)), s <= unit_ ? unit_ : s <= 2 * unit_ ? 2 * unit_ : \
    s <= 5 * unit_ ? 5 * unit_ : 10 * unit_)
ticks = ''
if (is_null) {
    do for [e = -12:3] { do for [m in '1 2 5'] {
        v = real(m) * 10 ** e
        if (v >= x_from && v <= x_to && (m eq '1' || x_to / x_from < 500)) {
            ticks = glue(ticks, sprintf('"%s" %.10g', time_text(v), v), ', ')
        }
    } }
} else {
    v = 0
    step_ = step_of(x_to / panel_w * 44)
    while (v <= x_to) { ticks = glue(ticks, sprintf('"%g" %.10g', v, v), ', '); v = v + step_ }
}
kind_of(b) = strstrt(b, ':') ? b[1:strstrt(b, ':') - 1] : b
of_backend(b) = place(known, kind_of(b)) ? place(known, kind_of(b)) : 5

legend = 'median'.(has_interval ? ' interval' : '').(has_bound ? ' bound' : '').(has_dots ? ' dots' : '').(has_noise ? ' noise' : '').(has_aside ? ' aside' : '').\
    (has_beyond ? ' beyond' : '')
legend_text(kind) = place('dots noise aside beyond', kind) ? dot_text(kind) : kind eq 'median' ? (is_null ? 'time of a task' : 'speedup relative to seq') : \
    kind eq 'interval' ? '95 % interval' : 'bound'

set print $rows
do for [r = 1:rows] {
    if (PANEL[r]) {
        print sprintf('%d %.10g %.10g %.10g %.10g %.10g', PANEL[r], reading(r), PLACE[r] + 0.5, \
            is_known(low(r)) ? low(r) : reading(r), is_known(high(r)) ? high(r) : reading(r), limit(r))
    }
}
set print

set datafile separator ' ,'
do for [device in devices] {
    eval open_device(device)
    opened_ = open_fonts(device)
    set multiplot
    set border 1 lc rgb grey lw 1
    set tics nomirror out scale 0.5,0.3 textcolor rgb ink font font_small
    unset key
    set grid xtics lc rgb '#ececec' lw 1 lt 1
    unset logscale
    if (is_null) { set logscale x 10 }
    set errorbars 0.6
    do for [p = 1:n_panels] {
        unset label
        unset arrow
        unset xtics
        unset ytics
        column = (p - 1) % grid_columns
        line = int((p - 1) / grid_columns)
        x0 = column * cell_w + left_
        y0 = head + line * cell_h + 22
        colour = cycle(palette, of_backend(text(FIRST[p], c_backend)))
        shape = int(cycle(shapes, of_backend(text(FIRST[p], c_backend))))
        set lmargin at screen across(x0)
        set rmargin at screen across(x0 + panel_w)
        set tmargin at screen up(y0)
        set bmargin at screen up(y0 + SIZE[p] * row_px)
        set xrange [x_from:x_to] noextend
        set yrange [SIZE[p]:0] noextend
        if (p == 1) {
            said = sprintf(', %g worker%s', most_workers, most_workers == 1 ? '' : 's')
            set label cut('Schedules: '.heading, int((canvas_w - 40) / (0.6 * size_title)) - strlen(said)).said \
                at screen across(20), screen up(24) left font font_title tc rgb ink
            place_ = 20
            line_y = up(head - 32)
            if (about ne '') { set label shorten(about, int((canvas_w - 40) / (0.57 * size_text))) \
                at screen across(20), screen up(48) left tc rgb '#555555' }
            do for [kind in legend] {
                said = legend_text(kind)
                xm = across(place_ + 12)
                if (kind eq 'median') { set label '' at screen xm, screen line_y point pt shape ps 1.2 * big lc rgb colour }
                if (kind eq 'interval') { set arrow from screen across(place_ + 2), screen line_y to \
                    screen across(place_ + 22), screen line_y heads size screen 3.5 / canvas_w, 90 lc rgb ink lw 1.2 }
                if (kind eq 'dots') { do for [i = -1:1] { set label '' at screen xm + i * 6.0 / canvas_w, \
                    screen line_y + (i == 0 ? 3.0 : -2.0) / canvas_h point pt 7 ps 0.32 * big lc rgb '#60222222' } }
                if (kind eq 'noise') { do for [i = -1:1] { set label '' at screen xm + i * 6.0 / canvas_w, \
                    screen line_y + (i == 0 ? 3.0 : -2.0) / canvas_h point pt 6 ps 0.4 * big lc rgb '#60222222' } }
                if (kind eq 'aside') { set label '' at screen xm, screen line_y \
                    point pt 6 ps 0.4 * big lc rgb grey lw 1 }
                if (kind eq 'beyond') { set label '' at screen xm, screen line_y \
                    point pt 8 ps 0.8 * big lc rgb grey lw 1 }
                if (kind eq 'bound') { set arrow from screen xm, screen line_y - 7.0 / canvas_h to screen xm, \
                    screen line_y + 7.0 / canvas_h nohead lc rgb '#9a9a9a' lw 4 }
                set label said at screen across(place_ + 30), screen line_y left font font_small tc rgb ink
                place_ = place_ + 30 + wide(said, size_small) + 18
            }
            if (caption ne '') { set label caption_text at screen across(20), \
                screen up(canvas_h - 14 - 15 * (wrapped_lines - 1)) left font font_small tc rgb '#555555' }
        }
        set label ''.text(FIRST[p], c_backend) at graph 0, screen up(y0 - 10) left font font_bold tc rgb ink
        eval 'set xtics ('.ticks.') nomirror out scale 0.5 font font_small'
        do for [r = 1:rows] {
            if (PANEL[r] == p) {
                y_ = PLACE[r] + 0.5
                set label shorten(name_of(r) eq '' ? 'all' : name_of(r), letters) at screen across(x0 - 8), \
                    first y_ right font font_small tc rgb ink
                set label said_(reading(r)) at graph 1 + 6.0 / panel_w, first y_ left font font_small tc rgb '#555555'
                if (is_known(limit(r))) { set arrow from first limit(r), first PLACE[r] + 0.12 to first limit(r), \
                    first PLACE[r] + 0.88 nohead lc rgb '#9a9a9a' lw 4 back }
            }
        }
        tint = '#70'.colour[2:*]
        parts = ''
        if (has_dots) {
            piece_ = sprintf('samples skip 1 using (r_ = KEPT[int($1)], %%s && r_ ? %%s($%d * dot_factor(r_)) : NaN)', \
                dot_column).':(dot_y(KEPT[int($1)], p, $5)) with points notitle pt %d ps %g * big lc rgb '
            parts = sprintf(piece_, '$4 == 1 && $6 == 0', 'inside', 7, 0.32).'tint, '. \
                (has_noise ? sprintf(piece_, '$4 == 1 && $6 == 1', 'inside', 6, 0.4).'tint, ' : ''). \
                (has_aside ? sprintf(piece_, '$4 == 0', 'inside', 6, 0.4).'grey lw 0.7, ' : ''). \
                (has_beyond ? sprintf(piece_, '$4 == 1', 'above', 8, 0.8).'tint, '. \
                sprintf(piece_, '$4 == 1', 'below', 8, 0.8).'tint, ' : '')
        }
        eval 'plot '.parts.'$rows using ($1 == p ? $2 : NaN):3:4:5 with xerrorbars pt -1 lc rgb colour lw 1.2 notitle, '. \
            '$rows using ($1 == p ? $2 : NaN):3 with points pt shape ps 1.2 * big lc rgb colour notitle'
    }
    unset multiplot
    unset output
}
