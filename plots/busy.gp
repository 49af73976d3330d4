# Figure 9: how uneven? Busy time of each worker, a row a schedule, a panel a backend.
#
# Columns of input: row panel title backend workers samples mean_s most_s span_s
# Columns of the file beside it, input without .csv and with -bars.csv, a block a row:
# row position busy_s claim_s span_s
#
# gnuplot -e "home='plots'; input='RUN/plots/linear-busy.csv'; experiment='linear';
#             output='RUN/plots/linear-busy'; caption='host class, n, base'; about='what all points share'" plots/busy.gp

call home.'/common.gp' 'begin'
fields = 'row panel title backend workers samples mean_s most_s span_s'
keep(r) = amount(r, c_workers) > 0 && amount(r, c_span_s) > 0
call home.'/common.gp' 'read'
if (rows == 0) {
    reason = sprintf('no workers seen of %s', experiment)
    call home.'/common.gp' 'nothing'
    exit
}
bars = input[1:strlen(input) - 4].'-bars.csv'
set datafile separator comma

# Panels, and the rows of each from the top.
n_panels = 0
array PANEL[rows]
array PLACE[rows]
array FIRST[rows]
array SIZE[rows]
letters = 4
x_most = 0
workers_least = NaN
workers_most = NaN
do for [r = 1:rows] {
    p = 0
    do for [q = 1:n_panels] { if (text(FIRST[q], c_panel) eq text(r, c_panel)) { p = q } }
    if (!p) { n_panels = n_panels + 1; p = n_panels; FIRST[p] = r; SIZE[p] = 0 }
    PANEL[r] = p
    PLACE[r] = SIZE[p]
    SIZE[p] = SIZE[p] + 1
    letters = most(letters, strlen(text(r, c_title)))
    x_most = most(x_most, most(amount(r, c_span_s), amount(r, c_most_s)))
    workers_least = least(workers_least, amount(r, c_workers))
    workers_most = most(workers_most, amount(r, c_workers))
}
letters = least(letters, 34)
tallest = 0
do for [p = 1:n_panels] { tallest = most(tallest, SIZE[p]) }

# The page.
grid_columns = n_panels == 1 ? 1 : n_panels <= 4 ? 2 : 3
grid_rows = int((n_panels + grid_columns - 1) / grid_columns)
canvas_w = grid_columns == 3 || (grid_columns == 2 && letters > 14) ? 1200 : 900
row_px = tallest <= 4 ? 44 : tallest <= 10 ? 32 : 24
# A worker wants some pixels, while the page does not grow too tall for it.
row_px = most(row_px, least(4 * workers_most, 1200.0 / (tallest * grid_rows)))
panel_h = tallest * row_px
cell_h = panel_h + 66
caption_text = wrap_(caption, int((canvas_w - 40) / (0.56 * size_small)))
head = about eq '' ? 84 : 106
foot = 34 + 15 * (caption eq '' ? 0 : wrapped_lines)
canvas_h = int(head + grid_rows * cell_h + foot)
cell_w = (canvas_w - 12) / real(grid_columns)
left_ = 30 + 0.6 * size_small * letters
panel_w = cell_w - left_ - 62
x_to = 1.04 * x_most
step_of(s) = (unit_ = 10 ** floor(log10(s)), s <= unit_ ? unit_ : s <= 2 * unit_ ? 2 * unit_ : \
    s <= 5 * unit_ ? 5 * unit_ : 10 * unit_)

# A row's workers lie in the middle 0.8 of its height; thin ones overlap, so that no white shines through.
high(r) = 0.8 / amount(r, c_workers)
gap(r) = (high(r) * row_px > 5 ? 0.5 : high(r) * row_px < 2 ? -0.4 : 0) / row_px
top_of(r, i) = PLACE[r] + 0.1 + high(r) * i + gap(r)
end_of(r, i) = PLACE[r] + 0.1 + high(r) * (i + 1) - gap(r)

kind_of(b) = strstrt(b, ':') ? b[1:strstrt(b, ':') - 1] : b
colour_of(b) = cycle(palette, place(known, kind_of(b)) ? place(known, kind_of(b)) : 5)
uneven(r) = amount(r, c_mean_s) > 0 ? sprintf('+%.0f %%', 100 * (amount(r, c_most_s) / amount(r, c_mean_s) - 1)) : ''

legend = 'busy claim idle mean over'
legend_text(kind) = kind eq 'busy' ? 'running tasks' : kind eq 'claim' ? 'getting chunks' : \
    kind eq 'idle' ? 'idle' : kind eq 'mean' ? 'mean busy time' : \
    'busiest worker over the mean'
