#include "server/connection/connection.h"

#include <string.h>

#include "common/bug.h"
#include "common/log.h"
#include "common/timestamp.h"
#include "server/access/gate.h"
#include "server/access/proxy_header.h"
#include "server/api/api.h"

/* How long a client that was told "close" may go on sending before the socket is closed. */
#define LINGER_NS (1 * NS_PER_S)

#define BIT(state) (1U << (state))

/* The whole machine: from each state, the states it may enter. */
static const uint32_t allowed[CONNECTION_STATE_COUNT] = {
    [CONNECTION_CLOSED] = BIT(CONNECTION_HEAD),
    [CONNECTION_HEAD] = BIT(CONNECTION_BODY) | BIT(CONNECTION_WAIT) | BIT(CONNECTION_LARGE) |
                        BIT(CONNECTION_LAST) | BIT(CONNECTION_CLOSED),
    [CONNECTION_BODY] = BIT(CONNECTION_HEAD) | BIT(CONNECTION_WAIT) | BIT(CONNECTION_LARGE) |
                        BIT(CONNECTION_LAST) | BIT(CONNECTION_CLOSED),
    [CONNECTION_WAIT] = BIT(CONNECTION_HEAD) | BIT(CONNECTION_LARGE) | BIT(CONNECTION_LAST) |
                        BIT(CONNECTION_CLOSED),
    [CONNECTION_LARGE] = BIT(CONNECTION_HEAD) | BIT(CONNECTION_LAST) | BIT(CONNECTION_CLOSED),
    [CONNECTION_LAST] = BIT(CONNECTION_LINGER) | BIT(CONNECTION_CLOSED),
    [CONNECTION_LINGER] = BIT(CONNECTION_CLOSED),
};

_Static_assert(CONNECTION_STATE_COUNT <= COUNTERS_STATES_MAX, "a counter per state");

/* Counts a connection out of the state it is in, and into the next. */
static void count_state(struct workspace *w, enum connection_state from, enum connection_state to)
{
    counter_take(&w->counters.connections[from], from != CONNECTION_CLOSED);
    counter_add(&w->counters.connections[to], to != CONNECTION_CLOSED);
}

static void set_state(struct connection *c, struct workspace *w, enum connection_state next)
{
    if (c->state == next)
        return;
    BUG_IF((allowed[c->state] & BIT(next)) == 0);
    count_state(w, c->state, next);
    c->state = next;
}

/* ---- Answers -------------------------------------------------------------------------------- */

static struct api_call call_for(const struct connection *c, struct workspace *w, const char *date)
{
    enum http_connection connection = HTTP_CONNECTION_DEFAULT;
    if (c->close_after)
        connection = HTTP_CONNECTION_CLOSE;
    else if (c->old_client)
        connection = HTTP_CONNECTION_KEEP_ALIVE;
    return (struct api_call){.service = w->service,
                             .counters = &w->counters,
                             .now = w->now,
                             .date = date,
                             .connection = connection,
                             .origin = &c->origin};
}

/* The answer to the request at hand is in the workspace's buffer, or has been sent. */
static void end_answer(struct connection *c, struct workspace *w)
{
    c->since_ns = w->now.mono_ns;
    set_state(c, w, c->close_after ? CONNECTION_LAST : CONNECTION_HEAD);
}

/* Answers with an error after which the bytes that follow make no sense any more. */
static void refuse(struct connection *c, struct workspace *w, struct http_refusal refusal)
{
    c->close_after = true;
    c->linger = true;
    struct http_head head = {.status = refusal.status,
                             .connection = HTTP_CONNECTION_CLOSE,
                             .allow = refusal.status == 405,
                             .retry_after_s = refusal.status == 429,
                             .date = w->date};
    log_debug("refused", "status=%u detail=\"%s\"", refusal.status, refusal.detail);
    http_problem_write(&w->out, &head, span_of(refusal.detail), c->method);
    counters_answer(&w->counters, COUNTERS_PATH_OTHER, refusal.status);
    end_answer(c, w);
}

static void render_large(const struct connection *c, struct workspace *w)
{
    struct api_call call = call_for(c, w, c->large_date);
    w->large.used = 0;
    api_answer_order(&call, &c->order, &w->large);
}

