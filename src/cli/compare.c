/* poolmark compare. */
#include "cli/command.h"

int command_compare(int argc, char **argv)
{
    struct err err;
    (void)argc, (void)argv;
    err_set(&err, "compare is not there yet");
    return command_fail(STATUS_USAGE, &err);
}
