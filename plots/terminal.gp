# Figure 1 in the terminal: speedup over workers in plain ASCII, on standard output.
#
# Columns of summary.csv: experiment workload scale tasks backend schedule dispatch chunk chunk_auto workers
# ranks threads bind fresh n speedup serial_fraction base base_s bound
#
# gnuplot -e "home='plots'; input='RUN/summary.csv'; experiment='scaling'; usable=2; columns=80; rows=24"
#         plots/terminal.gp
#
# Each series has a letter: capitals are its medians, small letters the line between them; & stands where
# several meet, = is the bound, a dot the ideal.

screen_columns = exists("columns") ? columns : 80
screen_rows = exists("rows") ? rows : 24
call home.'/common.gp' 'begin'
fields = point_fields.'speedup bound'
keep(r) = of_experiment(r)
call home.'/common.gp' 'read'

n_drawn = 0
n_series = 0
if (rows > 0) {
    x_field = c_workers
    y_of(r) = amount(r, c_speedup)
    low_of(r) = NaN
    high_of(r) = NaN
    bound_of(r) = amount(r, c_bound)
    dot_column = 3
    dot_factor(r) = 1
    split = ''
    call home.'/common.gp' 'sort'
}

# What is not ASCII is said in ASCII.
plain = ' !"#$%&()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_abcdefghijklmnopqrstuvwxyz{|}~'."'"
letter_(c) = strstrt(plain, c) ? c : c eq '×' ? 'x' : c eq 'µ' ? 'u' : c eq '·' || c eq '–' ? '-' : '?'
ascii(s) = (said = '', sum [i_ = 1:strlen(s)] (said = said.letter_(s[i_:i_]), 1), said)
short(s, n) = strlen(s) > n ? s[1:n - 2].'..' : s

set print '-'
if (n_series == 0) {
    print ascii(sprintf('no rows for the speedup of %s', experiment))
    exit
}

# Names: a letter, the series, its speedup at its largest number of workers; sorted downwards by it.
letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'
small = 'abcdefghijklmnopqrstuvwxyz'
sign(k) = k <= strlen(letters) ? letters[k:k] : '*'
sign_small(k) = k <= strlen(small) ? small[k:k] : '*'
array LAST[n_series]
array ORDER[n_series]
array LABEL[n_series]
longest = 0
do for [k = 1:n_series] {
    LAST[k] = 0
    do for [r = 1:rows] {
        if (SERIES[r] == k) {
            if (!LAST[k]) { LAST[k] = r }
            if (X[r] > X[LAST[k]] || (X[r] == X[LAST[k]] && Y[r] > Y[LAST[k]])) { LAST[k] = r }
        }
    }
    name_k = n_backends > 1 || varied eq '' ? text(FIRST[k], c_backend) : ''
    do for [f in varied] {
        name_k = glue(name_k, f ne 'chunk' ? factor(FIRST[k], f) : 'c='.(text(FIRST[k], \
            c_chunk_auto) eq '1' ? 'auto' : text(FIRST[k], c_chunk)), ' ')
    }
    LABEL[k] = short(ascii(name_k), int(screen_columns * 0.4) - 8)
    longest = most(longest, strlen(LABEL[k]))
    j = k
    while (j > 1 && Y[LAST[ORDER[j > 1 ? j - 1 : 1]]] < Y[LAST[k]]) { ORDER[j] = ORDER[j - 1]; j = j - 1 }
    ORDER[j] = k
}

# The grid of characters between the axes.
left_ = 7
right_ = longest + 11
above = 2
below = 4
wide_ = screen_columns - left_ - right_ - 1
high_ = screen_rows - above - below
if (wide_ < 10 || high_ < 5) {
    print sprintf('a terminal of %d x %d is too small for a curve', screen_columns, screen_rows)
    exit
}
x_least = 1
x_most = most(x_most, 2)
top_ = most(y_most, bound_most)
y_to = most(top_, least(x_most, 2 * top_)) * 1.1
y_from = least(least(y_least, bound_least), 1) / 1.1
cell_x(x) = int(floor(log2(x) / log2(x_most) * (wide_ - 3) + 1.5))
cell_y(y) = int(floor(log(y / y_from) / log(y_to / y_from) * (high_ - 1) + 0.5))
array GRID[wide_ * high_]
do for [i = 1:wide_ * high_] { GRID[i] = ' ' }
inside(i, j) = i >= 0 && i < wide_ && j >= 0 && j < high_
at(i, j) = j * wide_ + i + 1
put(i, j, c) = inside(i, j) ? (GRID[at(i, j)] = c, 1) : 0
line(i, j, c) = inside(i, j) && (GRID[at(i, j)] eq ' ' || GRID[at(i, j)] eq '.' || GRID[at(i, \
    j)] eq ':') ? put(i, j, c) : 0
point(i, j, c) = !inside(i, j) ? 0 : \
    strstrt(letters.'&', GRID[at(i, j)]) && GRID[at(i, j)] ne c ? put(i, j, '&') : put(i, j, c)
