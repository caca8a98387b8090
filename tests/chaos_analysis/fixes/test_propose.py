"""Proposals for a run of the planner, made from its real source."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from chaos_analysis.fixes import advise, propose
from chaos_analysis.fixes._evidence import wholes
from chaos_analysis.model import Estimate, Pattern, Site, Tables
from chaos_analysis.sources import Sources

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

EXAMPLE = Path(__file__).parents[3] / "examples" / "orbital_travel_planner"
SUPPLIERS = "orbital_travel_planner/suppliers.py"
CALLS = ["file", "line", "function", "faults", "error", "seconds", "timeout"]
RUN: dict[str, Any] = {"app": {"git_prefix": ""}, "load": {}}


@pytest.fixture
def planner(tmp_path: Path) -> Path:
    """A copy of the planner's source in a repository of its own."""
    shutil.copytree(EXAMPLE, tmp_path / "planner", ignore=shutil.ignore_patterns("__pycache__", "instance"))
    subprocess.run(["git", "init", "-q"], cwd=tmp_path / "planner", check=True)
    return tmp_path / "planner"


def _pattern(finder: str, site: Site | None, *, failures: int = 10, **more: Any) -> Pattern:
    return Pattern(
        id=f"{finder}:{site}",
        finder=finder,
        title=finder,
        summary=f"{failures} requests failed.",
        evidence="direct",
        severity="high",
        endpoint=None,
        failures=failures,
        rate=Estimate(None, None, None, 0, "probability"),
        site=site,
        rules=("fares-down",),
        **more,
    )


def _site(planner: Path, text: str) -> Site:
    """The line of the planner's suppliers.py with this text, as a ledger would name it."""
    lines = (planner / SUPPLIERS).read_text().splitlines()
    line = next(number for number, each in enumerate(lines, start=1) if text in each)
    return Site(SUPPLIERS, line, "Suppliers")


def _tables(
    calls: Sequence[tuple[Any, ...]] = (), errors: Mapping[Site, Sequence[str]] | None = None, status: int = 503
) -> Tables:
    """Calls, and for each site the errors that left the app in requests whose call there answered with `status`."""
    nothing = pd.DataFrame()
    met = [(f"1.2.{n}", site, error) for n, (site, all_) in enumerate((errors or {}).items()) for error in all_]
    answers = pd.DataFrame([(key, error) for key, _, error in met], columns=["key", "error"])
    fault = {"rule": "fares-down", "fault": "http_error", "asked": {"type": "http_error", "status": status}}
    faults = [{**fault, "key": key, "file": site.file, "line": site.line} for key, site, _ in met]
    faults += [{**fault, "key": "9.9.9", "file": None, "line": float("nan")}]
    table = pd.DataFrame(list(calls), columns=CALLS)
    requests = pd.DataFrame(columns=["key", "rule", "ok"])
    return Tables(requests, pd.DataFrame(faults), table, answers, nothing, nothing, nothing, nothing, nothing)


def _healthy(site: Site, n: int) -> list[tuple[Any, ...]]:
    return [(site.file, site.line, site.function, (), None, 0.02, None)] * n


def _apply(diff: str, root: Path) -> None:
    subprocess.run(["git", "apply", "-"], input=diff.encode(), cwd=root, check=True)


def test_a_missing_timeout_is_mended_with_the_measured_value(planner: Path) -> None:
    """400 healthy calls of 20 ms give the floor; the proposal names file and line, cites n, and its patch applies."""
    site = _site(planner, "/fares/{slug}")
    pattern = _pattern("missing_timeout", site, target="GET 127.0.0.1/fares/*", faults=("latency",))
    (found,) = propose([pattern], _tables(_healthy(site, 400)), Sources(planner), RUN)
    assert (found.fix, found.file, found.line, found.number) == ("http_timeout", SUPPLIERS, site.line, 1)
    assert found.patch == "fixes/01-http_timeout.patch"
    assert found.automatic
    assert "p99 of 400 fault-free calls" in found.why
    _apply(found.diff, planner)
    assert 'self.session.get(f"{self.url}/fares/{slug}", timeout=(1.05, 0.25))' in (planner / SUPPLIERS).read_text()


