/* The verdict on a sample by what was read around it: a table of readings, most of them taken from
 * machines, and what each must and must not raise. Nothing here looks at a clock. */
#include "unit.h"

#include "base/text.h"
#include "cell/noise.h"
#include "cell/sampler.h"
#include "cell/worker.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MS(x) ((uint64_t)((x)*1e6))
#define US(x) ((uint64_t)((x)*1e3))

/* --- what a worker lost ----------------------------------------------------------------------- */

static const struct {
    const char *what;
    struct noise_worker worker;
    bool uses_cpu;
    uint64_t lost_ns, stolen_ns;
} workers[] = {
    {"undisturbed", {.late_ns = US(3), .off_ns = 1300, .is_watched = true}, true, 1300, 1300},
    {"another thread had the PU",
     {.off_ns = MS(2.5), .wait_ns = MS(2.6), .involuntary = 1, .is_watched = true},
     true,
     MS(2.5),
     0},
    {"the same, where the scheduler cannot be asked",
     {.off_ns = MS(2.5), .involuntary = 1},
     true,
     MS(2.5),
     0},
    {"the host had the PU", {.off_ns = US(150), .is_watched = true}, true, US(150), US(150)},
    {"the host, on another machine", {.off_ns = US(150)}, true, US(150), US(150)},
    {"stopped by a signal, which is a voluntary switch",
     {.off_ns = MS(1.2), .voluntary = 1, .is_watched = true},
     true,
     MS(1.2),
     0},
    {"asleep for want of a chunk",
     {.off_ns = MS(3), .rest_ns = MS(3.2), .voluntary = 4, .is_watched = true},
     true,
     0,
     0},
    {"spinning for want of a chunk, and preempted",
     {.off_ns = MS(1), .rest_ns = MS(3), .involuntary = 1, .wait_ns = MS(1), .is_watched = true},
     true,
     MS(1),
     0},
    {"woken late for its start",
     {.late_ns = MS(2), .off_ns = 1000, .wait_ns = MS(2), .is_watched = true},
     true,
     MS(2) - US(50) + 1000,
     0},
    {"late, but it had not been called before",
     {.late_ns = MS(2), .off_ns = 1000, .is_watched = true},
     true,
     1000,
     1000},
    {"waited before the sample alone",
     {.late_ns = US(4), .off_ns = 1000, .wait_ns = MS(5), .is_watched = true},
     true,
     1000,
     0},
    {"a sleeper, woken as on a quiet machine",
     {.off_ns = MS(10), .voluntary = 10, .wait_ns = US(120), .is_watched = true},
     false,
     0,
     0},
    {"a sleeper that was woken 2 ms late",
     {.off_ns = MS(10), .voluntary = 1, .wait_ns = MS(2), .is_watched = true},
     false,
     MS(2) - US(100),
     0},
    {"a sleeper of which nothing is known", {.off_ns = MS(10), .voluntary = 1}, false, 0, 0},
};

enum { N_WORKERS = sizeof workers / sizeof *workers };

START_TEST(a_worker_has_lost)
{
    const struct noise_worker *w = &workers[_i].worker;
    ck_assert_msg(noise_lost_ns(w, workers[_i].uses_cpu) == workers[_i].lost_ns, "%s: %lu",
                  workers[_i].what, (unsigned long)noise_lost_ns(w, workers[_i].uses_cpu));
    ck_assert_msg(noise_stolen_ns(w, workers[_i].uses_cpu) == workers[_i].stolen_ns, "%s: %lu",
                  workers[_i].what, (unsigned long)noise_stolen_ns(w, workers[_i].uses_cpu));
}
END_TEST

/* --- the verdict ------------------------------------------------------------------------------ */

