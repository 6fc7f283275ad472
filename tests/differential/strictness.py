"""Where our parser is stricter than Node's, and why: the table behind docs/http_strictness.md.

    strictness.py > docs/http_strictness.md

The key is what the refusal says to the client; test_http_parsers.py sees to it that the table is
complete, that every row is needed, and that the document is the table.
"""

# detail of the refusal: (where it is written, why)
REASONS = {
    "the method is unknown here, or CONNECT; use GET or HEAD": (
        "RFC 9110, 9.1 and 9.3.6",
        "Node knows WebDAV and others by name. Behind a method that we do not know, and behind "
        "CONNECT, nobody can tell what comes, so the connection ends.",
    ),
    "only HTTP/1.1 and HTTP/1.0 are spoken here": (
        "RFC 9110, 2.5",
        "Node also takes HTTP/0.9 and 2.0 written as a request line. A minor version above 1 does not exist.",
    ),
    "the request line ends without a version; append HTTP/1.1": (
        "RFC 9112, 3",
        "To Node it is HTTP/0.9, which no standard has any more and whose answers have no head.",
    ),
    "the version is malformed: HTTP/1.1 and the end of the line must follow the target and one space": (
        "RFC 9112, 3",
        "One space, exactly, stands between the parts. Who skips more may split the line elsewhere "
        "than a proxy does.",
    ),
    "there is more than one space between the method and the target": ("RFC 9112, 3", "The same in front of the target."),
    "the target does not begin with '/', nor with http:// or https://": (
        "RFC 9112, 3.2",
        "Another scheme is none of ours, and '*' is a target of OPTIONS.",
    ),
    "the host in the target is not a host name or address": (
        "RFC 9110, 4.2.4; RFC 9112, 3.2.2",
        "User names in a target are for deceiving, and what is no host was never resolved.",
    ),
    "the target has a character that URIs cannot have; percent-encode it": (
        "RFC 3986, 2; RFC 9112, 3.2",
        "Quotes, braces and the like are not of a URI; proxies encode, pass or refuse them, each in its way.",
    ),
    "the target has a fragment; remove the '#' and what follows, or encode it as %23": (
        "RFC 9112, 3.2",
        "A fragment is never sent; some cut it off, for others it is of the path.",
    ),
    "the target is longer than 4096 bytes; shorten it": ("RFC 9112, 3", "A ceiling; no target of ours is longer than some 60 bytes."),
    "a line ends in LF alone; end every line with CR LF": (
        "RFC 9112, 2.2",
        "Node takes a bare LF in front of a request line. We take CR LF and nothing else, everywhere.",
    ),
    "a CR is not followed by LF; end every line with CR LF": ("RFC 9112, 2.2", "The same for a bare CR."),
    "there are too many empty lines before the request line": ("RFC 9112, 2.2", "At least one is to be skipped; we skip four."),
    "the head of the request is longer than 8192 bytes; shorten it": ("RFC 9110, 5.4", "A ceiling; Node's is 16 KiB."),
    "there are more than 100 header fields; send fewer": ("RFC 9110, 5.4", "A ceiling; Node keeps the first 2000 and drops the rest."),
    "HTTP/1.1 requires a Host field; send exactly one": (
        "RFC 9112, 3.2",
        "Node answers 400 too, and goes on with the connection; we close it.",
    ),
    "there is more than one Host field; send exactly one": ("RFC 9112, 3.2", "Two hosts are two readings of one request."),
    "the Host field is not a host name or address with an optional port": (
        "RFC 9112, 3.2",
        "A Host with an invalid value is to be answered with 400; Node leaves that to the application.",
    ),
    "the only transfer coding that is understood is chunked, once": (
        "RFC 9112, 6.1 and 7",
        "Node looks at the last coding alone and leaves the others to the application.",
    ),
    "the Transfer-Encoding is empty; remove it": (
        "RFC 9112, 6.1",
        "To Node there is no body then; who takes it for chunked sees another end of the request.",
    ),
    "HTTP/1.0 has no Transfer-Encoding; use Content-Length or HTTP/1.1": (
        "RFC 9112, 6.1",
        "The framing of such a message is to be treated as faulty.",
    ),
    "an extension of a chunk is not ;name, ;name=token or ;name=\"text\"": (
        "RFC 9112, 7.1.1",
        "Node lets some malformed extensions pass. Lines that two readers see differently were "
        "the way of several smuggling attacks.",
    ),
    "the trailer fields are longer than 8192 bytes": ("RFC 9110, 6.5", "A ceiling; Node's is that of the head, 16 KiB."),
    "a trailer field is Content-Length, Transfer-Encoding or Connection; it belongs in the head": (
        "RFC 9110, 6.5.1",
        "Fields that decide about framing or the connection must not be trailers. Node refuses the "
        "lengths and heeds Connection.",
    ),
    "the only expectation that can be met is 100-continue": (
        "RFC 9110, 10.1.1",
        "Node answers 417 too, and goes on with the connection; we close it, since a body may or may not come.",
    ),
    "close": (
        "RFC 9112, 9.3 and 9.6",
        "No refusal: the answer is given and the connection ends. `close` wins over `keep-alive`, a "
        "tab in Connection counts as close, and Proxy-Connection keeps nothing open.",
    ),
}

