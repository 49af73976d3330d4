/* The condition of all but the CPUs: the clock that measures, memory, limits, rights, and the
 * program's own parts. See condition.h. */
#include "topo/condition_private.h"

#include "base/units.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* --- the clock that measures ------------------------------------------------------------------ */

static void look_clocksource(const struct condition_facts *f, struct condition *c)
{
    static const char *const good[] = {"tsc", "arch_sys_counter", "timebase", "tod", "riscv"};
    char source[64], choice[128];
    const char *folder = "sys/devices/system/clocksource/clocksource0";
    char path[128];
    snprintf(path, sizeof path, "%s/current_clocksource", folder);
    if (!condition_read(f, path, source, sizeof source)) {
        condition_say(c, CONDITION_UNKNOWN, "", "the clock source is not told");
        return;
    }
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (strncmp(source, good[i], strlen(good[i])) == 0) {
            condition_say(c, CONDITION_GOOD, source,
                          "the clock source is %s, read without the kernel", source);
            return;
        }
    /* kvm-clock and hyperv pages are read without the kernel too, but corrected by the host. */
    bool paravirtual = strstr(source, "kvm") || strstr(source, "hyperv");
    snprintf(path, sizeof path, "%s/available_clocksource", folder);
    condition_read(f, path, choice, sizeof choice);
    condition_say(c, paravirtual ? CONDITION_NOTE : CONDITION_BAD, source,
                  "the clock source is %s, %s", source,
                  paravirtual
                      ? "which the host corrects"
                      : "which costs a call of the kernel, or microseconds, at each reading");
    if (strstr(choice, "tsc"))
        condition_command(c, f, true, "echo tsc | tee /%s/current_clocksource", folder);
    else if (paravirtual)
        condition_advise(c, "harmless for samples of a millisecond and more");
    else
        condition_advise(c,
                         "the kernel does not trust the CPUs' counter here: look for tsc in dmesg");
}

/* The rules of Hoefler & Belli (SC15): reading the clock takes less than 5 % of what is timed, and
 * its step is ten times finer. */
static void look_timer(const struct condition_facts *f, struct condition *c)
{
    char value[96], cost[32], step[32], shortest[32];
    double least = fmax(20 * f->timer_cost_ns, 10 * f->timer_resolution_ns);
    if (!(f->timer_cost_ns > 0)) {
        condition_say(c, CONDITION_UNKNOWN, "", "the cost of reading the clock was not measured");
        return;
    }
    units_format_ns(f->timer_cost_ns, cost, sizeof cost);
    units_format_ns(f->timer_resolution_ns, step, sizeof step);
    units_format_ns(least, shortest, sizeof shortest);
    snprintf(value, sizeof value, "cost %s, step %s", cost, step);
    /* Lists of null tasks are timed from some 10 us on, all else from 1 ms on. */
    enum condition_verdict verdict = least <= 2e4   ? CONDITION_GOOD
                                     : least <= 1e6 ? CONDITION_NOTE
                                                    : CONDITION_BAD;
    condition_say(c, verdict, value,
                  "reading the clock costs %s, its step is %s: good for samples of %s and more",
                  cost, step, shortest);
    if (verdict != CONDITION_GOOD)
        condition_advise(c, "make samples longer than %s: more tasks, or longer ones", shortest);
}

static void look_slack(const struct condition_facts *f, struct condition *c)
{
    char value[32];
    if (isnan(f->slack_ns)) {
        condition_say(c, CONDITION_UNKNOWN, "", "the timer slack is not told");
        return;
    }
    units_format_ns(f->slack_ns, value, sizeof value);
    if (f->slack_ns > 50000) {
        condition_say(c, CONDITION_NOTE, value,
                      "sleeping processes may be woken %s late (timer slack)", value);
        condition_advise(c, "start from a shell with the usual slack, 50 us: it is inherited");
    } else {
        condition_say(c, CONDITION_GOOD, value,
                      "timer slack %s; workloads that sleep set their own", value);
    }
}

/* --- memory ----------------------------------------------------------------------------------- */

