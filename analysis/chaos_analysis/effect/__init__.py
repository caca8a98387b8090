"""What a change does: the same requests with the same faults, sent to the code without it and with it, in turn.

`measure` compares two run folders of one script, `judge` says what the figures come to. Pairs are requests that both
have by key; steps that only one side reached are counted, never paired.
"""

from __future__ import annotations

from chaos_analysis.effect.apart import apart, own_names, rest
from chaos_analysis.effect.judging import judge, judge_all
from chaos_analysis.effect.measuring import measure
from chaos_analysis.effect.values import ENDPOINTS, IMPORTS, RUNS, Effect, Gate, Measured

__all__ = [
    "ENDPOINTS",
    "IMPORTS",
    "RUNS",
    "Effect",
    "Gate",
    "Measured",
    "apart",
    "judge",
    "judge_all",
    "measure",
    "own_names",
    "rest",
]
