/* The machines of a run: see hosts.h. */
#include "run/hosts.h"

#include "base/alloc.h"
#include "base/home.h"
#include "base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

void hosts_init(struct hosts *hosts, bool keeps_names)
{
    char own[256] = "";
    *hosts = (struct hosts){.keeps_names = keeps_names};
    gethostname(own, sizeof own - 1);
    hosts_add(hosts, own);
}

void hosts_release(struct hosts *hosts)
{
    for (size_t i = 0; i < hosts->n; i++)
        free(hosts->names[i]);
    free(hosts->names);
    *hosts = (struct hosts){.names = NULL};
}

/* A name without its domain. */
static size_t short_length(const char *name)
{
    return strcspn(name, ".");
}

static bool is_same(const char *a, const char *b)
{
    size_t n = short_length(a);
    return n == short_length(b) && strncasecmp(a, b, n) == 0;
}

void hosts_add(struct hosts *hosts, const char *name)
{
    if (!hosts || short_length(name) == 0 || is_same(name, "localhost"))
        return; /* names no machine */
    for (size_t i = 0; i < hosts->n; i++)
        if (is_same(hosts->names[i], name))
            return;
    hosts->names = alloc_room(hosts->names, hosts->n, &hosts->capacity, sizeof *hosts->names);
    hosts->names[hosts->n++] = alloc_text(name);
}

static bool is_name_byte(char c)
{
    return isalnum((unsigned char)c) || c == '-' || c == '_';
}

/* Length of the machine's name that begins there, its domain included; 0: it is another word. */
static size_t match(const char *at, const char *name)
{
    size_t n = short_length(name);
    if (strncasecmp(at, name, n) != 0 || is_name_byte(at[n]))
        return 0;
    while (at[n] == '.' && isalnum((unsigned char)at[n + 1]))
        for (n++; is_name_byte(at[n]);)
            n++;
    return n;
}

void hosts_hide(const struct hosts *hosts, char *text, size_t size)
{
    struct text hidden = TEXT_INIT;
    if (!hosts)
        return;
    home_hide_in(text, size);
    for (const char *p = text; *p && !hosts->keeps_names;) {
        size_t n = 0, i = 0;
        if (p == text || (!is_name_byte(p[-1]) && p[-1] != '.'))
            while (i < hosts->n && (n = match(p, hosts->names[i])) == 0)
                i++;
        if (n)
            text_addf(&hidden, "node %zu", i);
        else
            text_add(&hidden, p, 1);
        p += n ? n : 1;
    }
    if (hidden.text)
        text_copy(text, size, hidden.text);
    text_release(&hidden);
}
