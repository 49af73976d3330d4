# Figure 4: which chunk? Time over chunk size, by powers of two.
#
# Columns of summary.csv: experiment workload scale tasks backend schedule dispatch chunk chunk_auto workers
# ranks threads bind fresh n median_s ci_low_s ci_high_s serial_fraction base base_s bound_s
#
# Columns of samples, where given (a dot a sample): point time_s counts spread disturbed
#
# gnuplot -e "home='plots'; input='RUN/summary.csv'; experiment='chunks';
#             output='RUN/plots/chunks-chunks'; caption='host class, n, base'; usable=2;
#             samples='RUN/plots/chunks-samples.csv'" plots/chunks.gp

call home.'/common.gp' 'begin'
fields = point_fields.'median_s ci_low_s ci_high_s bound_s'
keep(r) = of_experiment(r) && text(r, c_backend) ne 'seq'
call home.'/common.gp' 'read'

n_drawn = 0
if (rows > 0) {
    x_field = c_chunk
    y_of(r) = amount(r, c_median_s)
    low_of(r) = amount(r, c_ci_low_s)
    high_of(r) = amount(r, c_ci_high_s)
    bound_of(r) = amount(r, c_bound_s)
    dot_column = 2
    dot_factor(r) = 1
    split = 'workload tasks scale workers'
    call home.'/common.gp' 'sort'
}
if (n_drawn == 0) {
    reason = sprintf('no rows for the chunk sizes of %s', experiment)
    call home.'/common.gp' 'nothing'
    exit
}

title = 'Time over chunk size: '.heading
x_title = 'chunk size in tasks'
y_title = 'time'
y_scale = 'time'

# The chunk size that Python's Pool.map would choose for the tasks and workers of each panel.
array POOL[n_panels]
do for [p = 1:n_panels] { POOL[p] = NaN }
do for [k = 1:n_series] {
    r = FIRST[k]
    size = most(1, ceil(amount(r, c_tasks) / (4.0 * amount(r, c_workers))))
    if (is_known(POOL[PANEL[k]]) && POOL[PANEL[k]] != size) { size = -1 }
    POOL[PANEL[k]] = size
    if (size > 0) {
        x_least = least(x_least, size)
        x_most = most(x_most, size)
    }
}
x_pad = most(0.035 * log2(x_most / x_least), 0.15)
x_from = x_least * 2 ** -x_pad
x_to = x_most * 2 ** x_pad
has_base = 0
top_ = most(y_most, bound_most)
floor_ = least(y_least, bound_least)
do for [p = 1:n_panels] { if (is_known(BASE_S[p])) { has_base = 1; top_ = most(top_, \
    BASE_S[p]); floor_ = least(floor_, BASE_S[p]) } }
middle_ = sqrt(top_ * floor_)
y_to = most(top_ * 1.15, middle_ * 1.4)
y_from = least(floor_ / 1.15, middle_ / 1.4)

fits = 0
rings = 0
mark(p) = POOL[p] > 0 ? POOL[p] : NaN
mark_text(p) = sprintf('Pool''s default: %d', POOL[p])
references(p) = is_known(BASE_S[p]) ? \
    sprintf('%.10g with lines lc rgb ink lw 1.5 dt (12, 7) notitle, ', BASE_S[p]) : ''
legend = (has_base ? 'base' : '').(has_bound ? ' bound' : '').(has_interval ? ' interval' : '')
legend_text(kind) = kind eq 'base' ? 'sequential' : kind eq 'bound' ? 'bound: greedy list schedule' : \
    'median, 95 % interval'
call home.'/common.gp' 'draw'
