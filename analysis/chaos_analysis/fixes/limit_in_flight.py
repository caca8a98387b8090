"""At most so many requests in a process at a time: the others are told 503 at once, and to come again."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from chaos_analysis.fixes._apps import home, made
from chaos_analysis.fixes._concurrency import of_requests
from chaos_analysis.fixes._declare import imports
from chaos_analysis.fixes._edits import free_name
from chaos_analysis.fixes._evidence import summaries
from chaos_analysis.fixes._fix import AlreadyThere, Case, Fix, Spot
from chaos_analysis.fixes._reads import with_diff
from chaos_analysis.fixes._source import Source
from chaos_analysis.patterns.collateral import OWN

if TYPE_CHECKING:
    from collections.abc import Iterable

    import libcst as cst

    from chaos_analysis.fixes._evidence import Evidence
    from chaos_analysis.model import Pattern, Proposal

_LEAST = 8  # a page and what belongs to it come at once, for two browsers
_MARK = "has_slot"


class LimitInFlight(Fix):
    """Takes a slot before each request and gives it back after it, where the app is made; without one, 503 at once."""

    name = "limit_in_flight"
    title = "Refuse requests early when too many are under way"
    reference = (
        "Google, Site Reliability Engineering, Handling Overload: https://sre.google/sre-book/handling-overload/; "
        "RFC 9110, 503 Service Unavailable: https://www.rfc-editor.org/rfc/rfc9110#section-15.6.4"
    )

    CASES: ClassVar[tuple[Case, ...]] = (
        Case(
            "a module",
            before="""
                import os

                import flask

                app = flask.Flask(__name__)  # the shop


                @app.get("/")
                def index():
                    return os.environ["NAME"]
                """,
            after="""
                import os
                from threading import BoundedSemaphore

                import flask
                from flask import g
                from werkzeug.exceptions import ServiceUnavailable

                app = flask.Flask(__name__)  # the shop
                slots = BoundedSemaphore(16)  # requests at a time in this process


                @app.before_request
                def take_slot():
                    if not slots.acquire(blocking=False):
                        raise ServiceUnavailable("Too many requests at a time.", retry_after=1)
                    g.has_slot = True


                @app.teardown_request
                def return_slot(_error):
                    if g.pop("has_slot", False):
                        slots.release()


                @app.get("/")
                def index():
                    return os.environ["NAME"]
                """,
            known={"in_flight": 16},
        ),
        Case(
            "a factory with annotations, in which a name is taken",
            before="""
                from flask import Flask


                def create_app() -> Flask:
                  app: Flask = Flask(__name__)
                  slots = 3
                  return app
                """,
            after="""
                from threading import BoundedSemaphore

                from flask import Flask, g
                from werkzeug.exceptions import ServiceUnavailable


                def create_app() -> Flask:
                  app: Flask = Flask(__name__)
                  slots_2 = BoundedSemaphore(16)  # requests at a time in this process

                  @app.before_request
                  def take_slot() -> None:
                    if not slots_2.acquire(blocking=False):
                      raise ServiceUnavailable("Too many requests at a time.", retry_after=1)
                    g.has_slot = True

                  @app.teardown_request
                  def return_slot(_error: object) -> None:
                    if g.pop("has_slot", False):
                      slots_2.release()

                  slots = 3
                  return app
                """,
            known={"in_flight": 16},
        ),
        Case(
            "two apps",
            before="""
                from flask import Flask

                app = Flask(__name__)
                admin = Flask("admin")
                """,
            declined="2 places",
            known={"in_flight": 16},
        ),
    )

    def edit(self, source: str, spot: Spot) -> str:
        """Put the slots and the two functions below the line that makes the app."""
        module = Source(source)
        app = made(module)
        if _MARK in source:
            raise AlreadyThere("the app has a limit already")
        names = ("threading", "BoundedSemaphore"), ("flask", "g"), ("werkzeug.exceptions", "ServiceUnavailable")
        slots, take, back = (free_name(module, each) for each in ("slots", "take_slot", "return_slot"))
        annotated = app.function is not None and app.function.returns is not None
        nothing, error = (" -> None", "_error: object") if annotated else ("", "_error")
        gap = [""] if app.function is not None else ["", ""]
        lines = [
            f"{slots} = BoundedSemaphore({spot.in_flight})  # requests at a time in this process",
            *gap,
            f"@{app.name}.before_request",
            f"def {take}(){nothing}:",
            f"\tif not {slots}.acquire(blocking=False):",
            '\t\traise ServiceUnavailable("Too many requests at a time.", retry_after=1)',
            f"\tg.{_MARK} = True",
            *gap,
            f"@{app.name}.teardown_request",
            f"def {back}({error}){nothing}:",
            f'\tif g.pop("{_MARK}", False):',
            f"\t\t{slots}.release()",
            *([""] if app.function is not None and not _is_empty_below(module, app.line) else []),
        ]
        step = module.module.default_indent
        return module.splice(
            [*imports(module, (), *names), module.after(app.line, [line.replace("\t", step) for line in lines])]
        )

    def propose(self, evidence: Evidence) -> Iterable[Proposal]:
        """One proposal for the app, where requests failed beside others' faults, or trouble outlasted the faults, while
        more of them were under way than the limit: fewer, and it refuses nobody.
        """
        site, level = home(evidence.sources), of_requests(evidence)
        if site is None or isinstance(level, str):
            return
        limit = max(_LEAST, level.limit)
        patterns = [
            each
            for each in evidence.patterns
            if each.finder in ("collateral", "slow_recovery")
            and not each.id.startswith(OWN)
            and _in_a_crowd(evidence, each, limit)
        ]
        if not patterns:
            return
        yield from with_diff(
            evidence.proposal(
                self,
                patterns,
                site,
                Spot(line=site.line, in_flight=limit),
                what=(
                    "Bound the requests that a process has in hand: one beyond that is answered 503 with Retry-After "
                    "at once, through the app's handler of HTTP errors, and costs nothing that others need."
                ),
                why=(
                    f"{summaries(patterns)} Most of these began while more were under way than this lets in. "
                    f"{level.told} {_LEAST} are the least."
                ),
                caution=(
                    "It keeps what is accepted fast and does not mend what is shared: look for that first. Refused "
                    "requests are failures to their callers. The limit is from this machine and this load: compare "
                    "with production's before shipping, and keep it below the server's threads. Health checks are "
                    "refused, too: leave them out where they tell a load balancer to take the process away. An answer "
                    "that is streamed counts until it begins."
                ),
            )
        )


def _in_a_crowd(evidence: Evidence, pattern: Pattern, limit: int) -> bool:
    """Whether most of its requests began while more than so many were under way in each process: without a fault, and
    failed, or after the faults slower than each one before them.
    """
    rows = evidence.tables.requests
    first = rows["stage"] == rows.sort_values("started")["stage"].iloc[0]
    worst = rows["endpoint"].map(rows[first].groupby("endpoint")["response_ms"].max())
    slow = (rows["response_ms"] > worst) & (pattern.finder == "slow_recovery") & (rows["stage"] == "recovery")
    mine = rows["control"] & ~first & (~rows["ok"] | slow)
    if pattern.endpoint is not None:
        mine &= rows["endpoint"] == pattern.endpoint
    begun = rows["started"].to_numpy(float)
    ended = np.sort(begun + np.nan_to_num(rows["response_ms"].to_numpy(float)) / 1000)
    at = begun[mine.to_numpy(bool)]
    under_way = np.searchsorted(np.sort(begun), at, side="right") - np.searchsorted(ended, at)
    processes = max(1, int((evidence.run.get("app") or {}).get("workers") or 1))
    return bool(np.mean(under_way > limit * processes) > 0.5) if len(at) else False


def _is_empty_below(source: Source, line: cst.CSTNode) -> bool:
    """Whether an empty line, or nothing, follows."""
    end = source.line_end(source.span(line)[1])
    return not source.text[end : source.line_end(end)].strip()
