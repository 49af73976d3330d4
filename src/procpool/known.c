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

/* What /proc/PID/maps says of an address: whether its mapping is executable, and which byte of
 * which file it is, in words. */
struct place {
    bool is_executable;
    char text[256];
};

static bool find_place(pid_t pid, uintptr_t address, struct place *found)
{
    char path[64], line[512];
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    FILE *maps = fopen(path, "re");
    bool is_there = false;
    while (maps && !is_there && fgets(line, sizeof line, maps)) {
        uintptr_t start, end;
        unsigned long long offset;
        char permissions[5];
        int at = 0;
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s %llx %n", &start, &end, permissions,
                   &offset, &at) != 4)
            continue;
        is_there = address >= start && address < end;
        if (is_there) {
            found->is_executable = permissions[2] == 'x';
            format_text(found->text, sizeof found->text, "%llx %s", offset + (address - start),
                        line + at);
        }
    }
    if (maps)
        fclose(maps);
    return is_there;
}

static bool can_read_maps(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    return access(path, R_OK) == 0;
}

static bool is_in_snapshot(const struct procpool *pool, procpool_function *function)
{
    struct place here, there;
    uintptr_t address = (uintptr_t)function;
    /* Where the snapshot cannot be seen nothing can be said against it. */
    if (!can_read_maps(pool->zygote) || !can_read_maps(pool->owner))
        return true;
    return find_place(pool->owner, address, &here) && find_place(pool->zygote, address, &there) &&
           there.is_executable && strcmp(here.text, there.text) == 0;
}

bool has_mapped(const struct procpool *pool, pid_t pid)
{
    struct place here, there;
    uintptr_t address = (uintptr_t)pool->control;
    return find_place(pool->owner, address, &here) && find_place(pid, address, &there) &&
           strcmp(here.text, there.text) == 0;
}

bool has_no_memory(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    FILE *maps = fopen(path, "re");
    bool is_empty = maps && fgetc(maps) == EOF && !ferror(maps);
    if (maps)
        fclose(maps);
    return is_empty;
}

void known_init(struct procpool *pool)
{
    struct loader now = loader_now(NULL);
    pool->first_adds = now.adds;
    pool->first_subs = now.subs;
}

bool is_known(struct procpool *pool, procpool_function *function)
{
    struct loader now = loader_now(function);
    if (now.has_address && now.adds == pool->first_adds && now.subs == pool->first_subs)
        return true;
    if (function == pool->known && now.adds == pool->known_adds && now.subs == pool->known_subs)
        return true;
    if (!is_in_snapshot(pool, function))
        return false;
    pool->known = function;
    pool->known_adds = now.adds;
    pool->known_subs = now.subs;
    return true;
}
