"""The truth bench: does each finder find what is there, where it is, and nothing else? `python -m benchmarks.truth`.

Runs every service in `cases/` (see README.md) with each seed, two at once, and prints what each finder found, missed
and claimed falsely. What went wrong while others took the machine is run again at the end, alone. Exit code 1 where
anything is missed, wrong or false; then the run's folder is kept and named.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks.truth import chance, servers, table
from benchmarks.truth.collect import CaseError, Service, services
from benchmarks.truth.judge import Judgement, judge
from benchmarks.truth.run import ROOT, Ran, leave_ctrl_c_to_runs, run, says_nothing

SEEDS = (1, 2, 3)
TRIES = 3  # of a run that went wrong while others took the machine


def main(argv: Sequence[str] | None = None) -> int:
    """Run, judge, print; 1 where anything is not as it should be, 2 for what cannot be run."""
    args = _arguments().parse_args(argv)
    try:
        chosen = services(args.case or None)
    except CaseError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    seeds = args.seed or SEEDS
    args.out.mkdir(parents=True, exist_ok=True)
    out = Path(tempfile.mkdtemp(prefix="truth-", dir=args.out))
    try:
        return _bench(chosen, seeds, args, out)
    finally:
        if not any(out.iterdir()):
            out.rmdir()


def _bench(chosen: Sequence[Service], seeds: Sequence[int], args: argparse.Namespace, out: Path) -> int:
    started, results = time.monotonic(), []
    enough = chance.of_all(service.about for service in chosen for _ in seeds)
    print(f"{len(chosen)} services, seeds {', '.join(map(str, seeds))}, {args.jobs} at once;", end=" ")
    print(f"all meet faults enough with a probability of {enough:.2%}", flush=True)
    needs = {need for service in chosen for need in service.about.needs}
    with servers.started(needs) as addresses:
        for service, ran in _all(chosen, seeds, out, addresses, jobs=args.jobs, mend=args.mend):
            judged = Judgement() if ran.error else judge(service, ran.patterns)
            results.append((service, ran, judged))
            print("\n".join(table.lines(service, ran, judged)), flush=True)
            good = judged.good and not ran.error and (ran.mending is None or ran.mending.good)
            if good and not args.keep:
                shutil.rmtree(out / ran.folder.relative_to(out).parts[0])
    print(table.summary(results, time.monotonic() - started))
    unmended = any(ran.mending is not None and not ran.mending.good for _, ran, _ in results)
    return int(unmended or any(ran.error or not judged.good for _, ran, judged in results))


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.truth", description=__doc__)
    parser.add_argument("case", nargs="*", help="only these (default: all)")
    parser.add_argument("--seed", type=int, action="append", metavar="N", help="several times for several (1, 2, 3)")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="services at once (default 2)")
    parser.add_argument("--keep", action="store_true", help="keep the run folders of what is right too")
    parser.add_argument("--mend", action="store_true", help="apply and measure what is proposed, with the first seed")
    out = ROOT / "reports"
    parser.add_argument("--out", type=lambda name: Path(name).resolve(), default=out, help="where run folders go")
    return parser


def _all(
    chosen: Sequence[Service],
    seeds: Sequence[int],
    out: Path,
    addresses: servers.Addresses,
    *,
    jobs: int,
    mend: bool,
) -> Iterator[tuple[Service, Ran]]:
    """Each service with each seed, as they end; `mend`: with the first seed, its patches are measured, too."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, spawn, initializer=leave_ctrl_c_to_runs) as pool:
        under_way, crowded = {}, []
        for number, (seed, service) in enumerate(itertools.product(seeds, chosen)):
            env = partial(servers.variables, addresses, service.about.needs, number)
            make = partial(pool.submit, run, service, seed, out, env, mending=mend and seed == seeds[0])
            under_way[make()] = service, make
        try:
            for done in as_completed(under_way):
                service, make = under_way[done]
                if says_nothing(service, done.result()):
                    crowded.append((service, make, done.result()))
                else:
                    yield service, done.result()
            for service, make, ran in crowded:
                yield service, _alone(service, make, ran)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _alone(service: Service, make: Callable[[], Future[Ran]], first: Ran) -> Ran:
    """What a run that says nothing is when it is made again, now that the bench has nothing else to do."""
    ran = first
    while says_nothing(service, ran) and len(ran.again) < TRIES - 1:
        ran = replace(make().result(), again=(*ran.again, ran.crowded))
    return ran


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
