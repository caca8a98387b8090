"""`chaos-test fix list`, `show` and `apply`, on a run folder with real proposals and the sources they are for."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chaos_test.__main__ import main
from chaos_test.analysis import analyse
from tests.chaos_analysis.run_folder import write_run
from tests.chaos_analysis.world import SOURCES

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "examples/planner"


@dataclass
class Place:
    """A repository (or not) with the planner in it, and a run of it."""

    root: Path
    run_dir: Path

    @property
    def sources(self) -> dict[str, str]:
        """The planner's files as they stand."""
        return {name: (self.root / PREFIX / name).read_text() for name in SOURCES}

    def proposals(self) -> list[dict[str, Any]]:
        """As the run has them."""
        return list(json.loads((self.run_dir / "fix-proposals.json").read_bytes())["proposals"])

    def number(self, *, patch: bool) -> int:
        """The first proposal with, or without, a patch."""
        return next(int(one["number"]) for one in self.proposals() if bool(one["diff"]) is patch)

    def git(self, *words: str) -> str:
        """What git says of the repository."""
        who = ("-c", "user.name=x", "-c", "user.email=x@example.com")
        done = subprocess.run(["git", *who, *words], cwd=self.root, check=True, capture_output=True, text=True)
        return done.stdout


@pytest.fixture(scope="module")
def analysed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with what the analysis makes of it."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    write_run(folder)
    analyse(folder)
    return folder


