"""What a model does with texts: label them from a closed set, or write them for given rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from tablewright.errors import InputError, ModelError
from tablewright.llm.endpoint.base import LLM
from tablewright.llm.prompts.builder import sharing_of
from tablewright.llm.prompts.sharing import Sharing, plain
from tablewright.llm.rows.requests import RowsWritten, request_rows
from tablewright.llm.rows.task import RowTask
from tablewright.schema import Column, Kind, Schema
from tablewright.systems.htdbu.texts.pool import TextPool

_SHOWN = 6


def label_texts(
    llm: LLM,
    texts: Sequence[str],
    column: str,
    attribute: str,
    values: Sequence[Any],
    seed: int = 0,
    batch_size: int = 20,
) -> tuple[dict[str, Any], ModelError | None]:
    """Have a model label texts, in batches; a label that is not among the values is no label.

    Parameters
    ----------
    llm : LLM
        It is shown the texts, so ``share="rows"`` is needed.
    texts : sequence of str
        Each is asked about once.
    column, attribute : str
        Names of the texts and of the label.
    values : sequence
        The closed set of labels.

    Returns
    -------
    labels : dict
        From text to label; texts that got none are not in it.
    stopped : ModelError or None
        What ended the calls before their time.

    Raises
    ------
    InputError
        If rows may not leave this machine, or not those texts.
    """
    sharing = sharing_of(llm)
    if column in sharing.redact:
        raise InputError(f"a model labels texts by reading {column!r}, which --redact withholds")
    asked = list(dict.fromkeys(texts))
    if not asked:
        return {}, None
    label = Column(name=attribute, kind=Kind.CATEGORICAL, categories=list(values))
    listed = ", ".join(repr(value) for value in values)
    task = RowTask(
        Schema(columns=[label]),
        f"Each row has a text in the column {column!r}. Read the text and write its {attribute!r}: "
        f"one of {listed}.",
        table=_heads([column, attribute, *sharing.redact]),
        given=[{column: text} for text in asked],
        given_level="rows",
        stage="label",
        role="text",
        temperature=0.0,
    )
    written = request_rows(llm, task, len(asked), batch_size=batch_size, seed=seed)
    labels = {asked[index]: row.cells[attribute] for index, row in written.rows.items()}
    return labels, written.stopped


def write_texts(
    llm: LLM,
    rows: pl.DataFrame,
    column: str,
    attribute: str,
    pool: TextPool | None,
    seed: int = 0,
    batch_size: int = 10,
) -> RowsWritten:
    """Have a model write a text for each row, so that it fits the row's values.

    Parameters
    ----------
    llm : LLM
    rows : DataFrame of shape (n_rows, n_columns)
        Generated rows, among their columns the attribute; columns whose values never leave
        (`Sharing.redact`) are not shown.
    column, attribute : str
    pool : TextPool or None
        Real texts, of which a few are shown as examples where rows may leave.

    Returns
    -------
    RowsWritten
        By place of the row; rows without a text are in its `missing`.

    Raises
    ------
    InputError
        If the attribute's values may not leave.
    """
    sharing = sharing_of(llm)
    if attribute in sharing.redact:
        raise InputError(f"texts are written by {attribute!r}, which --redact withholds")
    names = [name for name in rows.columns if name != column and name not in sharing.redact]
    if not sharing.allows("rows"):
        _require_frequent(sharing, rows, attribute, pool)
        names = [attribute]  # the other cells were drawn from real rows, and may equal theirs
    given = [
        {name: plain(cell) for name, cell in row.items()}
        for row in rows.select(names).iter_rows(named=True)
    ]
    task = RowTask(
        Schema(columns=[Column(name=column, kind=Kind.TEXT)]),
        f"Write for each row a text for the column {column!r} that has the {attribute!r} given "
        "there and fits the other values of the row. Write every text anew.",
        table=_heads([column, *rows.columns, *sharing.redact]),
        examples=None if pool is None else lambda batch: _examples(pool, column, attribute, batch),
        given=given,
        given_level="rows" if sharing.allows("rows") else "summary",
        stage="write",
        role="text",
    )
    return request_rows(llm, task, len(given), batch_size=batch_size, seed=seed)


def _require_frequent(
    sharing: Sharing, rows: pl.DataFrame, attribute: str, pool: TextPool | None
) -> None:
    """Refuse to name values of the attribute that a summary would not name."""
    sharing.need("summary", "writing texts for rows")
    column = Column(name="value", kind=Kind.CATEGORICAL)
    values = rows[attribute].drop_nulls().unique().to_list()
    if not sharing.admits(column, values, None if pool is None else pool.frame):
        raise InputError(
            f"texts are written by the values of {attribute!r}, and one of them is too rare to "
            "leave this machine: say --share rows"
        )


def _heads(names: Sequence[str]) -> pl.DataFrame:
    """Return a table without rows: which columns there are, and nothing of what they hold."""
    return pl.DataFrame(schema=dict.fromkeys(names, pl.String))


def _examples(pool: TextPool, column: str, attribute: str, batch: int) -> pl.DataFrame:
    """Show other texts to each batch."""
    indices = [(_SHOWN * batch + k) % len(pool) for k in range(min(_SHOWN, len(pool)))]
    return pool.frame[indices].rename({"text": column, "value": attribute})
