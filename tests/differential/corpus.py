"""What is put before both parsers: written inputs, and many that are made of them.

An input is all that one client sends on one connection.  The written ones are named after what they
show; the others come from a fixed seed, so a failure can be repeated.
"""

import itertools
import random

HOST = b"Host: a\r\n"
NEXT = b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n"  # would be answered if it were smuggled in
MUTATIONS = 20000


def request(*fields, method=b"GET", target=b"/", version=b"HTTP/1.1", body=b""):
    lines = [method + b" " + target + b" " + version, *fields]
    return b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


def with_host(*fields, **parts):
    return request(b"Host: a", *fields, **parts)


def methods():
    known = b"GET HEAD POST PUT DELETE OPTIONS TRACE PATCH CONNECT"
    registered = b"PROPFIND MKCOL LOCK PURGE M-SEARCH QUERY LINK SOURCE PRI"
    others = b"get Get GETT GE G FOO X-Y !#$%&'*+.^_`|~ G\x00T G(T GET: \x80GET"
    for name in b" ".join((known, registered, others)).split(b" "):
        for target in (b"/", b"*", b"a:80", b"http://a/", b"foo"):
            yield with_host(method=name, target=target) + NEXT
    yield b" GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    yield b"\tGET / HTTP/1.1\r\nHost: a\r\n\r\n"


def targets():
    for target in (
        b"/", b"//", b"/a/../b", b"/%2e%2e/", b"/%", b"/%zz", b"/?", b"/?a=b&c", b"?a", b"a", b"*", b"",
        b"/#x", b"/a#", b"http://a", b"http://a/", b"http://a?x", b"https://a:443/x", b"http://a:/",
        b"http://a:x/", b"http:///x", b"http:/a", b"http:a", b"http://u@a/", b"http://u:p@a/", b"HTTP://a/",
        b"ftp://a/", b"ws://a/", b"x:/", b"file:///etc/passwd", b"http://[::1]/", b"http://[::1]:80/x",
        b"http://[::1/", b"http://a b/", b"/a b", b"/a\tb", b"/\x00", b"/\x7f", b"/\x80", b"/\xff\xfe", b"/\"", b"/<>",
        b"/\\", b"/^", b"/`", b"/{}", b"/|", b"/[]", b"/a;b=c", b"/a,b", b"/'", b"/!$&()*+=:@~", b"/?\"", b"/?{}", b"/??",
        b"/?a#b", b"a:80", b"a:", b":80", b"1.2.3.4", b"[::1]:80", b"/" + b"a" * 4095, b"/" + b"a" * 4096, b"/?" + b"a" * 9000,
        b"http://" + b"a" * 300 + b"/", b"http://a_b/", b"http://a%20b/", b"http://a.b./", b"http://-/",
    ):  # fmt: skip
        yield with_host(target=target) + NEXT
        yield with_host(target=target, method=b"POST") + NEXT


def versions():
    for version in (
        b"HTTP/1.1", b"HTTP/1.0", b"HTTP/0.9", b"HTTP/1.2", b"HTTP/1.9", b"HTTP/2.0", b"HTTP/2", b"HTTP/3.0", b"HTTP/1.10",
        b"HTTP/01.1", b"HTTP/1.01", b"HTTP/1", b"HTTP/1.", b"HTTP/.1", b"HTTP/", b"HTTP", b"http/1.1", b"Http/1.1", b"HTTPS/1.1",
        b"HTTP /1.1", b"HTTP/1 .1", b"HTTP/1.1 ", b" HTTP/1.1", b"HTTP/1.1\t", b"\tHTTP/1.1", b"HTTP/1.1x", b"ICE/1.0", b"RTSP/1.0",
        b"HTTP/-1.1", b"HTTP/+1.1", b"HTTP/1,1", b"HTTP/a.b", b"HTTP/\x00.1", b"", b"x",
    ):  # fmt: skip
        yield with_host(version=version) + NEXT
    yield b"GET /\r\n\r\n"
    yield b"GET / \r\n\r\n"
    yield b"GET\r\n\r\n"
    yield b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    yield request(version=b"HTTP/1.0")
    yield request(b"Connection: keep-alive", version=b"HTTP/1.0") + NEXT
    yield request()


