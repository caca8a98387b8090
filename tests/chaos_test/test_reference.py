"""Every option is documented, and the page is the parser's."""

from __future__ import annotations

from pathlib import Path

from chaos_test import reference

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"


def test_the_page_is_what_the_parser_says() -> None:
    """docs/cli.md is made anew with `python -m chaos_test.reference > docs/cli.md` whenever an option changes."""
    assert PAGE.read_text(encoding="utf-8") == reference.page()


def test_every_option_says_what_it_does() -> None:
    """No argument is without help or without a name for its value."""
    for name, sub in reference.commands().items():
        for action in reference.options(sub):
            assert action.help, f"{name} {action.dest}"
            assert action.metavar or action.nargs == 0, f"{name} {action.dest}"


def test_every_command_has_a_description_and_an_epilog() -> None:
    """`--help` ends with examples or what to expect."""
    assert all(sub.description and sub.epilog for sub in reference.commands().values())
