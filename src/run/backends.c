/* The backends as the driver knows them: see backends.h. */
#include "run/backends.h"

#include "base/alloc.h"
#include "base/home.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MPI_REMEDY "install MPI (apt-get install openmpi-bin libopenmpi-dev) and run make"
#define LLVM_REMEDY "install clang and libomp (apt-get install clang libomp-dev) and run make"

const struct backend_kind backend_kinds[] = {
    {.name = "seq",
     .summary = "one process, one task after the other: the base of every speedup",
     .program = "poolmark-cell",
     .is_base = true},
    {.name = "procpool",
     .summary = "a pool of worker processes over shared memory",
     .program = "poolmark-cell"},
    {.name = "openmp",
     .summary = "threads of one process, by OpenMP",
     .program = "poolmark-cell",
     .uses_threads = true},
    {.name = "openmp:gomp",
     .summary = "the same by name, to stand beside openmp:llvm: GCC's runtime, libgomp",
     .program = "poolmark-cell",
     .uses_threads = true,
     .as = "openmp",
     .library = "libgomp"},
    {.name = "openmp:llvm",
     .summary = "the same on LLVM's runtime, libomp",
     .program = "poolmark-cell-llvm",
     .uses_threads = true,
     .as = "openmp",
     .library = "libomp",
     .remedy = LLVM_REMEDY},
    {.name = "mpi",
     .summary = "MPI ranks, one worker each; the master works too",
     .program = "poolmark-cell-mpi",
     .uses_ranks = true,
     .remedy = MPI_REMEDY},
    {.name = "hybrid",
     .summary = "MPI ranks with OpenMP threads in each",
     .program = "poolmark-cell-mpi",
     .uses_ranks = true,
     .uses_threads = true,
     .remedy = MPI_REMEDY},
    {0},
};

enum { N_KINDS = sizeof backend_kinds / sizeof *backend_kinds - 1 };

/* A command with its paths as they are on this machine, copied. */
static char *shown(const char *command)
{
    struct text t = TEXT_INIT;
    home_show(&t, command);
    return t.text;
}

/* The command of `name` in "NAME=COMMAND | …", copied, or NULL. */
static char *find_command(const char *name, const char *cells)
{
    size_t n;
    char **words = text_words(cells, "|", &n), *found = NULL;
    for (size_t i = 0; i < n && !found; i++) {
        size_t length = strlen(name);
        if (strncmp(words[i], name, length) == 0 && words[i][length] == '=')
            found = shown(words[i] + length + 1);
    }
    text_words_free(words);
    return found;
}

int backend_cells_check(const char *cells, struct err *err)
{
    if (!*cells)
        return 0;
    size_t n;
    int status = 0;
    char **words = text_words(cells, "|", &n);
    for (size_t i = 0; i < n && status == 0; i++) {
        char *equals = strchr(words[i], '=');
        size_t length = equals ? (size_t)(equals - words[i]) : 0;
        if (!equals || length == 0 || length > 31 || !equals[1])
            status =
                err_set(err, "'%s' is not NAME=COMMAND with a name of 1 to 31 bytes", words[i]);
        else if (strcspn(words[i], " \t,\"") < length)
            status = err_set(err, "the name in '%s' holds a blank, comma or quote", words[i]);
        for (size_t k = 0; status == 0 && k < i; k++)
            if (strncmp(words[k], words[i], length + 1) == 0)
                status = err_set(err, "%.*s is named twice", (int)length, words[i]);
        for (int k = 0; status == 0 && k < N_KINDS; k++)
            if (strlen(backend_kinds[k].name) == length &&
                strncmp(backend_kinds[k].name, words[i], length) == 0)
                status = err_set(err, "'%s' is the name of a backend that is built in",
                                 backend_kinds[k].name);
    }
    text_words_free(words);
    return status;
}

static struct backend_kind *copy_kind(const struct backend_kind *kind)
{
    struct backend_kind *copy = alloc_zeroed(1, sizeof *copy);
    *copy = *kind;
    copy->name = alloc_text(kind->name);
    copy->command = kind->command ? alloc_text(kind->command) : NULL;
    return copy;
}

static void refuse_name(const char *name, const char *cells, struct err *err)
{
    size_t n_words, n = 0;
    char **words = text_words(cells, "|", &n_words);
    const char **names = alloc_zeroed(N_KINDS + n_words, sizeof *names);
    for (int i = 0; i < N_KINDS; i++)
        names[n++] = backend_kinds[i].name;
    for (size_t i = 0; i < n_words; i++) {
        words[i][strcspn(words[i], "=")] = '\0';
        if (*words[i])
            names[n++] = words[i];
    }
    text_refuse(err, "unknown backend", name, names, n);
    free(names);
    text_words_free(words);
}

struct backend_kind *backend_kind_find(const char *name, const char *cells, struct err *err)
{
    for (int i = 0; i < N_KINDS; i++)
        if (strcmp(backend_kinds[i].name, name) == 0)
            return copy_kind(&backend_kinds[i]);
    char *command = find_command(name, cells);
    if (command) {
        struct backend_kind own = {
            .name = name, .summary = "a cell of your own", .command = command};
        struct backend_kind *copy = copy_kind(&own);
        free(command);
        return copy;
    }
    refuse_name(name, cells, err);
    return NULL;
}

void backend_kind_free(struct backend_kind *kind)
{
    if (!kind)
        return;
    free((char *)kind->name);
    free((char *)kind->command);
    free(kind);
}

const char *backend_cell_name(const struct backend_kind *kind)
{
    return kind->as ? kind->as : kind->name;
}

bool backend_program_path(const char *program, char *path, size_t size)
{
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n < 0)
        return snprintf(path, size, "%s", program), false;
    self[n] = '\0';
    char *slash = strrchr(self, '/');
    *slash = '\0';
    char installed[4200];
    snprintf(installed, sizeof installed, "%s/../libexec/poolmark/%s", self, program);
    bool is_installed = access(installed, X_OK) == 0;
    snprintf(path, size, "%s/%s", self, program);
    if (access(path, X_OK) == 0)
        return true;
    if (is_installed)
        snprintf(path, size, "%s", installed);
    return is_installed;
}

static bool in_path(const char *program)
{
    const char *path = getenv("PATH");
    if (!path)
        return false;
    size_t n;
    bool found = false;
    char **folders = text_words(path, ":", &n), file[4096];
    for (size_t i = 0; i < n && !found; i++) {
        snprintf(file, sizeof file, "%s/%s", folders[i], program);
        found = access(file, X_OK) == 0;
    }
    text_words_free(folders);
    return found;
}

bool backend_is_available(const struct backend_kind *kind, char *reason, size_t size)
{
    char path[4200];
    if (kind->program && !backend_program_path(kind->program, path, sizeof path)) {
        snprintf(reason, size, "%s was not built; %s", kind->program,
                 kind->remedy ? kind->remedy : "run make");
        return false;
    }
    if (kind->command) {
        snprintf(path, sizeof path, "%.*s", (int)strcspn(kind->command, " \t"), kind->command);
        bool found = strchr(path, '/') ? access(path, X_OK) == 0 : in_path(path);
        if (!found)
            snprintf(reason, size, "%.400s is no program that can be started", path);
        return found;
    }
    if (kind->uses_ranks && !in_path("mpirun")) {
        snprintf(reason, size, "mpirun is not in PATH; apt-get install openmpi-bin");
        return false;
    }
    return true;
}
