"""An app for real servers, one path a fault: run by `python -m chaos_middleware.serve` in the tests beside it."""

from __future__ import annotations

RULES = {
    "reset": {"fault": {"type": "connection_reset"}},
    "reset-after": {"fault": {"type": "connection_reset"}, "phase": "after"},
    "truncated": {"fault": {"type": "truncated_body"}},
    "large": {"fault": {"type": "large_body", "bytes": 3_000_000}},
    "slow": {"fault": {"type": "slow_body", "bytes_per_second": 500}},
    "error": {"fault": {"type": "http_error"}},
    "late": {"fault": {"type": "latency", "seconds": 0.1}, "phase": "after"},
    "asleep": {"fault": {"type": "latency", "seconds": 60}},
}
LENGTH = 100


def experiment():
    """The experiment with a rule for each path."""
    rules = [
        {"name": name, "seam": "wsgi", "rate": 1, "match": {"route": [f"/{name}/*"]}, **rule}
        for name, rule in RULES.items()
    ]
    return {"version": 1, "seed": 1, "rules": rules, "calls": {"share": 0}}


def app(environ, start_response):
    """`/…/sized` and `/…/list` answer with a list, `/…/stream` with a generator; the first announces its length.

    `/…/read` answers with how much it was sent, `/…/unread` without looking.
    """
    shape = environ["PATH_INFO"].rpartition("/")[2]
    if shape in {"read", "unread"}:
        said = int(environ.get("CONTENT_LENGTH") or (-1 if environ.get("wsgi.input_terminated") else 0))
        body = environ["wsgi.input"].read(said) if shape == "read" else b""
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "20")])
        return [f"{len(body)} {body.strip().decode()}".ljust(20).encode()]
    length = [("Content-Length", str(LENGTH))] if shape == "sized" else []
    start_response("200 OK", [("Content-Type", "text/plain"), *length])
    chunks = [b"x" * 10] * (LENGTH // 10)
    return (chunk for chunk in chunks) if shape == "stream" else chunks
