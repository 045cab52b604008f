"""The systems that are measured: how each is made, and what a run of it tells."""

from __future__ import annotations

from collections import Counter
from typing import Any

import polars as pl

from benchmarks.real_models.tables import Split
from tablewright import CLLM, EPIC, TeamThenTrim
from tablewright.llm.endpoint.client import Client
from tablewright.rules import Rules, check_rules
from tablewright.systems.common.base import System
from tablewright.systems.htdbu.system import HTDBU
from tablewright.systems.htdbu.texts import TextColumn
from tablewright.tables.inference.casting import typed


def epic(split: Split, llm: Client | None) -> System:
    """Rows after sets of examples."""
    return EPIC(split.target, llm=llm, random_state=0)


def cllm(split: Split, llm: Client | None) -> System:
    """Rows as JSON, curated."""
    return CLLM(split.target, llm=llm, topic=split.about, random_state=0)


def team(split: Split, llm: Client | None) -> System:
    """Rows column by column."""
    return TeamThenTrim(split.target, llm=llm, topic=split.about, random_state=0)


def probabilities(split: Split, llm: Client | None) -> System:
    """Rows of the local body, with labels drawn from probabilities of the model."""
    return TeamThenTrim(
        split.target, llm=None if llm is None else {"label": llm}, topic=split.about,
        labels="written" if llm is None else "probabilities", random_state=0,
    )  # fmt: skip


def rules(split: Split, llm: Client | None) -> System:
    """Rows of the local body, under rules of the model; without a model under no rule."""
    if llm is None:
        return HTDBU(split.target, rules=[], random_state=0)
    return HTDBU(split.target, llm={"rules": llm}, random_state=0)


def texts(split: Split, llm: Client | None) -> System:
    """Rows with a text that the model writes; without a model with real texts."""
    column = TextColumn(split.text, split.target, texts="real" if llm is None else "model")
    kinds = {split.text: {"kind": "text"}, split.target: {"kind": "categorical"}}
    return HTDBU(
        split.target, rules=[], texts=column, schema=kinds, random_state=0,
        llm=None if llm is None else {"text": llm},
    )  # fmt: skip


SYSTEMS = {
    "epic": epic, "cllm": cllm, "team-then-trim": team, "probabilities": probabilities,
    "rules": rules, "texts": texts,
}  # fmt: skip


def suits(name: str, split: Split) -> bool:
    """Whether a system can be tried on a table: texts need one with a column of texts."""
    return (name == "texts") == bool(split.text)


def facts(system: System, split: Split) -> dict[str, Any]:
    """Return what is told of a run's rows and, where they have any, of rules and labels."""
    result = system.result_
    stages = Counter(result.rejected["_stage"].to_list()) if result.rejected.height else {}
    reasons = Counter(result.rejected["_reason"].to_list()) if result.rejected.height else {}
    told: dict[str, Any] = {
        "proposed": result.n_proposed,
        "unreadable": dict(result.parse_errors),
        "rejected": dict(stages),
        "reasons": dict(Counter(reasons).most_common(6)),
        "copy rate": round(result.copy_rate, 3),
        "copy reference": round(result.copy_rate_reference, 3),
        "notes": result.notes,
        "stopped": None if result.stopped is None else str(result.stopped),
    }
    if "plan" in result.details:
        told["plan"] = result.details["plan"].to_dict()
        told["plan by"] = result.details["plan"].made
    if isinstance(system, HTDBU) and system.written_.n_samples:
        told["rules"] = _rules(system, split)
    if result.details.get("texts"):
        told["texts"] = result.details["texts"]
    return told


def _rules(system: HTDBU, split: Split) -> dict[str, Any]:
    written = system.written_
    return {
        "proposed": len(written.proposals),
        "dropped": [[str(p.rule.described()), p.dropped] for p in written.proposals if p.dropped],
        "refused": [[one.text, one.reason] for one in written.refused],
        "kept": [rule.described() for rule in written.rules],
        "held-out": _held_out(written.rules, split.test, system),
    }


def _held_out(found: Rules, test: pl.DataFrame, system: HTDBU) -> list[float]:
    """Return for each rule the share of held-out real rows that break it."""
    rows = typed(test, system.schema_)
    report = check_rules(rows, found, system.schema_, real=system.train_)
    return [round(report[rule.name].rate, 4) for rule in found]
