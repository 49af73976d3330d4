/* poolmark validate. */
#include "cli/command.h"

int command_validate(int argc, char **argv)
{
    struct err err;
    (void)argc, (void)argv;
    err_set(&err, "validate is not there yet");
    return command_fail(STATUS_USAGE, &err);
}
