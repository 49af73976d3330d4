/* poolmark doctor. */
#include "cli/command.h"

int command_doctor(int argc, char **argv)
{
    struct err err;
    (void)argc, (void)argv;
    err_set(&err, "doctor is not there yet");
    return command_fail(STATUS_USAGE, &err);
}
