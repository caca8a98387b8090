"""The bench in words: a line a run, a row a finder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.truth.collect import Service
from benchmarks.truth.judge import Judgement
from benchmarks.truth.run import Ran

Result = tuple[Service, Ran, Judgement]


def lines(service: Service, ran: Ran, judged: Judgement) -> Iterator[str]:
    """What a run came to, and what is not as it should be."""
    good = judged.good and not ran.error
    whole = good and (ran.mending is None or ran.mending.good)
    yield f"{'ok  ' if whole else 'FAIL'} {service.title:40} {ran.seconds:5.1f} s"
    yield from (f"       run {number} went wrong: {crowd}" for number, crowd in enumerate(ran.again, 1))
    yield from _mending(ran)
    if good:
        return
    if ran.error:
        yield f"       worth nothing: {ran.error}"
    yield from (f"       missed: {what}" for what in judged.missed)
    yield from (f"       wrong site: {said.text}" for said in judged.wrong)
    yield from (f"       false: {said.finder}: {said.text}" for said in judged.false)
    yield f"       see {ran.folder}"


def _mending(ran: Ran) -> Iterator[str]:
    """What the patches did, or what people have to decide."""
    if ran.mending is None:
        return
    for each in ran.mending.mended:
        mended = "mended by" if each.good else "NOT mended by"
        yield f"       {mended} {each.fix}: {each.verdict}, {each.left:.0%} of the failures left: {each.reason}"
    yield from (f"       MISSING: {name} was to mend it" for name in ran.mending.missing)
    if not ran.mending.mended:
        told = [text.partition(". ")[0] for text in ran.mending.decide]
        yield from (f"       people decide: {text}" for text in told)
        if not told:
            yield "       NOTHING is proposed for it"


def summary(results: Sequence[Result], seconds: float) -> str:
    """A row a finder, and the totals."""
    finders = {service.about.finder for service, _, _ in results if service.about.finder}
    finders |= {said.finder for _, _, judged in results for said in (*judged.false, *judged.wrong)}
    rows = [("finder", "defects", "found", "missed", "false", "site right", "site wrong")]
    rows += [_row(finder, results) for finder in sorted(finders)]
    totals = [sum(int(row[column]) for row in rows[1:]) for column in range(1, len(rows[0]))]
    rows.append(("all", *map(str, totals)))
    clean = [service for service, _, _ in results if service.kind != "defect"]
    spoilt = sum(bool(ran.error) for _, ran, _ in results)
    text = [f"{row[0]:24}" + "".join(f"{cell:>12}" for cell in row[1:]) for row in rows]
    tail = f"{len(results)} runs, {len(clean)} of them of twins and decoys, in {seconds:.0f} s"
    return "\n".join(["", *text, "", tail + (f"; {spoilt} worth nothing" if spoilt else "")])


def _row(finder: str, results: Sequence[Result]) -> tuple[str, ...]:
    own = [judged for service, _, judged in results if service.about.finder == finder and service.kind == "defect"]
    said = [judged for _, _, judged in results]
    found, missed = sum(one.found for one in own), sum(len(one.missed) for one in own)
    false = sum(each.finder == finder for one in said for each in one.false)
    wrong = sum(each.finder == finder for one in said for each in one.wrong)
    return (finder, *map(str, (found + missed, found, missed, false, sum(one.right for one in own), wrong)))
