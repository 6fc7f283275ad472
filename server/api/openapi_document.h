/* openapi_document.h: docs/openapi.yaml, which cmake/embed_document.cmake puts into the binary. */
#ifndef SERVER_API_OPENAPI_DOCUMENT_H
#define SERVER_API_OPENAPI_DOCUMENT_H

#include "common/span.h"

extern const struct span openapi_compressed; /* for inflate_raw(): a quarter of its length */
extern const size_t openapi_length;
extern const struct span openapi_etag;   /* with its quotes; another one for another document */
extern const struct span openapi_fields; /* the ETag field, for http_head.more */

#endif
