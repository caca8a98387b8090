"""`chaos-test fix verify` on services as they lie about: a copy is measured, and the original stays as it is."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Command

    Wait = Callable[[Callable[[], object]], None]

CALL = (
    '    with urllib.request.urlopen(os.environ["STOCK_URL"] + "/stock") as answer:\n        return json.load(answer)\n'
)
RETRIED = """\
    for attempt in range(3):
        try:
            with urllib.request.urlopen(os.environ["STOCK_URL"] + "/stock") as answer:
                return json.load(answer)
        except OSError:
            if attempt == 2:
                raise
"""
VERIFY = ("fix", "verify", "--requests", "200")


@dataclass(frozen=True)
class Ran:
    """A finished run of the shop, to be put beside other layouts of the same shop."""

    folder: Path

    def beside(self, place: Path, app: Path, *, prefix: str = "", python: str | None = None) -> Path:
        """A copy of its run folder that says that it was the app in another folder that was driven."""
        run_dir = place / "reports" / self.folder.name
        shutil.copytree(self.folder, run_dir)
        run = json.loads((run_dir / "run.json").read_bytes())
        run["app"] |= {"dir": str(app), "git_prefix": prefix} | ({"python": python} if python else {})
        (run_dir / "run.json").write_text(json.dumps(run))
        return run_dir


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, shop: Path) -> Path:
    """A copy of the shop that no repository holds."""
    folder = tmp_path_factory.mktemp("plain") / "shop"
    shutil.copytree(shop, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture(scope="module")
def ran(plain: Path, tmp_path_factory: pytest.TempPathFactory, command_in: Callable[[Path], Command]) -> Ran:
    """The shop's run: its calls are reset one time in ten."""
    command = command_in(tmp_path_factory.mktemp("run"))
    done = command.run("run", "--app-dir", str(plain), "--requests", "600", "--users", "6", "--workers", "1")
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    return Ran(command.run_dir)


def patch(folder: Path, file: str = "shop.py", before: str = CALL, after: str = RETRIED) -> str:
    """A patch of one's own, as a file, made from lines that stand in it; returns its name."""
    text = "".join(f"-{line}\n" for line in before.splitlines()) + "".join(f"+{line}\n" for line in after.splitlines())
    head = f"--- a/{file}\n+++ b/{file}\n@@ -1,{before.count(chr(10))} +1,{after.count(chr(10))} @@\n"
    (folder / "mine.diff").write_text(head + text)
    return str(folder / "mine.diff")


def contents(folder: Path) -> dict[str, str]:
    """Everything below a folder, by what it holds, with its mode and time: caches and git's own index apart."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_file() and "__pycache__" not in name and name != ".git/index":
            about = path.stat()
            found[name] = f"{hashlib.sha256(path.read_bytes()).hexdigest()} {about.st_mode:o} {about.st_mtime_ns}"
    return found


def recorded(sent: Path) -> int:
    """How many bytes of a client's rows there are so far."""
    return sum(part.stat().st_size for part in sent.glob("*.jsonl"))


def git(folder: Path, *words: str) -> str:
    """What git says."""
    who = ("-c", "user.name=x", "-c", "user.email=x@example.com")
    return subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True, text=True).stdout


def rescued(done: subprocess.CompletedProcess[str], run_dir: Path) -> None:
    """The retry has improved, and the placebo has not: the copies were what was measured. What it does, also in an
    outage, where it can rescue nothing, is told, and stays with the run.
    """
    told = done.stdout + done.stderr
    assert done.returncode == 0, told
    lines = {line.split()[-1]: line for line in done.stdout.splitlines() if line.split()[-1:]}
    assert "improved" in lines["mine"], told
    assert "improved" not in lines["placebo"], told
    kept = json.loads((run_dir / "verify" / "effects.json").read_bytes())["own"]["mine"]
    first, outage = kept["measured"]
    assert (kept["verdict"], first["condition"], outage["condition"]) == ("improved", "as declared", "outage")
    assert first["rescued"] > outage["rescued"] == 0
    assert lines["outage"].split()[-6:-4] == [str(outage["rescued"]), str(outage["broken"])], told
    report = (run_dir / "chaos-test-report.md").read_text()
    assert "- mine: Measured **improved**: as declared: " in report
    assert f"Under outage (what failed once keeps failing): 0 rescued, {outage['broken']} newly broken of" in report


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the command makes its copies; empty when it is over. The terminal is wide."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setenv("COLUMNS", "200")
    return folder


