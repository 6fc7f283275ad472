/*
 * errno_name.h: "EMFILE" for 24.  Ours, since glibc's strerrorname_np() is not in musl.
 */
#ifndef COMMON_ERRNO_NAME_H
#define COMMON_ERRNO_NAME_H

/* The symbolic name of a positive errno value; "E?" for one that is not in the table. */
const char *errno_name(int errno_value);

#endif
