# What the figures share. A figure calls this file once a step:
#
#   call home.'/common.gp' 'begin'    defaults, colours and functions
#   call home.'/common.gp' 'read'     reads the file named by input into CELL: the columns named in fields,
#                                     and of the rows those for which keep(row) holds
#   call home.'/common.gp' 'sort'     finds the series and shares them out over panels
#   call home.'/common.gp' 'draw'     writes output.svg and output.png
#   call home.'/common.gp' 'nothing'  writes both with one sentence, reason, in the middle
#
# Between the steps the figure sets what is its own; each step says what it wants and what it leaves.
#
# Rules held here: a line joins the points of one series along a numeric axis and nothing else; a series
# that has several points at one x (ranks x threads of hybrid) is not joined; backends are told apart by
# colour and by shape; series carry their names at their ends; each median stands on the dots of its samples.
#
# Dots come from the file named by samples, where it is given: columns point time_s speedup counts spread
# disturbed, a row a sample, point being the row of summary.csv from 1.
#
# Inside braces no comment may hold a quote or a brace: gnuplot counts them.

if (ARG1 eq 'begin') {
    if (!exists("home")) { home = '.' }
    if (!exists("experiment")) { experiment = '' }
    if (!exists("caption")) { caption = '' }
    if (!exists("usable")) { usable = NaN }
    if (!exists("heading")) { heading = experiment }
    if (!exists("about")) { about = '' }
    if (!exists("samples")) { samples = '' }
    set encoding utf8
    set datafile separator whitespace
    set samples 600

    # Okabe and Ito, Color Universal Design, 2008: told apart by all kinds of colour vision.
    ink = '#222222'
    grey = '#808080'
    pale = '#c8c8c8'
    palette = '#0072B2 #D55E00 #009E73 #CC79A7 #E69F00 #56B4E9 #8C6D00 #000000'
    shapes = '7 5 9 13 11 15'
    known = 'procpool openmp mpi hybrid'

    # Where a word stands in a list of words, 0 when it is not there.
    place(list, item) = sum [w_ = 1:words(list)] (word(list, w_) eq item ? w_ : 0)
    cycle(list, i) = word(list, int(i - 1) % words(list) + 1)
    is_known(v) = v == v
    least(a, b) = !is_known(a) ? b : !is_known(b) ? a : a < b ? a : b
    most(a, b) = !is_known(a) ? b : !is_known(b) ? a : a > b ? a : b
    log2(v) = log(v) / log(2)

    # A cell as a number; NaN when it is empty or not finite. gnuplot 5.4 does not read 1e-05, only 1.0e-05.
    finite_(s) = strstrt(s, 'e') && !strstrt(s, '.') ? \
        real(s[1:strstrt(s, 'e') - 1].'.0'.s[strstrt(s, 'e'):*]) : real(s)
    number(s) = s eq '' || strstrt(s, 'n') || strstrt(s, 'N') ? NaN : finite_(s)

    time_text(s) = s >= 1 ? sprintf('%.3g s', s) : s >= 1e-3 ? sprintf('%.3g ms', s * 1e3) : \
        s >= 1e-6 ? sprintf('%.3g µs', s * 1e6) : sprintf('%.3g ns', s * 1e9)
    cut(s, n) = strlen(s) > n ? s[1:n - 1].'…' : s
    # In the middle, for names: those that are alike differ at their ends.
    shorten(s, n) = strlen(s) > n ? s[1:int(n) / 2].'…'.s[strlen(s) - (n - 2 - int(n) / 2):*] : s
    glue(a, b, between) = a eq '' ? b : b eq '' ? a : a.between.b

    # Text in pictures: sizes are those of the svg, in pixels; a letter is about 0.6 of its size wide.
    size_text = 12
    size_small = 11
    size_title = 16
    wide(s, size) = 0.58 * size * strlen(s)

    # What the figures of summary.csv have in common: the columns of a point, the base, and which rows count.
    point_fields = 'experiment workload scale tasks backend schedule dispatch chunk chunk_auto workers '. \
        'ranks threads bind fresh n serial_fraction base base_s '
    dot_text(kind) = kind eq 'dots' ? 'samples' : kind eq 'noise' ? 'disturbed' : \
        kind eq 'aside' ? 'disturbed, taken again' : 'beyond the frame'
    of_experiment(r) = text(r, c_experiment) eq experiment && amount(r, c_n) > 0
    usable_text(n) = sprintf('%g usable CPU%s', n, n == 1 ? '' : 's')

    devices = 'svg '.(strstrt(GPVAL_TERMINALS, 'pngcairo') ? 'pngcairo' : strstrt(GPVAL_TERMINALS, \
        ' png ') ? 'png' : '')
    open_device(device) = (size_factor = device eq 'svg' ? 1.0 : 0.75, big = device eq 'svg' ? 0.62 : 0.9, \
        sprintf('set terminal %s size %d,%d noenhanced %s font "%s,%g" linewidth 1 ' . \
            '%s; set output "%s.%s"', \
        device, canvas_w, canvas_h, device eq 'svg' ? 'dynamic butt' : device eq 'pngcairo' ? 'butt' : '', \
        device eq 'svg' ? 'sans-serif' : 'Sans', \
        size_text * size_factor, device eq 'png' ? 'background "#ffffff"' : 'background rgb "white"', \
        output, device eq 'svg' ? 'svg' : 'png'))
    face(device, size) = sprintf('%s,%g', device eq 'svg' ? 'sans-serif' : 'Sans', size * size_factor)
    bold(device, size) = sprintf('%s,%g', device eq 'svg' ? 'sans-serif' : 'Sans:Bold', size * size_factor)
    open_fonts(device) = (font_small = face(device, size_small), font_large = face(device, size_title), \
        font_tiny = face(device, 9.5), font_bold = bold(device, size_text), font_title = bold(device, \
            size_title))

    canvas_w = 900
    canvas_h = 600
    across(px) = px / real(canvas_w)
    up(px) = 1 - px / real(canvas_h)

    # The caption, broken into lines of at most room letters, but not at stuck spaces; lines are counted too.
    stuck = "\302\240"
    wrapped = ''
    wrapped_lines = 0
    wrap_(s, room) = (wrapped = '', line_ = '', wrapped_lines = 1, \
        sum [w_ = 1:words(s)] (strlen(line_) + strlen(word(s, w_)) + 1 > room && line_ ne '' ? \
            (wrapped = wrapped.line_."\n", wrapped_lines = wrapped_lines + 1, line_ = word(s, w_), 0) : \
            (line_ = glue(line_, word(s, w_), ' '), 0)), wrapped = wrapped.line_, line_ = '', \
        sum [w_ = 1:strlen(wrapped)] (line_ = line_.(wrapped[w_:w_] eq stuck ? ' ' : wrapped[w_:w_]), 0), \
        wrapped = line_, wrapped)
}