static void count_order(const struct connection *c, struct workspace *w)
{
    counter_add(&w->counters.ids, c->order.wanted);
    if (c->state == CONNECTION_WAIT)
        histogram_add(&w->counters.waits, w->now.mono_ns - c->order.asked_ns);
    else
        histogram_add_none(&w->counters.waits);
}

/* Goes on with the order as far as the present allows. */
static void advance_order(struct connection *c, struct workspace *w, bool is_new)
{
    enum sonyflake_status status;
    int64_t wait_ns;

    w->ids_were_wanted = true;
    enum id_order_progress progress =
        id_order_advance(&c->order, w->service, &w->runs, w->now, &status, &wait_ns);
    if (progress == ID_ORDER_REFUSED && is_new && workspace_refresh_time(w)) {
        /* Judged by a time that is over: the turn has been long, and others have gone on. */
        id_order_restart(&c->order, w->service, &w->runs, w->now);
        progress = id_order_advance(&c->order, w->service, &w->runs, w->now, &status, &wait_ns);
    }
    struct api_call call = call_for(c, w, w->date);
    switch (progress) {
    case ID_ORDER_WAIT:
        set_state(c, w, CONNECTION_WAIT);
        return;
    case ID_ORDER_REFUSED:
        api_refuse_order(&call, &c->order, status, wait_ns, &w->out);
        break;
    case ID_ORDER_COMPLETE:
        count_order(c, w);
        if (api_order_answer_max(&c->order) > w->out.capacity - w->out.used) {
            c->large_sent = 0;
            memcpy(c->large_date, w->date, sizeof(c->large_date));
            c->since_ns = w->now.mono_ns;
            set_state(c, w, CONNECTION_LARGE);
            return;
        }
        api_answer_order(&call, &c->order, &w->out);
        break;
    }
    id_order_release(&c->order, w->service, &w->runs);
    end_answer(c, w);
}

/* For LOG_LEVEL=debug: what clients ask, in their own words, made harmless. */
static void trace(const struct http_request *request)
{
    static const char *const methods[] = {
        [HTTP_GET] = "GET", [HTTP_HEAD] = "HEAD", [HTTP_OTHER_METHOD] = "other"};
    char path[256];
    char query[256];
    if (log_get_threshold() < LOG_DEBUG)
        return;
    log_debug("request", "method=%s path=%s query=%s", methods[request->method],
              log_quote(request->path, path, sizeof(path)),
              log_quote(request->query, query, sizeof(query)));
}

/* Answers a request that has arrived whole; more says that bytes follow it. */
static void answer(struct connection *c, struct workspace *w, const struct http_request *request,
                   bool more)
{
    c->old_client = request->minor_version == 0;
    c->close_after = !request->keep_alive || (w->draining && !more);
    c->linger = more || request->keep_alive;
    c->continue_sent = false;
    trace(request);

    struct api_call call = call_for(c, w, w->date);
    switch (api_handle(&call, request, &w->out, &c->order)) {
    case API_ANSWERED:
        end_answer(c, w);
        return;
    case API_ORDERED:
        advance_order(c, w, true);
        return;
    }
}

/* ---- Requests ------------------------------------------------------------------------------- */

/* Reads past the request's body.  True when it is complete; *ret_len is then its length. */
static bool read_body(struct connection *c, struct workspace *w, const struct http_request *request,
                      struct span bytes, size_t *ret_len)
{
    struct http_refusal refusal;
    *ret_len = 0;
    if (request->body == HTTP_BODY_NONE)
        return true;
    if (c->state == CONNECTION_HEAD)
        http_body_begin(&c->body, request);

    switch (http_body_read(&c->body, bytes, ret_len, &refusal)) {
    case HTTP_PARSE_DONE:
        return true;
    case HTTP_PARSE_REFUSED:
        refuse(c, w, refusal);
        return false;
    case HTTP_PARSE_MORE:
        break;
    }
    c->head_len = (uint32_t)request->head_len;
    set_state(c, w, CONNECTION_BODY);
    if (request->expect_continue && !c->continue_sent) {
        http_continue_write(&w->out);
        c->continue_sent = true;
    }
    return false;
}

