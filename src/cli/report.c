/* poolmark report RUN, poolmark plot RUN: from the journal again. */
#include "cli/command.h"
#include "cli/outcome.h"
#include "report/format.h"

#include <string.h>

/* Splits "RUN [--format F]". Returns the folder or NULL with a sentence. */
static const char *read_arguments(int argc, char **argv, bool takes_format, int *format,
                                  struct err *err)
{
    static const char *const names[] = {
        [FORMAT_TEXT] = "text", [FORMAT_CSV] = "csv", [FORMAT_JSON] = "json"};
    const char *folder = NULL;
    for (int i = 0; i < argc; i++) {
        const char *value = NULL;
        if (takes_format && strcmp(argv[i], "--format") == 0)
            value = i + 1 < argc ? argv[++i] : "";
        else if (takes_format && strncmp(argv[i], "--format=", 9) == 0)
            value = argv[i] + 9;
        if (value) {
            *format = -1;
            for (int f = 0; f < 3; f++)
                if (strcmp(value, names[f]) == 0)
                    *format = f;
            if (*format < 0)
                return err_set(err, "--format: '%s' is not text, csv or json", value), NULL;
        } else if (argv[i][0] == '-') {
            return err_set(err, "unknown option '%s'; allowed: %s", argv[i],
                           takes_format ? "--format" : "none"),
                   NULL;
        } else if (folder) {
            return err_set(err, "one run at a time: '%s' is one too many", argv[i]), NULL;
        } else {
            folder = argv[i];
        }
    }
    if (!folder)
        err_set(err, "the folder of a run is needed, as results/articles-20260101-120000");
    return folder;
}

static bool wants_help(int argc, char **argv)
{
    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0)
            return true;
    return false;
}

int command_report(int argc, char **argv)
{
    struct err err;
    int format = FORMAT_TEXT;
    if (wants_help(argc, argv)) {
        printf("usage: poolmark report RUN [--format text|csv|json]\n\nSummarises RUN/samples.csv "
               "again "
               "and prints it; nothing is written.\n");
        return STATUS_OK;
    }
    const char *folder = read_arguments(argc, argv, true, &format, &err);
    struct past_run past;
    if (!folder || past_run_read(&past, folder, &err) != 0)
        return command_fail(STATUS_USAGE, &err);
    struct outcome_of_run outcome;
    int status = STATUS_OK;
    if (outcome_read(&outcome, folder, &past.plan, &past.experiments, &err) == 0) {
        if (outcome.summary.cut_off)
            fprintf(stderr, "poolmark: %s/samples.csv: the last line is cut off and left out\n",
                    folder);
        outcome_judge(&outcome, folder, &past.plan);
        struct outcome_style style = {.curve = true, .all = true, .color = "auto"};
        outcome_print(&outcome, folder, format, &style);
        outcome_release(&outcome);
    } else {
        status = command_fail(STATUS_USAGE, &err);
    }
    past_run_release(&past);
    return status;
}

int command_plot(int argc, char **argv)
{
    struct err err;
    int format = 0;
    if (wants_help(argc, argv)) {
        printf(
            "usage: poolmark plot RUN\n\nWrites RUN/summary.csv and RUN/plots/*.svg and *.png from "
            "RUN/samples.csv.\n");
        return STATUS_OK;
    }
    const char *folder = read_arguments(argc, argv, false, &format, &err);
    struct past_run past;
    if (!folder || past_run_read(&past, folder, &err) != 0)
        return command_fail(STATUS_USAGE, &err);
    struct outcome_of_run outcome;
    struct figures figures = {0};
    int status = STATUS_OK;
    if (outcome_read(&outcome, folder, &past.plan, &past.experiments, &err) != 0) {
        status = command_fail(STATUS_USAGE, &err);
    } else {
        if (outcome_write(&outcome, folder, &err) != 0 ||
            outcome_draw(&outcome, folder, &past.plan, &figures, &err) != 0)
            status = command_fail(STATUS_FAILED, &err);
        else if (figures.no_gnuplot || *figures.problem)
            status = STATUS_MISSING;
        else {
            printf("figures in %s/plots: %zu%s\n", folder, figures.n_drawn,
                   figures.no_trace ? "; no timelines: they need a run with --trace" : "");
            format_folded(stdout, outcome.summary.rules, 7, command_columns());
        }
        outcome_release(&outcome);
    }
    past_run_release(&past);
    return status;
}
