/* Names of users and hosts, taken out of what is written. */
#include "base/home.h"
#include "run/hosts.h"
#include "unit.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>

static void be_alice(void)
{
    setenv("HOME", "/home/alice", 1);
    setenv("USER", "alice", 1);
    unsetenv("LOGNAME");
}

static const struct {
    const char *text, *hidden;
} paths[] = {
    {"/home/alice/bin/cell --log /home/alice", "~/bin/cell --log ~"},
    {"mock=/home/alice/cell|/srv/alice/cell", "mock=~/cell|/srv/~/cell"},
    {"-I/home/alice/include -L/data/alice", "-I~/include -L/data/~"},
    {"alice/runs/x.ini", "./~/runs/x.ini"},
    {"/chroot/home/alice/x", "/chroot/home/~/x"},
    {"/home/alice2/x /home/alic /malice/x", "/home/alice2/x /home/alic /malice/x"},
    {"alice said: (/home/alice/x)", "alice said: (~/x)"},
    {"/home/alice", "~"},
    {"", ""},
    {"a/b ~/c", "a/b ~/c"},
};

START_TEST(hides_paths)
{
    struct text hidden = TEXT_INIT;
    char in_place[64];
    be_alice();
    home_hide(&hidden, paths[_i].text);
    ck_assert_str_eq(hidden.text, paths[_i].hidden);
    snprintf(in_place, sizeof in_place, "%s", paths[_i].text);
    home_hide_in(in_place, sizeof in_place);
    ck_assert_str_eq(in_place, paths[_i].hidden);
    text_release(&hidden);
}
END_TEST

START_TEST(shows_what_was_hidden)
{
    struct text shown = TEXT_INIT;
    be_alice();
    home_show(&shown, "~/bin/cell --log /srv/~/log ./~/x a~ ~b x=~/y");
    ck_assert_str_eq(shown.text,
                     "/home/alice/bin/cell --log /srv/alice/log ./alice/x a~ ~b x=/home/alice/y");
    text_release(&shown);
}
END_TEST

START_TEST(root_names_nobody)
{
    struct text hidden = TEXT_INIT;
    setenv("HOME", "/root", 1);
    setenv("USER", "root", 1);
    setenv("LOGNAME", "root", 1);
    home_hide(&hidden, "/root/x /opt/root/y");
    ck_assert_str_eq(hidden.text, "~/x /opt/root/y");
    text_release(&hidden);
}
END_TEST

/* Behind sudo is somebody whose name is as little to be written; what was hidden is found again. */
START_TEST(root_is_somebody)
{
    static const char *const variables[] = {"SUDO_USER", "DOAS_USER"};
    for (size_t i = 0; i < 2; i++) {
        struct text hidden = TEXT_INIT, shown = TEXT_INIT;
        setenv("HOME", "/root", 1);
        setenv("USER", "root", 1);
        setenv("LOGNAME", "root", 1);
        setenv(variables[i], "alice", 1);
        const char *text = "mock=/home/alice/cell --log /root/x alice/y";
        home_hide(&hidden, text);
        ck_assert_str_eq(hidden.text, "mock=/home/~/cell --log ~/x ./~/y");
        home_show(&shown, hidden.text);
        ck_assert_str_eq(shown.text, "mock=/home/alice/cell --log /root/x ./alice/y");
        text_release(&hidden);
        text_release(&shown);
        unsetenv(variables[i]);
    }
}
END_TEST

/* The home of another one than HOME's, if it does not tell by its name whose it is. */
START_TEST(other_homes_are_hidden)
{
    struct passwd *nobody = getpwnam("nobody");
    struct text text = TEXT_INIT, hidden = TEXT_INIT;
    if (!nobody || nobody->pw_dir[0] != '/' || !nobody->pw_dir[1])
        return; /* the machine has no such user */
    be_alice();
    setenv("SUDO_USER", "nobody", 1);
    text_addf(&text, "%s/cell", nobody->pw_dir);
    home_hide(&hidden, text.text);
    ck_assert_str_eq(hidden.text, "~/cell");
    unsetenv("SUDO_USER");
    text_release(&text);
    text_release(&hidden);
}
END_TEST

START_TEST(numbers_hosts)
{
    struct hosts hosts;
    char text[200] = "rank 1 on Alpha.cluster.example: alpha-2, beta died; alphabet, x.alpha.";
    be_alice();
    hosts_init(&hosts, false);
    size_t own = hosts.n; /* this machine, unless it is a localhost */
    hosts_add(&hosts, "alpha.cluster.example");
    hosts_add(&hosts, "beta");
    hosts_add(&hosts, "ALPHA");
    hosts_add(&hosts, "");
    hosts_add(&hosts, "localhost");
    ck_assert_uint_eq(hosts.n, own + 2);
    hosts_hide(&hosts, text, sizeof text);
    char expected[200];
    snprintf(expected, sizeof expected,
             "rank 1 on node %zu: alpha-2, node %zu died; alphabet, x.alpha.", own, own + 1);
    ck_assert_str_eq(text, expected);
    hosts.keeps_names = true;
    strcpy(text, "beta: /home/alice/x");
    hosts_hide(&hosts, text, sizeof text);
    ck_assert_str_eq(text, "beta: ~/x");
    /* A number longer than the name is cut off, not written beyond the end. */
    hosts.keeps_names = false;
    strcpy(text, "beta beta");
    hosts_hide(&hosts, text, 8);
    ck_assert_uint_eq(strlen(text), 7);
    hosts_release(&hosts);
}
END_TEST

UNIT_MAIN("names", UNIT_LOOP(hides_paths, 0, sizeof paths / sizeof *paths), shows_what_was_hidden,
          root_names_nobody, root_is_somebody, other_homes_are_hidden, numbers_hosts)
