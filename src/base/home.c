/* Paths without the name of a user: see home.h. */
#include "base/home.h"

#include <ctype.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_NAMES = 8, NAME_BYTES = 512 };

struct list {
    char texts[MOST_NAMES][NAME_BYTES];
    size_t n;
};

struct names {
    struct list homes, users; /* the first of each is what home_show writes */
};

static void add_name(struct list *list, const char *name)
{
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->texts[i], name) == 0)
            return;
    if (list->n < MOST_NAMES)
        text_copy(list->texts[list->n++], NAME_BYTES, name);
}

static void add_user(struct names *names, const char *user)
{
    if (user && *user && strcmp(user, "root") != 0)
        add_name(&names->users, user);
}

static void add_user_of(struct names *names, uid_t uid)
{
    struct passwd entry, *who = NULL;
    char texts[1024];
    if (getpwuid_r(uid, &entry, texts, sizeof texts, &who) == 0 && who)
        add_user(names, who->pw_name);
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
static size_t match(const char *at, const struct list *names)
{
    for (size_t i = 0; i < names->n; i++) {
        size_t length = strlen(names->texts[i]);
        while (length > 1 && names->texts[i][length - 1] == '/')
            length--;
        if (strncmp(at, names->texts[i], length) == 0 && ends_component(at[length]))
            return length;
    }
    return 0;
}

/* A home that is not HOME: where a login name is part of it, that is hidden, and found again; "~"
 * would be taken for HOME. */
static void add_home_of(struct names *names, const char *user)
{
    struct passwd entry, *who = NULL;
    char texts[1024];
    if (getpwnam_r(user, &entry, texts, sizeof texts, &who) != 0 || !who || who->pw_dir[0] != '/' ||
        !who->pw_dir[1])
        return;
    for (const char *p = strchr(who->pw_dir, '/'); p; p = strchr(p + 1, '/'))
        if (match(p + 1, &names->users))
            return;
    add_name(&names->homes, who->pw_dir);
}

/* Whoever this process is or was before sudo or the like: the environment says so, the user ids do,
 * and the terminal. */
static void find_names(struct names *names)
{
    static const char *const variables[] = {"USER", "LOGNAME", "SUDO_USER", "DOAS_USER"};
    char login[NAME_BYTES];
    const char *home = getenv("HOME");
    names->homes.n = names->users.n = 0;
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        add_user(names, getenv(variables[i]));
    add_user_of(names, geteuid());
    if (getuid() != geteuid())
        add_user_of(names, getuid());
    if (getlogin_r(login, sizeof login) == 0)
        add_user(names, login);
    if (home && home[0] == '/' && home[1])
        add_name(&names->homes, home);
    for (size_t i = 0; i < names->users.n; i++)
        add_home_of(names, names->users.texts[i]);
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
        size_t n = *p == '/' && !in_path ? match(p, &names.homes) : 0;
        const char *instead = "~";
        if (n == 0 && *p == '/' && (n = match(p + 1, &names.users)) > 0) {
            n++;
            instead = "/~";
        } else if (n == 0 && begins && (n = match(p, &names.users)) > 0) {
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
        if (*p == '~' && ends && begins && names.homes.n)
            instead = names.homes.texts[0];
        else if (*p == '~' && ends && !begins && p[-1] == '/' && names.users.n)
            instead = names.users.texts[0];
        text_add(to, instead ? instead : p, instead ? strlen(instead) : 1);
    }
}
