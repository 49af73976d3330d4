/* Figures by gnuplot: see figures.h. The scripts stand in plots/ beside the program, or in
 * share/poolmark/plots of its prefix; each draws one figure and names the columns that it needs. */
#include "report/figures.h"

#include "base/alloc.h"
#include "base/child.h"
#include "base/clock.h"
#include "report/busy.h"
#include "report/format.h"
#include "report/rules.h"
#include "report/samples.h"
#include "report/timeline.h"
#include "stats/stats.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { GNUPLOT_MS = 60000 };

/* A space at which a caption is not broken: U+00A0, which common.gp draws as a usual one. */
#define STUCK "\xc2\xa0"

/* Folder of the scripts; returns whether it is there. */
static bool find_scripts(char *path, size_t size)
{
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n < 0)
        return false;
    self[n] = '\0';
    *strrchr(self, '/') = '\0';
    char script[4400];
    static const char *const places[] = {"plots", "../share/poolmark/plots"};
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, size, "%s/%s", self, places[i]);
        snprintf(script, sizeof script, "%s/common.gp", path);
        if (access(script, R_OK) == 0)
            return true;
    }
    return false;
}

/* gnuplot's single-quoted strings know one escape: a quote is doubled. */
static void add_string(struct text *t, const char *name, const char *value)
{
    text_addf(t, "%s='", name);
    for (const char *p = value; *p; p++)
        text_addf(t, *p == '\'' ? "''" : "%c", *p);
    text_addf(t, "'; ");
}

/* Runs a script; what it prints goes to `out` (may be NULL). Returns 0, or -1 with gnuplot's words.
 */
static int run_script(const char *script, const struct text *settings, char *out, size_t out_size,
                      char *problem, size_t size)
{
    char home[4200], path[4300];
    if (!find_scripts(home, sizeof home))
        return snprintf(problem, size, "the scripts in plots/ are not beside the program"), -1;
    snprintf(path, sizeof path, "%s/%s", home, script);
    struct text all = TEXT_INIT;
    add_string(&all, "home", home);
    text_add(&all, settings->text, settings->length);
    char *argv[] = {"gnuplot", "-e", all.text, path, NULL};
    struct child child = CHILD_INIT;
    struct err err;
    int status = child_start(&child, argv, NULL, SIGKILL, &err);
    text_release(&all);
    if (status != 0)
        return text_copy(problem, size, err.text), -1;
    size_t used = 0;
    const uint64_t deadline = clock_now_ns() + GNUPLOT_MS * UINT64_C(1000000);
    for (char bytes[4096];;) {
        /* One that draws for ever says nothing: it is not read from without end. */
        struct pollfd from = {.fd = child.from, .events = POLLIN};
        uint64_t now = clock_now_ns();
        if (now >= deadline)
            break;
        if (poll(&from, 1, (int)((deadline - now) / 1000000) + 1) <= 0)
            continue; /* the time is up, or a signal came */
        ssize_t n = read(child.from, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        size_t keep = out && used + (size_t)n < out_size ? (size_t)n : 0;
        memcpy(out ? out + used : bytes, bytes, keep);
        used += keep;
    }
    if (out)
        out[used] = '\0';
    uint64_t now = clock_now_ns();
    child_wait(&child, now < deadline ? (int)((deadline - now) / 1000000) : 0);
    status = child.reaped && WIFEXITED(child.status) && WEXITSTATUS(child.status) == 0 ? 0 : -1;
    if (status != 0) {
        char words[300];
        if (child.reaped)
            snprintf(problem, size, "%s: %s", script,
                     child_last_words(&child, words, sizeof words));
        else
            snprintf(problem, size, "%s: not drawn within %d s", script, GNUPLOT_MS / 1000);
    }
    child_end(&child, 100);
    child_release(&child);
    return status;
}

static bool has_gnuplot(void)
{
    char out[128];
    char *argv[] = {"gnuplot", "--version", NULL};
    return child_capture(argv, 5000, out, sizeof out) == 0;
}

/* A measured point of the experiment that is no base, or NULL. */
static const struct point *shown_point(const struct summary *s, size_t i, const char *experiment)
{
    return factors_is_shown(&s->points[i], experiment) ? &s->points[i].point : NULL;
}

static size_t count_workers(const struct summary *s, const char *experiment)
{
    uint64_t *seen = NULL;
    size_t n = 0, capacity = 0;
    for (size_t i = 0; i < s->n; i++) {
        const struct point *p = shown_point(s, i, experiment);
        size_t k = 0;
        while (p && k < n && seen[k] != p->workers)
            k++;
        if (!p || k < n)
            continue;
        seen = alloc_room(seen, n, &capacity, sizeof *seen);
        seen[n++] = p->workers;
    }
    free(seen);
    return n;
}

/* Whether some schedule was measured with several chunk sizes on equal workers. */
static bool has_chunks(const struct summary *s, const char *experiment)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct point *p = shown_point(s, i, experiment);
        for (size_t k = 0; p && k < i; k++) {
            const struct point *q = shown_point(s, k, experiment);
            if (q && q->workers == p->workers && q->chunk != p->chunk &&
                strcmp(q->backend, p->backend) == 0 && strcmp(q->schedule, p->schedule) == 0 &&
                q->tasks == p->tasks && strcmp(q->workload, p->workload) == 0)
                return true;
        }
    }
    return false;
}

