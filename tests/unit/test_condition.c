/* The condition of machines that we lack, written down as trees of files; and pictures of them. */
#include "unit.h"

#include "base/text.h"
#include "topo/condition.h"
#include "topo/picture.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CPUS "sys/devices/system/cpu"

/* --- trees ------------------------------------------------------------------------------------ */

static char root[64];

static void make_tree(void)
{
    strcpy(root, "/tmp/poolmark-condition-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static void remove_tree(void)
{
    ck_assert_int_eq(nftw(root, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* Writes a file below the root, with the folders on its way. */
static void put(const char *path, const char *text)
{
    char full[512];
    snprintf(full, sizeof full, "%s/%s", root, path);
    for (char *p = full + strlen(root) + 1; *p; p++)
        if (*p == '/') {
            *p = '\0';
            ck_assert(mkdir(full, 0777) == 0 || errno == EEXIST);
            *p = '/';
        }
    FILE *file = fopen(full, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    ck_assert_int_eq(fclose(file), 0);
}

/* The facts of a machine that is as good as can be. */
static struct condition_facts good_facts(void)
{
    return (struct condition_facts){
        .root = root,
        .machine = {.packages = 1,
                    .numa_nodes = 1,
                    .cores = 4,
                    .pus = 4,
                    .affinity = 4,
                    .usable = 4,
                    .usable_cores = 4},
        .can_bind = true,
        .uid = 1000,
        .slots = 4,
        .timer_cost_ns = 20,
        .timer_resolution_ns = 1,
        .slack_ns = 50000,
        .shm_bytes = 1e10,
        .shm_free_bytes = 1e10,
        .most_processes = INFINITY,
        .window_s = 0.4,
        .others_cpus = 0,
        .stolen_cpus = 0,
        .parts = {.told = true,
                  .optimised = true,
                  .has_gnuplot = true,
                  .mpirun = "mpirun 4",
                  .resolve_ms = 1,
                  .resolves = true},
    };
}

static struct condition check(const char *name, const struct condition_facts *facts)
{
    struct condition c = {0};
    for (size_t i = 0; i < condition_n; i++) {
        condition_check(i, facts, &c);
        if (strcmp(c.name, name) == 0)
            return c;
    }
    ck_abort_msg("no check %s", name);
}

/* The verdict of a check, with words that its sentence or its remedy must have. */
static void expect(const char *name, const struct condition_facts *facts,
                   enum condition_verdict verdict, const char *in_sentence, const char *in_remedy)
{
    struct condition c = check(name, facts);
    ck_assert_msg(c.verdict == verdict, "%s is %s, not %s: %s", name,
                  condition_verdict_name(c.verdict), condition_verdict_name(verdict), c.sentence);
    ck_assert_msg(strstr(c.sentence, in_sentence) != NULL, "%s: no '%s' in: %s", name, in_sentence,
                  c.sentence);
    ck_assert_msg(strstr(c.remedy, in_remedy) != NULL, "%s: no '%s' in: %s", name, in_remedy,
                  c.remedy);
}

static void put_good_machine(void)
{
    put("proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu vme tsc\nmodel\t: hypervisor of old\n");
    put("proc/stat", "cpu  1000 0 500 90000 10 0 5 0 0 0\n");
    put("proc/cmdline", "root=/dev/sda1 quiet\n");
    put("proc/meminfo", "MemTotal: 16000000 kB\nMemFree: 1 kB\nMemAvailable: 12000000 kB\n"
                        "SwapTotal: 0 kB\nSwapFree: 0 kB\n");
    put("proc/pressure/cpu", "some avg10=0.00 avg60=0.10 avg300=0.00 total=1\n");
    put("proc/sys/kernel/numa_balancing", "1\n");
    put("proc/sys/kernel/randomize_va_space", "2\n");
    put("sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
    put("sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n");
    put("sys/devices/system/clocksource/clocksource0/available_clocksource", "tsc hpet acpi_pm\n");
    put(CPUS "/offline", "\n");
    put(CPUS "/isolated", "\n");
    put(CPUS "/nohz_full", "(null)\n");
    put(CPUS "/smt/active", "0\n");
    put(CPUS "/intel_pstate/no_turbo", "1\n");
    for (int i = 0; i < 4; i++) {
        char path[128];
        snprintf(path, sizeof path, CPUS "/cpu%d/cpufreq/scaling_governor", i);
        put(path, "performance\n");
        snprintf(path, sizeof path, CPUS "/cpu%d/thermal_throttle/core_throttle_count", i);
        put(path, "0\n");
    }
}

/* --- every check ------------------------------------------------------------------------------ */

/* All is well: no problem, nothing unknown, and no remedy where there is nothing to mend. */
START_TEST(finds_a_good_machine_good)
{
    make_tree();
    put_good_machine();
    struct condition_facts facts = good_facts();
    for (size_t i = 0; i < condition_n; i++) {
        struct condition c;
        condition_check(i, &facts, &c);
        bool note = strcmp(c.name, "isolation") == 0 || strcmp(c.name, "aslr") == 0;
        ck_assert_msg(c.verdict == (note ? CONDITION_NOTE : CONDITION_GOOD), "%s: %s: %s", c.name,
                      condition_verdict_name(c.verdict), c.sentence);
        ck_assert_msg((*c.remedy == '\0') == !note, "%s: %s", c.name, c.remedy);
        ck_assert_msg(*c.value != '\0', "%s has no value", c.name);
    }
    remove_tree();
}
END_TEST

/* A machine that tells nothing is not called unfit for it. */
START_TEST(calls_nothing_bad_that_is_not_told)
{
    make_tree();
    struct condition_facts facts = good_facts();
    facts.window_s = 0;
    facts.others_cpus = facts.stolen_cpus = facts.slack_ns = NAN;
    facts.shm_bytes = facts.shm_free_bytes = NAN;
    facts.parts = (struct condition_parts){.resolve_ms = NAN};
    static const char *const unknown[] = {
        "offline",    "isolation",   "load",     "pressure", "steal",  "governor", "turbo",
        "throttling", "clocksource", "slack",    "memory",   "swap",   "thp",      "aslr",
        "shm",        "build",       "backends", "gnuplot",  "mpirun", "hostname"};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        struct condition c = check(unknown[i], &facts);
        ck_assert_msg(c.verdict == CONDITION_UNKNOWN, "%s: %s: %s", c.name,
                      condition_verdict_name(c.verdict), c.sentence);
        ck_assert_str_eq(c.value, "");
    }
    for (size_t i = 0; i < condition_n; i++) {
        struct condition c;
        condition_check(i, &facts, &c);
        ck_assert_msg(c.verdict != CONDITION_BAD, "%s: %s", c.name, c.sentence);
    }
    remove_tree();
}
END_TEST

/* Whatever is bad or a note says what can be done; names are words and come once. */
START_TEST(gives_each_problem_a_remedy)
{
    make_tree();
    put_good_machine();
    put(CPUS "/intel_pstate/no_turbo", "0\n");
    put(CPUS "/cpu2/cpufreq/scaling_governor", "powersave\n");
    put(CPUS "/cpu2/thermal_throttle/core_throttle_count", "17\n");
    put("proc/meminfo", "MemTotal: 16000000 kB\nMemAvailable: 100000 kB\nSwapTotal: 2048 kB\n"
                        "SwapFree: 1024 kB\n");
    put("sys/class/power_supply/BAT0/status", "Discharging\n");
    put("sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n");
    put("sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet\n");
    put("proc/stat", "cpu  1000 0 500 90000 10 0 5 100 0 0\n");
    put("proc/pressure/cpu", "some avg10=0.00 avg60=30.10 avg300=0.00 total=1\n");
    put("proc/cmdline", "mitigations=off\n");
    struct condition_facts facts = good_facts();
    facts.machine.quota_cpus = 1.5;
    facts.machine.usable = 2;
    facts.machine.usable_cores = 1;
    facts.machine.numa_nodes = 2;
    facts.can_bind = false;
    facts.uid = 0;
    facts.nice = 5;
    facts.slots = 1;
    facts.timer_cost_ns = 1e6;
    facts.slack_ns = 1e8;
    facts.shm_free_bytes = 1e6;
    facts.most_processes = 10;
    facts.others_cpus = 0.9;
    facts.parts = (struct condition_parts){.told = true,
                                           .missing = "mpi (x was not built)",
                                           .missing_remedy = "install MPI",
                                           .mpirun = "mpirun 4",
                                           .resolve_ms = 5000};
    size_t n_bad = 0;
    for (size_t i = 0; i < condition_n; i++) {
        struct condition c, other;
        condition_check(i, &facts, &c);
        n_bad += c.verdict == CONDITION_BAD;
        ck_assert_msg(c.verdict == CONDITION_GOOD || c.verdict == CONDITION_UNKNOWN || *c.remedy,
                      "%s has no remedy: %s", c.name, c.sentence);
        ck_assert_uint_eq(strspn(c.name, "abcdefghijklmnopqrstuvwxyz-"), strlen(c.name));
        for (size_t k = 0; k < i; k++) {
            condition_check(k, &facts, &other);
            ck_assert_str_ne(c.name, other.name);
        }
    }
    ck_assert_uint_eq(n_bad, 15);
    remove_tree();
}
END_TEST

/* --- single checks ---------------------------------------------------------------------------- */

START_TEST(judges_quotas)
{
    make_tree();
    struct condition_facts facts = good_facts();
    facts.machine.quota_cpus = 1.5;
    expect("quota", &facts, CONDITION_BAD, "1.5 CPUs on 4 CPUs", "--workers 1");
    facts.machine.quota_cpus = 0.5;
    expect("quota", &facts, CONDITION_BAD, "0.5 CPUs", "--cpuset-cpus=0 ");
    strcpy(facts.quota_group, "/sys/fs/cgroup/cpu/box");
    expect("quota", &facts, CONDITION_BAD, "0.5 CPUs",
           "echo -1 | sudo tee /sys/fs/cgroup/cpu/box/cpu.cfs_quota_us");
    put("sys/fs/cgroup/cpu/box/cpu.max", "50000 100000\n");
    expect("quota", &facts, CONDITION_BAD, "0.5 CPUs",
           "echo max | sudo tee /sys/fs/cgroup/cpu/box/cpu.max");
    facts.machine.quota_cpus = 4;
    expect("quota", &facts, CONDITION_NOTE, "no less than the 4", "");
    facts.machine.usable = 1;
    expect("cpus", &facts, CONDITION_BAD, "1 usable", "see quota");
    facts.machine.quota_cpus = 0;
    expect("cpus", &facts, CONDITION_BAD, "1 usable", "sleepers");
    facts.machine.affinity = 1;
    expect("cpus", &facts, CONDITION_BAD, "1 of 4 allowed", "taskset -c 0-3");
    remove_tree();
}
END_TEST

START_TEST(judges_the_load)
{
    make_tree();
    struct condition_facts facts = good_facts();
    facts.others_cpus = 0.04;
    expect("load", &facts, CONDITION_GOOD, "0.04", "");
    facts.others_cpus = 0.06;
    strcpy(facts.busiest, "cc1 (pid 123)");
    expect("load", &facts, CONDITION_BAD, "cc1 (pid 123)", "ps ");
    put("proc/pressure/cpu", "some avg10=0.00 avg60=6.00 avg300=0.00 total=1\n");
    expect("pressure", &facts, CONDITION_NOTE, "6.0 %", "");
    put("proc/stat", "cpu  900 0 0 100000 0 0 0 100 0 0\n");
    expect("steal", &facts, CONDITION_BAD, "10.00 %", "");
    put("proc/stat", "cpu  9990 0 0 100000 0 0 0 10 0 0\n");
    expect("steal", &facts, CONDITION_GOOD, "0.10 %", "");
    facts.stolen_cpus = 0.1;
    expect("steal", &facts, CONDITION_BAD, "at this moment", "");
    remove_tree();
}
END_TEST

/* What changes the machine needs rights: with sudo, unless root asks, and where they are needed. */
START_TEST(judges_the_clock_and_gives_commands)
{
    make_tree();
    struct condition_facts facts = good_facts();
    put(CPUS "/cpu0/cpufreq/scaling_governor", "schedutil\n");
    put(CPUS "/cpu1/cpufreq/scaling_governor", "schedutil\n");
    expect("governor", &facts, CONDITION_BAD, "schedutil",
           "echo performance | sudo tee /" CPUS "/cpu*/cpufreq/scaling_governor");
    facts.uid = 0;
    expect("governor", &facts, CONDITION_BAD, "schedutil",
           "echo performance | tee /" CPUS "/cpu*/cpufreq/scaling_governor");
    ck_assert(check("governor", &facts).is_command);
    put(CPUS "/cpufreq/boost", "1\n");
    expect("turbo", &facts, CONDITION_BAD, "turbo is on", "echo 0 | tee /" CPUS "/cpufreq/boost");
    put(CPUS "/intel_pstate/no_turbo", "1\n");
    expect("turbo", &facts, CONDITION_GOOD, "off", "");
    facts.uid = 1000;
    put("proc/meminfo", "SwapTotal: 2048 kB\nSwapFree: 0 kB\n");
    expect("swap", &facts, CONDITION_NOTE, "2 MiB", "sudo swapoff -a");
    put("sys/class/power_supply/AC/online", "1\n");
    put("sys/class/power_supply/BAT1/status", "Charging\n");
    expect("battery", &facts, CONDITION_GOOD, "not in use", "");
    remove_tree();
}
END_TEST

START_TEST(judges_clock_sources_and_timers)
{
    make_tree();
    struct condition_facts facts = good_facts();
    const char *current = "sys/devices/system/clocksource/clocksource0/current_clocksource",
               *choice = "sys/devices/system/clocksource/clocksource0/available_clocksource";
    put(current, "arch_sys_counter\n");
    expect("clocksource", &facts, CONDITION_GOOD, "arch_sys_counter", "");
    put(current, "acpi_pm\n");
    expect("clocksource", &facts, CONDITION_BAD, "acpi_pm", "dmesg");
    put(choice, "tsc acpi_pm \n");
    expect("clocksource", &facts, CONDITION_BAD, "acpi_pm", "echo tsc | sudo tee ");
    put(current, "kvm-clock\n");
    expect("clocksource", &facts, CONDITION_NOTE, "the host corrects", "echo tsc | sudo tee ");
    /* 5 % and ten times finer: 20 times the cost, or 10 times the step. */
    expect("timer", &facts, CONDITION_GOOD, "400 ns and more", "");
    facts.timer_resolution_ns = 4e6;
    expect("timer", &facts, CONDITION_BAD, "40.0 ms", "longer");
    facts.timer_resolution_ns = 1;
    facts.timer_cost_ns = 2000;
    expect("timer", &facts, CONDITION_NOTE, "40.0 µs", "40.0 µs");
    remove_tree();
}
END_TEST

START_TEST(knows_virtual_machines_and_unlike_cores)
{
    make_tree();
    struct condition_facts facts = good_facts();
    put("proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu vme hypervisor tsc\n");
    put("sys/class/dmi/id/sys_vendor", "QEMU\n");
    expect("virtual", &facts, CONDITION_NOTE, "(QEMU)", "steal");
    expect("governor", &facts, CONDITION_UNKNOWN, "the host does", "");
    put("sys/devices/cpu_core/cpus", "0-7\n");
    put("sys/devices/cpu_atom/cpus", "8-15\n");
    expect("hybrid", &facts, CONDITION_NOTE, "0-7 are fast", "taskset -c 0-7");
    remove_tree();
    make_tree();
    put(CPUS "/cpu0/cpu_capacity", "446\n");
    put(CPUS "/cpu1/cpu_capacity", "1024\n");
    put(CPUS "/cpufreq/policy0", "not a CPU\n");
    expect("hybrid", &facts, CONDITION_NOTE, "44 %", "cpu_capacity");
    put(CPUS "/cpu0/cpu_capacity", "1024\n");
    expect("hybrid", &facts, CONDITION_GOOD, "one kind", "");
    put(CPUS "/isolated", "2-3\n");
    put(CPUS "/nohz_full", "2-3\n");
    expect("isolation", &facts, CONDITION_NOTE, "isolated CPUs: 2-3", "--bind 2-3");
    put(CPUS "/offline", "4-7\n");
    expect("offline", &facts, CONDITION_NOTE, "4-7", "");
    facts.machine.usable_cores = 2;
    expect("smt", &facts, CONDITION_NOTE, "4 usable CPUs share 2 cores", "1..cores");
    remove_tree();
}
END_TEST

START_TEST(looks_at_the_parts)
{
    make_tree();
    struct condition_facts facts = good_facts();
    facts.slots = 2;
    expect("mpirun", &facts, CONDITION_NOTE, "2 slots", "--oversubscribe");
    facts.parts.mpirun[0] = '\0';
    expect("mpirun", &facts, CONDITION_NOTE, "no mpirun", "sudo apt-get install openmpi-bin");
    facts.parts.resolves = false;
    facts.parts.resolve_ms = 3000;
    expect("hostname", &facts, CONDITION_NOTE, "fails after 3000 ms", "| sudo tee -a /etc/hosts");
    facts.parts.optimised = false;
    expect("build", &facts, CONDITION_BAD, "without optimisation", "-O2");
    facts.shm_bytes = facts.shm_free_bytes = 1 << 24;
    expect("shm", &facts, CONDITION_BAD, "16 MiB of 16", "sudo mount");
    remove_tree();
}
END_TEST

/* --- this machine ----------------------------------------------------------------------------- */

/* What is observed here is in the range of what can be; a process that burns is seen, and named. */
START_TEST(observes_this_machine)
{
    struct err err;
    unsetenv("HWLOC_SYNTHETIC");
    unsetenv("HWLOC_XMLFILE");
    struct topo *topo = topo_new(&err);
    ck_assert_msg(topo != NULL, "%s", err.text);
    struct condition_facts facts;
    condition_observe(&facts, topo, 0);
    ck_assert(facts.window_s == 0 && isnan(facts.others_cpus));
    ck_assert(facts.timer_cost_ns > 0 && facts.timer_resolution_ns > 0);
    ck_assert_int_ge(facts.slots, 1);
    ck_assert_int_ge(facts.machine.usable, 1);
    ck_assert_int_eq(facts.uid, (int)geteuid());
    pid_t hog = fork();
    if (hog == 0)
        for (volatile unsigned i = 0;; i++)
            ;
    condition_observe(&facts, topo, 300);
    kill(hog, SIGKILL);
    waitpid(hog, NULL, 0);
    ck_assert(facts.window_s >= 0.3);
    /* However many others there are, usable CPUs are busy and somebody is named. */
    ck_assert_msg(facts.others_cpus > 0.05, "%f", facts.others_cpus);
    ck_assert_msg(strstr(facts.busiest, "(pid ") != NULL, "%s", facts.busiest);
    ck_assert_int_eq(check("load", &facts).verdict, CONDITION_BAD);
    topo_free(topo);
}
END_TEST

/* --- pictures --------------------------------------------------------------------------------- */

static char *draw(const char *machine, int columns, bool utf8)
{
    struct err err;
    unsetenv("HWLOC_XMLFILE");
    setenv("HWLOC_SYNTHETIC", machine, 1);
    struct topo *topo = topo_new(&err);
    ck_assert_msg(topo != NULL, "%s", err.text);
    struct text t = TEXT_INIT;
    topo_draw(topo, &(struct topo_picture){columns, utf8}, &t);
    topo_free(topo);
    return t.text;
}

/* Every line has `columns` characters. */
static size_t lines_of(const char *picture, int columns)
{
    size_t n = 0;
    for (const char *line = picture; *line; n++) {
        int width = 0;
        for (; *line != '\n'; line++)
            width += (*line & 0xc0) != 0x80;
        line++;
        ck_assert_msg(width == columns, "a line of %d: %s", width, picture);
    }
    return n;
}

START_TEST(draws_packages_and_cores)
{
    char *picture = draw("pack:2 core:8 pu:2", 80, false);
    ck_assert_uint_eq(lines_of(picture, 80), 6);
    ck_assert_ptr_nonnull(strstr(picture, "+- package 1: 8 cores, 16 PUs "));
    ck_assert_ptr_nonnull(strstr(picture, "| [0 1]   [2 3]   [4 5] "));
    ck_assert_ptr_nonnull(strstr(picture, "[28 29] [30 31] "));
    free(picture);
    picture = draw("pack:1 core:64 pu:1", 80, true);
    ck_assert_ptr_nonnull(strstr(picture, "┌─ package 0: 64 cores, 64 PUs"));
    ck_assert_ptr_nonnull(strstr(picture, "[63] "));
    ck_assert_uint_le(lines_of(picture, 80), 8);
    free(picture);
    picture = draw("pack:1 l3:2 core:2 pu:1", 60, false);
    ck_assert_uint_eq(lines_of(picture, 60), 4);
    ck_assert_ptr_nonnull(strstr(picture, "| L3 16 MiB   [2] [3] "));
    free(picture);
}
END_TEST

/* Large machines do not fill the screen. */
START_TEST(draws_large_machines_in_ranges)
{
    char *picture = draw("pack:2 l3:8 core:8 pu:2", 80, false);
    ck_assert_uint_eq(lines_of(picture, 80), 20);
    ck_assert_ptr_nonnull(strstr(picture, "L3 16 MiB   8 cores, PUs 240-255; allowed: all"));
    free(picture);
    picture = draw("pack:8 numa:2 core:32 pu:2", 80, false);
    ck_assert_uint_eq(lines_of(picture, 80), 32);
    ck_assert_ptr_nonnull(strstr(picture, "NUMA 15     32 cores, PUs 960-1023; allowed: all"));
    free(picture);
}
END_TEST

UNIT_MAIN("condition", finds_a_good_machine_good, calls_nothing_bad_that_is_not_told,
          gives_each_problem_a_remedy, judges_quotas, judges_the_load,
          judges_the_clock_and_gives_commands, judges_clock_sources_and_timers,
          knows_virtual_machines_and_unlike_cores, looks_at_the_parts, observes_this_machine,
          draws_packages_and_cores, draws_large_machines_in_ranges)
