"""What `chaos-test compare` can be asked, and what does not go together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_test.errors import ChaosTestError

if TYPE_CHECKING:
    import argparse


def check(args: argparse.Namespace) -> None:
    """Raise unless it was said in exactly one way what is to be compared."""
    ways = list(map(bool, (args.runs, args.base or args.other, args.locust_csv, args.itself, args.ref)))
    if sum(ways) != 1:
        raise ChaosTestError(
            "say what to compare in one way: BASE OTHER, --base RUN … --other RUN …, --locust-csv A B, --self RUN, "
            "or --ref A --ref B"
        )
    if args.runs and len(args.runs) != 2:
        raise ChaosTestError(
            f"give two run folders, before and after, not {len(args.runs)}; more go with --base, --other"
        )
    if args.ref and len(args.ref) != 2:
        raise ChaosTestError(f"give --ref twice, before and after, not {len(args.ref)} times")
    if not args.ref and (args.run or args.app_dir or args.requests):
        raise ChaosTestError("--run, --app-dir and --requests go with --ref")
    if args.run and (args.app_dir or args.requests):
        raise ChaosTestError("--app-dir and --requests are the recorded run's: leave them out with --run")
    if bool(args.base) != bool(args.other):
        raise ChaosTestError("--base and --other go together")