def line_ends():
    good = with_host(b"X: y") + NEXT
    for end in (b"\n", b"\r", b"\r\r\n", b"\n\r\n", b"\r\n\r", b"\x0b\r\n", b"\x00\r\n", b" \r\n", b"\t\r\n", b"\r \n"):
        for count in range(1, 5):  # each of the first lines
            lines = good.split(b"\r\n")
            yield b"\r\n".join(lines[:count]) + end + b"\r\n".join(lines[count:])
        yield good.replace(b"\r\n", end)
    for empty in (b"\r\n", b"\n", b"\r", b" \r\n", b"\r\n" * 4, b"\r\n" * 5, b"\r\n" * 50, b"\n\n", b"\x00"):
        yield empty + good
        yield good + empty + NEXT


def field_lines():
    for line in (
        b"X:", b"X: ", b"X:y", b"X:  y  ", b"X:\ty\t", b"X : y", b"X\t: y", b" X: y", b"\tX: y", b"X", b"X y", b":", b": y", b"",
        b"X: y\r\n z", b"X: y\r\n\tz", b"X: y\r\n ", b"X: \r\n z", b"X: a\x00b", b"X\x00: y", b"X: a\rb", b"X: a\nb", b"X: \x01", b"X: \x1f",
        b"X: \x7f", b"X: \x80\xff", b"X: \"q\"", b"X(: y", b"X): y", b"X@: y", b"X\x80: y", b"X{: y", b"X[: y", b"X\": y", b"X/: y", b"X,: y",
        b"X;: y", b"X=: y", b"X?: y", b"X<: y", b"X\\: y", b"!#$%&'*+-.^_`|~09az: y", b"X:: y", b"X: y: z", b"X: " + b"y" * 5000, b"X: " + b"y" * 9000,
        b"X" * 300 + b": y", b"X" * 9000 + b": y", b"X: y\x0bz", b"X: y\x0cz", b"X:\x0by", b"X:\x00", b"X:\r\n", b"X: y\r", b"Cookie: a=b; c=d",
    ):  # fmt: skip
        yield request(b"Host: a", line) + NEXT
        yield request(line, b"Host: a") + NEXT
    yield request(b"Host: a", *(b"X: y",) * 99) + NEXT
    yield request(b"Host: a", *(b"X: y",) * 100) + NEXT
    yield request(b"Host: a", *(b"X%d: %s" % (i, b"y" * 60) for i in range(99))) + NEXT
    yield request(b"Host: a", *(b"X%d: %s" % (i, b"y" * 200) for i in range(99))) + NEXT


def hosts():
    for value in (
        b"a", b"a:80", b"a:", b":80", b"", b" ", b"a b", b"a/b", b"a,b", b"a@b", b"[::1]", b"[::1]:80", b"[::1", b"::1", b"a:b", b"a:80:80", b"\"a\"",
        b"a\x00", b"a\x80", b"http://a", b"a?b", b"a#b", b"%61", b"a..b", b"_", b"-", b"1.2.3.4", b"999.999.999.999", b"a:99999", b"[]", b"[x]", b"a\tb",
        b"a;b", b"a=b", b"a'b", b"a|b", b"a" * 300,
    ):  # fmt: skip
        yield request(b"Host: " + value) + NEXT
    yield request() + NEXT
    yield request(b"Host: a", b"Host: a") + NEXT
    yield request(b"Host: a", b"Host: b") + NEXT
    yield request(b"host:a") + NEXT
    yield request(b"HOST:\ta\t") + NEXT
    yield with_host(target=b"http://b/") + NEXT


