/* Numbers and table cells for people. */
#ifndef POOLMARK_REPORT_FORMAT_H
#define POOLMARK_REPORT_FORMAT_H

#include <stdbool.h>
#include <stdio.h>

/* Escapes for a terminal that shows colour; format_style gives "" where it does not. */
#define STYLE_BOLD "\033[1m"
#define STYLE_GOOD "\033[32m"
#define STYLE_NOTE "\033[33m"
#define STYLE_BAD "\033[31m"
#define STYLE_END "\033[0m"

static inline const char *format_style(bool color, const char *style)
{
    return color ? style : "";
}

/* Writes a time with its unit, "1.23 ms"; "-" when it is not known. Returns buffer. */
char *format_seconds(double s, char *buffer, size_t size);

/* Writes the interval in the unit that format_seconds picks for `like`: "[1.20, 1.25]"; "" when it
 * is not known. */
char *format_seconds_interval(double low, double high, double like, char *buffer, size_t size);

/* Writes a ratio with three digits; "-" when it is not known. */
char *format_ratio(double x, char *buffer, size_t size);
char *format_ratio_interval(double low, double high, char *buffer, size_t size);

/* Characters (not bytes) of a text. */
int format_width(const char *text);

/* Cuts a text that is longer than `width` characters, in place, in the middle: texts that are alike
 * differ at their ends more often. An ellipsis stands there then; the array must have room for two
 * bytes more. */
void format_cut(char *text, int width);

/* Prints one cell padded to `width` characters (not bytes: "µs" has two): left when width is
 * negative. */
void format_cell(FILE *to, const char *text, int width);

/* Prints a paragraph, folded at `columns`, indented by `indent` from its second line on. The caller
 * has printed `indent` characters of the first line. */
void format_folded(FILE *to, const char *text, int indent, int columns);

#endif
