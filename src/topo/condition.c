/* The condition of a machine: the checks, pure in the facts and in files below a root. See
 * condition.h; what no file says is taken in observe.c.
 *
 * Limits stand beside the check that has them, with their reason. Where a file is absent the
 * verdict is `unknown`, which never makes a machine unfit: virtual machines and containers hide
 * much of theirs. */
#include "topo/condition.h"

#include "base/text.h"
#include "base/units.h"

#include <ctype.h>
#include <dirent.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CPUS "sys/devices/system/cpu"

static const char *const verdicts[] = {
    [CONDITION_GOOD] = "good",
    [CONDITION_NOTE] = "note",
    [CONDITION_BAD] = "bad",
    [CONDITION_UNKNOWN] = "unknown",
};

const char *condition_verdict_name(enum condition_verdict verdict)
{
    return verdicts[verdict];
}

/* --- telling ---------------------------------------------------------------------------------- */

__attribute__((format(printf, 4, 5))) static void
say(struct condition *c, enum condition_verdict verdict, const char *value, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    c->verdict = verdict;
    text_copy(c->value, sizeof c->value, value);
    vsnprintf(c->sentence, sizeof c->sentence, format, arguments);
    va_end(arguments);
}

/* A command to paste; those that need root get sudo for whoever is not. */
__attribute__((format(printf, 4, 5))) static void
command(struct condition *c, const struct condition_facts *f, bool as_root, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char text[sizeof c->remedy];
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    /* Only the program that writes needs the rights: it is the last of a pipe. */
    const char *pipe = as_root && f->uid != 0 ? strrchr(text, '|') : NULL;
    const char *writer = pipe ? pipe + 2 : text;
    struct text whole = TEXT_INIT;
    text_addf(&whole, "%.*s%s%s", (int)(writer - text), text, as_root && f->uid != 0 ? "sudo " : "",
              writer);
    text_copy(c->remedy, sizeof c->remedy, whole.text);
    text_release(&whole);
    c->is_command = true;
}

/* What can be done where no command does it, or what it means. */
__attribute__((format(printf, 2, 3))) static void advise(struct condition *c, const char *format,
                                                         ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(c->remedy, sizeof c->remedy, format, arguments);
    va_end(arguments);
    c->is_command = false;
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Reads a file, trimmed, as far as the buffer goes; false, and "", when it is not there. */
static bool read_text(const struct condition_facts *f, const char *path, char *buffer, size_t size)
{
    struct text full = TEXT_INIT;
    text_addf(&full, "%s/%s", f->root, path);
    FILE *file = fopen(full.text, "re");
    text_release(&full);
    size_t n = file ? fread(buffer, 1, size - 1, file) : 0;
    if (file)
        fclose(file);
    while (n > 0 && isspace((unsigned char)buffer[n - 1]))
        n--;
    buffer[n] = '\0';
    return file != NULL;
}

/* The number that stands behind a word: "MemTotal:   100 kB"; NAN when the word is not there. */
static double number_behind(const char *text, const char *word)
{
    const char *at = strstr(text, word);
    char *end;
    double value = at ? strtod(at + strlen(word), &end) : NAN;
    return at && end != at + strlen(word) ? value : NAN;
}

/* What the CPUs have in a file of their own: cpuN/NAME. */
struct survey {
    size_t n, n_other; /* CPUs that have it; those whose text differs from the first's */
    char first[64], other[64];
    double sum, least, most; /* of the numbers in them */
};

static struct survey survey_cpus(const struct condition_facts *f, const char *name)
{
    struct survey s = {.least = INFINITY, .most = -INFINITY};
    struct text folder = TEXT_INIT;
    text_addf(&folder, "%s/" CPUS, f->root);
    DIR *dir = opendir(folder.text);
    text_release(&folder);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        char path[400], text[64];
        if (strncmp(e->d_name, "cpu", 3) != 0 || !isdigit((unsigned char)e->d_name[3]))
            continue;
        snprintf(path, sizeof path, CPUS "/%.60s/%s", e->d_name, name);
        if (!read_text(f, path, text, sizeof text))
            continue;
        if (s.n++ == 0)
            text_copy(s.first, sizeof s.first, text);
        if (strcmp(text, s.first) != 0 && s.n_other++ == 0)
            text_copy(s.other, sizeof s.other, text);
        double number = strtod(text, NULL);
        s.sum += number;
        s.least = fmin(s.least, number);
        s.most = fmax(s.most, number);
    }
    if (dir)
        closedir(dir);
    return s;
}

