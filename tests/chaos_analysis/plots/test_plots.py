import struct
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from chaos_analysis import plots
from chaos_analysis.effect import judge
from chaos_analysis.model import Analysis
from chaos_analysis.plots import PLOTS, _bins, _contrast, _stages, _style, causes, draw_all, heatmap, latency
from chaos_analysis.report import pictures
from tests.chaos_analysis.report import sample

LONG = tuple(f"GET /api/v{i}/very/long/path/$x^{i}$/[id]/<script>/日本語/that/goes/on/and/on" for i in range(30))


def _name(plot: ModuleType) -> str:
    return plot.__name__.rpartition(".")[2]


def _titles(analysis: Analysis, out: Path) -> dict[str, str]:
    return {name: picture.alt for name, picture in pictures.read(draw_all(analysis, out)).items()}


def test_every_plot_in_the_folder_is_drawn() -> None:
    """A file without a leading underscore is a plot and stands in `PLOTS`."""
    files = {path.stem for path in Path(plots.__file__).parent.glob("[!_]*.py")}
    assert {_name(plot) for plot in PLOTS} == files


def test_a_run_has_its_four_pictures_and_plain_statistics_theirs(tmp_path: Path) -> None:
    """Each source gets the plots that it has data for, in the order of `PLOTS`, and no partial file stays."""
    assert [path.name for path in draw_all(sample.analysis(), tmp_path)] == [
        "timeline.png",
        "latency.png",
        "heatmap.png",
        "causes.png",
    ]
    assert len(list(tmp_path.iterdir())) == 4
    assert [path.stem for path in draw_all(sample.csv_analysis(), tmp_path)] == ["timeline", "failures", "percentiles"]


def test_every_plot_has_something_to_show_somewhere(tmp_path: Path) -> None:
    """No plot is dead: a run and plain statistics together draw all of them, once a fix was measured."""
    measured = sample.with_effects(judge([sample.measured(81, 1)]))
    drawn = draw_all(measured, tmp_path) + draw_all(sample.csv_analysis(), tmp_path)
    assert {path.stem for path in drawn} == {_name(plot) for plot in PLOTS}


@pytest.mark.parametrize("n", [0, 1, 2, 5, 40])
def test_tiny_runs_are_drawn_or_left_out(n: int, tmp_path: Path) -> None:
    """Too few rows are no error, and no finding is claimed from them."""
    titles = _titles(sample.analysis(sample.requests(n), endpoints=()), tmp_path)
    assert ("timeline" in titles) == (n > 0)
    assert all("rose" not in title for title in titles.values())


def test_broken_rows_do_not_stop_a_picture(tmp_path: Path) -> None:
    """A row without a start or a response time is left out."""
    rows = sample.requests(300)
    rows.loc[5:9, ["started", "second"]] = np.nan
    rows.loc[20:24, "response_ms"] = np.nan
    assert len(draw_all(sample.analysis(rows), tmp_path)) == 4


def test_many_endpoints_with_long_names_fit(tmp_path: Path) -> None:
    """A picture keeps the report's width, says how many endpoints it leaves out, and takes "$" for a dollar."""
    paths = draw_all(sample.analysis(sample.requests(6000, LONG)), tmp_path)
    widths = [struct.unpack(">I", path.read_bytes()[16:20])[0] for path in paths]
    assert set(widths) == {1440}
    assert "(12 of 30 endpoints shown)" in pictures.read(paths)["latency"].alt


def test_titles_state_what_the_data_say(tmp_path: Path) -> None:
    """Each figure in a title is the table's own."""
    rows = sample.requests(2000)
    titles = _titles(sample.analysis(rows), tmp_path)
    chaos = rows[rows["stage"] == "chaos"]
    assert f"to {100 * (1 - chaos['ok'].mean()):.1f} % while faults were on" in titles["timeline"]
    failed = rows[~rows["ok"]]
    worst = failed[failed["rule"] == "payments-503"]
    met = f"{len(worst)} requests that met only payments-503 failed, at {worst['endpoint'].nunique()} endpoints"
    assert titles["heatmap"] == f"100 % of {met}; without a fault 0.38 % there"
    assert titles["causes"].startswith(f"{100 * len(worst) / len(failed):.1f} % of {len(failed)} failures are put")


