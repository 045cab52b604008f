"""Synthetic rows for small, skewed or incomplete tables, and the proof whether they help.

>>> from tablewright import Synthesizer, evaluate, generate
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tablewright.api import evaluate, generate, profile
    from tablewright.errors import TablewrightError
    from tablewright.evaluation.evaluate import Report
    from tablewright.schema import Column, Kind, Schema
    from tablewright.selection import Trim
    from tablewright.synthesizer.synthesizer import Synthesizer

__version__ = version("tablewright")

_HOME = {
    "Column": "schema",
    "Kind": "schema",
    "Report": "evaluation.evaluate",
    "Schema": "schema",
    "Synthesizer": "synthesizer.synthesizer",
    "TablewrightError": "errors",
    "Trim": "selection",
    "evaluate": "api",
    "generate": "api",
    "profile": "api",
}

__all__ = [
    "Column",
    "Kind",
    "Report",
    "Schema",
    "Synthesizer",
    "TablewrightError",
    "Trim",
    "evaluate",
    "generate",
    "profile",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that ``--help`` stays quick."""
    if name not in _HOME:
        raise AttributeError(f"module 'tablewright' has no attribute {name!r}")
    return getattr(import_module(f"tablewright.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
