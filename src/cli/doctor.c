/* poolmark doctor: the machine as a small picture, what is wrong with it for measuring, each with
 * one remedy, and whether it is fit. With --aa also what it can show. */
#include "cli/aa.h"
#include "cli/command.h"

#include "base/alloc.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/text.h"
#include "base/units.h"
#include "build_info.h"
#include "report/format.h"
#include "run/backends.h"
#include "topo/condition.h"
#include "topo/picture.h"

#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    WINDOW_MS = 400,   /* the load is watched so long: CPU time is told in steps of 10 ms */
    PATIENCE_MS = 3000 /* with a program that tells its version, or the name of this host */
};

struct options {
    bool aa, json;
    double aa_seconds;
};

/* All that the doctor has found; what is printed, in whatever format, is made of this. */
struct findings {
    struct condition *conditions;
    size_t n_problems;
    struct topo_counts machine;
    bool this_machine;
    bool has_aa;
    struct aa aa;
};

/* --- the command line ------------------------------------------------------------------------- */

static void print_help(void)
{
    printf(
        "usage: poolmark doctor [--aa] [--aa-seconds S] [--format text|json]\n\n"
        "Tells whether this machine is fit for measuring: shows it, says how many CPUs are usable\n"
        "and why, and lists what would disturb measurements, each with one remedy. Exit status 0\n"
        "when it is fit, 77 when it is not. Nothing is written.\n\n"
        "  --aa            also measure the same point twice, side by side, and tell the smallest\n"
        "                  effect that can be shown here\n"
        "  --aa-seconds S  the same for at most so long, 0.5 to 600 [20], with samples of S / 4 "
        "ms\n"
        "                  on a quiet machine (0.2 to 20); once more when a difference shows\n"
        "  --format F      text or json [text]\n");
}

/* The value of an option written "--name VALUE" or "--name=VALUE", or NULL when argv[*i] is not
 * that option. */
static const char *value_of(const char *name, int argc, char **argv, int *i)
{
    size_t length = strlen(name);
    if (strncmp(argv[*i], name, length) != 0)
        return NULL;
    if (argv[*i][length] == '=')
        return argv[*i] + length + 1;
    if (argv[*i][length] != '\0')
        return NULL;
    return *i + 1 < argc ? argv[++*i] : "";
}

static int read_seconds(const char *text, double *seconds, struct err *err)
{
    if (units_real(text, seconds, err) != 0)
        return err_prefix(err, "--aa-seconds");
    if (*seconds < 0.5 || *seconds > 600)
        return err_set(err, "--aa-seconds: %s is not within 0.5 to 600", text);
    return 0;
}

static int read_arguments(int argc, char **argv, struct options *options, struct err *err)
{
    static const char *const names[] = {"--aa", "--aa-seconds", "--format", "--help"};
    *options = (struct options){.aa_seconds = 20};
    for (int i = 0; i < argc; i++) {
        const char *value;
        if (strcmp(argv[i], "--aa") == 0) {
            options->aa = true;
        } else if ((value = value_of("--aa-seconds", argc, argv, &i))) {
            options->aa = true;
            if (read_seconds(value, &options->aa_seconds, err) != 0)
                return -1;
        } else if ((value = value_of("--format", argc, argv, &i))) {
            options->json = strcmp(value, "json") == 0;
            if (!options->json && strcmp(value, "text") != 0)
                return err_set(err, "--format: '%s' is not text or json", value);
        } else {
            return text_refuse(err, "doctor: unknown argument", argv[i], names,
                               sizeof names / sizeof *names);
        }
    }
    return 0;
}

/* --- looking ---------------------------------------------------------------------------------- */

static void look_for_backends(struct condition_parts *parts)
{
    struct text missing = TEXT_INIT, remedies = TEXT_INIT;
    for (const struct backend_kind *k = backend_kinds; k->name; k++) {
        char reason[512];
        if (backend_is_available(k, reason, sizeof reason))
            continue;
        /* "what is missing; how to get it" */
        char *remedy = strstr(reason, "; ");
        if (remedy) {
            *remedy = '\0';
            remedy += 2;
            if (!remedies.length || !strstr(remedies.text, remedy))
                text_addf(&remedies, "%s%s", remedies.length ? "; " : "", remedy);
        }
        text_addf(&missing, "%s%s (%s)", missing.length ? ", " : "", k->name, reason);
    }
    text_copy(parts->missing, sizeof parts->missing, missing.length ? missing.text : "");
    text_copy(parts->missing_remedy, sizeof parts->missing_remedy,
              remedies.length ? remedies.text : "");
    text_release(&missing);
    text_release(&remedies);
}

