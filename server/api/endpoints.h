/*
 * endpoints.h: what each path of the API does.  The table that leads here is in api.c.
 */
#ifndef SERVER_API_ENDPOINTS_H
#define SERVER_API_ENDPOINTS_H

#include "server/api/api.h"

/* A request on its way to an endpoint: parsed, its method allowed, its path decoded. */
struct api_request {
    const struct http_request *http;
    struct span argument; /* what follows the endpoint's path: the id of /decode/ */
};

/* All have the contract of api_handle(). */
typedef enum api_outcome (*api_endpoint)(const struct api_call *call,
                                         const struct api_request *request, struct http_output *out,
                                         struct id_order *ret_order);

enum api_outcome endpoint_generate(const struct api_call *call, const struct api_request *request,
                                   struct http_output *out, struct id_order *ret_order);
enum api_outcome endpoint_decode(const struct api_call *call, const struct api_request *request,
                                 struct http_output *out, struct id_order *ret_order);
enum api_outcome endpoint_health(const struct api_call *call, const struct api_request *request,
                                 struct http_output *out, struct id_order *ret_order);
enum api_outcome endpoint_ready(const struct api_call *call, const struct api_request *request,
                                struct http_output *out, struct id_order *ret_order);
enum api_outcome endpoint_info(const struct api_call *call, const struct api_request *request,
                               struct http_output *out, struct id_order *ret_order);
enum api_outcome endpoint_status(const struct api_call *call, const struct api_request *request,
                                 struct http_output *out, struct id_order *ret_order);
enum api_outcome endpoint_console(const struct api_call *call, const struct api_request *request,
                                  struct http_output *out, struct id_order *ret_order);
enum api_outcome endpoint_metrics(const struct api_call *call, const struct api_request *request,
                                  struct http_output *out, struct id_order *ret_order);
enum api_outcome endpoint_openapi(const struct api_call *call, const struct api_request *request,
                                  struct http_output *out, struct id_order *ret_order);

#endif