/* A large answer waits until those before it have been sent; alone it always fits. */
static bool has_room(const struct workspace *w, const struct http_request *request)
{
    size_t room = http_output_room(&w->out);
    return room >= API_LARGE_ANSWER_MAX || room >= api_answer_max(request);
}

/*
 * Answers the request at the start of bytes, if it is all there and its answer has room.  Returns
 * its length, or 0.
 */
static size_t read_request(struct connection *c, struct workspace *w, struct span bytes)
{
    struct http_request request;
    struct http_refusal refusal;
    c->method = HTTP_GET; /* until it is known: errors have a body */
    switch (http_request_parse(bytes, &request, &refusal)) {
    case HTTP_PARSE_MORE:
        return 0;
    case HTTP_PARSE_REFUSED:
        refuse(c, w, refusal);
        return 0;
    case HTTP_PARSE_DONE:
        break;
    }

    size_t body_len;
    struct span rest = {bytes.base + request.head_len, bytes.len - request.head_len};
    c->method = request.method;
    if (!has_room(w, &request) || !read_body(c, w, &request, rest, &body_len))
        return 0;
    answer(c, w, &request, rest.len > body_len || c->input_may_follow);
    return request.head_len + body_len;
}

static void drop_input(struct connection *c, struct workspace *w)
{
    if (c->input != NULL)
        block_pool_return(&w->inputs, c->input);
    c->input = NULL;
    c->input_len = 0;
}

/* Keeps the unread rest of bytes, of which used were worked through, for later. */
static void keep_input(struct connection *c, struct workspace *w, struct span bytes, size_t used)
{
    size_t len = bytes.len - used;
    if (c->state == CONNECTION_BODY)
        len = c->head_len; /* what followed the head is body, and read past */
    if (c->state == CONNECTION_LAST)
        len = 0; /* nothing more is answered */
    if (c->state == CONNECTION_CLOSED)
        len = 0; /* nor is it read */

    if (len == 0) {
        drop_input(c, w);
        return;
    }
    if (c->input == NULL) {
        c->input = block_pool_take(&w->inputs);
        BUG_IF(c->input == NULL); /* there is one per connection */
    }
    memmove(c->input, bytes.base + used, len);
    c->input_len = (uint32_t)len;
}

/* Counts the connection as one of the client that a header has named, or refuses it. */
static void count_client(struct connection *c, struct workspace *w)
{
    static const struct http_refusal too_many = {429, CONNECTION_COUNT_DETAIL};
    static struct log_limit limit;
    struct connection_count *counts = w->service->gate->connections;
    if (counts == NULL)
        return;
    c->is_counted = connection_count_enter(counts, c->origin.key, &c->place) == 0;
    if (c->is_counted)
        return;
    log_write_limited(&limit, LOG_WARN, "client_full",
                      "hint=\"a client behind a proxy has MAX_CONNECTIONS_PER_CLIENT connections; "
                      "the next one got a 429\"");
    refuse(c, w, too_many);
}

/*
 * Reads the header of the PROXY protocol with which a proxy begins.  Returns its length; 0 when it
 * has not all arrived, or when this is none and the connection is to be closed.
 */
static size_t read_proxy_header(struct connection *c, struct workspace *w, struct span bytes)
{
    static struct log_limit limit;
    struct proxy_header header;
    switch (proxy_header_parse(bytes, &header)) {
    case HTTP_PARSE_MORE:
        return 0;
    case HTTP_PARSE_REFUSED:
        log_write_limited(&limit, LOG_WARN, "no_proxy_header",
                          "hint=\"PROXY_PROTOCOL is 1, and a connection from one of "
                          "TRUSTED_PROXIES did not begin with a header of version 2\"");
        set_state(c, w, CONNECTION_CLOSED);
        return 0;
    case HTTP_PARSE_DONE:
        break;
    }
    c->origin.sends_header = false;
    c->origin.is_proxy = header.is_local; /* else a stranger writes what follows */
    if (header.has_client) {
        c->origin = origin_of_address(w->service->gate->origins, &header.client);
        count_client(c, w);
    }
    return header.len;
}

