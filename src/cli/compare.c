/* poolmark compare: two runs, or two parts of one, point by point; and saved baselines. */
#include "cli/command.h"

#include "base/alloc.h"
#include "base/units.h"
#include "cli/baselines.h"
#include "report/compare.h"
#include "run/folder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4400 };

static void print_help(void)
{
    printf(
        "usage: poolmark compare A B [--fail-above PCT] [--format text|csv|json]\n"
        "       poolmark compare --save NAME RUN [--force]\n\n"
        "Names what differs between two runs, then compares their points: the ratio of the times\n"
        "with its interval, and whether B is faster, slower, or no difference is shown.\n"
        "A and B are folders of runs or names of saved baselines; RUN:FIELD=VALUE,... is the part\n"
        "of a run whose points have those values. Two parts of one run are compared in pairs.\n\n"
        "  --fail-above PCT  exit with 1 when B is slower by more than PCT percent at some point:\n"
        "                    when the whole interval says so; and when a point of A failed, was\n"
        "                    not measured or is missing in B\n"
        "  --format F        text, csv or json [text]\n"
        "  --color WHEN      auto, always or never [auto]\n"
        "  --save NAME       keep a run as a baseline\n"
        "  --force           replace a baseline of that name\n"
        "  --baselines DIR   where baselines are kept [" BASELINES_FOLDER "]\n\n"
        "  poolmark compare results/quick-1 results/quick-2\n"
        "  poolmark compare results/quick-1:backend=procpool results/quick-1:backend=openmp\n"
        "  poolmark compare --save before results/quick-1\n"
        "  poolmark compare before results/quick-2 --fail-above 5\n");
}

/* --- arguments ----------------------------------------------------------------------------------
 */

struct request {
    const char *operands[2];
    int n_operands;
    const char *fail_above, *format, *color, *save, *baselines; /* NULL: not given */
    bool force, help;
    int output;     /* FORMAT_TEXT... */
    double percent; /* of fail_above; NaN: never */
};

struct taken_option {
    const char *name;
    const char **value; /* NULL: a switch */
    bool *is_set;
};

enum { N_TAKEN = 7 };

static int take_option(const struct taken_option *options, int argc, char **argv, int *i,
                       struct err *err)
{
    const char *names[N_TAKEN], *word = argv[*i], *equals = strchr(word, '=');
    size_t length = equals ? (size_t)(equals - word) : strlen(word);
    for (int k = 0; k < N_TAKEN; k++) {
        const struct taken_option *o = &options[k];
        names[k] = o->name;
        if (strlen(o->name) != length || memcmp(o->name, word, length) != 0)
            continue;
        if (!o->value)
            return equals ? err_set(err, "%s takes no value", o->name) : (*o->is_set = true, 0);
        *o->value = equals ? equals + 1 : *i + 1 < argc ? argv[++*i] : "";
        return **o->value ? 0 : err_set(err, "%s needs a value", o->name);
    }
    return text_refuse(err, "compare: unknown option", word, names, N_TAKEN);
}

static int read_values(struct request *r, struct err *err)
{
    static const char *const formats[] = {
        [FORMAT_TEXT] = "text", [FORMAT_CSV] = "csv", [FORMAT_JSON] = "json"};
    static const char *const colors[] = {"auto", "always", "never"};
    r->output = -1;
    bool is_color = !r->color;
    for (int i = 0; i < 3; i++) {
        if (strcmp(r->format ? r->format : "text", formats[i]) == 0)
            r->output = i;
        is_color = is_color || strcmp(r->color, colors[i]) == 0;
    }
    if (r->output < 0)
        return err_set(err, "--format: '%.60s' is not text, csv or json", r->format);
    if (!is_color)
        return err_set(err, "--color: '%.60s' is not auto, always or never", r->color);
    r->percent = NAN;
    if (r->fail_above && (units_real(r->fail_above, &r->percent, NULL) != 0 || r->percent < 0))
        return err_set(err, "--fail-above: '%.60s' is no percentage from 0 on", r->fail_above);
    return 0;
}

static int read_arguments(struct request *r, int argc, char **argv, struct err *err)
{
    const struct taken_option options[N_TAKEN] = {
        {"--fail-above", &r->fail_above, NULL},
        {"--format", &r->format, NULL},
        {"--color", &r->color, NULL},
        {"--save", &r->save, NULL},
        {"--baselines", &r->baselines, NULL},
        {"--force", NULL, &r->force},
        {"--help", NULL, &r->help},
    };
    for (int i = 0; i < argc; i++) {
        if (argv[i][0] == '-') {
            if (take_option(options, argc, argv, &i, err) != 0)
                return -1;
        } else if (r->n_operands == 2) {
            return err_set(err, "two runs are compared at a time: '%.200s' is one too many",
                           argv[i]);
        } else {
            r->operands[r->n_operands++] = argv[i];
        }
    }
    if (r->help)
        return 0;
    if (r->save && r->n_operands != 1)
        return err_set(err, "--save NAME keeps one run: %s",
                       r->n_operands ? "a second one is one too many" : "name its folder");
    if (!r->save && r->n_operands < 2)
        return err_set(err, "two runs are needed, each the folder of a run or the name of a "
                            "baseline, as results/quick-20260101-120000");
    if (r->save && r->fail_above)
        return err_set(err, "--save keeps a run: --fail-above belongs to a comparison");
    if (r->force && !r->save)
        return err_set(err, "--force belongs to --save");
    return read_values(r, err);
}