/* In a process of its own, since a look-up may take as long as it likes. */
static void look_up_host(struct condition_parts *parts)
{
    char host[256] = "", out[512];
    char *argv[] = {"getent", "hosts", host, NULL};
    gethostname(host, sizeof host - 1);
    uint64_t start = clock_now_ns();
    int status = child_capture(argv, PATIENCE_MS, out, sizeof out);
    double ms = (double)(clock_now_ns() - start) / 1e6;
    /* Without getent nothing is known; what took too long is known not to be quick. */
    if (status == -1 && ms < PATIENCE_MS)
        return;
    parts->resolves = status == 0;
    parts->resolve_ms = ms;
}

static void look_at_parts(struct condition_parts *parts)
{
    char *mpirun[] = {"mpirun", "--version", NULL}, *gnuplot[] = {"gnuplot", "--version", NULL};
    char out[256];
    parts->told = true;
    parts->optimised = BUILD_OPTIMISED;
    look_for_backends(parts);
    if (child_capture(mpirun, PATIENCE_MS, parts->mpirun, sizeof parts->mpirun) != 0)
        *parts->mpirun = '\0';
    parts->mpirun[strcspn(parts->mpirun, "\n")] = '\0';
    parts->has_gnuplot = child_capture(gnuplot, PATIENCE_MS, out, sizeof out) == 0;
    if (*parts->mpirun)
        look_up_host(parts);
}

static void look(struct findings *f, const struct topo *topo)
{
    struct condition_facts facts;
    f->this_machine = topo_is_this_machine(topo);
    topo_count(topo, &f->machine);
    if (!f->this_machine)
        return; /* the files of this machine say nothing of another */
    condition_observe(&facts, topo, WINDOW_MS);
    look_at_parts(&facts.parts);
    f->conditions = alloc_zeroed(condition_n, sizeof *f->conditions);
    for (size_t i = 0; i < condition_n; i++) {
        condition_check(i, &facts, &f->conditions[i]);
        f->n_problems += f->conditions[i].verdict == CONDITION_BAD;
    }
}

static bool is_fit(const struct findings *f)
{
    return f->this_machine && f->n_problems == 0 && !(f->has_aa && f->aa.differs);
}

/* --- as text ---------------------------------------------------------------------------------- */

static bool wants_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = getenv(names[i]);
        if (value && *value)
            return strstr(value, "UTF-8") || strstr(value, "utf8");
    }
    return false;
}

static void print_machine(const struct topo *topo, const struct topo_counts *machine)
{
    char why[256];
    struct text t = TEXT_INIT;
    int columns = command_columns();
    topo_draw(topo, &(struct topo_picture){columns < 100 ? columns : 100, wants_utf8()}, &t);
    printf("%s", t.text);
    text_release(&t);
    if (machine->affinity < machine->pus)
        printf("in parentheses: CPUs that this process may not use\n");
    printf("%s\n", topo_explain(machine, why, sizeof why));
}

static void print_condition(const struct condition *c, size_t number)
{
    struct text t = TEXT_INIT;
    int columns = command_columns(), indent = 5;
    text_addf(&t, "%s: %s", c->name, c->sentence);
    if (number)
        printf("%3zu. ", number);
    else
        printf("   - ");
    format_folded(stdout, t.text, indent, columns);
    text_release(&t);
    if (!*c->remedy)
        return;
    if (c->is_command) {
        printf("%*s$ %s\n", indent, "", c->remedy); /* in one piece, however long: it is pasted */
    } else {
        printf("%*s> ", indent, "");
        format_folded(stdout, c->remedy, indent + 2, columns);
    }
}

static void print_verdicts(const struct findings *f, enum condition_verdict verdict,
                           const char *title)
{
    size_t n = 0;
    for (size_t i = 0; i < condition_n; i++) {
        if (f->conditions[i].verdict != verdict)
            continue;
        if (n++ == 0)
            printf("\n%s\n", title);
        print_condition(&f->conditions[i], verdict == CONDITION_BAD ? n : 0);
    }
}

