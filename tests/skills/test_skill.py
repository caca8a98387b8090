"""The `/chaos-test` skill says only what the command can do."""

from __future__ import annotations

import json
import re
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

from chaos_test import reference

SKILL = Path(__file__).parents[2] / "skills" / "chaos-test"
TEXTS = ("SKILL.md", "prompt.txt")
FORMATS = (Path(__file__).parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")
OTHER_PROGRAMS = {"git apply": {"--check"}}


def read(name: str) -> str:
    """One of the skill's files."""
    return (SKILL / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [*TEXTS, "skill.json"])
def test_every_command_exists(name: str) -> None:
    """Whatever follows `chaos-test` in code is a subcommand, and the run is named in each file."""
    named = set(re.findall(r"(?:`|\"|^)chaos-test ([a-z]+)", read(name), re.MULTILINE))
    assert "run" in named
    assert named <= set(reference.commands())


@pytest.mark.parametrize("name", TEXTS)
def test_every_option_exists(name: str) -> None:
    """An option that the skill names is one of the command's, or of a program named here."""
    known = {
        word
        for sub in reference.commands().values()
        for action in reference.options(sub)
        for word in action.option_strings
    }
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", read(name)))
    assert named
    assert named <= known | {"--help"} | OTHER_PROGRAMS["git apply"]


@pytest.mark.parametrize("name", [*TEXTS, "skill.json"])
def test_every_artefact_exists(name: str) -> None:
    """A file that the skill reads is one that a run leaves, by the contract of the formats."""
    named = set(re.findall(r"\b[a-z-]+\.json\b", read(name))) - {"skill.json"}
    assert named
    assert all(f"`{artefact}`" in FORMATS for artefact in named)


def test_the_front_matter_names_the_skill() -> None:
    """Assistants find a skill by its name and description, which may have 1,024 characters."""
    front = yaml.safe_load(read("SKILL.md").split("---")[1])
    assert front["name"] == SKILL.name
    assert 0 < len(front["description"]) <= 1024


def test_the_older_manifest_agrees() -> None:
    """skill.json has the same name, the package's version, and a prompt that exists."""
    manifest = json.loads(read("skill.json"))
    assert (manifest["name"], manifest["version"]) == (SKILL.name, version("chaos-test"))
    assert read(manifest["prompt"])
