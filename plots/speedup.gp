# Figure 1: where does scaling stop? Speedup over workers, both by powers of two.
#
# Columns of summary.csv: experiment workload scale tasks backend schedule dispatch chunk chunk_auto workers
# ranks threads bind fresh n speedup speedup_low speedup_high serial_fraction base base_s bound
#
# Columns of samples, where given (a dot a sample): point speedup counts spread disturbed
#
# gnuplot -e "home='plots'; input='RUN/summary.csv'; experiment='scaling';
#             output='RUN/plots/scaling-speedup'; caption='host class, n, base'; usable=2;
#             samples='RUN/plots/scaling-samples.csv'" plots/speedup.gp

call home.'/common.gp' 'begin'
fields = point_fields.'speedup speedup_low speedup_high bound'
keep(r) = of_experiment(r)
call home.'/common.gp' 'read'

n_drawn = 0
if (rows > 0) {
    x_field = c_workers
    y_of(r) = amount(r, c_speedup)
    low_of(r) = amount(r, c_speedup_low)
    high_of(r) = amount(r, c_speedup_high)
    bound_of(r) = amount(r, c_bound)
    dot_column = 3
    dot_factor(r) = 1
    split = 'workload tasks scale'
    call home.'/common.gp' 'sort'
}
if (n_drawn == 0) {
    reason = sprintf('no rows for the speedup of %s', experiment)
    call home.'/common.gp' 'nothing'
    exit
}

title = 'Speedup over workers: '.heading
x_title = 'workers'
y_title = 'speedup relative to '.base_name
y_scale = 'log2'
x_pad = most(0.035 * log2(most(x_most, 2)), 0.1)
x_from = 2 ** -x_pad
x_to = most(x_most, 2) * 2 ** x_pad
top_ = most(y_most, bound_most)
y_to = most(top_, least(x_most, 2 * top_)) * 1.12
y_from = least(least(y_least, bound_least), 1) / 1.15
if (y_to < 2.2) { y_to = 2.2 }

fits = 1
rings = 0
mark(p) = usable
mark_text(p) = usable_text(usable)
references(p) = sprintf('(x >= 1 && x <= %g ? x : NaN) with lines lc rgb grey lw 1.5 notitle, ', \
    most(x_most, 2))
legend = 'ideal'.(has_bound ? ' bound' : '').(has_fit ? ' fit' : '').(has_interval ? ' interval' : \
    '').(has_seq ? ' seq' : '')
legend_text(kind) = kind eq 'ideal' ? 'ideal' : kind eq 'bound' ? 'bound by chunks, workers and CPUs' : \
    kind eq 'fit' ? 'Amdahl, fitted' : kind eq 'interval' ? 'median, 95 % interval' : 'seq'
call home.'/common.gp' 'draw'
