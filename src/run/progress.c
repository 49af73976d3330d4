/* The progress line: see progress.h. */
#include "run/progress.h"

#include "base/clock.h"
#include "base/units.h"

#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { PLAIN_EVERY_S = 10 };

void progress_start(struct progress *p, FILE *to, uint64_t n_all, double cost_all)
{
    *p = (struct progress){.to = to, .n_all = n_all, .cost_all = cost_all};
    p->terminal = to && isatty(fileno(to));
    p->start_ns = p->shown_ns = clock_now_ns();
}

void progress_add(struct progress *p, uint64_t n, double cost)
{
    p->n_done += n;
    p->cost_done += cost;
}

static void format_left(const struct progress *p, uint64_t now, char *to, size_t size)
{
    double spent = (double)(now - p->start_ns) / 1e9;
    double share = p->cost_all > 0 ? p->cost_done / p->cost_all : 0;
    /* In the beginning the estimate itself says more than what little was seen. */
    double left = share > 0.05 ? spent * (1 - share) / share : (p->cost_all - p->cost_done) / 1e9;
    char span[32];
    snprintf(to, size, "%s left", units_format_span(left > 0 ? left * 1e9 : 0, span, sizeof span));
}

void progress_show(struct progress *p, const char *what)
{
    uint64_t now = clock_now_ns();
    if (!p->to || now - p->shown_ns < (p->terminal ? 100000000u : PLAIN_EVERY_S * 1000000000ull))
        return;
    p->shown_ns = now;
    char left[32], line[256];
    format_left(p, now, left, sizeof left);
    snprintf(line, sizeof line, "%3.0f %%  %llu/%llu samples  %s  %s",
             p->n_all ? 100.0 * (double)p->n_done / (double)p->n_all : 100.0,
             (unsigned long long)p->n_done, (unsigned long long)p->n_all, left, what);
    if (!p->terminal) {
        fprintf(p->to, "%s\n", line);
    } else {
        struct winsize w = {0};
        int columns = ioctl(fileno(p->to), TIOCGWINSZ, &w) == 0 && w.ws_col > 8 ? w.ws_col : 80;
        fprintf(p->to, "\r\033[K%.*s", columns - 1, line);
    }
    fflush(p->to);
}

void progress_say(struct progress *p, const char *format, ...)
{
    FILE *to = p->to ? p->to : stderr;
    va_list args;
    va_start(args, format);
    if (p->to && p->terminal)
        fputs("\r\033[K", to);
    vfprintf(to, format, args);
    fputc('\n', to);
    fflush(to);
    va_end(args);
}

void progress_end(struct progress *p)
{
    if (p->to && p->terminal) {
        fputs("\r\033[K", p->to);
        fflush(p->to);
    }
}
