"""Whether generated rows can be used, are faithful, and are safe."""

from tablewright.evaluation.evaluate.evaluate import evaluate
from tablewright.evaluation.evaluate.report import Report

__all__ = ["Report", "evaluate"]