swatch(kind) = kind eq 'busy' ? colour_of(text(1, c_backend)) : kind eq 'claim' ? ink : '#e4e4e4'

do for [device in devices] {
    eval open_device(device)
    opened_ = open_fonts(device)
    set multiplot
    set border 1 lc rgb grey lw 1
    set tics nomirror out scale 0.5,0.3 textcolor rgb ink font font_small
    unset key
    unset grid
    set style fill solid 1 noborder
    do for [p = 1:n_panels] {
        unset label
        unset arrow
        unset xtics
        unset ytics
        column = (p - 1) % grid_columns
        line = int((p - 1) / grid_columns)
        x0 = column * cell_w + left_
        y0 = head + line * cell_h + 22
        colour = colour_of(text(FIRST[p], c_backend))
        set lmargin at screen across(x0)
        set rmargin at screen across(x0 + panel_w)
        set tmargin at screen up(y0)
        set bmargin at screen up(y0 + SIZE[p] * row_px)
        set xrange [0:x_to] noextend
        set yrange [SIZE[p]:0] noextend
        if (p == 1) {
            said = workers_least == workers_most ? sprintf(', %g worker%s', workers_most, workers_most == 1 ? '' : 's') : ''
            set label cut('Busy time of each worker: '.heading, int((canvas_w - 40) / (0.6 * size_title)) - strlen(said)).said at screen across(20), screen up(24) \
                left font font_title tc rgb ink
            place_ = 20
            line_y = up(head - 32)
            if (about ne '') { set label shorten(about, int((canvas_w - 40) / (0.57 * size_text))) \
                at screen across(20), screen up(48) left tc rgb '#555555' }
            do for [kind in legend] {
                said = legend_text(kind)
                xm = across(place_ + 12)
                filled = swatch(kind)
                if (kind eq 'mean') { set arrow from screen xm, screen line_y - 8.0 / canvas_h \
                    to screen xm, screen line_y + 8.0 / canvas_h nohead lc rgb ink lw 2 }
                if (kind eq 'over') { set label '+n %' at screen xm, screen line_y center font font_small tc rgb '#555555' }
                if (kind ne 'mean' && kind ne 'over') { set arrow from screen across(place_), screen line_y to \
                    screen across(place_ + 24), screen line_y nohead lc rgb filled lw 9 }
                set label said at screen across(place_ + 30), screen line_y left font font_small tc rgb ink
                place_ = place_ + 30 + wide(said, size_small) + 18
            }
            if (caption ne '') { set label caption_text at screen across(20), \
                screen up(canvas_h - 14 - 15 * (wrapped_lines - 1)) left font font_small tc rgb '#555555' }
        }
        set label ''.text(FIRST[p], c_backend) at graph 0, screen up(y0 - 10) left font font_bold tc rgb ink
        step_ = step_of(x_to / panel_w * 62)
        t_ = step_
        ticks_ = '"0" 0'
        while (t_ <= x_to) { ticks_ = ticks_.sprintf(', "%s" %.10g', time_text(t_), t_); t_ = t_ + step_ }
        eval 'set xtics ('.ticks_.') nomirror out scale 0.5 font font_small'
        parts = ''
        do for [r = 1:rows] {
            if (PANEL[r] == p) {
                y_ = PLACE[r] + 0.5
                set label shorten(text(r, c_title) eq '' ? 'all' : text(r, c_title), letters) at screen across(x0 - 8), \
                    first y_ right font font_small tc rgb ink
                set label uneven(r) at graph 1 + 4.0 / panel_w, first y_ left font font_small tc rgb '#555555'
                set arrow from amount(r, c_mean_s), first PLACE[r] + 0.03 to amount(r, c_mean_s), \
                    first PLACE[r] + 0.97 nohead lc rgb ink lw 2 front
                piece_ = sprintf('bars index %s - 1 skip 1 using ', text(r, c_row))
                y_part_ = sprintf(':(top_of(%d, $2)):(end_of(%d, $2)) with boxxyerror fillcolor rgb ', r, r)
                parts = parts.piece_.'3:2:(0):5'.y_part_.'"#e4e4e4" notitle, '. \
                    piece_.'3:2:3:($3 + $4)'.y_part_.'"'.ink.'" notitle, '. \
                    piece_.'3:2:(0):3'.y_part_.'"'.colour.'" notitle, '
            }
        }
        eval 'plot '.parts.'NaN notitle'
    }
    unset multiplot
    unset output
}