/* The value of a word of the kernel's command line, "isolcpus=2-7" → "2-7"; false when absent. */
static bool boot_word(const struct condition_facts *f, const char *word, char *value, size_t size)
{
    char line[4096];
    bool found = false;
    read_text(f, "proc/cmdline", line, sizeof line);
    size_t n, length = strlen(word);
    char **words = text_words(line, " ", &n);
    for (size_t i = 0; i < n && !found; i++) {
        found = strncmp(words[i], word, length) == 0 && words[i][length] == '=';
        if (found)
            text_copy(value, size, words[i] + length + 1);
    }
    text_words_free(words);
    return found;
}

static bool is_virtual(const struct condition_facts *f)
{
    char text[8192];
    if (!read_text(f, "proc/cpuinfo", text, sizeof text))
        return false;
    const char *flags = strstr(text, "\nflags");
    const char *end = flags ? strchr(flags + 1, '\n') : NULL;
    const char *word = flags ? strstr(flags, " hypervisor") : NULL;
    return (word && (!end || word < end)) || read_text(f, "sys/hypervisor/type", text, sizeof text);
}

/* --- how many CPUs ---------------------------------------------------------------------------- */

static void look_cpus(const struct condition_facts *f, struct condition *c)
{
    char text[256], value[32];
    snprintf(value, sizeof value, "%d of %d", f->machine.usable, f->machine.pus);
    bool one = f->machine.usable < 2;
    say(c, one ? CONDITION_BAD : CONDITION_GOOD, value, "%s",
        topo_explain(&f->machine, text, sizeof text));
    if (!one)
        return;
    if (f->machine.affinity < f->machine.pus)
        command(c, f, false, "taskset -c 0-%d poolmark doctor", f->machine.pus - 1);
    else if (f->machine.quota_cpus > 0)
        advise(c, "it is the quota that leaves one: see quota");
    else
        advise(c, "work that computes cannot show a speedup on one CPU; sleepers can");
}

static void look_quota(const struct condition_facts *f, struct condition *c)
{
    char value[32];
    double quota = f->machine.quota_cpus;
    snprintf(value, sizeof value, "%.4g", quota);
    if (quota <= 0) {
        say(c, CONDITION_GOOD, "none", "no quota of CPU time");
        return;
    }
    if (quota >= f->machine.affinity) {
        say(c, CONDITION_NOTE, value,
            "a quota of %.4g CPUs, no less than the %d that may be used: it stops nobody unless "
            "other processes of the group compute too",
            quota, f->machine.affinity);
        advise(c, "nothing to do while the group is yours alone");
        return;
    }
    say(c, CONDITION_BAD, value,
        "a quota of %.4g CPU%s on %d CPUs: whoever has used it up stands still for the rest of "
        "each period, tens of milliseconds",
        quota, quota == 1 ? "" : "s", f->machine.affinity);
    /* Lifted where that is possible at all; whole CPUs are the other way to share a machine. */
    char path[300], text[16];
    snprintf(path, sizeof path, "%s/cpu.max", f->quota_group);
    bool is_v2 = *f->quota_group && read_text(f, path, text, sizeof text);
    int whole = (int)floor(quota);
    if (*f->quota_group)
        command(c, f, true, "echo %s | tee %s/%s", is_v2 ? "max" : "-1", f->quota_group,
                is_v2 ? "cpu.max" : "cpu.cfs_quota_us");
    else if (whole > 0)
        advise(c,
               "give whole CPUs in its place: docker run --cpuset-cpus=0-%d without --cpus; else "
               "keep to --workers %d",
               whole - 1, whole);
    else
        advise(c, "give a whole CPU in its place: docker run --cpuset-cpus=0 without --cpus");
}

static void look_offline(const struct condition_facts *f, struct condition *c)
{
    char list[96];
    if (!read_text(f, CPUS "/offline", list, sizeof list))
        say(c, CONDITION_UNKNOWN, "", "which CPUs are offline is not told");
    else if (!*list)
        say(c, CONDITION_GOOD, "none", "no CPU is offline");
    else {
        say(c, CONDITION_NOTE, list, "offline: %s", list);
        advise(c, "they are not counted; a run's topology shows the machine without them");
    }
}

