"""`chaos-test fix`: look at the proposals of a run, apply them, and measure what they do."""

from __future__ import annotations

import argparse
from importlib import import_module

HELP = "list, show, apply and measure the fixes that a run proposes"
EPILOG = """examples:
  chaos-test fix list                     the proposals of the newest run
  chaos-test fix show 2                   the patch, the evidence, why, and what could go wrong
  chaos-test fix apply 2                  change the working tree; with --undo take it back
  chaos-test fix verify --all             measure each patch on a copy, with the same faults
  chaos-test fix verify --patch mine.diff a patch of your own
  chaos-test fix loop                     the best one, then the best on top of it, and so on

exit codes: 0 fine · 1 a patch that was asked for by its number, or one of your own, is worse ·
            2 wrong usage, or it could not be done · 3 the measurement is void · 4 stopped by you"""
ACTIONS = ("list", "show", "apply", "verify", "loop")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The actions, one module each."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    for name in ACTIONS:
        module = import_module(f"chaos_test.fix.{name}")
        action = actions.add_parser(
            name,
            help=module.HELP,
            description=f"{module.HELP[0].upper()}{module.HELP[1:]}.",
            epilog=EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        module.add_arguments(action)
        action.add_argument("--run", metavar="RUN_DIR", help="a run folder (default: the newest in reports)")
        action.set_defaults(action=module.command)


def command(args: argparse.Namespace) -> int:
    """Do it; returns the exit code."""
    return int(args.action(args))