static void look_memory(const struct condition_facts *f, struct condition *c)
{
    char text[2048], value[64];
    condition_read(f, "proc/meminfo", text, sizeof text);
    double total = condition_number_behind(text, "MemTotal:"),
           free = condition_number_behind(text, "MemAvailable:");
    if (isnan(total) || isnan(free) || total <= 0) {
        condition_say(c, CONDITION_UNKNOWN, "", "how much memory is free is not told");
        return;
    }
    double gib = 1024 * 1024;
    snprintf(value, sizeof value, "%.1f of %.1f GiB free", free / gib, total / gib);
    bool tight = free < total / 20;
    condition_say(c, tight ? CONDITION_BAD : CONDITION_GOOD, value, "memory: %s", value);
    if (tight)
        condition_command(c, f, false, "ps -eo pid,user,rss,comm --sort=-rss | head");
}

static void look_swap(const struct condition_facts *f, struct condition *c)
{
    char text[2048], value[48];
    if (!condition_read(f, "proc/meminfo", text, sizeof text) ||
        isnan(condition_number_behind(text, "SwapTotal:"))) {
        condition_say(c, CONDITION_UNKNOWN, "", "whether memory is swapped out is not told");
        return;
    }
    double total = condition_number_behind(text, "SwapTotal:"),
           used = total - condition_number_behind(text, "SwapFree:");
    snprintf(value, sizeof value, total > 0 ? "%.0f of %.0f MiB used" : "none", used / 1024,
             total / 1024);
    if (used > 0) {
        condition_say(c, CONDITION_NOTE, value,
                      "swap: %.0f MiB are swapped out; a task may wait for a disk", used / 1024);
        condition_command(c, f, true, "swapoff -a");
    } else {
        condition_say(c, CONDITION_GOOD, value, total > 0 ? "no memory is swapped out" : "no swap");
    }
}

static void look_thp(const struct condition_facts *f, struct condition *c)
{
    char text[64], chosen[32] = "";
    const char *path = "sys/kernel/mm/transparent_hugepage/enabled";
    if (!condition_read(f, path, text, sizeof text) || sscanf(text, "%*[^[][%31[^]]", chosen) != 1)
        if (sscanf(text, "[%31[^]]", chosen) != 1) {
            condition_say(c, CONDITION_UNKNOWN, "", "the policy of huge pages is not told");
            return;
        }
    if (strcmp(chosen, "always") == 0) {
        condition_say(
            c, CONDITION_NOTE, chosen,
            "huge pages for everybody: whether a launch gets them is luck, and launches differ");
        condition_command(c, f, true, "echo madvise | tee /%s", path);
    } else {
        condition_say(c, CONDITION_GOOD, chosen, "huge pages: %s", chosen);
    }
}

static void look_numa(const struct condition_facts *f, struct condition *c)
{
    char text[16];
    if (!condition_read(f, "proc/sys/kernel/numa_balancing", text, sizeof text)) {
        condition_say(c, CONDITION_GOOD, "off", "pages are not moved between NUMA nodes");
        return;
    }
    bool on = *text != '0';
    if (on && f->machine.numa_nodes > 1) {
        condition_say(c, CONDITION_BAD, "on",
                      "the kernel moves pages between the %d NUMA nodes while you measure",
                      f->machine.numa_nodes);
        condition_command(c, f, true, "sysctl kernel.numa_balancing=0");
    } else {
        condition_say(c, CONDITION_GOOD, on ? "on, one node" : "off",
                      "pages are not moved between NUMA nodes");
    }
}

static void look_aslr(const struct condition_facts *f, struct condition *c)
{
    char text[16];
    if (!condition_read(f, "proc/sys/kernel/randomize_va_space", text, sizeof text)) {
        condition_say(c, CONDITION_UNKNOWN, "", "whether addresses are random is not told");
    } else if (*text != '0') {
        condition_say(
            c, CONDITION_NOTE, text,
            "addresses are random (%s): each launch has its own layout, and launches differ by it",
            text);
        condition_advise(
            c, "leave it so: several launches average over layouts, one would be an accident");
    } else {
        condition_say(
            c, CONDITION_NOTE, text,
            "addresses are not random: all launches share one layout, which may be a lucky one");
        condition_command(c, f, true, "sysctl kernel.randomize_va_space=2");
    }
}

