# embed_document.cmake: makes a C file of a document, compressed.
#   cmake -DDOCUMENT=docs/openapi.yaml -DOUTPUT=openapi_document.c -DGZIP=/bin/gzip -P embed_document.cmake
# The same document gives the same bytes, whenever and wherever.

execute_process(COMMAND "${GZIP}" -9 -n -c "${DOCUMENT}" OUTPUT_FILE "${OUTPUT}.gz"
    COMMAND_ERROR_IS_FATAL ANY)
file(READ "${OUTPUT}.gz" hex HEX)
# With -n gzip's header has 10 bytes; checksum and length, at the end, have 8.
string(REGEX REPLACE "^....................(.*)................$" "\\1" hex "${hex}")
file(SIZE "${DOCUMENT}" length)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
string(REGEX REPLACE "(................................................................................)"
    "\\1\n    " bytes "${bytes}") # 16 a line
file(SHA256 "${DOCUMENT}" etag)
string(SUBSTRING "${etag}" 0 16 etag)

file(WRITE "${OUTPUT}" "/* Made of docs/openapi.yaml by embed_document.cmake. */
#include \"server/api/openapi_document.h\"
#include \"server/api/api.h\"

static const unsigned char bytes[] = {
    ${bytes}
};

_Static_assert(${length} + HTTP_RESPONSE_HEAD_MAX + 64 <= API_LARGE_ANSWER_MAX,
               \"the document fits the room for an answer\");

const struct span openapi_compressed = {(const char *)bytes, sizeof(bytes)};
const size_t openapi_length = ${length};
const struct span openapi_etag = SPAN_INIT(\"\\\"${etag}\\\"\");
const struct span openapi_fields = SPAN_INIT(\"\\r\\nETag: \\\"${etag}\\\"\");
")
