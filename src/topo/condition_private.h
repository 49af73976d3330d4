/* What the checks of the machine's condition share (condition.h). */
#ifndef POOLMARK_TOPO_CONDITION_PRIVATE_H
#define POOLMARK_TOPO_CONDITION_PRIVATE_H

#include "topo/condition.h"

#define CPUS "sys/devices/system/cpu"

struct condition_look {
    const char *name, *question;
    enum condition_kind kind;
    void (*look)(const struct condition_facts *facts, struct condition *condition);
};

/* All checks, in their order: first those of the CPUs. */
enum { CONDITIONS_OF_CPUS = 15, CONDITIONS_OF_SYSTEM = 18 };

extern const struct condition_look condition_of_cpus[CONDITIONS_OF_CPUS];
extern const struct condition_look condition_of_system[CONDITIONS_OF_SYSTEM];

/* The verdict, its value for records and its sentence. */
__attribute__((format(printf, 4, 5))) void condition_say(struct condition *c,
                                                         enum condition_verdict verdict,
                                                         const char *value, const char *format,
                                                         ...);

/* A command to paste; those that need root get sudo for whoever is not. */
__attribute__((format(printf, 4, 5))) void condition_command(struct condition *c,
                                                             const struct condition_facts *f,
                                                             bool as_root, const char *format, ...);

/* What can be done where no command does it, or what it means. */
__attribute__((format(printf, 2, 3))) void condition_advise(struct condition *c, const char *format,
                                                            ...);

/* Reads a file, trimmed, as far as the buffer goes; false, and "", when it is not there. */
bool condition_read(const struct condition_facts *f, const char *path, char *buffer, size_t size);

/* The number that stands behind a word: "MemTotal:   100 kB"; NAN when the word is not there. */
double condition_number_behind(const char *text, const char *word);

/* What the CPUs have in a file of their own: cpuN/NAME. */
struct condition_survey {
    size_t n, n_other; /* CPUs that have it; those whose text differs from the first's */
    char first[64], other[64];
    double sum, least, most; /* of the numbers in them */
};

struct condition_survey condition_survey(const struct condition_facts *f, const char *name);

/* The value of a word of the kernel's command line, "isolcpus=2-7" → "2-7"; false when absent. */
bool condition_boot_word(const struct condition_facts *f, const char *word, char *value,
                         size_t size);

bool condition_is_virtual(const struct condition_facts *f);

#endif