static void look_mitigations(const struct condition_facts *f, struct condition *c)
{
    char value[64] = "default";
    bool set = condition_boot_word(f, "mitigations", value, sizeof value);
    condition_say(
        c, set ? CONDITION_NOTE : CONDITION_GOOD, value,
        set ? "the kernel was booted with mitigations=%s, which changes what its calls cost"
            : "mitigations of the CPU's faults: %s",
        value);
    if (set)
        condition_advise(c, "a factor: compare with machines booted alike");
}

static void look_shm(const struct condition_facts *f, struct condition *c)
{
    char value[64];
    if (isnan(f->shm_bytes)) {
        condition_say(c, CONDITION_UNKNOWN, "",
                      "/dev/shm is not there: ranks of one machine cannot share "
                      "memory by it");
        return;
    }
    double mib = 1 << 20;
    snprintf(value, sizeof value, "%.0f MiB", f->shm_bytes / mib);
    /* Each rank takes some 4 MiB for messages, and windows come on top. */
    double need = 16 + 8.0 * f->machine.usable;
    if (f->shm_free_bytes / mib < need) {
        condition_say(
            c, CONDITION_BAD, value,
            "/dev/shm has %.0f MiB of %.0f free; %d ranks may need %.0f: they would die of SIGBUS",
            f->shm_free_bytes / mib, f->shm_bytes / mib, f->machine.usable, need);
        condition_command(c, f, true, "mount -o remount,size=1g /dev/shm");
    } else {
        condition_say(c, CONDITION_GOOD, value, "/dev/shm has %.0f MiB free",
                      f->shm_free_bytes / mib);
    }
}

static void look_processes(const struct condition_facts *f, struct condition *c)
{
    char value[32];
    if (isinf(f->most_processes) || isnan(f->most_processes)) {
        condition_say(c, CONDITION_GOOD, "none", "no limit on the number of processes");
        return;
    }
    snprintf(value, sizeof value, "%.0f", f->most_processes);
    double need = 64 + 8.0 * f->machine.usable;
    if (f->most_processes < need) {
        condition_say(c, CONDITION_BAD, value,
                      "at most %.0f processes and threads; cells side by side may need %.0f",
                      f->most_processes, need);
        condition_command(c, f, false, "ulimit -u %.0f", need);
    } else {
        condition_say(c, CONDITION_GOOD, value, "at most %.0f processes and threads",
                      f->most_processes);
    }
}

/* --- binding, root, and the program's parts --------------------------------------------------- */

static void look_binding(const struct condition_facts *f, struct condition *c)
{
    if (f->can_bind) {
        condition_say(c, CONDITION_GOOD, "yes", "threads can be bound to CPUs");
        return;
    }
    condition_say(c, CONDITION_BAD, "no", "hwloc cannot bind threads here: --bind will fail");
    condition_advise(c,
                     "a container may forbid sched_setaffinity: allow it in its seccomp profile");
}

static void look_root(const struct condition_facts *f, struct condition *c)
{
    if (f->uid != 0) {
        condition_say(c, CONDITION_GOOD, "no", "an ordinary user");
        return;
    }
    condition_say(
        c, CONDITION_NOTE, "yes",
        "runs as root: Open MPI starts only with OMPI_ALLOW_RUN_AS_ROOT=1, which is set for it");
    condition_advise(c, "an ordinary user measures the same; OMPI_ALLOW_RUN_AS_ROOT=0 forbids it");
}

static void say_untold(struct condition *c)
{
    condition_say(c, CONDITION_UNKNOWN, "", "was not looked at");
}

static void look_build(const struct condition_facts *f, struct condition *c)
{
    if (!f->parts.told) {
        say_untold(c);
    } else if (f->parts.optimised) {
        condition_say(c, CONDITION_GOOD, "optimised", "built with optimisation");
    } else {
        condition_say(c, CONDITION_BAD, "-O0", "built without optimisation: times say little");
        condition_command(c, f, false, "make clean && make CFLAGS='-O2 -g'");
    }
}

static void look_backends(const struct condition_facts *f, struct condition *c)
{
    if (!f->parts.told) {
        say_untold(c);
    } else if (!*f->parts.missing) {
        condition_say(c, CONDITION_GOOD, "all", "all backends are there");
    } else {
        condition_say(c, CONDITION_NOTE, "some missing", "not there: %s", f->parts.missing);
        condition_advise(c, "%s", f->parts.missing_remedy);
    }
}

