/* poolmark validate RUN: the twelve rules on a run, one by one, and whether its files agree. */
#include "cli/command.h"
#include "cli/outcome.h"

#include "report/format.h"

#include <jansson.h>
#include <string.h>

static void print_help(void)
{
    printf("usage: poolmark validate RUN [--format text|json]\n\n"
           "Checks the twelve rules of Hoefler and Belli (SC15) on RUN, and whether its files\n"
           "agree with each other. A rule of which RUN has nothing to check counts neither way.\n"
           "Exit status: 0 all others met, 1 not all, 2 RUN cannot be read.\n");
}

static void print_result(const char *number, const struct rule *rule, const struct rule_result *r,
                         int columns)
{
    static const char *const words[RULE_STATES] = {
        [RULE_BROKEN] = "NOT MET", [RULE_MET] = "met", [RULE_IDLE] = "-"};
    enum { INDENT = 26 };
    struct text t = TEXT_INIT;
    printf("%3s %-12s %-8s ", number, rule->name, words[r->state]);
    text_addf(&t, "%s%s", r->state == RULE_IDLE ? "nothing to check: " : "", r->why);
    format_folded(stdout, t.text, INDENT - 1, columns);
    text_release(&t);
}

static void print_text(const struct rules_verdict *v)
{
    int columns = command_columns(), agree = rules_count(v->files, FILE_CHECKS, RULE_MET);
    char line[16 * RULES], brief[16 * RULES];
    for (int i = 0; i < RULES; i++) {
        char number[8];
        snprintf(number, sizeof number, "%d", i + 1);
        print_result(number, &rule_table[i], &v->rules[i], columns);
    }
    printf("\n");
    for (int i = 0; i < FILE_CHECKS; i++)
        print_result("", &file_table[i], &v->files[i], columns);
    rules_brief(rules_line(v, line, sizeof line), brief, sizeof brief);
    printf("\n%s; files: %d/%d\n", brief, agree, (int)FILE_CHECKS);
}

static json_t *results_json(const struct rule *rules, const struct rule_result *results, int n,
                            bool numbered)
{
    json_t *all = json_array();
    for (int i = 0; i < n; i++) {
        enum rule_state state = results[i].state;
        json_t *one =
            json_pack("{s:s,s:s,s:o,s:s,s:s}", "name", rules[i].name, "says", rules[i].says, "met",
                      state == RULE_IDLE ? json_null() : json_boolean(state == RULE_MET), "state",
                      rule_state_name(state), "why", results[i].why);
        if (numbered)
            json_object_set_new(one, "rule", json_integer(i + 1));
        json_array_append_new(all, one);
    }
    return all;
}

static void print_json(const struct rules_verdict *v)
{
    json_t *all = json_pack("{s:i,s:o,s:o}", "schema", 1, "rules",
                            results_json(rule_table, v->rules, RULES, true), "files",
                            results_json(file_table, v->files, FILE_CHECKS, false));
    json_dumpf(all, stdout, JSON_INDENT(1));
    printf("\n");
    json_decref(all);
}

/* Splits "RUN [--format F]"; returns the folder or NULL with a sentence. */
static const char *read_arguments(int argc, char **argv, bool *as_json, struct err *err)
{
    const char *folder = NULL;
    for (int i = 0; i < argc; i++) {
        const char *format = NULL;
        if (strcmp(argv[i], "--format") == 0)
            format = i + 1 < argc ? argv[++i] : "";
        else if (strncmp(argv[i], "--format=", 9) == 0)
            format = argv[i] + 9;
        if (format && strcmp(format, "text") != 0 && strcmp(format, "json") != 0)
            return err_set(err, "--format: '%s' is not text or json", format), NULL;
        if (format)
            *as_json = strcmp(format, "json") == 0;
        else if (argv[i][0] == '-')
            return err_set(err, "unknown option '%s'; allowed: --format, --help", argv[i]), NULL;
        else if (folder)
            return err_set(err, "one run at a time: '%s' is one too many", argv[i]), NULL;
        else
            folder = argv[i];
    }
    if (!folder)
        err_set(err, "the folder of a run is needed, as results/articles-20260101-120000");
    return folder;
}

int command_validate(int argc, char **argv)
{
    struct err err;
    bool as_json = false;
    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0)
            return print_help(), STATUS_OK;
    const char *folder = read_arguments(argc, argv, &as_json, &err);
    struct past_run past;
    if (!folder || past_run_read(&past, folder, &err) != 0)
        return command_fail(STATUS_USAGE, &err);
    struct outcome_of_run outcome;
    int status;
    if (outcome_read(&outcome, folder, &past.plan, &past.experiments, &err) == 0) {
        outcome_judge(&outcome, folder, &past.plan);
        if (as_json)
            print_json(&outcome.verdict);
        else
            print_text(&outcome.verdict);
        const struct rules_verdict *v = &outcome.verdict;
        int broken = rules_count(v->rules, RULES, RULE_BROKEN) +
                     rules_count(v->files, FILE_CHECKS, RULE_BROKEN);
        status = broken ? STATUS_FAILED : STATUS_OK;
        outcome_release(&outcome);
    } else {
        status = command_fail(STATUS_USAGE, &err);
    }
    past_run_release(&past);
    return status;
}