struct counts {
    uint64_t least, most; /* samples a point, both 0 without points */
    bool any_interval, all_intervals;
};

static void count_point(struct counts *counts, const struct summary_row *row)
{
    bool has_interval = isfinite(row->ci_low_s), is_first = counts->most == 0;
    counts->least = is_first || row->n < counts->least ? row->n : counts->least;
    counts->most = row->n > counts->most ? row->n : counts->most;
    counts->any_interval = counts->any_interval || has_interval;
    counts->all_intervals = (is_first || counts->all_intervals) && has_interval;
}

static const char estimates[] = "median with 95 % interval";

/* What is drawn of the samples: a point of too few has no interval. */
static void say_what(struct text *t, const struct counts *counts, const char *what)
{
    bool has_intervals = what == estimates;
    text_addf(t, "%s, n = %" PRIu64, has_intervals && !counts->any_interval ? "median" : what,
              counts->least);
    if (counts->most > counts->least)
        text_addf(t, " to %" PRIu64, counts->most);
    if (has_intervals && counts->most && !counts->all_intervals)
        text_addf(t, "; no interval%s below n = %d", counts->any_interval ? "s" : "",
                  STATS_LEAST_FOR_INTERVAL);
}

/* "2 usable CPUs; median, n = 6 to 10; base seq, 1.23 s, n = 12": what one must know to read the
 * figure. */
static void make_caption(const struct summary *s, const char *experiment, const char *what,
                         struct text *t)
{
    struct counts counts = {0};
    const struct summary_row *base = NULL;
    for (size_t i = 0; i < s->n; i++) {
        const struct summary_point *p = &s->points[i];
        if ((*experiment && strcmp(p->point.experiment, experiment) != 0) || !p->row.n)
            continue;
        if (*experiment && strcmp(p->point.backend, "seq") == 0)
            base = &p->row;
        else
            count_point(&counts, &p->row);
    }
    text_addf(t, "%d usable CPU%s; ", s->usable, s->usable == 1 ? "" : "s");
    say_what(t, &counts, what);
    if (base) {
        char time[32];
        text_addf(t, "; base seq (the serial run), %s",
                  format_seconds(base->median_s, time, sizeof time));
        if (base->n != counts.least || base->n != counts.most)
            text_addf(t, ", n = %" PRIu64, base->n);
    }
}

/* "; 98 % of samples disturbed, 78 % of those that count": a figure that is cut out of a run says
 * how much noise it shows. Nothing where there is none. */
