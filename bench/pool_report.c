/* bench/pool: the tables.
 *
 * A line of the table is a figure, or one of its targets; lines are computed once (struct line)
 * and printed as text or as Markdown.
 */
#include "pool.h"

#include "base/alloc.h"
#include "build_info.h"

#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* The cells of one line, in the order of the columns. */
enum { WHO, N, MEDIAN, MEDIAN_CI, RATIO, RATIO_CI, TO, TARGET, HELD, N_CELLS };

struct line {
    char cells[N_CELLS][160];
};

static const char *const headings[N_CELLS] = {
    "", "n", "median", "95 % interval", "ratio", "95 % interval", "to", "target", "held"};

/* --- numbers ---------------------------------------------------------------------------------- */

struct scale {
    double factor;
    const char *unit;
};

/* The unit in which the value has one to three digits before the point. */
static struct scale scale_for(enum unit unit, double value)
{
    static const struct scale seconds[] = {{1, " s"}, {1e-3, " ms"}, {1e-6, " us"}, {1e-9, " ns"}},
                              bytes[] = {{0x1p30, " GiB"}, {0x1p20, " MiB"}, {0x1p10, " KiB"}};
    const struct scale *scales = unit == SECONDS ? seconds : bytes;
    size_t n = unit == SECONDS ? sizeof seconds / sizeof *seconds : sizeof bytes / sizeof *bytes;
    if (unit == PERCENT || unit == TIMES)
        return (struct scale){1, unit == PERCENT ? " %" : ""};
    for (size_t i = 0; i + 1 < n; i++)
        if (value >= scales[i].factor)
            return scales[i];
    return scales[n - 1];
}

/* Three digits; never turns the order of two numbers round. */
static void put_number(char *cell, size_t size, double value)
{
    snprintf(cell, size, "%.*f", value < 9.995 ? 2 : value < 99.95 ? 1 : 0, value);
}

static void put_value(char *cell, size_t size, double value, struct scale scale)
{
    char text[40];
    put_number(text, sizeof text, value / scale.factor);
    snprintf(cell, size, "%s%s", text, scale.unit);
}

/* A ratio below a tenth is easier to read as 1/x. */
static void put_ratio(char *cell, size_t size, double ratio, bool inverse)
{
    char text[40];
    put_number(text, sizeof text, inverse ? 1 / ratio : ratio);
    snprintf(cell, size, "%s%s", inverse ? "1/" : "", text);
}

/* --- estimates -------------------------------------------------------------------------------- */

/* The estimate of n values with their launches, those left out that are NaN. */
static struct estimate estimate_of(const double *values, int rounds, size_t n)
{
    double *kept = alloc_zeroed(n, sizeof *kept);
    int *launches = alloc_zeroed(n, sizeof *launches);
    size_t n_kept = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(values[i])) {
            launches[n_kept] = (int)i / rounds;
            kept[n_kept++] = values[i];
        }
    struct estimate estimate = stats_estimate(kept, launches, n_kept);
    free(launches);
    free(kept);
    return estimate;
}

/* The estimate of a figure, or of its ratios to the first value of another series, paired by
 * round. */
static struct estimate estimate_figure(const struct bench *bench, const struct figure *figure,
                                       const struct series *to)
{
    const struct series *series = bench_series(bench, figure->subject, figure->sampler);
    size_t n = (size_t)bench->launches * (size_t)bench->rounds;
    double *values = alloc_zeroed(n, sizeof *values);
    for (size_t i = 0; i < n; i++)
        values[i] = series->values[i][figure->value] / (to ? to->values[i][0] : 1);
    struct estimate estimate = estimate_of(values, bench->rounds, n);
    free(values);
    return estimate;
}

/* What "subject sampler" names. */
static const struct series *series_named(const struct bench *bench, const char *name)
{
    for (enum subject s = 0; s < N_SUBJECTS; s++) {
        size_t length = strlen(subject_names[s]);
        if (strncmp(name, subject_names[s], length) == 0 && name[length] == ' ')
            return bench_series(bench, s, name + length + 1);
    }
    return NULL;
}

