"""`chaos-test` and `python -m chaos_test`: parse, call, one sentence for what goes wrong."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING, NoReturn

from chaos_middleware.errors import ChaosError
from chaos_test.errors import ChaosTestError

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = ("run", "map", "fix", "compare", "report", "ui", "clean")
TOOLKIT = ("locust", "matplotlib", "pandas", "rich", "scipy")
EXIT_USAGE = 2
EXIT_STOPPED = 4


class _Parser(argparse.ArgumentParser):
    """An error is one sentence; the usage is in `--help`."""

    def error(self, message: str) -> NoReturn:
        self.exit(EXIT_USAGE, f"{self.prog}: {message} (see {self.prog} --help)\n")


def main(argv: Sequence[str] | None = None) -> int:
    """The console script; returns the exit code."""
    missing = [name for name in TOOLKIT if find_spec(name) is None]
    if missing:
        return _complain(
            f"{', '.join(missing)} cannot be found; the command needs the toolkit: pip install 'chaos-test[toolkit]'"
        )
    args = parser().parse_args(argv)
    try:
        return int(args.command(args))
    except (ChaosTestError, ChaosError) as error:
        return _complain(str(error))
    except KeyboardInterrupt:
        return EXIT_STOPPED


def parser() -> argparse.ArgumentParser:
    """The whole command line. The subcommands' modules are imported here, not above: they need the toolkit."""
    top = _Parser(
        prog="chaos-test", description="Break a WSGI service on purpose while Locust drives it, and learn why it fails."
    )
    top.add_argument("--version", action="version", version=f"%(prog)s {version('chaos-test')}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in COMMANDS:
        module = import_module(f"chaos_test.{name}")
        sub = commands.add_parser(
            name,
            help=module.HELP,
            description=f"{module.HELP[0].upper()}{module.HELP[1:]}.",
            epilog=module.EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        module.add_arguments(sub)
        sub.set_defaults(command=module.command)
    return top


def _complain(sentence: str) -> int:
    sys.stderr.write(f"chaos-test: {sentence}\n")
    return EXIT_USAGE


if __name__ == "__main__":
    sys.exit(main())
