/* The condition of the CPUs: how many, who else is on them, and their clock. See condition.h. */
#include "topo/condition_private.h"

#include "base/text.h"

#include <ctype.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* --- how many CPUs ---------------------------------------------------------------------------- */

static void look_cpus(const struct condition_facts *f, struct condition *c)
{
    char text[256], value[32];
    snprintf(value, sizeof value, "%d of %d", f->machine.usable, f->machine.pus);
    bool one = f->machine.usable < 2;
    condition_say(c, one ? CONDITION_BAD : CONDITION_GOOD, value, "%s",
                  topo_explain(&f->machine, text, sizeof text));
    if (!one)
        return;
    if (f->machine.affinity < f->machine.pus)
        condition_command(c, f, false, "taskset -c 0-%d poolmark doctor", f->machine.pus - 1);
    else if (f->machine.quota_cpus > 0)
        condition_advise(c, "it is the quota that leaves one: see quota");
    else
        condition_advise(c, "work that computes cannot show a speedup on one CPU; sleepers can");
}

static void look_quota(const struct condition_facts *f, struct condition *c)
{
    char value[32];
    double quota = f->machine.quota_cpus;
    snprintf(value, sizeof value, "%.4g", quota);
    if (quota <= 0) {
        condition_say(c, CONDITION_GOOD, "none", "no quota of CPU time");
        return;
    }
    if (quota >= f->machine.affinity) {
        condition_say(
            c, CONDITION_NOTE, value,
            "a quota of %.4g CPUs, no less than the %d that may be used: it stops nobody unless "
            "other processes of the group compute too",
            quota, f->machine.affinity);
        condition_advise(c, "nothing to do while the group is yours alone");
        return;
    }
    condition_say(
        c, CONDITION_BAD, value,
        "a quota of %.4g CPU%s on %d CPUs: whoever has used it up stands still for the rest of "
        "each period, tens of milliseconds",
        quota, quota == 1 ? "" : "s", f->machine.affinity);
    /* Lifted where that is possible at all; whole CPUs are the other way to share a machine. */
    char path[300], text[16];
    snprintf(path, sizeof path, "%s/cpu.max", f->quota_group);
    bool is_v2 = *f->quota_group && condition_read(f, path, text, sizeof text);
    int whole = (int)floor(quota);
    if (*f->quota_group)
        condition_command(c, f, true, "echo %s | tee %s/%s", is_v2 ? "max" : "-1", f->quota_group,
                          is_v2 ? "cpu.max" : "cpu.cfs_quota_us");
    else if (whole > 0)
        condition_advise(
            c,
            "give whole CPUs in its place: docker run --cpuset-cpus=0-%d without --cpus; else "
            "keep to --workers %d",
            whole - 1, whole);
    else
        condition_advise(
            c, "give a whole CPU in its place: docker run --cpuset-cpus=0 without --cpus");
}

static void look_offline(const struct condition_facts *f, struct condition *c)
{
    char list[96];
    if (!condition_read(f, CPUS "/offline", list, sizeof list))
        condition_say(c, CONDITION_UNKNOWN, "", "which CPUs are offline is not told");
    else if (!*list)
        condition_say(c, CONDITION_GOOD, "none", "no CPU is offline");
    else {
        condition_say(c, CONDITION_NOTE, list, "offline: %s", list);
        condition_advise(c,
                         "they are not counted; a run's topology shows the machine without them");
    }
}

static void look_smt(const struct condition_facts *f, struct condition *c)
{
    char active[16], value[48];
    int more = f->machine.usable - f->machine.usable_cores;
    bool known = condition_read(f, CPUS "/smt/active", active, sizeof active);
    if (more > 0) {
        snprintf(value, sizeof value, "%d on %d cores", f->machine.usable, f->machine.usable_cores);
        condition_say(
            c, CONDITION_NOTE, value,
            "%d usable CPUs share %d core%s: beyond %d workers two share a core, and the speedup "
            "bends there",
            f->machine.usable, f->machine.usable_cores, f->machine.usable_cores == 1 ? "" : "s",
            f->machine.usable_cores);
        condition_command(c, f, false,
                          "poolmark run configs/scaling.ini --workers 1..cores --bind close");
    } else if (known || f->machine.cores > 0) {
        condition_say(c, CONDITION_GOOD, known && *active == '1' ? "on" : "off",
                      "each usable CPU has a core of its own%s",
                      condition_is_virtual(f) ? ", as far as a virtual machine knows" : "");
    } else {
        condition_say(c, CONDITION_UNKNOWN, "", "whether CPUs share cores is not told");
    }
}