# Wants: input, fields (words), keep(row). Leaves: rows, CELL, and for each field F its number c_F, so that
# text(row, c_F) and amount(row, c_F) are a cell of it. A column that the file lacks is empty throughout.
# KEPT tells of each row of the file, from 1, which row it is now, 0 for none.
#
# The file is read byte by byte, by the rules of RFC 4180: gnuplot itself takes a quoted 0,1 for the number
# 0 and an empty cell at the end of a line for the one before.
if (ARG1 eq 'read') {
    width_ = words(fields)
    do for [i = 1:width_] { eval sprintf('c_%s = %d', word(fields, i), i) }
    lines_ = 1
    stats input binary format='%uchar' using (lines_ = lines_ + ($1 == 10), 0) nooutput
    array CELL[lines_ * width_]
    array HEAD_[400]
    array KEPT[lines_]
    do for [i = 1:lines_] { KEPT[i] = 0 }
    do for [i = 1:400] { HEAD_[i] = 0 }
    text(r, c) = CELL[(r - 1) * width_ + c]
    amount(r, c) = number(CELL[(r - 1) * width_ + c])
    quoted_ = 0
    closed_ = 0
    field_ = ''
    column_ = 0
    row_ = 0
    read_ = -1
    blank_(r) = sum [c_ = 1:width_] (CELL[(r - 1) * width_ + c_] = '', 1)
    store_(c) = c > 400 ? 0 : row_ == 0 ? (HEAD_[c] = place(fields, field_), 0) : \
        HEAD_[c] ? (CELL[(row_ - 1) * width_ + HEAD_[c]] = field_, 0) : 0
    end_field_(x) = (column_ = column_ + 1, store_(column_), field_ = '', 0)
    next_row_(x) = (row_ > 0 ? (KEPT[read_] = row_) : 0, row_ = row_ + 1, row_ < lines_ ? blank_(row_) : 0, 0)
    end_row_(x) = (end_field_(0), column_ = 0, read_ = read_ + 1, \
        row_ == 0 || keep(row_) ? next_row_(0) : 0, 0)
    add_(b) = (field_ = field_.sprintf('%c', b), 0)
    feed_(b) = b == 34 ? (quoted_ ? (quoted_ = 0, closed_ = 1) : \
                          closed_ ? (closed_ = 0, quoted_ = 1, add_(34)) : (quoted_ = 1)) : \
        (closed_ = 0, quoted_ ? add_(b) : b == 44 ? end_field_(0) : b == 10 ? end_row_(0) : \
         b == 13 ? 0 : add_(b))
    stats input binary format='%uchar' using (feed_(int($1)), 0) nooutput
    if (column_ > 0 || field_ ne '') { done_ = end_row_(0) }
    if (row_ == 0) { exit status 1 }
    rows = row_ - 1
}

