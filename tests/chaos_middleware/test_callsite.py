"""The app's own frame among all others."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from chaos_middleware.callsite import AppFrames, Way, site_of

HERE = Path(__file__).parent


def where(frames):
    """The nearest app frame at the caller."""
    return frames.nearest(sys._getframe(1))


def test_the_innermost_app_frame_is_found():
    """File, line and qualified function name of the caller, when it is the app's."""
    site = where(AppFrames(str(HERE)))
    assert (site.file, site.function) == (__file__, "test_the_innermost_app_frame_is_found")
    assert "site = where" in Path(__file__).read_text().splitlines()[site.line - 1]


def test_library_frames_are_passed_over():
    """A call through the standard library is the app's, where the app called the library."""
    frames = AppFrames(str(HERE))
    sites = []
    json.loads("{}", object_hook=lambda _: sites.append(where(frames)))
    assert sites[0].file == __file__


def test_an_app_elsewhere_has_no_frame_here(tmp_path):
    """None, where nothing of the app is on the stack."""
    assert where(AppFrames(str(tmp_path))) is None


@pytest.mark.parametrize("folder", ["site-packages", ".venv/lib/python3.11/site-packages", "dist-packages"])
def test_installed_packages_below_the_app_are_not_the_app(tmp_path, folder):
    """A virtual environment inside the app's folder is not its source."""
    file = tmp_path / folder / "lib.py"
    file.parent.mkdir(parents=True)
    file.write_text("def call(f):\n    return f()\n")
    namespace = {}
    exec(compile(file.read_text(), str(file), "exec"), namespace)
    assert namespace["call"](lambda: where(AppFrames(str(tmp_path)))) is None
    (tmp_path / "own.py").write_text(file.read_text())
    exec(compile(file.read_text(), str(tmp_path / "own.py"), "exec"), namespace)
    site = namespace["call"](lambda: where(AppFrames(str(tmp_path))))
    assert (site.file, site.line) == (str(tmp_path / "own.py"), 2)


def test_the_standard_library_below_the_app_is_not_the_app():
    """As where the app's folder is a home folder, with Python in it, or /."""
    sites = []
    json.loads("{}", object_hook=lambda _: sites.append(AppFrames("/").nearest(sys._getframe(1))))
    assert sites[0].file == __file__


def test_an_app_in_an_environment_is_the_app_by_any_name(tmp_path, monkeypatch):
    """As in `.venv/src/app`, also where the environment is reached through a link."""
    own = tmp_path / "real" / "src" / "app" / "own.py"
    own.parent.mkdir(parents=True)
    own.write_text("def call(f):\n    return f()\n")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "link"))
    namespace = {}
    exec(compile(own.read_text(), str(own), "exec"), namespace)
    assert namespace["call"](lambda: where(AppFrames(str(own.parent)))).file == str(own)


def test_the_deepest_app_frame_of_a_traceback():
    """The innermost frame of the app's, also where a library raised."""
    with pytest.raises(json.JSONDecodeError) as error:
        json.loads("{")
    site = AppFrames(str(HERE)).deepest(error.value.__traceback__)
    assert site.function == "test_the_deepest_app_frame_of_a_traceback"
    assert AppFrames(str(HERE / "faults")).deepest(error.value.__traceback__) is None


def test_a_way_is_remembered_and_found_anew(tmp_path):
    """A call that comes the same way, by another way, or from deeper in the stack: each has its own line."""
    frames, way = AppFrames(str(HERE)), Way()
    library = {}
    code = "def call(f, more=0):\n    return call(f, more - 1) if more else f()\n"
    exec(compile(code, str(tmp_path / "library.py"), "exec"), library)

    def seam():
        return site_of(frames.along(way, 1))

    def one(more):
        return library["call"](seam, more)

    def other():
        return library["call"](seam, 3)

    first = one.__code__.co_firstlineno + 1
    sites = [one(3), one(3), other(), one(0), one(3), library["call"](seam, 40), seam()]
    assert [site.line - first for site in sites[:5]] == [0, 0, 3, 0, 0]
    assert [site.function.rpartition(".")[2] for site in sites[2:]] == ["other", "one", "one", *[sites[5].function] * 2]
    assert sites[5].function == sites[6].function == "test_a_way_is_remembered_and_found_anew"


def test_a_way_is_the_same_through_more_frames_of_ours():
    """A function that calls itself is asked for its innermost line, also where we come by a longer way at first."""
    frames, way = AppFrames(str(HERE)), Way()

    def seam():
        return site_of(frames.along(way, 1))

    def more(out):
        return more(out - 1) if out else site_of(frames.along(way, 4))

    def seam_with_more():
        return more(2)

    def calls_itself(depth, ask):
        if depth:
            return calls_itself(depth - 1, ask)
        return ask()

    first = calls_itself.__code__.co_firstlineno
    assert [calls_itself(5, ask).line - first for ask in (seam_with_more, seam, seam_with_more)] == [3, 3, 3]