static void say_noise(struct text *t, const struct summary *s, const char *experiment)
{
    size_t taken = 0, disturbed = 0, n = 0, n_disturbed = 0;
    for (size_t i = 0; i < s->n; i++) {
        const struct summary_point *p = &s->points[i];
        if (*experiment && strcmp(p->point.experiment, experiment) != 0)
            continue;
        taken += p->n + p->n_set_aside;
        n += p->n;
        n_disturbed += p->row.disturbed;
        for (size_t k = 0; k < p->n + p->n_set_aside; k++)
            disturbed += p->observations[k].disturbances != 0;
    }
    if (disturbed == 0)
        return;
    text_addf(t, "; %.3g" STUCK "%% of samples disturbed", 100 * (double)disturbed / (double)taken);
    if (taken > n)
        text_addf(t, ", %.3g" STUCK "%% of those that count",
                  n ? 100 * (double)n_disturbed / (double)n : 0.0);
}

/* What the points of an experiment share: "sleep time=5ms · 96 tasks · chunk 1". */
static void say_common(struct text *t, const struct summary *s, const char *experiment)
{
    static const enum factor told[] = {FACTOR_WORKLOAD, FACTOR_TASKS, FACTOR_SCALE, FACTOR_SCHEDULE,
                                       FACTOR_CHUNK,    FACTOR_BIND,  FACTOR_FRESH};
    const struct point *p = NULL;
    const struct point_facts *facts = NULL;
    for (size_t i = 0; i < s->n && !p; i++) {
        p = shown_point(s, i, experiment);
        facts = &s->points[i].facts;
    }
    unsigned varying = factors_varying(s, experiment);
    for (size_t i = 0; p && i < sizeof told / sizeof *told; i++) {
        char name[FACTORS_NAME_BYTES];
        bool is_usual = (told[i] == FACTOR_SCALE && p->scale == 1) ||
                        (told[i] == FACTOR_BIND && strcmp(p->bind, "none") == 0);
        if ((varying & told[i]) || is_usual || !*factors_name(p, told[i], name))
            continue;
        bool has_label = told[i] == FACTOR_WORKLOAD && facts->label;
        text_addf(t, "%s%s", t->length ? " · " : "", has_label ? facts->label : name);
    }
}

/* What a script makes of its data; what is drawn is told in plots/figures.csv, for who checks that
 * lines join numbers alone and that samples are shown. */
static const struct kind {
    const char *script;
    const char *axis; /* from left to right, or what its rows are: a number or a category */
    bool joins;       /* points by lines */
    bool has_dots;    /* a dot a sample */
} kinds[] = {
    {"speedup", "number", true, true},      {"efficiency", "number", true, true},
    {"time", "number", true, true},         {"chunks", "number", true, true},
    {"schedules", "category", false, true}, {"heat", "category", false, false},
    {"timeline", "number", false, false},   {"busy", "category", false, false},
    {"articles", "category", false, false},
};

static const struct kind *kind_of(const char *script)
{
    const struct kind *kind = kinds;
    while (strcmp(kind->script, script) != 0)
        kind++;
    return kind;
}

/* One figure: FOLDER/plots/NAME.svg and .png, by a script, from an input in the folder. */
struct drawing {
    const char *script, *experiment, *name, *input, *shows, *note;
    const struct dots *dots; /* NULL: none */
    size_t n_samples;        /* that it shows or rests on */
};

/* "a dot a sample", or of how many. */
static void say_dots(struct text *t, const struct dots *dots)
{
    if (dots->n < dots->of)
        text_addf(t, "; dots: %zu of %zu samples", dots->n, dots->of);
    else
        text_addf(t, "; dots: samples");
    text_addf(t, ", side by side in the order in which they were taken");
}

/* What the heading calls the experiment: its title, where it has one. */
static const char *heading_of(const struct summary *s, const char *experiment)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct summary_point *p = &s->points[i];
        if (strcmp(p->point.experiment, experiment) == 0 && p->facts.title && *p->facts.title)
            return p->facts.title;
    }
    return experiment;
}

static void note_problem(struct figures *figures, const char *problem)
{
    if (!*figures->problem)
        text_copy(figures->problem, sizeof figures->problem, problem);
}