static void look_smt(const struct condition_facts *f, struct condition *c)
{
    char active[16], value[48];
    int more = f->machine.usable - f->machine.usable_cores;
    bool known = read_text(f, CPUS "/smt/active", active, sizeof active);
    if (more > 0) {
        snprintf(value, sizeof value, "%d on %d cores", f->machine.usable, f->machine.usable_cores);
        say(c, CONDITION_NOTE, value,
            "%d usable CPUs share %d core%s: beyond %d workers two share a core, and the speedup "
            "bends there",
            f->machine.usable, f->machine.usable_cores, f->machine.usable_cores == 1 ? "" : "s",
            f->machine.usable_cores);
        command(c, f, false, "poolmark run configs/scaling.ini --workers 1..cores --bind close");
    } else if (known || f->machine.cores > 0) {
        say(c, CONDITION_GOOD, known && *active == '1' ? "on" : "off",
            "each usable CPU has a core of its own%s",
            is_virtual(f) ? ", as far as a virtual machine knows" : "");
    } else {
        say(c, CONDITION_UNKNOWN, "", "whether CPUs share cores is not told");
    }
}

static void look_hybrid(const struct condition_facts *f, struct condition *c)
{
    char fast[96], slow[96];
    struct survey capacity = survey_cpus(f, "cpu_capacity");
    if (read_text(f, "sys/devices/cpu_core/cpus", fast, sizeof fast) &&
        read_text(f, "sys/devices/cpu_atom/cpus", slow, sizeof slow) && *fast && *slow) {
        say(c, CONDITION_NOTE, "hybrid",
            "cores of two kinds: CPUs %s are fast ones, %s are slow ones, and a speedup over both "
            "compares unlike workers",
            fast, slow);
        command(c, f, false, "taskset -c %s poolmark run configs/scaling.ini", fast);
    } else if (capacity.n > 0 && capacity.least < capacity.most) {
        say(c, CONDITION_NOTE, "hybrid",
            "cores of several kinds: the slowest have %.0f %% of the fastest ones' capacity, and a "
            "speedup over both compares unlike workers",
            100 * capacity.least / capacity.most);
        advise(c, "--bind with the list of the fast ones: grep . /" CPUS "/cpu*/cpu_capacity");
    } else {
        say(c, CONDITION_GOOD, "alike", "the cores are of one kind, as far as is told");
    }
}

static void look_isolation(const struct condition_facts *f, struct condition *c)
{
    char isolated[96] = "", tickless[96] = "", value[96];
    bool known = read_text(f, CPUS "/isolated", isolated, sizeof isolated);
    read_text(f, CPUS "/nohz_full", tickless, sizeof tickless);
    /* "(null)" is what the kernel writes for none. */
    bool any = *isolated || isdigit((unsigned char)*tickless);
    if (!known) {
        say(c, CONDITION_UNKNOWN, "", "whether CPUs are isolated is not told");
    } else if (!any) {
        say(c, CONDITION_NOTE, "none",
            "no CPU is kept free of other work: short samples will now and then be disturbed, and "
            "are taken again");
        if (f->machine.pus > 2)
            advise(c,
                   "on a machine for measuring alone: boot with isolcpus=1-%d nohz_full=1-%d, then "
                   "--bind 1..%d",
                   f->machine.pus - 1, f->machine.pus - 1, f->machine.pus - 1);
        else
            advise(c, "too few CPUs here to keep some free");
    } else {
        snprintf(value, sizeof value, "isolated %.30s, tickless %.30s", isolated, tickless);
        say(c, CONDITION_NOTE, value,
            "isolated CPUs: %s; without ticks: %s; on isolated CPUs unbound workers stay where "
            "they "
            "are started",
            *isolated ? isolated : "none", isdigit((unsigned char)*tickless) ? tickless : "none");
        command(c, f, false, "poolmark run configs/scaling.ini --bind %s",
                *isolated ? isolated : tickless);
    }
}

/* --- who else is there ------------------------------------------------------------------------ */

