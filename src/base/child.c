/* Child processes of the driver: see child.h.
 *
 * Design: everything that may fail or allocate is done before the fork; between fork and exec the
 * child calls async-signal-safe functions alone, with all signals blocked until no handler of the
 * parent is left in it. It reports a failed exec through a pipe that a successful exec closes.
 *
 * Invariants:
 * - Every descriptor made here is O_CLOEXEC and above 2, so that no child holds the pipes of
 *   another (which would keep that one from seeing the end of its input) and dup2 onto 0, 1, 2
 *   never meets itself.
 * - The process group has the child's pid as its number, and that number is safe to signal only as
 *   long as the child is not reaped. So the end is seen with WNOWAIT, what is left of the group is
 *   killed, and only then is the child reaped: `reaped` implies that its group is gone.
 * - Processes that left the group (mpirun gives each rank its own) are beyond reach here; they must
 *   watch their parent themselves.
 */
#include "base/child.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* The descriptors of one start; -1 when not open. */
struct wiring {
    int in[2], out[2], failure[2];
    int errors;
};

/* How far the new process came, and why no further. */
struct failure {
    int error; /* errno */
    char step; /* 'p': prctl, 'd': dup2, 'e': exec */
};

static void close_open(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* Moves a descriptor that took the place of a closed standard stream above 2. */
static int lift(int *fd)
{
    if (*fd < 0 || *fd > 2)
        return *fd < 0 ? -1 : 0;
    int lifted = fcntl(*fd, F_DUPFD_CLOEXEC, 3);
    close(*fd);
    *fd = lifted;
    return lifted < 0 ? -1 : 0;
}

static int open_pipe(int ends[2])
{
    if (pipe2(ends, O_CLOEXEC) != 0) {
        ends[0] = ends[1] = -1;
        return -1;
    }
    int first = lift(&ends[0]), second = lift(&ends[1]);
    return first != 0 || second != 0 ? -1 : 0;
}

static void wiring_release(struct wiring *w)
{
    int *fds[] = {&w->in[0],      &w->in[1],      &w->out[0], &w->out[1],
                  &w->failure[0], &w->failure[1], &w->errors};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        close_open(fds[i]);
}

static int wiring_init(struct wiring *w)
{
    *w = (struct wiring){{-1, -1}, {-1, -1}, {-1, -1}, -1};
    if (open_pipe(w->in) != 0 || open_pipe(w->out) != 0 || open_pipe(w->failure) != 0)
        return -1;
    w->errors = memfd_create("standard error of a child", MFD_CLOEXEC);
    /* Appending, so that none of the group overwrites the words of another by seeking. */
    if (lift(&w->errors) != 0 || fcntl(w->errors, F_SETFL, O_APPEND) != 0)
        return -1;
    return 0;
}

static size_t name_length(const char *assignment)
{
    return strcspn(assignment, "=");
}

/* This process's environment with `extra` added, a name that is there already replaced. One block
 * of pointers to be freed; the strings stay whose they are. */
static char **merged_environment(char *const extra[])
{
    size_t n_here = 0, n_extra = 0, n = 0;
    while (environ && environ[n_here])
        n_here++;
    while (extra && extra[n_extra])
        n_extra++;
    char **merged = alloc_zeroed(n_here + n_extra + 1, sizeof *merged);
    for (size_t i = 0; i < n_here; i++)
        merged[n++] = environ[i];
    for (size_t i = 0; i < n_extra; i++) {
        size_t length = name_length(extra[i]), at = 0;
        while (at < n &&
               (name_length(merged[at]) != length || memcmp(merged[at], extra[i], length) != 0))
            at++;
        merged[at] = extra[i];
        if (at == n)
            n++;
    }
    return merged;
}

/* In the child: no handler of the parent may run here, and what a driver ignores for itself
 * (SIGPIPE, or SIGINT while it winds up) must not be ignored by what it starts. */
static void reset_signals(void)
{
    struct sigaction usual = {.sa_handler = SIG_DFL}, now;
    for (int s = 1; s < NSIG; s++) {
        if (sigaction(s, NULL, &now) != 0)
            continue;
        bool handled = (now.sa_flags & SA_SIGINFO) || now.sa_handler != SIG_IGN;
        if (handled || s == SIGINT || s == SIGPIPE)
            sigaction(s, &usual, NULL);
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* In the child: everything from fork to exec. */
_Noreturn static void become(char *const argv[], char *const environment[], const struct wiring *w,
                             pid_t parent, int death_signal)
{
    struct failure failure = {0, 'p'};
    /* Both sides set the group: whoever comes second finds it done. */
    setpgid(0, 0);
    if (death_signal && prctl(PR_SET_PDEATHSIG, death_signal) != 0)
        goto failed;
    /* The parent may have died before the request stood. */
    if (death_signal && getppid() != parent)
        _exit(127);
    failure.step = 'd';
    if (dup2(w->in[0], 0) < 0 || dup2(w->out[1], 1) < 0 || dup2(w->errors, 2) < 0)
        goto failed;
    failure.step = 'e';
    reset_signals();
    execvpe(argv[0], argv, environment);
failed:
    failure.error = errno;
    /* A pipe takes so few bytes whole or not at all; without them the parent sees status 127. */
    if (write(w->failure[1], &failure, sizeof failure) != (ssize_t)sizeof failure)
        _exit(126);
    _exit(127);
}

/* Waits until the new process has become its program; false with the failure when it has not. */
static bool has_become(int fd, struct failure *failure)
{
    ssize_t got;
    do {
        got = read(fd, failure, sizeof *failure);
    } while (got < 0 && errno == EINTR);
    return got != (ssize_t)sizeof *failure;
}

static int tell_failure(struct err *err, const char *program, const struct failure *failure)
{
    if (failure->step == 'e' && failure->error == ENOENT && !strchr(program, '/'))
        return err_set(err, "cannot start '%s': there is no such program in PATH", program);
    const char *step = failure->step == 'e'   ? ""
                       : failure->step == 'd' ? "its standard streams: "
                                              : "its signal at the death of its parent: ";
    return err_set(err, "cannot start '%s': %s%s", program, step, strerror(failure->error));
}

static void reap(pid_t pid, int *status)
{
    pid_t got;
    do {
        got = waitpid(pid, status, 0);
    } while (got < 0 && errno == EINTR);
    if (got != pid)
        *status = -1; /* somebody else took it (SIGCHLD ignored): its status is unknown */
}

int child_start(struct child *child, char *const argv[], char *const environment[],
                int death_signal, struct err *err)
{
    *child = (struct child)CHILD_INIT;
    struct wiring w;
    if (wiring_init(&w) != 0) {
        int error = errno;
        wiring_release(&w);
        return err_set(err, "cannot start '%s': no pipes for it: %s", argv[0], strerror(error));
    }
    char **merged = merged_environment(environment);
    pid_t parent = getpid();
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid == 0)
        become(argv, merged, &w, parent, death_signal);
    int error = errno;
    if (pid > 0)
        setpgid(pid, pid); /* fails once it has called exec: then it has done so itself */
    sigprocmask(SIG_SETMASK, &before, NULL);
    free(merged);
    if (pid < 0) {
        wiring_release(&w);
        return err_set(err, "cannot start '%s': no new process: %s", argv[0], strerror(error));
    }
    close_open(&w.failure[1]);
    struct failure failure;
    if (!has_become(w.failure[0], &failure)) {
        int status;
        reap(pid, &status);
        wiring_release(&w);
        return tell_failure(err, argv[0], &failure);
    }
    *child = (struct child){pid, w.in[1], w.out[0], w.errors, false, 0};
    w.in[1] = w.out[0] = w.errors = -1;
    wiring_release(&w);
    return 0;
}

/* Whether the child has ended; it is not reaped yet. */
static bool has_ended(pid_t pid)
{
    siginfo_t info;
    int status;
    do {
        info.si_pid = 0;
        status = waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT);
    } while (status != 0 && errno == EINTR);
    return status != 0 || info.si_pid == pid;
}

/* Waits until the child has ended or `ms` have passed; it is not reaped yet. */
static bool ends_within(pid_t pid, int ms)
{
    uint64_t deadline = clock_now_ns() + (ms > 0 ? (uint64_t)ms : 0) * 1000000u;
    /* Short naps first, since most children end at once; then long ones that burn no CPU. */
    for (uint64_t nap = 100000;; nap = nap < 5000000 ? nap * 2 : nap) {
        if (has_ended(pid))
            return true;
        uint64_t now = clock_now_ns();
        if (now >= deadline)
            return false;
        clock_sleep_ns(deadline - now < nap ? deadline - now : nap);
    }
}

/* Blocks until the child ends, kills what is left of its group, and reaps it. */
static void finish(struct child *child)
{
    siginfo_t info;
    int waited;
    do {
        waited = waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOWAIT);
    } while (waited != 0 && errno == EINTR);
    if (waited == 0)
        kill(-child->pid, SIGKILL);
    reap(child->pid, &child->status);
    child->pid = 0;
    child->reaped = true;
}