/* How the table calls a series. */
static const char *who_is(const struct series *series)
{
    for (const struct figure *figure = figures; figure->who; figure++)
        if (figure->subject == series->subject && strcmp(figure->sampler, series->sampler) == 0)
            return figure->who;
    return "";
}

/* --- lines ------------------------------------------------------------------------------------ */

/* Whether the target is held: by the whole interval, by none of it, or there is no telling. */
static const char *held(const struct estimate *estimate, double limit)
{
    if (limit <= 0)
        return "";
    if (!estimate->median_ci.known)
        return "unsure";
    return estimate->median_ci.high <= limit ? "yes"
           : estimate->median_ci.low > limit ? "no"
                                             : "unsure";
}

static void put_ci(char *cell, size_t size, const struct estimate *estimate, struct scale scale,
                   bool inverse)
{
    char low[48], high[48];
    if (!estimate->median_ci.known) {
        snprintf(cell, size, "-");
        return;
    }
    put_ratio(low, sizeof low, estimate->median_ci.low / scale.factor, inverse);
    put_ratio(high, sizeof high, estimate->median_ci.high / scale.factor, inverse);
    snprintf(cell, size, "[%s, %s]", low, high);
}

static void put_figure(struct line *line, const struct bench *bench, const struct figure *figure)
{
    const struct series *series = bench_series(bench, figure->subject, figure->sampler);
    struct estimate estimate = estimate_figure(bench, figure, NULL);
    snprintf(line->cells[WHO], sizeof line->cells[WHO], "%s", figure->who);
    if (estimate.n == 0) {
        const char *why = bench->absent[figure->subject];
        snprintf(line->cells[N], sizeof line->cells[N], "-");
        snprintf(line->cells[MEDIAN], sizeof line->cells[MEDIAN], *why ? "absent" : "skipped");
        snprintf(line->cells[MEDIAN_CI], sizeof line->cells[MEDIAN_CI], "-");
        snprintf(line->cells[TO], sizeof line->cells[TO], "%.150s",
                 *why               ? why
                 : *series->skipped ? series->skipped
                                    : "not measured");
        return;
    }
    struct scale scale = scale_for(figure->unit, estimate.median);
    snprintf(line->cells[N], sizeof line->cells[N], "%llu", (unsigned long long)series->n);
    put_value(line->cells[MEDIAN], sizeof line->cells[MEDIAN], estimate.median, scale);
    put_ci(line->cells[MEDIAN_CI], sizeof line->cells[MEDIAN_CI], &estimate, scale, false);
}

static void put_target(struct line *line, const struct bench *bench, const struct figure *figure,
                       const struct target *target)
{
    const struct series *to = target->to ? series_named(bench, target->to) : NULL;
    struct estimate estimate = estimate_figure(bench, figure, to);
    snprintf(line->cells[TARGET], sizeof line->cells[TARGET], "%s",
             target->text ? target->text : "");
    if (to)
        snprintf(line->cells[TO], sizeof line->cells[TO], "%s", who_is(to));
    if (estimate.n == 0)
        return;
    if (to) {
        bool inverse = estimate.median < 0.1;
        put_ratio(line->cells[RATIO], sizeof line->cells[RATIO], estimate.median, inverse);
        put_ci(line->cells[RATIO_CI], sizeof line->cells[RATIO_CI], &estimate,
               (struct scale){1, ""}, inverse);
    }
    snprintf(line->cells[HELD], sizeof line->cells[HELD], "%s", held(&estimate, target->limit));
}

static bool is_target(const struct target *target)
{
    return target->to || target->text;
}

/* The lines of a figure: its own, which holds the first target, and one for each further target. */
static size_t make_lines(const struct bench *bench, const struct figure *figure,
                         struct line lines[MOST_TARGETS])
{
    memset(lines, 0, MOST_TARGETS * sizeof *lines);
    put_figure(&lines[0], bench, figure);
    size_t n = 0;
    for (; n < MOST_TARGETS && is_target(&figure->targets[n]); n++)
        put_target(&lines[n], bench, figure, &figure->targets[n]);
    return n ? n : 1;
}

/* --- what it was measured on ------------------------------------------------------------------ */