LENGTHS = (
    b"0", b"1", b"5", b"05", b"005", b"00", b"+5", b"-5", b"-0", b"5.0", b"5 ", b" 5", b"\t5", b"5\t", b"\t5\t", b"5,5", b"5, 5", b"5,6", b",5", b"5,",
    b"5;", b"5;x", b"0x5", b"5h", b"5 5", b"5\t5", b"", b" ", b"five", b"\"5\"", b"(5)", b"5\x00", b"\x005", b"5e0", b"1e1", b"_5", b"5_0", b"\xef\xbc\x95",
    b"65536", b"65537", b"4294967295", b"4294967296", b"4294967301", b"9223372036854775807", b"9223372036854775808",
    b"18446744073709551615", b"18446744073709551616", b"18446744073709551621", b"99999999999999999999999", b"5\x0b", b"5\x0c", b"\x0b5", b"\x85" b"5", b"\xa05",
)  # fmt: skip

ENCODINGS = (
    b"chunked", b"Chunked", b"CHUNKED", b" chunked", b"chunked ", b"\tchunked", b"chunked\t", b"chunked;", b"chunked;q=1", b"chunked,", b",chunked",
    b"chunked, chunked", b"chunked,chunked", b"gzip", b"gzip, chunked", b"chunked, gzip", b"identity", b"identity, chunked", b"chunked, identity",
    b"xchunked", b"chunkedx", b"chunke", b"\"chunked\"", b"'chunked'", b"chunked\x00", b"\x00chunked", b"chunked\x0b", b"\x0bchunked", b"", b" ", b"x",
    b"ch\xc3\xbcnked", b"chunked foo", b"foo chunked", b"cow, chunked", b"deflate", b"trailers", b"chun\tked", b"\xa0chunked",
)  # fmt: skip

FIVE = b"hello"
CHUNKS = b"5\r\nhello\r\n0\r\n\r\n"


def lengths():
    for value in LENGTHS:
        for name in (b"Content-Length: ", b"content-length:"):
            yield with_host(name + value, method=b"POST", body=FIVE) + NEXT
    for name in (
        b"Content-Length : 5", b"Content-Length\t: 5", b" Content-Length: 5", b"Content_Length: 5", b"Content-Length\x00: 5", b"Content-Length:\r\n 5",
        b"Content-Length: \r\n 5", b"Content-Length: 5\r\n 5", b"X: y\r\n Content-Length: 5", b"Content-Length:5\rX: y", b"\x0bContent-Length: 5",
        b"Content\xadLength: 5", b"Content-length: 5", b"CONTENT-LENGTH: 5", b"Content-Lengt: 5", b"Content-Lengthx: 5", b"Content-Length;: 5", b"Content-Length=5",
    ):  # fmt: skip
        yield with_host(name, method=b"POST", body=FIVE) + NEXT
    for first, second in itertools.product((b"5", b"05", b"0", b"6", b"x", b""), repeat=2):
        yield with_host(b"Content-Length: " + first, b"Content-Length: " + second, method=b"POST", body=FIVE) + NEXT
    for method in (b"GET", b"HEAD", b"DELETE", b"OPTIONS", b"TRACE"):
        yield with_host(b"Content-Length: 5", method=method, body=FIVE) + NEXT
        yield with_host(b"Transfer-Encoding: chunked", method=method, body=CHUNKS) + NEXT
        yield with_host(b"Content-Length: 32", method=method, body=NEXT) + NEXT
    yield request(b"Content-Length: 5", method=b"POST", version=b"HTTP/1.0", body=FIVE) + NEXT
    yield request(method=b"POST", version=b"HTTP/1.0", body=FIVE) + NEXT
    yield with_host(method=b"POST", body=FIVE) + NEXT
    yield with_host(b"Content-Length: 5", method=b"POST", body=b"hel")