static void look_load(const struct condition_facts *f, struct condition *c)
{
    char value[32], who[80] = "";
    if (f->window_s <= 0 || isnan(f->others_cpus)) {
        say(c, CONDITION_UNKNOWN, "", "the load of this moment was not watched");
        return;
    }
    snprintf(value, sizeof value, "%.2f", f->others_cpus);
    if (*f->busiest)
        snprintf(who, sizeof who, ", most of it %s", f->busiest);
    /* 5 % of a CPU is what a cost of 5 % in one worker's share looks like. */
    if (f->others_cpus > 0.05) {
        say(c, CONDITION_BAD, value, "others use %.2f of a CPU at this moment%s", f->others_cpus,
            who);
        command(c, f, false, "ps -eo pid,user,pcpu,comm --sort=-pcpu | head");
    } else {
        say(c, CONDITION_GOOD, value, "others use %.2f of a CPU at this moment", f->others_cpus);
    }
}

static void look_pressure(const struct condition_facts *f, struct condition *c)
{
    char text[256], value[32];
    double share = NAN;
    if (read_text(f, "proc/pressure/cpu", text, sizeof text))
        share = number_behind(text, "avg60=");
    if (isnan(share)) {
        say(c, CONDITION_UNKNOWN, "", "the kernel does not tell the pressure on its CPUs (PSI)");
        return;
    }
    snprintf(value, sizeof value, "%.1f %%", share);
    if (share > 5) {
        say(c, CONDITION_NOTE, value,
            "in the last minute somebody waited for a CPU during %.1f %% of the time", share);
        advise(c, "wait until the machine has been quiet for a minute, if it was not you");
    } else {
        say(c, CONDITION_GOOD, value,
            "in the last minute somebody waited for a CPU during %.1f %% of the time", share);
    }
}

static void look_priority(const struct condition_facts *f, struct condition *c)
{
    char value[16];
    snprintf(value, sizeof value, "%d", f->nice);
    if (f->nice > 0) {
        say(c, CONDITION_BAD, value, "this process is nice to others (%d): they go first", f->nice);
        command(c, f, true, "renice -n 0 -p $$");
    } else {
        say(c, CONDITION_GOOD, value, "normal priority or above (nice %d)", f->nice);
    }
}

static void look_virtual(const struct condition_facts *f, struct condition *c)
{
    char vendor[64] = "";
    if (!is_virtual(f)) {
        say(c, CONDITION_GOOD, "no", "no virtual machine, as far as is told");
        return;
    }
    read_text(f, "sys/class/dmi/id/sys_vendor", vendor, sizeof vendor);
    say(c, CONDITION_NOTE, *vendor ? vendor : "yes",
        "a virtual machine%s%s%s: its host sets the CPUs' clock and may take CPUs away",
        *vendor ? " (" : "", vendor, *vendor ? ")" : "");
    advise(c, "samples tell steal and the clock beside them; compare within one run, not across "
              "days");
}

static void look_steal(const struct condition_facts *f, struct condition *c)
{
    char text[512], value[48];
    double t[8] = {0}, all = 0;
    if (!read_text(f, "proc/stat", text, sizeof text) ||
        sscanf(text, "cpu %lf %lf %lf %lf %lf %lf %lf %lf", &t[0], &t[1], &t[2], &t[3], &t[4],
               &t[5], &t[6], &t[7]) < 8) {
        say(c, CONDITION_UNKNOWN, "", "time stolen by other virtual machines is not told");
        return;
    }
    for (int i = 0; i < 8; i++)
        all += i == 3 || i == 4 ? 0 : t[i]; /* without the idle time: nobody steals that */
    double share = all > 0 ? 100 * t[7] / all : 0;
    bool now = f->window_s > 0 && f->stolen_cpus > 0.02;
    snprintf(value, sizeof value, "%.2f %% since boot", share);
    /* Of the time in which somebody wanted to compute. */
    if (now || share > 2) {
        say(c, CONDITION_BAD, value,
            "other virtual machines took %.2f %% of the computing time since boot%s", share,
            now ? ", and take it at this moment" : "");
        advise(c, "rent a machine with CPUs of its own, or measure when its neighbours sleep");
    } else {
        say(c, CONDITION_GOOD, value,
            "other virtual machines took %.2f %% of the computing time since boot", share);
    }
}

/* --- the clock of the CPUs -------------------------------------------------------------------- */

