"""`chaos-test compare` as people call it: what it prints, writes and returns, and what it refuses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from chaos_test.__main__ import main
from tests.chaos_analysis.run_folder import write_run
from tests.chaos_analysis.world import World

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with runs: `good` and `bad` of one seed, `small` of another size."""
    monkeypatch.chdir(tmp_path)
    for name, world in {
        "good": World(requests=800),
        "bad": World(requests=800, own_bug=0.4),
        "small": World(requests=400),
    }.items():
        write_run(tmp_path / name, world)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("good", "bad"), 1, "worse: "),
        (("bad", "good"), 0, "improved: "),
        (("--base", "bad", "--other", "good"), 0, "improved: "),
        (("good", "small"), 3, "not comparable: requests: 800 in good, 400 in small"),
    ],
)
def test_a_verdict_is_an_exit_code(
    runs: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: int, said: str
) -> None:
    """1 is worse, 3 not comparable, 0 all else; the page's place is the last line."""
    assert main(["compare", *words, "--out", "there"]) == code
    lines = capsys.readouterr().out.strip().splitlines()
    assert lines[0].startswith(said)
    assert lines[-1].endswith("comparison: there/comparison.md")
    found = json.loads((runs / "there" / "comparison.json").read_bytes())
    assert lines[0].startswith(f"{found['verdict']}: {found['reason'][:20]}")


def test_comparisons_are_kept_apart_from_runs(runs: Path) -> None:
    """A folder of its own in reports, that is not taken for the newest run."""
    main(["compare", "bad", "good"])
    (made,) = (runs / "reports").iterdir()
    assert made.name.endswith("-compare")
    assert main(["report"]) == 2


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((), "say what to compare in one way"),
        (("good", "bad", "--base", "good"), "say what to compare in one way"),
        (("good",), "give two run folders, before and after, not 1"),
        (("--base", "good"), "--base and --other go together"),
        (("good", "gone"), "gone: no such folder"),
        (("good", "."), ".: not a run folder"),
        (("--locust-csv", "gone", "too"), "gone_stats.csv: no such file"),
        (("--ref", "one"), "give --ref twice, before and after, not 1 times"),
        (("good", "bad", "--run", "good"), "--run, --app-dir and --requests go with --ref"),
        (("--ref", "a", "--ref", "b", "--run", "good", "--requests", "5"), "--app-dir and --requests are the recorded"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(
    runs: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], why: str
) -> None:
    """Exit code 2, and nothing else is printed."""
    assert main(["compare", *words]) == 2
    said = capsys.readouterr()
    assert said.err.startswith(f"chaos-test: {why}")
    assert (said.err.count("\n"), said.out) == (1, "")


HEADER = "Type,Name,Request Count,Failure Count,50%,95%,99%\n"


def _csv(folder: Path, name: str, *rows: str) -> None:
    total = [sum(int(row.split(",")[at]) for row in rows) for at in (2, 3)]
    (folder / f"{name}_stats.csv").write_text(
        HEADER + "".join(f"{row}\n" for row in rows) + f",Aggregated,{total[0]},{total[1]},1,1,1\n"
    )


def test_plain_locust_statistics_are_compared_by_their_rates(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Unpaired, and said so; percentiles are in the page, without an interval and without a verdict."""
    _csv(runs, "old", "GET,/items,400,80,10,50,90", "GET,/about,300,0,3,5,9")
    _csv(runs, "new", "GET,/items,400,20,100,500,900", "GET,/about,300,0,3,5,9")
    assert main(["compare", "--locust-csv", "old", "new", "--out", "there"]) == 0
    said = capsys.readouterr().out
    assert said.strip().startswith("improved: 80 of 700 failed before, 20 of 700 after")
    assert "Unpaired: these statistics have no requests" in said
    found = json.loads((runs / "there" / "comparison.json").read_bytes())
    assert [each["name"] for each in found["groups"]] == ["all requests", "GET /about", "GET /items"]
    items = found["groups"][2]
    assert (items["verdict"], items["latencies"][0]["after"]["value"]) == ("improved", 100.0)
    assert items["latencies"][0]["after"]["low"] is None
    page = (runs / "there" / "comparison.md").read_text()
    assert "Latency of all requests, in Locust's buckets; shown, not judged" in page
    assert b"Latency of GET /items: p50 10 ms" in (runs / "there" / "latencies.png").read_bytes()


def test_an_endpoint_of_one_side_only_is_inconclusive(runs: Path) -> None:
    """It has nothing to be compared with, and is not counted among all requests."""
    _csv(runs, "old", "GET,/items,400,8,10,50,90")
    _csv(runs, "new", "GET,/items,400,8,10,50,90", "GET,/new,400,400,3,5,9")
    assert main(["compare", "--locust-csv", "old", "new", "--out", "there"]) == 0
    groups = json.loads((runs / "there" / "comparison.json").read_bytes())["groups"]
    assert {each["name"]: each["verdict"] for each in groups}["GET /new"] == "inconclusive"


def test_a_run_against_itself_says_how_often_it_would_be_wrong(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Both shares with their intervals, and the unpaired ones beside them; nothing is written."""
    assert main(["compare", "--self", "good", "--comparisons", "20"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("crying wolf: 0 % (0-16.8) of 20 comparisons of this run with itself")
    assert "call improved a patch that rescues 30 %" in said
    assert said.count("unpaired: ") == 2
    assert not (runs / "reports").exists()


def test_a_run_that_is_too_small_for_that_is_one_sentence(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With how many it takes."""
    write_run(runs / "tiny", World(requests=40))
    assert main(["compare", "--self", "tiny"]) == 2
    assert capsys.readouterr().err.startswith("chaos-test: the run has 40 requests; at least 60 are needed")
