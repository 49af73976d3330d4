# Figure 2: are CPUs wasted? Efficiency (speedup / workers) over workers, by powers of two.
#
# Columns of summary.csv: experiment workload scale tasks backend schedule dispatch chunk chunk_auto workers
# ranks threads bind fresh n efficiency speedup_low speedup_high serial_fraction base base_s bound
#
# Columns of samples, where given (a dot a sample): point speedup counts spread disturbed
#
# gnuplot -e "home='plots'; input='RUN/summary.csv'; experiment='scaling';
#             output='RUN/plots/scaling-efficiency'; caption='host class, n, base'; usable=2;
#             samples='RUN/plots/scaling-samples.csv'"
#         plots/efficiency.gp

call home.'/common.gp' 'begin'
fields = point_fields.'efficiency speedup_low speedup_high bound'
keep(r) = of_experiment(r)
call home.'/common.gp' 'read'

n_drawn = 0
if (rows > 0) {
    x_field = c_workers
    y_of(r) = amount(r, c_efficiency)
    low_of(r) = amount(r, c_speedup_low) / amount(r, c_workers)
    high_of(r) = amount(r, c_speedup_high) / amount(r, c_workers)
    bound_of(r) = amount(r, c_bound) / amount(r, c_workers)
    dot_column = 3
    dot_factor(r) = 1 / amount(r, c_workers)
    split = 'workload tasks scale'
    call home.'/common.gp' 'sort'
}
if (n_drawn == 0) {
    reason = sprintf('no rows for the efficiency of %s', experiment)
    call home.'/common.gp' 'nothing'
    exit
}

title = 'Efficiency over workers: '.heading
x_title = 'workers'
y_title = 'speedup / workers'
y_scale = 'linear'
x_pad = most(0.035 * log2(most(x_most, 2)), 0.1)
x_from = 2 ** -x_pad
x_to = most(x_most, 2) * 2 ** x_pad
y_from = 0
y_to = most(1.1, 1.05 * y_most)

fits = 0
rings = 0
mark(p) = usable
mark_text(p) = usable_text(usable)
references(p) = '1.0 with lines lc rgb grey lw 1.5 notitle, 0.5 with lines lc rgb ' . \
    'grey lw 1.5 dt (12, 7) notitle, '
legend = 'ideal half'.(has_bound ? ' bound' : '').(has_interval ? ' interval' : '').(has_seq ? ' seq' : '')
legend_text(kind) = kind eq 'ideal' ? '1.0: every CPU used' : kind eq 'half' ? '0.5: half of them' : \
    kind eq 'bound' ? 'bound by chunks, workers and CPUs' : kind eq 'interval' ? \
        'median, 95 % interval' : 'seq'
call home.'/common.gp' 'draw'