static void look_governor(const struct condition_facts *f, struct condition *c)
{
    struct survey s = survey_cpus(f, "cpufreq/scaling_governor");
    char value[96];
    if (s.n == 0) {
        say(c, CONDITION_UNKNOWN, "", "which governor sets the CPUs' clock is not told%s",
            is_virtual(f) ? ": the host does" : "");
        return;
    }
    snprintf(value, sizeof value, "%.40s%s%.40s", s.first, s.n_other ? ", " : "", s.other);
    if (s.n_other == 0 && strcmp(s.first, "performance") == 0) {
        say(c, CONDITION_GOOD, value, "the governor is performance on all %zu CPUs", s.n);
        return;
    }
    say(c, CONDITION_BAD, value,
        "the governor is %s: the clock follows the load, and the first samples are slow ones",
        value);
    command(c, f, true, "echo performance | tee /" CPUS "/cpu*/cpufreq/scaling_governor");
}

static void look_turbo(const struct condition_facts *f, struct condition *c)
{
    char text[16];
    const char *intel = CPUS "/intel_pstate/no_turbo", *other = CPUS "/cpufreq/boost";
    bool is_intel = read_text(f, intel, text, sizeof text);
    if (!is_intel && !read_text(f, other, text, sizeof text)) {
        say(c, CONDITION_UNKNOWN, "",
            "whether the clock rises above its nominal rate is not told%s",
            is_virtual(f) ? ": the host decides" : "");
        return;
    }
    if (is_intel ? *text == '1' : *text == '0') {
        say(c, CONDITION_GOOD, "off", "the clock stays at its nominal rate (turbo is off)");
        return;
    }
    say(c, CONDITION_BAD, "on",
        "turbo is on: one worker gets a higher clock than many, so that speedups come out too low");
    command(c, f, true, "echo %d | tee /%s", is_intel ? 1 : 0, is_intel ? intel : other);
}

static void look_throttling(const struct condition_facts *f, struct condition *c)
{
    struct survey core = survey_cpus(f, "thermal_throttle/core_throttle_count");
    struct survey package = survey_cpus(f, "thermal_throttle/package_throttle_count");
    char value[32];
    if (core.n + package.n == 0) {
        say(c, CONDITION_UNKNOWN, "", "whether the CPUs were slowed down by heat is not told");
        return;
    }
    double times = core.sum + (package.n ? package.most : 0);
    snprintf(value, sizeof value, "%.0f since boot", times);
    if (times > 0) {
        say(c, CONDITION_NOTE, value, "heat has slowed the CPUs down %.0f times since boot", times);
        advise(c, "if the number grows while you measure: better cooling, or fewer workers; such "
                  "samples have the flag slow-clock");
    } else {
        say(c, CONDITION_GOOD, value, "heat has not slowed the CPUs down since boot");
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
        if (*e->d_name != '.' && read_text(f, path, text, sizeof text)) {
            any = true;
            discharges = discharges || strcmp(text, "Discharging") == 0;
        }
    }
    if (dir)
        closedir(dir);
    if (discharges) {
        say(c, CONDITION_BAD, "discharging", "runs on its battery, which saves power by the clock");
        advise(c, "plug it in");
    } else {
        say(c, CONDITION_GOOD, any ? "plugged in" : "none", "%s",
            any ? "its battery is not in use" : "no battery");
    }
}

/* --- the clock that measures ------------------------------------------------------------------ */

static void look_clocksource(const struct condition_facts *f, struct condition *c)
{
    static const char *const good[] = {"tsc", "arch_sys_counter", "timebase", "tod", "riscv"};
    char source[64], choice[128];
    const char *folder = "sys/devices/system/clocksource/clocksource0";
    char path[128];
    snprintf(path, sizeof path, "%s/current_clocksource", folder);
    if (!read_text(f, path, source, sizeof source)) {
        say(c, CONDITION_UNKNOWN, "", "the clock source is not told");
        return;
    }
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (strncmp(source, good[i], strlen(good[i])) == 0) {
            say(c, CONDITION_GOOD, source, "the clock source is %s, read without the kernel",
                source);
            return;
        }
    /* kvm-clock and hyperv pages are read without the kernel too, but corrected by the host. */
    bool paravirtual = strstr(source, "kvm") || strstr(source, "hyperv");
    snprintf(path, sizeof path, "%s/available_clocksource", folder);
    read_text(f, path, choice, sizeof choice);
    say(c, paravirtual ? CONDITION_NOTE : CONDITION_BAD, source, "the clock source is %s, %s",
        source,
        paravirtual ? "which the host corrects"
                    : "which costs a call of the kernel, or microseconds, at each reading");
    if (strstr(choice, "tsc"))
        command(c, f, true, "echo tsc | tee /%s/current_clocksource", folder);
    else if (paravirtual)
        advise(c, "harmless for samples of a millisecond and more");
    else
        advise(c, "the kernel does not trust the CPUs' counter here: look for tsc in dmesg");
}