/* What a row does not say is as on a quiet machine in a sample of 1 ms. */
static struct noise_facts complete(struct noise_facts f)
{
    f.wall_ns = f.wall_ns ? f.wall_ns : MS(1);
    f.lost_ns = f.lost_ns ? f.lost_ns : 1300;
    f.chain_ps = f.chain_ps ? f.chain_ps : 2566;
    f.chain_end_ps = f.chain_end_ps ? f.chain_end_ps : 2574;
    f.usual_ps = f.usual_ps ? f.usual_ps : 2562;
    return f;
}

struct verdict {
    const char *words;
    struct noise_facts facts;
};

/* What a system that tells next to nothing tells. */
static const struct verdict bare[] = {
    {"", {.wall_ns = MS(1)}},
    {"", {.wall_ns = 0}},
    {"", {.wall_ns = MS(1), .chain_ps = 9000, .chain_end_ps = 9000}}, /* nothing usual yet */
};

static const struct verdict verdicts[] = {
    {"", {.strayed = 0}},
    {"preempted", {.lost_ns = US(50)}}, /* 5 % */
    {"preempted", {.lost_ns = US(25)}}, /* the limit */
    {"", {.lost_ns = US(24.9)}},
    {"", {.lost_ns = MS(0.5), .is_crowded = true}},
    {"", {.wall_ns = US(100), .lost_ns = US(10)}}, /* too short to tell */
    {"preempted", {.wall_ns = US(100), .lost_ns = US(15)}},
    {"", {.wall_ns = MS(1000), .lost_ns = MS(24)}},
    {"preempted", {.wall_ns = MS(1000), .lost_ns = MS(25)}},
    {"stolen", {.stolen_ns = US(150)}},
    {"stolen", {.stolen_ns = US(150), .is_crowded = true}},
    {"", {.steal_ns = MS(10)}}, /* a tick alone may have been due for long */
    {"stolen", {.steal_ns = MS(10), .lost_ns = US(200)}},
    {"stolen", {.wall_ns = MS(200), .steal_ns = MS(20)}},
    {"", {.wall_ns = MS(2000), .steal_ns = MS(20)}}, /* 1 % */
    {"preempted stolen", {.wall_ns = MS(200), .lost_ns = MS(90), .steal_ns = MS(20)}},
    {"throttled", {.wall_ns = MS(20), .lost_ns = MS(8), .throttled_ns = MS(8.1)}},
    {"throttled", {.wall_ns = MS(20), .throttled_ns = MS(8), .is_crowded = true}},
    {"preempted throttled", {.wall_ns = MS(20), .lost_ns = MS(12), .throttled_ns = MS(4)}},
    {"", {.wall_ns = MS(20), .throttled_ns = US(400)}},
    {"slow-clock", {.chain_ps = 2690, .chain_end_ps = 2690}}, /* 5 % */
    {"", {.chain_ps = 2640, .chain_end_ps = 2650}},
    {"slow-clock", {.chain_ps = 2566, .chain_end_ps = 2900}}, /* in its second half */
    {"", {.chain_ps = 2566, .chain_end_ps = 2740}},
    {"migrated", {.strayed = 1}},
    {"cold", {.fault_ns = US(35)}},
    {"", {.fault_ns = US(20)}},
    {"preempted throttled stolen slow-clock migrated cold",
     {.wall_ns = MS(10),
      .lost_ns = MS(9),
      .stolen_ns = MS(1),
      .throttled_ns = MS(1),
      .chain_ps = 3000,
      .chain_end_ps = 3000,
      .usual_ps = 2000,
      .strayed = 2,
      .fault_ns = MS(1)}},
};

enum { N_VERDICTS = sizeof verdicts / sizeof *verdicts, N_BARE = sizeof bare / sizeof *bare };

static void check_verdict(const struct noise_facts *facts, const char *expected)
{
    char words[128];
    noise_words(noise_judge(facts, &noise_limits), words, sizeof words);
    ck_assert_str_eq(words, expected);
}