def test_a_fault_is_blamed_for_what_it_is_proven_to_cause_alone(tmp_path: Path) -> None:
    """Failures of requests that met a harmless fault are no bar of that fault, though it is all that they met."""
    rows = sample.requests(2000)
    analysis = sample.analysis(rows)
    decoy = analysis.causes.assign(proven=analysis.causes["rule"] == "fares-down")
    with mpl.rc_context(_style.SETTINGS):
        figure = causes.draw(replace(analysis, causes=decoy))
    assert figure is not None
    assert {label.get_text() for label in figure.axes[0].get_yticklabels()} == {
        *("cause not proven", "no fault", "before any fault", "fares-down")
    }


def test_what_met_no_fault_is_one_share_whenever_it_failed(tmp_path: Path) -> None:
    """Failures before, beside and after the faults add up in the title; with one kind alone it is named."""
    rows = sample.requests(2000, lethal=False)
    rows["ok"] = ~rows.index.isin(np.flatnonzero(rows["rule"] == "")[::50])
    failed = rows.loc[~rows["ok"], "stage"]
    title = _titles(sample.analysis(rows), tmp_path)["causes"]
    assert title.startswith(f"100 % of {len(failed)} failures met no fault: ")
    assert f"{100 * (failed == 'baseline').mean():.1f} % before any" in title
    rows["ok"] |= rows["stage"] != "baseline"
    title = _titles(sample.analysis(rows), tmp_path)["causes"]
    assert title == f"100 % of {(~rows['ok']).sum()} failures met no fault, before any"


def test_a_fault_is_held_against_its_own_endpoints(tmp_path: Path) -> None:
    """An endpoint that always fails makes no harmless fault that is met there the deadliest, and no control worse."""
    rows = sample.requests(2000)
    broken = rows["endpoint"] == "POST /api/bookings"
    rows = rows[~broken | rows["rule"].isin(["", "edge-latency"])].assign(ok=lambda table: table["ok"] & ~broken)
    title = _titles(sample.analysis(rows), tmp_path)["heatmap"]
    assert title.startswith("100 % of ")
    assert float(title.rpartition(" % there")[0].rpartition(" ")[2]) < 1


def test_no_harm_is_not_told_as_harm(tmp_path: Path) -> None:
    """Faults that made nothing fail give no cause, no rise and no deadly fault."""
    titles = _titles(sample.analysis(sample.requests(2000, lethal=False)), tmp_path)
    assert titles["timeline"].startswith("No clear change in failures: 0 % before, 0 % while faults were on")
    assert titles["heatmap"].startswith("No single fault made more requests fail")
    assert "causes" not in titles


def test_drawing_leaves_no_global_state(tmp_path: Path) -> None:
    """The caller's matplotlib settings are as before."""
    before = dict(mpl.rcParams)
    draw_all(sample.analysis(sample.requests(100)), tmp_path)
    assert dict(mpl.rcParams) == before


def test_slices_add_up_to_the_requests() -> None:
    """Rates times the slices' lengths are the rows, and each slice begins where the one before ended."""
    rows = sample.requests(2000)
    slices = _bins.of(sample.analysis(rows))
    length = slices["end"] - slices["start"]
    assert (slices["requests"] * length).sum() == pytest.approx(len(rows))
    assert (slices["failures"] * length).sum() == pytest.approx((~rows["ok"]).sum())
    assert slices["start"].iloc[1:].tolist() == slices["end"].iloc[:-1].tolist()


