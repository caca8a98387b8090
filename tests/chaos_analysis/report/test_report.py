import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from chaos_analysis.model import Analysis, Check
from chaos_analysis.plots import draw_all
from chaos_analysis.report import write
from tests.chaos_analysis.report import sample

SECTIONS = [
    "Top 3 Critical Issues",
    "Chaos Configuration",
    "Load Test Results",
    "What the App Did with Each Fault",
    "Failure Patterns",
    "Fix Proposals",
    "Validity Checks",
    "Method",
    "How to reproduce",
]
NASTY = "<script>alert('x')</script>|`*a*`\n\n# h](javascript:alert(1))\"><img src=x onerror=y>\u202e"
EMPTY = sample.analysis(
    sample.requests(0),
    endpoints=(),
    patterns=(),
    proposals=(),
    checks=(),
    slos=(),
    run={},
    experiment={},
    verdict="invalid",
    headline="There is no data.",
)


def _written(analysis: Analysis, out: Path, *, pictures: bool = False) -> tuple[str, str]:
    drawn = draw_all(analysis, out) if pictures else ()
    markdown, html = write(analysis, drawn, out)
    assert (markdown.name, html.name) == ("chaos-test-report.md", "chaos-test-report.html")
    return markdown.read_text("utf-8"), html.read_text("utf-8")


class _Page(HTMLParser):
    """Tags with their attributes, as a browser meets them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "img", "br", "hr"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.mark.parametrize("analysis", [sample.analysis(), sample.csv_analysis(), EMPTY], ids=["run", "csv", "empty"])
def test_sections_stand_in_order_in_both_files(analysis: Analysis, tmp_path: Path) -> None:
    """Whatever the run left, the report has the same sections in the same order."""
    markdown, html = _written(analysis, tmp_path)
    assert re.findall(r"^## (.*)$", markdown, re.MULTILINE) == SECTIONS
    assert re.findall(r"<h2[^>]*>(.*?)</h2>", html) == SECTIONS


def test_the_first_screen_says_what_where_and_what_to_do(tmp_path: Path) -> None:
    """Before the first section: verdict, key figures, the Top 3 with their source lines and fixes, the SLOs."""
    first, _, _ = _written(sample.analysis(), tmp_path)[0].partition("\n## ")
    assert "> [!CAUTION]\n> **Verdict: broken.** p95 of GET /api/bookings did not recover" in first
    assert "| **2,000** in 33.3 s | **0 %** (0-0.18), 0 of 2,000 | **11.6 %** (10.3-13.1), 232 of 2,000 |" in first
    line = next(line for line in first.splitlines() if line.startswith("1. "))
    assert sample.TIMEOUT.title in line
    assert "`orbital_travel_planner/suppliers.py:31`" in line
    assert "[Fix 1: Give the fares call a timeout](#fix-1-give-the-fares-call-a-timeout)" in line
    assert "| `p95<500ms` | **broken** | recovery | `GET /api/bookings` | 400 | 812 ms (731-934) |" in first


def test_links_lead_somewhere(tmp_path: Path) -> None:
    """Every link inside the page has its target, in the table of contents and between findings and fixes."""
    page = _Page(_written(sample.analysis(), tmp_path)[1])
    targets = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    inner = [str(link["href"]) for link in page.of("a") if str(link["href"]).startswith("#")]
    assert len(targets) == len(set(targets))
    assert len(inner) > len(SECTIONS)
    assert {link[1:] for link in inner} <= set(targets)


def test_an_issue_lists_the_fixes_of_its_parts(tmp_path: Path) -> None:
    """What is lacking stands below what goes wrong for it, and so does what to do about it."""
    part = replace(sample.RESET, id="lack", finder="no_retry", severity="critical", part_of=sample.TIMEOUT.id)
    other = replace(sample.PROPOSAL, number=2, title="Ask again", patterns=("lack",))
    analysis = sample.analysis(patterns=(sample.TIMEOUT, part), proposals=(sample.PROPOSAL, other))
    markdown, _ = _written(analysis, tmp_path)
    own, again = "[Fix 1: Give the fares call a timeout](#fix-1-give-the-fares-call-a-timeout)", "[Fix 2: Ask again]"
    assert f"What to do: {again}(#fix-2-ask-again). And: {own}.\n" in markdown
    assert f"- fix: {again}(#fix-2-ask-again)\n- fix: {own}\n" in markdown


def test_a_rate_of_those_that_met_one_fault_alone_says_so(tmp_path: Path) -> None:
    """Others met it too, with others, and are counted elsewhere in the same finding."""
    markdown, _ = _written(sample.analysis(patterns=(sample.RESET,)), tmp_path)
    assert "**high** 100 % of 31 requests that met this alone failed (" in markdown


def test_a_claim_carries_its_interval_and_comparison(tmp_path: Path) -> None:
    """The evidence sentence of an issue has share, n, interval, the comparison group and p."""
    markdown, _ = _written(sample.analysis(), tmp_path)
    assert (
        "**critical** 89.6 % of 48 requests failed (95 % interval 86.6-92.6), "
        "against 0.12 % of 812 (95 % interval 0-3.1) in the comparison group; p < 0.001." in markdown
    )


def test_rules_are_listed_with_what_they_reached_and_fired(tmp_path: Path) -> None:
    """Dose: each rule's row ends with how often it was reached and fired."""
    analysis = sample.analysis()
    fired = (analysis.tables.faults["rule"] == "edge-latency").sum()
    markdown, _ = _written(analysis, tmp_path)
    row = next(line for line in markdown.splitlines() if line.startswith("| `edge-latency`"))
    assert "| `latency` distribution uniform, low 100 ms, high 2 s | 10 % in chaos | route `/api/*` |" in row
    assert row.endswith(f"| 2,000 | {fired} |")


