/* Paths without the name of a user: see home.h. */
#include "base/home.h"

#include <ctype.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_NAMES = 3 };

struct names {
    const char *homes[MOST_NAMES], *users[MOST_NAMES];
    size_t n_homes, n_users;
    char entry[1024]; /* the texts of the user's entry in the password file */
};

static void add_name(const char **names, size_t *n, const char *name)
{
    for (size_t i = 0; i < *n; i++)
        if (strcmp(names[i], name) == 0)
            return;
    names[(*n)++] = name;
}

static void find_names(struct names *names)
{
    static const char *const variables[] = {"USER", "LOGNAME"};
    struct passwd entry, *who = NULL;
    names->n_homes = names->n_users = 0;
    if (getpwuid_r(geteuid(), &entry, names->entry, sizeof names->entry, &who) != 0)
        who = NULL;
    const char *homes[] = {getenv("HOME"), who ? who->pw_dir : NULL};
    for (size_t i = 0; i < sizeof homes / sizeof *homes; i++)
        if (homes[i] && homes[i][0] == '/' && homes[i][1])
            add_name(names->homes, &names->n_homes, homes[i]);
    for (size_t i = 0; i <= sizeof variables / sizeof *variables; i++) {
        const char *user = i < 2 ? getenv(variables[i]) : who ? who->pw_name : NULL;
        if (user && *user && strcmp(user, "root") != 0)
            add_name(names->users, &names->n_users, user);
    }
}

/* What parts one path of a text from the next. */
static bool is_between(char c)
{
    return isspace((unsigned char)c) || (c && strchr("=:,;|'\"`()[]<>", c) != NULL);
}

static bool ends_component(char c)
{
    return c == '\0' || c == '/' || is_between(c);
}

/* Length of the name that begins there and fills a component to its end; 0: none. */
static size_t match(const char *at, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t length = strlen(names[i]);
        while (length > 1 && names[i][length - 1] == '/')
            length--;
        if (strncmp(at, names[i], length) == 0 && ends_component(at[length]))
            return length;
    }
    return 0;
}

void home_hide(struct text *to, const char *text)
{
    struct names names;
    bool in_path = false; /* a slash stood in this word already */
    find_names(&names);
    text_add(to, "", 0);
    for (const char *p = text; *p;) {
        bool begins = p == text || is_between(p[-1]);
        if (begins)
            in_path = false;
        size_t n = *p == '/' && !in_path ? match(p, names.homes, names.n_homes) : 0;
        const char *instead = "~";
        if (n == 0 && *p == '/' && (n = match(p + 1, names.users, names.n_users)) > 0) {
            n++;
            instead = "/~";
        } else if (n == 0 && begins && (n = match(p, names.users, names.n_users)) > 0) {
            instead = "./~";
            if (p[n] != '/')
                n = 0; /* a word of its own is no path */
        }
        in_path = in_path || *p == '/' || n > 0;
        text_add(to, n ? instead : p, n ? strlen(instead) : 1);
        p += n ? n : 1;
    }
}

void home_hide_in(char *text, size_t size)
{
    struct text hidden = TEXT_INIT;
    if (!strchr(text, '/'))
        return; /* has no path: the names are not looked up for nothing */
    home_hide(&hidden, text);
    if (hidden.text)
        text_copy(text, size, hidden.text);
    text_release(&hidden);
}

void home_show(struct text *to, const char *text)
{
    struct names names;
    find_names(&names);
    text_add(to, "", 0);
    for (const char *p = text; *p; p++) {
        bool begins = p == text || is_between(p[-1]), ends = ends_component(p[1]);
        const char *instead = NULL;
        if (*p == '~' && ends && begins && names.n_homes)
            instead = names.homes[0];
        else if (*p == '~' && ends && !begins && p[-1] == '/' && names.n_users)
            instead = names.users[0];
        text_add(to, instead ? instead : p, instead ? strlen(instead) : 1);
    }
}