# Wants: rows of summary.csv in CELL, with point_fields among their fields; x_field; y_of(r), low_of(r),
# high_of(r), bound_of(r): the value, its interval and its bound, NaN when unknown; split: the factors that
# always get a panel of their own; for dots dot_column, of samples, and dot_factor(r): times this it is drawn.
#
# Leaves: for rows X Y LOW HIGH BOUND, SEQ and SERIES (0: of seq, or not to be drawn); for series FIRST (its
# first row) NAME PANEL COLOUR SHAPE DASH JOINED FRACTION; for panels TITLE BASE_S; common (the factors that do not vary);
# counts n_series, n_panels; ranges x_least .. x_most, y_least .. y_most; flags has_interval, has_bound,
# has_fit, has_seq, has_dots, has_aside, has_noise. Samples widen y_least .. y_most, by half at most: a single one that took
# a hundred times as long does not flatten the rest, but is told to lie beyond.
if (ARG1 eq 'sort') {
    # What follows takes time by the square of the points, and more of them than this nobody tells apart.
    most_rows = 400
    if (rows > most_rows) {
        caption = glue(caption, sprintf('the first %d of %d points', most_rows, rows), '; ')
        do for [i = 1:|KEPT|] { if (KEPT[i] > most_rows) { KEPT[i] = 0 } }
        rows = most_rows
    }
    array X[rows]
    array Y[rows]
    array LOW[rows]
    array HIGH[rows]
    array BOUND[rows]
    array SERIES[rows]
    array SEQ[rows]
    first_ = 0
    has_interval = 0
    has_bound = 0
    has_seq = 0
    n_drawn = 0
    x_least = NaN
    x_most = NaN
    y_least = NaN
    y_most = NaN
    bound_least = NaN
    bound_most = NaN
    do for [r = 1:rows] {
        X[r] = amount(r, x_field)
        Y[r] = y_of(r)
        LOW[r] = low_of(r)
        HIGH[r] = high_of(r)
        BOUND[r] = bound_of(r)
        SEQ[r] = text(r, c_backend) eq 'seq'
        SERIES[r] = is_known(X[r]) && is_known(Y[r]) && X[r] > 0 && Y[r] > 0 ? 1 : 0
        if (!is_known(LOW[r]) || !is_known(HIGH[r]) || LOW[r] <= 0) { LOW[r] = NaN; HIGH[r] = NaN }
        if (SERIES[r] && SEQ[r]) { SERIES[r] = 0; has_seq = 1 } else { SEQ[r] = 0 }
        if (SERIES[r] || SEQ[r]) {
            n_drawn = n_drawn + 1
            y_least = least(y_least, least(Y[r], LOW[r]))
            y_most = most(y_most, most(Y[r], HIGH[r]))
            if (is_known(LOW[r])) { has_interval = 1 }
        }
        if (SERIES[r]) {
            if (!first_) { first_ = r }
            x_least = least(x_least, X[r])
            x_most = most(x_most, X[r])
            if (is_known(BOUND[r]) && BOUND[r] > 0) {
                has_bound = 1
                bound_least = least(bound_least, BOUND[r])
                bound_most = most(bound_most, BOUND[r])
            } else { BOUND[r] = NaN }
        }
        if (SEQ[r] && x_field == c_workers) {
            x_least = least(x_least, X[r])
            x_most = most(x_most, X[r])
        }
    }

    # The dots that are drawn, and how far they reach.
    has_dots = 0
    has_aside = 0
    has_noise = 0
    if (samples ne '' && n_drawn > 0) {
        dot_least = NaN
        dot_most = NaN
        set datafile separator comma
        note_(r, v, counts, disturbed) = r == 0 || !is_known(v) ? 0 : !SERIES[r] && !SEQ[r] ? 0 : \
            (has_dots = 1, has_aside = has_aside || counts == 0, has_noise = has_noise || (counts > 0 && disturbed > 0), dot_least = least(dot_least, v), \
            dot_most = most(dot_most, v), 0)
        eval sprintf('stats samples skip 1 using (r_ = KEPT[int($1)], ' . \
            'note_(r_, r_ ? $%d * dot_factor(r_) : NaN, $4, $6), 0) nooutput', dot_column)
        set datafile separator whitespace
        y_most = most(y_most, least(dot_most, 1.5 * y_most))
        y_least = least(y_least, most(dot_least, y_least / 1.5))
    }

    # A factor of a row in words. The chunk size of a rule that chooses its own varies with the workers and
    # is one level, not many.
    factor(r, f) = f eq 'workload' ? text(r, c_workload) : \
        f eq 'tasks' ? text(r, c_tasks).' tasks' : \
        f eq 'schedule' ? text(r, c_schedule) : \
        f eq 'chunk' ? (text(r, c_chunk_auto) eq '1' ? 'auto chunk' : 'chunk '.text(r, c_chunk)) : \
        f eq 'auto' ? (text(r, c_chunk_auto) eq '1' ? 'auto chunk' : '') : \
        f eq 'workers' ? text(r, c_workers).(text(r, c_workers) eq '1' ? ' worker' : ' workers') : \
        f eq 'dispatch' ? text(r, c_dispatch) : \
        f eq 'bind' ? 'bind '.text(r, c_bind) : \
        f eq 'fresh' ? (text(r, c_fresh) eq '1' ? 'fresh' : 'kept') : \
        f eq 'scale' ? 'scale '.text(r, c_scale) : text(r, c_backend)
    factors = 'workload tasks scale workers schedule chunk auto bind fresh dispatch'
    if (x_field == c_workers) { factors = 'workload tasks scale schedule chunk bind fresh dispatch' }
    if (x_field == c_chunk) { factors = 'workload tasks scale workers schedule bind fresh dispatch' }

    # Which factors vary. Dispatch differs between backends and between schedules by nature: it counts when it
    # varies within one schedule of one backend.
    common = ''
    varied = ''
    backends = ''
    do for [r = 1:rows] {
        if (SERIES[r] && !place(backends, text(r, c_backend))) {
            backends = glue(backends, text(r, c_backend), ' ')
        }
    }
    array BACKEND[rows]
    array EXAMPLE[rows]
    do for [r = 1:rows] {
        BACKEND[r] = SERIES[r] ? place(backends, text(r, c_backend)) : 0
        EXAMPLE[r] = r
        do for [q = 1:r - 1] {
            if (SERIES[q] && EXAMPLE[r] == r && text(q, c_backend) eq text(r, c_backend) && \
                text(q, c_schedule) eq text(r, c_schedule)) { EXAMPLE[r] = q }
        }
    }
    do for [f in factors] {
        same_ = 0 == sum [q = 1:rows] (SERIES[q] && factor(q, f) ne factor(f eq 'dispatch' ? \
            EXAMPLE[q] : first_, f) ? 1 : 0)
        if (!same_) { varied = glue(varied, f, ' ') }
        if (same_ && first_ && f ne 'dispatch' && factor(first_, f) ne 'bind ' && factor(first_, \
            f) ne 'bind none' \
            && factor(first_, f) ne 'scale ' && factor(first_, f) ne 'scale 1' && factor(first_, \
                f) ne 'kept') {
            common = glue(common, factor(first_, f), ' · ')
        }
    }
    if (about ne '') { common = about }
    n_backends = words(backends)

    # The name of a row in the factors of a list, and the series that these names make.
    chosen(r, list, between) = (name_ = '', \
        sum [w_ = 1:words(list)] (name_ = glue(name_, factor(r, word(list, w_)), between), 1), name_)
    wanted(list, all) = (name_ = '', sum [w_ = 1:words(all)] \
        (place(list, word(all, w_)) ? (name_ = glue(name_, word(all, w_), ' '), 1) : 0), name_)
    without(list, all) = (name_ = '', sum [w_ = 1:words(all)] \
        (place(list, word(all, w_)) ? 0 : (name_ = glue(name_, word(all, w_), ' '), 1)), name_)

    array KEY[rows]
    array FIRST[rows]
    n_series = 0
    do for [r = 1:rows] {
        if (SERIES[r]) {
            key_ = text(r, c_backend)."\t".chosen(r, varied, "\t")
            k_ = 0
            do for [k = 1:n_series] { if (KEY[k] eq key_) { k_ = k } }
            if (!k_) { n_series = n_series + 1; k_ = n_series; KEY[k_] = key_; FIRST[k_] = r }
            SERIES[r] = k_
        }
    }

    # Panels. All series in one when they are few; else a panel for each combination of the factors; else,
    # when that makes too many panels, one for each backend. Series of several backends whose bounds differ
    # are parted too, so that each bound is seen with its own series.
    apart(a, b) = abs(a - b) > 0.01 * abs(a)
    differ(i, j) = X[i] == X[j] && SERIES[i] && SERIES[j] && \
        PANEL[SERIES[i] + 0] == PANEL[SERIES[j] + 0] && apart(BOUND[i], BOUND[j])
    # Series with several points at one x (ranks x threads) say so beside each point: one to a panel, where
    # there are not too many of them.
    several_ = 0
    do for [k = 1:n_series] {
        if (0 < sum [i_ = 1:rows] (SERIES[i_] == k ? sum [j_ = 1:i_ - 1] (SERIES[j_] == k && X[j_] == X[i_] ? 1 : 0) : 0)) {
            several_ = several_ + 1
        }
    }
    panel_by = several_ > 1 && n_series <= 12 ? varied : wanted(split, varied)
    free_ = without(panel_by.' dispatch', varied)
    array TITLE[rows]
    array PANEL[rows]
    array SIZE[rows]
    with_backend = 0
    before_ = ''
    do for [try = 1:3] {
        n_panels = 0
        largest = 0
        do for [k = 1:n_series] {
            title_ = glue(with_backend ? text(FIRST[k], c_backend) : '', chosen(FIRST[k], panel_by, \
                ', '), ', ')
            p_ = 0
            do for [p = 1:n_panels] { if (TITLE[p] eq title_) { p_ = p } }
            if (!p_) { n_panels = n_panels + 1; p_ = n_panels; TITLE[p_] = title_; SIZE[p_] = 0 }
            PANEL[k] = p_
            SIZE[p_] = SIZE[p_] + 1
            largest = most(largest, SIZE[p_])
        }
        clash = n_backends < 2 || n_series == n_backends ? 0 : sum [i_ = 1:rows] sum [j_ = 1:i_ - 1] \
            (BACKEND[i_] == BACKEND[j_] && SERIES[i_] != SERIES[j_] && differ(i_, j_) ? 1 : 0)
        if (try == 1 && (largest > 7 || clash) && n_backends > 1 && words(free_) > 0) {
            before_ = panel_by
            panel_by = without('dispatch', varied)
        }
        if (try == 2 && n_panels > 12) { panel_by = before_; with_backend = 1 }
    }
    if (n_series == 0) { n_panels = 1; TITLE[1] = '' }

    # Names and looks. Colour and shape tell the backend; open or filled and the dash tell its variants. With
    # one backend, or one in a panel, they tell the variants.
    array NAME[rows]
    array COLOUR[rows]
    array SHAPE[rows]
    array DASH[rows]
    array JOINED[rows]
    array FRACTION[rows]
    array BASE_S[rows]
    has_fit = 0
    inner = without(panel_by, varied)
    variants = 0
    longest = 0
    array VARIANT[rows]
    by_variant = n_backends <= 1 || with_backend
    strangers = without(known, backends)
    do for [p = 1:n_panels] { BASE_S[p] = NaN }
    do for [k = 1:n_series] {
        r = FIRST[k]
        backend = text(r, c_backend)
        variant_ = chosen(r, inner, ', ')
        NAME[k] = with_backend ? variant_ : n_backends > 1 || variant_ eq '' ? glue(backend, variant_, \
            ', ') : variant_
        longest = most(longest, strlen(NAME[k]))
        v_ = 0
        do for [v = 1:variants] { if (VARIANT[v] eq variant_) { v_ = v } }
        if (!v_) { variants = variants + 1; v_ = variants; VARIANT[v_] = variant_ }
        b_ = place(known, backend)
        if (!b_) { b_ = words(known) + place(strangers, backend) }
        if (by_variant && variant_ ne '') {
            COLOUR[k] = cycle(palette, v_)
            SHAPE[k] = int(cycle(shapes, v_)) - (int((v_ - 1) / words(shapes)) % 2)
            DASH[k] = 1 + int((v_ - 1) / words(palette)) % 4
        } else {
            # The variants of this backend in its panel, counted.
            v_ = 1
            do for [j = 1:k - 1] {
                if (PANEL[j] == PANEL[k] && text(FIRST[j], c_backend) eq backend) { v_ = v_ + 1 }
            }
            COLOUR[k] = cycle(palette, b_)
            SHAPE[k] = int(cycle(shapes, b_ + 4 * int((v_ - 1) / 2))) - (v_ - 1) % 2
            DASH[k] = 1 + (v_ - 1) % 4
        }
        JOINED[k] = 0 == sum [i_ = 1:rows] (SERIES[i_] == k ? sum [j_ = 1:i_ - 1] (SERIES[j_] == k && \
            X[j_] == X[i_] ? 1 : 0) : 0)
        FRACTION[k] = NaN
        do for [r = 1:rows] {
            if (SERIES[r] == k) {
                FRACTION[k] = least(FRACTION[k], amount(r, c_serial_fraction))
                BASE_S[PANEL[k]] = most(BASE_S[PANEL[k]], amount(r, c_base_s))
            }
        }
        if (is_known(FRACTION[k])) { has_fit = 1 }
    }
    if (n_series == 0) {
        do for [r = 1:rows] { if (SEQ[r]) { BASE_S[1] = most(BASE_S[1], Y[r]) } }
    }
    base_name = ''
    do for [r = 1:rows] {
        if (SERIES[r] && text(r, c_base) ne '') {
            if (base_name eq '') { base_name = text(r, c_base) }
            if (base_name ne text(r, c_base)) { base_name = 'the base' }
        }
    }
    if (base_name eq '') { base_name = 'seq' }
}

