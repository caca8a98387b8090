"""A pool that asks whether a connection still lives before it hands it out."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import libcst as cst

from chaos_analysis.fixes import _engines
from chaos_analysis.fixes._evidence import summaries
from chaos_analysis.fixes._fix import AlreadyThere, Case, Declined, Fix, Spot
from chaos_analysis.fixes._source import Source

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chaos_analysis.fixes._evidence import Evidence
    from chaos_analysis.model import Proposal

# Below the 350 s after which AWS's Network Load Balancer forgets a connection that lies idle.
RECYCLE = 300
_WANTED = {"pool_pre_ping": "True", "pool_recycle": str(RECYCLE)}


class PoolPrePing(Fix):
    """Sets `pool_pre_ping` and `pool_recycle` where the app's engine is made, or among Flask-SQLAlchemy's options."""

    name = "pool_pre_ping"
    title = "Ask whether a pooled connection still lives"
    reference = (
        "SQLAlchemy, Dealing with Disconnects: "
        "https://docs.sqlalchemy.org/en/20/core/pooling.html#dealing-with-disconnects"
    )

    CASES: ClassVar[tuple[Case, ...]] = (
        Case(
            "an engine",
            before="from sqlalchemy import create_engine\n\nengine = create_engine(URL, echo=True)  # one\n",
            after="""
                from sqlalchemy import create_engine

                engine = create_engine(URL, echo=True, pool_pre_ping=True, pool_recycle=300)  # one
                """,
            at="create_engine(",
        ),
        Case(
            "an engine whose arguments have a line each, and an alias",
            before="""
                import sqlalchemy as sa

                engine = sa.create_engine(
                    URL,
                    pool_pre_ping=False,
                )
                """,
            after="""
                import sqlalchemy as sa

                engine = sa.create_engine(
                    URL,
                    pool_pre_ping=True,
                    pool_recycle=300,
                )
                """,
            at="create_engine(",
        ),
        Case(
            "what the caller says wins",
            before="""
                from sqlalchemy import create_engine


                def make(**settings):
                    return create_engine(URL, **settings)
                """,
            after="""
                from sqlalchemy import create_engine


                def make(**settings):
                    settings = {"pool_recycle": 300, "pool_pre_ping": True, **settings}
                    return create_engine(URL, **settings)
                """,
            at="create_engine(",
        ),
        Case(
            "an extension of Flask",
            before="from flask_sqlalchemy import SQLAlchemy\n\ndb = SQLAlchemy()\n",
            after="""
                from flask_sqlalchemy import SQLAlchemy

                db = SQLAlchemy(engine_options={"pool_recycle": 300, "pool_pre_ping": True})
                """,
            at="SQLAlchemy(",
        ),
        Case(
            "a setting of Flask's, with a limit of its own",
            before="""
                class Config:
                    SQLALCHEMY_ENGINE_OPTIONS = {
                        "pool_size": 20,
                        "pool_recycle": 60,  # the proxy's
                    }
                """,
            after="""
                class Config:
                    SQLALCHEMY_ENGINE_OPTIONS = {
                        "pool_pre_ping": True,
                        "pool_size": 20,
                        "pool_recycle": 60,  # the proxy's
                    }
                """,
            at="SQLALCHEMY_ENGINE_OPTIONS",
        ),
        Case(
            "a setting without anything in it",
            before="app.config['SQLALCHEMY_ENGINE_OPTIONS'] = {}\n",
            after='app.config[\'SQLALCHEMY_ENGINE_OPTIONS\'] = {"pool_recycle": 300, "pool_pre_ping": True}\n',
            at="SQLALCHEMY_ENGINE_OPTIONS",
        ),
        Case(
            "it asks already",
            before="from sqlalchemy import create_engine\n\nengine = create_engine(URL, pool_pre_ping=True)\n",
            declined="asks already",
            at="create_engine(",
        ),
        Case(
            "no pool",
            before="""
                from sqlalchemy import create_engine
                from sqlalchemy.pool import NullPool

                engine = create_engine(URL, poolclass=NullPool)
                """,
            declined="keeps no connections",
            at="create_engine(",
        ),
        Case("no engine", before="engine = make()\n", declined="no engine", at="make"),
    )

    def edit(self, source: str, spot: Spot) -> str:
        """Set both, where they are not set."""
        module = Source(source)
        node = _engines.engine_at(module, spot.line)
        if _engines.without_pool(module, node):
            raise AlreadyThere("the engine keeps no connections")
        asks = _engines.option(module, node, "pool_pre_ping")
        if asks is not None and not (isinstance(asks, cst.Name) and asks.value in ("False", "None")):
            raise AlreadyThere("the pool asks already, or is told elsewhere whether to")
        return _engines.with_options(source, spot.line, _WANTED)

    def propose(self, evidence: Evidence) -> Iterable[Proposal]:
        """One proposal for the engine: the pool is everybody's."""
        patterns = [each for each in evidence.patterns if each.finder == "stale_pool"]
        if not patterns:
            return
        site, spot = patterns[0].site, Spot()
        reason = ""
        try:
            site = _engines.home(evidence, site, _engines.dialect(evidence))
            spot = Spot(line=site.line)
        except Declined as declined:
            reason = str(declined)
        yield from evidence.proposal(
            self,
            patterns,
            site,
            reason or spot,
            what=(
                "Pass `pool_pre_ping=True`, so that a connection is asked before it is handed out and a dead one is "
                f"replaced, and `pool_recycle={RECYCLE}`, so that none gets older than what lies between allows."
            ),
            why=summaries(patterns),
            caution=(
                "It costs a round trip a checkout, and does not save a transaction that is under way: what fails there "
                f"is to be made again as a whole. {RECYCLE} s is below the 350 s after which AWS's Network Load "
                "Balancer forgets an idle connection: take less where your proxy or database does so earlier (MySQL's "
                "wait_timeout)."
            ),
        )
