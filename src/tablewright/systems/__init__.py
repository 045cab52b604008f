"""Published systems, one readable file each, composed of the stages below them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tablewright.systems.common.base import System
    from tablewright.systems.common.choosing import estimator, load
    from tablewright.systems.common.request import SampleRequest
    from tablewright.systems.common.result import Result, RowsWarning

__all__ = ["Result", "RowsWarning", "SampleRequest", "System", "estimator", "load"]

_HOME = {
    "Result": "result",
    "RowsWarning": "result",
    "SampleRequest": "request",
    "System": "base",
    "estimator": "choosing",
    "load": "choosing",
}


def __getattr__(name: str) -> Any:
    """Import a name when it is first used: a model is read without what systems need."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.common.{_HOME[name]}"), name)
