/* proxies.h: lists of trusted proxies, from text. */
#ifndef SERVER_SETTINGS_PROXIES_H
#define SERVER_SETTINGS_PROXIES_H

#include "server/settings/settings.h"

/*
 * Reads a comma list of IP addresses, networks (10.0.0.0/8) and "unix".  Returns true; or false
 * when there was a problem, which has been added, beginning with what (the name of the setting).
 */
NODISCARD bool proxies_parse(struct span list, const char *what, struct place place,
                             struct problems *problems, struct proxy_list *ret);

#endif