# The same for what only older versions of Node take: llhttp 6, which is Node 18's.
OLDER_REASONS = {
    "there is a blank before the colon of a header field; remove it": (
        "RFC 9112, 5.1",
        "To be answered with 400: a classic of smuggling.",
    ),
    "a header line begins with a blank; continued lines are not accepted": (
        "RFC 9112, 2.2 and 5.2",
        "Behind the request line it may be read as a field or not at all; elsewhere as a continued line.",
    ),
    "a header field has no name": ("RFC 9112, 5", "A line that is no field."),
    "Content-Length and Transfer-Encoding contradict each other; send one of them": (
        "RFC 9112, 6.1 and 6.3",
        "With an empty Transfer-Encoding this Node goes by the length; others go by neither.",
    ),
    "a trailer field is not a name, a colon and a value without control characters": (
        "RFC 9112, 7.1.2",
        "This Node takes a bare LF for the end of the trailers.",
    ),
    "a line within a chunked body must end in CR LF": ("RFC 9112, 2.2 and 7.1", "The same within a body."),
    "the data of a chunk is longer than the size before it says": (
        "RFC 9112, 7.1",
        "This Node takes any byte in place of the CR behind the data.",
    ),
}

HEAD = """\
# Where the parser is stricter than another one

`tests/differential` puts the same inputs before our HTTP parser and before Node's (llhttp, with
`insecureHTTPParser` off): over a thousand written ones, valid, invalid and of every kind of
smuggling that we know, and 20,000 that are made of them. Then it holds:

- **Every request that we take, Node takes as well**, with the same method, target, version and
  length of the body. So both see the same end of the request, and the same next one.
- We wait for nothing that Node has refused. (We judge a method when it is complete, and the meaning
  of a field at the end of its line.)
- Where Node takes what we refuse, the reason is in the tables below. The test fails for a refusal
  that is not in it, and for a row that nothing needs.

One thing we read that Node does not: a request may ask for an `Upgrade`, which is ignored here, as
RFC 9110, 7.8 allows. Node then drops what came in the same read behind the request, since it might
be the other protocol; it cannot be, since no server of ours ever answers 101.

This file is written by `tests/differential/strictness.py`; the first column is what the client is told.

"""
TABLE = """
| refused here, taken by {by} | standard | why |
|---|---|---|
"""


def document():
    text = HEAD
    for by, reasons in (("Node 18 and 20", REASONS), ("Node 18 alone", OLDER_REASONS)):
        text += TABLE.format(by=by)
        text += "".join(f"| {detail} | {standard} | {why} |\n" for detail, (standard, why) in sorted(reasons.items()))
    return text


if __name__ == "__main__":
    print(document(), end="")
