"""A profile as plain data."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from tablewright.display import as_text
from tablewright.evaluation.profile.rendering import profile_panel, render_profile


class Finding(BaseModel):
    """One thing about a table that its user should know.

    Parameters
    ----------
    topic : str
        In two or three words, always the same for the same thing: ``"leaky column"``.
    severity : {"warning", "note"}
        A warning may spoil what is learned; a note may surprise.
    columns : list of str, default=[]
        Where it was found; the whole table where empty.
    sentence : str
        What was found, with numbers, and what to do about it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    topic: str
    severity: Literal["warning", "note"] = "note"
    columns: list[str] = Field(default_factory=list)
    sentence: str

    @classmethod
    def note(cls, topic: str, sentence: str, *columns: str) -> Self:
        """Return what may surprise."""
        return cls(topic=topic, columns=list(columns), sentence=sentence)

    @classmethod
    def warning(cls, topic: str, sentence: str, *columns: str) -> Self:
        """Return what may spoil what is learned."""
        return cls(topic=topic, severity="warning", columns=list(columns), sentence=sentence)


class ColumnProfile(BaseModel):
    """What one column holds.

    Parameters
    ----------
    name, kind, why : str
    confidence : float
        How sure the kind is, from 0 to 1.
    dtype : str or None
        Data type as the column came.
    format : str or None
        How the values are written in text: ``"$#,##0.00"``, ``"%d.%m.%Y"``.
    n_missing, n_distinct : int
        Missing values; different values among the others.
    sentinels : dict
        Codes found, as text, with the number of rows that hold them.
    numbers : dict
        Of numeric columns: minimum, quartiles, mean, standard deviation, maximum; dates and
        times as ISO 8601 text.
    top : list of (value, count)
        The most frequent values of other columns; of identifiers and texts none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    kind: str
    confidence: float
    why: str
    dtype: str | None
    format: str | None = None
    n_missing: int
    n_distinct: int
    sentinels: dict[str, int] = Field(default_factory=dict)
    numbers: dict[str, Any] = Field(default_factory=dict)
    top: list[tuple[Any, int]] = Field(default_factory=list)


class Profile(BaseModel):
    """What a table holds, and what looks wrong in it.

    Parameters
    ----------
    n_rows, n_columns : int
    target : str or None
        The target that was named.
    likely_target : str or None
        The column that looks like one, where none was named.
    why_target : str
        Why it does.
    dialect : dict or None
        How the text file is written: separator, decimal mark, encoding.
    columns : list of ColumnProfile
    findings : list of Finding
        Warnings first.
    provenance : str
        One sentence: whether the table holds rows that this program wrote.
    synthetic_share : float or None
        Part of the rows known to be such, from 0 to 1; None where nothing can be told.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    profile_version: int = 1
    n_rows: int
    n_columns: int
    target: str | None
    likely_target: str | None
    why_target: str
    dialect: dict[str, Any] | None = None
    columns: list[ColumnProfile]
    findings: list[Finding]
    provenance: str
    synthetic_share: float | None

    def about(self, topic: str) -> list[Finding]:
        """Give the findings of one topic."""
        return [finding for finding in self.findings if finding.topic == topic]

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        return as_text(render_profile(self))

    def _repr_html_(self) -> str:
        return profile_panel(self)

    def to_json(self) -> str:
        """Write the profile as JSON text."""
        return self.model_dump_json(indent=2)
