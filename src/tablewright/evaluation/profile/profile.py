"""`profile`: columns, findings and provenance of a table as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from tablewright.evaluation.profile import checks, structure
from tablewright.evaluation.profile.leaks import find_leaks
from tablewright.evaluation.profile.models import Finding, Profile
from tablewright.evaluation.profile.summaries import summarise_column
from tablewright.schema import Schema
from tablewright.tables.inference.casting import untyped
from tablewright.tables.io.provenance import Manifest, Provenance, trace_rows

TOLD = ("identifier", "unsure kind", "copied values", "few rows")
"""Topics of notes that are said wherever a table is learned."""

MAX_CELLS_FOR_LEAKS = 200_000
"""Cells above which a search for leaks would take longer than what it warns of."""


def profile(
    frame: pl.DataFrame,
    schema: Schema,
    path: str | Path | None = None,
    manifests: Sequence[Manifest] | None = None,
) -> Profile:
    """Say what a table holds and what looks wrong in it.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        Typed rows (`tablewright.tables.table.load_table`).
    schema : Schema
        What the columns mean; its target, where it names one.
    path : str, Path or None, default=None
        The file of the table: looked at for a mark and for manifests beside it.
    manifests : sequence of Manifest or None, default=None
        Where rows that this program wrote may come from; those beside the file where None.

    Returns
    -------
    Profile

    Examples
    --------
    >>> from tablewright.tables.table import load_table
    >>> raw = pl.DataFrame({"age": range(20, 80), "label": ["a", "b", "b"] * 20})
    >>> table = load_table(raw)
    >>> profile(table.frame, table.schema).likely_target
    'label'
    """
    likely, reason = structure.find_target(frame, schema)
    known = schema if schema.target or not likely else schema.with_target(likely)
    provenance = trace_rows(untyped(frame, schema), path, manifests)
    findings = [*_say_provenance(provenance), *_find(frame, schema, known)]
    return Profile(
        n_rows=frame.height,
        n_columns=frame.width,
        target=schema.target,
        likely_target=likely,
        why_target=reason,
        dialect=None if schema.dialect is None else schema.dialect.model_dump(),
        columns=[summarise_column(frame[c.name], c) for c in schema.each()],
        findings=sorted(findings, key=lambda finding: finding.severity != "warning"),
        provenance=provenance.sentence(),
        synthetic_share=provenance.share if provenance.can_tell else None,
    )


def to_be_told(frame: pl.DataFrame, schema: Schema) -> list[Finding]:
    """Return what whoever learns a table should know of it: warnings, and what is copied or unsure.

    Examples
    --------
    >>> from tablewright.tables.table import load_table
    >>> table = load_table(pl.DataFrame({"id": [f"A{i:03d}" for i in range(60)], "x": range(60)}))
    >>> [finding.topic for finding in to_be_told(table.frame, table.schema)][:1]
    ['identifier']
    """
    leaks = schema.target is not None and frame.height * frame.width <= MAX_CELLS_FOR_LEAKS
    findings = _find(frame, schema, schema, leaks=leaks)
    return [f for f in findings if f.severity == "warning" or f.topic in TOLD]


def _find(frame: pl.DataFrame, schema: Schema, known: Schema, leaks: bool = True) -> list[Finding]:
    """Look at rows, columns and the target of `known`; warnings first."""
    findings = [
        *(find_leaks(frame, known) if known.target and leaks else []),
        *checks.check_rows(frame, schema),
        *(checks.check_target(frame, known) if known.target else []),
        *structure.find_missing_header(frame, schema),
        *structure.find_sequences(frame, schema),
        *structure.find_foreign_keys(frame, schema),
        *structure.find_duplicate_columns(frame, schema),
        *checks.check_columns(frame, schema),
    ]
    return sorted(findings, key=lambda finding: finding.severity != "warning")


def _say_provenance(provenance: Provenance) -> list[Finding]:
    if not provenance.share:
        return []
    declared = f"{provenance.sentence()}; learning from them teaches this program its own errors"
    return [Finding.warning("synthetic rows", declared)]
