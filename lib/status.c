/* status.c: the library about itself, in words. */
#include "sonyflake.h"

const char *sonyflake_status_text(enum sonyflake_status status)
{
    switch (status) {
    case SONYFLAKE_OK:
        return "success";
    case SONYFLAKE_ERR_ARGUMENT:
        return "invalid argument";
    case SONYFLAKE_ERR_SEQUENCE_BITS:
        return "the sequence must have 0 to 30 bits";
    case SONYFLAKE_ERR_MACHINE_ID_BITS:
        return "the machine id must have 0 to 30 bits";
    case SONYFLAKE_ERR_TIME_BITS:
        return "sequence and machine id must leave 32 bits or more for the time";
    case SONYFLAKE_ERR_TIME_UNIT:
        return "the time unit must be at least 1 ms";
    case SONYFLAKE_ERR_START_TIME:
        return "the start time must not lie before 1970-01-01T00:00:00Z";
    case SONYFLAKE_ERR_MACHINE_ID:
        return "the machine ids do not fit their bits, or the range is empty";
    case SONYFLAKE_ERR_NO_MEMORY:
        return "out of memory";
    case SONYFLAKE_ERR_EXHAUSTED:
        return "every id that may be taken now is taken";
    case SONYFLAKE_ERR_BEFORE_START:
        return "the time lies before the start time";
    case SONYFLAKE_ERR_OVER_TIME_LIMIT:
        return "the time lies past the end of the id space";
    case SONYFLAKE_ERR_ID:
        return "an id has at most 63 bits";
    }
    return "unknown status"; /* no default above: the compiler reports a missing case */
}

const char *sonyflake_version(void)
{
    return SONYFLAKE_VERSION; /* from CMake, where the version is written down once */
}