START_TEST(a_sample_is_flagged)
{
    struct noise_facts facts = complete(verdicts[_i].facts);
    check_verdict(&facts, verdicts[_i].words);
}
END_TEST

START_TEST(nothing_follows_from_nothing)
{
    check_verdict(&bare[_i].facts, bare[_i].words);
}
END_TEST

/* --- workers that share a PU ------------------------------------------------------------------ */

/* Of a sample of 5 ms on PUs 0 and 1: what each worker lost to others, and on how many PUs they
 * were. */
static const struct {
    const char *what;
    struct noise_worker workers[3];
    uint32_t n, n_workers;
    uint64_t taken_ns[3], pus;
} teams[] = {
    {"each has its own PU, and another process has half of one",
     {{.off_ns = MS(2.5), .ran_ns = MS(2.5), .involuntary = 1, .first_pu = 0, .pu = 0},
      {.off_ns = 1000, .ran_ns = MS(5), .involuntary = 1, .first_pu = 1, .pu = 1}},
     2,
     2,
     {MS(2.5), 1000},
     2},
    {"both on one PU, which they have whole",
     {{.off_ns = MS(2.5), .ran_ns = MS(2.5), .involuntary = 1, .first_pu = 1, .pu = 1},
      {.off_ns = MS(2.5), .ran_ns = MS(2.5), .involuntary = 1, .first_pu = 1, .pu = 1}},
     2,
     2,
     {0, 0},
     1},
    {"both on one PU, of which a third process has a third",
     {{.off_ns = MS(3.3), .ran_ns = MS(1.7), .involuntary = 1, .first_pu = 1, .pu = 1},
      {.off_ns = MS(3.3), .ran_ns = MS(1.7), .involuntary = 1, .first_pu = 1, .pu = 1}},
     2,
     2,
     {MS(1.6), MS(1.6)},
     1},
    {"one that left the PU of the other",
     {{.off_ns = MS(1), .ran_ns = MS(4), .involuntary = 1, .first_pu = 1, .pu = 1},
      {.off_ns = MS(1), .ran_ns = MS(4), .involuntary = 1, .first_pu = 1, .pu = 0}},
     2,
     2,
     {MS(1), 0}, /* where the second ran is not known */
     2},
    {"one number of a PU, but on two machines",
     {{.off_ns = MS(1), .ran_ns = MS(4), .involuntary = 1, .machine = 0},
      {.off_ns = MS(1), .ran_ns = MS(4), .involuntary = 1, .machine = 1}},
     2,
     2,
     {MS(1), MS(1)},
     2},
    {"a root that spins beside a worker, on a PU where nobody works",
     {{.off_ns = US(20), .ran_ns = MS(5), .involuntary = 1, .first_pu = 0, .pu = 0},
      {.off_ns = 1000, .ran_ns = MS(5), .involuntary = 1, .first_pu = 0, .pu = 0},
      {.ran_ns = US(30), .first_pu = 1, .pu = 1}},
     3,
     2,
     {0, 0, 0},
     1},
    {"PUs are not known",
     {{.off_ns = MS(1), .ran_ns = MS(4), .involuntary = 1, .first_pu = -1, .pu = -1},
      {.off_ns = MS(1), .ran_ns = MS(4), .involuntary = 1, .first_pu = -1, .pu = -1}},
     2,
     2,
     {MS(1), MS(1)},
     0},
};

enum { N_TEAMS = sizeof teams / sizeof *teams };

START_TEST(peers_explain_a_loss)
{
    struct noise_worker team[3];
    memcpy(team, teams[_i].workers, sizeof team);
    uint64_t pus = noise_share(team, teams[_i].n, teams[_i].n_workers);
    ck_assert_msg(pus == teams[_i].pus, "%s: %d PUs", teams[_i].what, (int)pus);
    for (uint32_t w = 0; w < teams[_i].n; w++)
        ck_assert_msg(noise_taken_ns(&team[w], true) == teams[_i].taken_ns[w],
                      "%s: worker %d lost %d ns", teams[_i].what, (int)w,
                      (int)noise_taken_ns(&team[w], true));
}
END_TEST

