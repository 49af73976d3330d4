# Figure 5: who was idle? What each worker did when, in one sample of each point.
#
# Columns of input: panel title backend workers chunks traced makespan_s first_s first_worker merged_s
# Columns of the file beside it, input without .csv and with -bars.csv, a block a panel:
# panel worker start_s end_s kind (0 and 1 in turn; 2: several chunks; 3: not known)
#
# gnuplot -e "home='plots'; input='RUN/plots/linear-timeline.csv'; experiment='linear';
#             output='RUN/plots/linear-timeline'; caption='host class, n, base'; about='what all points share'" plots/timeline.gp

call home.'/common.gp' 'begin'
fields = 'panel title backend workers chunks traced makespan_s first_s first_worker merged_s'
keep(r) = amount(r, c_makespan_s) > 0 && amount(r, c_workers) > 0
call home.'/common.gp' 'read'
if (rows == 0) {
    reason = sprintf('no chunks traced of %s', experiment)
    call home.'/common.gp' 'nothing'
    exit
}
bars = input[1:strlen(input) - 4].'-bars.csv'
set datafile separator comma

# What the page holds.
lanes = 1
longest_s = 0
shortest_s = NaN
has_merged = 0
has_full = 0
do for [r = 1:rows] {
    lanes = most(lanes, amount(r, c_workers))
    longest_s = most(longest_s, amount(r, c_makespan_s))
    shortest_s = least(shortest_s, amount(r, c_makespan_s))
    if (amount(r, c_merged_s) > 0) { has_merged = 1 }
    if (amount(r, c_traced) < amount(r, c_chunks)) { has_full = 1 }
}

# One time axis for all, so that panels can be compared, unless that would leave some too small to see.
together = longest_s <= 6 * shortest_s
if (!together) { caption = glue(caption, 'each panel has a time axis of its own', '; ') }

# The page.
grid_columns = rows == 1 ? 1 : rows <= 4 ? 2 : 3
grid_rows = int((rows + grid_columns - 1) / grid_columns)
canvas_w = grid_columns == 3 ? 1200 : 900
lane_px = lanes <= 4 ? 22 : lanes <= 8 ? 16 : lanes <= 16 ? 11 : lanes <= 32 ? 7 : lanes <= 64 ? 5 : 320.0 / lanes
if (rows == 1) { lane_px = lane_px * 1.6 }
panel_h = most(lanes * lane_px, 44)
cell_h = panel_h + 78
caption_text = wrap_(caption, int((canvas_w - 40) / (0.56 * size_small)))
head = about eq '' ? 84 : 106
foot = 30 + 15 * (caption eq '' ? 0 : wrapped_lines)
canvas_h = int(head + grid_rows * cell_h + foot)
cell_w = (canvas_w - 12) / real(grid_columns)
left_ = 46
panel_w = cell_w - left_ - 26

span(r) = 1.02 * (together ? longest_s : amount(r, c_makespan_s))
step_of(s) = (unit_ = 10 ** floor(log10(s)), s <= unit_ ? unit_ : s <= 2 * unit_ ? 2 * unit_ : \
    s <= 5 * unit_ ? 5 * unit_ : 10 * unit_)

# A backend's colour, and lighter ones.
kind_of(b) = strstrt(b, ':') ? b[1:strstrt(b, ':') - 1] : b
colour_of(b) = cycle(palette, place(known, kind_of(b)) ? place(known, kind_of(b)) : 5)
part_(c, at) = int('0x'.c[at:at + 1])
mix_(v, f) = int(v + (255 - v) * f)
mixed(c, f) = mix_(part_(c, 2), f) * 65536 + mix_(part_(c, 4), f) * 256 + mix_(part_(c, 6), f)
shade(c, kind) = kind == 0 ? mixed(c, 0) : kind == 1 ? mixed(c, 0.42) : mixed(c, 0.68)

legend = 'chunk'.(has_merged ? ' merged' : '').' idle'.(has_full ? ' full' : '').' makespan first'
legend_text(kind) = kind eq 'chunk' ? 'chunks, alternating' : kind eq 'merged' ? \
    'short chunks' : kind eq 'idle' ? 'getting a chunk, or idle' : \
    kind eq 'full' ? 'not known' : kind eq 'makespan' ? 'makespan' : 'first chunk done'

