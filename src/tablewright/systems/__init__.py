"""Published systems, one readable file each, composed of the stages below them."""

from tablewright.systems.common.base import System, Wanted
from tablewright.systems.common.choosing import estimator, load
from tablewright.systems.common.result import Result

__all__ = ["Result", "System", "Wanted", "estimator", "load"]
