"""`ChaosMiddleware`: wraps a WSGI application. Off, it costs one attribute test; on, it opens each keyed request to
the rules.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from chaos_middleware.answers import StartResponse, WsgiApp
from chaos_middleware.callsite import AppFrames
from chaos_middleware.carry import CARRY
from chaos_middleware.control import Control
from chaos_middleware.experiment import Experiment, load
from chaos_middleware.injector import Injector
from chaos_middleware.ledger import Ledger
from chaos_middleware.seams import SEAMS
from chaos_middleware.seams.wsgi import Edge
from chaos_middleware.unseen import UNSEEN

PATCHES = (CARRY, UNSEEN, *SEAMS)


class ChaosMiddleware:
    """Faults for the requests of `app`, as an experiment says.

        app.wsgi_app = ChaosMiddleware(app.wsgi_app)     # off unless CHAOS_ENABLED=1; experiment from CHAOS_CONFIG

    experiment: an `Experiment`, the path of a chaos-config.json, or None for the path in `CHAOS_CONFIG`; without any,
    it is off.
    enabled: opt in by code; None asks `CHAOS_ENABLED=1`.
    run_dir: where the ledger, lease and kill switch are; None asks `CHAOS_RUN_DIR`; without any, no ledger is kept.
    app_dir: root of the app's own source, for call sites; None asks `CHAOS_APP_DIR`, else the current folder.

    Raises `ExperimentError` for an experiment that is not valid.
    """

    def __init__(
        self,
        app: WsgiApp,
        experiment: Experiment | str | Path | None = None,
        *,
        enabled: bool | None = None,
        run_dir: str | Path | None = None,
        app_dir: str | Path | None = None,
    ) -> None:
        self.app = app
        self._edge: Edge | None = None
        self.injector: Injector | None = None
        enabled = os.environ.get("CHAOS_ENABLED") == "1" if enabled is None else enabled
        experiment = experiment or os.environ.get("CHAOS_CONFIG")
        if not enabled or not experiment:
            return
        if not isinstance(experiment, Experiment):
            experiment = load(experiment)
        folder = run_dir or os.environ.get("CHAOS_RUN_DIR")
        run = Path(folder) if folder else None
        if run:
            with suppress(OSError):  # the first record says what is wrong
                (run / "faults").mkdir(parents=True, exist_ok=True)  # `chaos-test run --ledger` looks for it
        self.injector = Injector(
            experiment,
            Ledger(
                run and run / "faults",
                server=os.environ.get("CHAOS_SERVER"),
                seed=experiment.seed,
                experiment=experiment.sha256,
            ),
            Control(experiment.safety, run),
            AppFrames(str(app_dir or os.environ.get("CHAOS_APP_DIR") or Path.cwd())),
        )
        self._edge = Edge(app, self.injector)
        for patches in PATCHES:
            patches.install()

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Serve a request."""
        if self._edge is None:
            return self.app(environ, start_response)
        return self._edge(environ, start_response)

    def uninstall(self) -> None:
        """Take every fault and every patch away for good; the app is served as if it had never been wrapped."""
        if self._edge is None or self.injector is None:
            return
        for patches in PATCHES:
            patches.uninstall()
        self._edge.uninstall()
        self._edge = None
        self.injector.control.stop()
        self.injector.ledger.close()