/* Answers the requests in bytes, one after the other, until they end or one has to wait. */
static void work_through(struct connection *c, struct workspace *w, struct span bytes)
{
    size_t used = 0;
    if (c->origin.sends_header)
        used = read_proxy_header(c, w, bytes);
    while (!c->origin.sends_header && used < bytes.len &&
           w->out.capacity - w->out.used >= API_ANSWER_MAX) {
        if (c->state != CONNECTION_HEAD && c->state != CONNECTION_BODY)
            break;
        size_t len = read_request(c, w, (struct span){bytes.base + used, bytes.len - used});
        if (len == 0)
            break;
        used += len;
    }
    keep_input(c, w, bytes, used);
}

/* Goes on with input that had to wait for its turn. */
static void resume(struct connection *c, struct workspace *w)
{
    if (c->state == CONNECTION_HEAD && c->input != NULL)
        work_through(c, w, (struct span){c->input, c->input_len});
}

/* ---- The loop's calls ----------------------------------------------------------------------- */

void connection_open(struct connection *c, struct workspace *w)
{
    *c = (struct connection){.state = CONNECTION_HEAD, .since_ns = w->now.mono_ns};
    counter_add(&w->counters.opened, 1);
    count_state(w, CONNECTION_CLOSED, CONNECTION_HEAD);
}

void connection_set_origin(struct connection *c, struct origin origin)
{
    c->origin = origin;
}

static void drop_output(struct connection *c, struct workspace *w)
{
    if (c->output == NULL)
        return;
    block_pool_return(&w->outputs, c->output);
    c->output = NULL;
    counter_take(&w->counters.unsent, 1);
}

void connection_close(struct connection *c, struct workspace *w)
{
    drop_input(c, w);
    drop_output(c, w);
    if (c->is_counted)
        connection_count_leave(w->service->gate->connections, c->place);
    id_order_release(&c->order, w->service, &w->runs);
    count_state(w, c->state, CONNECTION_CLOSED);
    *c = (struct connection){.state = CONNECTION_CLOSED};
}

enum connection_want connection_want(const struct connection *c, const struct workspace *w)
{
    if (c->state != CONNECTION_CLOSED && (c->output != NULL || w->out.used > 0))
        return CONNECTION_WANT_OUTPUT;
    switch (c->state) {
    case CONNECTION_HEAD:
    case CONNECTION_BODY:
        return c->peer_finished ? CONNECTION_WANT_CLOSE : CONNECTION_WANT_INPUT;
    case CONNECTION_WAIT:
        return CONNECTION_WANT_TICK;
    case CONNECTION_LARGE:
        return CONNECTION_WANT_OUTPUT;
    case CONNECTION_LAST:
        return c->linger ? CONNECTION_WANT_SHUTDOWN : CONNECTION_WANT_CLOSE;
    case CONNECTION_LINGER:
        return CONNECTION_WANT_INPUT;
    case CONNECTION_CLOSED:
    case CONNECTION_STATE_COUNT:
        break;
    }
    return CONNECTION_WANT_CLOSE;
}

struct http_output connection_space(struct connection *c, struct workspace *w)
{
    if (c->input == NULL)
        return (struct http_output){.base = w->input, .capacity = WORKSPACE_INPUT_SIZE};
    return (struct http_output){.base = c->input + c->input_len,
                                .capacity = WORKSPACE_INPUT_SIZE - c->input_len};
}

void connection_on_input(struct connection *c, struct workspace *w, size_t len)
{
    if (len == 0) {
        c->peer_finished = true;
        if (c->state == CONNECTION_LINGER)
            set_state(c, w, CONNECTION_CLOSED);
        return;
    }
    if (c->state == CONNECTION_LINGER)
        return;
    BUG_IF(c->state != CONNECTION_HEAD && c->state != CONNECTION_BODY);
    BUG_IF(len > WORKSPACE_INPUT_SIZE - c->input_len);

    c->input_may_follow = len == WORKSPACE_INPUT_SIZE - c->input_len;
    if (c->input == NULL) {
        c->since_ns = w->now.mono_ns; /* the first bytes of a head: its time begins to run */
        work_through(c, w, (struct span){w->input, len});
    } else {
        work_through(c, w, (struct span){c->input, c->input_len + len});
    }
}