def test_no_slice_has_the_requests_of_two_stages() -> None:
    """What the faults did is not shown where there were none, though a stage is shorter than a slice."""
    rows = sample.requests(40)
    rows["ok"] = rows["stage"] != "chaos"
    rows["response_ms"] = np.where(rows["stage"] == "baseline", 10.0, 500.0)
    slices = _bins.of(sample.analysis(rows))
    baseline, *chaos, recovery = _stages.spans(sample.analysis(rows).tables)
    quiet = (slices["end"] <= baseline.end + 0.01) | (slices["start"] >= recovery.start - 0.01)
    assert quiet.sum() >= 2
    assert (slices.loc[quiet, "failures"] == 0).all()
    assert (slices.loc[~quiet & (slices["requests"] > 0), "failures"] > 0).all()
    assert slices.loc[slices["start"] == 0, "p95"].tolist() == [10.0]
    assert len(chaos) == 1


def test_history_gives_rates_from_differences_of_totals() -> None:
    """Locust's smoothed rates are not used; 50 requests a second are 50."""
    slices = _bins.of(sample.csv_analysis())
    assert slices["requests"].tolist() == [50.0] * 59
    assert slices["failures"].tolist() == [3.0] * 59


def _ok(failed: int, n: int) -> "pd.Series[bool]":
    return pd.Series([False] * failed + [True] * (n - failed))


@pytest.mark.parametrize(
    ("before", "during", "said"),
    [
        ((2, 400), (280, 1400), "Failures rose from 0.5 % to 20 % while faults were on"),
        ((2, 100), (30, 1400), "No clear change in failures: 2 % before, 2.1 % while faults were on"),
        ((200, 400), (20, 1400), "Failures fell from 50 % to 1.4 % while faults were on"),
        ((0, 3), (3, 3), "Too few requests to compare: 0 of 3 failed before, 3 of 3 while faults were on"),
        ((0, 0), (3, 30), "10 % of 30 requests failed while faults were on"),
        ((3, 30), (0, 0), "10 % of 30 requests failed; no faults were on"),
    ],
)
def test_a_change_is_told_where_the_data_support_it(
    before: tuple[int, int], during: tuple[int, int], said: str
) -> None:
    """Rise and fall need an interval of the difference that leaves out zero, and twenty requests on both sides."""
    assert _contrast.failures(_ok(*before), _ok(*during)) == said


def test_the_difference_has_newcombes_interval() -> None:
    """Newcombe 1998, table II (a): 56/70 against 48/80 is 0.2 with 0.0524 to 0.3339."""
    assert _contrast.difference(48, 80, 56, 70) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_recovery_names_the_last_failure() -> None:
    """The delay counts from the end of the faults; many failures are told as a share."""
    after = pd.DataFrame({"second": np.arange(30.0, 60.0, 0.1)})
    after["ok"] = after["second"] != after["second"][12]
    assert _contrast.recovery(after, 30.0) == "0.33 % after, the last 1.2 s after the faults ended"
    after["ok"] = after["second"] > 45
    assert _contrast.recovery(after, 30.0).startswith("still 50")


def test_stages_follow_one_another() -> None:
    """Parts that change over at slightly different times give one span a stage, without overlap."""
    tables = sample.tables(sample.requests(600))
    later = tables.stages.assign(started=tables.stages["started"] + 0.4, ended=tables.stages["ended"] + 0.4)
    both = replace(tables, stages=pd.concat([tables.stages, later]))
    spans = _stages.spans(both)
    assert [span.name for span in spans] == ["baseline", "chaos", "recovery"]
    assert all(left.end <= right.start for left, right in pairwise(spans))
    assert [span.on for span in spans] == [False, True, False]


