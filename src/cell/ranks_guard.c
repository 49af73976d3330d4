/* The guardian: a thread in every rank that sleeps until the rank's parent has died or the driver
 * wants to know where the rank is. */
#include "cell/ranks_own.h"

#include "base/clock.h"
#include "base/text.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MOST_TOLD = 4 }; /* chunks of one rank */

/* --- the end of the parent -------------------------------------------------------------------- */

/* Removes the files through which Open MPI's ranks of one machine share memory, as far as this rank
 * has them mapped. They outlive their users, and who would remove them was killed. */
static void remove_segments(void)
{
    static const char *const names[] = {"/dev/shm/vader_segment.", "/dev/shm/osc_rdma."};
    char line[4096];
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps && fgets(line, sizeof line, maps))
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            char *path = strstr(line, names[i]);
            if (!path)
                continue;
            path[strcspn(path, " \n")] = '\0';
            unlink(path);
        }
    if (maps)
        fclose(maps);
}

/* --- questions -------------------------------------------------------------------------------- */

void ranks_take_questions(struct team *team)
{
    sigset_t asked;
    sigemptyset(&asked);
    sigaddset(&asked, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &asked, NULL);
    team->questions = signalfd(-1, &asked, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* One line of standard error: "rank 1 on HOST was in tasks 3..5, 0.70 s after its start". The
 * driver reads it (src/run/cells.c). */
static void say_where(struct team *team)
{
    char host[256] = "?";
    struct text line = TEXT_INIT;
    uint64_t since = 0, n_told = 0;
    gethostname(host, sizeof host - 1);
    text_addf(&line, "poolmark-cell-mpi: rank %d on %s was in ", team->rank, host);
    for (uint32_t t = 0; t < team->threads; t++) {
        struct whereabouts *at = &team->here[t].at;
        uint64_t from = atomic_load_explicit(&at->since_ns, memory_order_relaxed);
        uint64_t first = atomic_load_explicit(&at->first, memory_order_relaxed);
        uint64_t count = atomic_load_explicit(&at->count, memory_order_relaxed);
        if (from == 0 || count == 0)
            continue;
        since = from;
        if (++n_told <= MOST_TOLD)
            text_addf(&line, "%s%" PRIu64 "..%" PRIu64, n_told > 1 ? " and " : "tasks ", first,
                      first + count - 1);
    }
    if (n_told > MOST_TOLD)
        text_addf(&line, " and %" PRIu64 " more", n_told - MOST_TOLD);
    if (n_told > 0)
        text_addf(&line, ", %.2f s after its start\n", (double)(clock_now_ns() - since) * 1e-9);
    else
        text_addf(&line, "no task\n");
    /* In one write, so that lines of several ranks do not mix; nobody is there to be told of an
     * error. */
    if (write(STDERR_FILENO, line.text, line.length) < 0)
        line.length = 0;
    text_release(&line);
}

static void answer_question(struct team *team)
{
    struct signalfd_siginfo info;
    if (read(team->questions, &info, sizeof info) == (ssize_t)sizeof info &&
        atomic_load(&team->has_workers))
        say_where(team);
}

/* --- the thread ------------------------------------------------------------------------------- */

/* Ends this rank when its parent has: mpirun, or the daemon that started it. A rank that is killed
 * goes with its job; this is for ranks whose mpirun was killed, in the middle of a long task too.
 * (PR_SET_PDEATHSIG would fire on the end of the thread that forked, which here may be one of a
 * pool that mpirun ends after the launch.) */
void *ranks_guard(void *argument)
{
    struct team *team = argument;
    struct pollfd fds[] = {
        {.fd = (int)syscall(SYS_pidfd_open, team->parent, 0), .events = POLLIN},
        {.fd = team->questions, .events = POLLIN},
    };
    while (getppid() == team->parent) {
        poll(fds, 2, fds[0].fd >= 0 ? -1 : 300);
        if (fds[1].revents & POLLIN)
            answer_question(team);
    }
    remove_segments();
    _exit(EXIT_FAILURE);
}
