"""The report for people: `chaos-test-report.md`, and the same as one HTML file that loads nothing from elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jinja2

from chaos_analysis.report import page, pictures, view
from chaos_analysis.report.markdown import code, codes, fence, one_line, reference, table, text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from chaos_analysis.model import Analysis

__all__ = ["write"]


def write(analysis: Analysis, drawn: Sequence[Path], out: Path) -> tuple[Path, ...]:
    """Write both files into `out`, each whole or not at all; `drawn` are the pictures there, from `plots.draw_all`."""
    shown = pictures.read(drawn)
    markdown = _templates().get_template("report.md.j2").render(view.of(analysis, shown, out))
    title = f"Chaos report: {one_line(view.name(analysis))}"
    files = {"chaos-test-report.md": markdown, "chaos-test-report.html": page.render(title, markdown, shown)}
    return tuple(_replace(out / name, content) for name, content in files.items())


def _templates() -> jinja2.Environment:
    """Templates of Markdown: whatever a template prints is escaped as such, unless it is of the class `Markdown`."""
    made = jinja2.Environment(  # noqa: S701 - `finalize` escapes for Markdown, where autoescape would for HTML
        loader=jinja2.PackageLoader("chaos_analysis.report", ""),
        undefined=jinja2.StrictUndefined,
        finalize=text,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(code=code, codes=codes, reference=reference)
    made.globals.update(fence=fence, table=table)
    return made


def _replace(path: Path, content: str) -> Path:
    partial = path.with_name(f"{path.name}.part")
    partial.write_text(content, encoding="utf-8")
    return partial.replace(path)
