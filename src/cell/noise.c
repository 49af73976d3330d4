/* What disturbed a sample: see noise.h. */
#include "cell/noise.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/text.h"
#include "cell/worker.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* --- what they mean --------------------------------------------------------------------------- */

enum {
    WAKE_NS =
        50000, /* from the moment a sleeper is woken to its running again, on a quiet machine */
    MINOR_NS = 700,    /* a page fault that needs no disk, */
    MAJOR_NS = 100000, /* and one that does */
};

const struct noise_limits noise_limits = {
    .share = 0.025, .least_ns = 15000, .slower = 1.04, .tick_ns = 10000000};

static uint64_t above(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Each of the scheduler's readings is bounded by what can have been part of the sample, since it
 * begins before the workers were prepared. */
uint64_t noise_lost_ns(const struct noise_worker *w, bool uses_cpu)
{
    uint64_t wait = w->is_watched ? w->wait_ns : 0, late = least(w->late_ns, wait);
    if (!uses_cpu)
        return above(least(w->late_ns + w->off_ns, wait), (w->voluntary + 1) * WAKE_NS);
    /* Who has not gone to sleep did not mean to. */
    return above(late, WAKE_NS) + above(w->off_ns, w->voluntary ? w->rest_ns : 0);
}

/* A thread that is neither running by its own clock, nor waiting by the scheduler's, nor asleep or
 * stopped, which are voluntary switches, is on a PU that stands still. Where the scheduler is not
 * asked, one that was never switched out is. */
uint64_t noise_stolen_ns(const struct noise_worker *w, bool uses_cpu)
{
    if (!uses_cpu || w->voluntary > 0)
        return 0;
    if (w->is_watched)
        return above(w->off_ns, w->wait_ns);
    return w->involuntary == 0 ? w->off_ns : 0;
}

uint64_t noise_taken_ns(const struct noise_worker *w, bool uses_cpu)
{
    return above(noise_lost_ns(w, uses_cpu), noise_stolen_ns(w, uses_cpu) + w->peers_ns);
}

/* A worker on a PU: where it began, or where it ended. */
struct stand {
    uint32_t machine, worker;
    int32_t pu;
    uint64_t ran_ns; /* when it stayed there; counted once */
    bool works;
};

static int compare_stands(const void *a, const void *b)
{
    const struct stand *x = a, *y = b;
    int order = (x->machine > y->machine) - (x->machine < y->machine);
    return order != 0 ? order : (x->pu > y->pu) - (x->pu < y->pu);
}

uint64_t noise_share(struct noise_worker *workers, uint32_t n, uint32_t n_workers)
{
    struct stand *stands = alloc_zeroed(2 * (size_t)n, sizeof *stands);
    size_t n_stands = 0;
    uint64_t pus = 0;
    for (uint32_t w = 0; w < n; w++) {
        const int32_t places[] = {workers[w].first_pu, workers[w].pu};
        bool stays = places[0] == places[1];
        workers[w].peers_ns = 0;
        for (int i = 0; i < (stays ? 1 : 2); i++)
            if (places[i] >= 0)
                stands[n_stands++] = (struct stand){.machine = workers[w].machine,
                                                    .worker = w,
                                                    .pu = places[i],
                                                    .ran_ns = stays ? workers[w].ran_ns : 0,
                                                    .works = w < n_workers};
    }
    qsort(stands, n_stands, sizeof *stands, compare_stands);
    for (size_t first = 0, end; first < n_stands; first = end) {
        uint64_t ran_ns = 0;
        bool is_used = false;
        for (end = first; end < n_stands && compare_stands(&stands[first], &stands[end]) == 0;
             end++) {
            ran_ns += stands[end].ran_ns;
            is_used = is_used || stands[end].works;
        }
        for (size_t i = first; i < end; i++)
            workers[stands[i].worker].peers_ns += ran_ns - stands[i].ran_ns;
        pus += is_used;
    }
    free(stands);
    return pus;
}

uint64_t noise_fault_ns(uint64_t minor, uint64_t major)
{
    return minor * MINOR_NS + major * MAJOR_NS;
}

static bool is_much(uint64_t ns, const struct noise_facts *f, const struct noise_limits *l)
{
    return ns >= l->least_ns && (double)ns >= l->share * (double)f->wall_ns;
}

unsigned noise_judge(const struct noise_facts *f, const struct noise_limits *l)
{
    unsigned flags = 0;
    bool has_lost = !f->is_crowded && is_much(f->lost_ns, f, l);
    double chain_ps = 0.5 * (double)(f->chain_ps + f->chain_end_ps);
    if (is_much(f->throttled_ns, f, l))
        flags |= SAMPLE_THROTTLED;
    /* The system counts stolen time in steps, of which the first may have been due long before:
     * alone it says nothing, beside a loss it does. */
    if (is_much(f->stolen_ns, f, l) ||
        (is_much(f->steal_ns, f, l) && (f->steal_ns >= 2 * l->tick_ns || has_lost)))
        flags |= SAMPLE_STOLEN;
    if (has_lost && f->throttled_ns + f->steal_ns < f->lost_ns)
        flags |= SAMPLE_PREEMPTED;
    if (f->usual_ps > 0 && chain_ps >= l->slower * (double)f->usual_ps)
        flags |= SAMPLE_SLOW_CLOCK;
    if (f->strayed > 0)
        flags |= SAMPLE_MIGRATED;
    if (is_much(f->fault_ns, f, l))
        flags |= SAMPLE_COLD;
    return flags;
}

#define FLAG_WORD(name, word, meaning) word,

char *noise_words(unsigned flags, char *buffer, size_t size)
{
    static const char *const words[] = {SAMPLE_FLAGS(FLAG_WORD)};
    struct text t = TEXT_INIT;
    text_add(&t, "", 0);
    for (int i = 0; i < SAMPLE_N_FLAGS; i++)
        if (flags & 1u << i)
            text_addf(&t, "%s%s", t.length ? " " : "", words[i]);
    text_copy(buffer, size, t.text);
    text_release(&t);
    return buffer;
}

/* --- sources ---------------------------------------------------------------------------------- */

enum {
    CHAIN_ITERATIONS = 600, /* 2 µs: in four parts, of which a timer tick hits one */
    CHAIN_PARTS = 4,
    CHAINS = 64,       /* of the last so many the usual one is taken, */
    CHAINS_ENOUGH = 8, /* once there are so many */
    LISTS = 16,
    BUDGET_NS = 10000, /* a hundredth of a sample of 1 ms */
    SHARE = 100,       /* or this part of a longer one */
    MOST_WAITS = 256,  /* threads that are watched, */
    WAITS_SHARE = 4,   /* and at most this part of the descriptors that there may be */
    FORGET = 64,       /* what is not read loses this part of its cost each time */
};

/* The one that is worth most first. Throttling is always read: where there is no quota it costs
 * nothing. */
enum source { THROTTLING, WAITS, PRESSURE, N_SOURCES };

/* What the scheduler tells of a thread. */
struct ran {
    uint64_t ran_ns, waited_ns;
};

struct noise {
    uint32_t workers;
    bool is_crowded;

    /* Descriptors, -1 where there is none. */
    int *waits;         /* [workers]: of its thread */
    uint32_t *machines; /* [workers] */
    uint32_t root;      /* the worker that it is */
    bool has_helpers;   /* all threads of its process but its own are no workers */
    int root_waits, pressure, stat;
    int *throttling; /* [n_groups] */
    size_t n_groups;

    uint64_t cost_ns[N_SOURCES], chain_cost_ns; /* of reading it once, as it was lately */
    uint64_t seen_ns[N_SOURCES];                /* the least around this sample */
    bool is_read[N_SOURCES];                    /* around this sample */
    uint64_t stat_cost_ns, stat_at_ns, stat_ns;

    struct noise_around around;
    struct ran *ran; /* [workers]: before; after it, the difference */
    struct ran root_ran;
    uint64_t pressed, throttled, helped;
    uint64_t chains[CHAINS], n_chains;
    struct {
        uint64_t list, fault_ns;
    } lists[LISTS];
    size_t n_lists;
};

/* The text of a small file from its beginning; false when it cannot be read. */
static bool read_text(int fd, char *text, size_t size)
{
    ssize_t n = fd < 0 ? -1 : pread(fd, text, size - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    return n > 0;
}

/* The number after a word in a text; 0 when it is not there. */
static uint64_t number_after(const char *text, const char *word)
{
    const char *at = strstr(text, word);
    return at ? strtoull(at + strlen(word), NULL, 10) : 0;
}

/* "RAN WAITED TIMES", in ns. Adds it, times `sign`. */
static void add_ran(int fd, uint64_t sign, struct ran *ran)
{
    char text[128], *end;
    if (!read_text(fd, text, sizeof text))
        return;
    ran->ran_ns += sign * strtoull(text, &end, 10);
    ran->waited_ns += sign * strtoull(end, NULL, 10);
}

/* "some avg10=… avg60=… avg300=… total=MICROSECONDS". */
static uint64_t read_pressure(const struct noise *noise)
{
    char text[256];
    return read_text(noise->pressure, text, sizeof text) ? number_after(text, "total=") * 1000 : 0;
}

/* throttled_time in ns under version 1, throttled_usec under version 2. */
static uint64_t read_throttled(const struct noise *noise)
{
    uint64_t sum = 0;
    char text[1024];
    for (size_t i = 0; i < noise->n_groups; i++)
        if (read_text(noise->throttling[i], text, sizeof text))
            sum += number_after(text, "throttled_time ") +
                   1000 * number_after(text, "throttled_usec ");
    return sum;
}

/* The first line: "cpu USER NICE SYSTEM IDLE IOWAIT IRQ SOFTIRQ STEAL …", in ticks of all PUs. */
static bool read_stolen(const struct noise *noise, uint64_t *ns)
{
    char text[256], *at = text;
    uint64_t ticks = 0;
    if (!read_text(noise->stat, text, sizeof text))
        return false;
    at += strcspn(at, " ");
    for (int i = 0; i < 8; i++)
        ticks = strtoull(at, &at, 10);
    *ns = ticks * (uint64_t)(1000000000 / sysconf(_SC_CLK_TCK));
    return true;
}

/* --- made and ended --------------------------------------------------------------------------- */

static int open_to_read(const char *path)
{
    return open(path, O_RDONLY | O_CLOEXEC);
}

/* Only where that thread is one of this program: a number alone may mean another on a machine of
 * the same name. */
static int open_waits(pid_t tid)
{
    char path[64], own[256], its[256];
    snprintf(path, sizeof path, "/proc/%d/exe", (int)tid);
    ssize_t n = readlink("/proc/self/exe", own, sizeof own);
    if (tid <= 0 || n <= 0 || readlink(path, its, sizeof its) != n ||
        memcmp(own, its, (size_t)n) != 0)
        return -1;
    snprintf(path, sizeof path, "/proc/%d/schedstat", (int)tid);
    return open_to_read(path);
}

static void open_groups(struct noise *noise)
{
    size_t n;
    char **groups = topo_quota_groups(&n);
    noise->throttling = alloc_zeroed(n + 1, sizeof *noise->throttling);
    for (size_t i = 0; i < n; i++) {
        struct text path = TEXT_INIT;
        text_addf(&path, "%s/cpu.stat", groups[i]);
        noise->throttling[i] = open_to_read(path.text);
        text_release(&path);
    }
    noise->n_groups = n;
    text_words_free(groups);
}

static int compare_places(const void *a, const void *b)
{
    const struct placement *x = *(const struct placement *const *)a,
                           *y = *(const struct placement *const *)b;
    int order = strcmp(x->host, y->host);
    return order != 0 ? order
                      : (x->requested_pu > y->requested_pu) - (x->requested_pu < y->requested_pu);
}

/* Looks at the workers machine by machine: numbers these, and tells whether workers have to share
 * CPUs on one of them. */
static void look_at_places(struct noise *noise, const struct placement *places,
                           const struct topo *topo)
{
    struct topo_counts counts = {.usable = INT_MAX};
    const uint32_t n = noise->workers;
    const struct placement **sorted = alloc_zeroed(n, sizeof *sorted);
    if (topo)
        topo_count(topo, &counts);
    for (uint32_t w = 0; w < n; w++)
        sorted[w] = &places[w];
    qsort((void *)sorted, n, sizeof *sorted, compare_places);
    uint32_t machine = 0, here = 0; /* workers of it so far */
    for (uint32_t i = 0; i < n; i++) {
        bool is_beside = i > 0 && strcmp(sorted[i]->host, sorted[i - 1]->host) == 0;
        bool is_on = is_beside && sorted[i]->requested_pu >= 0 &&
                     sorted[i]->requested_pu == sorted[i - 1]->requested_pu;
        machine += i > 0 && !is_beside;
        here = is_beside ? here + 1 : 1;
        noise->machines[sorted[i] - places] = machine;
        noise->is_crowded =
            noise->is_crowded || (topo && (is_on || here > (uint32_t)counts.usable));
    }
    free((void *)sorted);
}

/* How many threads may be watched, a descriptor each: what else a cell opens comes later. */
static uint32_t most_waits(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur / WAITS_SHARE > MOST_WAITS)
        return MOST_WAITS;
    return (uint32_t)(limit.rlim_cur / WAITS_SHARE);
}

/* What is cheap and tells of all workers comes first. Of more workers than may be watched the first
 * are. */
static void open_sources(struct noise *noise, const struct placement *placements)
{
    char host[sizeof placements->host] = "";
    uint32_t left = most_waits();
    gethostname(host, sizeof host - 1);
    noise->pressure = open_to_read("/proc/pressure/cpu");
    noise->stat = open_to_read("/proc/stat");
    open_groups(noise);
    const pid_t root = (pid_t)syscall(SYS_gettid);
    noise->root_waits = open_waits(root);
    noise->root = noise->workers;
    noise->has_helpers = true;
    for (uint32_t w = 0; w < noise->workers; w++) {
        bool is_here = strcmp(placements[w].host, host) == 0;
        if (is_here && placements[w].tid == root)
            noise->root = w;
        else if (is_here && placements[w].pid == getpid())
            noise->has_helpers = false;
        noise->waits[w] = is_here && left > 0 ? open_waits(placements[w].tid) : -1;
        left -= noise->waits[w] >= 0;
    }
}

struct noise *noise_new(const struct placement *placements, uint32_t workers,
                        const struct topo *topo)
{
    struct noise *noise = alloc_zeroed(1, sizeof *noise);
    noise->workers = workers;
    noise->machines = alloc_zeroed(workers, sizeof *noise->machines);
    look_at_places(noise, placements, topo);
    noise->waits = alloc_zeroed(workers, sizeof *noise->waits);
    noise->ran = alloc_zeroed(workers, sizeof *noise->ran);
    open_sources(noise, placements);
    for (int i = 0; i < 4; i++) { /* the first touches what the second and all later ones find */
        noise_before(noise, UINT64_MAX);
        noise_after(noise);
    }
    noise->n_chains = 0;
    return noise;
}

static void close_open(int fd)
{
    if (fd >= 0)
        close(fd);
}

void noise_free(struct noise *noise)
{
    if (!noise)
        return;
    for (uint32_t w = 0; w < noise->workers; w++)
        close_open(noise->waits[w]);
    for (size_t i = 0; i < noise->n_groups; i++)
        close_open(noise->throttling[i]);
    close_open(noise->root_waits);
    close_open(noise->pressure);
    close_open(noise->stat);
    free(noise->waits);
    free(noise->ran);
    free(noise->machines);
    free(noise->throttling);
    free(noise);
}

/* --- readings --------------------------------------------------------------------------------- */

/* Which sources fit: each is read twice. */
static void choose_sources(struct noise *noise, uint64_t expected_ns)
{
    uint64_t budget = expected_ns / SHARE > BUDGET_NS ? expected_ns / SHARE : BUDGET_NS;
    uint64_t spent = 2 * noise->chain_cost_ns;
    for (int i = 0; i < N_SOURCES; i++) {
        noise->is_read[i] = i == THROTTLING || spent + 2 * noise->cost_ns[i] <= budget;
        noise->seen_ns[i] = UINT64_MAX;
        if (noise->is_read[i])
            spent += 2 * noise->cost_ns[i];
        else
            noise->cost_ns[i] -= noise->cost_ns[i] / FORGET; /* until it is tried again */
    }
}

/* One that was interrupted says little: the cost grows slowly and falls at once. Of the two
 * readings around a sample the cheaper one is taken, since a thread that has computed for long is
 * apt to lose its CPU in the first call that it makes to the system. */
static void learn_cost(uint64_t *cost_ns, uint64_t ns)
{
    *cost_ns = *cost_ns > 0 ? least(ns, *cost_ns + *cost_ns / 4 + 1) : ns;
}

/* What the threads of this process that are not this one have run. */
static uint64_t read_helped(const struct noise *noise)
{
    return noise->has_helpers
               ? clock_read_ns(CLOCK_PROCESS_CPUTIME_ID) - clock_read_ns(CLOCK_THREAD_CPUTIME_ID)
               : 0;
}

/* Adds the readings of this moment, times `sign`, as worker.c does. */
static void add_readings(struct noise *noise, uint64_t sign)
{
    uint64_t start = clock_now_ns();
    for (int i = 0; i < N_SOURCES; i++) {
        if (!noise->is_read[i])
            continue;
        if (i == THROTTLING) {
            noise->throttled += sign * read_throttled(noise);
        } else if (i == WAITS) {
            for (uint32_t w = 0; w < noise->workers; w++)
                add_ran(noise->waits[w], sign, &noise->ran[w]);
            add_ran(noise->root_waits, sign, &noise->root_ran);
            noise->helped += sign * read_helped(noise);
        } else {
            noise->pressed += sign * read_pressure(noise);
        }
        uint64_t end = clock_now_ns();
        noise->seen_ns[i] = least(noise->seen_ns[i], end - start);
        start = end;
    }
}

/* Stolen time is counted in steps of a tick, so that it is not read more often than these come, nor
 * where that would take more than its share: on a machine with many PUs it takes long. */
static uint64_t add_stolen(struct noise *noise)
{
    uint64_t start = clock_now_ns(), before = noise->stat_ns, now_ns;
    if (noise->stat < 0 || start - noise->stat_at_ns < noise_limits.tick_ns ||
        start - noise->stat_at_ns < SHARE * noise->stat_cost_ns)
        return 0;
    if (read_stolen(noise, &now_ns))
        noise->stat_ns = now_ns;
    noise->stat_at_ns = clock_now_ns();
    noise->stat_cost_ns = noise->stat_at_ns - start;
    return above(noise->stat_ns, before);
}

static uint64_t run_chain(struct noise *noise)
{
    uint64_t start = clock_now_ns();
    /* What reading the clock takes is a part of each part. */
    double ns = work_chain_ns(CHAIN_ITERATIONS) -
                (double)meter_reading_ns() * CHAIN_PARTS / CHAIN_ITERATIONS;
    uint64_t ps = ns > 0 ? (uint64_t)(ns * 1000 + 0.5) : 0;
    learn_cost(&noise->chain_cost_ns, clock_now_ns() - start);
    noise->chains[noise->n_chains++ % CHAINS] = ps;
    return ps;
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The lower quartile of the last chains: it stands as long as the clock was slow in less than three
 * quarters of them, and follows one that has changed for good. */
static uint64_t usual_chain(const struct noise *noise)
{
    uint64_t sorted[CHAINS];
    size_t n = noise->n_chains < CHAINS ? noise->n_chains : CHAINS;
    memcpy(sorted, noise->chains, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, compare);
    return n < CHAINS_ENOUGH ? 0 : sorted[n / 4];
}

void noise_before(struct noise *noise, uint64_t expected_ns)
{
    uint64_t start = clock_now_ns();
    memset(noise->ran, 0, noise->workers * sizeof *noise->ran);
    noise->root_ran = (struct ran){0, 0};
    noise->pressed = noise->throttled = noise->helped = 0;
    noise->around = (struct noise_around){.usual_ps = usual_chain(noise)};
    choose_sources(noise, expected_ns);
    add_stolen(noise);
    noise->around.chain_ps = run_chain(noise);
    add_readings(noise, (uint64_t)-1);
    noise->around.took_ns = clock_now_ns() - start;
}

void noise_after(struct noise *noise)
{
    struct noise_around *a = &noise->around;
    uint64_t start = clock_now_ns();
    add_readings(noise, 1);
    a->chain_end_ps = run_chain(noise);
    a->steal_ns = add_stolen(noise);
    a->took_ns += clock_now_ns() - start;
    for (int i = 0; i < N_SOURCES; i++)
        if (noise->is_read[i])
            learn_cost(&noise->cost_ns[i], noise->seen_ns[i]);
    a->pressure_ns = noise->pressed;
    a->throttled_ns = noise->throttled;
    a->root_wait_ns = noise->root_ran.waited_ns;
    a->root_ran_ns = noise->root_ran.ran_ns;
    /* The clock of the process was read first: what the own one gained meanwhile is missing. */
    a->helpers_ns = noise->helped < (uint64_t)1 << 63 ? noise->helped : 0;
    for (uint32_t w = 0; w < noise->workers; w++)
        a->wait_ns += noise->ran[w].waited_ns;
}

const struct noise_around *noise_around(const struct noise *noise)
{
    return &noise->around;
}

bool noise_wait(const struct noise *noise, uint32_t worker, uint64_t *wait_ns, uint64_t *ran_ns)
{
    *wait_ns = noise->ran[worker].waited_ns;
    *ran_ns = noise->ran[worker].ran_ns;
    return noise->is_read[WAITS] && noise->waits[worker] >= 0;
}

uint32_t noise_machine(const struct noise *noise, uint32_t worker)
{
    return noise->machines[worker];
}

uint32_t noise_root(const struct noise *noise)
{
    return noise->root;
}

bool noise_is_crowded(const struct noise *noise)
{
    return noise->is_crowded;
}

uint64_t noise_usual_faults(struct noise *noise, uint64_t list, uint64_t fault_ns)
{
    size_t n = noise->n_lists < LISTS ? noise->n_lists : LISTS;
    for (size_t i = 0; i < n; i++)
        if (noise->lists[i].list == list)
            return noise->lists[i].fault_ns = least(noise->lists[i].fault_ns, fault_ns);
    noise->lists[noise->n_lists % LISTS].list = list;
    noise->lists[noise->n_lists++ % LISTS].fault_ns = fault_ns;
    return 0; /* nothing is known yet */
}
