/* time_servers.h: lists of NTP servers, from text. */
#ifndef SERVER_SETTINGS_TIME_SERVERS_H
#define SERVER_SETTINGS_TIME_SERVERS_H

#include "server/settings/settings.h"

/*
 * Reads a comma list of HOST or HOST:PORT, where HOST is a name, an IPv4 address or an IPv6 address
 * in brackets.  Numeric addresses are kept in their shortest form, so that one server under two
 * spellings does not get two votes.  Names are looked up only when they are used.
 * Returns the number of servers; 0 when there was a problem, which has been added, beginning with
 * what (the name of the setting).
 */
NODISCARD size_t time_servers_parse(struct span list, const char *what, struct place place,
                                    struct problems *problems,
                                    struct ntp_server ret[static NTP_SERVERS_MAX]);

#endif