def test_without_enough_calls_the_timeout_is_proposed_in_words(planner: Path) -> None:
    """71 healthy calls, and any number of faulted ones, support no figure: the proposal says how many it takes."""
    site = _site(planner, "/fares/{slug}")
    faulted = [(site.file, site.line, site.function, ("id",), None, 1.0, None)] * 500
    pattern = _pattern("missing_timeout", site, target="GET 127.0.0.1/fares/*")
    (found,) = propose([pattern], _tables(_healthy(site, 71) + faulted), Sources(planner), RUN)
    assert (found.diff, found.patch, found.automatic) == ("", None, False)
    assert "need 72 fault-free calls at this site for a timeout, have 71" in str(found.why_no_diff)


def test_no_timeout_is_proposed_that_the_client_would_not_wait_for(planner: Path) -> None:
    """Healthy calls that need longer than the client's deadline leave no room for a timeout."""
    site = _site(planner, "/fares/{slug}")
    pattern = _pattern("missing_timeout", site, target="GET 127.0.0.1/fares/*")
    run = RUN | {"load": {"deadline": 0.2}}
    (found,) = propose([pattern], _tables(_healthy(site, 400)), Sources(planner), run)
    assert not found.diff
    assert "no timeout serves both" in str(found.why_no_diff)


def test_calls_of_one_session_share_a_retry(planner: Path) -> None:
    """Two sites on the planner's session are mended by one patch, once, with both patterns and all failures."""
    sites = _site(planner, "/fares/{slug}"), _site(planner, 'params={"destinations"')
    patterns = [
        _pattern("dependency_error", site, target="GET 127.0.0.1/fares", faults=("connection_reset",), failures=7)
        for site in sites
    ]
    found, *others = propose(patterns, _tables(), Sources(planner), RUN)
    assert (found.fix, found.failures, len(found.patterns)) == ("retry", 14, 2)
    assert [other.fix for other in others] == ["unavailable"]
    _apply(found.diff, planner)
    assert (planner / SUPPLIERS).read_text().count("self.session.mount(") == 2


@pytest.mark.parametrize(
    ("target", "fault", "status"),
    [
        ("POST 127.0.0.1/authorisations", "connection_reset", 503),
        ("GET 127.0.0.1/fares", "truncated_body", 503),
        ("GET 127.0.0.1/fares", "http_error", 500),
    ],
)
def test_what_a_retry_cannot_mend_gets_none(planner: Path, target: str, fault: str, status: int) -> None:
    """No retry for a POST, for a status that is not repeated, or for cut bodies that failed nothing by themselves."""
    pattern = _pattern("dependency_error", _site(planner, "/fares/{slug}"), target=target, faults=(fault,))
    fixes = {found.fix for found in propose([pattern], _tables(status=status), Sources(planner), RUN)}
    assert not fixes & {"retry", "retry_with_stamina"}


def test_a_fault_that_a_repetition_meets_again_gets_no_retry(planner: Path) -> None:
    """What fails for a whole request fails each attempt: the same faults again would show no effect."""
    pattern = _pattern(
        "dependency_error", _site(planner, "/fares/{slug}"), target="GET x/y", faults=("connection_reset",)
    )
    fixes = [each.fix for each in propose([pattern], _tables(), Sources(planner), RUN, lasting=["fares-down"])]
    assert fixes == ["unavailable"]


def test_an_error_that_the_app_hides_is_retried_too(planner: Path) -> None:
    """A reset that became a 200 without its content gets the retry, and advice on hiding errors besides."""
    site = _site(planner, "/advisories/")
    pattern = _pattern("wrong_content", site, target="GET 127.0.0.1/advisories/*", faults=("connection_reset",))
    assert [each.fix for each in propose([pattern], _tables(), Sources(planner), RUN)] == ["retry", "wrong_content"]


