#include "server/sandbox/sandbox.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "common/capabilities.h"
#include "common/errno_name.h"
#include "common/log.h"
#include "server/sandbox/landlock.h"
#include "server/sandbox/seccomp.h"

/* Sanitizers make calls, and open files, that we know nothing of. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED true
#endif
#endif
#ifndef IS_SANITIZED
#define IS_SANITIZED false
#endif

/* What looking up a name reads: configuration, the modules it names, their sockets. */
static const char *const resolver_paths[] = {"/etc",
                                             "/usr/lib",
                                             "/usr/lib64",
                                             "/lib",
                                             "/lib64",
                                             "/run/systemd/resolve",
                                             "/run/resolvconf",
                                             "/run/NetworkManager",
                                             "/run/nscd"};

static bool uses_resolver(const struct settings *settings)
{
    return settings->time_source == TIME_SOURCE_NTP;
}

/* ---- Files ---------------------------------------------------------------------------------- */

/* The folder of a path, into out. */
static const char *folder_of(const char *path, char out[static PATH_MAX])
{
    (void)snprintf(out, PATH_MAX, "%s", path);
    char *slash = strrchr(out, '/');
    if (slash != NULL)
        slash[slash == out ? 1 : 0] = '\0';
    return out;
}

/* A rule opens a folder with all that is beneath: too much of one that is not ours. */
static void warn_of_shared(const char *folder)
{
    static const char *const shared[] = {"/",    "/etc", "/home", "/opt", "/root",    "/run",
                                         "/srv", "/tmp", "/usr",  "/var", "/var/log", "/var/tmp"};
    for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++) {
        if (strcmp(folder, shared[i]) == 0)
            log_warn("shared_folder",
                     "path=%s hint=\"the sandbox is open to all of it; log, tokens and sockets "
                     "need a folder of their own\"",
                     folder);
    }
}

/* Allows a use of the folder of a path, and of the folder where a link at the path leads to. */
static int allow_folder(const struct landlock *landlock, const char *path, enum landlock_use use)
{
    char folder[PATH_MAX];
    char target[PATH_MAX];
    char behind[PATH_MAX];
    warn_of_shared(folder_of(path, folder));
    int r = landlock_allow(landlock, folder, use);
    if (r < 0 || realpath(path, target) == NULL || strcmp(folder_of(target, behind), folder) == 0)
        return r;
    warn_of_shared(behind);
    return landlock_allow(landlock, behind, use);
}

/* A log is replaced within its folder; what is no file, as /dev/null, is only written to. */
static int allow_log(const struct landlock *landlock, const char *path)
{
    struct stat status;
    if (path[0] == '\0')
        return 0;
    if (stat(path, &status) == 0 && !S_ISREG(status.st_mode))
        return landlock_allow(landlock, path, LANDLOCK_WRITE);
    return allow_folder(landlock, path, LANDLOCK_REPLACE);
}

static int allow_sockets(const struct landlock *landlock, const struct settings *settings)
{
    int r = 0;
    for (size_t i = 0; i < settings->listener_count && r == 0; i++) {
        if (settings->listeners[i].kind == LISTEN_UNIX)
            r = allow_folder(landlock, settings->listeners[i].text, LANDLOCK_SOCKETS);
    }
    return r;
}

static int allow_files(const struct landlock *landlock, const struct settings *settings,
                       int state_fd)
{
    int r = landlock_allow_fd(landlock, state_fd, LANDLOCK_REPLACE);
    if (r == 0)
        r = allow_log(landlock, settings->log_file);
    if (r == 0)
        r = allow_sockets(landlock, settings);
    if (r == 0 && settings->auth_token_file[0] != '\0')
        r = allow_folder(landlock, settings->auth_token_file, LANDLOCK_READ);
    if (r == 0)
        r = landlock_allow(landlock, "/proc/sys/kernel/random/boot_id", LANDLOCK_READ);
    for (size_t i = 0; i < sizeof(resolver_paths) / sizeof(resolver_paths[0]) && r == 0; i++) {
        if (uses_resolver(settings))
            r = landlock_allow(landlock, resolver_paths[i], LANDLOCK_READ);
    }
    return r;
}

/* Returns the version that is in force, or a negative errno. */
static int restrict_files(const struct settings *settings, int state_fd)
{
    struct landlock landlock;
    int r = landlock_begin(&landlock);
    if (r == 0)
        r = allow_files(&landlock, settings, state_fd);
    if (r == 0)
        r = landlock_enter(&landlock);
    landlock_end(&landlock);
    return r == 0 ? landlock.version : r;
}

/* ---- Steps ---------------------------------------------------------------------------------- */

static uint64_t capabilities_to_listen(const struct settings *settings)
{
    bool needed = settings->unix_socket_group[0] != '\0';
    for (size_t i = 0; i < settings->listener_count; i++)
        needed |= settings->listeners[i].kind != LISTEN_UNIX && settings->listeners[i].port < 1024;
    return needed ? CAPABILITIES_TO_LISTEN : CAPABILITIES_NONE;
}

void sandbox_enter(struct sandbox *sandbox, const struct settings *settings, int state_fd)
{
    *sandbox = (struct sandbox){.settings = settings};
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); /* sandbox_seal() asks whether it did */
    if (!IS_SANITIZED && settings->landlock != 0) {
        int r = restrict_files(settings, state_fd);
        sandbox->landlock_version = r > 0 ? r : 0;
        sandbox->landlock_error = r < 0 ? -r : 0;
    }
    capabilities_keep(capabilities_to_listen(settings));
}

void sandbox_give_up_ports(void)
{
    capabilities_keep(CAPABILITIES_NONE);
}

/* "on", or why not. */
static const char *word(bool wanted, int error)
{
    if (IS_SANITIZED)
        return "off-in-sanitizer-builds";
    if (!wanted)
        return "off";
    return error == 0 ? "on" : errno_name(error);
}

void sandbox_seal(const struct sandbox *sandbox)
{
    const struct settings *settings = sandbox->settings;
    bool has_none = capabilities_are_none();
    bool is_final = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
    int error = 0;
    if (!IS_SANITIZED && settings->seccomp != 0)
        error = -seccomp_enter(uses_resolver(settings));
    bool is_whole = has_none && is_final && error == 0 && sandbox->landlock_error == 0;
    log_write(is_whole ? LOG_INFO : LOG_WARN, "sandbox",
              "capabilities=%s no_new_privs=%s landlock=%s landlock_version=%d seccomp=%s%s",
              has_none ? "none" : "kept", is_final ? "on" : "off",
              word(settings->landlock != 0, sandbox->landlock_error), sandbox->landlock_version,
              word(settings->seccomp != 0, error),
              is_whole ? "" : " hint=\"this kernel does not have all of it; what it has is on\"");
}
