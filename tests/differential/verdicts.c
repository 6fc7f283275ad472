/*
 * verdicts.c: what our parser makes of each input of a file, one JSON object per line.
 *
 *   verdicts FILE
 *
 * The file holds inputs as node_verdicts.js reads them too: a length of 4 bytes, least significant
 * first, and the bytes.  Each input is all that one client sends on one connection:
 *
 *   {"requests":[["GET","/path?query",1,0]],"end":"refused","status":400,"detail":"..."}
 *
 * requests: method, target without scheme and host, minor version, bytes of the body; end: "more"
 * (something is missing), "close" (nothing more is read on purpose), or "refused".
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/bug.h"
#include "server/http/body.h"
#include "server/http/request.h"

#define INPUT_MAX (1 << 20)

/* The target is text of URI characters only, so it can stand in JSON as it is. */
static void print_request(const struct http_request *request, uint64_t body_len, bool is_first)
{
    static const char *const methods[] = {
        [HTTP_GET] = "GET", [HTTP_HEAD] = "HEAD", [HTTP_OTHER_METHOD] = "other"};
    (void)printf("%s[\"%s\",\"%.*s%s%.*s\",%u,%llu]", is_first ? "" : ",", methods[request->method],
                 SPAN_ARGS(request->path), request->has_query ? "?" : "", SPAN_ARGS(request->query),
                 request->minor_version, (unsigned long long)body_len);
}

static void print_refusal(const struct http_refusal *refusal)
{
    (void)printf("],\"end\":\"refused\",\"status\":%u,\"detail\":\"", refusal->status);
    for (const char *at = refusal->detail; *at != '\0'; at++)
        (void)printf(*at == '"' || *at == '\\' ? "\\%c" : "%c", *at);
    (void)printf("\"}\n");
}

/* Reads requests from bytes until there are no more, as a connection does. */
static void judge(struct span bytes)
{
    (void)printf("{\"requests\":[");
    for (bool is_first = true;; is_first = false) {
        struct http_request request;
        struct http_refusal refusal;
        struct http_body_reader reader;
        size_t body_len = 0;
        enum http_parse result = http_request_parse(bytes, &request, &refusal);
        if (result == HTTP_PARSE_DONE) {
            bytes = (struct span){bytes.base + request.head_len, bytes.len - request.head_len};
            http_body_begin(&reader, &request);
            result = http_body_read(&reader, bytes, &body_len, &refusal);
        }
        if (result == HTTP_PARSE_REFUSED) {
            print_refusal(&refusal);
            return;
        }
        if (result == HTTP_PARSE_MORE) {
            (void)printf("],\"end\":\"more\"}\n");
            return;
        }
        print_request(&request,
                      request.body == HTTP_BODY_CHUNKED ? reader.body_len : request.content_length,
                      is_first);
        if (!request.keep_alive) {
            (void)printf("],\"end\":\"close\"}\n");
            return;
        }
        bytes = (struct span){bytes.base + body_len, bytes.len - body_len};
    }
}

int main(int argc, char **argv)
{
    static char bytes[INPUT_MAX];
    FILE *file = argc == 2 ? fopen(argv[1], "rbe") : NULL;
    if (file == NULL) {
        perror(argc == 2 ? argv[1] : "usage: verdicts FILE");
        return EXIT_FAILURE;
    }
    unsigned char length[4];
    while (fread(length, sizeof(length), 1, file) == 1) {
        size_t len = (size_t)length[0] | (size_t)length[1] << 8 | (size_t)length[2] << 16;
        BUG_IF(length[3] != 0 || len > INPUT_MAX);
        BUG_IF(len > 0 && fread(bytes, len, 1, file) != 1);
        judge((struct span){bytes, len});
    }
    (void)fclose(file); /* only read from */
    return EXIT_SUCCESS;
}
