/* The condition of a machine for measuring: one table of checks, each with a verdict, a sentence
 * that tells the value, and one remedy.
 *
 *   1. condition_observe()   takes what no file says: the load of a moment, the timer's cost,
 * limits
 *   2. facts.parts           is for the caller to fill in, who knows the program's own parts
 *   3. condition_check(i)    for each of the condition_n checks
 *
 * A check is a pure function of the facts and of the files below facts->root, so that machines that
 * we lack can be written down as trees of files.
 */
#ifndef POOLMARK_TOPO_CONDITION_H
#define POOLMARK_TOPO_CONDITION_H

#include "topo/topo.h"

enum condition_verdict {
    CONDITION_GOOD,
    CONDITION_NOTE,    /* to be known; what is measured stays right */
    CONDITION_BAD,     /* measurements suffer: the machine is not fit until this is mended */
    CONDITION_UNKNOWN, /* the machine does not say */
};

const char *condition_verdict_name(enum condition_verdict verdict); /* "good", "note", ... */

enum condition_kind {
    CONDITION_MACHINE, /* stays until somebody changes it: belongs into the record of a run */
    CONDITION_MOMENT,  /* of the moment in which it was observed */
    CONDITION_PARTS,   /* of the program's own parts, from facts.parts */
};

/* What the caller tells; `told` false: the checks of CONDITION_PARTS are unknown. */
struct condition_parts {
    bool told;
    bool optimised;    /* the build */
    char missing[512]; /* backends that are not there, with reasons; "": none */
    char missing_remedy[256];
    bool has_gnuplot;
    char mpirun[128];  /* its first line about its version; "": not there */
    double resolve_ms; /* looking up the name of this host took so long; NAN: not tried */
    bool resolves;     /* and there was an answer */
};

struct condition_facts {
    const char *root; /* "" for the real files */
    struct topo_counts machine;
    bool can_bind;         /* hwloc can bind threads here */
    char quota_group[256]; /* directory of the innermost cgroup with a quota; "": unknown */
    int uid;
    int nice;                         /* of this process */
    int slots;                        /* ranks that mpirun starts without being asked for more */
    double timer_cost_ns;             /* of one reading */
    double timer_resolution_ns;       /* smallest step that was seen */
    double slack_ns;                  /* a sleeper may be woken so much later; NAN unknown */
    double shm_bytes, shm_free_bytes; /* of /dev/shm; NAN: there is none */
    double most_processes;            /* limit of this user's; INFINITY: none */
    double window_s;                  /* the load was watched for so long; 0: not at all */
    double others_cpus, stolen_cpus;  /* in it, in CPUs, on those that may be used; NAN unknown */
    char busiest[64];                 /* who used most of that: "cc1 (pid 123)", or "" */
    struct condition_parts parts;
};

/* Fills the facts of this machine, without the parts. Watches the load for `window_ms` (0: does not
 * look), in which this process sleeps. */
void condition_observe(struct condition_facts *facts, const struct topo *topo, int window_ms);

/* What one check found. */
struct condition {
    const char *name;     /* "governor": a word, as in a manifest */
    const char *question; /* what is asked, in a few words */
    enum condition_kind kind;
    enum condition_verdict verdict;
    char value[96];     /* short, for records: "performance"; "" when unknown */
    char sentence[320]; /* with the value, for people; without a full stop */
    char remedy[320];   /* a command to paste, or what can be done or is meant; "" when good */
    bool is_command;    /* the remedy can be pasted into a shell */
};

extern const size_t condition_n;

/* Carries out the check with the number i, 0 ≤ i < condition_n. */
void condition_check(size_t i, const struct condition_facts *facts, struct condition *condition);

#endif
