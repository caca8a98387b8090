"""Changes to Locust's two HTTP clients: each request gets a key, a stage and a deadline, and none is lost in silence.

- `request` of both sessions adds the headers, and interrupts a request that takes longer than the deadline.
- A request whose user is killed while it waits is reported as failed: the app may have seen it.
- An unexpected exception in a `with ... catch_response=True` block is reported as a failure of that request; Locust
  drops it.
- geventhttpclient repeats an idempotent request by itself after a reset, up to ten times, though Locust asks for no
  retries.
"""

from __future__ import annotations

import time
from functools import partial
from http.cookiejar import CookieJar
from inspect import signature
from typing import TYPE_CHECKING, Any

import geventhttpclient.client
from gevent import GreenletExit, getcurrent
from geventhttpclient.client import HTTPClient
from locust import clients
from locust.contrib import fasthttp
from locust.exception import (
    InterruptTaskSet,
    RescheduleTask,
    RescheduleTaskImmediately,
    ResponseError,
    StopTest,
    StopUser,
)

from chaos_locust.deadline import Deadline
from chaos_locust.hooks import JOURNEY, replace
from chaos_locust.recorder import CONTEXT
from chaos_middleware.headers import KEY, STAGE

if TYPE_CHECKING:
    from chaos_locust.hooks import Method
    from chaos_locust.journey import Journey

_LINES = "chaos_lines"  # the attribute of a greenlet with the header lines of the request that it sends

# What a task raises to steer Locust says nothing about the request.
_STEERING = (InterruptTaskSet, RescheduleTask, RescheduleTaskImmediately, StopTest, StopUser, GreenletExit)


# The headers of geventhttpclient are a dict by names in lower case, whose own `in` is a function of Python's.
_has = dict.__contains__


class LazyJar(CookieJar):
    """A cookie jar that is not opened when nothing is in it or comes into it.

    The standard library's spends 11 µs of Locust's 95 µs a request on finding that out: more than half of what we cost.
    """

    def add_cookie_header(self, request: Any) -> None:
        """Add the cookies that go with the request."""
        if self._cookies:
            super().add_cookie_header(request)

    def extract_cookies(self, response: Any, request: Any) -> None:
        """Take the response's cookies."""
        headers = response.headers
        if _has(headers, "set-cookie") or _has(headers, "set-cookie2"):
            super().extract_cookies(response, request)

    _cookies: dict[str, Any]


def install() -> None:
    """Change both clients, for the whole process."""
    replace(clients.HttpSession, "request", partial(_request, fast=False))
    replace(fasthttp.FastHttpSession, "request", partial(_request, fast=True))
    replace(HTTPClient, "_build_request", _build_request)
    vars(fasthttp)["CookieJar"] = LazyJar
    for manager in (clients.ResponseContextManager, fasthttp.ResponseContextManager):
        replace(manager, "__exit__", _exit)
    geventhttpclient.client._may_retry_after_send_error = _never


def _never(method: str) -> bool:
    """Whether a request of this method may be sent again."""
    del method
    return False


def _request(original: Method, *, fast: bool) -> Method:
    def request(self: Any, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        journey: Journey | None = getattr(self.user, JOURNEY, None)
        if journey is None:
            return original(self, method, url, *args, **kwargs)
        sent = journey.next()
        context = kwargs.get("context")
        kwargs["context"] = {**context, CONTEXT: sent} if context else {CONTEXT: sent}
        greenlet: Any = getcurrent()
        if fast:
            greenlet.chaos_lines = f"{KEY}: {sent[0]}\r\n{STAGE}: {sent[1]}\r\n"
        else:
            kwargs["headers"] = {**(kwargs.get("headers") or {}), KEY: sent[0], STAGE: sent[1]}
        deadline = journey.deadline
        if deadline.greenlet is not None:  # this user has several requests under way
            deadline = Deadline(deadline.seconds)
        deadline.watch(greenlet)
        try:
            return original(self, method, url, *args, **kwargs)
        except GreenletExit as error:
            _report_killed(self, method, url, kwargs=kwargs, took=deadline.spent(), error=error)
            raise
        finally:
            deadline.greenlet = None
            greenlet.chaos_lines = ""

    return request


def _report_killed(session: Any, method: str, url: str, *, kwargs: Any, took: float, error: GreenletExit) -> None:
    session.request_event.fire(
        request_type=method,
        name=kwargs.get("name") or session.request_name or url,
        response_time=took * 1000,
        response_length=0,
        response=None,
        context=kwargs["context"],
        exception=error,
        start_time=time.time() - took,
        url=session._build_url(url),
    )


def _build_request(original: Method) -> Method:
    """Put the headers into the finished text of the request: geventhttpclient copies and checks others five times."""

    def build(self: Any, *args: Any, **kwargs: Any) -> str:
        return _stamp(original(self, *args, **kwargs))

    def build_at_once(  # noqa: PLR0917  # those of the method
        self: Any, method: str, request_uri: str, body: Any = b"", headers: Any = None, chunked: Any = None
    ) -> str:
        return _stamp(original(self, method, request_uri, body, headers, chunked))

    # To pack arguments and to unpack them takes as long as all else here, and is for versions with other ones.
    known = tuple(signature(build_at_once).parameters) == tuple(signature(original).parameters)
    return build_at_once if known else build


def _stamp(text: str) -> str:
    lines = getattr(getcurrent(), _LINES, "")
    return f"{text[:-2]}{lines}\r\n" if lines else text


def _exit(original: Method) -> Method:
    def leave(self: Any, kind: Any, error: BaseException | None, traceback: Any) -> Any:
        if error is None or self._manual_result is not None or isinstance(error, ResponseError):
            return original(self, kind, error, traceback)
        if isinstance(error, _STEERING):
            original(self, None, None, None)  # reports the request for what its answer was
        else:
            self.request_meta["exception"] = error
            self._report_request()
        return False

    return leave