/* The rules of Hoefler & Belli (SC15): reading the clock takes less than 5 % of what is timed, and
 * its step is ten times finer. */
static void look_timer(const struct condition_facts *f, struct condition *c)
{
    char value[96], cost[32], step[32], shortest[32];
    double least = fmax(20 * f->timer_cost_ns, 10 * f->timer_resolution_ns);
    if (!(f->timer_cost_ns > 0)) {
        say(c, CONDITION_UNKNOWN, "", "the cost of reading the clock was not measured");
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
    say(c, verdict, value,
        "reading the clock costs %s, its step is %s: good for samples of %s and more", cost, step,
        shortest);
    if (verdict != CONDITION_GOOD)
        advise(c, "make samples longer than %s: more tasks, or longer ones", shortest);
}

static void look_slack(const struct condition_facts *f, struct condition *c)
{
    char value[32];
    if (isnan(f->slack_ns)) {
        say(c, CONDITION_UNKNOWN, "", "the timer slack is not told");
        return;
    }
    units_format_ns(f->slack_ns, value, sizeof value);
    if (f->slack_ns > 50000) {
        say(c, CONDITION_NOTE, value, "sleeping processes may be woken %s late (timer slack)",
            value);
        advise(c, "start from a shell with the usual slack, 50 us: it is inherited");
    } else {
        say(c, CONDITION_GOOD, value, "timer slack %s; workloads that sleep set their own", value);
    }
}

/* --- memory ----------------------------------------------------------------------------------- */

static void look_memory(const struct condition_facts *f, struct condition *c)
{
    char text[2048], value[64];
    read_text(f, "proc/meminfo", text, sizeof text);
    double total = number_behind(text, "MemTotal:"), free = number_behind(text, "MemAvailable:");
    if (isnan(total) || isnan(free) || total <= 0) {
        say(c, CONDITION_UNKNOWN, "", "how much memory is free is not told");
        return;
    }
    double gib = 1024 * 1024;
    snprintf(value, sizeof value, "%.1f of %.1f GiB free", free / gib, total / gib);
    bool tight = free < total / 20;
    say(c, tight ? CONDITION_BAD : CONDITION_GOOD, value, "memory: %s", value);
    if (tight)
        command(c, f, false, "ps -eo pid,user,rss,comm --sort=-rss | head");
}

static void look_swap(const struct condition_facts *f, struct condition *c)
{
    char text[2048], value[48];
    if (!read_text(f, "proc/meminfo", text, sizeof text) ||
        isnan(number_behind(text, "SwapTotal:"))) {
        say(c, CONDITION_UNKNOWN, "", "whether memory is swapped out is not told");
        return;
    }
    double total = number_behind(text, "SwapTotal:"),
           used = total - number_behind(text, "SwapFree:");
    snprintf(value, sizeof value, total > 0 ? "%.0f of %.0f MiB used" : "none", used / 1024,
             total / 1024);
    if (used > 0) {
        say(c, CONDITION_NOTE, value, "swap: %.0f MiB are swapped out; a task may wait for a disk",
            used / 1024);
        command(c, f, true, "swapoff -a");
    } else {
        say(c, CONDITION_GOOD, value, total > 0 ? "no memory is swapped out" : "no swap");
    }
}

static void look_thp(const struct condition_facts *f, struct condition *c)
{
    char text[64], chosen[32] = "";
    const char *path = "sys/kernel/mm/transparent_hugepage/enabled";
    if (!read_text(f, path, text, sizeof text) || sscanf(text, "%*[^[][%31[^]]", chosen) != 1)
        if (sscanf(text, "[%31[^]]", chosen) != 1) {
            say(c, CONDITION_UNKNOWN, "", "the policy of huge pages is not told");
            return;
        }
    if (strcmp(chosen, "always") == 0) {
        say(c, CONDITION_NOTE, chosen,
            "huge pages for everybody: whether a launch gets them is luck, and launches differ");
        command(c, f, true, "echo madvise | tee /%s", path);
    } else {
        say(c, CONDITION_GOOD, chosen, "huge pages: %s", chosen);
    }
}

static void look_numa(const struct condition_facts *f, struct condition *c)
{
    char text[16];
    if (!read_text(f, "proc/sys/kernel/numa_balancing", text, sizeof text)) {
        say(c, CONDITION_GOOD, "off", "pages are not moved between NUMA nodes");
        return;
    }
    bool on = *text != '0';
    if (on && f->machine.numa_nodes > 1) {
        say(c, CONDITION_BAD, "on",
            "the kernel moves pages between the %d NUMA nodes while you measure",
            f->machine.numa_nodes);
        command(c, f, true, "sysctl kernel.numa_balancing=0");
    } else {
        say(c, CONDITION_GOOD, on ? "on, one node" : "off",
            "pages are not moved between NUMA nodes");
    }
}

static void look_aslr(const struct condition_facts *f, struct condition *c)
{
    char text[16];
    if (!read_text(f, "proc/sys/kernel/randomize_va_space", text, sizeof text)) {
        say(c, CONDITION_UNKNOWN, "", "whether addresses are random is not told");
    } else if (*text != '0') {
        say(c, CONDITION_NOTE, text,
            "addresses are random (%s): each launch has its own layout, and launches differ by it",
            text);
        advise(c, "leave it so: several launches average over layouts, one would be an accident");
    } else {
        say(c, CONDITION_NOTE, text,
            "addresses are not random: all launches share one layout, which may be a lucky one");
        command(c, f, true, "sysctl kernel.randomize_va_space=2");
    }
}

static void look_mitigations(const struct condition_facts *f, struct condition *c)
{
    char value[64] = "default";
    bool set = boot_word(f, "mitigations", value, sizeof value);
    say(c, set ? CONDITION_NOTE : CONDITION_GOOD, value,
        set ? "the kernel was booted with mitigations=%s, which changes what its calls cost"
            : "mitigations of the CPU's faults: %s",
        value);
    if (set)
        advise(c, "a factor: compare with machines booted alike");
}

static void look_shm(const struct condition_facts *f, struct condition *c)
{
    char value[64];
    if (isnan(f->shm_bytes)) {
        say(c, CONDITION_UNKNOWN, "",
            "/dev/shm is not there: ranks of one machine cannot share "
            "memory by it");
        return;
    }
    double mib = 1 << 20;
    snprintf(value, sizeof value, "%.0f MiB", f->shm_bytes / mib);
    /* Each rank takes some 4 MiB for messages, and windows come on top. */
    double need = 16 + 8.0 * f->machine.usable;
    if (f->shm_free_bytes / mib < need) {
        say(c, CONDITION_BAD, value,
            "/dev/shm has %.0f MiB of %.0f free; %d ranks may need %.0f: they would die of SIGBUS",
            f->shm_free_bytes / mib, f->shm_bytes / mib, f->machine.usable, need);
        command(c, f, true, "mount -o remount,size=1g /dev/shm");
    } else {
        say(c, CONDITION_GOOD, value, "/dev/shm has %.0f MiB free", f->shm_free_bytes / mib);
    }
}

static void look_processes(const struct condition_facts *f, struct condition *c)
{
    char value[32];
    if (isinf(f->most_processes) || isnan(f->most_processes)) {
        say(c, CONDITION_GOOD, "none", "no limit on the number of processes");
        return;
    }
    snprintf(value, sizeof value, "%.0f", f->most_processes);
    double need = 64 + 8.0 * f->machine.usable;
    if (f->most_processes < need) {
        say(c, CONDITION_BAD, value,
            "at most %.0f processes and threads; cells side by side may need %.0f",
            f->most_processes, need);
        command(c, f, false, "ulimit -u %.0f", need);
    } else {
        say(c, CONDITION_GOOD, value, "at most %.0f processes and threads", f->most_processes);
    }
}

/* --- binding, root, and the program's parts --------------------------------------------------- */

static void look_binding(const struct condition_facts *f, struct condition *c)
{
    if (f->can_bind) {
        say(c, CONDITION_GOOD, "yes", "threads can be bound to CPUs");
        return;
    }
    say(c, CONDITION_BAD, "no", "hwloc cannot bind threads here: --bind will fail");
    advise(c, "a container may forbid sched_setaffinity: allow it in its seccomp profile");
}

static void look_root(const struct condition_facts *f, struct condition *c)
{
    if (f->uid != 0) {
        say(c, CONDITION_GOOD, "no", "an ordinary user");
        return;
    }
    say(c, CONDITION_NOTE, "yes",
        "runs as root: Open MPI starts only with OMPI_ALLOW_RUN_AS_ROOT=1, which is set for it");
    advise(c, "an ordinary user measures the same; OMPI_ALLOW_RUN_AS_ROOT=0 forbids it");
}

static void say_untold(struct condition *c)
{
    say(c, CONDITION_UNKNOWN, "", "was not looked at");
}

static void look_build(const struct condition_facts *f, struct condition *c)
{
    if (!f->parts.told) {
        say_untold(c);
    } else if (f->parts.optimised) {
        say(c, CONDITION_GOOD, "optimised", "built with optimisation");
    } else {
        say(c, CONDITION_BAD, "-O0", "built without optimisation: times say little");
        command(c, f, false, "make clean && make CFLAGS='-O2 -g'");
    }
}

static void look_backends(const struct condition_facts *f, struct condition *c)
{
    if (!f->parts.told) {
        say_untold(c);
    } else if (!*f->parts.missing) {
        say(c, CONDITION_GOOD, "all", "all backends are there");
    } else {
        say(c, CONDITION_NOTE, "some missing", "not there: %s", f->parts.missing);
        advise(c, "%s", f->parts.missing_remedy);
    }
}

static void look_gnuplot(const struct condition_facts *f, struct condition *c)
{
    if (!f->parts.told) {
        say_untold(c);
    } else if (f->parts.has_gnuplot) {
        say(c, CONDITION_GOOD, "yes", "gnuplot is there");
    } else {
        say(c, CONDITION_NOTE, "no", "no gnuplot: runs have tables and no figures");
        command(c, f, true, "apt-get install gnuplot-nox");
    }
}

static void look_mpirun(const struct condition_facts *f, struct condition *c)
{
    if (!f->parts.told) {
        say_untold(c);
    } else if (!*f->parts.mpirun) {
        say(c, CONDITION_NOTE, "none", "no mpirun: the backends mpi and hybrid cannot run");
        command(c, f, true, "apt-get install openmpi-bin");
    } else if (f->slots < f->machine.usable) {
        say(c, CONDITION_NOTE, f->parts.mpirun,
            "%s has %d slot%s, one a core, for %d usable CPUs: more ranks are refused",
            f->parts.mpirun, f->slots, f->slots == 1 ? "" : "s", f->machine.usable);
        command(c, f, false, "poolmark run configs/scaling.ini --backends mpi --oversubscribe");
    } else {
        say(c, CONDITION_GOOD, f->parts.mpirun, "%s, %d slot%s", f->parts.mpirun, f->slots,
            f->slots == 1 ? "" : "s");
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
        say(c, CONDITION_GOOD, value, "the name of this host is looked up in %.0f ms",
            f->parts.resolve_ms);
        return;
    }
    say(c, CONDITION_NOTE, value, "looking up the name of this host %s %.0f ms, at each mpirun",
        f->parts.resolves ? "takes" : "fails after", f->parts.resolve_ms);
    command(c, f, true, "echo \"127.0.1.1 $(hostname)\" | tee -a /etc/hosts");
}

/* --- the table -------------------------------------------------------------------------------- */

static const struct {
    const char *name, *question;
    enum condition_kind kind;
    void (*look)(const struct condition_facts *facts, struct condition *condition);
} checks[] = {
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

const size_t condition_n = sizeof checks / sizeof *checks;

void condition_check(size_t i, const struct condition_facts *facts, struct condition *condition)
{
    *condition = (struct condition){
        .name = checks[i].name, .question = checks[i].question, .kind = checks[i].kind};
    checks[i].look(facts, condition);
}
