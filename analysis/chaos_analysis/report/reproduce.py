"""The commands that run the same experiment again, and that measure what its fixes do."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chaos_analysis.model import Analysis

_REPLACED = ("--config", "--seed")
_REPEATABLE = ("run", "ui")


def commands(analysis: Analysis, out: Path) -> str:
    """The lines for a shell; `out` is the run folder."""
    here = str(Path.cwd())
    before = str((analysis.run.get("load") or {}).get("folder") or here)
    folder = from_here(out) if before == here else str(out.resolve())
    lines = ["# the same experiment again: the same requests meet the same faults"]
    lines += [f"cd {shlex.quote(before)}"] if before != here else []
    lines += [_again(analysis, folder)]
    measure = verifying(analysis, folder, "--all", "--together")
    if measure and any(proposal.diff for proposal in analysis.proposals):
        lines += ["", "# what the patches do: copies with and without them get the same requests and faults"]
        lines += [measure]
    return "\n".join([*lines, "", "# only this report, from what the run left", _command("report", folder)])


def verifying(analysis: Analysis, folder: str, *which: str) -> str:
    """The command that measures fixes; "" where the app was not started by us, and so cannot be started again."""
    app = analysis.run.get("app") or {}
    usable = analysis.source == "run" and app.get("target") and app.get("dir")
    return _command("fix", "verify", *which, "--run", folder) if usable else ""


def from_here(out: Path) -> str:
    """The folder as a command typed here would name it."""
    here = Path.cwd()
    return str(out.resolve().relative_to(here)) if out.resolve().is_relative_to(here) else str(out)


def there(out: Path, name: str) -> str:
    """A file of the run folder, as a command names it; "" where there is none."""
    return shlex.quote(f"{from_here(out)}/{name}") if (out / name).is_file() else ""


def _command(*arguments: str) -> str:
    return shlex.join(["chaos-test", *arguments])


def _again(analysis: Analysis, folder: str) -> str:
    """The run's own command, but with its experiment as it was run, and its seed."""
    typed = [str(part) for part in analysis.run.get("command") or ["chaos-test", "run"]]
    if typed[1:2] and typed[1] not in _REPEATABLE:
        return shlex.join(typed)
    if analysis.experiment:
        typed = [*_without(typed), "--config", f"{folder}/chaos-config.json"]
        seed = analysis.run.get("seed")
        typed += ["--seed", str(seed)] if seed is not None else []
    return shlex.join(typed)


def _without(typed: list[str]) -> Iterator[str]:
    """What was typed less the options that are given anew."""
    parts = iter(typed)
    for part in parts:
        if part in _REPLACED:
            next(parts, None)
        elif not part.startswith(tuple(f"{name}=" for name in _REPLACED)):
            yield part
