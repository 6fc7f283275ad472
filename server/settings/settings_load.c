#include "server/settings/settings_load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/errno_name.h"
#include "server/settings/host_shard.h"

#define HOST_ADDRESSES_MAX 256

/* Reads up to capacity bytes; returns their number or a negative errno. */
static ssize_t read_file(const char *path, char *out, size_t capacity)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd == -1)
        return -errno;
    size_t used = 0;
    ssize_t len = 1;
    while (used < capacity && len != 0) {
        len = read(fd, out + used, capacity - used);
        if (len == -1 && errno != EINTR)
            break;
        if (len > 0)
            used += (size_t)len;
    }
    int error = len == -1 ? errno : 0;
    (void)close(fd); /* it was only read */
    return error == 0 ? (ssize_t)used : -error;
}

static void load_file(const char *path, struct settings *settings, struct problems *problems)
{
    static char text[SETTINGS_FILE_MAX + 1]; /* one more, to see that a file is too long */
    struct place place = {path, 0, 0};
    ssize_t len = read_file(path, text, sizeof(text));
    if (len < 0)
        problems_add(problems, place, "cannot read the file: %s; name one that you may read",
                     errno_name((int)-len));
    else if (len > SETTINGS_FILE_MAX)
        problems_add(problems, place, "the file is longer than %d bytes; shorten it",
                     SETTINGS_FILE_MAX);
    else
        settings_read_file(settings, (struct span){text, (size_t)len}, path, problems);
}

/* Points out variables that were probably meant to be ours: SHARDID, SHARD-ID, shard_id. */
static void look_for_typos(struct problems *warnings)
{
    for (char **variable = environ; *variable != NULL; variable++) {
        const char *equals = strchr(*variable, '=');
        if (equals == NULL)
            continue;
        struct span name = {*variable, (size_t)(equals - *variable)};
        const char *meant = setting_suggest(name, 1);
        if (meant != NULL && !span_equal(name, span_of(meant)))
            problems_add(warnings, (struct place){"environment", 0, 0},
                         "%.*s is ignored; did you mean %s?", SPAN_ARGS(name), meant);
    }
}

/* In the kernel's order, that of the interfaces' numbers; it takes no netlink socket. */
static size_t host_addresses(struct ifreq out[static HOST_ADDRESSES_MAX])
{
    struct ifconf list = {.ifc_len = HOST_ADDRESSES_MAX * sizeof(struct ifreq), .ifc_req = out};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd == -1)
        return 0; /* no IPv4, and no address */
    if (ioctl(fd, SIOCGIFCONF, &list) == -1)
        list.ifc_len = 0;
    (void)close(fd); /* nothing was sent */
    return (size_t)list.ifc_len / sizeof(struct ifreq);
}

static void ask_host(struct settings *settings, struct problems *problems)
{
    static struct ifreq addresses[HOST_ADDRESSES_MAX];
    char name[INSTANCE_NAME_MAX] = "";
    if (settings->shard_source == SHARDS_OF_HOST_NAME) {
        (void)gethostname(name, sizeof(name) - 1); /* without one it has no number either */
        host_shard_by_name(settings, span_of(name), problems);
    } else if (settings->shard_source == SHARDS_OF_ADDRESS) {
        host_shard_by_address(settings, addresses, host_addresses(addresses), problems);
    }
}

void settings_load(const struct settings_sources *sources, struct settings *settings,
                   struct problems *problems, struct problems *warnings)
{
    settings_init(settings);
    if (sources->config_path != NULL)
        load_file(sources->config_path, settings, problems);

    for (unsigned id = 0; id < SETTING_COUNT; id++) {
        // NOLINTNEXTLINE(concurrency-mt-unsafe): no thread yet that could change the environment
        const char *value = getenv(setting_info((enum setting_id)id).name);
        if (value != NULL)
            settings_set(settings, (enum setting_id)id, span_of(value), SOURCE_ENVIRONMENT,
                         (struct place){"environment", 0, 0}, problems);
    }
    look_for_typos(warnings);

    if (sources->listen != NULL)
        settings_set_listeners(settings, span_of(sources->listen),
                               (struct place){"command line", 0, 0}, problems);
    ask_host(settings, problems);
    settings_finish(settings, problems);
}