/* --- what is usual ---------------------------------------------------------------------------- */

START_TEST(faults_that_come_each_time_are_no_noise)
{
    struct placement place = {.host = "none"};
    struct noise *noise = noise_new(&place, 1, NULL);
    ck_assert_uint_eq(noise_usual_faults(noise, 7, 900), 0);
    ck_assert_uint_eq(noise_usual_faults(noise, 7, 950), 900);
    ck_assert_uint_eq(noise_usual_faults(noise, 7, 100), 100);
    ck_assert_uint_eq(noise_usual_faults(noise, 7, 900), 100);
    ck_assert_uint_eq(noise_usual_faults(noise, 8, 0), 0);
    for (uint64_t list = 100; list < 200; list++) /* the oldest are forgotten */
        ck_assert_uint_eq(noise_usual_faults(noise, list, 5), 0);
    ck_assert_uint_eq(noise_usual_faults(noise, 7, 900), 0);
    noise_free(noise);
}
END_TEST

START_TEST(who_shares_a_place_is_crowded)
{
    struct err err;
    struct topo *topo = topo_new(&err);
    struct topo_counts counts;
    ck_assert_msg(topo != NULL, "%s", err.text);
    topo_count(topo, &counts);
    uint32_t n = (uint32_t)counts.usable + 1;
    struct placement *places = calloc(n, sizeof *places);
    for (uint32_t w = 0; w < n; w++)
        places[w] = (struct placement){.worker = w, .requested_pu = -1, .host = "here"};
    struct noise *noise = noise_new(places, n - 1, topo);
    ck_assert(!noise_is_crowded(noise));
    noise_free(noise);
    noise = noise_new(places, n, topo);
    ck_assert(noise_is_crowded(noise));
    noise_free(noise);
    text_copy(places[0].host, sizeof places[0].host, "elsewhere");
    noise = noise_new(places, n, topo);
    ck_assert(!noise_is_crowded(noise));
    noise_free(noise);
    if (n > 2) {
        places[0].requested_pu = places[1].requested_pu = 0;
        noise = noise_new(places, 2, topo);
        ck_assert(!noise_is_crowded(noise)); /* one number on two machines */
        noise_free(noise);
        places[2].requested_pu = 0;
        noise = noise_new(places + 1, 2, topo);
        ck_assert(noise_is_crowded(noise));
        noise_free(noise);
    }
    free(places);
    topo_free(topo);
}
END_TEST

/* The clock of the thread is no part of a short sample: who was never switched out had the CPU. */
START_TEST(a_short_sample_reads_no_clock_of_the_thread)
{
    struct worker_report r;
    int seen = 0;
    for (int i = 0; i < 1000; i++) {
        worker_ready();
        worker_begin(&r);
        worker_end(&r);
        uint64_t ns = r.end_ns - r.start_ns;
        if (r.voluntary + r.involuntary > 0 || ns >= US(100))
            continue;
        seen++;
        ck_assert_uint_eq(r.cpu_ns, ns);
        ck_assert_uint_eq(r.off_ns, 0);
    }
    ck_assert_int_gt(seen, 0);
}
END_TEST

/* What a worker sleeps after it was ready, or within its sample, is no time with a CPU. */
START_TEST(sleep_is_no_cpu_time)
{
    struct worker_report r;
    for (int within = 0; within < 2; within++) {
        worker_ready();
        if (!within)
            clock_sleep_ns(MS(5));
        worker_begin(&r);
        if (within)
            clock_sleep_ns(MS(5));
        for (uint64_t end = clock_read_ns(CLOCK_THREAD_CPUTIME_ID) + US(300);
             clock_read_ns(CLOCK_THREAD_CPUTIME_ID) < end;)
            ;
        worker_end(&r);
        ck_assert_uint_ge(r.cpu_ns, US(300));
        ck_assert_uint_lt(r.cpu_ns, MS(3)); /* of its own clock, which no other thread moves */
        ck_assert(!within || r.off_ns >= MS(5));
    }
}
END_TEST

