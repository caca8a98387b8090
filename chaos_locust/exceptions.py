"""What left a user's task, and where in the user's own code: `requests/exceptions-<part>.jsonl`."""

from __future__ import annotations

import sysconfig
import traceback
from pathlib import Path

_MAX_TEXT = 500
_OURS = Path(__file__).parent
_LIBRARIES = (_OURS, *(Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib", "platlib")))


def told(exception: BaseException) -> dict[str, object]:
    """Class, text, and file and line of the innermost frame that is no library's; of any where all are."""
    frames = traceback.extract_tb(exception.__traceback__)
    own = [frame for frame in frames if not any(map(Path(frame.filename).is_relative_to, _LIBRARIES))]
    frame = next(iter((own or frames)[-1:]), None)
    return {
        "class": type(exception).__name__,
        "text": str(exception)[:_MAX_TEXT],
        "file": _from_here(Path(frame.filename)) if frame else "",
        "line": (frame.lineno or 0) if frame else 0,
    }


def _from_here(file: Path) -> str:
    here = Path.cwd()
    return str(file.relative_to(here) if file.is_relative_to(here) else file)
