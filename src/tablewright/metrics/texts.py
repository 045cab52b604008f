"""Whether texts of generated rows are texts of real rows."""

from __future__ import annotations

import numpy as np
import polars as pl

from tablewright.metrics.encoder import EncodedRows
from tablewright.metrics.references import Measured, Metric
from tablewright.metrics.scores import Direction, Score


def plain_texts(texts: pl.Series) -> pl.Series:
    """Return texts as they are compared: in lower case, blanks made one.

    Examples
    --------
    >>> plain_texts(pl.Series(["Sales  rose. ", None])).to_list()
    ['sales rose.', None]
    """
    text = texts.cast(pl.String, strict=False).str.to_lowercase()
    return text.str.replace_all(r"\s+", " ").str.strip_chars()


def shared_share(texts: pl.Series, known: pl.Series) -> float | None:
    """Share of texts that stand among known ones; None where there is no text.

    Examples
    --------
    >>> shared_share(pl.Series(["Sales rose.", "New."]), pl.Series(["sales rose."]))
    0.5
    """
    asked = plain_texts(texts.drop_nulls())
    if not len(asked):
        return None
    among = asked.is_in(plain_texts(known.drop_nulls()).unique().implode())
    return int(among.sum()) / len(asked)


def shared_texts(
    real: EncodedRows,
    synthetic: EncodedRows,
    holdout: EncodedRows | None,
    rng: np.random.Generator,
    column: str,
) -> Score:
    """Share of generated rows whose text stands in a training row too.

    Where it is high the texts are real texts and nothing else; where the *holdout* shares
    texts with the training rows, a model that reads words is judged on what it knows by heart.

    Returns
    -------
    Score
        The reference ``"real"`` is that share of the holdout rows.
    """

    def measure(first: EncodedRows, second: EncodedRows) -> Measured:
        share = shared_share(second.frame[column], first.frame[column])
        return Measured(share, "" if share is not None else f"{column!r} holds no text")

    meaning = f"share of rows whose text in {column!r} is that of a training row; 0 is none"
    shared = Metric("shared_texts", measure, Direction.LOWER, meaning)
    return shared(real, synthetic, holdout, rng)
