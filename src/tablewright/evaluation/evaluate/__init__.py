"""Whether generated rows can be used, are faithful, and are safe."""

from tablewright.evaluation.evaluate.evaluate import evaluate
from tablewright.evaluation.evaluate.reading import read_leniently
from tablewright.evaluation.evaluate.report import Report
from tablewright.evaluation.evaluate.tables import EFFORTS, Effort
from tablewright.metrics.scores import Score
from tablewright.metrics.verdict import Verdict, Word

__all__ = ["EFFORTS", "Effort", "Report", "Score", "Verdict", "Word", "evaluate", "read_leniently"]