static const char *cpu_model(char *text, size_t size)
{
    FILE *file = fopen("/proc/cpuinfo", "r");
    char line[4096], *colon;
    bool is_virtual = false;
    snprintf(text, size, "unknown CPU");
    while (file && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "model name", 10) == 0 && (colon = strstr(line, ": ")))
            snprintf(text, size, "%s", colon + 2);
        is_virtual = is_virtual || (strncmp(line, "flags", 5) == 0 && strstr(line, " hypervisor"));
    }
    if (file)
        fclose(file);
    if (is_virtual)
        snprintf(text + strlen(text), size - strlen(text), " (virtual machine)");
    return text;
}

static void report_machine(const struct bench *bench, FILE *out, const char *bullet)
{
    char model[256];
    struct utsname system;
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    sched_getaffinity(0, sizeof allowed, &allowed);
    uname(&system);
    fprintf(out, "%s%s, %ld CPUs, %d allowed; %s %s\n", bullet, cpu_model(model, sizeof model),
            sysconf(_SC_NPROCESSORS_ONLN), CPU_COUNT(&allowed), system.sysname, system.release);
    fprintf(out, "%s%s, %s", bullet, BUILD_CC, BUILD_CFLAGS);
    for (enum subject s = LIBGOMP; s < N_SUBJECTS; s++)
        if (bench->versions[s][0])
            fprintf(out, "; %s", bench->versions[s]);
    fprintf(out, "\n%sworkers: %d, launches: %d, rounds in each: %d, seed: %llu\n", bullet,
            bench->load.workers, bench->launches, bench->rounds, (unsigned long long)bench->seed);
    double load[3];
    if (getloadavg(load, 3) == 3)
        fprintf(out, "%sload average at the end: %.2f\n", bullet, load[0]);
}

static const char meaning[] =
    "n: tasks, items or calls of one sample, of which a time is the mean, but for (f) and (g), "
    "where it is that of all. Ratios are paired by round.";

/* --- tables ----------------------------------------------------------------------------------- */

static void print_line(FILE *out, const struct line *line)
{
    static const int widths[N_CELLS] = {38, -9, -9, 18, -9, 20, 38, 12, 6};
    char text[N_CELLS * 162] = "";
    size_t length = 0;
    for (int c = 0; c < N_CELLS; c++)
        length += (size_t)snprintf(text + length, sizeof text - length, "  %*s", -widths[c],
                                   line->cells[c]);
    while (length && text[length - 1] == ' ')
        text[--length] = '\0';
    fprintf(out, "%s\n", text);
}

void report_text(const struct bench *bench, FILE *out)
{
    report_machine(bench, out, "");
    fprintf(out, "%s\n", meaning);
    struct line lines[MOST_TARGETS], head = {{{0}}};
    for (int c = 0; c < N_CELLS; c++)
        snprintf(head.cells[c], sizeof head.cells[c], "%s", headings[c]);
    fputc('\n', out);
    print_line(out, &head);
    for (const struct figure *figure = figures; figure->who; figure++) {
        if (figure->group)
            fprintf(out, "\n%s\n", figure->group);
        size_t n = make_lines(bench, figure, lines);
        for (size_t i = 0; i < n; i++)
            print_line(out, &lines[i]);
    }
}

void report_markdown(const struct bench *bench, FILE *out)
{
    struct line lines[MOST_TARGETS];
    fputc('\n', out);
    report_machine(bench, out, "- ");
    fprintf(out, "\n%s\n\n|", meaning);
    for (int c = 0; c < N_CELLS; c++)
        fprintf(out, " %s |", headings[c]);
    fprintf(out, "\n|---|--:|--:|---|--:|---|---|---|---|\n");
    for (const struct figure *figure = figures; figure->who; figure++) {
        if (figure->group)
            fprintf(out, "| **%s** | | | | | | | | |\n", figure->group);
        size_t n = make_lines(bench, figure, lines);
        for (size_t i = 0; i < n; i++) {
            fputc('|', out);
            for (int c = 0; c < N_CELLS; c++)
                fprintf(out, "%s%s |", lines[i].cells[c][0] ? " " : "", lines[i].cells[c]);
            fputc('\n', out);
        }
    }
}