static void print_names(const struct findings *f, enum condition_verdict verdict, const char *title)
{
    struct text t = TEXT_INIT;
    text_addf(&t, "%s", title);
    const char *between = " ";
    for (size_t i = 0; i < condition_n; i++)
        if (f->conditions[i].verdict == verdict) {
            text_addf(&t, "%s%s", between, f->conditions[i].name);
            between = ", ";
        }
    if (*between == ',')
        format_folded(stdout, t.text, 5, command_columns());
    text_release(&t);
}

static void print_conditions(const struct findings *f)
{
    print_verdicts(f, CONDITION_BAD, "problems, each with its remedy:");
    print_verdicts(f, CONDITION_NOTE, "to be known:");
    printf("\n");
    print_names(f, CONDITION_GOOD, "good:");
    print_names(f, CONDITION_UNKNOWN, "not told by this machine:");
}

/* "0.42%", with two digits, and no blank at which a line could be folded. */
static char *format_percent(double share, char *buffer, size_t size)
{
    snprintf(buffer, size, share < 0.1 ? "%.2g%%" : "%.0f%%", 100 * share);
    return buffer;
}

/* A paragraph, indented; folded, since numbers differ in length. */
__attribute__((format(printf, 2, 3))) static void print_folded(int indent, const char *format, ...)
{
    char text[640];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    printf("%*s", indent, "");
    format_folded(stdout, text, indent, command_columns());
}

static void print_effects(const struct aa *aa)
{
    char here[32], few[32], many[32];
    print_folded(2,
                 "effects below %s cannot be shown here with %zu pairs; with 30, those below %s, "
                 "with 300, those below %s (launches of %d)",
                 format_percent(aa_smallest_effect(aa, aa->ratio.n), here, sizeof here),
                 aa->ratio.n, format_percent(aa_smallest_effect(aa, 30), few, sizeof few),
                 format_percent(aa_smallest_effect(aa, 300), many, sizeof many), AA_PAIRS);
}

static void print_aa(const struct aa *aa)
{
    char time[32];
    const struct interval *ci = &aa->ratio.median_ci;
    printf("\nA/A, the same point twice, side by side:\n");
    print_folded(2, "%u burn tasks on %u worker%s, %s a sample", aa->tasks, aa->workers,
                 aa->workers == 1 ? "" : "s",
                 units_format_ns(aa->sample_s * 1e9, time, sizeof time));
    if (!ci->known) {
        print_folded(2, "%zu pairs: too few for an interval%s", aa->ratio.n,
                     aa->out_of_time ? "; --aa-seconds gives more time" : "");
        return;
    }
    print_folded(2, "ratio %.4f [%.4f, %.4f] of %zu pairs over %zu launches: %s", aa->ratio.median,
                 ci->low, ci->high, aa->ratio.n, aa->ratio.n_launches,
                 aa->differs ? "a difference, where there is none" : "no difference shown");
    if (aa->n_rounds > 1)
        print_folded(2, "%s",
                     aa->differs ? "it was shown twice over: trust no difference of this size here"
                                 : "a first round had shown one, as 1 in 20 does by chance; the "
                                   "second did not");
    print_effects(aa);
    print_folded(2, "disturbed: %zu of %zu samples (%.1f%%); of %zu pairs, %zu stayed so",
                 aa->n_disturbed, aa->n_samples,
                 aa->n_samples ? 100.0 * (double)aa->n_disturbed / (double)aa->n_samples : 0,
                 aa->ratio.n, aa->n_still);
    /* What is said of a machine that was busy holds for it while it is busy. */
    if (5 * aa->n_still <= aa->ratio.n)
        return;
    printf("  > ");
    format_folded(
        stdout,
        "the machine was busy: it can show smaller effects when it is quiet; ask again then", 4,
        command_columns());
}

static void print_verdict(const struct findings *f)
{
    size_t n = f->n_problems + (f->has_aa && f->aa.differs);
    printf("\n");
    if (!f->this_machine)
        print_folded(0, "not this machine: HWLOC_SYNTHETIC or HWLOC_XMLFILE describes another one, "
                        "on which poolmark plans (run --dry-run, where) and never times");
    else if (is_fit(f))
        printf("fit for measuring\n");
    else
        printf("not fit for measuring: %zu problem%s\n", n, n == 1 ? "" : "s");
}