def test_patterns_of_other_seams_get_no_patch_for_http(planner: Path) -> None:
    """A database call's trouble is none of the HTTP fixes' business, whatever stands on its line."""
    site = _site(planner, "/fares/{slug}")
    patterns = [
        _pattern("missing_timeout", site, seam="database"),
        _pattern("dependency_error", site, seam="database", target="GET x/y", faults=("connection_reset",)),
    ]
    assert propose(patterns, _tables(), Sources(planner), RUN) == ()


def test_errors_of_requests_are_mapped_where_the_planner_registers_its_handlers(planner: Path) -> None:
    """The 503 handler goes beside the others, in their shape; it ranks below what rescues, though it addresses more."""
    sites = _site(planner, "/fares/{slug}"), _site(planner, "/authorisations")
    patterns = [
        _pattern("dependency_error", sites[0], target="GET 127.0.0.1/fares/*", faults=("connection_reset",)),
        _pattern("dependency_error", sites[1], target="POST 127.0.0.1/authorisations", faults=("read_timeout",)),
    ]
    tables = _tables(errors={sites[0]: ["ConnectionError"], sites[1]: ["ReadTimeout"]})
    *rescuing, second = propose(patterns, tables, Sources(planner), RUN)
    assert ({each.fix for each in rescuing}, second.fix) == ({"retry", "idempotency_key"}, "unavailable")
    assert second.file == "orbital_travel_planner/errors.py"
    assert second.failures == 20
    _apply(second.diff, planner)
    after = (planner / "orbital_travel_planner" / "errors.py").read_text()
    assert "app.register_error_handler(requests.RequestException, _dependency_unavailable)" in after
    assert 'answer = {"error": "Service Unavailable", "message": "Unavailable for the moment."}' in after


def test_an_error_that_is_not_of_requests_is_not_mapped(planner: Path) -> None:
    """A KeyError from an unchecked error body is no case for the 503 handler, but for a check of the status."""
    site = _site(planner, "/advisories/")
    pattern = _pattern("dependency_error", site, target="GET 127.0.0.1/advisories/*", faults=("http_error",))
    found = propose([pattern], _tables(errors={site: ["KeyError"]}), Sources(planner), RUN)
    assert [each.fix for each in found] == ["retry", "raise_for_status"]
    assert "KeyError" in found[1].why


def test_a_site_answers_for_its_own_errors_alone(planner: Path) -> None:
    """A rule fired at two sites: what left the app at one is no reason to propose anything for the other."""
    sites = _site(planner, "/fares/{slug}"), _site(planner, "/advisories/")
    patterns = [_pattern("dependency_error", site, target="POST 127.0.0.1/x", faults=("http_error",)) for site in sites]
    tables = _tables(errors={sites[0]: ["URLError"], sites[1]: ["ConnectionError"]})
    found = {each.fix: each.patterns for each in propose(patterns, tables, Sources(planner), RUN)}
    assert found == {"unavailable": (patterns[1].id,), "raise_for_status": (patterns[0].id,)}


def test_an_error_of_urllib_is_not_mapped_as_one_of_requests(tmp_path: Path) -> None:
    """Both libraries have an HTTPError: the call in the source tells them apart."""
    (tmp_path / "shop.py").write_text(
        "import requests\nfrom flask import Flask\nfrom urllib.request import urlopen\n\n"
        "app = Flask(__name__)\nurlopen(URL)\nrequests.post(URL)\n"
    )
    sites = Site("shop.py", 6, "f"), Site("shop.py", 7, "f")
    patterns = [_pattern("dependency_error", site, target="POST x/y", faults=("http_error",)) for site in sites]
    tables = _tables(errors={site: ["HTTPError"] for site in sites})
    found = {each.fix: each.patterns for each in propose(patterns, tables, Sources(tmp_path), RUN)}
    assert found["unavailable"] == (patterns[1].id,)