def encodings():
    for value in ENCODINGS:
        yield with_host(b"Transfer-Encoding: " + value, method=b"POST", body=CHUNKS) + NEXT
        yield with_host(b"Transfer-Encoding: " + value, b"Content-Length: 5", method=b"POST", body=CHUNKS) + NEXT
        yield with_host(b"Content-Length: 15", b"Transfer-Encoding: " + value, method=b"POST", body=CHUNKS) + NEXT
    for line in (
        b"Transfer-Encoding : chunked", b"Transfer-Encoding\t: chunked", b" Transfer-Encoding: chunked", b"Transfer_Encoding: chunked", b"Transfer-Encoding:\r\n chunked",
        b"Transfer-Encoding\x00: chunked", b"X: y\r\nTransfer-Encoding: chunked\r\n ", b"X: y\rTransfer-Encoding: chunked", b"X: y\nTransfer-Encoding: chunked",
        b"TRANSFER-ENCODING: chunked", b"Transfer-Encodin: chunked", b"Transfer-Encoding;: chunked", b"Transfer Encoding: chunked", b"TE: chunked", b"te: trailers",
        b"\x0bTransfer-Encoding: chunked", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked", b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked", b"Transfer-Encoding:\r\nTransfer-Encoding: chunked",
    ):  # fmt: skip
        yield with_host(line, method=b"POST", body=CHUNKS) + NEXT
        yield with_host(line, b"Content-Length: 5", method=b"POST", body=CHUNKS) + NEXT
        yield with_host(b"Content-Length: 5", line, method=b"POST", body=CHUNKS) + NEXT
    yield request(b"Transfer-Encoding: chunked", version=b"HTTP/1.0", method=b"POST", body=CHUNKS) + NEXT


