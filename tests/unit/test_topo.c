/* Plans on machines that we lack, quotas from written-down cgroups, and this machine as it is. */
#include "unit.h"

#include "topo/topo.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <hwloc.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* A mask that the tests pretend to have, in a kernel that knows more CPUs than fit into a
 * cpu_set_t; NULL: the real one. */
static const cpu_set_t *pretended;
static size_t pretended_bytes;

/* Takes the place of libc's, also for hwloc. */
int sched_getaffinity(pid_t pid, size_t bytes, cpu_set_t *mask)
{
    if (!pretended) {
        long n = syscall(SYS_sched_getaffinity, pid, bytes < INT_MAX ? bytes : INT_MAX, mask);
        if (n >= 0)
            memset((char *)mask + n, 0, bytes - (size_t)n);
        return n >= 0 ? 0 : -1;
    }
    if (bytes < pretended_bytes) {
        errno = EINVAL;
        return -1;
    }
    memset(mask, 0, bytes);
    memcpy(mask, pretended, pretended_bytes);
    return 0;
}

/* --- machines --------------------------------------------------------------------------------- */

static struct topo *load_this_machine(void)
{
    struct err err = {""};
    unsetenv("HWLOC_SYNTHETIC");
    unsetenv("HWLOC_XMLFILE");
    struct topo *topo = topo_new(&err);
    ck_assert_msg(topo != NULL, "%s", err.text);
    return topo;
}