def test_an_error_without_a_call_site_is_not_mapped(planner: Path) -> None:
    """A cache's client has a ConnectionError too, and only the call in the source tells whose it was."""
    pattern = _pattern("dependency_error", None, target="GET x/y", faults=("connection_reset",))
    assert propose([pattern], _tables(), Sources(planner), RUN) == ()
    here = replace(pattern, site=_site(planner, "/fares/{slug}"))
    assert "unavailable" in [each.fix for each in propose([here], _tables(), Sources(planner), RUN)]


def test_of_two_apps_that_one_gets_the_handler_whose_calls_fail(tmp_path: Path) -> None:
    """The other may stand beside it, as what it calls, even with handlers of its own."""
    for name, handler in (
        ("partners", "\n\n@app.errorhandler(404)\ndef missing(error):\n    return '', 404\n"),
        ("shop", ""),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"from flask import Flask\n\napp = Flask(__name__)\n{handler}")
    (tmp_path / "shop" / "clients.py").write_text("import requests\n\n\ndef f():\n    return requests.post(URL)\n")
    site = Site("shop/clients.py", 5, "f")
    pattern = _pattern("dependency_error", site, target="POST x/y", faults=("connection_reset",))
    found = {each.fix: each.file for each in propose([pattern], _tables(), Sources(tmp_path), RUN)}
    assert found["unavailable"] == "shop/__init__.py"


@pytest.mark.parametrize(
    ("call", "proposed"),
    [
        ("answer = requests.post(URL)", True),
        ("answer = requests.post(URL)\n    answer.raise_for_status()", False),
        ("try:\n        answer = requests.post(URL)\n    except Exception:\n        return ''", False),
    ],
)
def test_an_error_body_that_is_passed_on_as_200_asks_for_a_check(call: str, proposed: bool, tmp_path: Path) -> None:
    """The status is checked where nothing does it yet, and nothing would swallow the error."""
    source = f"import requests\n\n\ndef f():\n    {call}\n    return answer.text\n"
    (tmp_path / "shop.py").write_text(source)
    line = next(number for number, text in enumerate(source.splitlines(), start=1) if "post" in text)
    pattern = _pattern("wrong_content", Site("shop.py", line, "f"), target="POST x/y", faults=("http_error",))
    found = [each.fix for each in propose([pattern], _tables(), Sources(tmp_path), RUN)]
    assert ("raise_for_status" in found) == proposed


@pytest.mark.parametrize(
    ("check", "errors", "proposed"),
    [
        ("", ["KeyError"], True),
        ("", ["HTTPStatusError"], False),  # raised by the client's hook
        ("answer.raise_for_status()", ["HTTPStatusError"], False),
        ("answer.raise_for_status()", ["KeyError"], False),  # by another fault that the request met
    ],
)
def test_a_status_that_httpx_checks_already_is_not_to_be_checked(
    check: str, errors: Sequence[str], proposed: bool, tmp_path: Path
) -> None:
    """Where the check stands, or its error is what leaves the app, neither a patch nor words ask for it."""
    (tmp_path / "shop.py").write_text(
        f"import httpx\n\n\ndef f():\n    answer = httpx.get(URL)\n    {check}\n    return answer.json()['n']\n"
    )
    site = Site("shop.py", 5, "f")
    pattern = _pattern("dependency_error", site, target="GET x/y", faults=("http_error",))
    found = propose([pattern], _tables(errors={site: errors}), Sources(tmp_path), RUN)
    assert [each.fix for each in found if each.diff] == (["raise_for_status"] if proposed else [])
    assert ("raise_for_status" in [each.fix for each in found]) == proposed


