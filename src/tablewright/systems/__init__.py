"""Published systems, one readable file each, composed of the stages below them."""

from tablewright.systems.base import System, Wanted
from tablewright.systems.choosing import estimator, load
from tablewright.systems.result import Result

__all__ = ["Result", "System", "Wanted", "estimator", "load"]
