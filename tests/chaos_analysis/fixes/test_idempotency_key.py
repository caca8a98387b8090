"""A key for what is repeated, and a retry with a key for answers that are lost: proposed, and at work."""

from __future__ import annotations

import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from chaos_analysis.fixes._fix import Spot
from chaos_analysis.fixes.idempotency_key import DECIDE, IdempotencyKey
from chaos_analysis.model import Site
from tests.chaos_analysis.fixes.http_run import Noted, pattern, proposals

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from chaos_analysis.model import Pattern

SHOP = "import requests\n\n\ndef order(url):\n    return requests.post(url)\n"
LOOP = """\
import requests


def order(url):
    for pause in (0.1, 0.2):
        try:
            return requests.post(url)
        except requests.RequestException:
            pass
"""
ORDER, LOOPED = Site("shop.py", 5, "order"), Site("shop.py", 7, "order")
POST = "POST 127.0.0.1/orders"


def _lost(**more: Any) -> Pattern:
    return pattern("dependency_error", ORDER, target=POST, **more)


def test_a_lost_answer_gets_a_key_and_a_retry_and_asks_people_one_thing(tmp_path: Path) -> None:
    """The patch sets the timeout too, marks one place, and is not automatic: nobody saw that the key is kept."""
    (tmp_path / "shop.py").write_text(SHOP)
    (found,) = proposals(tmp_path, [_lost()], noted=[Noted(ORDER, target=POST)], deadline=10.0)["idempotency_key"]
    added = [line[1:].strip() for line in found.diff.splitlines() if line.startswith("+")]
    assert added.count(DECIDE) == 1
    assert 'headers={"Idempotency-Key": uuid4().hex},' in added
    assert "timeout=(1.05, 0.25)," in added
    assert "attempts=3, timeout=4.4, wait_initial=0.1, wait_jitter=0.1" in added
    assert not found.automatic
    assert found.diff


@pytest.mark.parametrize(
    ("rules", "site", "named"),
    [
        (("down",), ORDER, True),
        (("other",), ORDER, False),
        (("down", "other"), ORDER, False),
        (("down",), LOOPED, False),
    ],
)
def test_what_was_done_twice_by_the_lost_answer_is_its_matter_too(
    rules: tuple[str, ...], site: Site, named: bool, tmp_path: Path
) -> None:
    """A violation by this call's rule alone; what is said of it in words holds as well."""
    (tmp_path / "shop.py").write_text(SHOP)
    violated = pattern("invariant_violated", site, target=POST, rules=rules)
    made = proposals(tmp_path, [_lost(rules=("down",)), violated], noted=[Noted(ORDER, target=POST)])
    (found,) = made["idempotency_key"]
    assert (violated.id in found.patterns) is named
    words = [each.patterns for same in made.values() for each in same if not each.diff]
    assert (violated.id,) in words


def test_a_key_that_is_sent_already_leaves_nothing_to_decide(tmp_path: Path) -> None:
    """Calls to this very address carried keys in the run: the patch has no mark and is automatic."""
    (tmp_path / "shop.py").write_text(SHOP)
    noted = [Noted(ORDER, target=f"{POST}?a=1", more={"idempotency_key": "0a0b0c0d"})]
    (found,) = proposals(tmp_path, [_lost()], noted=noted)["idempotency_key"]
    assert found.automatic
    assert DECIDE not in found.diff


@pytest.mark.parametrize(
    ("lost", "lasting"), [({"faults": ("http_error",)}, ()), ({"faults": ("truncated_body",)}, ()), ({}, ("down",))]
)
def test_what_the_same_request_would_meet_again_gets_none(
    tmp_path: Path, lost: dict[str, Any], lasting: tuple[str, ...]
) -> None:
    """An error status is an answer, a cut body comes after one, and an outage outlasts the attempts."""
    (tmp_path / "shop.py").write_text(SHOP)
    asked = [{"type": "http_error", "status": 503}]
    assert "idempotency_key" not in proposals(tmp_path, [_lost(**lost)], asked=asked, lasting=lasting)


def test_a_loop_without_a_key_gets_one_before_it_and_no_advice_in_words(tmp_path: Path) -> None:
    """The finding is answered by the diff alone."""
    (tmp_path / "shop.py").write_text(LOOP)
    found = proposals(tmp_path, [pattern("non_idempotent_retry", LOOPED, target=POST)])
    assert set(found) == {"idempotency_key"}
    assert f"+    {DECIDE}\n+    idempotency_key = uuid4().hex\n     for pause" in found["idempotency_key"][0].diff


def test_advice_in_words_stays_where_there_is_no_diff(tmp_path: Path) -> None:
    """The repetition is in another function: the patch is declined, and the words say what to do."""
    (tmp_path / "shop.py").write_text(SHOP)
    found = proposals(tmp_path, [pattern("non_idempotent_retry", ORDER, target=POST)])
    assert set(found) == {"idempotency_key", "non_idempotent_retry"}
    assert "where the operation begins" in str(found["idempotency_key"][0].why_no_diff)


class _Forgetful(BaseHTTPRequestHandler):
    """Notes the key of each order, and loses the first answer to each key."""

    keys: ClassVar[list[str | None]] = []

    def do_POST(self) -> None:
        key = self.headers.get("Idempotency-Key")
        self.keys.append(key)
        if self.keys.count(key) > 1:
            self.send_response(201)
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self.close_connection = True

    def log_message(self, *words: object) -> None:
        """Say nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    """A server that forgets what it noted before."""
    _Forgetful.keys.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), _Forgetful) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(("source", "line", "repeats"), [(SHOP, 5, 2), (LOOP, 7, 0)])
def test_each_operation_has_one_key_however_often_it_is_sent(source: str, line: int, repeats: int, url: str) -> None:
    """Two orders whose first answers are lost are sent twice each, under two keys."""
    names: dict[str, Any] = {}
    after = IdempotencyKey().edit(source, Spot(line=line, method="POST", repeats=repeats))
    exec(compile(after, "patched.py", "exec"), names)
    assert [names["order"](url).status_code for _ in range(2)] == [201, 201]
    assert sorted(Counter(_Forgetful.keys).values()) == [2, 2]
    assert None not in _Forgetful.keys
