"""Everything that a run needs to know, checked before anything is started."""

from __future__ import annotations

import math
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from chaos_middleware.experiment import FAULT_FREE_STAGES
from chaos_test import experiment, ports, target
from chaos_test.analysis import stage_of_slo
from chaos_test.errors import ChaosTestError

if TYPE_CHECKING:
    import argparse

    from chaos_test.experiment import Prepared
    from chaos_test.target import Target

DEFAULT_REQUESTS = 2500
ENOUGH_REQUESTS = 100


@dataclass(frozen=True)
class Plan:
    """A run as it will be. `requests` or `run_time` (seconds) is None: a run is planned by the one or the other.

    `dealt`: iterations get the stages in turn. `server`: what serves the app, None for the best that there is.
    `script`: a file of iterations to send instead, and the folder of its turns. `ledger` is where a service that runs
    already keeps its ledger, None where that is not known.
    """

    target: Target
    experiment: Prepared
    ledger: Path | None
    port: int
    workers: int
    locustfiles: tuple[Path, ...]
    endpoints: tuple[str, ...]
    users: int
    requests: int | None
    run_time: float | None
    processes: int
    deadline: float
    time_limit: float
    enough_after: float
    slos: tuple[str, ...]
    out: Path
    dealt: bool = False
    server: str | None = None
    script: tuple[Path, Path] | None = None

    @property
    def url(self) -> str:
        """Where the service is driven."""
        return self.target.url or f"http://127.0.0.1:{self.port}"

    @property
    def stop_timeout(self) -> int:
        """Seconds that Locust waits for requests in flight: longer than the deadline, so that none is dropped."""
        return math.ceil(self.deadline) + 2


def make(args: argparse.Namespace) -> Plan:
    """The plan that the command line asks for; raises `ChaosTestError` or `ExperimentError` with what is wrong."""
    chosen = target.resolve(args)
    prepared = _experiment(args, chosen)
    run_time = experiment.duration(prepared.value)
    if run_time is not None and args.requests:
        raise ChaosTestError(
            "--requests cannot be kept by stages in seconds: give shares, e.g. --stages baseline=20%,chaos=80%"
        )
    if chosen.url and not target.is_loopback(chosen.url) and not prepared.value.safety.allow_remote:
        raise ChaosTestError(
            f"--url {chosen.url} is not on this machine; safety.allow_remote in the experiment would allow it"
        )
    locustfiles, endpoints = _load(args, chosen)
    return Plan(
        target=chosen,
        experiment=prepared,
        ledger=_ledger(args),
        port=0 if chosen.url else free_port(args.port, "--port"),
        workers=args.workers,
        locustfiles=locustfiles,
        endpoints=endpoints,
        users=args.users,
        requests=None if run_time else args.requests or DEFAULT_REQUESTS,
        run_time=run_time,
        processes=args.processes,
        deadline=args.deadline,
        time_limit=args.time_limit or max(120.0, (run_time or 0) + 30),
        enough_after=args.enough_after,
        slos=_slos(args, prepared, _config(args, chosen)),
        out=Path(args.out).resolve(),
    )


def _config(args: argparse.Namespace, chosen: Target) -> Path:
    if args.config:
        return Path(args.config)
    return chosen.path(chosen.table.config) if chosen.table.config else experiment.DEFAULT_CONFIG


def _experiment(args: argparse.Namespace, chosen: Target) -> Prepared:
    if args.run_time and args.stages and any(stage.seconds for stage in args.stages):
        raise ChaosTestError("--run-time and --stages in seconds say the same thing twice: give one of them")
    planned = None if chosen.url else args.requests or DEFAULT_REQUESTS
    return experiment.prepare(
        _config(args, chosen), seed=args.seed, stages=args.stages, run_time=args.run_time, requests=planned
    )


def _ledger(args: argparse.Namespace) -> Path | None:
    if not args.ledger:
        return None
    if not args.url:
        raise ChaosTestError("--ledger goes with --url: the ledger of an app that is started here is in its run folder")
    folder = Path(args.ledger)
    if not (folder / "faults").is_dir():
        raise ChaosTestError(f"--ledger {folder}: there is no folder faults in it; give the service's CHAOS_RUN_DIR")
    if not os.access(folder, os.W_OK):
        raise ChaosTestError(f"--ledger {folder}: it cannot be written to; the lease that ends faults goes there")
    return folder


def _load(args: argparse.Namespace, chosen: Target) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """What the load is made of; what the command line gives replaces what the table gives."""
    files = tuple(Path(name) for name in args.locustfile)
    endpoints = tuple(args.endpoint)
    if not files and not endpoints:
        files = tuple(chosen.path(name) for name in chosen.table.locustfiles)
        endpoints = chosen.table.endpoints
    if not files and not endpoints:
        raise ChaosTestError("no load is named: give --locustfile FILE or --endpoint 'GET /path'")
    for file in files:
        _check_locustfile(file)
    return tuple(file.resolve() for file in files), endpoints


def _check_locustfile(file: Path) -> None:
    if file.suffix != ".py" or not file.is_file():
        raise ChaosTestError(f"--locustfile {file}: there is no such Python file")
    if "," in str(file):
        raise ChaosTestError(f"--locustfile {file}: Locust takes no path with a comma in it")
    try:
        compile(file.read_bytes(), str(file), "exec")
    except (SyntaxError, ValueError) as error:
        raise ChaosTestError(f"--locustfile {file}: not Python: {error}") from None


def _slos(args: argparse.Namespace, prepared: Prepared, file: Path) -> tuple[str, ...]:
    """The objectives; the experiment's own on stages that `--stages` has replaced are left out."""
    stages = [stage.name for stage in prepared.value.stages]
    asked = {slo: stage_of_slo(slo) for slo in args.slo} if args.slo else _declared(prepared, file)
    if args.stages and not args.slo:
        return tuple(slo for slo, stage in asked.items() if stage is None or stage in stages)
    for slo, stage in asked.items():
        if stage is not None and stage not in stages:
            raise ChaosTestError(f"{slo!r}: the run has no stage {stage!r}; expected one of {', '.join(stages)}")
        if stage is None and args.slo and not any(name in stages for name in FAULT_FREE_STAGES):
            raise ChaosTestError(f"{slo!r}: the run has no baseline and no recovery; add in {' or in '.join(stages)}")
    return tuple(asked)


def _declared(prepared: Prepared, file: Path) -> dict[str, str | None]:
    """The experiment's own objectives, and the stages that they name."""
    asked = {}
    for index, slo in enumerate(prepared.value.steady_state):
        try:
            asked[slo] = stage_of_slo(slo)
        except ChaosTestError as error:
            raise ChaosTestError(f"{file}: steady_state[{index}]: {error}") from None
    return asked


def free_port(wanted: int | None, option: str) -> int:
    """The port asked for, if it is free; else any free one."""
    if not wanted:
        return ports.free()
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError as error:
            raise ChaosTestError(f"{option} {wanted} cannot be used: {error.strerror}") from None
    return wanted
