/* poolmark where. */
#include "cli/command.h"

int command_where(int argc, char **argv)
{
    struct err err;
    (void)argc, (void)argv;
    err_set(&err, "where is not there yet");
    return command_fail(STATUS_USAGE, &err);
}