def test_every_table_is_one(tmp_path: Path) -> None:
    """All tables of the Markdown are tables in the page: their rows have the columns of their headings."""
    held_back = sample.tables(sample.requests(50))
    held_back = replace(held_back, suppressed=held_back.faults.assign(rule="edge-latency").head(1))
    for analysis in (sample.analysis(), sample.analysis(tables=held_back), sample.csv_analysis()):
        markdown, html = _written(analysis, tmp_path)
        assert html.count("<table>") == len(re.findall(r"^\| -", markdown, re.MULTILINE))


def test_latencies_have_intervals_or_say_what_they_need(tmp_path: Path) -> None:
    """A percentile without support is never a number."""
    markdown, _ = _written(sample.analysis(), tmp_path)
    assert "| chaos | 500 | 58 | 88.4 (85.4-91.4) | 21.2 (19.1-24.4) | 412 (371-474) | need n = 368 |" in markdown


def test_a_fix_comes_with_its_diff_its_command_and_no_claimed_effect(tmp_path: Path) -> None:
    """The diff stands whole, the command names the patch in the run folder, the effect is said to be open."""
    markdown, html = _written(sample.analysis(), tmp_path)
    fix = markdown.partition("### Fix 1:")[2].partition("### Fix 2:")[0]
    assert f"```diff\n{sample.DIFF}```" in fix
    assert f"git apply {tmp_path}/fixes/01-http_timeout.patch" in fix
    assert "Effect: not measured yet." in fix
    assert '<span class="added">+            timeout=(0.5, 0.25),</span>' in html
    assert "No diff: need n = 72 fault-free calls at this site, have 31." in markdown


def test_an_invalid_run_says_so_before_anything_else(tmp_path: Path) -> None:
    """The banner names the check that failed; what was merely not asked is not in it."""
    checks = (Check("dose", False, "663 faults were due, none fired."), Check("cpu", False, "busy", fatal=False))
    invalid = sample.analysis(verdict="invalid", headline="Nothing was injected.", checks=checks)
    markdown, html = _written(invalid, tmp_path)
    banner = markdown.split("\n\n")[1]
    assert banner.startswith("> [!CAUTION]\n> **Invalid run: draw no conclusion from its figures.** Nothing was")
    assert "**dose:** 663 faults were due, none fired." in banner
    assert "busy" not in banner
    assert "| cpu | **warning** | busy |" in markdown
    assert '<blockquote class="alert caution" role="alert">' in html