static struct topo *load_synthetic(const char *description)
{
    struct err err = {""};
    unsetenv("HWLOC_XMLFILE");
    setenv("HWLOC_SYNTHETIC", description, 1);
    struct topo *topo = topo_new(&err);
    ck_assert_msg(topo != NULL, "%s", err.text);
    return topo;
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    ck_assert_msg(file != NULL, "%s: %s", path, strerror(errno));
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static struct topo *load_xml(const char *xml)
{
    struct err err = {""};
    char path[] = "/tmp/poolmark-topo-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    write_file(path, xml);
    unsetenv("HWLOC_SYNTHETIC");
    setenv("HWLOC_XMLFILE", path, 1);
    struct topo *topo = topo_new(&err);
    unlink(path);
    ck_assert_msg(topo != NULL, "%s", err.text);
    return topo;
}

/* A synthetic machine of which only the PUs in the mask ("0x000000cf") are allowed. */
static struct topo *load_restricted(const char *description, const char *all, const char *mask)
{
    struct topo *whole = load_synthetic(description);
    char *xml = topo_xml(whole, NULL), attribute[64];
    topo_free(whole);
    snprintf(attribute, sizeof attribute, "allowed_cpuset=\"%s\"", all);
    char *at = strstr(xml, attribute);
    ck_assert_msg(at != NULL, "no %s in %s", attribute, xml);
    memcpy(strchr(at, '"') + 1, mask, strlen(mask));
    struct topo *topo = load_xml(xml);
    free(xml);
    return topo;
}

/* The plan of n workers as text, "0 2 1 3". */
static const char *plan(const struct topo *topo, const char *policy, size_t n)
{
    static char text[1024];
    int pus[128];
    struct err err = {""};
    struct topo_bind bind;
    ck_assert_uint_le(n, 128);
    ck_assert_msg(topo_bind_parse(policy, &bind, &err) == 0, "%s", err.text);
    ck_assert_msg(topo_plan(topo, &bind, n, pus, &err) == 0, "%s", err.text);
    topo_bind_release(&bind);
    text[0] = '\0';
    for (size_t w = 0; w < n; w++)
        snprintf(text + strlen(text), sizeof text - strlen(text), w ? " %d" : "%d", pus[w]);
    return text;
}

static const char *plan_error(const struct topo *topo, const char *policy)
{
    static struct err err;
    struct topo_bind bind;
    int pus[1];
    ck_assert_int_eq(topo_bind_parse(policy, &bind, NULL), 0);
    ck_assert_int_eq(topo_plan(topo, &bind, 1, pus, &err), -1);
    topo_bind_release(&bind);
    return err.text;
}

static const char *parse_error(const char *text)
{
    static struct err err;
    struct topo_bind bind = {TOPO_SPREAD, NULL, 77};
    ck_assert_int_eq(topo_bind_parse(text, &bind, &err), -1);
    ck_assert_int_eq(bind.policy, TOPO_SPREAD);
    ck_assert_uint_eq(bind.n_pus, 77);
    return err.text;
}

/* --- plans ------------------------------------------------------------------------------------ */

START_TEST(plans_two_packages_with_smt)
{
    struct topo *topo = load_synthetic("pack:2 core:4 pu:2");
    ck_assert_str_eq(plan(topo, "none", 3), "-1 -1 -1");
    ck_assert_str_eq(plan(topo, "close", 16), "0 2 4 6 8 10 12 14 1 3 5 7 9 11 13 15");
    ck_assert_str_eq(plan(topo, "spread", 16), "0 8 2 10 4 12 6 14 1 9 3 11 5 13 7 15");
    ck_assert_str_eq(plan(topo, "5,0..2,8-9", 6), "5 0 1 2 8 9");
    topo_free(topo);
}
END_TEST

/* Linux numbers the first PU of every core, then the second ones. */
START_TEST(plans_in_the_numbers_of_the_operating_system)
{
    struct topo *topo = load_synthetic("pack:2 core:2 pu:2(indexes=0,4,1,5,2,6,3,7)");
    ck_assert_str_eq(plan(topo, "close", 8), "0 1 2 3 4 5 6 7");
    ck_assert_str_eq(plan(topo, "spread", 8), "0 2 1 3 4 6 5 7");
    topo_free(topo);
}
END_TEST

START_TEST(plans_four_numa_nodes)
{
    struct topo *topo = load_synthetic("numa:4 core:8 pu:1");
    ck_assert_str_eq(plan(topo, "close", 10), "0 1 2 3 4 5 6 7 8 9");
    ck_assert_str_eq(plan(topo, "spread", 10), "0 8 16 24 1 9 17 25 2 10");
    topo_free(topo);
}
END_TEST

START_TEST(spreads_over_caches_inside_a_package)
{
    struct topo *topo = load_synthetic("pack:2 l3:2 l2:2 core:2 pu:1");
    ck_assert_str_eq(plan(topo, "spread", 16), "0 8 4 12 2 10 6 14 1 9 5 13 3 11 7 15");
    ck_assert_str_eq(plan(topo, "close", 4), "0 1 2 3");
    topo_free(topo);
}
END_TEST

START_TEST(plans_a_single_pu)
{
    struct topo *topo = load_synthetic("pack:1 core:1 pu:1");
    ck_assert_str_eq(plan(topo, "none", 2), "-1 -1");
    ck_assert_str_eq(plan(topo, "close", 2), "0 0");
    ck_assert_str_eq(plan(topo, "spread", 2), "0 0");
    ck_assert_str_eq(plan(topo, "0", 2), "0 0");
    topo_free(topo);
}
END_TEST

START_TEST(plans_without_cores)
{
    struct topo *topo = load_synthetic("pack:2 pu:2");
    struct topo_counts counts;
    topo_count(topo, &counts);
    ck_assert_int_eq(counts.cores, 4);
    ck_assert_int_eq(counts.usable_cores, 4);
    ck_assert_str_eq(plan(topo, "close", 4), "0 1 2 3");
    ck_assert_str_eq(plan(topo, "spread", 4), "0 2 1 3");
    topo_free(topo);
}
END_TEST

START_TEST(starts_again_with_more_workers_than_pus)
{
    struct topo *topo = load_synthetic("pack:1 core:2 pu:2");
    ck_assert_str_eq(plan(topo, "close", 9), "0 2 1 3 0 2 1 3 0");
    ck_assert_str_eq(plan(topo, "spread", 6), "0 2 1 3 0 2");
    ck_assert_str_eq(plan(topo, "3,1", 5), "3 1 3 1 3");
    ck_assert_str_eq(plan(topo, "3,1,3", 4), "3 1 3 3");
    topo_free(topo);
}
END_TEST

/* More workers only add places, and every place is used before one is used twice. */
START_TEST(places_do_not_depend_on_the_number_of_workers)
{
    static const char *const machines[] = {"pack:2 core:4 pu:2", "numa:4 core:8 pu:1",
                                           "pack:3 l3:2 core:3 pu:2", "pack:1 core:1 pu:1"};
    struct topo *topo = load_synthetic(machines[_i]);
    struct topo_counts counts;
    topo_count(topo, &counts);
    for (int p = TOPO_CLOSE; p <= TOPO_SPREAD; p++) {
        struct topo_bind bind = {(enum topo_policy)p, NULL, 0};
        int all[64], some[64];
        bool is_used[64] = {false};
        ck_assert_int_eq(topo_plan(topo, &bind, (size_t)counts.pus, all, NULL), 0);
        for (int n = 0; n <= counts.pus; n++) {
            ck_assert_int_eq(topo_plan(topo, &bind, (size_t)n, some, NULL), 0);
            ck_assert_mem_eq(all, some, (size_t)n * sizeof *all);
        }
        for (int w = 0; w < counts.pus; w++) {
            ck_assert(!is_used[all[w]]);
            is_used[all[w]] = true;
        }
    }
    topo_free(topo);
}
END_TEST

/* PUs 4 to 7 (cores 2, 3), 8 to 11 (cores 4, 5) and 15 (core 7) of 16 are allowed. */
START_TEST(plans_on_the_allowed_part)
{
    struct topo *topo = load_restricted("pack:2 core:4 pu:2", "0x0000ffff", "0x00008ff0");
    struct topo_counts counts;
    topo_count(topo, &counts);
    ck_assert_int_eq(counts.pus, 16);
    ck_assert_int_eq(counts.cores, 8);
    ck_assert_int_eq(counts.affinity, 9);
    ck_assert_int_eq(counts.usable, 9);
    ck_assert_int_eq(counts.usable_cores, 5);
    ck_assert_str_eq(plan(topo, "close", 10), "4 6 8 10 15 5 7 9 11 4");
    ck_assert_str_eq(plan(topo, "spread", 10), "4 8 6 10 15 5 9 7 11 4");
    ck_assert_str_eq(plan_error(topo, "4,3"),
                     "PU 3 may not be used by this process; allowed: 4-11,15");
    ck_assert_str_eq(plan_error(topo, "4,16"), "PU 16 does not exist; allowed: 4-11,15");
    topo_free(topo);
}
END_TEST

/* One L3 with a large core of two PUs, and one with four small cores. */
#define OBJECT(type, index, set, attributes, inside)                                               \
    "<object type=\"" type "\" os_index=\"" index "\" cpuset=\"" set "\" complete_cpuset=\"" set   \
    "\" nodeset=\"0x1\" complete_nodeset=\"0x1\" " attributes ">" inside "</object>\n"
#define PU(index, set) OBJECT("PU", index, set, "", "")
#define CORE(index, set, pus) OBJECT("Core", index, set, "", pus)
#define L3(index, set, cores)                                                                      \
    OBJECT("L3Cache", index, set,                                                                  \
           "cache_size=\"8388608\" depth=\"3\" cache_linesize=\"64\" cache_type=\"0\"", cores)
#define ALL_ALLOWED "allowed_cpuset=\"0x3f\" allowed_nodeset=\"0x1\""

/* clang-format off */
static const char hybrid[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    "<!DOCTYPE topology SYSTEM \"hwloc2.dtd\">\n"
    "<topology version=\"2.0\">\n"
    OBJECT("Machine", "0", "0x3f", ALL_ALLOWED,
        OBJECT("NUMANode", "0", "0x3f", "local_memory=\"1073741824\"", "")
        L3("0", "0x3",
            CORE("0", "0x3", PU("0", "0x1") PU("1", "0x2")))
        L3("1", "0x3c",
            CORE("1", "0x4", PU("2", "0x4"))
            CORE("2", "0x8", PU("3", "0x8"))
            CORE("3", "0x10", PU("4", "0x10"))
            CORE("4", "0x20", PU("5", "0x20"))))
    "</topology>\n";
/* clang-format on */

/* The second PU of the large core comes after every idle core, also where its cache is empty. */
START_TEST(plans_on_cores_that_differ)
{
    struct topo *topo = load_xml(hybrid);
    struct topo_counts counts;
    char text[128];
    topo_count(topo, &counts);
    ck_assert_str_eq(plan(topo, "close", 6), "0 2 3 4 5 1");
    ck_assert_str_eq(plan(topo, "spread", 6), "0 2 3 4 5 1");
    ck_assert_str_eq(topo_explain(&counts, text, sizeof text),
                     "6 usable CPUs on 5 cores (6 allowed by affinity, no quota)");
    topo_free(topo);
}
END_TEST

/* A machine made by hwloc itself: a synthetic one of which some PUs are taken away, with kinds of
 * cores, the slowest first. NULL: none of these. */
static struct topo *load_made(const char *description, const char *pus, const char *const *kinds)
{
    hwloc_topology_t made;
    hwloc_bitmap_t set = hwloc_bitmap_alloc();
    char *xml;
    int length;
    ck_assert_int_eq(hwloc_topology_init(&made), 0);
    ck_assert_int_eq(hwloc_topology_set_synthetic(made, description), 0);
    ck_assert_int_eq(hwloc_topology_load(made), 0);
    for (int k = 0; kinds && kinds[k]; k++) {
        hwloc_bitmap_list_sscanf(set, kinds[k]);
        ck_assert_int_eq(hwloc_cpukinds_register(made, set, k, 0, NULL, 0), 0);
    }
    if (pus) {
        hwloc_bitmap_list_sscanf(set, pus);
        ck_assert_int_eq(hwloc_topology_restrict(made, set, 0), 0);
    }
    ck_assert_int_eq(hwloc_topology_export_xmlbuffer(made, &xml, &length, 0), 0);
    struct topo *topo = load_xml(xml);
    hwloc_free_xmlbuffer(made, xml);
    hwloc_topology_destroy(made);
    hwloc_bitmap_free(set);
    return topo;
}

static const char *explanation(const struct topo *topo)
{
    static char text[256];
    struct topo_counts counts;
    topo_count(topo, &counts);
    return topo_explain(&counts, text, sizeof text);
}

/* Two efficient cores of one PU, which come first in the numbers of the operating system, and two
 * performance cores of two. */
START_TEST(plans_on_performance_cores_first)
{
    static const char *const kinds[] = {"0,2", "4-7", NULL};
    struct topo *topo = load_made("pack:1 core:4 pu:2", "0,2,4-7", kinds);
    struct topo_counts counts;
    topo_count(topo, &counts);
    ck_assert_int_eq(counts.n_kinds, 2);
    ck_assert_int_eq(counts.kind_cores[0], 2);
    ck_assert_int_eq(counts.kind_cores[1], 2);
    ck_assert_int_eq(counts.usable_cores, 4);
    ck_assert_int_eq(counts.offline, 0);
    ck_assert_str_eq(plan(topo, "close", 7), "4 6 0 2 5 7 4");
    ck_assert_str_eq(plan(topo, "spread", 7), "4 6 0 2 5 7 4");
    ck_assert_str_eq(plan(topo, "0,4", 2), "0 4");
    ck_assert_str_eq(explanation(topo), "6 usable CPUs on 4 cores, 2 performance and 2 efficient "
                                        "(6 allowed by affinity, no quota)");
    topo_free(topo);
    /* Also over two packages, each with both kinds. */
    static const char *const both[] = {"0-1,4-5", "2-3,6-7", NULL};
    topo = load_made("pack:2 core:4 pu:1", NULL, both);
    ck_assert_str_eq(plan(topo, "close", 8), "2 3 6 7 0 1 4 5");
    ck_assert_str_eq(plan(topo, "spread", 8), "2 6 3 7 0 4 1 5");
    ck_assert_str_eq(explanation(topo), "8 usable CPUs on 8 cores, 4 performance and 4 efficient "
                                        "(8 allowed by affinity, no quota)");
    topo_free(topo);
}
END_TEST

/* A fast core, three of middling speed, four slow ones; more kinds than are told apart. */
START_TEST(counts_several_kinds)
{
    static const char *const three[] = {"4-7", "1-3", "0", NULL};
    struct topo *topo = load_made("core:8 pu:1", NULL, three);
    ck_assert_str_eq(explanation(topo),
                     "8 usable CPUs on 8 cores, from the fastest kind to the slowest 1 + 3 + 4 "
                     "(8 allowed by affinity, no quota)");
    ck_assert_str_eq(plan(topo, "spread", 8), "0 1 2 3 4 5 6 7");
    topo_free(topo);
    static const char *const six[] = {"0", "1", "2", "3", "4", "5-7", NULL};
    topo = load_made("core:8 pu:1", NULL, six);
    struct topo_counts counts;
    topo_count(topo, &counts);
    ck_assert_int_eq(counts.n_kinds, TOPO_MOST_KINDS);
    ck_assert_int_eq(counts.kind_cores[0], 3);
    ck_assert_int_eq(counts.kind_cores[TOPO_MOST_KINDS - 1], 3);
    ck_assert_str_eq(plan(topo, "close", 8), "5 6 7 4 3 0 1 2");
    topo_free(topo);
}
END_TEST

/* PUs that have no kind: then nothing is known. And one kind alone is none. */
START_TEST(kinds_of_some_are_kinds_of_none)
{
    static const char *const some[] = {"0-1", "2-3", NULL};
    struct topo *topo = load_made("core:6 pu:1", NULL, some);
    ck_assert_str_eq(explanation(topo), "6 usable CPUs (6 allowed by affinity, no quota)");
    ck_assert_str_eq(plan(topo, "close", 6), "0 1 2 3 4 5");
    topo_free(topo);
    static const char *const one[] = {"0-5", NULL};
    topo = load_made("core:6 pu:1", NULL, one);
    ck_assert_str_eq(explanation(topo), "6 usable CPUs (6 allowed by affinity, no quota)");
    topo_free(topo);
}
END_TEST

/* PUs 1 and 2 of 4 are switched off: they are in no plan and cannot be asked for. */
START_TEST(offline_pus_are_told_and_never_planned_on)
{
    struct topo *whole = load_made("core:4 pu:1", "0,3", NULL);
    char *xml = topo_xml(whole, NULL), *at = strstr(xml, "complete_cpuset=\"0x00000009\"");
    topo_free(whole);
    ck_assert_msg(at != NULL, "%s", xml);
    memcpy(strchr(at, '"') + 1, "0x0000000f", 10);
    struct topo *topo = load_xml(xml);
    free(xml);
    struct topo_counts counts;
    topo_count(topo, &counts);
    ck_assert_int_eq(counts.offline, 2);
    ck_assert_int_eq(counts.pus, 2);
    ck_assert_int_eq(counts.usable, 2);
    ck_assert_int_eq(counts.usable_cores, 2);
    ck_assert_str_eq(plan(topo, "close", 3), "0 3 0");
    ck_assert_str_eq(plan(topo, "spread", 3), "0 3 0");
    ck_assert_str_eq(plan_error(topo, "0,1"), "PU 1 does not exist; allowed: 0,3");
    ck_assert_str_eq(explanation(topo),
                     "2 usable CPUs (2 allowed by affinity, 2 more offline, no quota)");
    topo_free(topo);
}
END_TEST

/* SMT siblings are CPUs, of fewer cores. */
START_TEST(siblings_share_cores)
{
    struct topo *topo = load_synthetic("pack:1 core:4 pu:2");
    ck_assert_str_eq(explanation(topo),
                     "8 usable CPUs on 4 cores (8 allowed by affinity, no quota)");
    topo_free(topo);
    topo = load_restricted("pack:1 core:4 pu:2", "0x000000ff", "0x00000013");
    ck_assert_str_eq(explanation(topo),
                     "3 usable CPUs on 2 cores (3 of 8 allowed by cpuset, no quota)");
    ck_assert_str_eq(plan(topo, "close", 4), "0 4 1 0");
    topo_free(topo);
}
END_TEST

START_TEST(checks_a_list_against_the_machine)
{
    struct topo *topo = load_synthetic("pack:1 core:4 pu:1");
    ck_assert_str_eq(plan_error(topo, "0,9"), "PU 9 does not exist; allowed: 0-3");
    ck_assert_str_eq(plan_error(topo, "2..5"), "PU 4 does not exist; allowed: 0-3");
    ck_assert_str_eq(plan_error(topo, "2147483647"), "PU 2147483647 does not exist; allowed: 0-3");
    struct topo_bind bind;
    ck_assert_int_eq(topo_bind_parse("0,9", &bind, NULL), 0);
    ck_assert_int_eq(topo_plan(topo, &bind, 0, NULL, NULL), -1);
    topo_bind_release(&bind);
    ck_assert_int_eq(topo_bind_parse("0,3", &bind, NULL), 0);
    ck_assert_int_eq(topo_plan(topo, &bind, 0, NULL, NULL), 0);
    topo_bind_release(&bind);
    topo_free(topo);
}
END_TEST

#define ALLOWED "; allowed: none, close, spread, a list of PUs (as 0,2,4..7)"

START_TEST(reads_bindings)
{
    struct topo_bind bind;
    ck_assert_int_eq(topo_bind_parse("none", &bind, NULL), 0);
    ck_assert_int_eq(bind.policy, TOPO_NONE);
    ck_assert_int_eq(topo_bind_parse(" close ", &bind, NULL), 0);
    ck_assert_int_eq(bind.policy, TOPO_CLOSE);
    ck_assert_int_eq(topo_bind_parse("spread", &bind, NULL), 0);
    ck_assert_int_eq(bind.policy, TOPO_SPREAD);
    topo_bind_release(&bind);
    ck_assert_int_eq(topo_bind_parse("0, 2 ,4..5,7-8,1..4*2", &bind, NULL), 0);
    ck_assert_int_eq(bind.policy, TOPO_LIST);
    static const int expected[] = {0, 2, 4, 5, 7, 8, 1, 2, 4};
    ck_assert_uint_eq(bind.n_pus, sizeof expected / sizeof *expected);
    ck_assert_mem_eq(bind.pus, expected, sizeof expected);
    topo_bind_release(&bind);
    ck_assert_ptr_null(bind.pus);

    ck_assert_str_eq(parse_error("foo"), "binding 'foo' is unknown" ALLOWED);
    ck_assert_str_eq(parse_error("Close"),
                     "binding 'Close' is unknown" ALLOWED "; did you mean 'close'?");
    ck_assert_str_eq(parse_error(""), "binding '' is unknown" ALLOWED);
    ck_assert_str_eq(parse_error("-1"), "binding '-1' is unknown" ALLOWED);
    ck_assert_str_eq(parse_error("0,,2"), "binding '0,,2' has an empty item" ALLOWED);
    ck_assert_str_eq(parse_error("0,"), "binding '0,' has an empty item" ALLOWED);
    ck_assert_str_eq(parse_error("0,foo"),
                     "binding '0,foo' has an item that is not a PU number" ALLOWED);
    ck_assert_str_eq(parse_error("close,0"),
                     "binding 'close,0' has an item that is not a PU number" ALLOWED
                     "; did you mean 'close'?");
    ck_assert_str_eq(parse_error("0,7..4"), "binding '0,7..4': the range 7..4 runs downwards");
    ck_assert_ptr_nonnull(
        strstr(parse_error("0,2x"), "binding '0,2x': '2x' is not a whole number"));
    ck_assert_ptr_nonnull(strstr(parse_error("0-"), "binding '0-': "));
    ck_assert_ptr_nonnull(strstr(parse_error("3000000000"), "is above 2147483647"));
    ck_assert_ptr_nonnull(strstr(parse_error("0..1000000000"), "values"));
}
END_TEST

/* --- quota ------------------------------------------------------------------------------------ */

/* A folder that stands for "/", with a mounted hierarchy of cgroups in it. */
static char fixture[64];

static void make_fixture(void)
{
    strcpy(fixture, "/tmp/poolmark-quota-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(fixture));
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *at)
{
    (void)info, (void)type, (void)at;
    return remove(path);
}

static void remove_fixture(void)
{
    nftw(fixture, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Writes a file of the fixture and makes the folders on the way. */
static void put(const char *path, const char *text)
{
    char full[512];
    size_t start = (size_t)snprintf(full, sizeof full, "%s", fixture);
    snprintf(full + start, sizeof full - start, "%s", path);
    for (char *slash = full + start; (slash = strchr(slash + 1, '/'));) {
        *slash = '\0';
        ck_assert(mkdir(full, 0700) == 0 || errno == EEXIST);
        *slash = '/';
    }
    write_file(full, text);
}

#define OTHER_MOUNTS                                                                               \
    "22 27 0:21 / /proc rw,relatime - proc proc rw\n"                                              \
    "27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard\n"
#define V2_AT(root) OTHER_MOUNTS "30 23 0:26 " root " /cg rw,nosuid shared:4 - cgroup2 cgroup2 rw\n"
#define V1_AT(root)                                                                                \
    OTHER_MOUNTS "31 23 0:29 /a /other rw - cgroup cgroup rw,cpuset\n"                             \
                 "32 23 0:30 " root " /cg rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n"

static double quota(const char *cgroup_text, const char *mountinfo_text)
{
    return topo_quota(cgroup_text, mountinfo_text, fixture);
}

START_TEST(quota_is_the_tightest_on_the_way_up)
{
    make_fixture();
    put("/cg/a/cpu.max", "150000 100000\n");
    put("/cg/a/b/cpu.max", "400000 100000\n");
    put("/cg/a/b/c/cpu.max", "max 100000\n");
    put("/cg/z/cpu.max", "1000 100000\n");
    ck_assert_double_eq(quota("0::/a/b/c\n", V2_AT("/")), 1.5);
    ck_assert_double_eq(quota("0::/a/b\n", V2_AT("/")), 1.5);
    put("/cg/a/b/cpu.max", "25000 50000\n");
    ck_assert_double_eq(quota("0::/a/b/c\n", V2_AT("/")), 0.5);
    ck_assert_double_eq(quota("0::/a\n", V2_AT("/")), 1.5);
    ck_assert_double_eq(quota("0::/\n", V2_AT("/")), 0);
    put("/cg/cpu.max", "20000 100000\n");
    ck_assert_double_eq(quota("0::/a/b/c\n", V2_AT("/")), 0.2);
    ck_assert_double_eq(quota("0::/\n", V2_AT("/")), 0.2);
    remove_fixture();
}
END_TEST

START_TEST(quota_of_version_1)
{
    make_fixture();
    put("/cg/a/cpu.cfs_quota_us", "-1\n");
    put("/cg/a/cpu.cfs_period_us", "100000\n");
    ck_assert_double_eq(quota("5:cpuset:/q\n4:cpu,cpuacct:/a\n", V1_AT("/")), 0);
    put("/cg/a/b/cpu.cfs_quota_us", "50000\n");
    put("/cg/a/b/cpu.cfs_period_us", "25000\n");
    ck_assert_double_eq(quota("5:cpuset:/q\n4:cpu,cpuacct:/a/b\n", V1_AT("/")), 2);
    /* The group of another controller's hierarchy is none of ours. */
    ck_assert_double_eq(quota("5:cpuset:/a/b\n4:cpu,cpuacct:/a\n", V1_AT("/")), 0);
    ck_assert_double_eq(quota("5:cpuset:/a/b\n4:cpuacct:/a/b\n1:name=cpu:/a/b\n", V1_AT("/")), 0);
    /* A quota without a period is none. */
    put("/cg/c/cpu.cfs_quota_us", "50000\n");
    ck_assert_double_eq(quota("4:cpuacct,cpu:/c\n", V1_AT("/")), 0);
    put("/cg/c/cpu.cfs_period_us", "0\n");
    ck_assert_double_eq(quota("4:cpuacct,cpu:/c\n", V1_AT("/")), 0);
    remove_fixture();
}
END_TEST

/* Both versions are mounted and each has a group of the process: both bind it. */
START_TEST(quota_of_both_versions)
{
    make_fixture();
    put("/cg/a/cpu.cfs_quota_us", "300000\n");
    put("/cg/a/cpu.cfs_period_us", "100000\n");
    put("/unified/b/cpu.max", "200000 100000\n");
    ck_assert_double_eq(quota("4:cpu,cpuacct:/a\n0::/b\n",
                              V1_AT("/") "40 23 0:31 / /unified rw - cgroup2 cgroup2 rw\n"),
                        2);
    remove_fixture();
}
END_TEST

START_TEST(no_quota_where_nothing_says_so)
{
    make_fixture();
    ck_assert_double_eq(quota("", ""), 0);
    ck_assert_double_eq(quota("0::/a\n", ""), 0);
    ck_assert_double_eq(quota("", V2_AT("/")), 0);
    ck_assert_double_eq(quota("0::/a/b\n", V2_AT("/")), 0);
    ck_assert_double_eq(quota("4:cpu:/a/b\n", V1_AT("/")), 0);
    ck_assert_double_eq(quota("nonsense\n::\n:\n\n0::", "1 2 3\n- - -\n\n - cgroup2\n"), 0);
    put("/cg/a/cpu.max", "max 100000\n");
    ck_assert_double_eq(quota("0::/a\n", V2_AT("/")), 0);
    put("/cg/a/cpu.max", "max\n");
    ck_assert_double_eq(quota("0::/a\n", V2_AT("/")), 0);
    put("/cg/a/cpu.max", "\n");
    ck_assert_double_eq(quota("0::/a\n", V2_AT("/")), 0);
    put("/cg/a/cpu.max", "");
    ck_assert_double_eq(quota("0::/a\n", V2_AT("/")), 0);
    put("/cg/a/cpu.max", "50000\n");
    ck_assert_double_eq(quota("0::/a\n", V2_AT("/")), 0.5);
    remove_fixture();
}
END_TEST

START_TEST(quota_in_a_container)
{
    make_fixture();
    put("/cg/cpu.max", "200000 100000\n");
    put("/cg/sub/cpu.max", "150000 100000\n");
    /* The mounted part starts at the container's group: its path is stripped. */
    ck_assert_double_eq(quota("0::/docker/abc\n", V2_AT("/docker/abc")), 2);
    ck_assert_double_eq(quota("0::/docker/abc/sub\n", V2_AT("/docker/abc")), 1.5);
    /* "/docker/ab" is not above "/docker/abc/sub": the mount point stands for the group. */
    put("/cgc/sub/cpu.max", "1000 100000\n");
    ck_assert_double_eq(quota("0::/docker/abc/sub\n", V2_AT("/docker/ab")), 2);
    /* The group cannot be seen from inside. */
    ck_assert_double_eq(quota("0::/docker/abc\n", V2_AT("/")), 2);
    ck_assert_double_eq(quota("0::/outer/docker/abc\n", V2_AT("/docker/abc")), 2);
    /* A group outside the namespace must not lead out of the mount. */
    put("/sub/cpu.max", "1000 100000\n");
    ck_assert_double_eq(quota("0::/../sub\n", V2_AT("/")), 2);
    ck_assert_double_eq(quota("0::/\n", V2_AT("/..")), 2);
    ck_assert_double_eq(
        quota("0::/\n", V2_AT("/..") "35 23 0:26 /../.. /sub rw - cgroup2 cgroup2 rw\n"), 2);
    /* The host's hierarchy, mounted for a monitor, comes second to the one that holds the group. */
    put("/host/cpu.max", "1000 100000\n");
    ck_assert_double_eq(
        quota("0::/\n", "29 23 0:26 /../.. /host rw - cgroup2 cgroup2 rw\n" V2_AT("/")), 2);
    remove_fixture();
}
END_TEST

/* Half a CPU, one, and one and a half, in a nest of groups whose tightest is anywhere on the way,
 * by either version and by both. */
START_TEST(quotas_of_nested_groups)
{
    static const struct {
        int quota_ms;
        double cpus;
        int usable;
    } cases[] = {{50, 0.5, 1}, {100, 1, 1}, {150, 1.5, 2}};
    static const char *const places[] = {"", "/pod", "/pod/box", "/pod/box/job"};
    char path[128], text[64];
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
        for (size_t tightest = 0; tightest < 4; tightest++) {
            make_fixture();
            for (size_t k = 0; k < 4; k++) {
                int ms = k == tightest ? cases[c].quota_ms : 800;
                snprintf(path, sizeof path, "/cg%s/cpu.max", places[k]);
                snprintf(text, sizeof text, "%d000 100000\n", ms);
                put(path, text);
                snprintf(path, sizeof path, "/cg%s/cpu.cfs_quota_us", places[k]);
                snprintf(text, sizeof text, "%d000\n", ms / 2);
                put(path, text);
                snprintf(path, sizeof path, "/cg%s/cpu.cfs_period_us", places[k]);
                put(path, "50000\n");
            }
            /* What lies below or beside the process's group does not bind it. */
            put("/cg/pod/box/job/other/cpu.max", "1000 100000\n");
            put("/cg/pod/side/cpu.max", "1000 100000\n");
            double of_v2 = quota("0::/pod/box/job\n", V2_AT("/"));
            double of_v1 = quota("3:cpu,cpuacct:/pod/box/job\n", V1_AT("/"));
            ck_assert_double_eq(of_v2, cases[c].cpus);
            ck_assert_double_eq(of_v1, cases[c].cpus);
            ck_assert_int_eq(topo_usable(2, of_v2), cases[c].usable);
            ck_assert_int_eq(topo_usable(2, of_v1), cases[c].usable);
            /* From inside a container that begins at /pod the same but for what is above it. */
            put("/inside/cpu.max", tightest == 1 ? "25000 100000\n" : "max 100000\n");
            put("/inside/box/cpu.max", tightest == 1 ? "max 100000\n" : "25000 100000\n");
            ck_assert_double_eq(
                quota("0::/pod/box/job\n",
                      "30 23 0:26 /pod /inside rw - cgroup2 cgroup2 rw,nsdelegate\n"),
                0.25);
            remove_fixture();
        }
}
END_TEST

/* The controller "cpu" of version 1 and a group of version 2 without it, as systemd mounts both. */
START_TEST(quota_of_mixed_versions)
{
    static const char mounts[] = V1_AT("/") "40 23 0:31 / /cg/unified rw - cgroup2 cgroup2 rw\n";
    make_fixture();
    put("/cg/a/cpu.cfs_quota_us", "50000\n");
    put("/cg/a/cpu.cfs_period_us", "100000\n");
    put("/cg/unified/a/cgroup.procs", "1\n");
    ck_assert_double_eq(quota("4:cpu,cpuacct:/a\n1:name=systemd:/a\n0::/a\n", mounts), 0.5);
    put("/cg/unified/a/cpu.max", "max 100000\n");
    ck_assert_double_eq(quota("4:cpu,cpuacct:/a\n0::/a\n", mounts), 0.5);
    put("/cg/unified/cpu.max", "25000 100000\n");
    ck_assert_double_eq(quota("4:cpu,cpuacct:/a\n0::/a\n", mounts), 0.25);
    /* What the cpuset grants is in the affinity already, and no quota. */
    put("/cg/unified/a/cpuset.cpus.effective", "0\n");
    ck_assert_double_eq(quota("0::/a\n", mounts), 0.25);
    remove_fixture();
}
END_TEST

START_TEST(quota_below_a_mount_point_with_blanks)
{
    make_fixture();
    put("/my cg/a b:c/cpu.max", "70000 100000\n");
    ck_assert_double_eq(quota("0::/a b:c\n", "30 23 0:26 / /my\\040cg rw - cgroup2 cgroup2 rw\n"),
                        0.7);
    remove_fixture();
}
END_TEST

START_TEST(usable_is_affinity_within_the_quota)
{
    ck_assert_int_eq(topo_usable(8, 0), 8);
    ck_assert_int_eq(topo_usable(8, 0.5), 1);
    ck_assert_int_eq(topo_usable(8, 1), 1);
    ck_assert_int_eq(topo_usable(8, 1.5), 2);
    ck_assert_int_eq(topo_usable(8, 7.01), 8);
    ck_assert_int_eq(topo_usable(8, 64), 8);
    ck_assert_int_eq(topo_usable(8, 1e18), 8);
    ck_assert_int_eq(topo_usable(1, 0.01), 1);
    ck_assert_int_eq(topo_usable(0, 0), 1);
}
END_TEST

START_TEST(explains_in_one_line)
{
    char text[256];
    struct topo_counts c = {.cores = 2, .pus = 2, .affinity = 2, .usable = 2, .usable_cores = 2};
    ck_assert_str_eq(topo_explain(&c, text, sizeof text),
                     "2 usable CPUs (2 allowed by affinity, no quota)");
    c.quota_cpus = 0.5;
    c.usable = c.usable_cores = 1;
    ck_assert_str_eq(
        topo_explain(&c, text, sizeof text),
        "1 usable CPU (2 allowed by affinity, quota of 0.5 CPUs, which throttles 1 busy "
        "worker)");
    c.quota_cpus = 1;
    ck_assert_str_eq(topo_explain(&c, text, sizeof text),
                     "1 usable CPU (2 allowed by affinity, quota of 1 CPU)");
    c = (struct topo_counts){.pus = 64, .affinity = 4, .usable = 3, .usable_cores = 2};
    c.quota_cpus = 2.5;
    ck_assert_str_eq(
        topo_explain(&c, text, sizeof text),
        "3 usable CPUs on 2 cores (4 of 64 allowed by affinity, quota of 2.5 CPUs, which "
        "throttles 3 busy workers)");
    c.in_cpuset = 8;
    c.quota_cpus = 3;
    ck_assert_str_eq(
        topo_explain(&c, text, sizeof text),
        "3 usable CPUs on 2 cores (4 of 64 allowed by affinity within a cpuset of 8, quota "
        "of 3 CPUs)");
    /* Which kinds of cores a quota leaves busy is not known. */
    c = (struct topo_counts){.pus = 6,
                             .affinity = 6,
                             .usable = 2,
                             .usable_cores = 2,
                             .n_kinds = 2,
                             .kind_cores = {2, 2},
                             .quota_cpus = 2};
    ck_assert_str_eq(topo_explain(&c, text, sizeof text),
                     "2 usable CPUs (6 allowed by affinity, quota of 2 CPUs)");
    ck_assert_str_eq(topo_explain(&c, text, 9), "2 usable");
}
END_TEST

/* --- other machines --------------------------------------------------------------------------- */

START_TEST(counts_a_synthetic_machine)
{
    struct topo *topo = load_synthetic("pack:2 numa:2 core:4 pu:2");
    struct topo_counts counts;
    topo_count(topo, &counts);
    ck_assert(!topo_is_this_machine(topo));
    ck_assert_int_eq(counts.packages, 2);
    ck_assert_int_eq(counts.numa_nodes, 4);
    ck_assert_int_eq(counts.cores, 16);
    ck_assert_int_eq(counts.pus, 32);
    ck_assert_int_eq(counts.affinity, 32);
    ck_assert_double_eq(counts.quota_cpus, 0);
    ck_assert_int_eq(counts.usable, 32);
    ck_assert_int_eq(counts.usable_cores, 16);
    topo_free(topo);
}
END_TEST

/* Plans on one's own machine can be repeated elsewhere from the XML in its record. */
START_TEST(xml_comes_back_as_the_same_machine)
{
    struct topo *topo = load_synthetic("pack:2 l3:2 core:2 pu:2");
    struct err err;
    char *xml = topo_xml(topo, &err), before[1024];
    ck_assert_ptr_nonnull(xml);
    strcpy(before, plan(topo, "spread", 16));
    topo_free(topo);
    topo = load_xml(xml);
    free(xml);
    ck_assert(!topo_is_this_machine(topo));
    ck_assert_str_eq(plan(topo, "spread", 16), before);
    topo_free(topo);
}
END_TEST

START_TEST(refuses_to_bind_on_another_machine)
{
    struct topo *topo = load_synthetic("pack:1 core:1 pu:1");
    struct err err = {"untouched"};
    ck_assert_int_eq(topo_bind_self(topo, -1, &err), 0);
    ck_assert_str_eq(err.text, "untouched");
    ck_assert_int_eq(topo_bind_self(topo, 0, &err), -1);
    ck_assert_str_eq(err.text, "cannot bind to PU 0: the topology is not this machine's "
                               "(HWLOC_SYNTHETIC or HWLOC_XMLFILE is set), so it can only be "
                               "planned on");
    topo_free(topo);
}
END_TEST

/* hwloc alone would load this machine instead, and the plan would be for the wrong one. */
START_TEST(says_when_a_topology_cannot_be_read)
{
    struct err err;
    unsetenv("HWLOC_XMLFILE");
    setenv("HWLOC_SYNTHETIC", "pack:2 foo", 1);
    ck_assert_ptr_null(topo_new(&err));
    ck_assert_str_eq(err.text, "HWLOC_SYNTHETIC='pack:2 foo' does not describe a topology "
                               "(as 'pack:2 core:4 pu:2')");
    setenv("HWLOC_XMLFILE", "/nonexistent.xml", 1);
    ck_assert_ptr_null(topo_new(&err));
    ck_assert_str_eq(err.text, "HWLOC_SYNTHETIC and HWLOC_XMLFILE are both set; unset one of them");
    unsetenv("HWLOC_SYNTHETIC");
    ck_assert_ptr_null(topo_new(&err));
    ck_assert_str_eq(err.text,
                     "HWLOC_XMLFILE='/nonexistent.xml' cannot be read as the XML of a topology");
    setenv("HWLOC_XMLFILE", "/etc/passwd", 1);
    ck_assert_ptr_null(topo_new(&err));
    ck_assert_str_eq(err.text,
                     "HWLOC_XMLFILE='/etc/passwd' cannot be read as the XML of a topology");
    ck_assert_ptr_null(topo_new(NULL));
    setenv("HWLOC_XMLFILE", "", 1);
    setenv("HWLOC_SYNTHETIC", "", 1);
    struct topo *topo = topo_new(&err);
    ck_assert_ptr_nonnull(topo);
    ck_assert(topo_is_this_machine(topo));
    topo_free(topo);
    topo_free(NULL);
}
END_TEST

/* --- this machine ----------------------------------------------------------------------------- */

/* The first PU that this process may run on. */
static int first_pu(const cpu_set_t *set)
{
    int pu = 0;
    while (!CPU_ISSET(pu, set))
        pu++;
    return pu;
}

START_TEST(counts_this_machine)
{
    cpu_set_t set;
    ck_assert_int_eq(sched_getaffinity(0, sizeof set, &set), 0);
    struct topo *topo = load_this_machine();
    struct topo_counts counts;
    topo_count(topo, &counts);
    ck_assert(topo_is_this_machine(topo));
    ck_assert_int_eq(counts.affinity, CPU_COUNT(&set));
    ck_assert_int_ge(counts.pus, counts.affinity);
    ck_assert_int_ge(counts.pus, counts.cores);
    ck_assert_int_ge(counts.cores, counts.packages);
    ck_assert_int_ge(counts.numa_nodes, 1);
    ck_assert_double_ge(counts.quota_cpus, 0);
    ck_assert_int_eq(counts.usable, topo_usable(counts.affinity, counts.quota_cpus));
    ck_assert_int_ge(counts.usable_cores, 1);
    ck_assert_int_le(counts.usable_cores, counts.usable);

    int pus[CPU_SETSIZE];
    struct topo_bind bind = {TOPO_SPREAD, NULL, 0};
    ck_assert_int_eq(topo_plan(topo, &bind, (size_t)counts.affinity, pus, NULL), 0);
    for (int w = 0; w < counts.affinity; w++)
        ck_assert(CPU_ISSET(pus[w], &set));
    topo_free(topo);
}
END_TEST

START_TEST(one_allowed_pu_is_one_usable_cpu)
{
    cpu_set_t set, one;
    ck_assert_int_eq(sched_getaffinity(0, sizeof set, &set), 0);
    int pu = first_pu(&set);
    CPU_ZERO(&one);
    CPU_SET(pu, &one);
    ck_assert_int_eq(sched_setaffinity(0, sizeof one, &one), 0);
    struct topo *topo = load_this_machine();
    struct topo_counts counts;
    topo_count(topo, &counts);
    ck_assert_int_eq(counts.affinity, 1);
    ck_assert_int_eq(counts.usable, 1);
    ck_assert_int_eq(counts.usable_cores, 1);
    char expected[32];
    snprintf(expected, sizeof expected, "%d %d", pu, pu);
    ck_assert_str_eq(plan(topo, "close", 2), expected);
    ck_assert_str_eq(plan(topo, "spread", 2), expected);
    /* A PU that exists and lies outside the affinity; none on a machine with one PU. */
    if (CPU_COUNT(&set) > 1) {
        CPU_CLR(pu, &set);
        struct err err;
        char reason[128];
        int other = first_pu(&set);
        ck_assert_int_eq(topo_bind_self(topo, other, &err), -1);
        snprintf(reason, sizeof reason,
                 "cannot bind to PU %d: PU %d may not be used by this process; allowed: %d", other,
                 other, pu);
        ck_assert_str_eq(err.text, reason);
    }
    topo_free(topo);
}
END_TEST

/* Each allowed PU in turn: the thread runs there and says so; a bound thread still plans on all. */
START_TEST(binds_and_observes)
{
    cpu_set_t set;
    struct err err = {""};
    char text[16], before[1024];
    ck_assert_int_eq(sched_getaffinity(0, sizeof set, &set), 0);
    struct topo *topo = load_this_machine();
    strcpy(before, plan(topo, "spread", 8));
    for (int pu = 0; pu < CPU_SETSIZE; pu++) {
        if (!CPU_ISSET(pu, &set))
            continue;
        ck_assert_msg(topo_bind_self(topo, pu, &err) == 0, "%s", err.text);
        ck_assert_int_eq(topo_current_pu(), pu);
        ck_assert_int_eq(atoi(topo_current_set(text, sizeof text)), pu);
        ck_assert_ptr_null(strpbrk(text, ",-"));
        ck_assert_int_eq(topo_bind_self(topo, -1, &err), 0);
        ck_assert_int_eq(atoi(topo_current_set(text, sizeof text)), pu);
        ck_assert_str_eq(plan(topo, "spread", 8), before);
    }
    ck_assert_int_eq(topo_bind_self(topo, 1 << 20, &err), -1);
    ck_assert_ptr_nonnull(
        strstr(err.text, "cannot bind to PU 1048576: PU 1048576 does not exist; "));
    topo_free(topo);
}
END_TEST

/* A forked worker binds itself with its parent's topology, and its parent stays where it was. */
START_TEST(binds_a_forked_worker_alone)
{
    cpu_set_t set;
    char before[256], after[256];
    ck_assert_int_eq(sched_getaffinity(0, sizeof set, &set), 0);
    struct topo *topo = load_this_machine();
    int pu = first_pu(&set), status;
    topo_current_set(before, sizeof before);
    pid_t child = fork();
    if (child == 0)
        _exit(topo_bind_self(topo, pu, NULL) == 0 && topo_current_pu() == pu ? 0 : 1);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_str_eq(topo_current_set(after, sizeof after), before);
    topo_free(topo);
}
END_TEST

/* What a thread of a worker does, and whether it did. */
struct placed {
    const struct topo *topo;
    int pu;
    bool is_there;
};

static void *place_thread(void *argument)
{
    struct placed *placed = argument;
    placed->is_there =
        topo_bind_self(placed->topo, placed->pu, NULL) == 0 && topo_current_pu() == placed->pu;
    return NULL;
}

/* A thread binds itself, and its siblings stay where they were. */
START_TEST(binds_a_thread_alone)
{
    cpu_set_t set;
    char before[256], after[256];
    ck_assert_int_eq(sched_getaffinity(0, sizeof set, &set), 0);
    struct topo *topo = load_this_machine();
    struct placed placed = {topo, first_pu(&set), false};
    topo_current_set(before, sizeof before);
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, place_thread, &placed), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert(placed.is_there);
    ck_assert_str_eq(topo_current_set(after, sizeof after), before);
    topo_free(topo);
}
END_TEST

/* 4,096 CPUs, of which this thread may run on 0, 2, 4, 6 and 4,000 to 4,095. */
START_TEST(observes_a_set_on_a_large_machine)
{
    enum { N = 4096 };
    char text[32];
    cpu_set_t *mask = CPU_ALLOC(N);
    pretended_bytes = CPU_ALLOC_SIZE(N);
    CPU_ZERO_S(pretended_bytes, mask);
    for (int pu = 0; pu < 8; pu += 2)
        CPU_SET_S(pu, pretended_bytes, mask);
    for (int pu = 4000; pu < N; pu++)
        CPU_SET_S(pu, pretended_bytes, mask);
    pretended = mask;
    ck_assert_str_eq(topo_current_set(text, sizeof text), "0,2,4,6,4000-4095");
    ck_assert_str_eq(topo_current_set(text, 18), "0,2,4,6,4000-4095");
    ck_assert_str_eq(topo_current_set(text, 17), "0,2,4,6,...");
    ck_assert_str_eq(topo_current_set(text, 12), "0,2,4,6,...");
    ck_assert_str_eq(topo_current_set(text, 11), "0,2,4,...");
    ck_assert_str_eq(topo_current_set(text, 6), "0,...");
    ck_assert_str_eq(topo_current_set(text, 5), "");
    ck_assert_str_eq(topo_current_set(text, 1), "");
    pretended = NULL;
    CPU_FREE(mask);
}
END_TEST

UNIT_MAIN("topo", plans_two_packages_with_smt, plans_in_the_numbers_of_the_operating_system,
          plans_four_numa_nodes, spreads_over_caches_inside_a_package, plans_a_single_pu,
          plans_without_cores, starts_again_with_more_workers_than_pus,
          UNIT_LOOP(places_do_not_depend_on_the_number_of_workers, 0, 4), plans_on_the_allowed_part,
          plans_on_cores_that_differ, plans_on_performance_cores_first, counts_several_kinds,
          kinds_of_some_are_kinds_of_none, offline_pus_are_told_and_never_planned_on,
          siblings_share_cores, quotas_of_nested_groups, quota_of_mixed_versions,
          checks_a_list_against_the_machine, reads_bindings, quota_is_the_tightest_on_the_way_up,
          quota_of_version_1, quota_of_both_versions, no_quota_where_nothing_says_so,
          quota_in_a_container, quota_below_a_mount_point_with_blanks,
          usable_is_affinity_within_the_quota, explains_in_one_line, counts_a_synthetic_machine,
          xml_comes_back_as_the_same_machine, refuses_to_bind_on_another_machine,
          says_when_a_topology_cannot_be_read, counts_this_machine,
          one_allowed_pu_is_one_usable_cpu, binds_and_observes, binds_a_forked_worker_alone,
          binds_a_thread_alone, observes_a_set_on_a_large_machine)
