/* The line of the twelve rules, and CSV files by the names of their columns. What each rule looks
 * at is tested on whole runs (tests/cli/rules.bats). */
#include "record/csv.h"
#include "report/rules.h"
#include "unit.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void break_rule(struct rules_verdict *v, int number, const char *why)
{
    v->rules[number - 1].state = RULE_BROKEN;
    snprintf(v->rules[number - 1].why, sizeof v->rules[number - 1].why, "%s", why);
}

static struct rules_verdict sound(void)
{
    struct rules_verdict v = {.rules = {{.state = RULE_BROKEN}}};
    for (int i = 0; i < RULES; i++)
        v.rules[i] = (struct rule_result){RULE_MET, "all is well"};
    return v;
}

START_TEST(tells_which_are_not_met)
{
    struct rules_verdict v = sound();
    char line[512], brief[64];
    ck_assert_str_eq(rules_line(&v, line, sizeof line), "rules: 12/12");
    ck_assert_str_eq(rules_brief(line, brief, sizeof brief), "rules: 12/12");
    break_rule(&v, 5, "2 of 4 points (first: a, W=2); too few");
    ck_assert_str_eq(rules_line(&v, line, sizeof line),
                     "rules: 11/12 (5: 2 of 4 points (first: a, W=2); too few)");
    ck_assert_str_eq(rules_brief(line, brief, sizeof brief), "rules: 11/12 (5)");
    break_rule(&v, 12, "there is no figure x; `plot` draws it");
    rules_line(&v, line, sizeof line);
    ck_assert_str_eq(rules_brief(line, brief, sizeof brief), "rules: 10/12 (5, 12)");
}
END_TEST

START_TEST(counts_what_has_nothing_to_check_neither_way)
{
    struct rules_verdict v = sound();
    char line[512], brief[64];
    v.rules[6].state = v.rules[10].state = RULE_IDLE;
    ck_assert_str_eq(rules_line(&v, line, sizeof line), "rules: 10/10, nothing to check for 7, 11");
    ck_assert_str_eq(rules_brief(line, brief, sizeof brief), line);
    break_rule(&v, 5, "too few");
    ck_assert_str_eq(rules_line(&v, line, sizeof line),
                     "rules: 9/10, nothing to check for 7, 11 (5: too few)");
    ck_assert_str_eq(rules_brief(line, brief, sizeof brief),
                     "rules: 9/10, nothing to check for 7, 11 (5)");
    ck_assert_int_eq(rules_count(v.rules, RULES, RULE_IDLE), 2);
}
END_TEST

START_TEST(keeps_numbers_where_reasons_do_not_fit)
{
    struct rules_verdict v = sound();
    char line[512], brief[64], why[RULE_BYTES];
    memset(why, 'x', sizeof why - 1);
    why[sizeof why - 1] = '\0';
    for (int i = 1; i <= RULES; i++)
        break_rule(&v, i, why);
    rules_line(&v, line, sizeof line);
    ck_assert_uint_lt(strlen(line), sizeof line);
    ck_assert(strncmp(line, "rules: 0/12 (1: xxx", 19) == 0);
    ck_assert(strstr(line, "; 2; 3; 4; 5; 6; 7; 8; 9; 10; 11; 12)"));
    ck_assert_str_eq(rules_brief(line, brief, sizeof brief),
                     "rules: 0/12 (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)");
}
END_TEST

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

START_TEST(reads_csv_by_names)
{
    struct csv csv;
    struct err err;
    char path[64];
    snprintf(path, sizeof path, "/tmp/test_rules.%d.csv", (int)getpid());
    write_file(path, "a,\"b \"\"c\"\"\",d\r\n1,\"x, \"\"y\"\"\",3\n4\n5,6,7,8\n9,cut");
    ck_assert_int_eq(csv_open(&csv, path, &err), 0);
    size_t b = csv_column(&csv, "b \"c\""), d = csv_column(&csv, "d");
    ck_assert_uint_eq(b, 1);
    ck_assert_uint_eq(d, 2);
    ck_assert_uint_eq(csv_column(&csv, "e"), SIZE_MAX);
    ck_assert(csv_next(&csv));
    ck_assert_str_eq(csv_cell(&csv, d), "3");
    ck_assert_str_eq(csv_cell(&csv, b), "x, \"y\"");
    ck_assert_str_eq(csv_cell(&csv, SIZE_MAX), "");
    ck_assert(csv_next(&csv));
    ck_assert_str_eq(csv_cell(&csv, 0), "4");
    ck_assert_str_eq(csv_cell(&csv, d), "");
    ck_assert(csv_next(&csv));
    ck_assert_str_eq(csv_cell(&csv, d), "7");
    ck_assert_uint_eq(csv.line, 4);
    ck_assert(!csv_next(&csv)); /* a last line that is cut off is none */
    csv_close(&csv);
    write_file(path, "");
    ck_assert_int_eq(csv_open(&csv, path, &err), -1);
    unlink(path);
    ck_assert_int_eq(csv_open(&csv, path, &err), -1);
    ck_assert(strstr(err.text, path));
}
END_TEST

UNIT_MAIN("rules", tells_which_are_not_met, counts_what_has_nothing_to_check_neither_way,
          keeps_numbers_where_reasons_do_not_fit, reads_csv_by_names)