def test_a_cell_with_few_requests_has_no_percentage() -> None:
    """Fewer than five requests are told as their number."""
    rows = sample.requests(200, ("GET /",))
    with mpl.rc_context(_style.SETTINGS):
        figure = heatmap.draw(sample.analysis(rows))
    assert figure is not None
    cells = [text.get_text() for text in figure.axes[0].texts]
    counts = rows[(rows["stage"] == "chaos") & (rows["rule"] == "edge-exception")]
    assert len(counts) < 5
    assert f"n={len(counts)}" in cells


def test_cells_with_few_requests_stay_apart() -> None:
    """The lines between cells lie above the hatching."""
    with mpl.rc_context(_style.SETTINGS):
        figure = heatmap.draw(sample.analysis(sample.requests(200, ("GET /",))))
    assert figure is not None
    axes = figure.axes[0]
    hatched = [patch.get_zorder() for patch in axes.patches if patch.get_hatch()]
    assert hatched
    assert max(hatched) < axes.xaxis.get_zorder() == 0.5


def test_each_column_of_panels_has_its_axis_labelled() -> None:
    """Also the third of five panels, below which there is none."""
    with mpl.rc_context(_style.SETTINGS):
        figure = latency.draw(sample.analysis(sample.requests(600, LONG[:5])))
        assert figure is not None
        figure.canvas.draw()
    labelled = [any(tick.label1.get_visible() for tick in axes.xaxis.get_major_ticks()) for axes in figure.axes[:5]]
    assert labelled == [False, False, True, True, True]


def test_names_are_cut_in_the_middle() -> None:
    """Both ends of a long name stay, as they tell endpoints apart."""
    assert _style.shorten("GET /api/v1/destinations/[slug]/fares", 20) == "GET /api/…lug]/fares"


def test_no_word_stands_alone_in_a_last_line() -> None:
    """As few lines as it takes, all about as long; what is overlong is cut, and a word of its own is broken."""
    assert _style.wrap("Answer 503 when a dependency of it fails", 34) == [
        "Answer 503 when a",
        "dependency of it fails",
    ]
    assert _style.wrap("short", 34) == ["short"]
    assert _style.wrap("", 34) == []
    assert _style.wrap("one two three four", 9, most=1) == ["one two …"]
    assert _style.wrap("a" * 15, 10) == ["a" * 8, "a" * 7]


@pytest.mark.parametrize(("rules", "turned"), [(2, 0.0), (12, 35.0)])
def test_rules_are_named_across_where_there_is_room(rules: int, turned: float) -> None:
    """Parts of a name below one another where the whole has none; askew where not even the parts fit."""
    rows = sample.requests(2000, ("GET /",))
    rows["rule"] = [f"a-remarkably-long-rule-{at % rules}" if rule else "" for at, rule in enumerate(rows["rule"])]
    with mpl.rc_context(_style.SETTINGS):
        figure = heatmap.draw(sample.analysis(rows))
    assert figure is not None
    labels = figure.axes[0].get_xticklabels()
    assert len(labels) == rules + 1
    assert {label.get_rotation() for label in labels} == {turned}


def test_the_worst_endpoint_is_named_where_it_is_one(tmp_path: Path) -> None:
    """Several that are equal are counted, as none of them is the worst."""
    known = sample.csv_analysis()
    rows = [replace(row, p99=replace(row.p99, value=2300.0)) for row in known.endpoints]
    equal = replace(known, endpoints=tuple(rows))
    titles = _titles(equal, tmp_path)
    assert titles["failures"] == "4 endpoints failed most, with 60 of 240 failures each"
    assert titles["percentiles"].startswith("4 endpoints have the slowest tail: p99 2.3 s")
    first = next(row for row in rows if row.stage == "all")
    worse = replace(first, failures=61, p99=replace(first.p99, value=9000.0))
    endpoints = tuple(worse if row is first else row for row in rows)
    titles = _titles(replace(equal, endpoints=endpoints), tmp_path)
    assert titles["failures"] == f"25.3 % of 241 failures came from {first.endpoint}"
    assert titles["percentiles"].startswith(f"{first.endpoint} has the slowest tail: p99 9 s")