/* --- reading ------------------------------------------------------------------------------------
 */

/* One side: where its run is, and what was read of it. */
struct side {
    struct part part;
    char folder[PATH_BYTES];
    struct summary summary;
    json_t *manifest;
    char *plan, *topology; /* texts; NULL: not there */
};

static bool is_run(const char *path)
{
    char manifest[PATH_BYTES];
    snprintf(manifest, sizeof manifest, "%.4000s/manifest.json", path);
    return access(manifest, F_OK) == 0;
}

/* From what was written to the folder; a folder counts before a baseline of its name. */
static int find_folder(struct side *s, const char *operand, const char *baselines, struct err *err)
{
    char names[400];
    struct stat st;
    if (part_parse(&s->part, operand, is_run(operand), err) != 0)
        return -1;
    if (is_run(s->part.run)) {
        snprintf(s->folder, sizeof s->folder, "%s", s->part.run);
        return folder_check(s->folder, err);
    }
    if (baseline_find(baselines, s->part.run, s->folder, sizeof s->folder))
        return folder_check(s->folder, err);
    baselines_add_names(baselines, names, sizeof names);
    const char *why = stat(s->part.run, &st) != 0 ? "there is no such folder"
                      : S_ISDIR(st.st_mode)       ? "it has no manifest.json"
                                                  : "it is a file";
    const char *part = strchr(s->part.run, ':') ? "; a part of a run is RUN:FIELD=VALUE" : "";
    return err_set(err,
                   "%.200s is neither the folder of a run (%s) nor a baseline (in %.100s: %s)%s",
                   s->part.run, why, baselines, names, part);
}

static char *read_text(const char *folder, const char *name)
{
    char path[PATH_BYTES];
    struct text t = TEXT_INIT;
    char block[1 << 14];
    snprintf(path, sizeof path, "%.4000s/%s", folder, name);
    FILE *file = fopen(path, "re");
    if (!file)
        return NULL;
    text_add(&t, "", 0);
    for (size_t n; (n = fread(block, 1, sizeof block, file)) > 0;)
        text_add(&t, block, n);
    fclose(file);
    return t.text ? t.text : alloc_text("");
}

static int read_circumstances(struct side *s, struct err *err)
{
    char path[PATH_BYTES];
    json_error_t why;
    snprintf(path, sizeof path, "%.4000s/manifest.json", s->folder);
    s->manifest = json_load_file(path, 0, &why);
    if (!s->manifest)
        return err_set(err, "%s:%d: %s", path, why.line, why.text);
    s->plan = read_text(s->folder, "plan.ini");
    s->topology = read_text(s->folder, "topology.xml");
    return 0;
}

static int read_samples(struct side *s, struct err *err)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%.4000s/samples.csv", s->folder);
    if (summary_read(&s->summary, path, err) != 0)
        return -1;
    if (s->summary.cut_off)
        fprintf(stderr, "poolmark: %s: the last line is cut off and left out\n", path);
    return s->summary.n ? 0 : err_set(err, "%s: there is no sample below the header", path);
}

/* Says when the run did not come to its end: its points may lack samples. */
static void tell_cut_short(const struct side *s)
{
    const json_t *result = json_object_get(s->manifest, "result");
    const char *why = json_is_true(json_object_get(result, "interrupted"))   ? "was interrupted"
                      : json_is_true(json_object_get(result, "out_of_time")) ? "was out of time"
                      : json_is_object(result)                               ? NULL
                                               : "has not come to its end";
    if (why)
        fprintf(stderr, "poolmark: %.300s: the run %s; its points may lack samples\n", s->part.run,
                why);
}

/* Whether both have the same samples, byte by byte: of one run, though one may be a copy. */
static bool is_one_run(const struct side *a, const struct side *b)
{
    FILE *files[2];
    char path[PATH_BYTES], blocks[2][1 << 14];
    struct stat st[2] = {{0}};
    const char *folders[2] = {a->folder, b->folder};
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%.4000s/samples.csv", folders[i]);
        files[i] = fopen(path, "re");
        if (files[i] && fstat(fileno(files[i]), &st[i]) != 0)
            st[i].st_size = -1 - i;
    }
    bool same = files[0] && files[1] && st[0].st_size == st[1].st_size;
    bool is_file = st[0].st_dev == st[1].st_dev && st[0].st_ino == st[1].st_ino;
    while (same && !is_file) {
        size_t n = fread(blocks[0], 1, sizeof blocks[0], files[0]);
        same = fread(blocks[1], 1, sizeof blocks[1], files[1]) == n &&
               memcmp(blocks[0], blocks[1], n) == 0;
        if (n < sizeof blocks[0])
            break;
    }
    for (int i = 0; i < 2; i++)
        if (files[i])
            fclose(files[i]);
    return same;
}