static void look_hybrid(const struct condition_facts *f, struct condition *c)
{
    char fast[96], slow[96];
    struct condition_survey capacity = condition_survey(f, "cpu_capacity");
    if (condition_read(f, "sys/devices/cpu_core/cpus", fast, sizeof fast) &&
        condition_read(f, "sys/devices/cpu_atom/cpus", slow, sizeof slow) && *fast && *slow) {
        condition_say(
            c, CONDITION_NOTE, "hybrid",
            "cores of two kinds: CPUs %s are fast ones, %s are slow ones, and a speedup over both "
            "compares unlike workers",
            fast, slow);
        condition_command(c, f, false, "taskset -c %s poolmark run configs/scaling.ini", fast);
    } else if (capacity.n > 0 && capacity.least < capacity.most) {
        condition_say(
            c, CONDITION_NOTE, "hybrid",
            "cores of several kinds: the slowest have %.0f %% of the fastest ones' capacity, and a "
            "speedup over both compares unlike workers",
            100 * capacity.least / capacity.most);
        condition_advise(c, "--bind with the list of the fast ones: grep . /" CPUS
                            "/cpu*/cpu_capacity");
    } else {
        condition_say(c, CONDITION_GOOD, "alike", "the cores are of one kind, as far as is told");
    }
}

static void look_isolation(const struct condition_facts *f, struct condition *c)
{
    char isolated[96] = "", tickless[96] = "", value[96];
    bool known = condition_read(f, CPUS "/isolated", isolated, sizeof isolated);
    condition_read(f, CPUS "/nohz_full", tickless, sizeof tickless);
    /* "(null)" is what the kernel writes for none. */
    bool any = *isolated || isdigit((unsigned char)*tickless);
    if (!known) {
        condition_say(c, CONDITION_UNKNOWN, "", "whether CPUs are isolated is not told");
    } else if (!any) {
        condition_say(
            c, CONDITION_NOTE, "none",
            "no CPU is kept free of other work: short samples will now and then be disturbed, and "
            "are taken again");
        if (f->machine.pus > 2)
            condition_advise(
                c,
                "on a machine for measuring alone: boot with isolcpus=1-%d nohz_full=1-%d, then "
                "--bind 1..%d",
                f->machine.pus - 1, f->machine.pus - 1, f->machine.pus - 1);
        else
            condition_advise(c, "too few CPUs here to keep some free");
    } else {
        snprintf(value, sizeof value, "isolated %.30s, tickless %.30s", isolated, tickless);
        condition_say(
            c, CONDITION_NOTE, value,
            "isolated CPUs: %s; without ticks: %s; on isolated CPUs unbound workers stay where "
            "they "
            "are started",
            *isolated ? isolated : "none", isdigit((unsigned char)*tickless) ? tickless : "none");
        condition_command(c, f, false, "poolmark run configs/scaling.ini --bind %s",
                          *isolated ? isolated : tickless);
    }
}

/* --- who else is there ------------------------------------------------------------------------ */

static void look_load(const struct condition_facts *f, struct condition *c)
{
    char value[32], who[80] = "";
    if (f->window_s <= 0 || isnan(f->others_cpus)) {
        condition_say(c, CONDITION_UNKNOWN, "", "the load of this moment was not watched");
        return;
    }
    snprintf(value, sizeof value, "%.2f", f->others_cpus);
    if (*f->busiest)
        snprintf(who, sizeof who, ", most of it %s", f->busiest);
    /* 5 % of a CPU is what a cost of 5 % in one worker's share looks like. */
    if (f->others_cpus > 0.05) {
        condition_say(c, CONDITION_BAD, value, "others use %.2f of a CPU at this moment%s",
                      f->others_cpus, who);
        condition_command(c, f, false, "ps -eo pid,user,pcpu,comm --sort=-pcpu | head");
    } else {
        condition_say(c, CONDITION_GOOD, value, "others use %.2f of a CPU at this moment",
                      f->others_cpus);
    }
}

