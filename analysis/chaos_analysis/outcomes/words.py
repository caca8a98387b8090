"""The outcomes a fault can have, in the order in which they are shown: from what is well to what is not known."""

from __future__ import annotations

OUTCOMES = ("handled", "retried", "degraded", "wrong", "propagated", "hung", "lost", "crashed", "unknown")