def test_advice_stands_in_the_banner(tmp_path: Path) -> None:
    """With too little data the reader first learns what to change; the banner keeps to the three first."""
    advice = tuple(f"Send {n},000 requests." for n in range(1, 6))
    banner, _, rest = _written(sample.analysis(advice=advice), tmp_path)[0].partition("| Requests |")
    assert "> **Too little data. What to change:**\n>\n> - Send 1,000 requests.\n> - Send 2,000 requests." in banner
    assert "> - 2 more under [Validity Checks](#validity-checks)" in banner
    assert "- what to change: Send 4,000 requests.\n- what to change: Send 5,000 requests." in rest


def test_plain_statistics_say_what_they_cannot_tell(tmp_path: Path) -> None:
    """A report made from somebody's Locust CSVs lists what is unknowable, and claims no seed."""
    markdown, _ = _written(sample.csv_analysis(), tmp_path)
    assert "- Which fault met which request." in markdown
    assert "[what they cannot tell](#chaos-configuration)" in markdown.partition("\n## ")[0]
    assert "Seed" not in markdown


def test_the_page_is_one_file_that_loads_and_runs_nothing(tmp_path: Path) -> None:
    """Pictures are inside, with their finding as alternative text; the page's own policy forbids all else."""
    analysis = sample.analysis()
    markdown, html = _written(analysis, tmp_path, pictures=True)
    page = _Page(html)
    pictures = page.of("img")
    assert len(pictures) == 4
    assert all(str(picture["src"]).startswith("data:image/png;base64,iVBOR") for picture in pictures)
    assert any(str(picture["alt"]).startswith("Failures rose from") for picture in pictures)
    assert "![Failures rose from" in markdown
    assert not {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object", "base", "form"}
    assert any("default-src 'none'" in str(meta.get("content")) for meta in page.of("meta"))
    assert not page.open


def test_text_from_a_run_stays_text(tmp_path: Path) -> None:
    """Scripts, pipes, backticks and line breaks in names and errors become neither HTML nor structure."""
    site = replace(sample.FARES, file=f"a/{NASTY}.py", function=NASTY)
    pattern = replace(
        sample.TIMEOUT,
        title=NASTY,
        summary=NASTY,
        endpoint=NASTY,
        target=NASTY,
        site=site,
        facts=((NASTY, NASTY),),
        keys=(NASTY,),
    )
    proposal = replace(
        sample.PROPOSAL, title=NASTY, what=NASTY, why=NASTY, reference=NASTY, caution=NASTY, diff=f"+{NASTY}"
    )
    experiment = {"name": NASTY, "rules": [{"name": NASTY, "seam": NASTY, "fault": {"type": NASTY, NASTY: NASTY}}]}
    nasty = sample.analysis(
        headline=NASTY,
        patterns=(pattern,),
        proposals=(proposal,),
        endpoints=sample.endpoints((NASTY,)),
        checks=(Check(NASTY, False, NASTY, details=(NASTY,)),),
        slos=(replace(sample.SLOS[1], expression=NASTY, endpoint=NASTY, summary=NASTY),),
        advice=(NASTY,),
        run={**sample.RUN, "command": ["chaos-test", NASTY], "seed": NASTY, "reason": NASTY},
        experiment=experiment,
    )
    markdown, html = _written(nasty, tmp_path)
    page = _Page(html)
    harmless = _Page(_written(sample.analysis(), tmp_path)[1])
    assert {tag for tag, _ in page.tags} <= {tag for tag, _ in harmless.tags}
    assert all("onerror" not in attributes for _, attributes in page.tags)
    assert all(str(link["href"]).startswith("#") for link in page.of("a"))
    assert re.findall(r"<h2[^>]*>(.*?)</h2>", html) == SECTIONS
    assert not page.open
    assert "\u202e" not in markdown + html


def test_a_run_cut_short_is_reported_from_what_there_is(tmp_path: Path) -> None:
    """Without run.json's later parts, the experiment and most tables, both files are still written."""
    cut = sample.analysis(sample.requests(0), run={"id": "r1", "app": None, "load": {}}, experiment={"rules": None})
    markdown, _ = _written(cut, tmp_path)
    assert "| Run | r1 |" in markdown


def test_files_are_replaced_whole(tmp_path: Path) -> None:
    """A second report takes the place of the first, and no partial file stays."""
    (tmp_path / "chaos-test-report.md").write_text("old")
    _written(sample.analysis(), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["chaos-test-report.html", "chaos-test-report.md"]
    assert "old" not in (tmp_path / "chaos-test-report.md").read_text("utf-8").split()[:1]


def test_a_finding_about_time_counts_slow_answers_first(tmp_path: Path) -> None:
    """A delay that made nothing fail is not told as harmless."""
    slow = replace(sample.TIMEOUT, failures=0, slow=26, rate=replace(sample.share(0, 26), low=0.0, high=0.132))
    markdown, _ = _written(sample.analysis(patterns=(slow,)), tmp_path)
    assert "**critical** 26 slow answers; 0 % of 26 requests failed (95 % interval 0-13.2)" in markdown


def test_the_source_line_is_named_once(tmp_path: Path) -> None:
    """Where a title has the line already, the first screen does not repeat it."""
    titled = replace(sample.TIMEOUT, title=f"No timeout at {sample.FARES}")
    first = _written(sample.analysis(patterns=(titled,)), tmp_path)[0].partition("\n## ")[0]
    assert first.count(str(sample.FARES)) == 1


def test_the_top_issue_shows_the_essence_of_its_diff(tmp_path: Path) -> None:
    """The hunk that takes something out, without file names and blank edges; imports are left to the whole diff."""
    diff = (
        "--- a/x.py\n+++ b/x.py\n@@ -1,2 +1,3 @@\n import a\n+import b\n \n"
        "@@ -9,5 +10,5 @@\n \n def f():\n-    old\n+    new\n \n"
    )
    markdown, _ = _written(sample.analysis(proposals=(replace(sample.PROPOSAL, diff=diff),)), tmp_path)
    assert "```diff\n def f():\n-    old\n+    new\n```" in markdown


def test_an_import_that_is_changed_is_not_the_essence(tmp_path: Path) -> None:
    """What takes its place is where the code is."""
    diff = (
        "--- a/x.py\n+++ b/x.py\n@@ -1,2 +1,2 @@\n-from a import b\n+from a import b, c\n \n"
        "@@ -9,3 +9,3 @@\n def f():\n-    b()\n+    c()\n"
    )
    markdown, _ = _written(sample.analysis(proposals=(replace(sample.PROPOSAL, diff=diff),)), tmp_path)
    assert "```diff\n def f():\n-    b()\n+    c()\n```" in markdown.partition("## Chaos Configuration")[0]


def test_a_diff_that_only_adds_shows_its_last_lines(tmp_path: Path) -> None:
    """Where it is used, not where it is imported."""
    diff = (
        "--- a/x.py\n+++ b/x.py\n@@ -1 +1,2 @@\n import a\n+import b\n@@ -9 +10,2 @@\n s = b.Session()\n+s.mount(b)\n"
    )
    markdown, _ = _written(sample.analysis(proposals=(replace(sample.PROPOSAL, diff=diff),)), tmp_path)
    assert "```diff\n s = b.Session()\n+s.mount(b)\n```" in markdown


def test_a_figure_keeps_its_unit_on_the_line(tmp_path: Path) -> None:
    """In the page no line breaks between a number and its unit; the Markdown stays plain."""
    markdown, html = _written(sample.analysis(), tmp_path)
    assert "11.6&nbsp;%" in html
    assert "&nbsp;" not in markdown
