"""Pages, style sheet and scripts go out gzipped to whoever takes it; docs/decisions/0017 says why only these.

A page holds a token beside words that its address brought, and an attacker who can watch lengths could feel for the one
by the other (BREACH). So each compressed page is longer by a random number of bytes, in the name that gzip's header may
carry: as Django does it ("Heal the Breach").
"""

import gzip
import secrets
from io import BytesIO

from flask import Flask, Response, request

KINDS = {"text/html", "text/css", "text/javascript", "image/svg+xml"}
LEAST = 1400  # bytes: what is shorter fills one packet either way
PADDING = 100  # bytes at most
LEVEL = 4  # two thirds of level 6's time (3.6 ms for a report of 495 kB), and a tenth larger


def init_app(app: Flask) -> None:
    """Compress what the application answers. To be called before what else acts on answers: it acts last."""
    kept: dict[str, bytes] = {}  # the static files, by name and tag

    @app.after_request
    def compress(response: Response) -> Response:
        static = request.endpoint == "static"
        if response.mimetype not in KINDS or response.is_streamed is not static:
            return response
        response.vary.add("Accept-Encoding")
        if response.status_code in (204, 206, 304) or not request.accept_encodings["gzip"]:
            return response
        tag, weak = response.get_etag()
        if static:
            response.direct_passthrough = False
            name = f"{request.path} {tag}"
            body = kept.get(name) or kept.setdefault(name, _gzipped(response.get_data()))
        elif len(plain := response.get_data()) < LEAST:
            return response
        else:
            body = _gzipped(plain)
        response.set_data(body)
        response.headers["Content-Encoding"] = "gzip"
        if tag and not weak:  # the same page in other bytes
            response.set_etag(tag, weak=True)
        return response


def _gzipped(plain: bytes) -> bytes:
    packed = BytesIO()
    with gzip.GzipFile("a" * secrets.randbelow(PADDING), "wb", LEVEL, packed, mtime=0) as file:
        file.write(plain)
    return packed.getvalue()