static void look_pressure(const struct condition_facts *f, struct condition *c)
{
    char text[256], value[32];
    double share = NAN;
    if (condition_read(f, "proc/pressure/cpu", text, sizeof text))
        share = condition_number_behind(text, "avg60=");
    if (isnan(share)) {
        condition_say(c, CONDITION_UNKNOWN, "",
                      "the kernel does not tell the pressure on its CPUs (PSI)");
        return;
    }
    snprintf(value, sizeof value, "%.1f %%", share);
    if (share > 5) {
        condition_say(c, CONDITION_NOTE, value,
                      "in the last minute somebody waited for a CPU during %.1f %% of the time",
                      share);
        condition_advise(c,
                         "wait until the machine has been quiet for a minute, if it was not you");
    } else {
        condition_say(c, CONDITION_GOOD, value,
                      "in the last minute somebody waited for a CPU during %.1f %% of the time",
                      share);
    }
}

static void look_priority(const struct condition_facts *f, struct condition *c)
{
    char value[16];
    snprintf(value, sizeof value, "%d", f->nice);
    if (f->nice > 0) {
        condition_say(c, CONDITION_BAD, value, "this process is nice to others (%d): they go first",
                      f->nice);
        condition_command(c, f, true, "renice -n 0 -p $$");
    } else {
        condition_say(c, CONDITION_GOOD, value, "normal priority or above (nice %d)", f->nice);
    }
}

static void look_virtual(const struct condition_facts *f, struct condition *c)
{
    char vendor[64] = "";
    if (!condition_is_virtual(f)) {
        condition_say(c, CONDITION_GOOD, "no", "no virtual machine, as far as is told");
        return;
    }
    condition_read(f, "sys/class/dmi/id/sys_vendor", vendor, sizeof vendor);
    condition_say(c, CONDITION_NOTE, *vendor ? vendor : "yes",
                  "a virtual machine%s%s%s: its host sets the CPUs' clock and may take CPUs away",
                  *vendor ? " (" : "", vendor, *vendor ? ")" : "");
    condition_advise(
        c, "samples tell steal and the clock beside them; compare within one run, not across "
           "days");
}

static void look_steal(const struct condition_facts *f, struct condition *c)
{
    char text[512], value[48];
    double t[8] = {0}, all = 0;
    if (!condition_read(f, "proc/stat", text, sizeof text) ||
        sscanf(text, "cpu %lf %lf %lf %lf %lf %lf %lf %lf", &t[0], &t[1], &t[2], &t[3], &t[4],
               &t[5], &t[6], &t[7]) < 8) {
        condition_say(c, CONDITION_UNKNOWN, "",
                      "time stolen by other virtual machines is not told");
        return;
    }
    for (int i = 0; i < 8; i++)
        all += i == 3 || i == 4 ? 0 : t[i]; /* without the idle time: nobody steals that */
    double share = all > 0 ? 100 * t[7] / all : 0;
    bool now = f->window_s > 0 && f->stolen_cpus > 0.02;
    snprintf(value, sizeof value, "%.2f %% since boot", share);
    /* Of the time in which somebody wanted to compute. */
    if (now || share > 2) {
        condition_say(c, CONDITION_BAD, value,
                      "other virtual machines took %.2f %% of the computing time since boot%s",
                      share, now ? ", and take it at this moment" : "");
        condition_advise(
            c, "rent a machine with CPUs of its own, or measure when its neighbours sleep");
    } else {
        condition_say(c, CONDITION_GOOD, value,
                      "other virtual machines took %.2f %% of the computing time since boot",
                      share);
    }
}

/* --- the clock of the CPUs -------------------------------------------------------------------- */

static void look_governor(const struct condition_facts *f, struct condition *c)
{
    struct condition_survey s = condition_survey(f, "cpufreq/scaling_governor");
    char value[96];
    if (s.n == 0) {
        condition_say(c, CONDITION_UNKNOWN, "", "which governor sets the CPUs' clock is not told%s",
                      condition_is_virtual(f) ? ": the host does" : "");
        return;
    }
    snprintf(value, sizeof value, "%.40s%s%.40s", s.first, s.n_other ? ", " : "", s.other);
    if (s.n_other == 0 && strcmp(s.first, "performance") == 0) {
        condition_say(c, CONDITION_GOOD, value, "the governor is performance on all %zu CPUs", s.n);
        return;
    }
    condition_say(
        c, CONDITION_BAD, value,
        "the governor is %s: the clock follows the load, and the first samples are slow ones",
        value);
    condition_command(c, f, true, "echo performance | tee /" CPUS "/cpu*/cpufreq/scaling_governor");
}