do for [device in devices] {
    eval open_device(device)
    opened_ = open_fonts(device)
    set multiplot
    set border 1 lc rgb grey lw 1
    set tics nomirror out scale 0.5,0.3 textcolor rgb ink font font_small
    unset key
    unset grid
    set style fill solid 1 noborder
    do for [p = 1:rows] {
        unset label
        unset arrow
        unset object
        unset xtics
        set xtics nomirror out scale 0.5 font font_small
        unset ytics
        column = (p - 1) % grid_columns
        line = int((p - 1) / grid_columns)
        x0 = column * cell_w + left_
        y0 = head + line * cell_h + 36
        workers = int(amount(p, c_workers))
        makespan = amount(p, c_makespan_s)
        first_s = amount(p, c_first_s)
        colour = colour_of(text(p, c_backend))
        set lmargin at screen across(x0)
        set rmargin at screen across(x0 + panel_w)
        set tmargin at screen up(y0)
        set bmargin at screen up(y0 + panel_h)
        set xrange [0:span(p)] noextend
        set yrange [workers - 0.5:-0.5] noextend
        if (p == 1) {
            set label cut('Timeline: '.heading, int((canvas_w - 40) / (0.6 * size_title))) at screen across(20), screen up(24) left font font_title tc rgb ink
            place_ = 20
            line_y = up(head - 32)
            if (about ne '') { set label shorten(about, int((canvas_w - 40) / (0.57 * size_text))) \
                at screen across(20), screen up(48) left tc rgb '#555555' }
            do for [kind in legend] {
                said = legend_text(kind)
                x1 = across(place_)
                x2 = across(place_ + 24)
                xm = across(place_ + 12)
                if (kind eq 'chunk') {
                    set arrow from screen x1, screen line_y to screen xm, screen line_y nohead lc rgb shade(colour, 0) lw 9
                    set arrow from screen xm, screen line_y to screen x2, screen line_y nohead lc rgb shade(colour, 1) lw 9
                }
                if (kind eq 'merged') { set arrow from screen x1, screen line_y to screen x2, screen line_y \
                    nohead lc rgb shade(colour, 2) lw 9 }
                if (kind eq 'idle') { set arrow from screen x1, screen line_y to screen x2, screen line_y \
                    nohead lc rgb '#ededed' lw 9 }
                if (kind eq 'full') { set object 2 rectangle from screen x1, screen line_y - 5.0 / canvas_h to screen x2, \
                    screen line_y + 5.0 / canvas_h fillcolor rgb grey fillstyle pattern 4 noborder }
                if (kind eq 'makespan') { set arrow from screen xm, screen line_y - 7.0 / canvas_h \
                    to screen xm, screen line_y + 7.0 / canvas_h nohead lc rgb ink lw 1.6 dt (6, 4) }
                if (kind eq 'first') { set label '' at screen xm, screen line_y point pt 11 ps 1.3 * big lc rgb ink }
                set label said at screen across(place_ + 30), screen line_y left font font_small tc rgb ink
                place_ = place_ + 30 + wide(said, size_small) + 18
            }
            if (caption ne '') { set label caption_text at screen across(20), \
                screen up(canvas_h - 14 - 15 * (wrapped_lines - 1)) left font font_small tc rgb '#555555' }
        }
        set label shorten(text(p, c_title), int(panel_w / (0.6 * size_text))) at graph 0, \
            graph 1 + 27.0 / panel_h left font font_bold tc rgb ink
        part_of_ = amount(p, c_traced) < amount(p, c_chunks) ? sprintf('%s of ', text(p, c_traced)) : ''
        said = sprintf('makespan %s, first result %s, %s%s chunk%s', time_text(makespan), time_text(first_s), \
            part_of_, text(p, c_chunks), text(p, c_chunks) eq '1' ? '' : 's')
        set label said at graph 0, graph 1 + 12.0 / panel_h left font font_small tc rgb '#555555'
        step_ = step_of(span(p) / panel_w * 74)
        t_ = step_
        ticks_ = '"0" 0'
        while (t_ <= span(p)) { ticks_ = ticks_.sprintf(', "%s" %.10g', time_text(t_), t_); t_ = t_ + step_ }
        eval 'set xtics ('.ticks_.')'
        every_ = int(ceil(13.0 * workers / panel_h))
        ticks_ = ''
        do for [w = 0:workers - 1:every_] { ticks_ = glue(ticks_, sprintf('"%d" %d', w, w), ', ') }
        eval 'set ytics ('.ticks_.') nomirror scale 0 font font_small'
        if (column == 0) { set label 'worker' at screen across(16), graph 0.5 center rotate by 90 font font_small tc rgb ink }
        thick = lane_px * lanes / real(workers) < 4 ? 0.5 : 0.42
        set object 1 rectangle from 0, workers - 0.5 to makespan, -0.5 fillcolor rgb '#ededed' fillstyle solid 1 noborder behind
        set arrow from makespan, graph 0 to makespan, graph 1 nohead lc rgb ink lw 1.6 dt (6, 4) front
        set label '' at first_s, graph 1 + 1.0 / panel_h point pt 11 ps 1.2 * big lc rgb ink front
        plot bars index int(amount(p, c_panel)) - 1 skip 1 using ($5 == 3 ? NaN : $3):2:3:4:($2 - thick):($2 + thick):(shade(colour, int($5))) \
            with boxxyerror fillcolor rgb variable notitle, \
            bars index int(amount(p, c_panel)) - 1 skip 1 using ($5 == 3 ? $3 : NaN):2:3:4:($2 - thick):($2 + thick) \
            with boxxyerror fillcolor rgb '#ffffff' fillstyle solid 1 noborder notitle, \
            bars index int(amount(p, c_panel)) - 1 skip 1 using ($5 == 3 ? $3 : NaN):2:3:4:($2 - thick):($2 + thick) \
            with boxxyerror fillcolor rgb grey fillstyle pattern 4 noborder notitle
    }
    unset multiplot
    unset output
}
