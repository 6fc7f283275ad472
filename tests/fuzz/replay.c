/*
 * replay.c: gives a fuzz target what is kept: replay [--whole] FILE_OR_DIRECTORY...
 *
 * Each file is an input, and so, but for --whole, is every prefix of it: cut short anywhere, an
 * input has to meet the same demands.  Every input ends where an unreadable page begins.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"
#include "tests/unit/guard_page.h"

#define INPUT_MAX 65536
#define PREFIX_ALL_MAX 4096 /* of longer inputs, one prefix in PREFIX_STEP is tried */
#define PREFIX_STEP 97

static size_t input_count;
static bool is_whole_only;

static void replay(const struct guard_page *guard, const char *bytes, size_t len)
{
    size_t step = len <= PREFIX_ALL_MAX ? 1 : PREFIX_STEP;
    for (size_t cut = is_whole_only ? len : len % step; cut <= len; cut += step) {
        struct span input = guard_page_place(guard, (struct span){bytes, cut});
        MUST(LLVMFuzzerTestOneInput((const uint8_t *)input.base, input.len) == 0);
    }
    input_count++;
}

static bool replay_file(const struct guard_page *guard, int directory, const char *name)
{
    static char bytes[INPUT_MAX];
    int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd == -1 ? -1 : read(fd, bytes, sizeof(bytes));
    if (len == -1) {
        perror(name);
        return false;
    }
    (void)close(fd);                     /* only read from */
    (void)fprintf(stderr, "%s\n", name); /* ctest shows it when the target aborts */
    replay(guard, bytes, (size_t)len);
    return true;
}

static bool replay_directory(const struct guard_page *guard, const char *path)
{
    DIR *directory = opendir(path);
    if (directory == NULL) {
        if (errno == ENOENT) /* a target without regressions, which is well */
            return true;
        perror(path);
        return false;
    }
    bool good = true;
    for (struct dirent *entry;
         (entry = readdir(directory)) != NULL;) { // NOLINT(concurrency-mt-unsafe): one thread
        if (entry->d_name[0] != '.')
            good = replay_file(guard, dirfd(directory), entry->d_name) && good;
    }
    (void)closedir(directory);
    return good;
}

int main(int argc, char **argv)
{
    struct guard_page guard = guard_page_create(INPUT_MAX);
    bool good = true;
    is_whole_only = argc > 1 && strcmp(argv[1], "--whole") == 0;
    for (int i = is_whole_only ? 2 : 1; i < argc; i++) {
        struct stat info;
        if (stat(argv[i], &info) == 0 && S_ISREG(info.st_mode))
            good = replay_file(&guard, AT_FDCWD, argv[i]) && good;
        else
            good = replay_directory(&guard, argv[i]) && good;
    }
    guard_page_destroy(&guard);
    (void)printf("%zu inputs%s\n", input_count, is_whole_only ? "" : ", and every prefix of them");
    if (input_count == 0)
        (void)fprintf(stderr, "replay: there was no input; name a file or a folder of them\n");
    return good && input_count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
