"""The one exception of the command: what is wrong, where, and what is allowed, in a sentence.

ChaosTestError      shown as `chaos-test: …` on stderr, without a traceback; exit code 2
"""

from __future__ import annotations


class ChaosTestError(Exception):
    """What the caller must change, or what could not be started."""

    @property
    def brief(self) -> str:
        """One line: where a log is quoted, what went wrong and the log's last line."""
        first, *quoted = str(self).splitlines()
        return f"{first.partition(';')[0]}: {quoted[-1].strip()}" if quoted else first
