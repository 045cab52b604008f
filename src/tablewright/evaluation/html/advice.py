"""What to do about a report, a sentence each, most urgent first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

GIVEN_AWAY = 0.02
"""AUC lost without a column from which on it is named."""


def advise(report: Mapping[str, Any]) -> list[str]:
    """Return what follows from a report.

    Examples
    --------
    >>> advise({"alarms": ["the holdout is none"]})[0][:29]
    'Set real rows aside before an'
    """
    if report.get("alarms"):
        return [
            "Set real rows aside before anything is learned, make the rows anew, and judge again: "
            "until then no number of this page counts."
        ]
    steps = [_training(report["verdict"]), *_rest(report)]
    return [step for step in steps if step]


def _training(verdict: Mapping[str, Any]) -> str:
    word, sentence = verdict["verdict"], verdict["sentence"]
    if word == "helps":
        return (
            "Train on the real and the generated rows together, and go on testing on real rows "
            "that had no part in making them."
        )
    if word == "harms":
        return "Train on the real rows alone: with these rows a model gets worse."
    if "copies of real rows" in sentence:
        return "Resample the real rows to this class mix instead: copies do as well."
    if "no target" in sentence:
        return "Name a target (--target): then it is tested whether a model learns from the rows."
    return "Train on the real rows alone: that these rows help is not shown."


def _rest(report: Mapping[str, Any]) -> list[str]:
    names = {key: {s["name"] for s in scores} for key, scores in report["sections"].items()}
    found = {finding["score"] for finding in report["findings"]}
    steps = []
    if found & names.get("privacy", set()):
        steps.append(
            "Do not hand these rows on before the signs of copying below are dealt with: "
            "tablewright trim drops rows that equal or nearly equal a real one."
        )
    if "rule_violations" in found:
        steps.append("Give the rules while rows are made (--rules): then every row keeps them.")
    if given := given_away(report):
        names_ = ", ".join(repr(name) for name in given)
        steps.append(f"Look first at {names_} under Fidelity: they set generated rows apart most.")
    few = report["facts"]["rows"]["holdout"]
    if few < 100:
        steps.append(f"Set more rows aside: {few} are few to tell anything by.")
    return steps


def given_away(report: Mapping[str, Any]) -> list[str]:
    """Return up to three columns by which generated rows are told from real ones most."""
    scores = (score for section in report["sections"].values() for score in section)
    detected = next((score for score in scores if score["name"] == "detection_boosted"), None)
    losses: Mapping[str, float] = detected["details"].get("columns", {}) if detected else {}
    ordered = sorted(losses, key=lambda name: -losses[name])
    return [name for name in ordered if losses[name] > GIVEN_AWAY][:3]
