"""What a comparison leaves: `comparison.json`, `comparison.md`, and its pictures."""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING

import matplotlib as mpl

from chaos_analysis.artefacts import write_text
from chaos_analysis.compare import forest, page, shift
from chaos_analysis.model import to_json
from chaos_analysis.plots import _style

if TYPE_CHECKING:
    from pathlib import Path

    from chaos_analysis.compare.model import Comparison

VERSION = 1
_PLOTS = {"differences.png": forest, "latencies.png": shift}


def write(found: Comparison, out: Path) -> tuple[Path, ...]:
    """Write all of it into `out`, which is made; returns the files, `comparison.md` first."""
    out.mkdir(parents=True, exist_ok=True)
    pictures = []
    with mpl.rc_context(_style.SETTINGS), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
        for name, plot in _PLOTS.items():
            figure = plot.draw(found)
            if figure is not None:
                pictures.append((_style.save(figure, out / name), plot.finding(found)))
    value = {"version": VERSION, **to_json(found)}
    return (
        write_text(out / "comparison.md", page.markdown(found, [(path.name, said) for path, said in pictures])),
        write_text(out / "comparison.json", json.dumps(value, indent=1, allow_nan=False) + "\n"),
        *(path for path, _ in pictures),
    )