@pytest.fixture
def bare(analysed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Without git."""
    monkeypatch.setenv("COLUMNS", "200")
    place = Place(tmp_path / "root", tmp_path / "run")
    shutil.copytree(analysed, place.run_dir)
    for name, text in SOURCES.items():
        (place.root / PREFIX / name).parent.mkdir(parents=True, exist_ok=True)
        (place.root / PREFIX / name).write_text(text)
    run = json.loads((place.run_dir / "run.json").read_bytes())
    run["app"] |= {"dir": str(place.root / PREFIX), "git_prefix": PREFIX}
    (place.run_dir / "run.json").write_text(json.dumps(run))
    return place


@pytest.fixture
def place(bare: Place) -> Iterator[Place]:
    """In a repository, with everything committed."""
    bare.git("init", "-q")
    bare.git("add", ".")
    bare.git("commit", "-qm", "x")
    return bare


class Said:
    """Runs the command and returns its exit code and output."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *words: object) -> tuple[int, str, str]:
        code = main(["fix", *map(str, words)])
        out, err = self._capsys.readouterr()
        return code, out, err

    def refused(self, *words: object) -> str:
        """The one sentence with which it ends."""
        code, out, err = self(*words)
        assert (code, out) == (2, "")
        assert err.startswith("chaos-test: ")
        assert err.count("\n") == 1
        return err.removeprefix("chaos-test: ").strip()


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    """What the command says."""
    return Said(capsys)


def test_the_list_has_every_proposal_in_its_order(place: Place, said: Said) -> None:
    """Its number, whether it is measured, what kind of patch, which fix and where."""
    code, out, err = said("list", "--run", place.run_dir)
    assert (code, err) == (0, "")
    lines = out.splitlines()[1:]
    assert len(lines) == len(place.proposals()) > 3
    for line, one in zip(lines, place.proposals(), strict=True):
        assert line.split()[0] == str(one["number"])
        assert one["fix"] in line
        assert one["file"] is None or f"{Path(one['file']).name}:{one['line']}" in line
        assert ("in words" in line) is (not one["diff"])
        assert "not yet" in line


def test_what_was_measured_is_in_the_list(place: Place, said: Said) -> None:
    """In short: `improved, -31 of 1,000`; a name that looks like markup is not taken for it."""
    file = place.run_dir / "fix-proposals.json"
    value = json.loads(file.read_bytes())
    measured = {"verdict": "improved", "saved": 31.2, "reason": "31 rescued", "need": None, "gates": [], "measured": []}
    value["proposals"][0] |= {"effect": measured, "file": "pages/[id]/[bold].py", "line": 3}
    file.write_text(json.dumps(value))
    first = said("list", "--run", place.run_dir)[1].splitlines()[1]
    assert "improved, -31 of 1,000" in first
    assert first.endswith("[bold].py:3")
    shown = said("show", value["proposals"][0]["number"], "--run", place.run_dir)[1]
    assert "improved: 31 rescued" in shown
    conditions = {"measured": [{"condition": "as declared"}, {"condition": "outage"}]}
    measured |= {"verdict": "no difference", "reason": "0 rescued; under outage improved: 8 rescued"} | conditions
    file.write_text(json.dumps(value))
    assert "no difference, under outage improved" in said("list", "--run", place.run_dir)[1].splitlines()[1]


def test_a_run_without_proposals_says_so(place: Place, said: Said) -> None:
    """And a folder without the file is told what makes it."""
    file = place.run_dir / "fix-proposals.json"
    value = json.loads(file.read_bytes()) | {"proposals": []}
    file.write_text(json.dumps(value))
    assert said("list", "--run", place.run_dir)[1].endswith("proposes nothing.\n")
    file.write_text('{"proposals": [1]}')
    assert "cannot be read" in said.refused("list", "--run", place.run_dir)
    file.unlink()
    assert f"chaos-test report {place.run_dir} makes it" in said.refused("list", "--run", place.run_dir)
    assert "there is no such run folder" in said.refused("list", "--run", place.run_dir / "none")


def test_a_proposal_is_shown_with_its_patch(place: Place, said: Said) -> None:
    """Every line of it, and what could go wrong; one in words says why there is none."""
    number = place.number(patch=True)
    (one,) = (one for one in place.proposals() if one["number"] == number)
    out = said("show", number, "--run", place.run_dir)[1]
    assert [line for line in one["diff"].splitlines() if line not in out.splitlines()] == []
    assert one["caution"] in out
    words = place.number(patch=False)
    assert "No patch: " in said("show", words, "--run", place.run_dir)[1]


def test_applied_and_taken_back(place: Place, said: Said) -> None:
    """The working tree changes as git would change it, the files are named, and --undo leaves it as it was."""
    number = place.number(patch=True)
    (one,) = (one for one in place.proposals() if one["number"] == number)
    code, out, _ = said("apply", number, "--run", place.run_dir)
    assert code == 0
    assert f"changed {place.root / PREFIX / one['file']}" in out.replace("\n", "")
    ours = place.sources
    assert ours != SOURCES
    place.git("checkout", "-q", ".")
    place.git("apply", str(place.run_dir / one["patch"]))
    assert place.sources == ours
    assert said("apply", "--undo", number, "--run", place.run_dir)[0] == 0
    assert place.sources == SOURCES
    assert place.git("status", "--porcelain") == ""


def test_what_is_not_committed_is_not_mixed_with_a_patch(place: Place, said: Said) -> None:
    """The file is named and left alone; other files may be as they like."""
    number = place.number(patch=True)
    (one,) = (one for one in place.proposals() if one["number"] == number)
    (place.root / "other.py").write_text("new\n")
    file = place.root / PREFIX / one["file"]
    file.write_text(text := file.read_text() + "\n# mine\n")
    refused = said.refused("apply", number, "--run", place.run_dir)
    assert refused == f"{PREFIX}/{one['file']}: changed and not committed; commit or put it aside first"
    assert file.read_text() == text
    place.git("commit", "-qam", "mine")
    assert said("apply", number, "--run", place.run_dir)[0] == 0
    assert file.read_text().endswith("# mine\n")


def test_without_git(bare: Place, said: Said) -> None:
    """It works, once: the second time the lines are not what they were."""
    number = bare.number(patch=True)
    assert said("apply", number, "--run", bare.run_dir)[0] == 0
    changed = bare.sources
    assert "is not what the patch was made for" in said.refused("apply", number, "--run", bare.run_dir)
    assert bare.sources == changed
    assert said("apply", "--undo", number, "--run", bare.run_dir)[0] == 0
    assert bare.sources == SOURCES
    assert "is not what the patch was made for" in said.refused("apply", "--undo", number, "--run", bare.run_dir)


def test_all_or_none(bare: Place, said: Said) -> None:
    """Of two patches of which one does not fit, neither is applied."""
    patches = [int(one["number"]) for one in bare.proposals() if one["diff"]]
    last = next(one for one in bare.proposals() if one["number"] == patches[-1])
    file = bare.root / PREFIX / last["file"]
    file.write_text("# another file altogether\n")
    before = bare.sources
    said.refused("apply", *patches, "--run", bare.run_dir)
    assert bare.sources == before


@pytest.mark.parametrize("action", ["show", "apply"])
def test_a_number_that_there_is_not(place: Place, said: Said, action: str) -> None:
    """Those that there are, are named."""
    refused = said.refused(action, 99, "--run", place.run_dir)
    assert "there is no proposal 99; there are 1, 2, " in refused


def test_a_proposal_in_words_cannot_be_applied(place: Place, said: Said) -> None:
    """It says why there is no patch."""
    number = place.number(patch=False)
    assert said.refused("apply", number, "--run", place.run_dir).startswith(f"proposal {number} has no patch: ")


def test_a_run_that_does_not_say_where_its_app_is(place: Place, said: Said) -> None:
    """And one whose app has gone since."""
    number = place.number(patch=True)
    shutil.rmtree(place.root)
    assert "is not there" in said.refused("apply", number, "--run", place.run_dir)
    (place.run_dir / "run.json").write_text("{}")
    assert "does not say where the app's sources are" in said.refused("apply", number, "--run", place.run_dir)
