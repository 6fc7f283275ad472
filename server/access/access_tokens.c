#include "server/access/access_tokens.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Text ----------------------------------------------------------------------------------- */

/* A token as it is kept and compared. */
struct padded {
    uint64_t words[ACCESS_TOKEN_WORDS];
};

static bool is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~+/", c) != NULL);
}

/* NULL, or what is wrong with it.  RFC 6750, 2.1: characters of base64 and URLs, then '='. */
static const char *token_fault(struct span token)
{
    if (token.len < ACCESS_TOKEN_LEN_MIN)
        return "a token must have at least 16 characters";
    if (token.len > ACCESS_TOKEN_LEN_MAX)
        return "a token must have at most 256 characters";
    size_t used = 0;
    while (used < token.len && is_token_char(token.base[used]))
        used++;
    while (used > 0 && used < token.len && token.base[used] == '=')
        used++;
    return used == token.len ? NULL
                             : "a token has letters, digits and - . _ ~ + / only, and may end in =";
}

static struct padded pad(struct span token)
{
    struct padded padded = {.words = {token.len}};
    memcpy(&padded.words[1], token.base, token.len);
    return padded;
}

/* Cuts the first line off *text, without its line feed; false if it has none. */
static bool take_line(struct span *text, struct span *ret_line)
{
    const char *end = memchr(text->base, '\n', text->len);
    if (end == NULL)
        return false;
    *ret_line = (struct span){text->base, (size_t)(end - text->base)};
    *text = (struct span){end + 1, text->len - ret_line->len - 1};
    return true;
}

/* Returns the number of tokens; 0 when *reterr_fault has been set. */
static uint64_t parse(struct span text, struct padded found[static ACCESS_TOKENS_MAX],
                      struct access_fault *reterr_fault)
{
    uint64_t count = 0;
    *reterr_fault = (struct access_fault){.error = EINVAL};
    for (unsigned number = 1; text.len > 0; number++) {
        struct span line;
        const char *fault = NULL;
        if (!take_line(&text, &line))
            fault = "the last line has no line feed: the file may be half written";
        else if (line.len == 0 || line.base[0] == '#')
            continue;
        else
            fault = token_fault(line);
        if (fault == NULL && count == ACCESS_TOKENS_MAX)
            fault = "there are more than 64 tokens";
        if (fault != NULL) {
            reterr_fault->line = number;
            reterr_fault->reason = fault;
            return 0;
        }
        found[count++] = pad(line);
    }
    if (count == 0)
        reterr_fault->reason = "there is no token in it: nobody could ask for anything";
    return count;
}

/* ---- Keeping -------------------------------------------------------------------------------- */

int access_tokens_set(struct access_tokens *tokens, struct span text,
                      struct access_fault *reterr_fault)
{
    struct padded found[ACCESS_TOKENS_MAX];
    uint64_t count = parse(text, found, reterr_fault);
    if (count > 0) {
        /* Each store is seen after those before it, so whoever saw some of it sees the version. */
        uint64_t version = atomic_load(&tokens->version);
        atomic_store(&tokens->version, version + 1);
        atomic_store_explicit(&tokens->count, count, memory_order_release);
        for (size_t i = 0; i < count; i++) {
            for (size_t j = 0; j < ACCESS_TOKEN_WORDS; j++)
                atomic_store_explicit(&tokens->words[i][j], found[i].words[j],
                                      memory_order_release);
        }
        atomic_store(&tokens->version, version + 2);
    }
    explicit_bzero(found, sizeof(found));
    return count > 0 ? 0 : -EINVAL;
}

/* Whether the token is among them; meaningless if they have changed meanwhile. */
static bool compare(const struct access_tokens *tokens, const struct padded *asked)
{
    uint64_t found = 0;
    uint64_t count = atomic_load_explicit(&tokens->count, memory_order_acquire);
    for (size_t i = 0; i < count && i < ACCESS_TOKENS_MAX; i++) {
        uint64_t difference = 0;
        for (size_t j = 0; j < ACCESS_TOKEN_WORDS; j++)
            difference |=
                atomic_load_explicit(&tokens->words[i][j], memory_order_acquire) ^ asked->words[j];
        found |= difference == 0;
    }
    return found != 0;
}

bool access_tokens_know(const struct access_tokens *tokens, struct span token)
{
    if (token.len < ACCESS_TOKEN_LEN_MIN || token.len > ACCESS_TOKEN_LEN_MAX)
        return false;
    struct padded asked = pad(token);
    uint64_t version;
    bool found;
    do {
        version = atomic_load(&tokens->version);
        found = compare(tokens, &asked);
    } while (version % 2 != 0 || atomic_load(&tokens->version) != version);
    return found;
}

/* ---- The file ------------------------------------------------------------------------------- */

/* NULL, or why a file with this status is not to be used; *ret_error is then the errno. */
static const char *status_fault(const struct stat *status, int *ret_error)
{
    *ret_error = EINVAL;
    if (!S_ISREG(status->st_mode))
        return "it is no regular file";
    if (status->st_size > ACCESS_TOKEN_FILE_MAX)
        return "it is longer than 32768 bytes";
    *ret_error = EACCES;
    if ((status->st_mode & S_IRWXO) != 0)
        return "others have rights to it; take them away (chmod o= FILE)";
    if ((status->st_mode & S_IWGRP) != 0)
        return "its group may write to it; take that away (chmod g-w FILE)";
    if (status->st_uid != 0 && status->st_uid != geteuid())
        return "it belongs to another user than this one or root (chown root FILE)";
    return NULL;
}

/* Reads up to capacity bytes; returns their number or a negative errno. */
static ssize_t read_whole(int fd, char *out, size_t capacity)
{
    size_t used = 0;
    while (used < capacity) {
        ssize_t len = read(fd, out + used, capacity - used);
        if (len == -1 && errno != EINTR)
            return -errno;
        if (len == 0)
            break;
        if (len > 0)
            used += (size_t)len;
    }
    return (ssize_t)used;
}

/* The text of the file in out; returns its length or a negative errno. */
static ssize_t read_file(const char *path, char out[static ACCESS_TOKEN_FILE_MAX],
                         struct access_fault *reterr_fault)
{
    *reterr_fault = (struct access_fault){.reason = "it cannot be opened"};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK); /* a FIFO must not hold us */
    if (fd == -1) {
        reterr_fault->error = errno;
        return -errno;
    }
    struct stat status;
    reterr_fault->reason = "it cannot be read";
    ssize_t len = fstat(fd, &status) == 0 ? 0 : -errno;
    if (len == 0) {
        int error;
        const char *fault = status_fault(&status, &error);
        if (fault != NULL) {
            reterr_fault->reason = fault;
            len = -error;
        }
    }
    if (len == 0)
        len = read_whole(fd, out, ACCESS_TOKEN_FILE_MAX);
    if (len >= 0 && len != status.st_size) {
        reterr_fault->reason = "it was being written while it was read";
        len = -EINVAL;
    }
    (void)close(fd); /* it was only read */
    if (len < 0)
        reterr_fault->error = (int)-len;
    return len;
}

int access_tokens_load(struct access_tokens *tokens, const char *path,
                       struct access_fault *reterr_fault)
{
    char text[ACCESS_TOKEN_FILE_MAX] = {0};
    ssize_t len = read_file(path, text, reterr_fault);
    int r = (int)len;
    if (len >= 0)
        r = access_tokens_set(tokens, (struct span){text, (size_t)len}, reterr_fault);
    explicit_bzero(text, sizeof(text));
    return r;
}