def test_every_patch_of_the_planner_applies_alone_and_pleases_its_linter(planner: Path) -> None:
    """Every kind of patch for these calls, each on the recorded source: it applies, and ruff finds nothing in it."""
    site, other = _site(planner, "/advisories/"), _site(planner, "/authorisations")
    patterns = [
        _pattern("missing_timeout", site, target="GET 127.0.0.1/advisories/*"),
        _pattern("dependency_error", site, target="GET 127.0.0.1/advisories/*", faults=("http_error",)),
        _pattern("dependency_error", other, target="POST x/y", faults=("read_timeout",)),
    ]
    tables = _tables(_healthy(site, 100), errors={site: ["KeyError"], other: ["ReadTimeout"]})
    found = propose(patterns, tables, Sources(planner), RUN)
    assert {each.fix for each in found} == {
        "http_timeout",
        "retry",
        "idempotency_key",
        "raise_for_status",
        "unavailable",
    }
    lint = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "E,F,W,I", "--line-length", "120", "."]
    for proposal in found:
        _apply(proposal.diff, planner)
        subprocess.run(lint, cwd=planner, check=True)
        subprocess.run(["git", "apply", "-R", "-"], input=proposal.diff.encode(), cwd=planner, check=True)


def test_the_patched_planner_answers_an_outage_with_503(planner: Path) -> None:
    """With no suppliers listening, the planner with the handler answers 503 in its own JSON, with Retry-After."""
    pattern = _pattern(
        "dependency_error", _site(planner, "/authorisations"), target="POST x/y", faults=("read_timeout",)
    )
    (found,) = [each for each in propose([pattern], _tables(), Sources(planner), RUN) if each.fix == "unavailable"]
    _apply(found.diff, planner)
    ask = (
        "from orbital_travel_planner import create_app\n"
        "app = create_app({'SUPPLIERS_URL': 'http://127.0.0.1:1', 'DATABASE_URL': 'sqlite:///planner.db'})\n"
        "answer = app.test_client().get('/api/destinations')\n"
        "print(answer.status_code, answer.json['error'], answer.headers['Retry-After'])\n"
    )
    told = subprocess.run([sys.executable, "-c", ask], cwd=planner, capture_output=True, text=True, check=True)
    assert told.stdout == "503 Service Unavailable 1\n"


def test_what_is_lacking_belongs_to_the_change_that_brings_it(planner: Path) -> None:
    """An unmapped error is named by the 503 handler, a storm and a loop without pauses are not by a retry."""
    site = _site(planner, "/authorisations")
    whole = _pattern("dependency_error", site, target="POST x/y", faults=("http_error",))
    part = _pattern("unmapped_error", site, target="POST x/y", part_of=whole.id)
    tables = _tables(errors={site: ["ConnectionError"]})
    (found,) = propose([whole, part], tables, Sources(planner), RUN)
    assert (found.fix, found.patterns, found.failures) == ("unavailable", (whole.id, part.id), 10)
    storm = _pattern("retry_storm", site, target="POST x/y")
    told = {each.fix: each.patterns for each in propose([whole, storm], tables, Sources(planner), RUN)}
    assert told == {"unavailable": (whole.id,), "retry_storm": (storm.id,)}


def test_failures_that_two_findings_of_a_site_explain_count_once(planner: Path) -> None:
    """A lack that is no part, as it is graver than what goes wrong there; at another site it counts."""
    here, there = _site(planner, "/authorisations"), _site(planner, "/fares/{slug}")
    told = replace(_pattern("dependency_error", here), severity="low")
    storm = _pattern("retry_storm", here)
    assert wholes([told, storm]) == [told]
    assert wholes([told, elsewhere := _pattern("retry_storm", there)]) == [told, elsewhere]
    assert wholes([storm]) == [storm]


