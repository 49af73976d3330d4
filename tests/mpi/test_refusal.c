/* ranks: 1 2 3 */
/* What cannot be carried out is a sentence, and the team goes on. The last has a transport without
 * windows, neither over it nor within a node.
 *
 * ranks 2 with POOLMARK_RANKS_PER_NODE=1 --mca osc pt2pt,sm --mca pml ob1 --mca btl tcp,self:
 * ranks 3 with --mca osc rdma --mca pml ob1 --mca btl tcp,self: */
#include "cell/ranks.h"
#include "conformance.h"

static void still_sound(void)
{
    check_list("master", sched_rule_of(SCHED_DYNAMIC), "square results=yes", 97, 1, true);
}

/* The root has set the workload up; the others cannot. */
static void setup_fails_elsewhere(void)
{
    struct err err = {""};
    struct job job = job_of("null", SCHED_DYNAMIC, 10, 1);
    job.work = work_shelf_get(&works, &job, &err);
    text_copy(job.spec, sizeof job.spec, "nonsense");
    check(backend->prepare(team, &job, &err) != 0 && strncmp(err.text, "rank 1: ", 8) == 0 &&
              strstr(err.text, "nonsense"),
          "the sentence is '%s'", err.text);
    still_sound();
}

/* The sentence is that of the root when the root fails too, without a rank. */
static void setup_fails_everywhere(void)
{
    struct err err = {""};
    struct job job = job_of("square results=yes", SCHED_DYNAMIC, UINT64_C(1) << 52, 1);
    job.work = work_shelf_get(&works, &job, &err);
    check(backend->prepare(team, &job, &err) != 0 && strncmp(err.text, "rank", 4) != 0,
          "the sentence is '%s'", err.text);
    still_sound();
}

static void dispatch_unknown(void)
{
    struct err err = {""};
    struct outcome outcome;
    struct job job = job_by("nonsense", "null", SCHED_DYNAMIC, 10, 1);
    check(ask(&job, &outcome, &err) == 0 && strstr(err.text, "nonsense"), "the sentence is '%s'",
          err.text);
    still_sound();
}

/* Prepared twice, and never run: the ranks take orders in any order. */
static void prepared_in_vain(void)
{
    struct err err = {""};
    struct job job = job_of("null", SCHED_DYNAMIC, 10, 1);
    job.work = work_shelf_get(&works, &job, &err);
    for (int i = 0; i < 3; i++)
        check(backend->prepare(team, &job, &err) == 0, "%s", err.text);
    still_sound();
    check(backend->prepare(team, &job, &err) == 0, "%s", err.text); /* and then closed */
}

/* Prepares a list of null tasks; whether it is refused with all the words. */
static void refused(const char *dispatch, enum sched_class class, const char *word,
                    const char *remedy)
{
    struct err err = {""};
    struct job job = job_by(dispatch, "null", SCHED_DYNAMIC, 10, 1);
    job.work = work_shelf_get(&works, &job, &err);
    job.sched.class = class;
    for (int i = 0; i < 2; i++) { /* the second time from memory */
        err.text[0] = '\0';
        check(backend->prepare(team, &job, &err) != 0 && strstr(err.text, word) &&
                  strstr(err.text, remedy),
              "%s: the sentence is '%s'", dispatch, err.text);
        still_sound();
    }
}

static void dispatch_does_not_fit(void)
{
    const char *osc = getenv("OMPI_MCA_osc");
    if (launch.ranks == 1)
        refused("master-only", SCHED_CONSTANT, "at least 2 ranks", "'master'");
    if (has_nodes()) {
        refused("twolevel", SCHED_ADAPTIVE, "here are 2", "'master'");
        refused("twolevel", SCHED_RANGES, "here are 2", "one node");
    }
    if (osc && strcmp(osc, "rdma") == 0) {
        refused("rma", SCHED_CONSTANT, "no one-sided operations", "--mca osc ^ucx");
        refused("twolevel", SCHED_CONSTANT, "no shared memory", "'sm'");
    }
}

static void judge(void)
{
    dispatch_does_not_fit();
    if (launch.ranks > 1)
        setup_fails_elsewhere();
    setup_fails_everywhere();
    dispatch_unknown();
    prepared_in_vain();
}

int main(void)
{
    return team_main(&backend_hybrid, 2, judge);
}
