/* Whether a function is in the snapshot of the workers: whether the zygote, which is the snapshot,
 * has the same file mapped executable at the function's address as the parent has now. So functions
 * need no registering, and one that was loaded later, or made at run time, is told before it would
 * crash a worker.
 *
 * While the loader has loaded and unloaded nothing since the pool was made, what it has loaded is
 * in the snapshot, and /proc need not be read. */
#include "procpool/pool.h"

#include <inttypes.h>
#include <link.h>
#include <stdio.h>
#include <string.h>

/* What the loader tells: how often it has loaded and unloaded, and whether the address is code of
 * something that is loaded. */
struct loader {
    uintptr_t address;
    unsigned long long adds, subs;
    bool has_address;
};

static int see_object(struct dl_phdr_info *info, size_t size, void *data)
{
    struct loader *loader = data;
    (void)size;
    loader->adds = info->dlpi_adds;
    loader->subs = info->dlpi_subs;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        if (segment->p_type == PT_LOAD && segment->p_flags & PF_X &&
            loader->address - (info->dlpi_addr + segment->p_vaddr) < segment->p_memsz)
            loader->has_address = true;
    }
    return loader->has_address;
}

static struct loader loader_now(procpool_function *function)
{
    struct loader loader = {.address = (uintptr_t)function};
    dl_iterate_phdr(see_object, &loader);
    return loader;
}

/* The line of /proc/PID/maps that has the address, without the permissions of the mapping but for
 * whether it is executable. */
struct mapping {
    uintptr_t start;
    bool is_executable;
    char file[256]; /* offset, device, inode, path */
};

static bool find_mapping(pid_t pid, uintptr_t address, struct mapping *found)
{
    char path[64], line[512];
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    FILE *maps = fopen(path, "re");
    bool is_there = false;
    while (maps && !is_there && fgets(line, sizeof line, maps)) {
        uintptr_t start, end;
        char permissions[5];
        int at = 0;
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s %n", &start, &end, permissions, &at) != 3)
            continue;
        is_there = address >= start && address < end;
        if (is_there) {
            found->start = start;
            found->is_executable = permissions[2] == 'x';
            format_text(found->file, sizeof found->file, "%s", line + at);
        }
    }
    if (maps)
        fclose(maps);
    return is_there;
}

static bool is_in_snapshot(const struct procpool *pool, procpool_function *function)
{
    struct mapping here, there;
    uintptr_t address = (uintptr_t)function;
    if (!find_mapping(pool->owner, address, &here))
        return false;
    /* Where there is no /proc, nothing can be said against it. */
    if (!find_mapping(pool->zygote, address, &there))
        return access("/proc/self/maps", R_OK) != 0;
    return there.is_executable && strcmp(here.file, there.file) == 0;
}

void known_init(struct procpool *pool)
{
    struct loader now = loader_now(NULL);
    pool->known_adds = now.adds;
    pool->known_subs = now.subs;
}

bool is_known(struct procpool *pool, procpool_function *function)
{
    struct loader now = loader_now(function);
    bool is_as_then = now.adds == pool->known_adds && now.subs == pool->known_subs;
    return (is_as_then && now.has_address) || is_in_snapshot(pool, function);
}
