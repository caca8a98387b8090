"""The service as an invariant asks it: by real requests that are no load, so leave no row, and meet no fault."""

from __future__ import annotations

import json as jsonlib
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from chaos_middleware.headers import STAGE

if TYPE_CHECKING:
    from collections.abc import Mapping

_STAGE = "baseline"  # where an experiment is for all traffic, also that without a key, it spares this stage
_SECONDS = 5.0


class ServiceError(Exception):
    """The service did not answer, or not with what was asked for."""


@dataclass(frozen=True)
class Answer:
    """An answer, whatever its status; redirects have been followed."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    asked: str

    def json(self) -> Any:
        """The body's JSON; raises `ServiceError` where it is none."""
        try:
            return jsonlib.loads(self.body)
        except ValueError:
            raise ServiceError(f"{self.asked} answered {self.status} without JSON") from None


class Service:
    """Asks the service at `url`. Cookies are kept; `headers` go with every request, e.g. for an authorisation."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/") + "/"
        self.headers: dict[str, str] = {}
        trusting = ssl.create_default_context()  # as Locust's FastHttpUser is: test services sign for themselves
        trusting.check_hostname = False
        trusting.verify_mode = ssl.CERT_NONE
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPCookieProcessor(),
            urllib.request.HTTPSHandler(context=trusting),
        )

    def get(self, path: str) -> Answer:
        """Ask for a path (or a whole URL)."""
        return self.request("GET", path)

    def json(self, path: str) -> Any:
        """What a path answers, which must be 200 and JSON; raises `ServiceError`."""
        answer = self.get(path)
        if answer.status != 200:
            raise ServiceError(f"{answer.asked} answered {answer.status}")
        return answer.json()

    def request(self, method: str, path: str, json: object = None) -> Answer:
        """Send any request, e.g. to log in; raises `ServiceError` where no answer comes within 5 s."""
        asked = f"{method} {path}"
        headers = {STAGE: _STAGE, **self.headers}
        body = None
        if json is not None:
            headers["Content-Type"], body = "application/json", jsonlib.dumps(json).encode()
        url = urljoin(self.url, path.lstrip("/"))
        try:
            request = urllib.request.Request(url, body, headers, method=method)  # noqa: S310 - the test's own host
            with self._open(request) as answer:
                return Answer(answer.status, answer.headers, answer.read(), asked)
        except (OSError, HTTPException, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            raise ServiceError(f"{asked} got no answer: {type(reason).__name__}: {reason}") from None

    def _open(self, request: urllib.request.Request) -> Any:
        """The answer, also where its status is an error's."""
        try:
            return self._opener.open(request, timeout=_SECONDS)
        except urllib.error.HTTPError as error:
            return error
