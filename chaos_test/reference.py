"""docs/cli.md, made from the parser: `python -m chaos_test.reference > docs/cli.md`. A test keeps the two together.

Not argparse's own layout: that differs between Python versions and terminals.
"""

from __future__ import annotations

import argparse
import sys

from chaos_test.__main__ import parser

_HEAD = """# The command line

Made by `python -m chaos_test.reference > docs/cli.md` from what `--help` says; change it there.
"""


def page() -> str:
    """The whole page as Markdown."""
    return "\n".join([_HEAD, *(_command(name, sub) for name, sub in commands().items())])


def commands() -> dict[str, argparse.ArgumentParser]:
    """Each subcommand's parser by its name, those of `fix` after it."""
    found: dict[str, argparse.ArgumentParser] = {}
    for name, sub in _subs(parser()).items():
        found[name] = sub
        found |= {f"{name} {action}": each for action, each in _subs(sub).items()}
    return found


def _subs(of: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    return {
        name: sub
        for action in of._actions
        if isinstance(action, argparse._SubParsersAction)
        for name, sub in action.choices.items()
    }


def options(sub: argparse.ArgumentParser) -> list[argparse.Action]:
    """What a subcommand takes, without `--help`."""
    return [
        action for action in sub._actions if not isinstance(action, argparse._HelpAction | argparse._SubParsersAction)
    ]


def _command(name: str, sub: argparse.ArgumentParser) -> str:
    rows = [
        f"| `{_written(action)}` | {(action.help or '').replace('%%', '%').replace('|', chr(92) + '|')} |"
        for action in options(sub)
    ]
    table = ["| argument | meaning |", "| --- | --- |", *rows, ""] if rows else []
    epilog = ["```text", sub.epilog, "```", ""] if sub.epilog and " " not in name else []
    return "\n".join([f"## chaos-test {name}\n", f"{sub.description}\n", *table, *epilog])


def _written(action: argparse.Action) -> str:
    if action.nargs == 0:
        return action.option_strings[0]
    metavar = f"{action.metavar}"
    return f"{action.option_strings[0]} {metavar}" if action.option_strings else f"[{metavar}]"


if __name__ == "__main__":
    sys.stdout.write(page())
