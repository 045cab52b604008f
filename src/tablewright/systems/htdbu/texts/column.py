"""A text column whose texts have an attribute, and where texts for new rows come from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal, Self

import numpy as np
import polars as pl

from tablewright.errors import InputError
from tablewright.llm.endpoint.base import LLM
from tablewright.metrics.texts import plain_texts, shared_share
from tablewright.schema import Schema, suggest
from tablewright.synthesizer.parameters import OneOf, check_parameters
from tablewright.systems.htdbu.texts.classifier import TextClassifier
from tablewright.systems.htdbu.texts.pool import TextPool
from tablewright.systems.htdbu.texts.writing import label_texts, write_texts
from tablewright.tables.io.model_file import Artefact

Source = Literal["label", "classifier", "model"]
Origin = Literal["real", "model"]

_STORED = ("column", "attribute", "source", "texts", "sure")


@dataclass(eq=False)
class TextColumn:
    """A column of texts with an attribute, such as a sentiment or a topic.

    The attribute is a category like any other, so rules and generators can work with it; the
    text of a row is chosen, or written, by its value.

    Parameters
    ----------
    column : str
        The texts.
    attribute : str
        Name of the attribute; for ``"label"`` and ``"classifier"`` a column of the table.
    source : {"label", "classifier", "model"}, default="label"
        Where the attribute of a text comes from: its label; its label, or where it has none a
        classifier learned from the labelled ones; or a language model that reads it.
    values : sequence or None, default=None
        Values of the attribute; ``"model"`` needs them, else they are those of the labels.
    texts : {"real", "model"}, default="real"
        Where texts for new rows come from: real texts with the same value, each as often as any
        other; or a language model that writes them under the row's values.
    sure : float, default=0.8
        A text without a label is drawn for new rows only where the classifier gives its value
        this probability at least; 1 draws labelled texts alone.
    llm : LLM or None, default=None
        For ``source="model"`` and ``texts="model"``.

    Attributes
    ----------
    pool_ : TextPool
        The real texts by value.
    values_ : list
        Values of the attribute.
    classifier_ : TextClassifier or None
        Learned from labelled texts: where it labels, or checks what a model wrote.
    notes_ : list of str
        What should be known of the attribute, a sentence each.

    Examples
    --------
    >>> frame = pl.DataFrame({"news": ["Sales rose.", "It rained.", "Sales fell."],
    ...                       "mood": ["good", "neutral", "bad"]})
    >>> made = TextColumn("news", "mood").fit(frame)
    >>> rows = pl.DataFrame({"mood": ["bad", "good", "bad"]})
    >>> made.write(rows, np.random.default_rng(0)).to_list()
    ['Sales fell.', 'Sales rose.', 'Sales fell.']
    """

    column: str
    attribute: str
    _: KW_ONLY
    source: Source = "label"
    values: Sequence[Any] | None = None
    texts: Origin = "real"
    sure: float = 0.8
    llm: LLM | None = None

    def __post_init__(self) -> None:
        allowed = {"source": OneOf("label", "classifier", "model"), "texts": OneOf("real", "model")}
        check_parameters(self, allowed)
        if not 0 <= self.sure <= 1:
            raise InputError(f"sure is a probability from 0 to 1, not {self.sure}")
        if self.column == self.attribute:
            raise InputError(f"the attribute of {self.column!r} needs a name of its own")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``COLUMN:ATTRIBUTE``, or ``COLUMN:ATTRIBUTE:model`` for texts that a model writes.

        Raises
        ------
        InputError
            If it is none of these.

        Examples
        --------
        >>> TextColumn.parse("news:mood:model").texts
        'model'
        """
        column, _, rest = (part.strip() for part in text.partition(":"))
        attribute, *origin = (part.strip() for part in rest.split(":"))
        if not (column and attribute) or origin not in ([], ["real"], ["model"]):
            raise InputError(
                f"a text column is COLUMN:ATTRIBUTE, such as news:mood, or COLUMN:ATTRIBUTE:model "
                f"for texts that a model writes, not {text!r}"
            )
        return cls(column, attribute, texts="model" if origin == ["model"] else "real")

    def fit(
        self,
        frame: pl.DataFrame,
        schema: Schema | None = None,
        rng: np.random.Generator | None = None,
    ) -> Self:
        """Learn the attribute of the texts, and keep them by its values.

        Parameters
        ----------
        frame : DataFrame
            Real rows.
        schema : Schema or None, default=None
            Where it lists the attribute's values, they are taken from there.
        rng : numpy Generator or None, default=None
            Makes the folds of a classifier, and the seed of requests.

        Raises
        ------
        InputError
            If a column, a value or a model that is needed is missing.
        """
        self._check(frame)
        rng = rng or np.random.default_rng(0)
        self.notes_: list[str] = []
        self.classifier_: TextClassifier | None = None
        self._labels: dict[str, Any] = {}
        self._seed = int(rng.integers(2**31))
        if self.source == "classifier" or (self.texts == "model" and self.attribute in frame):
            self.classifier_ = TextClassifier().fit(frame[self.column], frame[self.attribute], rng)
            self.notes_.append(_how_well(self.classifier_, self.attribute))
        self.pool_ = TextPool(frame[self.column], self._attribute_of(frame, self.sure))
        if not len(self.pool_):
            raise InputError(f"no text in {self.column!r} has a value of {self.attribute!r}")
        self.values_ = list(self._listed(schema) or self.pool_.values)
        return self

    def _check(self, frame: pl.DataFrame) -> None:
        needed = [self.column, *([] if self.source == "model" else [self.attribute])]
        for name in needed:
            if name not in frame.columns:
                near = suggest(name, frame.columns)
                raise InputError(f"the table has no column {name!r}{near}")
        if self.llm is None and "model" in (self.source, self.texts):
            raise InputError(f"texts of {self.column!r} need a language model: give llm=")
        if self.source == "model" and not self.values:
            raise InputError(f"say which values {self.attribute!r} has: give values=")

    def _listed(self, schema: Schema | None) -> Sequence[Any] | None:
        if self.values or schema is None or self.attribute not in schema:
            return self.values
        return schema[self.attribute].categories

    def attribute_of(self, frame: pl.DataFrame) -> pl.Series:
        """Return the attribute of each row's text; missing where none can be told.

        Parameters
        ----------
        frame : DataFrame
            Real or generated rows.

        Returns
        -------
        Series named after the attribute
        """
        return self._attribute_of(frame, 0.0)

    def _attribute_of(self, frame: pl.DataFrame, sure: float) -> pl.Series:
        if self.source == "model":
            return self._labelled_by_model(frame[self.column]).alias(self.attribute)
        known = frame[self.attribute]
        if self.source == "label" or not known.null_count():
            return known
        assert self.classifier_ is not None
        result = self.classifier_.label(frame[self.column], sure).cast(known.dtype, strict=False)
        return known.zip_with(known.is_not_null(), result).alias(self.attribute)

    def label(self, texts: pl.Series) -> pl.Series:
        """Return the attribute of texts alone, such as generated ones: a labeller for `xmodal`.

        Real texts have the value that is known of them; others that of the classifier or the
        model, if there is one, else none.
        """
        known = dict(zip(plain_texts(self.pool_.frame["text"]), self.pool_.frame["value"],
                         strict=True))  # fmt: skip
        result = [known.get(text) for text in plain_texts(texts)]
        if self.classifier_ is not None:
            reported = self.classifier_.label(texts).to_list()
        elif self.source == "model":
            missing = texts.zip_with(pl.Series([item is None for item in result]), _none(texts))
            reported = self._labelled_by_model(missing).to_list()
        else:
            reported = [None] * len(texts)
        both = [a if a is not None else b for a, b in zip(result, reported, strict=True)]
        return pl.Series(self.attribute, both, strict=False)

    def _labelled_by_model(self, texts: pl.Series) -> pl.Series:
        assert self.llm is not None
        assert self.values is not None
        asked = [text for text in texts.drop_nulls().unique(maintain_order=True)
                 if text not in self._labels]  # fmt: skip
        result, stopped = label_texts(
            self.llm, asked, self.column, self.attribute, self.values, self._seed
        )
        self._labels |= result
        if len(result) < len(asked):
            why = f": {stopped}" if stopped else ""
            self.notes_.append(
                f"the model gave {len(asked) - len(result):,} of {len(asked):,} texts of "
                f"{self.column!r} no value of {self.attribute!r}{why}"
            )
        return pl.Series([None if t is None else self._labels.get(t) for t in texts], strict=False)

    def write(self, rows: pl.DataFrame, rng: np.random.Generator) -> pl.Series:
        """Give each row a text that has the row's value of the attribute.

        Parameters
        ----------
        rows : DataFrame of shape (n_rows, n_columns)
            Generated rows with the attribute among their columns; a model is shown all of them.
        rng : numpy Generator
            The only source of chance.

        Returns
        -------
        Series of str, named after the text column
            Missing where the attribute is, and where a model wrote none. What it holds is told
            by `told`: with ``texts="real"`` every text is a real one.

        Raises
        ------
        InputError
            If the rows lack the attribute, or it has a value that no real text has.
        """
        if self.attribute not in rows.columns:
            near = suggest(self.attribute, rows.columns)
            raise InputError(f"the rows have no column {self.attribute!r}{near}")
        if self.texts == "real":
            return self.pool_.draw(rows[self.attribute], rng).alias(self.column)
        assert self.llm is not None
        seed = int(rng.integers(2**31))
        asked = rows[self.attribute].is_not_null()
        if not asked.any():
            return pl.Series(self.column, [None] * rows.height, dtype=pl.String)
        result = write_texts(
            self.llm, rows.filter(asked), self.column, self.attribute, self.pool_, seed
        )
        texts = [
            str(result.rows[index].cells[self.column]) if index in result.rows else None
            for index in range(int(asked.sum()))
        ]
        written = iter(texts)
        return pl.Series(
            self.column, [next(written) if yes else None for yes in asked], dtype=pl.String
        )

    def told(self, rows: pl.DataFrame) -> dict[str, Any]:
        """Say what the texts of generated rows are; for a result, a manifest or a report.

        Returns
        -------
        dict
            ``texts`` ("real" or "written by a model"), ``real_share`` of rows whose text is a
            real one, ``n_real_texts``, ``most_used`` (rows with the same text at most),
            ``missing``; ``agreement`` where a classifier can check: the share of written texts
            that it gives the value asked for.
        """
        texts = rows[self.column]
        counts = Counter(texts.drop_nulls())
        facts: dict[str, Any] = {
            "column": self.column,
            "attribute": self.attribute,
            "texts": "real" if self.texts == "real" else "written by a model",
            "real_share": shared_share(texts, self.pool_.frame["text"]),
            "n_real_texts": len(self.pool_),
            "most_used": max(counts.values(), default=0),
            "missing": texts.null_count(),
        }
        if self.texts == "model" and self.classifier_ is not None and self.attribute in rows:
            result = self.classifier_.label(texts)
            same = (result.cast(pl.String) == rows[self.attribute].cast(pl.String)).drop_nulls()
            facts["agreement"] = int(same.sum()) / len(same) if len(same) else None
        return facts

    @property
    def note(self) -> str:
        """Say in a sentence what the texts of generated rows are."""
        if self.texts == "real":
            return (
                f"the texts of {self.column!r} are real ones of the table "
                f"({len(self.pool_):,} to draw from): rows with them are no synthetic texts, so "
                "publish them only where the table itself may be published"
            )
        return f"the texts of {self.column!r} are written by a model under the row's values"

    def state(self) -> Artefact:
        """Return all that `restore` needs; it holds the real texts."""
        facts = {name: getattr(self, name) for name in _STORED}
        facts |= {"values": self.values_, "seed": self._seed, "notes": self.notes_}
        frames = {"pool": self.pool_.frame}
        if self.classifier_ is None:
            return Artefact(facts, {}, frames)
        inner = self.classifier_.state()
        return Artefact({**facts, "classifier": inner.facts}, inner.arrays, frames)

    @classmethod
    def restore(cls, state: Artefact, llm: LLM | None = None) -> Self:
        """Make the fitted column again; a model is not stored, and has to be given."""
        facts: Mapping[str, Any] = state.facts
        result = cls(**{name: facts[name] for name in _STORED}, values=facts["values"], llm=llm)
        result.values_, result.notes_ = list(facts["values"]), list(facts["notes"])
        pool = state.frames["pool"]
        result.pool_ = TextPool(pool["text"], pool["value"])
        result._labels = {}
        if result.source == "model":
            result._labels = dict(pool.iter_rows())
        result._seed = facts["seed"]
        result.classifier_ = None
        if "classifier" in facts:
            result.classifier_ = TextClassifier.restore(
                Artefact(facts["classifier"], state.arrays, {})
            )
        return result


def _none(like: pl.Series) -> pl.Series:
    return pl.Series([None] * len(like), dtype=like.dtype)


def _how_well(classifier: TextClassifier, attribute: str) -> str:
    accuracy = "not measured" if classifier.accuracy_ is None else f"{classifier.accuracy_:.1%}"
    return (
        f"a classifier of words gives {attribute!r} rightly for {accuracy} of "
        f"{classifier.n_texts_:,} labelled texts, each held out once; the most frequent label "
        f"alone would be right for {classifier.baseline_:.1%}"
    )
