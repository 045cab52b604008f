"""Does the model know the table by heart? Then rows that it writes may be rows it has read.

Three questions: can it complete the header, continue real rows, name rare values that it was
not shown. Each answer is set beside what a model would reach that has never seen the table.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import polars as pl
from scipy import stats

from tablewright.errors import InputError, ModelError
from tablewright.llm.endpoint.base import LLM, Prompt, Reply, complete_all
from tablewright.llm.endpoint.tokens import estimate_tokens
from tablewright.llm.prompts.builder import PromptBuilder, sharing_of
from tablewright.llm.prompts.sharing import Cell, Sharing
from tablewright.llm.rows.cells import CellError, read_cell
from tablewright.llm.rows.csv_rows import CsvRows
from tablewright.llm.rows.lenient_json import find_containers
from tablewright.llm.rows.parser import parse_rows
from tablewright.schema import Column, Schema

T = TypeVar("T")
_SHOWN, _CONTINUED = 8, 3
_BESIDE = 64
"""Tokens that a reply may have beside what is expected of it."""

_TEN_VALUES = '["some words", ' * 10
"""As long as ten values are."""

_RARE = 2
_UNLIKELY = 0.01


@dataclass(frozen=True)
class Memorized:
    """What a model knows of a table without having been shown it.

    Attributes
    ----------
    header : float or None
        Share of the second half of the column names that it named.
    rows, rows_by_chance : float or None
        Share of the next rows that it gave exactly, and how often such an answer equals
        some other row of the table. None where rows may not be shown.
    rare_values : float or None
        Share of the values it named that occur once or twice in the table.
    p_value : float or None
        How likely as many exact rows would be by chance.
    unanswered : int
        Questions that got no answer; they count nowhere.
    stopped : ModelError or None
        What ended the questions before their time: a cap, or Ctrl-C.
    """

    header: float | None
    rows: float | None
    rows_by_chance: float | None
    rare_values: float | None
    p_value: float | None
    unanswered: int = 0
    stopped: ModelError | None = None

    @property
    def suspicious(self) -> bool:
        """Whether the table seems to be known: its rows, or header and rare values together."""
        by_rows = self.p_value is not None and self.p_value < _UNLIKELY
        return by_rows or ((self.header or 0.0) > 0.8 and (self.rare_values or 0.0) > 0.5)

    @property
    def warning(self) -> str | None:
        """One sentence for a verdict; None where nothing is suspicious."""
        if not self.suspicious:
            return None
        return (
            "the model seems to know this table by heart "
            f"(next rows exact: {_percent(self.rows)}, header: {_percent(self.header)}, "
            f"rare values: {_percent(self.rare_values)}); what it writes may be rows that it has "
            "read, and the gain may not hold for a table of your own"
        )

    def as_facts(self) -> dict[str, float | bool | None]:
        """Return what manifests say of it."""
        shares = {"header": self.header, "next rows": self.rows, "rare values": self.rare_values}
        rounded = {name: None if x is None else round(x, 3) for name, x in shares.items()}
        return {"suspicious": self.suspicious, **rounded}


def probe(
    llm: LLM, frame: pl.DataFrame, schema: Schema, n_questions: int = 8, seed: int = 0
) -> Memorized:
    """Find out whether a model knows a table by heart.

    Parameters
    ----------
    llm : LLM
        The model. Rows are shown to it only where they may leave the machine.
    frame : DataFrame of shape (n_rows, n_columns)
        The table, in its published order.
    schema : Schema
        Its columns.
    n_questions : int, default=8
        Stretches of rows to be continued.
    seed : int, default=0
        Chooses the stretches.

    Raises
    ------
    InputError
        If the table has too few rows to ask about.
    ModelError
        If no question got an answer because the endpoint cannot be used.

    Examples
    --------
    >>> from tablewright.llm import Scripted
    >>> table = pl.DataFrame({"age": range(20, 60), "pay": range(40)})
    >>> schema = Schema.build({"age": "integer", "pay": "integer"})
    >>> probe(Scripted(["[]"] * 2), table, schema, n_questions=1).suspicious
    False
    """
    if len(frame) < _SHOWN + _CONTINUED + 1:
        raise InputError(f"a probe needs at least {_SHOWN + _CONTINUED + 1} rows")
    sharing = sharing_of(llm)
    rng = np.random.default_rng(seed)
    starts = _stretches(len(frame), n_questions, rng) if _may_show(sharing, schema) else []
    rare = {column.name: _rare(column, frame) for column in schema.each()}
    asked = [name for name, values in rare.items() if values and name not in sharing.redact][:4]
    prompts = [_header(sharing, schema)]
    prompts += [_next_rows(sharing, frame, schema, start) for start in starts]
    prompts += [_rare_values(sharing, name) for name in asked]
    header, *results = complete_all(llm, prompts)
    stopped = _stopped([header, *results])
    continued = _answered(zip(results, starts, strict=False))
    exact, probability = _continued(continued, frame, schema, rng)
    n_rows = _CONTINUED * len(continued)
    named = _answered(zip(results[len(starts) :], asked, strict=True))
    n_answered = isinstance(header, Reply) + len(continued) + len(named)
    return Memorized(
        header=_named(header.text, schema) if isinstance(header, Reply) else None,
        rows=exact / n_rows if n_rows else None,
        rows_by_chance=probability if n_rows else None,
        rare_values=_named_rare([text for text, _ in named], [rare[name] for _, name in named]),
        p_value=_p_value(exact, n_rows, probability) if n_rows else None,
        unanswered=len(prompts) - n_answered,
        stopped=stopped,
    )


def _may_show(sharing: Sharing, schema: Schema) -> bool:
    return sharing.allows("rows") and not any(name in schema for name in sharing.redact)


def _stopped(results: Sequence[Reply | ModelError]) -> ModelError | None:
    """Return what ended the questions; raise it where it left none of them an answer."""
    fatal = next((one for one in results if isinstance(one, ModelError) and one.fatal), None)
    if fatal is not None and not any(isinstance(one, Reply) for one in results):
        raise fatal
    return fatal


def _answered(pairs: Iterable[tuple[Reply | ModelError, T]]) -> list[tuple[str, T]]:
    return [(result.text, about) for result, about in pairs if isinstance(result, Reply)]


def _prompt(builder: PromptBuilder, expected: str, completion: str = "") -> Prompt:
    """Make a prompt; a reply that goes on beyond what is expected of it is cut off."""
    longest = _BESIDE + 2 * estimate_tokens(expected)
    return builder.prompt(
        stage="probe", temperature=0.0, max_tokens=longest, expected=expected, completion=completion
    )


def _header(sharing: Sharing, schema: Schema) -> Prompt:
    names = schema.names
    known = CsvRows().write([], names[: -(-len(names) // 2)])
    builder = PromptBuilder(sharing).note()
    heading = (
        "This is the beginning of the header of a published table. Complete the header: reply with "
        "a JSON list of the names of the other columns, in order."
    )
    return _prompt(builder.data([known], heading), json.dumps(names[-(-len(names) // 2) :]))


def _named(reply: str, schema: Schema) -> float | None:
    hidden = schema.names[-(-len(schema) // 2) :]
    listed = [str(part) for value, _, _ in find_containers(reply, "[") for part in value]
    return sum(name in listed for name in hidden) / len(hidden) if hidden else None


def _stretches(n_rows: int, n_questions: int, rng: np.random.Generator) -> list[int]:
    last = n_rows - _SHOWN - _CONTINUED
    return sorted(int(index) for index in rng.choice(last + 1, min(n_questions, last + 1), False))


def _next_rows(sharing: Sharing, frame: pl.DataFrame, schema: Schema, start: int) -> Prompt:
    builder = PromptBuilder(sharing).note()
    rows = builder.admit(frame.select(schema.names)[start : start + _SHOWN])
    heading = (
        "These rows stand one after the other in a published table. Continue the table with its "
        f"next {_CONTINUED} rows, exactly as they stand there, as CSV."
    )
    lines = CsvRows().write(rows, schema.names)
    usual = CsvRows().write(rows[:_CONTINUED], schema.names)
    return _prompt(builder.rows(rows, lambda _: lines, heading), usual, f"{lines}\n")


def _continued(
    replies: Sequence[tuple[str, int]],
    frame: pl.DataFrame,
    schema: Schema,
    rng: np.random.Generator,
) -> tuple[int, float]:
    """Count exact next rows, and how often the answers equal rows that stand elsewhere."""
    table = [tuple(row.values()) for row in Sharing("rows").cells(frame.select(schema.names))]
    header = CsvRows().write([], schema.names)
    exact, elsewhere, tried = 0, 0, 0
    for reply, start in replies:
        parsed = parse_rows(f"{header}\n{reply}", schema, "csv", margin=None).rows[:_CONTINUED]
        written = [tuple(row.cells.values()) for row in parsed]
        truth = table[start + _SHOWN : start + _SHOWN + _CONTINUED]
        exact += sum(_same(one, other) for one, other in zip(written, truth, strict=False))
        others = rng.integers(0, len(table), size=20)
        elsewhere += sum(_same(one, table[int(at)]) for one in written for at in others)
        tried += 20 * _CONTINUED
    return exact, elsewhere / tried if tried else 0.0


def _same(one: Sequence[Cell], other: Sequence[Cell]) -> bool:
    return all(a == b or str(a) == str(b) for a, b in zip(one, other, strict=True))


def _p_value(exact: int, n_rows: int, chance: float) -> float:
    """How likely as many exact rows are; a chance of nought is taken as one row in a thousand."""
    return float(stats.binom.sf(exact - 1, n_rows, max(chance, 1e-3)))


def _rare(column: Column, frame: pl.DataFrame) -> set[str]:
    """Values of a text or category that occur once or twice; numbers are too easy to hit."""
    if column.kind.is_numeric or column.kind.value in ("identifier", "constant", "boolean"):
        return set()
    counts = frame[column.name].drop_nulls().cast(pl.String).value_counts()
    return set(counts.filter(pl.col("count") <= _RARE)[column.name].to_list())


def _rare_values(sharing: Sharing, name: str) -> Prompt:
    heading = (
        "Name 10 rare values of this column of the published table that has it, as a JSON list. "
        "Reply [] if you do not know the table."
    )
    return _prompt(PromptBuilder(sharing).note().data([name], heading), _TEN_VALUES)


def _named_rare(replies: Sequence[str], rare: Sequence[set[str]]) -> float | None:
    shares = []
    for reply, values in zip(replies, rare, strict=True):
        listed = [str(part) for value, _, _ in find_containers(reply, "[") for part in value]
        if listed:
            shares.append(sum(_folded(item, values) for item in listed) / len(listed))
    return float(np.mean(shares)) if shares else (0.0 if replies else None)


def _folded(item: str, values: set[str]) -> bool:
    column = Column.model_validate(
        {"name": "c", "kind": "categorical", "categories": sorted(values)}
    )
    try:
        return read_cell(item, column) is not None
    except CellError:
        return False


def _percent(share: float | None) -> str:
    return "not asked" if share is None else f"{100 * share:.0f} %"
