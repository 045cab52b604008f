"""Synthetic rows for small, skewed or incomplete tables, and the proof whether they help.

>>> from tablewright import CLLM, Synthesizer, connect, evaluate, generate, load
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tablewright.api import compare, evaluate, generate, impute, profile
    from tablewright.errors import TablewrightError
    from tablewright.evaluation.evaluate import Report
    from tablewright.llm import connect
    from tablewright.rules import Rules
    from tablewright.schema import Column, Kind, Schema
    from tablewright.selection import Selector, Trim
    from tablewright.synthesizer.synthesizer import Synthesizer
    from tablewright.systems import load
    from tablewright.systems.cllm.system import CLLM
    from tablewright.systems.date.system import DATE
    from tablewright.systems.epic.system import EPIC
    from tablewright.systems.htdbu.system import HTDBU
    from tablewright.systems.mallm_gan.system import MALLMGAN
    from tablewright.systems.rddg.system import RDDG
    from tablewright.systems.team_then_trim.system import TeamThenTrim

__version__ = version("tablewright")

_HOME = {
    "CLLM": "systems.cllm.system",
    "Column": "schema",
    "DATE": "systems.date.system",
    "EPIC": "systems.epic.system",
    "HTDBU": "systems.htdbu.system",
    "MALLMGAN": "systems.mallm_gan.system",
    "RDDG": "systems.rddg.system",
    "Kind": "schema",
    "Report": "evaluation.evaluate",
    "Rules": "rules",
    "Schema": "schema",
    "Selector": "selection",
    "Synthesizer": "synthesizer.synthesizer",
    "TablewrightError": "errors",
    "TeamThenTrim": "systems.team_then_trim.system",
    "Trim": "selection",
    "compare": "api",
    "connect": "llm",
    "evaluate": "api",
    "generate": "api",
    "impute": "api",
    "load": "systems",
    "profile": "api",
}

__all__ = [
    "CLLM",
    "DATE",
    "EPIC",
    "HTDBU",
    "MALLMGAN",
    "RDDG",
    "Column",
    "Kind",
    "Report",
    "Rules",
    "Schema",
    "Selector",
    "Synthesizer",
    "TablewrightError",
    "TeamThenTrim",
    "Trim",
    "compare",
    "connect",
    "evaluate",
    "generate",
    "impute",
    "load",
    "profile",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that ``--help`` stays quick."""
    if name not in _HOME:
        raise AttributeError(f"module 'tablewright' has no attribute {name!r}")
    return getattr(import_module(f"tablewright.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