def chunked_bodies():
    for body in (
        CHUNKS, b"0\r\n\r\n", b"00\r\n\r\n", b"000000000000000000005\r\nhello\r\n0\r\n\r\n", b"5\nhello\n0\n\n", b"5\r\nhello\n0\r\n\r\n", b"5\nhello\r\n0\r\n\r\n",
        b"5\r\nhello\r\n0\r\n\n", b"5\r\nhello\r\n0\n\r\n", b"5\rhello\r0\r\r", b"5 \r\nhello\r\n0\r\n\r\n", b" 5\r\nhello\r\n0\r\n\r\n", b"5\t\r\nhello\r\n0\r\n\r\n", b"\r\n5\r\nhello\r\n0\r\n\r\n",
        b"0x5\r\nhello\r\n0\r\n\r\n", b"+5\r\nhello\r\n0\r\n\r\n", b"-5\r\nhello\r\n0\r\n\r\n", b"g\r\nhello\r\n0\r\n\r\n", b"\r\nhello\r\n0\r\n\r\n", b"5\r\nhell\r\n0\r\n\r\n", b"5\r\nhelloo\r\n0\r\n\r\n",
        b"5\r\nhello0\r\n\r\n", b"5\r\nhello\r\n\r\n0\r\n\r\n", b"a\r\n0123456789\r\n0\r\n\r\n", b"A\r\n0123456789\r\n0\r\n\r\n", b"5;\r\nhello\r\n0\r\n\r\n", b"5;x\r\nhello\r\n0\r\n\r\n", b"5;x=y\r\nhello\r\n0\r\n\r\n",
        b"5;x=\r\nhello\r\n0\r\n\r\n", b"5;x=\"y\"\r\nhello\r\n0\r\n\r\n", b"5;x=\"y\r\nhello\r\n0\r\n\r\n", b"5;x=\"a\\\"b\"\r\nhello\r\n0\r\n\r\n", b"5;x=\"\n\"\r\nhello\r\n0\r\n\r\n", b"5; x=y\r\nhello\r\n0\r\n\r\n", b"5 ;x=y\r\nhello\r\n0\r\n\r\n",
        b"5;x =y\r\nhello\r\n0\r\n\r\n", b"5;=y\r\nhello\r\n0\r\n\r\n", b"5;x;y;z=1\r\nhello\r\n0\r\n\r\n", b"5;x\nhello\r\n0\r\n\r\n", b"5;x\rhello\r\n0\r\n\r\n", b"5;\x00\r\nhello\r\n0\r\n\r\n", b"5;x=\x80\r\nhello\r\n0\r\n\r\n", b"5,x\r\nhello\r\n0\r\n\r\n",
        b"5\x00\r\nhello\r\n0\r\n\r\n", b"5;x=\"\x00\"\r\nhello\r\n0\r\n\r\n", b"5;x=\"\x7f\"\r\nhello\r\n0\r\n\r\n", b"5;x=\"a\"b\r\nhello\r\n0\r\n\r\n", b"5;x=a\"b\r\nhello\r\n0\r\n\r\n",
        b"ffffffff\r\nhello", b"ffffffffffffffff\r\nhello", b"10000000000000005\r\nhello\r\n0\r\n\r\n", b"8000000000000005\r\nhello", b"fffffffffffffffff\r\nhello", b"10000\r\n" + b"x" * 65536 + b"\r\n0\r\n\r\n", b"10001\r\nhello",
        b"1\r\nx\r\n" * 50 + b"0\r\n\r\n", b"0\r\n", b"0", b"5\r\nhel", b"5\r\nhello", b"5\r\nhello\r\n", b"0;x=y\r\n\r\n", b"00000;x\r\n\r\n", b"0\r\n\r\r\n", b"0\r\n \r\n\r\n",
    ):  # fmt: skip
        yield with_host(b"Transfer-Encoding: chunked", method=b"POST", body=body) + NEXT
    for trailer in (
        b"X: y", b"X:", b"X:y ", b"X : y", b" X: y", b"X", b": y", b"X: a\x00b", b"X: \x80", b"X: y\r\n z", b"X: y\nY: z", b"X: a\rb", b"X(: y", b"X\t: y", b"X: y\r\nY: z",
        b"Content-Length: 5", b"Content-Length: x", b"content-length: 5", b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip", b"Transfer-Encoding: x\r\nContent-Length: 5",
        b"Host: b", b"Connection: close", b"Connection: keep-alive", b"Expect: 100-continue", b"Upgrade: x", b"Proxy-Connection: close", b"Trailer: X", b"X: " + b"y" * 9000, b"Content-Length: 5\r\nContent-Length: 6", b"Content-Length:",
    ):  # fmt: skip
        yield with_host(b"Transfer-Encoding: chunked", method=b"POST", body=b"5\r\nhello\r\n0\r\n" + trailer + b"\r\n\r\n") + NEXT
        yield with_host(b"Transfer-Encoding: chunked", b"Trailer: X", body=b"0\r\n" + trailer + b"\r\n\r\n") + NEXT


