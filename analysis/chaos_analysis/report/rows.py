"""The report's tables, each from its part of an `Analysis`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from chaos_analysis import wording
from chaos_analysis.report.markdown import Markdown, code, table, text
from chaos_analysis.stats.proportion import proportion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chaos_analysis.model import Analysis, EndpointStats

_IN_SECONDS = frozenset(("seconds", "low", "high", "mean", "sd", "median", "give_up"))
_JUDGED = {True: "held", False: "broken", None: "undecided"}
_ASKED = {True: "passed", False: "failed", None: "unknown"}


def figures(analysis: Analysis) -> Markdown:
    """The key figures, a column each."""
    total = [row for row in analysis.endpoints if row.stage == "all"]
    cells = {"Requests": _figure(wording.count(sum(row.requests for row in total)), _lasted(analysis))}
    if analysis.source == "run":
        for label, stages in _parts(analysis).items():
            rows = [row for row in analysis.endpoints if row.stage in stages]
            cells[f"Failed {label}"] = _failed(rows)
        fired = len(analysis.tables.faults)
        cells["Faults fired"] = _figure(wording.count(fired), f"by {wording.plural(_rules_fired(analysis), 'rule')}")
    else:
        cells["Failed"] = _failed(total)
        cells["Endpoints"] = _figure(wording.count(len(total)), "")
    return table(list(cells), [list(cells.values())])


def slos(analysis: Analysis) -> Markdown:
    """The objectives and what was measured for them."""
    headings = ["Objective", "", "Stage", "Endpoint", "Requests", "Measured (95 % interval)"]
    made = [
        [
            code(one.expression),
            _bold(_JUDGED[one.held]),
            one.stage,
            code(one.endpoint) if one.endpoint else "all",
            wording.count(one.measured.n),
            wording.estimate(one.measured),
        ]
        for one in analysis.slos
    ]
    return table(headings, made, "llllrl")


def rules(analysis: Analysis) -> Markdown:
    """The experiment's rules, how often each was reached and how often it fired."""
    reached: Counter[str] = Counter()
    # Plans are few and requests many: count the plans first.
    for plan, times in Counter(analysis.tables.reached.get("rules", ())).items():
        reached.update(dict.fromkeys(plan, times))
    fired = Counter(analysis.tables.faults.get("rule", ()))
    counted = {"Reached": reached, "Fired": fired, "Held back": Counter(analysis.tables.suppressed.get("rule", ()))}
    shown = {label: counts for label, counts in counted.items() if counts or label != "Held back"}
    made = [
        [
            code(rule.get("name", "")),
            code(rule.get("seam", "")),
            _fault(rule),
            _rate(rule.get("rate")),
            _match(rule),
            *(wording.count(counts[str(rule.get("name"))]) for counts in shown.values()),
        ]
        for rule in analysis.experiment.get("rules") or []
    ]
    return table(["Rule", "Seam", "Fault", "Rate", "Match", *shown], made, "lllllrrr")


def endpoints(analysis: Analysis) -> Markdown:
    """Every endpoint, over the whole run and by stage."""
    made, before = [], ""
    for row in analysis.endpoints:
        made.append([code(row.endpoint) if row.endpoint != before else "", *_endpoint(row)])
        before = row.endpoint
    times = [f"p{quantile}, ms" for quantile in (50, 95, 99)]
    return table(["Endpoint", "Stage", "Requests", "Failures", "Success rate, %", *times], made, "llrrrrrr")


def checks(analysis: Analysis) -> Markdown:
    """The questions that the run was asked about itself."""
    said = [_ASKED[one.ok] if one.fatal or one.ok is not False else "warning" for one in analysis.checks]
    made = [[one.name, _bold(word), one.summary] for one, word in zip(analysis.checks, said, strict=True)]
    return table(["Check", "", "What was found"], made)


