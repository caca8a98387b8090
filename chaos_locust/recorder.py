"""One row a request, written at once, so that a SIGKILL loses nothing that happened (docs/formats.md, `requests/`).

This runs for every request and is most of what recording costs: hence a row made by an f-string, and times written as
whole microseconds (of a response, nanoseconds) with an exponent, which takes half as long as a float.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from functools import lru_cache
from json.encoder import encode_basestring_ascii as quoted
from typing import TYPE_CHECKING, Any

from chaos_locust.content import Contents
from chaos_middleware.headers import FAULT

if TYPE_CHECKING:
    from collections.abc import Callable

COLUMNS = (
    *("key", "stage", "user", "started", "intended", "response_ms", "method", "name"),
    *("status", "bytes", "error_class", "error", "faults", "path", "content"),
)
CONTEXT = "chaos"  # the key in Locust's request context under which a request's `Sent` travels
_MAX_ERROR = 500
_FAULT_FREE = 300  # answers of a kind whose content is taken though they name no fault

# What a request was stamped with: key, stage, the user's class, and when it was due if not when it was sent.
Sent = tuple[str, str, str, float | None]


class DeadlineError(TimeoutError):
    """The client's deadline passed before the whole answer was there."""


class _Kind:
    """Answers of one method, name, status and stage: the first two as JSON, and how many more contents are taken."""

    __slots__ = ("left", "names")

    def __init__(self, method: str, name: str) -> None:
        self.names = f"{quoted(str(method))},{quoted(str(name))}"
        self.left = _FAULT_FREE


class Recorder:
    """Writes a part. `write` takes a line, `write_shape` one for the shapes; `stage` is asked for requests that no user
    of ours sent.
    """

    def __init__(
        self,
        part: str,
        write: Callable[[bytes], object],
        stage: Callable[[], str],
        write_shape: Callable[[bytes], object],
    ) -> None:
        self.part = part
        self.rows = self.failures = self.errors = 0
        self._write = write
        self._stage = stage
        self._kinds: dict[tuple[str, str, int, str], _Kind] = {}
        self._contents = Contents(write_shape)
        write(_line({"version": 1, "columns": COLUMNS, "part": part, "pid": os.getpid(), "started": time.time()}))

    def on_request(  # noqa: PLR0917  # Locust calls it by keyword
        self,
        request_type: str,
        name: str,
        response_time: float | None,
        response_length: int | None,
        response: Any = None,
        context: dict[str, Any] | None = None,
        exception: BaseException | str | None = None,
        start_time: float | None = None,
        url: str | None = None,
        **_: Any,
    ) -> None:
        """Locust's `request` event. It must never raise: Locust would log that and go on."""
        try:
            sent: Sent | None = context.get(CONTEXT) if context else None
            key, stage, user, due = sent or ("", self._stage(), "", None)
            started = f"{int((start_time or time.time() - (response_time or 0) / 1000) * 1e6)}e-6"
            status, faults, error, content = 0, '""', "null,null", "null"
            if response is not None:
                status = response.status_code or 0
            kind = self._kinds.get((request_type, name, status, stage)) or self._kind(request_type, name, status, stage)
            if response is not None:
                headers = response.headers
                if headers is not None and FAULT in headers and (told := str(headers[FAULT])):
                    faults, content = quoted(told), self._contents.take(request_type, name, response)
                elif kind.left and status:
                    kind.left -= 1
                    content = self._contents.take(request_type, name, response)
            if exception:
                error = _error(exception, status)
                self.failures += 1
            took = "null" if response_time is None else f"{int(response_time * 1e6)}e-6"
            intended = f"{int(due * 1e6)}e-6" if due else started
            self._write(
                f'["{key}","{stage}","{user}",{started},{intended},{took},{kind.names},{status},'
                f"{response_length or 0},{error},{faults},{_path(url)},{content}]\n".encode()
            )
            self.rows += 1
        except Exception:  # whatever it is, the run goes on and the part says that rows are missing
            self._complain()

    def close(self, totals: dict[str, list[int]]) -> None:
        """Write the last line. `totals` are Locust's own: `{"GET /": [requests, failures]}`."""
        self._write(_line({"closed": time.time(), "rows": self.rows, "errors": self.errors, "totals": totals}))

    def _kind(self, method: str, name: str, status: int, stage: str) -> _Kind:
        kind = self._kinds[method, name, status, stage] = _Kind(method, name)
        return kind

    def _complain(self) -> None:
        self.errors += 1
        if self.errors == 1:
            print("chaos_locust: a request could not be recorded:", traceback.format_exc(), file=sys.stderr)


def _line(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


@lru_cache(4096)
def _path(url: str | None) -> str:
    """The URL without scheme and host, quoted."""
    if not url:
        return '""'
    start = url.find("/", 8) if url.startswith("http") else 0
    return quoted(url[start:]) if start >= 0 else '"/"'


def _error(error: BaseException | str, status: int) -> str:
    """Class and text as two JSON values. A deadline that a client library wrapped in its own error is told by its
    name.
    """
    late = _deadline(error)
    if late is not None:
        error = late
    name = type(error).__name__ if isinstance(error, BaseException) else "str"
    if status >= 400 and name in {"LocustBadStatusCode", "HTTPError"}:
        name = "HTTPError"
    text = str(error) or repr(error)
    return f"{quoted(name)},{quoted(text[:_MAX_ERROR])}"


def _deadline(error: object) -> DeadlineError | None:
    for _ in range(8):
        if error is None or isinstance(error, DeadlineError):
            return error
        original = getattr(error, "original", None)  # geventhttpclient's RetriesExceeded
        error = original or getattr(error, "__cause__", None) or getattr(error, "__context__", None)
    return None