def test_a_proposal_without_git(command: Command, ran: Ran, plain: Path, temporary: Path) -> None:
    """The run's own retry, also in an outage: what it does stays with the run; the app's folder stays as it is."""
    run_dir = ran.beside(command.cwd, plain)
    (retry,) = (one for one in command.json("fix-proposals.json")["proposals"] if one["fix"] == "retry_with_stamina")
    assert retry["effect"] is None
    before = contents(plain)
    done = command.run(*VERIFY, str(retry["number"]), "--run", str(run_dir))
    assert done.returncode == 0, done.stdout + done.stderr
    assert contents(plain) == before
    assert list(temporary.iterdir()) == []
    assert command.left() == []
    arms = {path.name for path in (run_dir / "verify" / "arms").iterdir() if path.is_dir()}
    name = f"fix-{retry['number']:02d}"
    assert arms == {"base", "placebo", name, "outage-base", f"outage-{name}"}
    (measured,) = (one for one in command.json("fix-proposals.json")["proposals"] if one["fix"] == "retry_with_stamina")
    assert measured["diff"] == retry["diff"]
    assert measured["effect"]["verdict"] == "improved"
    assert [each["condition"] for each in measured["effect"]["measured"]] == ["as declared", "outage"]
    assert "improved, -" in command.run("fix", "list", "--run", str(run_dir)).stdout


def test_in_a_monorepo_with_a_dirty_working_tree(command: Command, ran: Ran, plain: Path, temporary: Path) -> None:
    """A patch of a file beside the app's folder; what is not committed is measured as it is, and stays to the byte."""
    root, app = command.cwd / "mono", command.cwd / "mono" / "apps" / "shop"
    shutil.copytree(plain, app)
    text = (app / "shop.py").read_text()
    stock = text[text.index("def stock") :]
    (root / "shared").mkdir()
    (root / "shared" / "asking.py").write_text("import json\nimport os\nimport urllib.request\n\n\n" + stock)
    git(root, "init", "-q", "-b", "main")
    git(root, "add", ".")
    git(root, "commit", "-qm", "x")
    found = "import sys\nfrom pathlib import Path\n\nsys.path.insert(0, str(Path(__file__).parents[2]))\n"
    found += "from shared.asking import stock  # noqa\n"  # not committed, and without it the shop has no stock
    (app / "shop.py").write_text(text.replace(stock, "").replace("import json\n", f"import json\n{found}"))
    (app / "notes.txt").write_text("untracked\n")
    run_dir = ran.beside(command.cwd, app, prefix="apps/shop")
    before = (
        contents(root),
        git(root, "status", "--porcelain"),
        git(root, "branch", "-a"),
        git(root, "worktree", "list"),
    )
    rescued(command.run(*VERIFY, "--patch", patch(command.cwd, "shared/asking.py"), "--run", str(run_dir)), run_dir)
    after = contents(root), git(root, "status", "--porcelain"), git(root, "branch", "-a"), git(root, "worktree", "list")
    assert after == before
    assert list(temporary.iterdir()) == []