static void look_gnuplot(const struct condition_facts *f, struct condition *c)
{
    if (!f->parts.told) {
        say_untold(c);
    } else if (f->parts.has_gnuplot) {
        condition_say(c, CONDITION_GOOD, "yes", "gnuplot is there");
    } else {
        condition_say(c, CONDITION_NOTE, "no", "no gnuplot: runs have tables and no figures");
        condition_command(c, f, true, "apt-get install gnuplot-nox");
    }
}

static void look_mpirun(const struct condition_facts *f, struct condition *c)
{
    if (!f->parts.told) {
        say_untold(c);
    } else if (!*f->parts.mpirun) {
        condition_say(c, CONDITION_NOTE, "none",
                      "no mpirun: the backends mpi and hybrid cannot run");
        condition_command(c, f, true, "apt-get install openmpi-bin");
    } else if (f->slots < f->machine.usable) {
        condition_say(c, CONDITION_NOTE, f->parts.mpirun,
                      "%s has %d slot%s, one a core, for %d usable CPUs: more ranks are refused",
                      f->parts.mpirun, f->slots, f->slots == 1 ? "" : "s", f->machine.usable);
        condition_command(c, f, false,
                          "poolmark run configs/scaling.ini --backends mpi --oversubscribe");
    } else {
        condition_say(c, CONDITION_GOOD, f->parts.mpirun, "%s, %d slot%s", f->parts.mpirun,
                      f->slots, f->slots == 1 ? "" : "s");
    }
}

static void look_hostname(const struct condition_facts *f, struct condition *c)
{
    char value[32];
    if (!f->parts.told || isnan(f->parts.resolve_ms)) {
        say_untold(c);
        return;
    }
    snprintf(value, sizeof value, "%s, %.0f ms", f->parts.resolves ? "known" : "unknown",
             f->parts.resolve_ms);
    /* mpirun looks it up at each start. */
    if (f->parts.resolves && f->parts.resolve_ms < 200) {
        condition_say(c, CONDITION_GOOD, value, "the name of this host is looked up in %.0f ms",
                      f->parts.resolve_ms);
        return;
    }
    condition_say(c, CONDITION_NOTE, value,
                  "looking up the name of this host %s %.0f ms, at each mpirun",
                  f->parts.resolves ? "takes" : "fails after", f->parts.resolve_ms);
    condition_command(c, f, true, "echo \"127.0.1.1 $(hostname)\" | tee -a /etc/hosts");
}

/* --- the table -------------------------------------------------------------------------------- */

const struct condition_look condition_of_system[] = {
    {"clocksource", "clock that measures", CONDITION_MACHINE, look_clocksource},
    {"timer", "cost and step of reading the clock", CONDITION_MACHINE, look_timer},
    {"slack", "how late sleepers may be woken", CONDITION_MACHINE, look_slack},
    {"memory", "free memory", CONDITION_MOMENT, look_memory},
    {"swap", "memory that is swapped out", CONDITION_MOMENT, look_swap},
    {"thp", "transparent huge pages", CONDITION_MACHINE, look_thp},
    {"numa-balancing", "pages moved between NUMA nodes", CONDITION_MACHINE, look_numa},
    {"aslr", "random addresses", CONDITION_MACHINE, look_aslr},
    {"mitigations", "mitigations of the CPU's faults", CONDITION_MACHINE, look_mitigations},
    {"shm", "room in /dev/shm", CONDITION_MOMENT, look_shm},
    {"processes", "limit of processes and threads", CONDITION_MACHINE, look_processes},
    {"binding", "binding to CPUs", CONDITION_MACHINE, look_binding},
    {"root", "runs as root", CONDITION_MACHINE, look_root},
    {"build", "how poolmark was built", CONDITION_PARTS, look_build},
    {"backends", "backends that can run", CONDITION_PARTS, look_backends},
    {"gnuplot", "figures", CONDITION_PARTS, look_gnuplot},
    {"mpirun", "MPI and its slots", CONDITION_PARTS, look_mpirun},
    {"hostname", "looking up this host", CONDITION_PARTS, look_hostname},
};
