"""Real texts by the value of their attribute, each drawn as often as any other."""

from __future__ import annotations

import numpy as np
import polars as pl

from tablewright.errors import InputError
from tablewright.metrics.texts import plain_texts


class TextPool:
    """Real texts, each with a value of an attribute.

    Parameters
    ----------
    texts : Series of str
        Texts that stand twice count once for each value; missing ones are left out.
    values : Series
        The value of each; texts without one are left out.

    Attributes
    ----------
    frame : DataFrame of shape (n_texts, 2)
        Columns ``text`` and ``value``, in the order in which they first came.

    Examples
    --------
    >>> pool = TextPool(pl.Series(["up", "rising", "down"]), pl.Series(["good", "good", "bad"]))
    >>> drawn = pool.draw(pl.Series(["good"] * 4 + ["bad"]), np.random.default_rng(0))
    >>> sorted(drawn)
    ['down', 'rising', 'rising', 'up', 'up']
    """

    def __init__(self, texts: pl.Series, values: pl.Series) -> None:
        both = pl.DataFrame({"text": texts.cast(pl.String), "value": values})
        self.frame = both.drop_nulls().unique(maintain_order=True)

    def __len__(self) -> int:
        return self.frame.height

    @property
    def values(self) -> list[object]:
        """The values that texts have, most frequent first."""
        return self.frame["value"].value_counts(sort=True)["value"].to_list()

    def draw(self, values: pl.Series, rng: np.random.Generator) -> pl.Series:
        """Draw a text for each value.

        The numbers of times that two texts of a value are drawn differ by one at most.

        Parameters
        ----------
        values : Series of length n_rows
            Where it is missing, the text is.
        rng : numpy Generator

        Returns
        -------
        Series of str, length n_rows

        Raises
        ------
        InputError
            If no real text has one of the values.
        """
        drawn = np.full(len(values), None, dtype=object)
        for value in values.drop_nulls().unique(maintain_order=True):
            rows = np.flatnonzero((values == value).fill_null(False).to_numpy())
            texts = self.frame.filter(pl.col("value") == value)["text"].to_numpy()
            if not len(texts):
                known = ", ".join(repr(item) for item in self.values)
                raise InputError(f"no real text has the value {value!r}; there are {known}")
            rounds = [rng.permutation(len(texts)) for _ in range(-(-len(rows) // len(texts)))]
            drawn[rows] = texts[rng.permutation(np.concatenate(rounds)[: len(rows)])]
        return pl.Series(drawn, dtype=pl.String)

    def split(self, share: float, rng: np.random.Generator) -> tuple[TextPool, TextPool]:
        """Part the texts into two pools that have none in common, of each value alike.

        Texts that differ in case or blanks alone stay together.

        Parameters
        ----------
        share : float
            Share of the texts of each value in the second pool, above 0 and below 1.

        Returns
        -------
        tuple of TextPool
            For training rows, and for those held out.

        Raises
        ------
        InputError
            If the share is not between 0 and 1, or a value has one text alone.
        """
        if not 0 < share < 1:
            raise InputError(f"the share of texts held out is between 0 and 1, not {share}")
        keyed = self.frame.with_columns(plain_texts(self.frame["text"]).alias("key"))
        firsts = keyed.unique("key", keep="first", maintain_order=True)
        out: list[str] = []
        for value in self.values:
            keys = firsts.filter(pl.col("value") == value)["key"].to_numpy()
            if len(keys) < 2:
                raise InputError(f"the value {value!r} has {len(keys)} texts: two pools need two")
            size = min(max(1, round(share * len(keys))), len(keys) - 1)
            out.extend(rng.permutation(keys)[:size])
        held = keyed["key"].is_in(out)
        parts = (keyed.filter(~held), keyed.filter(held))
        first, second = (TextPool(part["text"], part["value"]) for part in parts)
        return first, second