# Wants: what 'sort' leaves; title, x_title, y_title; y_scale: log2, time or linear; the ranges x_from .. x_to
# and y_from .. y_to; legend: the kinds of reference marks in use, and legend_text(kind); references(p): the
# plot elements of a panel's reference lines, with a comma behind each; fits: 1 when Amdahl's curve belongs
# in; rings: 1 when the points at x = 1 are to be ringed; mark(p) and mark_text(p): x of a vertical mark, NaN
# for none, and what it says.
if (ARG1 eq 'draw') {
    # The page: title, factors, legend, panels, caption.
    grid_columns = n_panels == 1 ? 1 : n_panels <= 4 ? 2 : 3
    grid_rows = int((n_panels + grid_columns - 1) / grid_columns)
    canvas_h = grid_rows <= 2 ? 600 : 150 + 240 * grid_rows
    canvas_w = grid_columns == 3 ? 1080 : 900
    name_room = longest > 40 ? 40 : longest
    unjoined = sum [k_ = 1:n_series] (JOINED[k_] ? 0 : 1)
    inset = unjoined > 0 ? 28 : 0
    # Points beside each other want width; alone in its panel, a series carries its name above it.
    beside_most = 1
    do for [r = 1:rows] {
        if (SERIES[r] && inset > 0) {
            beside_most = most(beside_most, sum [i_ = 1:rows] (SERIES[i_] == SERIES[r] && X[i_] == X[r] ? 1 : 0))
        }
    }
    if (beside_most > 3) { canvas_w = grid_columns == 3 ? 1500 : 1200 }
    alone = n_series > 1 && n_panels == n_series && n_backends == 1 && unjoined == n_series
    gutter = alone ? 24 : n_series ? 34 + inset + 0.58 * size_small * name_room : 20
    if (!alone && n_panels > 1 && gutter > 0.45 * canvas_w / grid_columns) {
        name_room = 18
        gutter = 34 + inset + 0.58 * size_small * name_room
    }
    caption_text = wrap_(caption, int((canvas_w - 40) / (0.56 * size_small)))
    legend = glue(legend, (has_dots ? 'dots' : '').(has_noise ? ' noise' : '').(has_aside ? ' aside' : ''), ' ')
    if (has_dots) { if (dot_most > y_to || dot_least < y_from) { legend = legend.' beyond' } }
    said_of(kind) = place('dots noise aside beyond', kind) ? dot_text(kind) : legend_text(kind)
    place_ = 20
    legend_lines = 1
    do for [kind in legend] {
        if (place_ + 30 + wide(said_of(kind), size_small) > canvas_w - 12 && place_ > 20) {
            place_ = 20
            legend_lines = legend_lines + 1
        }
        place_ = place_ + 50 + wide(said_of(kind), size_small)
    }
    head = (common eq '' ? 68 : 90) + 14 + 19 * (legend_lines - 1)
    foot = 14 + 15 * (caption eq '' ? 0 : wrapped_lines) + 8
    # Each name at the end of a series wants a line of its own.
    canvas_h = int(most(canvas_h, least(3000, head + foot + grid_rows * (13 * largest + 78))))
    cell_h = (canvas_h - head - foot) / real(grid_rows)
    panel_h = cell_h - (n_panels > 1 ? 78 : 62)
    cell_w_ = (canvas_w - 12) / real(grid_columns)
    wider_ = (x_to / x_from) ** (6.0 * (beside_most - 1) / (cell_w_ - 60 - gutter))
    x_to = x_to * wider_
    if (x_field == c_chunk) { x_from = x_from / wider_ }
    # An interval that knows next to nothing would leave no room for all else: it runs out of the frame.
    if (y_scale eq 'linear') { y_to = least(y_to, 4) }
    if (inset > 0) { y_to = y_scale eq 'linear' ? y_to + (y_to - y_from) * 34.0 / panel_h : \
        y_to * (y_to / y_from) ** (34.0 / panel_h) }

    # Ticks on y: the finest set whose labels have room. A set is mantissas and a base.
    y_ticks = ''
    y_letters = 3
    if (y_scale eq 'linear') {
        step_ = 0.1
        do for [s in '0.1 0.2 0.5 1 2 5 10'] { if (step_ / (y_to - y_from) * panel_h < 19) { \
            step_ = real(s) } }
        v = 0
        while (v <= y_to * 1.0001) { y_ticks = glue(y_ticks, sprintf('"%g" %g', v, v), \
            ', '); v = v + step_ }
    } else {
        octaves = log2(y_to / y_from)
        tens = y_scale eq 'time' || octaves > 10 || octaves < 2
        base_ = tens ? 10.0 : 2.0
        array SETS[7]
        SETS[1] = tens ? '1 1.1 1.2 1.3 1.4 1.5 1.6 1.7 1.8 1.9 2 2.2 2.4 2.6 2.8 3 3.2 3.4 ' . \
            '3.6 3.8 4 4.2 4.4 4.6 4.8 5 5.5 6 6.5 7 7.5 8 8.5 9 9.5' : \
            '1 1.125 1.25 1.375 1.5 1.625 1.75 1.875'
        SETS[2] = tens ? '1 1.2 1.4 1.6 1.8 2 2.5 3 3.5 4 4.5 5 6 7 8 9' : '1 1.25 1.5 1.75'
        SETS[3] = tens ? '1 1.5 2 3 4 5 7' : '1 1.5'
        SETS[4] = tens ? '1 2 5' : '1'
        SETS[5] = '1'
        SETS[6] = '1'
        SETS[7] = '1'
        chosen_ = 0
        do for [s = 1:7] {
            if (!chosen_) {
                every_ = s < 5 ? 1 : s - 3
                if (tens) { every_ = s < 6 ? 1 : s - 4 }
                y_ticks = ''
                y_letters = 0
                before_ = NaN
                tightest = NaN
                count_ = 0
                low_ = int(floor(log(y_from) / log(base_))) - 1
                high_ = int(ceil(log(y_to) / log(base_))) + 1
                do for [e = low_:high_] {
                    if (e % every_ == 0) {
                        do for [m in SETS[s]] {
                            v = real(m) * base_ ** e
                            if (v >= y_from * 0.9999 && v <= y_to * 1.0001) {
                                if (count_) { tightest = least(tightest, \
                                    log(v / before_) / log(y_to / y_from) * panel_h) }
                                before_ = v
                                count_ = count_ + 1
                                said = y_scale eq 'time' ? time_text(v) : sprintf('%.4g', v)
                                y_letters = most(y_letters, strlen(said))
                                y_ticks = glue(y_ticks, sprintf('"%s" %.10g', said, v), ', ')
                            }
                        }
                    }
                }
                if (count_ < 2 || (tightest >= 19 && count_ <= 11)) { chosen_ = 1 }
            }
        }
    }

    cell_w = (canvas_w - 12) / real(grid_columns)
    left_ = 44 + 0.6 * size_small * y_letters
    panel_w = cell_w - left_ - gutter

    # Ticks on x: every power of two, and every other measured value that has room.
    x_span = log2(x_to / x_from)
    x_px(v) = log2(v / x_from) / x_span * panel_w
    x_ticks = ''
    taken = ' '
    step_ = 1
    while (step_ / x_span * panel_w < 12 + 7 * strlen(sprintf('%d', x_to))) { step_ = step_ + 1 }
    do for [e = 0:30] {
        v = 2 ** e
        if (v >= x_from && v <= x_to) {
            if (e % step_ == 0) {
                x_ticks = glue(x_ticks, sprintf('"%d" %d', v, v), ', ')
                taken = taken.sprintf('%g ', v)
            } else { x_ticks = glue(x_ticks, sprintf('"" %d 1', v), ', ') }
        }
    }
    free_ = !place(taken, sprintf('%g', x_most))
    do for [t in taken] { if (abs(x_px(x_most) - x_px(real(t))) < 16) { free_ = 0 } }
    if (free_) {
        x_ticks = glue(x_ticks, sprintf('"%d" %d', x_most, x_most), ', ')
        taken = taken.sprintf('%g ', x_most)
    }
    distinct = 0
    gap = NaN
    array SEEN[rows]
    do for [r = 1:rows] {
        new_ = SERIES[r] > 0
        do for [d = 1:distinct] {
            if (new_ && SEEN[d] == X[r]) { new_ = 0 }
        }
        if (new_) {
            do for [d = 1:distinct] { gap = least(gap, abs(log2(X[r] / SEEN[d]))) }
            distinct = distinct + 1
            SEEN[distinct] = X[r]
            free_ = 1
            do for [t in taken] { if (abs(x_px(X[r]) - x_px(real(t))) < 8 + 4.0 * \
                strlen(sprintf('%d%s', X[r], t))) { free_ = 0 } }
            if (free_) {
                x_ticks = glue(x_ticks, sprintf('"%d" %d', X[r], X[r]), ', ')
                taken = taken.sprintf('%g ', X[r])
            } else {
                if (!place(taken, sprintf('%g', X[r]))) { x_ticks = glue(x_ticks, sprintf('"" %d 1', \
                    X[r]), ', ') }
            }
        }
    }

    # Points that would cover each other are set apart sideways, while there are few places on x.
    dodge = 0
    if (largest > 1 && distinct <= 6) {
        dodge = least((has_dots ? 34.0 : 9.0) / panel_w * x_span, 1.8 * least(log2(x_least / x_from), \
            log2(x_to / x_most)) / (largest + 1))
        if (is_known(gap)) { dodge = least(dodge, (has_dots ? 0.3 : 0.2) * gap / largest) }
    }
    lane(k) = (sum [j = 1:k] (PANEL[j] == PANEL[k] ? 1 : 0)) - (SIZE[PANEL[k]] + 1) / 2.0
    shifted(r) = X[r] * 2 ** (dodge * lane(SERIES[r]))

    # The data: a block a series, in the order of x.
    array ORDER[rows]
    array END_X[rows]
    array END_Y[rows]
    array STAIRS[rows]
    array AT_X[rows]
    array TINT[rows]
    do for [r = 1:rows] { AT_X[r] = X[r]; TINT[r] = int('0x90'.ink[2:*]) }
    set print $points
    do for [k = 1:n_series] {
        m = 0
        do for [r = 1:rows] {
            if (SERIES[r] == k) {
                m = m + 1
                j = m
                while (j > 1 && X[ORDER[j > 1 ? j - 1 : 1]] > X[r]) { ORDER[j] = ORDER[j - 1]; j = j - 1 }
                ORDER[j] = r
            }
        }
        STAIRS[k] = 1
        do for [j = 1:m] {
            r = ORDER[j]
            beside = sum [i_ = 1:m] (X[ORDER[i_]] == X[r] ? 1 : 0)
            before = sum [i_ = 1:j] (X[ORDER[i_]] == X[r] ? 1 : 0)
            apart_ = least(12.0 / panel_w * x_span, is_known(gap) ? 0.9 * gap / beside : 1)
            every_ = int(ceil(8.5 / (apart_ / x_span * panel_w)))
            note = beside > 1 && (before - 1) % every_ == 0 ? text(r, c_ranks).'×'.text(r, c_threads) : ''
            x_ = shifted(r) * 2 ** (apart_ * (before - (beside + 1) / 2.0))
            print sprintf('%.10g %.10g %.10g %.10g %.10g %.10g "%s" %.10g', x_, Y[r], LOW[r], \
                HIGH[r], X[r], BOUND[r], note, most(Y[r], HIGH[r]))
            AT_X[r] = x_
            TINT[r] = int('0x70'.COLOUR[k][2:*])
            END_X[k] = x_
            END_Y[k] = Y[r]
            if (j > 1) { if (X[r] - X[ORDER[j - 1]] > 1) { STAIRS[k] = 0 } }
        }
        print ''
        print ''
    }
    print '1 1'
    set print $seq
    like_(r, q) = text(r, c_workload) eq text(q, c_workload) && text(r, c_tasks) eq text(q, c_tasks) && \
        text(r, c_scale) eq text(q, c_scale)
    array SEQ_IN[n_panels]
    do for [p = 1:n_panels] {
        SEQ_IN[p] = ''
        print '-1 -1 -1 -1'
        do for [r = 1:rows] {
            if (SEQ[r] && x_field == c_workers) {
                if (n_series == 0 || 0 < sum [i_ = 1:n_series] (PANEL[i_] == p && like_(r, FIRST[i_]) ? \
                    1 : 0)) {
                    SEQ_IN[p] = SEQ_IN[p].' '.r
                    print sprintf('%.10g %.10g %.10g %.10g', X[r], Y[r], is_known(LOW[r]) ? LOW[r] : \
                        Y[r], is_known(HIGH[r]) ? HIGH[r] : Y[r])
                }
            }
        }
        print ''
        print ''
    }
    set print

    # Do the bounds of a panel agree? Then they are grey, else in the colours of their series.
    array AGREE[rows]
    do for [p = 1:n_panels] {
        AGREE[p] = 0 == sum [i_ = 1:rows] (SERIES[i_] && PANEL[SERIES[i_] ? SERIES[i_] : 1] == p ? \
            sum [j_ = 1:i_ - 1] (differ(i_, j_) ? 1 : 0) : 0)
    }

    height(y) = y_scale eq 'linear' ? (y - y_from) / (y_to - y_from) : log(y / y_from) / log(y_to / y_from)
    bar_w = least(11.0 / panel_w * x_span, is_known(gap) ? 0.28 * gap : 1)

    # Dots lie about their median, as wide as its neighbours leave room.
    dots_w = least(dodge > 0 ? 0.8 * dodge : 16.0 / panel_w * x_span, is_known(gap) ? 0.3 * gap : 1)
    if (unjoined > 0) { dots_w = least(dots_w, 9.0 / panel_w * x_span) }
    dot_size = 0.32
    in_panel(r, p) = r == 0 ? 0 : SERIES[r] ? PANEL[SERIES[r] + 0] == p : SEQ[r] ? place(SEQ_IN[p], ''.r) > 0 : 0
    dot_x(r, p, spread) = in_panel(r, p) ? AT_X[r] * 2 ** (dots_w * spread) : NaN
    inside(v) = v >= y_from && v <= y_to ? v : NaN
    # At the edge, so far inside that the frame hides nothing of them.
    rim_ = 6.0 / panel_h
    rise_(share) = y_scale eq 'linear' ? y_from + share * (y_to - y_from) : y_from * (y_to / y_from) ** share
    above(v) = v > y_to ? rise_(1 - rim_) : NaN
    below(v) = v < y_from ? rise_(rim_) : NaN
    sort_of(counts, disturbed) = counts > 0 ? (disturbed > 0 ? 2 : 1) : 0
    dots_of(p) = !has_dots ? '' : (using_ = sprintf(', samples skip 1 using (r_ = KEPT[int($1)], %%s ? ' . \
        'dot_x(r_, %d, $5) : NaN):(r_ ? %%s($%d * dot_factor(r_)) : NaN)', p, dot_column), \
        look_ = ':(r_ ? TINT[r_] : 0) with points pt %d ps %g * big lc rgb variable notitle', \
        sprintf(using_, 'sort_of($4, $6) == 1', 'inside').sprintf(look_, 7, dot_size). \
        (has_noise ? sprintf(using_, 'sort_of($4, $6) == 2', 'inside').sprintf(look_, 6, 1.2 * dot_size) : ''). \
        (has_aside ? sprintf(using_, '$4 == 0', 'inside').sprintf(' with points pt 6 ps %g * big lc rgb grey lw 0.7 notitle', 1.2 * dot_size) : ''). \
        (dot_most > y_to ? sprintf(using_, '$4 == 1', 'above').sprintf(look_, 8, 0.8) : ''). \
        (dot_least < y_from ? sprintf(using_, '$4 == 1', 'below').sprintf(look_, 10, 0.8) : ''))

    set datafile separator ' ,'
    do for [device in devices] {
        eval open_device(device)
        opened_ = open_fonts(device)
        set multiplot
        set border 3 lc rgb grey lw 1
        set tics nomirror out scale 0.6,0.3 textcolor rgb ink font font_small
        set logscale x 2
        unset logscale y
        if (y_scale ne 'linear') { set logscale y }
        set xrange [x_from:x_to] noextend
        set yrange [y_from:y_to] noextend
        set errorbars 0.6
        set style textbox opaque noborder fillcolor rgb 'white' margins 0.3,0.3
        unset key
        eval 'set xtics ('.x_ticks.')'
        eval 'set ytics ('.y_ticks.')'
        set grid ytics lc rgb '#ececec' lw 1 lt 1
        do for [p = 1:n_panels] {
            unset label
            unset arrow
            if (p == 1) {
                set label cut(title, int((canvas_w - 40) / (0.6 * size_title))) at screen across(20), screen up(24) left font font_title tc rgb ink
                if (common ne '') { set label cut(common, int((canvas_w - 40) / (0.57 * size_text))) \
                    at screen across(20), screen up(48) left tc rgb '#555555' }
                place_ = 20
                line_y = up(common eq '' ? 50 : 72)
                do for [kind in legend] {
                    said = said_of(kind)
                    if (place_ + 30 + wide(said, size_small) > canvas_w - 12 && place_ > 20) {
                        place_ = 20
                        line_y = line_y - 19.0 / canvas_h
                    }
                    x1 = across(place_)
                    x2 = across(place_ + 24)
                    xm = across(place_ + 12)
                    if (kind eq 'ideal') { set arrow from screen x1, screen line_y to screen x2, \
                        screen line_y nohead lc rgb grey lw 1.5 }
                    if (kind eq 'base') { set arrow from screen x1, screen line_y to screen x2, \
                        screen line_y nohead lc rgb ink lw 1.5 dt (12, 7) }
                    if (kind eq 'half') { set arrow from screen x1, screen line_y to screen x2, \
                        screen line_y nohead lc rgb grey lw 1.5 dt (12, 7) }
                    if (kind eq 'bound') { set arrow from screen x1, screen line_y to screen x2, \
                        screen line_y nohead lc rgb '#9a9a9a' lw 4 }
                    if (kind eq 'fit') { set arrow from screen x1, screen line_y to screen x2, \
                        screen line_y nohead lc rgb ink lw 1.5 dt (3, 5) }
                    if (kind eq 'interval') { set arrow from screen xm, screen line_y - 7.0 / canvas_h \
                        to screen xm, screen line_y + 7.0 / canvas_h heads size screen 3.5 / canvas_w, \
                        90 lc rgb ink lw 1.2 }
                    if (kind eq 'seq') { set label '' at screen xm, screen line_y \
                        point pt 2 ps 1.2 * big lc rgb ink lw 2 }
                    if (kind eq 'one') { set label '' at screen xm, screen line_y \
                        point pt 6 ps 2.1 * big lc rgb ink lw 1 }
                    if (kind eq 'dots') { do for [i = -1:1] { set label '' at screen xm + i * 6.0 / canvas_w, \
                        screen line_y + (i == 0 ? 3.0 : -2.0) / canvas_h point pt 7 ps dot_size * big lc rgb '#60222222' } }
                    if (kind eq 'noise') { do for [i = -1:1] { set label '' at screen xm + i * 6.0 / canvas_w, \
                        screen line_y + (i == 0 ? 3.0 : -2.0) / canvas_h point pt 6 ps 1.2 * dot_size * big lc rgb '#60222222' } }
                    if (kind eq 'aside') { set label '' at screen xm, screen line_y \
                        point pt 6 ps 1.2 * dot_size * big lc rgb grey lw 1 }
                    if (kind eq 'beyond') { set label '' at screen xm, screen line_y \
                        point pt 8 ps 0.8 * big lc rgb grey lw 1 }
                    set label said at screen across(place_ + 30), screen line_y left font font_small \
                        tc rgb ink
                    place_ = place_ + 30 + wide(said, size_small) + 20
                }
                if (caption ne '') { set label caption_text at screen across(20), \
                    screen up(canvas_h - 14 - 15 * (wrapped_lines - 1)) left font font_small \
                    tc rgb '#555555' }
            }
            column = (p - 1) % grid_columns
            line = int((p - 1) / grid_columns)
            x0 = column * cell_w + left_
            y0 = head + line * cell_h + (n_panels > 1 ? 34 : 18)
            set lmargin at screen across(x0)
            set rmargin at screen across(x0 + panel_w)
            set tmargin at screen up(y0)
            set bmargin at screen up(y0 + panel_h)
            heading_ = alone ? glue(backends, TITLE[p], ', ') : TITLE[p]
            if (heading_ ne '') { set label shorten(heading_, int((cell_w - left_) / (0.6 * size_text))) \
                at graph 0, graph 1 + 24.0 / panel_h left font font_bold tc rgb ink }
            if (p + grid_columns > n_panels) { set label x_title at graph 0.5, \
                screen up(y0 + panel_h + 41) center tc rgb ink }
            if (column == 0) { set label y_title at screen across(x0 - left_ + 16), graph 0.5 \
                center rotate by 90 tc rgb ink }

            mark_x = mark(p)
            if (is_known(mark_x) && mark_x >= x_from && mark_x <= x_to) {
                set arrow from first mark_x, graph 0 to first mark_x, graph 1 nohead \
                    lc rgb '#555555' lw 1.2 dt (8, 8) back
                at_ = log2(mark_x / x_from) / x_span
                half_ = wide(mark_text(p), size_small) / 2 / panel_w
                if (at_ + half_ > 1 + gutter / panel_w) { at_ = 1 + gutter / panel_w - half_ }
                if (at_ - half_ < 0) { at_ = half_ }
                set label mark_text(p) at graph at_, graph 1 + 9.0 / panel_h center font font_small \
                    tc rgb '#555555'
            }

            # Names at the ends: where the series end, moved apart until each has a line of its own.
            m = 0
            do for [k = 1:n_series] {
                if (PANEL[k] == p) {
                    m = m + 1
                    j = m
                    while (j > 1 && END_Y[ORDER[j > 1 ? j - 1 : 1]] > END_Y[k]) { \
                        ORDER[j] = ORDER[j - 1]; j = j - 1 }
                    ORDER[j] = k
                }
            }
            array AT[rows]
            part = least(16.0 / panel_h, 1.0 / (m > 0 ? m : 1))
            do for [j = 1:m] { AT[j] = height(END_Y[ORDER[j]]) }
            do for [turn = 1:60] {
                do for [j = 1:m - 1] {
                    if (AT[j + 1] - AT[j] < part) {
                        middle_ = (AT[j] + AT[j + 1]) / 2
                        AT[j] = middle_ - part / 2
                        AT[j + 1] = middle_ + part / 2
                    }
                }
            }
            do for [j = 1:m] {
                AT[j] = most(AT[j], j == 1 ? 0 : AT[j - 1] + part)
            }
            do for [i = 1:m] {
                j = m + 1 - i
                AT[j] = least(AT[j], j == m ? 1 : AT[j + 1] - part)
            }
            do for [j = 1:alone ? 0 : m] {
                k = ORDER[j]
                far = x_px(x_to) - x_px(END_X[k]) > 0.2 * panel_w ? 3 : 1
                set arrow from first END_X[k], first END_Y[k] to graph 1 + (9.0 + inset) / panel_w, \
                    graph AT[j] nohead lc rgb COLOUR[k] lw 0.6 dt far back
                set label shorten(NAME[k], name_room) at graph 1 + (15.0 + inset) / panel_w, graph AT[j] left \
                    point pt SHAPE[k] ps big lc rgb COLOUR[k] offset 0.9, (device eq 'svg' ? -0.15 : 0) \
                        font font_small tc rgb ink
            }

            # One plot command: references, bounds, fits, intervals, series, seq.
            parts = references(p)
            piece_ = '$points index %d using '
            bar_ = '($5 * 2 ** -%g):6:($5 * (2 ** %g - 2 ** -%g)):(0) with vectors nohead lc rgb "%s" lw 4 notitle, '
            amdahl_ = '(x >= 1 && x <= %g ? 1 / (%g + (1 - %g) / x) : NaN) with lines lc rgb "%s" lw 1.5 dt (3, 5) notitle, '
            note_ = ' with labels left rotate by 90 offset 0,0.4 font "%s" tc rgb ink notitle, '
            steps_done = 0
            do for [k = 1:n_series] {
                if (PANEL[k] == p && has_bound && (!AGREE[p] || JOINED[k])) {
                    if (STAIRS[k] && distinct > 2 && !steps_done) {
                        shade = AGREE[p] ? '#9a9a9a' : COLOUR[k]
                        parts = parts.sprintf(piece_.'5:6 with steps lc rgb "%s" lw 1 notitle, ', k - 1, shade)
                        if (AGREE[p]) { steps_done = 1 }
                    }
                    shade = AGREE[p] ? '#b4b4b4' : '#80'.COLOUR[k][2:*]
                    parts = parts.sprintf(piece_.bar_, k - 1, bar_w, bar_w, bar_w, shade)
                }
            }
            parts = parts.(has_dots ? dots_of(p)[3:*].', ' : '')
            do for [k = 1:n_series] {
                if (PANEL[k] == p && fits && is_known(FRACTION[k])) {
                    parts = parts.sprintf(amdahl_, x_most, FRACTION[k], FRACTION[k], COLOUR[k])
                }
            }
            do for [k = 1:n_series] {
                if (PANEL[k] == p) {
                    parts = parts.sprintf(piece_.'1:2:3:4 with yerrorbars lc rgb "%s" lw 1.2 pt -1 notitle, ', k - 1, COLOUR[k])
                    style_ = JOINED[k] ? sprintf('linespoints lw 1.6 dt %d', DASH[k]) : 'points'
                    parts = parts.sprintf(piece_.'1:2 with %s lc rgb "%s" pt %d ps big notitle, ', \
                        k - 1, style_, COLOUR[k], SHAPE[k])
                    if (rings) {
                        parts = parts.sprintf(piece_.'($5 == 1 ? $1 : NaN):2 with points ', k - 1). \
                            'pt 6 ps 2.1 * big lc rgb ink lw 1 notitle, '
                    }
                    if (!JOINED[k]) {
                        parts = parts.sprintf(piece_.'1:8:7'.note_, k - 1, font_tiny)
                    }
                }
            }
            parts = parts.sprintf('$seq index %d using 1:2:3:4 with yerrorbars ', p - 1). \
                'lc rgb ink lw 1.4 pt 2 ps 1.2 * big notitle'
            eval 'plot '.parts
        }
        unset multiplot
        unset output
    }
}

# Wants: reason. For an experiment that has nothing to show.
if (ARG1 eq 'nothing') {
    do for [device in devices] {
        eval open_device(device)
        opened_ = open_fonts(device)
        unset border
        unset tics
        unset key
        set xrange [0:1]
        set yrange [0:1]
        set label 1 reason at screen 0.5, screen 0.55 center font font_large tc rgb ink
        if (caption ne '') { set label 2 wrap_(caption, 130) at screen 0.5, screen 0.45 center \
            font font_small tc rgb '#555555' }
        plot -1 notitle
        unset output
    }
}