def circumstances(analysis: Analysis) -> Markdown:
    """What a repetition has to have alike."""
    run = analysis.run
    app, load, host = (run.get(part) or {} for part in ("app", "load", "host"))
    revision = app.get("git_revision")
    known = {
        "Run": run.get("id"),
        "Seed": run.get("seed"),
        "App": app.get("target") or app.get("url"),
        "Revision of the app": f"{revision}{' with uncommitted changes' if app.get('git_dirty') else ''}"
        if revision
        else None,
        "Server": ", ".join(str(part) for part in (app.get("server"), _workers(app)) if part),
        "Load": ", ".join(
            f"{key.replace('_', ' ')} {_plain(value)}"
            for key, value in load.items()
            if value not in (None, [], "") and key != "folder"  # where it was on that machine
        ),
        "Versions": ", ".join(f"{key} {value}" for key, value in (run.get("versions") or {}).items()),
        "Machine": ", ".join(str(part) for part in (host.get("platform"), _cores(host)) if part),
        "Ended": run.get("reason") or run.get("ended_by"),
    }
    return table(["", ""], [[label, value] for label, value in known.items() if value not in (None, "")])


def _plain(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _endpoint(row: EndpointStats) -> list[str]:
    measured = (row.success_rate, row.p50, row.p95, row.p99)
    counted = [wording.count(row.requests), wording.count(row.failures)]
    return [row.stage, *counted, *(wording.estimate(one, unit=False) for one in measured)]


def _parts(analysis: Analysis) -> dict[str, set[str]]:
    """The stages that have rows, by when they were."""
    seen = {row.stage for row in analysis.endpoints if row.stage != "all"}
    parts = {"before": {"baseline"}, "under chaos": seen - {"baseline", "recovery"}, "after": {"recovery"}}
    return {label: stages & seen for label, stages in parts.items() if stages & seen}


def _failed(rows: list[EndpointStats]) -> Markdown:
    failures, requests = sum(row.failures for row in rows), sum(row.requests for row in rows)
    share = proportion(failures, requests)
    said = f"({wording.bounds(share)}), {wording.count(failures)} of {wording.count(requests)}"
    return _figure(wording.estimate(share, interval=False), said if requests else "")


def _figure(value: str, about: str) -> Markdown:
    return Markdown(f"{_bold(value)} {text(about)}")


def _bold(word: str) -> Markdown:
    return Markdown(f"**{text(word)}**")


def _lasted(analysis: Analysis) -> str:
    """From the first request to the last, as in the timeline."""
    seconds = analysis.tables.requests.get("second")
    return "" if seconds is None or seconds.empty else f"in {wording.seconds(float(seconds.max()))}"


def _rules_fired(analysis: Analysis) -> int:
    return len(set(analysis.tables.faults.get("rule", ())))


def _fault(rule: Mapping[str, Any]) -> Markdown:
    settings = dict(rule.get("fault") or {})
    kind = settings.pop("type", "")
    said = [f"{key} {_setting(key, value)}" for key, value in settings.items()]
    said += [f"{key} {rule[key]}" for key in ("phase", "persistence", "gate") if key in rule]
    return Markdown(f"{code(kind)} {text(', '.join(said))}")


def _setting(key: str, value: object) -> str:
    return wording.seconds(value) if key in _IN_SECONDS and isinstance(value, int | float) else str(value)


def _rate(rate: object) -> str:
    if isinstance(rate, dict):
        return ", ".join(f"{wording.percent(share)} in {stage}" for stage, share in rate.items())
    return f"{wording.percent(rate)} in chaos" if isinstance(rate, int | float) else wording.ABSENT


def _match(rule: Mapping[str, Any]) -> Markdown:
    said = []
    for key, value in (rule.get("match") or {}).items():
        patterns = [f"{name}: {pattern}" for name, pattern in value.items()] if isinstance(value, dict) else value
        said.append(f"{text(key)} {', '.join(code(pattern) for pattern in patterns)}")
    return Markdown("; ".join(said) or "everything")


def _workers(app: Mapping[str, Any]) -> str:
    return wording.plural(app["workers"], "worker") if app.get("workers") else ""


def _cores(host: Mapping[str, Any]) -> str:
    return wording.plural(host["cores"], "core") if host.get("cores") else ""