bool child_poll(struct child *child)
{
    return child_wait(child, 0);
}

bool child_wait(struct child *child, int ms)
{
    if (child->pid == 0)
        return true;
    if (!ends_within(child->pid, ms))
        return false;
    finish(child);
    return true;
}

void child_end(struct child *child, int ms)
{
    close_open(&child->to);
    if (child->pid == 0 || child_wait(child, ms))
        return;
    kill(-child->pid, SIGTERM);
    if (!ends_within(child->pid, ms))
        kill(-child->pid, SIGKILL);
    finish(child);
}

void child_release(struct child *child)
{
    close_open(&child->to);
    close_open(&child->from);
    close_open(&child->errors);
}

/* Reads up to n bytes at an offset; returns how many there are. */
static size_t read_at(int fd, char *bytes, size_t n, off_t from)
{
    size_t done = 0;
    while (done < n) {
        ssize_t got = pread(fd, bytes + done, n - done, from + (off_t)done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        done += (size_t)got;
    }
    return done;
}

char *child_last_words(const struct child *child, char *buffer, size_t size)
{
    if (size == 0)
        return buffer;
    buffer[0] = '\0';
    struct stat file;
    if (child->errors < 0 || fstat(child->errors, &file) != 0)
        return buffer;
    off_t most = (off_t)(size - 1);
    off_t from = file.st_size > most ? file.st_size - most : 0;
    size_t n = read_at(child->errors, buffer, size - 1, from);
    for (size_t i = 0; i < n; i++)
        if (buffer[i] == '\0')
            buffer[i] = ' ';
    buffer[n] = '\0';
    char *words = buffer, before = '\n';
    if (from > 0)
        read_at(child->errors, &before, 1, from - 1);
    if (before != '\n') {
        /* Cut off within a line: begin with the next, or else with a whole character. */
        char *next = strchr(words, '\n');
        if (next && next[strspn(next, " \t\r\n")] != '\0')
            words = next;
        while (((unsigned char)*words & 0xC0) == 0x80)
            words++;
    }
    words = text_trim(words);
    memmove(buffer, words, strlen(words) + 1);
    return buffer;
}

char *child_describe_status(int status, char *buffer, size_t size)
{
    if (WIFEXITED(status)) {
        snprintf(buffer, size, "exit status %d", WEXITSTATUS(status));
    } else if (WIFSIGNALED(status)) {
        int number = WTERMSIG(status);
        const char *name = sigabbrev_np(number);
        if (name)
            snprintf(buffer, size, "signal %d (SIG%s)", number, name);
        else
            snprintf(buffer, size, "signal %d", number);
    } else {
        snprintf(buffer, size, "unknown status");
    }
    return buffer;
}

/* Reads all that the child writes, keeping the first size-1 bytes, until it closes its output or
 * has ended. Returns whether that was before the deadline. */
static bool read_until(struct child *child, uint64_t deadline, char *buffer, size_t size)
{
    enum { LOOK_AGAIN_MS = 50 };
    size_t n = 0;
    for (;;) {
        uint64_t now = clock_now_ns();
        if (now >= deadline)
            return false;
        /* A process outside the group may hold the pipe open for ever: look at the child. */
        uint64_t left_ms = (deadline - now) / 1000000u + 1;
        struct pollfd wait = {child->from, POLLIN, 0};
        int ready = poll(&wait, 1, left_ms < LOOK_AGAIN_MS ? (int)left_ms : LOOK_AGAIN_MS);
        if (ready < 0 && errno != EINTR)
            return false;
        if (ready == 0 && child->reaped)
            return true;
        if (ready == 0)
            child_poll(child);
        if (ready <= 0)
            continue;
        char rest[4096];
        bool keep = n + 1 < size;
        ssize_t got = keep ? read(child->from, buffer + n, size - 1 - n)
                           : read(child->from, rest, sizeof rest);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got == 0;
        if (keep) {
            n += (size_t)got;
            buffer[n] = '\0';
        }
    }
}

int child_capture(char *const argv[], int ms, char *buffer, size_t size)
{
    enum { GRACE_MS = 50 };
    if (size > 0)
        buffer[0] = '\0';
    uint64_t deadline = clock_now_ns() + (ms > 0 ? (uint64_t)ms : 0) * 1000000u;
    struct child child;
    if (child_start(&child, argv, NULL, SIGKILL, NULL) != 0)
        return -1;
    close_open(&child.to);
    bool ended = read_until(&child, deadline, buffer, size);
    if (ended) {
        uint64_t now = clock_now_ns();
        ended = child_wait(&child, now < deadline ? (int)((deadline - now) / 1000000u) : 0);
    }
    child_end(&child, GRACE_MS);
    child_release(&child);
    return ended ? child.status : -1;
}
