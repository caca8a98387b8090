"""The last good answer: when it is proposed, and what the patched code does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from flask import Flask

from chaos_analysis.fixes._fix import Declined, Spot
from chaos_analysis.fixes.fallback import Fallback
from chaos_analysis.model import Proposal, Site
from tests.chaos_analysis.fixes.flaky import Dependency, running
from tests.chaos_analysis.fixes.seen import evidence, pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chaos_analysis.fixes._evidence import Evidence

EXAMPLE = Path(__file__).parents[3] / "examples" / "orbital_travel_planner"
SUPPLIERS = "orbital_travel_planner/suppliers.py"
SOURCE = """\
import requests
from flask import Flask

app = Flask(__name__)


@app.get("/notes/<slug>")
def notes(slug):
    answer = requests.get(f"{URL}/{slug}")
    return {"note": answer.json().get("note")}
"""


@pytest.fixture
def names() -> Iterator[dict[str, Any]]:
    """The names of the patched module, whose dependency has answered `/notes/moon` once."""
    with running(Fallback().edit(SOURCE, Spot(line=9, method="GET", flask=True))) as names:
        Dependency.now = 200, b'{"note": "dusty"}'
        assert _ask(names) == (200, "dusty", None)
        yield names


def _ask(names: dict[str, Any], slug: str = "moon") -> tuple[int, Any, str | None]:
    app: Flask = names["app"]
    answer = app.test_client().get(f"/notes/{slug}")
    return answer.status_code, (answer.json or {}).get("note"), answer.headers.get("X-Degraded")


@pytest.mark.parametrize("bad", [(503, b"{}"), (500, b"<h1>"), (200, b"<h1>")])
def test_the_last_good_answer_stands_in_for_a_bad_one_and_says_so(
    names: dict[str, Any], bad: tuple[int, bytes]
) -> None:
    """A server error, and a body that is no JSON, give the note of before, in an answer that is marked."""
    Dependency.now = bad
    assert _ask(names) == (200, "dusty", "stale")


def test_a_good_answer_is_newer_than_the_one_kept(names: dict[str, Any]) -> None:
    """What stands in is the last good answer, and an answer that is good is not marked."""
    Dependency.now = 200, b'{"note": "wet"}'
    assert _ask(names) == (200, "wet", None)
    Dependency.now = 503, b"{}"
    assert _ask(names) == (200, "wet", "stale")


def test_nothing_is_invented_for_another_question(names: dict[str, Any]) -> None:
    """What was never answered fails as it did before: with the client's own error."""
    Dependency.now = 503, b"{}"
    assert _ask(names, "mars")[0] == 500
    with pytest.raises(requests.HTTPError, match="503"), names["app"].test_request_context():
        names["notes"]("mars")


def test_a_refusal_is_an_answer(names: dict[str, Any]) -> None:
    """A 404 is not a failure of the other side: it is used as before, not hidden, and not kept."""
    Dependency.now = 404, b'{"note": null}'
    assert _ask(names) == (200, None, None)
    Dependency.now = 503, b"{}"
    assert _ask(names) == (200, "dusty", "stale")


def test_no_answer_stands_in_for_long(names: dict[str, Any]) -> None:
    """One that is older than the bound is as good as none."""
    Dependency.now = 503, b"{}"
    names["monotonic"] = lambda: float("inf")
    assert _ask(names)[0] == 500


def test_few_answers_are_kept(names: dict[str, Any]) -> None:
    """Beyond the bound the oldest goes."""
    for number in range(256):
        assert _ask(names, str(number))[0] == 200
    assert len(names["LAST_GOOD"]._answers) == 256
    Dependency.now = 503, b"{}"
    assert [_ask(names, slug)[0] for slug in ("moon", "0")] == [500, 200]


def _site(text: str) -> Site:
    lines = (EXAMPLE / SUPPLIERS).read_text().splitlines()
    return Site(SUPPLIERS, next(n for n, each in enumerate(lines, start=1) if text in each), "Suppliers")


def _planner(finder: str, text: str, *endpoints: str, alone: bool = False) -> list[Proposal]:
    site = _site(text)
    return list(
        Fallback().propose(_run(finder, site, {each: [site] if alone else [site, OTHER] for each in endpoints}))
    )


def _run(finder: str, site: Site, made: dict[str, list[Site]]) -> Evidence:
    return evidence(EXAMPLE, [pattern(finder, site)], made=made)


OTHER = Site("orbital_travel_planner/database.py", 1, "session")


@pytest.mark.parametrize("text", ["/advisories/", 'params={"destinations"'])
def test_a_part_of_a_page_that_only_reads_is_kept(text: str) -> None:
    """The planner's advisories and lists of fares get a patch that needs nobody's decision."""
    (found,) = _planner("dependency_error", text, "GET /api/destinations")
    assert found.automatic
    assert "LAST_GOOD.keep(question, response, as_json=True)" in found.diff
    assert "-> requests.Response:" in found.diff
    assert "GET /api/destinations" in found.caution


def test_a_value_that_a_booking_is_made_with_is_not_kept() -> None:
    """Where a POST makes the call, too, a price of before would be booked: there is no patch, and it says why."""
    (found,) = _planner("dependency_error", "/fares/{slug}", "GET /api/destinations/<slug>", "POST /api/bookings")
    assert not found.diff
    assert "POST /api/bookings" in str(found.why_no_diff)


def test_an_answer_that_is_all_there_is_to_the_page_is_not_kept() -> None:
    """Nothing is proposed for a page that has no other source, nor where the run noted nobody's calls."""
    assert _planner("dependency_error", "/advisories/", "GET /api/advisories", alone=True) == []
    assert _planner("dependency_error", "/advisories/") == []


def test_a_part_that_is_done_without_elsewhere_is_kept_in_any_case() -> None:
    """The finder of missing fallbacks has looked at what else the page has."""
    (found,) = _planner("no_fallback", "/advisories/", "GET /api/advisories", alone=True)
    assert found.diff


@pytest.mark.parametrize(
    ("made", "gone", "kept"),
    [("{}", "", False), ("{}", "known.clear()", True), ("TTLCache(9, 60)", "", True)],
)
def test_a_store_that_forgets_leaves_room_for_the_last_good_answer(made: str, gone: str, *, kept: bool) -> None:
    """A dictionary that keeps every answer for good has none for a question that is asked."""
    source = (
        f"import requests\n\nknown = {made}\n{gone}\n\n"
        "def profile(number):\n    if number not in known:\n"
        "        answer = requests.get(f'http://x/{number}')\n        known[number] = answer.json()\n"
        "    return known[number]\n"
    )
    spot = Spot(line=source[: source.index("requests.get")].count("\n") + 1, method="GET")
    if kept:
        assert "LAST_GOOD.keep(" in Fallback().edit(source, spot)
    else:
        with pytest.raises(Declined, match="keeps every answer itself"):
            Fallback().edit(source, spot)
