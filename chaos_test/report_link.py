"""The way from Locust's web UI to the report of the test that was last stopped there: a link under Download Data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from locust.env import Environment

PATH = "/chaos-report"
_WAIT = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="refresh" content="1">
<title>chaos-test</title>
<p style="font-family: system-ui, sans-serif">{}
"""


def add(environment: Environment) -> None:
    """Serve the report in the web UI, and link to it; does nothing where there is no web UI."""
    ui = environment.web_ui
    if ui is None or ui.app is None or environment.parsed_options is None:
        return
    run_dir = Path(environment.parsed_options.chaos_run_dir)
    ui.app.add_url_rule(PATH, "chaos_report", lambda: page(run_dir))
    ui.app.add_url_rule("/favicon.ico", "no_icon", lambda: ("", 204))  # browsers ask for one, and call a 404 an error
    ui.template_args["extended_csv_files"] = [{"href": f".{PATH}", "title": "chaos-test report of the last test"}]


def page(run_dir: Path) -> str:
    """The newest report, or a page that looks again until there is one."""
    ended = sorted(run_dir.glob("test-*/test-finished.json"), key=lambda file: file.stat().st_mtime)
    if not ended:
        return _WAIT.format("There will be a report when a test has been stopped.")
    report = ended[-1].with_name("chaos-test-report.html")
    if not report.is_file():
        return _WAIT.format(f"The report of {report.parent.name} is being written.")
    return report.read_text(encoding="utf-8")