static void look_turbo(const struct condition_facts *f, struct condition *c)
{
    char text[16];
    const char *intel = CPUS "/intel_pstate/no_turbo", *other = CPUS "/cpufreq/boost";
    bool is_intel = condition_read(f, intel, text, sizeof text);
    if (!is_intel && !condition_read(f, other, text, sizeof text)) {
        condition_say(c, CONDITION_UNKNOWN, "",
                      "whether the clock rises above its nominal rate is not told%s",
                      condition_is_virtual(f) ? ": the host decides" : "");
        return;
    }
    if (is_intel ? *text == '1' : *text == '0') {
        condition_say(c, CONDITION_GOOD, "off",
                      "the clock stays at its nominal rate (turbo is off)");
        return;
    }
    condition_say(
        c, CONDITION_BAD, "on",
        "turbo is on: one worker gets a higher clock than many, so that speedups come out too low");
    condition_command(c, f, true, "echo %d | tee /%s", is_intel ? 1 : 0, is_intel ? intel : other);
}

static void look_throttling(const struct condition_facts *f, struct condition *c)
{
    struct condition_survey core = condition_survey(f, "thermal_throttle/core_throttle_count");
    struct condition_survey package =
        condition_survey(f, "thermal_throttle/package_throttle_count");
    char value[32];
    if (core.n + package.n == 0) {
        condition_say(c, CONDITION_UNKNOWN, "",
                      "whether the CPUs were slowed down by heat is not told");
        return;
    }
    double times = core.sum + (package.n ? package.most : 0);
    snprintf(value, sizeof value, "%.0f since boot", times);
    if (times > 0) {
        condition_say(c, CONDITION_NOTE, value,
                      "heat has slowed the CPUs down %.0f times since boot", times);
        condition_advise(
            c, "if the number grows while you measure: better cooling, or fewer workers; such "
               "samples have the flag slow-clock");
    } else {
        condition_say(c, CONDITION_GOOD, value, "heat has not slowed the CPUs down since boot");
    }
}

static void look_battery(const struct condition_facts *f, struct condition *c)
{
    struct text folder = TEXT_INIT;
    text_addf(&folder, "%s/sys/class/power_supply", f->root);
    DIR *dir = opendir(folder.text);
    text_release(&folder);
    bool discharges = false, any = false;
    for (struct dirent *e; dir && (e = readdir(dir));) {
        char path[400], text[64];
        snprintf(path, sizeof path, "sys/class/power_supply/%.200s/status", e->d_name);
        if (*e->d_name != '.' && condition_read(f, path, text, sizeof text)) {
            any = true;
            discharges = discharges || strcmp(text, "Discharging") == 0;
        }
    }
    if (dir)
        closedir(dir);
    if (discharges) {
        condition_say(c, CONDITION_BAD, "discharging",
                      "runs on its battery, which saves power by the clock");
        condition_advise(c, "plug it in");
    } else {
        condition_say(c, CONDITION_GOOD, any ? "plugged in" : "none", "%s",
                      any ? "its battery is not in use" : "no battery");
    }
}

/* --- the table -------------------------------------------------------------------------------- */

const struct condition_look condition_of_cpus[] = {
    {"cpus", "usable CPUs, and why", CONDITION_MACHINE, look_cpus},
    {"quota", "quota of CPU time of the cgroup", CONDITION_MACHINE, look_quota},
    {"offline", "CPUs that are offline", CONDITION_MACHINE, look_offline},
    {"smt", "CPUs that share a core", CONDITION_MACHINE, look_smt},
    {"hybrid", "cores of several kinds", CONDITION_MACHINE, look_hybrid},
    {"isolation", "CPUs kept free of other work", CONDITION_MACHINE, look_isolation},
    {"load", "what others use at this moment", CONDITION_MOMENT, look_load},
    {"pressure", "waiting for CPUs in the last minute", CONDITION_MOMENT, look_pressure},
    {"priority", "priority of this process", CONDITION_MOMENT, look_priority},
    {"virtual", "virtual machine", CONDITION_MACHINE, look_virtual},
    {"steal", "time taken by other virtual machines", CONDITION_MOMENT, look_steal},
    {"governor", "who sets the CPUs' clock", CONDITION_MACHINE, look_governor},
    {"turbo", "clock above the nominal rate", CONDITION_MACHINE, look_turbo},
    {"throttling", "CPUs slowed down by heat", CONDITION_MOMENT, look_throttling},
    {"battery", "battery in use", CONDITION_MOMENT, look_battery},
};