struct span connection_pending(struct connection *c, struct workspace *w)
{
    if (c->output != NULL)
        return (struct span){c->output + c->output_sent, c->output_len - c->output_sent};
    if (w->out.used > 0)
        return (struct span){w->out.base, w->out.used};
    BUG_IF(c->state != CONNECTION_LARGE);
    render_large(c, w);
    return (struct span){w->large.base + c->large_sent, w->large.used - c->large_sent};
}

/* Moves what the kernel did not take out of the shared buffer. */
static void keep_output(struct connection *c, struct workspace *w, size_t sent)
{
    size_t rest = w->out.used - sent;
    if (rest > 0) {
        c->output = block_pool_take(&w->outputs);
        if (c->output != NULL) {
            counter_add(&w->counters.unsent, 1);
            memcpy(c->output, w->out.base + sent, rest);
            c->output_len = (uint32_t)rest;
            c->output_sent = 0;
        } else {
            set_state(c, w, CONNECTION_CLOSED); /* too many clients that do not read */
        }
    }
    w->out.used = 0;
}

void connection_on_output(struct connection *c, struct workspace *w, size_t len)
{
    if (len > 0 && c->state != CONNECTION_BODY) /* "100 Continue" buys the client no time */
        c->since_ns = w->now.mono_ns;

    if (c->output != NULL) {
        c->output_sent += (uint32_t)len;
        BUG_IF(c->output_sent > c->output_len);
        if (c->output_sent < c->output_len)
            return;
        drop_output(c, w);
    } else if (w->out.used > 0) {
        keep_output(c, w, len);
        if (c->output != NULL)
            return;
    } else {
        BUG_IF(c->state != CONNECTION_LARGE);
        c->large_sent += len;
        if (c->large_sent < w->large.used)
            return;
        id_order_release(&c->order, w->service, &w->runs);
        end_answer(c, w);
    }
    resume(c, w);
}

void connection_on_tick(struct connection *c, struct workspace *w)
{
    BUG_IF(c->state != CONNECTION_WAIT);
    if (w->draining && c->input == NULL && !c->input_may_follow)
        c->close_after = c->linger = true; /* the service began to stop while this one waited */
    advance_order(c, w, false);
    resume(c, w);
}

void connection_on_shutdown(struct connection *c, struct workspace *w)
{
    c->since_ns = w->now.mono_ns;
    set_state(c, w, c->peer_finished ? CONNECTION_CLOSED : CONNECTION_LINGER);
}

bool connection_is_idle(const struct connection *c)
{
    return c->state == CONNECTION_HEAD && c->input_len == 0 && c->output == NULL;
}

int64_t connection_deadline(const struct connection *c, const struct workspace *w)
{
    if (c->output != NULL)
        return c->since_ns + w->write_timeout_ns;
    switch (c->state) {
    case CONNECTION_HEAD:
        if (c->input_len > 0)
            return c->since_ns + w->head_timeout_ns;
        if (w->draining && w->drain_ns < c->since_ns + w->idle_timeout_ns)
            return w->drain_ns;
        return c->since_ns + w->idle_timeout_ns;
    case CONNECTION_BODY:
        return c->since_ns + w->head_timeout_ns;
    case CONNECTION_WAIT:
        return c->order.deadline_ns;
    case CONNECTION_LARGE:
    case CONNECTION_LAST:
        return c->since_ns + w->write_timeout_ns;
    case CONNECTION_LINGER:
        return c->since_ns + LINGER_NS;
    case CONNECTION_CLOSED:
    case CONNECTION_STATE_COUNT:
        break;
    }
    return INT64_MAX;
}

void connection_on_deadline(struct connection *c, struct workspace *w)
{
    static const struct http_refusal slow = {
        408, "the request did not arrive in time; send it again, in one piece"};

    bool half_read =
        c->state == CONNECTION_BODY || (c->state == CONNECTION_HEAD && c->input_len > 0);
    if (c->output == NULL && half_read) {
        refuse(c, w, slow);
        drop_input(c, w);
    } else if (c->output == NULL && c->state == CONNECTION_WAIT) {
        connection_on_tick(c, w);
    } else {
        set_state(c, w, CONNECTION_CLOSED);
    }
}