if (is_known(usable) && usable >= 1 && usable <= x_most) {
    do for [j = 0:high_ - 1] { done_ = put(cell_x(usable), j, ':') }
}
do for [i = 1:wide_ - 2] { done_ = put(i, cell_y(2 ** ((i - 1) / (wide_ - 3.0) * log2(x_most))), '.') }
do for [r = 1:rows] {
    if (SERIES[r]) { if (is_known(BOUND[r])) {
        do for [i = -1:1] { done_ = line(cell_x(X[r]) + i, cell_y(BOUND[r]), '=') }
    } }
}
if (n_series <= 5) {
    do for [k = 1:n_series] {
        if (JOINED[k]) {
            do for [r = 1:rows] {
                # The next point of the series to the right.
                n_ = 0
                if (SERIES[r] == k) {
                    do for [q = 1:rows] {
                        if (SERIES[q] == k && X[q] > X[r]) { if (!n_) { n_ = q } else { \
                            if (X[q] < X[n_]) { n_ = q } } }
                    }
                }
                if (n_) {
                    do for [i = cell_x(X[r]) + 1:cell_x(X[n_]) - 1] {
                        done_ = line(i, cell_y(Y[r] * (Y[n_] / Y[r]) ** ((i - cell_x(X[r])) / \
                            real(cell_x(X[n_]) - cell_x(X[r])))), sign_small(k))
                    }
                }
            }
        }
    }
}
several = 0
do for [r = 1:rows] { if (SERIES[r]) { done_ = point(cell_x(X[r]), cell_y(Y[r]), sign(SERIES[r])) } }
set print $cells
print '-1 -1 " "'
do for [j = 0:high_ - 1] { do for [i = 0:wide_ - 1] {
    if (GRID[at(i, j)] ne ' ') {
        print sprintf('%d %d "%s"', i, j, GRID[at(i, j)])
        if (GRID[at(i, j)] eq '&') { several = 1 }
    }
} }
set print

# Ticks.
x_ticks = ''
taken = ' '
x_all = ''
do for [e = 0:20] { x_all = x_all.sprintf(' %d', 2 ** e) }
do for [r = 1:rows] { if (SERIES[r]) { x_all = x_all.sprintf(' %d', X[r]) } }
do for [v in x_all] {
    free_ = real(v) <= x_most
    do for [t in taken] { if (abs(cell_x(real(v)) - cell_x(real(t))) < 2 + strlen(t)) { free_ = 0 } }
    if (free_) {
        taken = taken.v.' '
        x_ticks = glue(x_ticks, sprintf('"%s" %d', v, cell_x(real(v))), ', ')
    }
}
y_ticks = ''
taken = ' '
do for [v in '1 2 4 8 16 32 64 128 256 512 1024 0.5 0.25 0.1 0.01 0.001 0.0001 ' . \
    '1.5 3 6 12 24 48 1.25 1.75'] {
    free_ = real(v) >= y_from && real(v) <= y_to
    do for [t in taken] { if (free_) { if (abs(cell_y(real(v)) - cell_y(real(t))) < 2) { free_ = 0 } } }
    if (free_) {
        taken = taken.v.' '
        y_ticks = glue(y_ticks, sprintf('"%s" %d', v, cell_y(real(v))), ', ')
    }
}

base_said = ''
do for [p = 1:n_panels] { if (is_known(BASE_S[p])) { if (!strstrt(base_said, time_text(BASE_S[p]))) { \
    base_said = glue(base_said, time_text(BASE_S[p]), ' or ') } } }
heading = sprintf('Speedup over workers: %s (base: %s%s)', experiment, base_name, base_said eq '' ? \
    '' : ', '.base_said)
marks = '.'.' ideal'.(has_bound ? '   = bound' : '').(is_known(usable) && usable <= x_most ? \
    '   : '.usable_text(usable) : '').(several ? '   & several' : '')

# gnuplot begins the page with a form feed, whatever it is told.
eval sprintf('set terminal dumb noenhanced mono size %d,%d', screen_columns, screen_rows)
set output "| tr -d '\\f'"
unset key
set border 3
set xrange [0:wide_ - 1] noextend
set yrange [0:high_ - 1] noextend
set lmargin left_
set rmargin right_
set tmargin above
set bmargin below
eval 'set xtics ('.x_ticks.') nomirror out'
eval 'set ytics ('.y_ticks.') nomirror out'
set label short(ascii(heading), screen_columns - 2) at character 1, character screen_rows - 1 left
do for [i = 1:n_series] {
    if (i <= screen_rows - 3) { set label sprintf('%s %s%s', sign(ORDER[i]), LABEL[ORDER[i]], \
        sprintf('%'.sprintf('%d', longest + 7 - strlen(LABEL[ORDER[i]])).'.'.(Y[LAST[ORDER[i]]] < 0.1 ? \
        '1g' : '2f'), Y[LAST[ORDER[i]]])) at character screen_columns - right_ + 2, \
        character screen_rows - 2 - i left }
}
set label ascii('workers     '.marks) at character left_, character 1 left
if (caption ne '') { set label short(ascii(caption), screen_columns - 2) at character 1, character 0 left }
plot $cells using 1:2:3 with labels notitle
unset output
