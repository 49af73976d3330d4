/* Numbers and table cells for people: see format.h. */
#include "report/format.h"

#include "base/text.h"
#include "base/units.h"

#include <math.h>
#include <string.h>

char *format_seconds(double s, char *buffer, size_t size)
{
    if (!isfinite(s))
        snprintf(buffer, size, "-");
    else
        units_format_ns(s * 1e9, buffer, size);
    return buffer;
}

/* Digits behind the point that show three significant ones of x. */
static int digits_of(double x)
{
    return fabs(x) >= 99.95 ? 0 : fabs(x) >= 9.995 ? 1 : 2;
}

char *format_seconds_interval(double low, double high, double like, char *buffer, size_t size)
{
    *buffer = '\0';
    if (!isfinite(low) || !isfinite(high))
        return buffer;
    double factor = 1;
    while (factor < 1e9 && fabs(like) * factor < 0.9995)
        factor *= 1e3;
    int digits = digits_of(like * factor);
    snprintf(buffer, size, "[%.*f, %.*f]", digits, low * factor, digits, high * factor);
    return buffer;
}

char *format_ratio(double x, char *buffer, size_t size)
{
    if (!isfinite(x))
        snprintf(buffer, size, "-");
    else if (fabs(x) < 0.0995)
        snprintf(buffer, size, "%.2g", x);
    else
        snprintf(buffer, size, "%.*f", digits_of(x), x);
    return buffer;
}

char *format_ratio_interval(double low, double high, char *buffer, size_t size)
{
    char a[32], b[32];
    *buffer = '\0';
    if (isfinite(low) && isfinite(high))
        snprintf(buffer, size, "[%s, %s]", format_ratio(low, a, sizeof a),
                 format_ratio(high, b, sizeof b));
    return buffer;
}

int format_width(const char *text)
{
    int shown = 0;
    for (const char *p = text; *p; p++)
        shown += ((unsigned char)*p & 0xc0) != 0x80; /* bytes that begin a character of UTF-8 */
    return shown;
}

/* Where character number `i` of a text of UTF-8 begins. */
static char *character_at(char *text, int i)
{
    for (; *text; text++)
        if (((unsigned char)*text & 0xc0) != 0x80 && i-- == 0)
            break;
    return text;
}

void format_cut(char *text, int width)
{
    static const char ellipsis[] = "…";
    int length = format_width(text), head = width / 2;
    if (length <= width)
        return;
    char *gap = character_at(text, head);
    char *tail = character_at(text, length - (width - 1 - head));
    memmove(gap + strlen(ellipsis), tail, strlen(tail) + 1);
    memcpy(gap, ellipsis, strlen(ellipsis));
}

void format_cell(FILE *to, const char *text, int width)
{
    int pad = (width < 0 ? -width : width) - format_width(text);
    if (pad < 0)
        pad = 0;
    if (width < 0)
        fprintf(to, "%s%*s", text, pad, "");
    else
        fprintf(to, "%*s%s", pad, "", text);
}

void format_folded(FILE *to, const char *text, int indent, int columns)
{
    size_t n;
    char **words = text_words(text, " ", &n);
    int column = indent;
    for (size_t i = 0; i < n; i++) {
        int length = (int)strlen(words[i]);
        if (i > 0 && column + 1 + length > columns) {
            fprintf(to, "\n%*s", indent, "");
            column = indent;
        } else if (i > 0) {
            fputc(' ', to);
            column++;
        }
        column += fprintf(to, "%s", words[i]);
    }
    fputc('\n', to);
    text_words_free(words);
}
