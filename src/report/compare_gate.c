/* Whether B passes, for scripts that guard against regressions: see compare.h. What cannot be
 * judged does not pass: a program that dies is no faster one. */
#include "report/compare.h"

#include <math.h>

enum { MOST_NAMED = 5 };

static bool has_failed(const struct compared *item)
{
    return item->match.b->n_failed > item->match.b->n_retaken;
}

static bool lacks_b(const struct compared *item)
{
    return item->row.n_b == 0 && !has_failed(item);
}

static bool lacks_a(const struct compared *item)
{
    return item->row.n_a == 0 && item->row.n_b > 0 && !has_failed(item);
}

static bool lacks_ratio(const struct compared *item)
{
    return item->verdict == VERDICT_NO_RATIO && !has_failed(item);
}

/* Each point is told of once. */
static const struct {
    const char *what;
    bool (*is)(const struct compared *item);
} reasons[] = {
    {"failed in B", has_failed},
    {"not measured in B", lacks_b},
    {"not measured in A", lacks_a},
    {"a time is 0, so there is no ratio", lacks_ratio},
};

static void add_point(const struct comparison *c, struct text *names, size_t n,
                      const struct point *point)
{
    char name[FIELD_TEXT_BYTES];
    if (n <= MOST_NAMED)
        text_addf(names, "%s%s", n > 1 ? "; " : "", comparison_name(c, point, name));
}

/* Tells of n points, if there are; whether there are none. */
static bool print_points(FILE *to, const char *what, size_t n, struct text *names)
{
    if (n)
        fprintf(to, "poolmark: %s: %zu point%s: %s%s\n", what, n, n == 1 ? "" : "s", names->text,
                n > MOST_NAMED ? "; ..." : "");
    text_release(names);
    return n == 0;
}

/* Whether all points of A could be judged. */
static bool print_unjudged(const struct comparison *c, FILE *to)
{
    bool is_whole = true;
    for (size_t r = 0; r < sizeof reasons / sizeof *reasons; r++) {
        struct text names = TEXT_INIT;
        size_t n = 0;
        for (size_t i = 0; i < c->matching.n; i++)
            if (reasons[r].is(&c->items[i]))
                add_point(c, &names, ++n, &c->items[i].match.a->point);
        is_whole = print_points(to, reasons[r].what, n, &names) && is_whole;
    }
    struct text names = TEXT_INIT;
    for (size_t i = 0; i < c->matching.n_only_a; i++)
        add_point(c, &names, i + 1, &c->matching.only_a[i]->point);
    return print_points(to, "missing in B", c->matching.n_only_a, &names) && is_whole;
}

/* What passes since nothing can be told of it. */
static void print_open(const struct comparison *c, FILE *to)
{
    size_t few = c->n_verdicts[VERDICT_FEW];
    if (few)
        fprintf(to, "poolmark: of %zu point%s nothing can be told: too few samples\n", few,
                few == 1 ? "" : "s");
    if (c->n_alone)
        fprintf(to,
                "poolmark: of %zu point%s nothing can be told beyond one launch, which never "
                "fails: measure with --launches 2 or more\n",
                c->n_alone, c->n_alone == 1 ? "" : "s");
}

bool comparison_passes(const struct comparison *c, double percent, FILE *to)
{
    const struct compared *worst;
    char name[FIELD_TEXT_BYTES];
    bool is_whole = print_unjudged(c, to);
    size_t n = comparison_exceeding(c, percent, &worst);
    print_open(c, to);
    if (n)
        fprintf(to,
                "poolmark: B is slower by more than %g %% at %zu of %zu points, the whole interval "
                "of the ratio being above %g; most at %s: %.3f [%.3f, %.3f]\n",
                percent, n, c->matching.n, 1 + percent / 100,
                comparison_name(c, &worst->match.a->point, name), worst->row.ratio,
                worst->row.ratio_low, worst->row.ratio_high);
    double a = part_disturbed(&c->total_a), b = part_disturbed(&c->total_b);
    if (n && !c->is_one_run && fmax(a, b) >= COMPARE_MUCH_DISTURBED)
        fprintf(to,
                "poolmark: that may be the machine: of the samples that count %.0f %% in A and "
                "%.0f %% in B were disturbed\n",
                100 * a, 100 * b);
    return is_whole && n == 0;
}
