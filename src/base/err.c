/* Errors as sentences: see err.h. */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *err, const char *format, ...)
{
    if (!err)
        return -1;
    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    return -1;
}

int err_prefix(struct err *err, const char *format, ...)
{
    if (!err)
        return -1;
    struct err old = *err;
    va_list args;
    va_start(args, format);
    int used = vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    size_t room =
        used >= 0 && (size_t)used < sizeof err->text ? sizeof err->text - (size_t)used : 0;
    if (room > 2) {
        memcpy(err->text + used, ": ", 2);
        size_t n = strnlen(old.text, room - 3);
        memcpy(err->text + used + 2, old.text, n);
        err->text[(size_t)used + 2 + n] = '\0';
    }
    return -1;
}