static void draw(const struct summary *s, const char *folder, const struct drawing *d,
                 struct figures *figures)
{
    const struct kind *kind = kind_of(d->script);
    char value[5200];
    struct text t = TEXT_INIT, words = TEXT_INIT;
    snprintf(value, sizeof value, "%.4000s/%s", folder, d->input);
    add_string(&t, "input", value);
    snprintf(value, sizeof value, "%.4000s/plots/%s", folder, d->name);
    add_string(&t, "output", value);
    add_string(&t, "experiment", d->experiment);
    add_string(&t, "heading", heading_of(s, d->experiment));
    make_caption(s, d->experiment, d->shows, &words);
    text_addf(&words, "%s", d->note);
    say_noise(&words, s, d->experiment);
    if (d->dots) {
        say_dots(&words, d->dots);
        add_string(&t, "samples", d->dots->path);
    }
    if (*s->rules) {
        char brief[128];
        text_addf(&words, "; ");
        for (const char *c = rules_brief(s->rules, brief, sizeof brief); *c; c++)
            text_addf(&words, *c == ' ' ? STUCK : "%c", *c);
    }
    add_string(&t, "caption", words.text);
    text_clear(&words);
    say_common(&words, s, d->experiment);
    add_string(&t, "about", words.length ? words.text : "");
    text_addf(&t, "usable=%d; ", s->usable);
    char file[64], problem[512];
    snprintf(file, sizeof file, "%s.gp", d->script);
    if (run_script(file, &t, NULL, 0, problem, sizeof problem) == 0) {
        figures->n_drawn++;
        fprintf(figures->list, "%s,%s,%d,%zu\n", d->name, kind->axis, kind->joins, d->n_samples);
    } else
        note_problem(figures, problem);
    text_release(&t);
    text_release(&words);
}

enum { N_SCRIPTS = 6 };

static const char *const scripts[N_SCRIPTS] = {"speedup", "efficiency", "time",
                                               "chunks",  "heat",       "schedules"};

/* Draws those figures of an experiment that are called for. */
static void draw_experiment(const struct summary *s, const char *folder, const char *experiment,
                            const bool called_for[N_SCRIPTS], struct figures *figures)
{
    struct dots dots;
    struct err err;
    if (samples_write(s, experiment, folder, &dots, &err) != 0) {
        note_problem(figures, err.text);
        return;
    }
    for (size_t k = 0; k < N_SCRIPTS; k++) {
        char name[PAGE_NAME_BYTES];
        bool has_dots = kind_of(scripts[k])->has_dots;
        snprintf(name, sizeof name, "%s-%s", experiment, scripts[k]);
        struct drawing drawing = {.script = scripts[k],
                                  .experiment = experiment,
                                  .name = name,
                                  .input = "summary.csv",
                                  .shows = estimates,
                                  .note = "",
                                  .dots = has_dots ? &dots : NULL,
                                  .n_samples = has_dots ? dots.n : 0};
        if (called_for[k])
            draw(s, folder, &drawing, figures);
    }
}

/* The figures that a summary calls for, drawn one by one, or counted when `figures` is NULL. */
static size_t each_figure(const struct summary *s, const char *folder, bool has_articles,
                          struct figures *figures)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++) {
        const char *experiment = s->points[i].point.experiment;
        if (!factors_begin_experiment(s, i))
            continue;
        bool over_workers = count_workers(s, experiment) > 1,
             over_chunks = has_chunks(s, experiment), over_schedules = busy_compares(s, experiment);
        const bool called_for[N_SCRIPTS] = {
            over_workers,  over_workers, over_workers, over_chunks, over_workers && over_chunks,
            over_schedules};
        size_t called = 0;
        for (size_t k = 0; k < N_SCRIPTS; k++)
            called += called_for[k];
        if (called && figures)
            draw_experiment(s, folder, experiment, called_for, figures);
        n += called;
    }
    if (has_articles && ++n && figures)
        draw(s, folder,
             &(struct drawing){
                 .script = "articles",
                 .experiment = "",
                 .name = "articles",
                 .input = "articles.csv",
                 .shows = estimates,
                 .note = "",
             },
             figures);
    return n;
}

/* Draws the pages that `make` makes of a file beside the summary. A file that cannot be read is a
 * problem of these figures and of no others. */