/* --- as JSON ---------------------------------------------------------------------------------- */

static json_t *number_or_null(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

static json_t *aa_json(const struct aa *aa)
{
    const struct interval *ci = &aa->ratio.median_ci;
    return json_pack(
        "{s:i,s:i,s:o,s:o,s:o,s:o,s:I,s:I,s:I,s:I,s:I,s:I,s:b,s:o,s:o,s:o}", "workers",
        (int)aa->workers, "tasks", (int)aa->tasks, "sample_s", number_or_null(aa->sample_s),
        "ratio", number_or_null(aa->ratio.median), "low", number_or_null(ci->known ? ci->low : NAN),
        "high", number_or_null(ci->known ? ci->high : NAN), "pairs", (json_int_t)aa->ratio.n,
        "launches", (json_int_t)aa->ratio.n_launches, "rounds", (json_int_t)aa->n_rounds, "samples",
        (json_int_t)aa->n_samples, "disturbed", (json_int_t)aa->n_disturbed, "still_disturbed",
        (json_int_t)aa->n_still, "differs", (int)aa->differs, "smallest_effect",
        number_or_null(aa_smallest_effect(aa, aa->ratio.n)), "smallest_effect_30",
        number_or_null(aa_smallest_effect(aa, 30)), "smallest_effect_300",
        number_or_null(aa_smallest_effect(aa, 300)));
}

static void print_json(const struct findings *f)
{
    char why[256];
    json_t *conditions = json_array();
    for (size_t i = 0; f->conditions && i < condition_n; i++) {
        const struct condition *c = &f->conditions[i];
        json_array_append_new(
            conditions, json_pack("{s:s,s:s,s:s,s:s,s:s,s:b}", "name", c->name, "verdict",
                                  condition_verdict_name(c->verdict), "value", c->value, "sentence",
                                  c->sentence, "remedy", c->remedy, "paste", (int)c->is_command));
    }
    json_t *all =
        json_pack("{s:b,s:b,s:i,s:s,s:I,s:o,s:o}", "fit", (int)is_fit(f), "this_machine",
                  (int)f->this_machine, "usable", f->machine.usable, "why",
                  topo_explain(&f->machine, why, sizeof why), "problems", (json_int_t)f->n_problems,
                  "conditions", conditions, "aa", f->has_aa ? aa_json(&f->aa) : json_null());
    json_dumpf(all, stdout, JSON_INDENT(1));
    printf("\n");
    json_decref(all);
}

/* --- the command ------------------------------------------------------------------------------ */

static int examine(const struct options *options, const struct topo *topo, struct findings *f,
                   struct err *err)
{
    if (!options->json)
        print_machine(topo, &f->machine);
    fflush(stdout);
    look(f, topo);
    if (!options->json && f->this_machine)
        print_conditions(f);
    if (options->aa && !f->this_machine)
        return err_set(err, "--aa: HWLOC_SYNTHETIC or HWLOC_XMLFILE describes another machine; "
                            "nothing is timed on it"),
               STATUS_USAGE;
    if (options->aa) {
        fflush(stdout);
        if (aa_measure(&f->aa, topo, options->aa_seconds, err) != 0)
            return STATUS_LOST;
        f->has_aa = !f->aa.interrupted;
        if (f->aa.interrupted)
            return STATUS_INTERRUPTED;
        if (!options->json)
            print_aa(&f->aa);
    }
    if (options->json)
        print_json(f);
    else
        print_verdict(f);
    return is_fit(f) ? STATUS_OK : STATUS_UNFIT;
}

int command_doctor(int argc, char **argv)
{
    struct err err = {""};
    struct options options;
    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0)
            return print_help(), STATUS_OK;
    struct findings findings = {0};
    if (read_arguments(argc, argv, &options, &err) != 0)
        return command_fail(STATUS_USAGE, &err);
    struct topo *topo = topo_new(&err);
    if (!topo)
        return command_fail(STATUS_USAGE, &err);
    topo_count(topo, &findings.machine);
    int status = examine(&options, topo, &findings, &err);
    if (*err.text)
        command_fail((enum status)status, &err);
    free(findings.conditions);
    topo_free(topo);
    return status;
}
