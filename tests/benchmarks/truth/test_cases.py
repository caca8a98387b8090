"""The cases: each says all it must, can be run as an experiment, and leaves little to chance."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.truth import chance, collect
from benchmarks.truth.__main__ import SEEDS
from benchmarks.truth.case import Case, experiment, http_rule
from benchmarks.truth.collect import CaseError, Service, marks, mended_by, services
from chaos_analysis.fixes import FIXES
from chaos_analysis.patterns import FINDERS, LACKS
from chaos_middleware.experiment import parse

PARTS = ("finder", "first", "mark", "second")
CASE = """
from benchmarks.truth.case import Case, experiment, http_rule
CASE = Case(finder={finder!r}, endpoints=["GET /"], rules=[])
def {first}():
    return 1  {mark}
def {second}():
    return 2
"""


@pytest.fixture(scope="module")
def all_services() -> list[Service]:
    """Those of every case."""
    return services()


def test_every_case_is_an_experiment_of_a_finder_that_there_is(all_services: list[Service]) -> None:
    """Its rules are accepted, and its finder, its marks and its reasons name files in patterns/."""
    finders = {module.__name__.rpartition(".")[2] for module in (*FINDERS, *LACKS)}
    for service in all_services:
        about = service.about
        parse(experiment(about, 1))
        named = {about.finder, *about.also, *about.allowed, *(mark.finder for mark in service.marks)} - {""}
        assert named <= finders, service.title


def test_every_fix_has_a_case_that_it_mends(all_services: list[Service]) -> None:
    """And no mark names one that is not there."""
    assert {name for service in all_services for name in service.mended_by} == {fix.name for fix in FIXES}


def test_marks_are_lines_of_the_case_as_it_stands(all_services: list[Service]) -> None:
    """The number of a mark is that of the line that has it."""
    for service in all_services:
        lines = (collect.CASES / f"{service.case}.py").read_text().splitlines()
        assert all("# <- " in lines[mark.line - 1] for mark in service.marks)


def test_a_line_may_have_several_marks() -> None:
    """The defect of the case's finder, and what two others may name there."""

    def defect() -> None:
        call()  # <- defect; also: no_retry, unmapped_error

    def call() -> None: ...

    found = list(marks(defect, "dependency_error"))
    assert [(mark.finder, mark.required) for mark in found] == [
        ("dependency_error", True),
        ("no_retry", False),
        ("unmapped_error", False),
    ]
    assert len({mark.line for mark in found}) == 1


def test_a_mark_may_name_what_mends_it() -> None:
    """Several fixes, beside the defect; they are no marks of findings."""

    def defect() -> None:
        call()  # <- defect; mended by: retry, fallback

    def call() -> None: ...

    assert mended_by(defect) == ("retry", "fallback")
    assert [mark.finder for mark in marks(defect, "no_retry")] == ["no_retry"]


def test_a_correct_tool_meets_its_faults(all_services: list[Service]) -> None:
    """All runs of `make truth` together have the events that they need with a probability of 99 % at least."""
    assert chance.of_all(service.about for service in all_services for _ in SEEDS) >= 0.99


def test_the_chance_is_that_of_the_draws() -> None:
    """10 requests, of which 7 are faulted, one rule at 50 %, at least one event: 1 - 1/128."""
    about = Case("x", [], [http_rule("reset", {"type": "connection_reset"}, rate=0.5)], requests=10, least=1)
    assert chance.enough(about) == pytest.approx(1 - 1 / 128)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (("missing_timeout", "defect", "", "twin"), "mark a line"),
        (("missing_timeout", "defect", "# <- defect", "other"), "a defect needs its twin"),
        (("missing_timeout", "defect", "# <- defect; mended by", "twin"), "line 5: write # <- defect"),
        (("", "decoy", "# <- mended by: retry", "decoy_two"), "only a defect has marked lines"),
        (("missing_timeout", "twin", "", "twin_two"), "a finder goes with a function defect"),
        (("", "decoy", "# <- defect: x", "decoy_two"), "only a defect has marked lines"),
        (("missing_timeout", "defect", "# <- also", "twin"), "line 5: write # <- defect"),
    ],
)
def test_a_case_that_says_too_little_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: tuple[str, str, str, str], said: str
) -> None:
    """In one sentence that names the file."""
    (tmp_path / "shop.py").write_text(CASE.format(**dict(zip(PARTS, written, strict=True))))
    monkeypatch.setattr(collect, "CASES", tmp_path)
    monkeypatch.delitem(sys.modules, "benchmarks.truth.cases.shop", raising=False)
    monkeypatch.setattr("benchmarks.truth.cases.__path__", [str(tmp_path)])
    with pytest.raises(CaseError, match=rf"shop\b.*{said}"):
        services(["shop"])
