/* What the files of a run's folder say, read once for all rules (rules.h). */
#ifndef POOLMARK_REPORT_EVIDENCE_H
#define POOLMARK_REPORT_EVIDENCE_H

#include "report/rules.h"

/* A row of summary.csv beside what is computed from the samples again. */
struct evidence_row {
    struct point point;
    struct summary_row row;            /* as in the file, or computed where there is no file */
    const struct summary_point *again; /* NULL: no sample is of this point */
};

/* A figure, as plots/figures.csv lists them. */
struct evidence_figure {
    char name[128], axis[16];
    bool joined;
    uint64_t samples;
    bool is_whole; /* its SVG and PNG are there, and not older than summary.csv */
};

struct evidence {
    struct rules_evidence given;
    struct evidence_row *rows;
    size_t n_rows;
    bool has_summary;          /* summary.csv is there and can be read */
    char summary_problem[256]; /* why not, or a column that it lacks; "": all is well */
    struct evidence_figure *figures;
    size_t n_figures;
    char figures_problem[256];
    /* of samples.csv, one by one */
    size_t n_samples, n_ok, n_twins; /* twins: orders that come twice */
    size_t n_short;                  /* right answers that lack rows in workers.csv */
    char first_short[256];           /* one of them */
    size_t n_strangers;              /* rows of workers.csv that belong to no sample */
    char samples_problem[256], workers_problem[256];
    double shortest_ns; /* right answer; INFINITY without one */
    double clock_error; /* largest, relative to the time of its sample */
};

void evidence_read(struct evidence *e, const struct rules_evidence *given);

/* The same of figures alone. */
void evidence_read_figures(struct evidence *e, const struct rules_evidence *given);
void evidence_release(struct evidence *e);

/* A member of the manifest by its path, "machine.cpu"; NULL when it is absent or null. */
const json_t *evidence_member(const struct evidence *e, const char *path);

/* A file of the folder: whether it is there and not empty. */
bool evidence_has_file(const struct evidence *e, const char *name);

/* A point for people: "scaling, openmp, W=4". Returns name. */
char *evidence_name(const struct point *p, char *name, size_t size);

#endif
