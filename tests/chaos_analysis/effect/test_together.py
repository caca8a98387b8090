"""Several fixes made one patch."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from chaos_analysis.effect.together import Wanted, combine
from chaos_analysis.fixes._fix import Spot
from chaos_analysis.sources import Sources
from chaos_test import patches

CLIENT = '''\
"""Calls of the shop."""

import requests


class Client:
    def __init__(self, url):
        self.url = url
        self.stock = requests.Session()
        self.reviews = requests.Session()

    def items(self):
        answer = self.stock.get(f"{self.url}/items")
        answer.raise_for_status()
        return answer.json()

    def notes(self):
        return self.reviews.get(f"{self.url}/notes").json()
'''
ITEMS, NOTES = 13, 18


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    """The client's file, as a run keeps it."""
    (tmp_path / "client.py").write_text(CLIENT)
    return Sources(tmp_path)


def wanted(label: str, fix: str, line: int) -> Wanted:
    """A fix of a call of the client."""
    return Wanted(label, fix, "client.py", Spot(line=line, method="GET", timeout=(1.0, 0.5)))


def patched(diff: str, root: Path) -> str:
    """What the client's file is with the patch."""
    text = patches.apply(patches.parse(diff), root)["client.py"]
    assert text is not None
    ast.parse(text)
    return text


@pytest.mark.parametrize("turn", [1, -1])
def test_fixes_of_one_file_are_one_patch_whatever_the_order(sources: Sources, turn: int) -> None:
    """Each is made on what those before it left: imports once, each at its own call, though the lines have moved."""
    every = [
        wanted("1", "http_timeout", ITEMS),
        wanted("2", "retry", ITEMS),
        wanted("3", "retry", NOTES),
        wanted("4", "http_timeout", NOTES),
    ]
    made = combine(every[::turn], sources)
    text = patched(made.diff, sources.root)
    assert sorted(made.labels) == ["1", "2", "3", "4"]
    assert not made.left_out
    assert text.count("from urllib3.util import Retry") == 1
    assert text.count('self.stock.mount("http://"') == text.count('self.reviews.mount("http://"') == 1
    assert text.count("timeout=(1, 0.5)") == 2


def test_what_another_fix_brings_is_not_brought_twice(sources: Sources) -> None:
    """A retry that brings its timeout leaves nothing for the timeout to do."""
    alone = combine([wanted("2", "retry", ITEMS)], sources)
    both = combine([wanted("1", "http_timeout", ITEMS), wanted("2", "retry", ITEMS)], sources)
    assert patched(alone.diff, sources.root) == patched(both.diff, sources.root)
    assert sorted(both.labels) == ["1", "2"]


def test_what_cannot_be_made_is_left_out_and_told(sources: Sources) -> None:
    """A line without a call, a file that was not kept: the others are made all the same."""
    gone = Wanted("9", "http_timeout", "gone.py", Spot(line=3, method="GET", timeout=(1.0, 0.5)))
    made = combine([wanted("1", "http_timeout", ITEMS), wanted("8", "retry", 1), gone], sources)
    assert made.labels == ("1",)
    assert [label for label, _ in made.left_out] == ["9", "8"]
    assert all(why for _, why in made.left_out)


def test_paths_start_at_the_top_of_the_repository(sources: Sources) -> None:
    """So that `git apply` takes the patch there; nothing to do is no patch."""
    made = combine([wanted("1", "http_timeout", ITEMS)], sources, "services/shop/")
    assert made.diff.startswith("--- a/services/shop/client.py\n+++ b/services/shop/client.py\n")
    assert combine([], sources).diff == ""
