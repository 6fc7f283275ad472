/*
 * host.h: what the machine calls itself.
 */
#ifndef SERVER_STORE_HOST_H
#define SERVER_STORE_HOST_H

#include "server/settings/settings.h"
#include "server/store/state_record.h"

/*
 * The instance's name: INSTANCE_NAME, or the host name, in which characters that a name must not
 * have are replaced by '-'.
 */
void host_instance_name(const struct settings *settings, char out[static INSTANCE_NAME_MAX]);

/* The kernel's boot_id, which is another one after every boot; "" if it cannot be read. */
struct uuid_text host_boot(void);

#endif