def connections():
    values = (b"close", b"keep-alive", b"Close", b"CLOSE", b"close, x", b"x, close", b"keep-alive, close", b"close, keep-alive", b"upgrade", b"closed", b"xclose", b"",
              b",", b"close;", b"close x", b"\"close\"", b"close,", b",close", b" close ", b"\tclose\t", b"close\tx", b"keep-alive\t", b"te", b"upgrade, close", b"Upgrade, keep-alive")  # fmt: skip
    for name, value, version in itertools.product((b"Connection", b"Proxy-Connection"), values, (b"HTTP/1.1", b"HTTP/1.0")):
        yield with_host(name + b": " + value, version=version) + NEXT
    for pair in itertools.product((b"close", b"keep-alive"), repeat=2):
        yield with_host(b"Connection: " + pair[0], b"Connection: " + pair[1]) + NEXT
        yield with_host(b"Connection: " + pair[0], b"Proxy-Connection: " + pair[1]) + NEXT
        yield with_host(b"Proxy-Connection: " + pair[0], b"Connection: " + pair[1], version=b"HTTP/1.0") + NEXT
    for upgrade in (b"h2c", b"websocket", b"TLS/1.0", b"x", b""):
        yield with_host(b"Connection: upgrade", b"Upgrade: " + upgrade) + NEXT
        yield with_host(b"Upgrade: " + upgrade) + NEXT
        yield with_host(b"Connection: upgrade", b"Upgrade: " + upgrade, b"Content-Length: 5", method=b"POST", body=FIVE) + NEXT
        yield with_host(b"Connection: upgrade", b"Upgrade: " + upgrade, b"Transfer-Encoding: chunked", method=b"POST", body=CHUNKS) + NEXT
    for value in (b"100-continue", b"100-Continue", b"200-ok", b"", b"100-continue, x", b"100-continue;x"):
        yield with_host(b"Expect: " + value) + NEXT
        yield with_host(b"Expect: " + value, b"Content-Length: 5", method=b"POST", body=FIVE) + NEXT
        yield request(b"Expect: " + value, b"Connection: keep-alive", version=b"HTTP/1.0") + NEXT


def whole():
    yield b""
    yield NEXT
    yield NEXT * 3
    yield NEXT + b"nonsense\r\n"
    yield with_host(b"Content-Length: 5", method=b"POST", body=FIVE) + b"\r\n" + NEXT
    yield with_host(b"Transfer-Encoding: chunked", method=b"POST", body=CHUNKS) + b"\r\n\r\n" + NEXT
    yield b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
    yield b"\x80\x2e\x01\x00\x02"
    yield b"SSH-2.0-x\r\n"
    yield b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n" + NEXT
    yield b"\r\n\r\n\x00\r\nQUIT\n" + NEXT
    yield b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 8170 + b"\r\n\r\n"
    for cut in range(len(NEXT)):
        yield NEXT[:cut]


GROUPS = (methods, targets, versions, line_ends, field_lines, hosts, lengths, encodings, chunked_bodies, connections, whole)


def written():
    """(name, bytes) of every written input."""
    return [(f"{group.__name__}-{i}", bytes(text)) for group in GROUPS for i, text in enumerate(group())]


BYTES = [bytes([b]) for b in b"\x00\t\n\x0b\x0c\r !\"#%&'()*+,-./0159:;<=>?@AZ[\\]^_`az{|}~\x7f\x80\x85\xa0\xff"]
WORDS = [
    b"\r\n", b"\r\n\r\n", b"\n", b" ", b"\t", b"\x00", b": ", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n", b"chunked", b"close",
    b"Host: a\r\n", b"0\r\n\r\n", b"5\r\nhello\r\n", b"GET ", b"POST ", b"HTTP/1.1", b"HTTP/1.0", b";x=y", b", ", b"Proxy-Connection: close\r\n", b"Content-Length", b"5",
]  # fmt: skip


def mutate(chance, texts):
    """One input made of others: bytes changed, dropped, doubled, words put in, halves joined."""
    text = bytearray(chance.choice(texts))
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(text) + 1)
        kind = chance.randrange(6)
        if kind == 0 and at < len(text):
            text[at : at + 1] = chance.choice(BYTES)
        elif kind == 1:
            del text[at : at + chance.randint(1, 4)]
        elif kind == 2:
            text[at:at] = chance.choice(BYTES)
        elif kind == 3:
            text[at:at] = chance.choice(WORDS)
        elif kind == 4:
            text[at:at] = text[at : at + chance.randint(1, 40)]
        else:
            other = chance.choice(texts)
            text[at:] = other[chance.randrange(len(other) + 1) :]
    return bytes(text)


def mutated(texts, count=MUTATIONS):
    """(name, bytes) of inputs that are made of texts."""
    chance = random.Random(20141)
    short = [text for text in texts if 0 < len(text) <= 1200]
    return [(f"mutation-{i}", mutate(chance, short)) for i in range(count)]