def test_a_diff_names_the_file_from_the_top_of_the_repository(planner: Path) -> None:
    """For an app in a subfolder the paths begin with that folder."""
    site = _site(planner, "/fares/{slug}")
    pattern = _pattern("missing_timeout", site, target="GET 127.0.0.1/fares/*")
    run = RUN | {"app": {"git_prefix": "services/planner"}}
    (found,) = propose([pattern], _tables(_healthy(site, 100)), Sources(planner), run)
    assert found.diff.startswith(f"--- a/services/planner/{SUPPLIERS}\n+++ b/services/planner/{SUPPLIERS}\n")


def test_without_sources_every_proposal_is_in_words(tmp_path: Path) -> None:
    """Nothing was kept of the source: proposals still name the line, and say why they have no diff."""
    site = Site(SUPPLIERS, 50, "Suppliers.fare")
    patterns = [
        _pattern("missing_timeout", site, target="GET 127.0.0.1/fares/*"),
        _pattern("dependency_error", site, target="GET 127.0.0.1/fares/*", faults=("connection_reset",)),
    ]
    found = propose(patterns, _tables(_healthy(site, 100)), Sources(tmp_path), RUN)
    assert [each.fix for each in found] == ["http_timeout", "retry", "unavailable"]
    assert all(each.why_no_diff and not each.diff and not each.automatic for each in found)
    assert [(each.file, each.line) for each in found] == [(SUPPLIERS, 50), (SUPPLIERS, 50), (None, None)]


def test_findings_without_a_codemod_are_answered_in_words(tmp_path: Path) -> None:
    """Collateral failures and hidden errors get advice, one proposal a kind, with the patterns it is for."""
    pattern = _pattern("collateral", None)
    patterns = [pattern, replace(pattern, id="collateral:2", failures=5), _pattern("wrong_content", None, failures=30)]
    found = propose(patterns, _tables(), Sources(tmp_path), RUN)
    assert [(each.fix, each.failures, each.number) for each in found] == [
        ("wrong_content", 30, 1),
        ("collateral", 15, 2),
    ]
    assert found[1].patterns == (pattern.id, "collateral:2")


def test_a_bug_of_the_apps_own_is_not_answered_with_resilience(tmp_path: Path) -> None:
    """What fails without any fault is to be mended; bulkheads are for what requests do to one another."""
    own, beside = (replace(_pattern("collateral", None), id=f"collateral:{kind}:GET /x") for kind in ("own", "beside"))
    found = {each.fix: each.patterns for each in propose([own, beside], _tables(), Sources(tmp_path), RUN)}
    assert found == {"own_bug": (own.id,), "collateral": (beside.id,)}


def test_statements_in_a_row_are_answered_by_what_an_orm_and_sql_have_for_it(tmp_path: Path) -> None:
    """One statement for all is no bulk call of HTTP, whose advice speaks of pools and deadlines."""
    site = Site("shop.py", 9, "orders")
    http, sql = (
        replace(_pattern("n_plus_one", site, seam=seam), id=f"n_plus_one:{seam}")
        for seam in ("http_client", "database")
    )
    found = {each.fix: each for each in propose([http, sql], _tables(), Sources(tmp_path), RUN)}
    assert found["n_plus_one_sql"].patterns == (sql.id,)
    assert all(word in found["n_plus_one_sql"].what for word in ("selectinload", "joinedload", "IN (…)"))
    assert "selectinload" not in "".join(each.what for each in found.values() if sql.id not in each.patterns)


def test_plain_locust_statistics_get_advice() -> None:
    """Error rates, slow tails and exceptions of a CSV are answered in words, most failures first; the rest is left."""
    patterns = [
        _pattern("tail_latency", None, failures=0),
        _pattern("error_rate", None, failures=9),
        _pattern("exceptions", None, failures=4),
        _pattern("something_else", None),
    ]
    found = advise(patterns)
    assert [(each.number, each.fix) for each in found] == [(1, "error_rate"), (2, "exceptions"), (3, "tail_latency")]
    assert all(each.why_no_diff and "https://" in each.reference for each in found)
