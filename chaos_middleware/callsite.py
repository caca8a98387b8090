"""The call site: the app's own frame that made a call, found by walking outward from where the seam sits.

A frame is the app's own when its file lies below the app's folder and in no environment, standard library or
installed package.
"""

from __future__ import annotations

import os
import sys
from dis import findlinestarts
from functools import lru_cache
from types import CodeType, FrameType, TracebackType
from typing import NamedTuple

Spot = tuple[str, CodeType, int]  # a place in running code: file, code, and how far it has come in it
_OUR_FOLDER = os.path.dirname(os.path.abspath(__file__)) + os.sep
_NOT_THE_APP = ("site-packages", "dist-packages")


class Site(NamedTuple):
    """`file` is absolute, `function` the qualified name (Python ≥ 3.11; the bare name before)."""

    file: str
    line: int
    function: str


class Way:
    """How a call last came from the app to us: through how many frames, from which code of the app, in which file.

    The frames are counted from where the library begins, so that the way is the same for whoever of us asks.
    """

    __slots__ = ("last",)

    def __init__(self) -> None:
        self.last: tuple[int, CodeType, str] | None = None


class AppFrames:
    """Tells the app's own frames from all others; each file is looked at once."""

    def __init__(self, app_dir: str) -> None:
        self._root = os.path.join(os.path.realpath(app_dir), "")
        python = [os.path.join(os.path.realpath(path), "") for path in (sys.prefix, os.path.dirname(os.__file__))]
        self._foreign = tuple(folder for folder in python if not self._root.startswith(folder))
        self._files: dict[str, str | None] = {}  # by the name that code has of it: hashing code itself is slow

    def nearest(self, frame: FrameType | None = None) -> Site | None:
        """The innermost frame of the app at or outside `frame` (default: the caller's), or None."""
        spot = self.spot(frame or sys._getframe(1))
        return None if spot is None else site_of(spot)

    def spot(self, frame: FrameType | None) -> Spot | None:
        """As `nearest`, for `site_of` to tell the line later: most calls are never asked for it, and that is slow."""
        files = self._files
        while frame is not None:
            code = frame.f_code
            try:
                file = files[code.co_filename]
            except KeyError:
                file = self._own_file(code.co_filename)
            if file is not None:
                return file, code, frame.f_lasti
            frame = frame.f_back
        return None

    def along(self, way: Way, depth: int) -> Spot | None:
        """As `spot`, `depth` frames out from the caller, for a call that comes again and again by the same way.

        Where the code of the app that it came from last stands as many frames out as then, nothing in between needs a
        look: in deep libraries looking costs more than all else. (It would have to be another way of the same length.)
        """
        last = way.last
        if last is not None:
            out, code, file = last
            try:
                frame = sys._getframe(out + depth)
            except ValueError:  # there are fewer
                return self._found(way, depth)
            if frame.f_code is code:
                return file, code, frame.f_lasti
        return self._found(way, depth)

    def _found(self, way: Way, depth: int) -> Spot | None:
        out = depth + 1  # as `along` counts
        frame: FrameType | None = sys._getframe(out + 1)
        spot = self.spot(frame)
        if spot is not None:
            while frame is not None and frame.f_code is not spot[1]:
                out, frame = out + 1, frame.f_back
            way.last = out - depth, spot[1], spot[0]
        return spot

    def deepest(self, traceback: TracebackType | None) -> Site | None:
        """The innermost frame of the app in a traceback, or None."""
        found = None
        while traceback is not None:
            file = self._own_file(traceback.tb_frame.f_code.co_filename)
            if file is not None:
                found = Site(file, traceback.tb_lineno, _function(traceback.tb_frame.f_code))
            traceback = traceback.tb_next
        return found

    def _own_file(self, name: str) -> str | None:
        try:
            return self._files[name]
        except KeyError:
            file = os.path.realpath(name)
            self._files[name] = file if self._is_own(file) else None
            return self._files[name]

    def _is_own(self, file: str) -> bool:
        if not file.startswith(self._root) or file.startswith(_OUR_FOLDER):
            return False
        inside = file[len(self._root) :].split(os.sep)
        if any(part in _NOT_THE_APP for part in inside) or not os.path.exists(file):
            return False
        return not file.startswith(self._foreign)


@lru_cache(maxsize=1024)
def site_of(spot: Spot) -> Site:
    """The call site at a spot."""
    file, code, reached = spot
    line = code.co_firstlineno
    for begin, at in findlinestarts(code):
        if begin > reached:
            break
        line = at or line
    return Site(file, line, _function(code))


def _function(code: CodeType) -> str:
    return getattr(code, "co_qualname", code.co_name)
