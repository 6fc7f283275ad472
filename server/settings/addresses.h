/* addresses.h: lists of addresses to listen on, from text. */
#ifndef SERVER_SETTINGS_ADDRESSES_H
#define SERVER_SETTINGS_ADDRESSES_H

#include "server/settings/settings.h"

/*
 * Reads a comma list of numeric IPv4 and IPv6 addresses (brackets allowed) and unix:/path.
 * with_ports: every IP address is followed by :PORT, from 0 on, and an IPv6 address stands in
 * brackets. Returns the number of addresses; 0 when there was a problem, which has been added,
 * beginning with what (the name of the setting or option).
 */
NODISCARD size_t addresses_parse(struct span list, bool with_ports, const char *what,
                                 struct place place, struct problems *problems,
                                 struct listen_address ret[static SETTINGS_LISTENERS_MAX]);

#endif