static void release_side(struct side *s)
{
    part_release(&s->part);
    summary_release(&s->summary);
    json_decref(s->manifest);
    free(s->plan);
    free(s->topology);
}

/* --- comparing ----------------------------------------------------------------------------------
 */

static int judge(const struct comparison *c, double percent)
{
    if (isnan(percent))
        return STATUS_OK;
    fflush(stdout);
    return comparison_passes(c, percent, stderr) ? STATUS_OK : STATUS_FAILED;
}

static int compare_sides(const struct request *r, struct side *sides, bool one_run, struct err *err)
{
    struct comparison c;
    struct differences d = {0};
    const struct side *a = &sides[0], *b = &sides[1];
    if (comparison_make(&c, &a->part, &b->part, one_run, err) != 0)
        return command_fail(STATUS_USAGE, err);
    if (!one_run) {
        differences_of_manifests(&d, a->manifest, b->manifest);
        differences_of_plans(&d, a->plan, b->plan, c.matching.experiment_a,
                             c.matching.experiment_b);
        differences_of_topologies(&d, a->topology, b->topology);
        differences_sort(&d);
    }
    if (r->output == FORMAT_CSV)
        comparison_write_csv(&c, stdout);
    else if (r->output == FORMAT_JSON)
        comparison_write_json(&c, &d, stdout);
    else
        comparison_write_text(&c, &d, stdout, command_columns(),
                              command_wants_color(r->color ? r->color : "auto"));
    int status = judge(&c, r->percent);
    differences_release(&d);
    comparison_release(&c);
    return status;
}

static int compare(const struct request *r, struct err *err)
{
    struct side sides[2] = {{.manifest = NULL}, {.manifest = NULL}};
    const char *baselines = r->baselines ? r->baselines : BASELINES_FOLDER;
    int status = 0;
    bool one_run = false;
    for (int i = 0; i < 2 && status == 0; i++)
        status = find_folder(&sides[i], r->operands[i], baselines, err);
    if (status == 0) {
        one_run = is_one_run(&sides[0], &sides[1]);
        if (one_run && !sides[0].part.n_filters && !sides[1].part.n_filters)
            status = err_set(err,
                             "%.200s and %.200s are the same run; name two parts of it, as "
                             "%.100s:backend=procpool %.100s:backend=openmp",
                             r->operands[0], r->operands[1], r->operands[0], r->operands[1]);
    }
    /* Of one run the samples are read once: a point is then one point for both. */
    for (int i = 0; i < (one_run ? 1 : 2) && status == 0; i++)
        status = read_samples(&sides[i], err);
    for (int i = 0; i < 2 && status == 0; i++) {
        status = read_circumstances(&sides[i], err);
        if (status == 0 && !(one_run && i == 1))
            tell_cut_short(&sides[i]);
        if (status == 0)
            status = part_choose(&sides[i].part, &sides[one_run ? 0 : i].summary, err);
    }
    status = status == 0 ? compare_sides(r, sides, one_run, err) : command_fail(STATUS_USAGE, err);
    release_side(&sides[0]);
    release_side(&sides[1]);
    return status;
}

/* --- saving -------------------------------------------------------------------------------------
 */

static int save(const struct request *r, struct err *err)
{
    struct side s = {.manifest = NULL};
    char path[PATH_BYTES];
    const char *baselines = r->baselines ? r->baselines : BASELINES_FOLDER;
    int status = find_folder(&s, r->operands[0], baselines, err), lock = -1;
    if (status == 0 && s.part.n_filters)
        status = err_set(err, "--save: a baseline is a whole run: %.200s is a part of one",
                         r->operands[0]);
    if (status == 0)
        status = read_samples(&s, err);
    if (status == 0 && (status = read_circumstances(&s, err)) == 0)
        tell_cut_short(&s);
    if (status == 0 && (lock = folder_lock(s.folder, err)) < 0)
        status = -1;
    if (status == 0)
        status = baseline_save(baselines, r->save, s.folder, r->force, path, sizeof path, err);
    if (lock >= 0)
        close(lock);
    release_side(&s);
    if (status != 0)
        return command_fail(STATUS_USAGE, err);
    printf("saved: %s\nnext:  %s compare %s RUN\n", path, command_program(),
           r->baselines ? path : r->save);
    return STATUS_OK;
}

int command_compare(int argc, char **argv)
{
    struct err err;
    struct request r = {.n_operands = 0};
    if (read_arguments(&r, argc, argv, &err) != 0)
        return command_fail(STATUS_USAGE, &err);
    if (r.help)
        return print_help(), STATUS_OK;
    return r.save ? save(&r, &err) : compare(&r, &err);
}