static void draw_pages(const struct summary *s, const char *folder, const char *script,
                       const char *shows, bool single,
                       int (*make)(struct pages *, const struct summary *, const char *,
                                   struct err *),
                       struct figures *figures)
{
    struct pages pages;
    struct err err;
    if (make(&pages, s, folder, &err) != 0)
        note_problem(figures, err.text);
    for (size_t i = 0; i < pages.n; i++) {
        const struct page *page = &pages.pages[i];
        char input[PAGE_NAME_BYTES + 16];
        snprintf(input, sizeof input, "plots/%s.csv", page->name);
        struct drawing drawing = {.script = script,
                                  .experiment = page->experiment,
                                  .name = page->name,
                                  .input = input,
                                  .shows = shows,
                                  .note = page->note};
        for (size_t k = 0; k < page->n; k++)
            drawing.n_samples += single ? 1 : page->points[k]->n;
        draw(s, folder, &drawing, figures);
    }
    pages_release(&pages);
}

static bool has_file(const char *folder, const char *name)
{
    char path[4300];
    snprintf(path, sizeof path, "%.4000s/%s", folder, name);
    return access(path, R_OK) == 0;
}

int figures_draw(const struct summary *s, const char *folder, bool has_articles,
                 struct figures *figures, struct err *err)
{
    *figures = (struct figures){.no_trace = !has_file(folder, "trace.csv")};
    bool has_workers = has_file(folder, "workers.csv");
    if (each_figure(s, folder, has_articles, NULL) == 0 && figures->no_trace)
        return 0;
    if (!has_gnuplot()) {
        figures->no_gnuplot = true;
        return 0;
    }
    char path[4300];
    snprintf(path, sizeof path, "%.4000s/plots", folder);
    if (mkdir(path, 0777) != 0 && errno != EEXIST)
        return err_set(err, "%s cannot be made: %s", path, strerror(errno));
    snprintf(path, sizeof path, "%.4000s/plots/figures.csv", folder);
    figures->list = fopen(path, "w");
    if (!figures->list)
        return err_set(err, "%s cannot be written: %s", path, strerror(errno));
    fputs("figure,axis,joined,samples\n", figures->list);
    each_figure(s, folder, has_articles, figures);
    if (!figures->no_trace)
        draw_pages(s, folder, "timeline", "the sample of the median time", true, timelines_make,
                   figures);
    if (has_workers)
        draw_pages(s, folder, "busy", "medians", false, busy_make, figures);
    bool failed = ferror(figures->list);
    failed = fclose(figures->list) != 0 || failed;
    figures->list = NULL;
    if (failed)
        return err_set(err, "%s could not be written to its end", path);
    if (figures->n_drawn == 0) {
        unlink(path);
        *strrchr(path, '/') = '\0';
        rmdir(path); /* unless there is something in it */
    }
    return 0;
}

bool figures_print_curve(const struct summary *s, const char *folder, int columns, int rows,
                         FILE *to)
{
    /* Of the experiments with most worker counts the one that runs longest: it says most. */
    const char *best = NULL;
    size_t most = 1, n = 0;
    double longest = 0;
    for (size_t i = 0; i < s->n; i++) {
        const char *experiment = s->points[i].point.experiment;
        if (i == 0 || strcmp(experiment, s->points[i - 1].point.experiment) != 0)
            n = count_workers(s, experiment);
        double base_s = s->points[i].row.base_s;
        if (n > most || (n == most && best && base_s > longest)) {
            most = n;
            longest = base_s;
            best = s->points[i].point.experiment;
        }
    }
    if (!best || !has_gnuplot())
        return false;
    char value[4700], problem[512], out[65536];
    struct text t = TEXT_INIT;
    snprintf(value, sizeof value, "%s/summary.csv", folder);
    add_string(&t, "input", value);
    add_string(&t, "experiment", best);
    add_string(&t, "caption", "");
    text_addf(&t, "usable=%d; columns=%d; rows=%d; ", s->usable, columns, rows);
    bool drawn = run_script("terminal.gp", &t, out, sizeof out, problem, sizeof problem) == 0;
    text_release(&t);
    if (drawn)
        fprintf(to, "\n%s", out);
    return drawn;
}
