"""For tests: a stand-in language model, and checks that parts keep their contracts.

Whatever is measured with the stand-in model is a simulation.
"""

from tablewright.testing.conformance import check_generator, check_llm, check_row_format
from tablewright.testing.faults import Faults
from tablewright.testing.population import Population
from tablewright.testing.server import Served, Transport, serve
from tablewright.testing.stand_in import StandIn

__all__ = [
    "Faults",
    "Population",
    "Served",
    "StandIn",
    "Transport",
    "check_generator",
    "check_llm",
    "check_row_format",
    "serve",
]