/* Watching many workers leaves descriptors to those who need some. */
START_TEST(descriptors_are_left)
{
    enum { WORKERS = 1000, LIMIT = 128 };
    struct placement *places = calloc(WORKERS, sizeof *places);
    struct rlimit limit, lower;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    lower = (struct rlimit){.rlim_cur = LIMIT, .rlim_max = limit.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &lower), 0);
    for (uint32_t w = 0; w < WORKERS; w++) {
        places[w] =
            (struct placement){.worker = w, .requested_pu = -1, .tid = (pid_t)syscall(SYS_gettid)};
        gethostname(places[w].host, sizeof places[w].host - 1);
    }
    struct noise *noise = noise_new(places, WORKERS, NULL);
    int fd = open("/dev/null", O_RDONLY);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_lt(fd, LIMIT / 2);
    close(fd);
    noise_free(noise);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    free(places);
}
END_TEST

START_TEST(a_quota_has_a_group)
{
    struct err err;
    struct topo *topo = topo_new(&err);
    struct topo_counts counts;
    size_t n;
    ck_assert_msg(topo != NULL, "%s", err.text);
    topo_count(topo, &counts);
    char **groups = topo_quota_groups(&n);
    ck_assert_int_eq(n > 0, counts.quota_cpus > 0);
    for (size_t i = 0; i < n; i++)
        ck_assert_int_eq(groups[i][0], '/');
    text_words_free(groups);
    topo_free(topo);
}
END_TEST

/* Runs for 5 ms by its own clock, and tells how long it has run in all. */
static void *help(void *ran_ns)
{
    while (clock_read_ns(CLOCK_THREAD_CPUTIME_ID) < 5000000)
        ;
    *(uint64_t *)ran_ns = clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
    return NULL;
}

START_TEST(what_helpers_of_the_root_run_is_told)
{
    pid_t own = getpid();
    struct placement places[] = {
        {.pid = own, .tid = own, .requested_pu = -1, .observed_pu = -1},
        {.worker = 1, .pid = own, .tid = own + 1, .requested_pu = -1, .observed_pu = -1},
    };
    for (int w = 0; w < 2; w++)
        gethostname(places[w].host, sizeof places[w].host - 1);
    for (uint32_t n = 1; n <= 2; n++) {
        struct noise *noise = noise_new(places, n, NULL);
        uint64_t ran_ns = 0;
        pthread_t helper;
        noise_before(noise, UINT64_MAX);
        ck_assert_int_eq(pthread_create(&helper, NULL, help, &ran_ns), 0);
        pthread_join(helper, NULL);
        noise_after(noise);
        uint64_t told_ns = noise_around(noise)->helpers_ns;
        if (n == 1)
            ck_assert_msg(told_ns >= 5000000 && told_ns < ran_ns + 5000000, "%" PRIu64, told_ns);
        else
            ck_assert_uint_eq(told_ns, 0); /* one of its threads is a worker */
        noise_free(noise);
    }
}
END_TEST

UNIT_MAIN("noise", a_short_sample_reads_no_clock_of_the_thread, sleep_is_no_cpu_time,
          UNIT_LOOP(a_worker_has_lost, 0, N_WORKERS), UNIT_LOOP(a_sample_is_flagged, 0, N_VERDICTS),
          UNIT_LOOP(nothing_follows_from_nothing, 0, N_BARE),
          UNIT_LOOP(peers_explain_a_loss, 0, N_TEAMS), faults_that_come_each_time_are_no_noise,
          who_shares_a_place_is_crowded, what_helpers_of_the_root_run_is_told, descriptors_are_left,
          a_quota_has_a_group)
