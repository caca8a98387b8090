"""The class that keeps a dependency's good answers, as a patch puts it into a module."""

from __future__ import annotations

NAME, STORE = "LAST_GOOD", "_LastGood"
_CLASS = """
class _LastGood:
    \"\"\"Good answers of a dependency, to stand in while it fails.\"\"\"

    ANSWERS = 256
    SECONDS = 300

    def __init__(self) -> None:
        self._answers: dict[str, tuple[float, requests.Response]] = {}
        self._lock = Lock()

    def keep(
        self, question: object, answer: requests.Response, *, as_json: bool = False
    ) -> None:
        \"\"\"Keep a good answer; raises where the call failed on the other side.\"\"\"
        if answer.status_code >= 500:
            answer.raise_for_status()
        if not answer.ok:
            return  # an answer, but none to give instead of another
        if as_json:
            answer.json()
        with self._lock:
            self._answers.pop(repr(question), None)
            self._answers[repr(question)] = monotonic(), answer
            if len(self._answers) > self.ANSWERS:
                del self._answers[next(iter(self._answers))]

    def instead_of(
        self, error: requests.RequestException, question: object
    ) -> requests.Response:
        \"\"\"The last good answer to the question; raises `error` if there is none.\"\"\"
        with self._lock:
            kept, answer = self._answers.get(repr(question), (0.0, None))
        if answer is None or monotonic() - kept > self.SECONDS:
            raise error
        LOGGER.warning("%s: the last good answer stands in: %s", question, error)
        if has_request_context():
            after_this_request(self._marked)
        return answer

    @staticmethod
    def _marked(response: Response) -> Response:
        response.headers["X-Degraded"] = "stale"
        return response


LAST_GOOD = _LastGood()
"""
_FLASK = (
    "        if has_request_context():\n            after_this_request(self._marked)\n",
    """
    @staticmethod
    def _marked(response: Response) -> Response:
        response.headers["X-Degraded"] = "stale"
        return response
""",
)


def last_good(requests: str, logger: str, *, flask: bool) -> str:
    """The class, annotated, with the module's names for `requests` and its logger; it marks answers of `flask`."""
    text = _CLASS.replace("requests.", f"{requests}.").replace("LOGGER", logger)
    for part in () if flask else _FLASK:
        text = text.replace(part, "")
    return text
