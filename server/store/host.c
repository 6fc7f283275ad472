#include "server/store/host.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"

static bool may_be_in_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
}

void host_instance_name(const struct settings *settings, char out[static INSTANCE_NAME_MAX])
{
    memset(out, 0, INSTANCE_NAME_MAX);
    if (settings->instance_name[0] != '\0') {
        memcpy(out, settings->instance_name, strlen(settings->instance_name)); /* it fits */
        return;
    }
    /* Linux's host names have at most 64 bytes; without one, "-" is as good a name as any. */
    if (gethostname(out, INSTANCE_NAME_MAX - 1) == -1 || out[0] == '\0')
        out[0] = '-';
    for (char *c = out; *c != '\0'; c++) {
        if (!may_be_in_name(*c))
            *c = '-';
    }
}

struct uuid_text host_boot(void)
{
    struct uuid_text boot = {0};
    int fd = open(BOOT_ID_PATH, O_RDONLY | O_CLOEXEC);
    if (fd == -1)
        return boot;
    if (read(fd, boot.text, UUID_TEXT_LEN) != UUID_TEXT_LEN)
        boot.text[0] = '\0';
    (void)close(fd); /* it was only read */
    return boot;
}
