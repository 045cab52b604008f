"""Published systems, one readable file each, composed of the stages below them."""

from tablewright.systems.common.base import System
from tablewright.systems.common.choosing import estimator, load
from tablewright.systems.common.request import SampleRequest
from tablewright.systems.common.result import Result, RowsWarning

__all__ = ["Result", "RowsWarning", "SampleRequest", "System", "estimator", "load"]