def test_a_src_layout_installed_into_its_own_environment(
    command: Command, ran: Ran, plain: Path, temporary: Path
) -> None:
    """The environment, inside the folder, has a .pth that points at the original `src`: the copy's is served."""
    root = command.cwd / "project"
    shutil.copytree(plain, root)
    (root / "src").mkdir()
    for name in ("shop.py", "stock.py"):
        (root / name).rename(root / "src" / name)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(root / ".venv")], check=True)
    (packages,) = (root / ".venv" / "lib").glob("python*/site-packages")
    (packages / "shop.pth").write_text(f"{root / 'src'}\n")
    (packages / "zz_flask.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    git(root, "init", "-q")
    (root / ".gitignore").write_text(".venv\n__pycache__\n")
    git(root, "add", ".")
    before = contents(root)
    run_dir = ran.beside(command.cwd, root, python=str(root / ".venv" / "bin" / "python"))
    rescued(command.run(*VERIFY, "--patch", patch(command.cwd, "src/shop.py"), "--run", str(run_dir)), run_dir)
    assert contents(root) == before
    assert list(temporary.iterdir()) == []


def is_trial(file: Path) -> bool:
    """Whether it is what `tempfile` writes to see where it may: a process that is ended just then leaves it behind."""
    named = re.fullmatch("[a-z0-9_]{8}", file.name) and file.is_file()
    return bool(named) and file.read_bytes() in {b"", b"blat"}


def test_ctrl_c_leaves_nothing(command: Command, ran: Ran, plain: Path, temporary: Path, wait: Wait) -> None:
    """Exit code 4, and what was measured before stands: half a measurement replaces nothing."""
    run_dir = ran.beside(command.cwd, plain)
    report = (run_dir / "chaos-test-report.md").read_bytes()
    process = command.start(*VERIFY, "--patch", patch(command.cwd), "--run", str(run_dir))
    wait(lambda: command.find("-m", "locust") or process.poll() is not None)
    process.send_signal(signal.SIGINT)
    told = process.communicate(timeout=60)
    assert process.returncode == 4, told
    assert command.left() == []
    assert [file for file in temporary.iterdir() if not is_trial(file)] == []
    assert not (run_dir / "verify" / "effects.json").exists()
    assert (run_dir / "chaos-test-report.md").read_bytes() == report


def test_kill_9_leaves_nothing(command: Command, ran: Ran, plain: Path, temporary: Path, wait: Wait) -> None:
    """No process, no copy, and the app's folder as it was; the run is still that run, and clean finds nothing."""
    run_dir = ran.beside(command.cwd, plain)
    before = contents(plain)
    process = command.start(*VERIFY, "--patch", patch(command.cwd), "--run", str(run_dir))
    sent = run_dir / "verify" / "arms" / "own-mine" / "requests"
    wait(lambda: recorded(sent) > 2000 or process.poll() is not None)
    assert process.poll() is None, process.communicate()
    assert command.find("chaos_middleware.serve", "shop:create_app")
    process.kill()
    process.communicate()
    wait(lambda: command.left() == [])
    wait(lambda: list(temporary.iterdir()) == [])
    assert contents(plain) == before
    assert json.loads((run_dir / "run.json").read_bytes())["ended_by"] == "requests"
    assert "Nothing of chaos-test is left" in command.run("clean").stdout


def test_kill_9_of_everything_is_cleaned_up_by_hand(
    command: Command, ran: Ran, plain: Path, temporary: Path, wait: Wait
) -> None:
    """With the command all that would clean up after it is killed: clean removes the copies, once no app lives."""
    run_dir = ran.beside(command.cwd, plain)
    process = command.start(*VERIFY, "--patch", patch(command.cwd), "--run", str(run_dir))
    names = ("base", "placebo", "own-mine", "outage-base", "outage-own-mine")
    arms = [run_dir / "verify" / "arms" / name for name in names]
    wait(lambda: all(recorded(arm / "requests") for arm in arms) or process.poll() is not None)
    assert process.poll() is None, process.communicate()
    assert command.run("clean").stdout.count("left alone") == len(list(temporary.iterdir()))
    for reaper in command.find("reaper.py"):
        reaper.kill()
    process.kill()
    process.communicate()
    assert "uses it; end that first" in command.run("clean").stdout
    for left in command.left():
        left.kill()
    wait(lambda: command.left() == [])
    folders = list(temporary.iterdir())
    assert folders
    done = command.run("clean")
    assert done.stdout.count("removed") == len(folders)
    assert list(temporary.iterdir()) == []
    assert (plain / "shop.py").is_file()


def test_who_is_to_blame_for_an_arm_that_dies(command: Command, ran: Ran, plain: Path, wait: Wait) -> None:
    """The patch whose app dies is worse, one whose Locust does is not comparable; each is told why."""
    run_dir = ran.beside(command.cwd, plain)
    words = []
    for name in ("app", "load"):
        words += ["--patch", str(Path(patch(command.cwd)).rename(command.cwd / f"{name}.diff"))]
    process = command.start(*VERIFY, *words, "--run", str(run_dir))
    arms = {name: run_dir / "verify" / "arms" / f"own-{name}" for name in ("app", "load")}
    parts = [arm / "requests" for arm in arms.values()]
    wait(lambda: all(recorded(part) > 2000 for part in parts) or process.poll() is not None)
    for each in command.find("chaos_middleware.serve", "shop:create_app"):
        if each.environ().get("CHAOS_RUN_DIR") == str(arms["app"]):
            each.kill()
    for each in command.find("-m locust", str(arms["load"])):
        each.kill()
    told = "".join(process.communicate(timeout=120))
    assert process.returncode == 1, told
    kept = json.loads((run_dir / "verify" / "effects.json").read_bytes())["own"]
    assert {name: effect["verdict"] for name, effect in kept.items()} == {"app": "worse", "load": "not comparable"}, (
        told
    )
    assert "app: runs: own-app: the app was killed by SIGKILL; " in told
    assert "load: own-load: Locust was killed by SIGKILL; " in told


def test_what_is_worse_fails_the_command(command: Command, ran: Ran, plain: Path) -> None:
    """Exit code 1 for a patch that breaks what worked; one that does not apply is refused and told why."""
    run_dir = ran.beside(command.cwd, plain)
    broken = CALL.replace("        return json.load(answer)\n", '        return json.load(answer)["things"]\n')
    name = patch(command.cwd, after=broken)
    (command.cwd / "none.diff").write_text("--- a/none.py\n+++ b/none.py\n@@ -1 +1 @@\n-x\n+y\n")
    words = ("--patch", name, "--patch", str(command.cwd / "none.diff"), "--run", str(run_dir))
    done = command.run("fix", "verify", "--requests", "120", *words)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "none: applies: none.py is not there" in done.stdout
    assert "mine: " in done.stdout
