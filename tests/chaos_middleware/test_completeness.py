"""A fault or a seam is a file, an entry, a test and a heading; one without the others is not finished."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest

import chaos_middleware
from chaos_middleware.experiment import parse
from chaos_middleware.faults import FAULTS
from chaos_middleware.seams import SEAM_FAULTS

HERE = Path(__file__).parent
PACKAGE = Path(chaos_middleware.__file__).parent
DOCS = HERE.parents[1] / "docs"
SCHEMA = json.loads((PACKAGE / "experiment.schema.json").read_text())
NO_FAULT = {"__init__", "base"}
NO_SEAM = {"__init__", "edge"}  # edge: how the faults of `wsgi` act

NAMES = [fault.name for fault in FAULTS]


def headings(page):
    """The second-level headings of a page of the docs."""
    return re.findall(r"^## (.+)$", (DOCS / page).read_text(), re.MULTILINE)


def examples():
    """The rules shown in docs/faults.md."""
    return [
        json.loads(block) for block in re.findall(r"```json\n(.+?)```", (DOCS / "faults.md").read_text(), re.DOTALL)
    ]


def test_every_fault_is_listed_once():
    """A file in faults/ is a fault in FAULTS under the file's name."""
    files = {file.stem for file in (PACKAGE / "faults").glob("*.py")} - NO_FAULT
    assert files == set(NAMES)
    assert len(NAMES) == len(set(NAMES))
    assert all(fault.__module__.rpartition(".")[2] == fault.name for fault in FAULTS)


@pytest.mark.parametrize("name", NAMES)
def test_every_fault_is_tested_and_explained(name):
    """A test module of its name, a heading of its name with an example rule, and a place in the schema."""
    assert (HERE / "faults" / f"test_{name}.py").exists()
    assert name in headings("faults.md")
    assert name in SCHEMA["$defs"]
    assert any(name in faults for faults in SEAM_FAULTS.values())
    assert name in {rule["fault"]["type"] for rule in examples()}


def test_nothing_is_explained_that_is_not_there():
    """No heading without its fault or seam."""
    assert headings("faults.md") == NAMES
    assert headings("seams.md") == list(SEAM_FAULTS)


@pytest.mark.parametrize("rule", examples(), ids=lambda rule: rule["name"])
def test_the_examples_are_valid(rule):
    """Reader and schema take every rule that the docs show."""
    links = [{"name": "fares", "env": "FARES_URL"}, {"name": "client"}]
    value = {"version": 1, "network": {"links": links}, "rules": [rule]}
    assert parse(value).rules[0].name == rule["name"]
    jsonschema.validate(value, SCHEMA)


def test_every_seam_is_a_file_with_a_test():
    """A file or folder in seams/ is a seam in SEAM_FAULTS."""
    here = {path.stem for path in (PACKAGE / "seams").iterdir() if path.stem != "__pycache__"} - NO_SEAM
    assert here == set(SEAM_FAULTS)
    for name in SEAM_FAULTS:
        assert (HERE / "seams" / f"test_{name}.py").exists() or (HERE / "seams" / name).is_dir()


def test_the_table_says_what_each_seam_can_have():
    """docs/faults.md's table and SEAM_FAULTS are one."""
    page = (DOCS / "faults.md").read_text()
    (head,) = re.findall(r"^\| fault \|(.+)\|$", page, re.MULTILINE)
    assert [cell.strip(" `") for cell in head.split("|")] == list(SEAM_FAULTS)
    rows = re.findall(r"^\| \[`(\w+)`\]\(#\w+\) \|(.+)\|$", page, re.MULTILINE)
    assert [name for name, _ in rows] == NAMES
    words = {None: "", "": "yes"}
    for name, cells in rows:
        had = [words.get(faults.get(name), "before") for faults in SEAM_FAULTS.values()]
        assert [cell.strip() for cell in cells.split("|")] == had, name
