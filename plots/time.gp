# Figure 3: is the base honest? Time over workers, both logarithmic, with the sequential time.
#
# Columns of summary.csv: experiment workload scale tasks backend schedule dispatch chunk chunk_auto workers
# ranks threads bind fresh n median_s ci_low_s ci_high_s serial_fraction base base_s bound_s
#
# Columns of samples, where given (a dot a sample): point time_s counts spread disturbed
#
# gnuplot -e "home='plots'; input='RUN/summary.csv'; experiment='scaling';
#             output='RUN/plots/scaling-time'; caption='host class, n, base'; usable=2;
#             samples='RUN/plots/scaling-samples.csv'" plots/time.gp

call home.'/common.gp' 'begin'
fields = point_fields.'median_s ci_low_s ci_high_s bound_s'
keep(r) = of_experiment(r)
call home.'/common.gp' 'read'

n_drawn = 0
if (rows > 0) {
    x_field = c_workers
    y_of(r) = amount(r, c_median_s)
    low_of(r) = amount(r, c_ci_low_s)
    high_of(r) = amount(r, c_ci_high_s)
    bound_of(r) = amount(r, c_bound_s)
    dot_column = 2
    dot_factor(r) = 1
    split = 'workload tasks scale'
    call home.'/common.gp' 'sort'
}
if (n_drawn == 0) {
    reason = sprintf('no rows for the times of %s', experiment)
    call home.'/common.gp' 'nothing'
    exit
}

title = 'Time over workers: '.heading
x_title = 'workers'
y_title = 'time'
y_scale = 'time'
x_pad = most(0.035 * log2(most(x_most, 2)), 0.1)
x_from = 2 ** -x_pad
x_to = most(x_most, 2) * 2 ** x_pad
has_base = 0
top_ = most(y_most, bound_most)
floor_ = least(y_least, bound_least)
do for [p = 1:n_panels] { if (is_known(BASE_S[p])) { has_base = 1; top_ = most(top_, \
    BASE_S[p]); floor_ = least(floor_, BASE_S[p]) } }
middle_ = sqrt(top_ * floor_)
y_to = most(top_ * 1.15, middle_ * 1.4)
y_from = least(floor_ / 1.15, middle_ / 1.4)

# The points at one worker are ringed: their distance to the sequential time is the price of being parallel.
fits = 0
rings = 0
do for [r = 1:rows] { if (SERIES[r] && X[r] == 1) { rings = 1 } }
mark(p) = usable
mark_text(p) = usable_text(usable)
references(p) = (is_known(BASE_S[p]) ? \
    sprintf('%.10g with lines lc rgb ink lw 1.5 dt (12, 7) notitle, ', BASE_S[p]). \
    sprintf('(x >= 1 && x <= %g ? %.10g / x : NaN) with lines lc rgb grey lw ' . '1.5 notitle, ', \
        most(x_most, 2), BASE_S[p]) : '')
legend = (has_base ? 'base ideal' : '').(has_bound ? ' bound' : '').(has_interval ? ' interval' : \
    '').(rings ? ' one' : '').(has_seq ? ' seq' : '')
legend_text(kind) = kind eq 'base' ? 'sequential' : kind eq 'ideal' ? 'sequential / workers' : \
    kind eq 'bound' ? 'bound' : \
    kind eq 'interval' ? 'median, 95 % interval' : kind eq 'one' ? 'one parallel worker' : 'seq'
call home.'/common.gp' 'draw'
