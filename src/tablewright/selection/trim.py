"""Trim: keep what is worth keeping of candidate rows, wherever they come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from tablewright.callers import warn
from tablewright.errors import InputError
from tablewright.metrics.learners import LEARNERS
from tablewright.random_state import seed_of
from tablewright.schema import Schema, suggest
from tablewright.selection.candidates import read_candidates
from tablewright.selection.check import Check
from tablewright.selection.cost_band import CostBand
from tablewright.selection.distances import NearDuplicates, Outliers
from tablewright.selection.diversity import Diversity, Rule
from tablewright.selection.information import InformationGain, Update
from tablewright.selection.label_checks import LabelCheck, Trust
from tablewright.selection.pipeline import Trimmed, fit_checks, run_checks, split_batches
from tablewright.selection.relations import Relations
from tablewright.selection.sanity import Sanity
from tablewright.selection.thresholds import fill_quotas, information_threshold
from tablewright.tables.inference.casting import untyped
from tablewright.tables.io.loading import load_as_said
from tablewright.tables.io.sdv_metadata import read_schema_file
from tablewright.threads import one_thread

Ints = NDArray[np.intp]

_ADVICE = {
    "reading": "its cells cannot be read as the columns are: look at the reasons",
    "sanity": "the real rows or rules rule its values out: look at the reasons, and widen the "
    "schema's ranges or categories if they are right",
    "near-duplicates": "it repeats real rows",
    "outliers": "it is not like the real rows",
    "relations": "its columns do not go together as those of the real rows do",
    "labels": "if you have reason to trust who wrote it, say trust='generator'",
    "information gain": "take c=0 and update='frozen', as Team-then-Trim does, if you have not",
    "diversity": "take diversity='percentile', or 'no_harm'",
}
"""What can be done where a check rejects nearly all that comes to it."""


class TrimWarning(UserWarning):
    """What was asked for is ill-posed on this table."""


class Trim(BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Keep the candidates that are worth learning from.

    Candidates may come from a language model, a generator, or anywhere. Each is judged against
    the real rows by a line of checks; each rejected row says by which, why, and with what score.

    ``variant="default"`` asks: can the row be (kinds, ranges, rules)? is it new? is it near any
    real row? do its cells go together? is its label right, by the candidates' own majority or by
    the real rows (`trust`)? do the rows still spread over the kinds of real rows?
    ``variant="published"`` is the line of the paper, batch after batch: sanity, the cost band
    with real rows mixed in, the information gain, diversity.

    Parameters
    ----------
    target : str or None, default=None
        The column that a model is to predict. Without one, labels are not judged.
    variant : {"default", "published"}, default="default"
    trust : {"auto", "data", "generator"}, default="auto"
        Whom to believe on labels; see `label_checks.LabelCheck`. ``"auto"`` weighs the pool by
        the real rows, and the fewer there are of them the less a pool can weigh; below 30
        ``"data"`` keeps nothing. For rows that a language model wrote beside 200 real rows or so
        ``"data"`` is safer (measured on recorded rows). The published line knows no such question.
    rules : Rules, path, list or mapping, default=None
        Rules that rows keep; see `tablewright.rules`.
    quotas : mapping of label to int, default=None
        Rows to keep of a class at most, the best ones; classes that it does not name are not
        limited.
    schema : Schema, mapping, path or None, default=None
        What the columns mean, as for `Synthesizer`. A class that it declares may be written,
        even if no real row has it.
    drop : float, default=1.0
        Part of the candidates that is dropped at most for implausible labels.
    batch_size : int or None, default=None
        Candidates that are judged together: by default all in the default line, 10 in the
        published one.
    diversity : str or None, default=None
        Reading of the published 30 %, see `tablewright.selection.diversity.Diversity`;
        ``"no_harm"`` by default, ``"relative"`` in the published line.
    c : float or None, default=None
        Standard deviations by which the information of a batch has to exceed that of real rows,
        in the published line; chosen from 0 to 3 by cross-validation where None, and 0 below 30
        real rows or where a class has fewer than 5.
    update : {"refit", "frozen"}, default="refit"
        Whether the published line fits the model of the information anew with each batch, or
        judges all by the model of the real rows; see `information.InformationGain`.
    estimator : {"linear", "boosted trees"} or estimator of scikit-learn, default="linear"
        The downstream model, by which the published line finds costs and information; a
        classifier needs `predict_proba`.
    missing : {"schema", "allow"}, default="schema"
        Whether a cell may be empty in a column that has no empty cell.
    decimals : {"ignore", "reject"}, default="ignore"
        Whether more digits after the point than the column has reject a row.
    random_state : int, RandomState or None, default=None
        Seed. With an int, the same data and version give the same judgement.

    Attributes
    ----------
    result_ : Trimmed
        What became of the candidates of the last call of `transform`.
    schema_ : Schema
    n_rows_ : int
        Real rows.

    References
    ----------
    Zhang, Lin, Bao, Huang: Team, Then Trim: An Assembly-Line LLM Framework for High-Quality
    Tabular Data Generation, section on quality control.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(0, 1, 300)
    >>> table = pl.DataFrame({"x": x, "y": np.where(x + rng.normal(0, 0.5, 300) > 0, "b", "a")})
    >>> train, candidates = table[:60], table[60:].with_columns(
    ...     x=pl.when(pl.arange(240) < 10).then(99.0).otherwise("x"))
    >>> trim = Trim("y", random_state=0).fit(train)
    >>> kept = trim.transform(candidates)
    >>> trim.result_.trust, trim.result_.stage[:2], bool(kept["x"].max() < 9)
    ('generator', ['sanity', 'sanity'], True)
    """

    def __init__(
        self,
        target: str | None = None,
        *,
        variant: Literal["default", "published"] = "default",
        trust: Trust = "auto",
        rules: Any = None,
        quotas: Mapping[Any, int] | None = None,
        schema: Any = None,
        drop: float = 1.0,
        batch_size: int | None = None,
        diversity: Rule | None = None,
        c: float | None = None,
        update: Update = "refit",
        estimator: Any = "linear",
        missing: Literal["schema", "allow"] = "schema",
        decimals: Literal["ignore", "reject"] = "ignore",
        random_state: Any = None,
    ) -> None:
        self.target = target
        self.variant = variant
        self.trust = trust
        self.rules = rules
        self.quotas = quotas
        self.schema = schema
        self.drop = drop
        self.batch_size = batch_size
        self.diversity = diversity
        self.c = c
        self.update = update
        self.estimator = estimator
        self.missing = missing
        self.decimals = decimals
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the real rows.

        Parameters
        ----------
        X : frame or path
            Real rows, with the target among the columns.
        y : None
            Not used; there for pipelines.

        Raises
        ------
        InputError
            If the data, the schema or an option cannot be used; the sentence says what to do.
        """
        table = load_as_said(X, self.schema, self.target)
        self.declared_ = _declared(self.schema)
        self.restore_ = table.restore_frame
        return self.fit_typed(table.frame, table.schema)

    def fit_typed(self, frame: pl.DataFrame, schema: Schema) -> Self:
        """Learn typed real rows; the target is that of the schema.

        Raises
        ------
        InputError
            If an option does not fit the table.
        """
        self._check(schema)
        self.schema_, self.n_rows_ = schema, frame.height
        self.seed_ = seed_of(self.random_state)
        self.train_ = frame
        with one_thread():
            self.checks_ = fit_checks(self._checks(schema), frame, schema, self.seed_)
        return self

    def transform(self, X: Any) -> Any:
        """Judge candidates and return those that are kept.

        Parameters
        ----------
        X : frame or path
            Candidates, with the columns of the real rows in any order; their cells may be
            anything. `result_` says what became of each.

        Returns
        -------
        frame of shape (n_kept, n_columns)
            In the columns, data types and kind of frame of the real rows. It may be empty. The
            published line puts the real rows that it takes over below the kept ones.

        Raises
        ------
        InputError
            If the candidates are no table, or lack a column.

        Warns
        -----
        TrimWarning
            If nothing is kept.
        """
        check_is_fitted(self, "restore_")
        read = read_candidates(X, self.schema_, self.train_)
        self.result_ = self.judge(read.frame, unreadable=read.unreadable)
        if not self.result_.n_kept and len(read):
            warn(_nothing(self.result_), TrimWarning)
        return self.restore_(untyped(self.result_.rows(), self.schema_))

    def judge(
        self,
        frame: pl.DataFrame,
        batches: Ints | None = None,
        *,
        unreadable: list[str] | None = None,
    ) -> Trimmed:
        """Judge typed candidates.

        Parameters
        ----------
        frame : DataFrame of shape (n_rows, n_columns)
        batches : ndarray of int, shape (n_rows,), or None, default=None
            The batch of each row; batches are judged in the order of their numbers. By
            `batch_size` where None.
        unreadable : list of str or None, default=None
            Why a row cannot be read; "" where it can.

        Returns
        -------
        Trimmed
        """
        check_is_fitted(self, "checks_")
        readable = np.arange(frame.height)
        if unreadable is not None:
            readable = np.flatnonzero([not reason for reason in unreadable])
        numbers = None if batches is None else np.asarray(batches)[readable]
        parts = [readable[part] for part in
                 split_batches(len(readable), numbers, self._batch_size)]  # fmt: skip
        with one_thread():
            checks = self._settle(frame, parts)
            result = run_checks(checks, frame, parts, self.seed_, unreadable)
        result = fill_quotas(result, self.quotas, self.schema_)
        result.notes.extend(self._notes(result))
        return result

    @property
    def _batch_size(self) -> int | None:
        return self.batch_size or (10 if self.variant == "published" else None)

    def _checks(self, schema: Schema) -> list[Check]:
        """Put the line together."""
        sanity = Sanity(
            self.rules,
            missing=self.missing,
            decimals=self.decimals,
            declared=getattr(self, "declared_", ()),
        )
        if self.variant == "published":
            return [
                sanity,
                CostBand(include_bootstrap=True, real_costs="in_sample", estimator=self.estimator),
                InformationGain(self.c or 0.0, update=self.update, estimator=self.estimator),
                Diversity(self.diversity or "relative", assigner="mlp"),
            ]
        spread = Diversity(self.diversity or "no_harm", fate="select")
        labels: list[Check] = []
        if schema.target is not None:
            labels = [LabelCheck(self.trust, share=self.drop)]
        return [sanity, NearDuplicates(), Outliers(), Relations(of="features"), *labels, spread]

    def _settle(self, rows: pl.DataFrame, batches: list[Ints]) -> list[Check]:
        """Choose the threshold of the information gain, where that is left to the data."""
        if self.variant != "published" or self.c is not None:
            return self.checks_
        return information_threshold(
            self.checks_, self.train_, self.schema_, rows, batches, self.seed_
        )

    def _check(self, schema: Schema) -> None:
        if self.variant not in ("default", "published"):
            raise InputError(f"variant is 'default' or 'published', not {self.variant!r}")
        if self.variant == "published" and schema.target is None:
            raise InputError("the published line judges labels: name the target")
        _check_estimator(self.estimator, schema)
        if self.batch_size is not None and self.batch_size < 1:
            raise InputError(f"batch_size is at least 1, not {self.batch_size}")
        if self.quotas and schema.target is None:
            raise InputError("quotas are rows per class of the target: name the target")
        known = schema[schema.target].categories if schema.target is not None else None
        for label in self.quotas or {}:
            if known is not None and str(label) not in map(str, known):
                raise InputError(f"quotas: there is no class {label!r}{suggest(str(label), known)}")

    def _notes(self, found: Trimmed) -> list[str]:
        """Say what is to be known; warn of what is ill-posed."""
        notes = []
        if self.variant == "published":
            notes = list(_ill_posed(found, self.checks_))
            for note in notes:
                warn(note, TrimWarning)
        if self.schema_.target is None:
            notes.append("no target was named, so labels were not judged")
        if not found.n_kept and len(found.keep):
            notes.append(_nothing(found))
        return notes


def _nothing(found: Trimmed) -> str:
    """Name the checks that rejected rows, and say what can be done about the strictest."""
    lost = ", ".join(f"{name} {n_in - n_out}" for name, n_in, n_out in found.counts if n_in > n_out)
    strict = [name for name, n_in, n_out in found.counts if n_in and n_out <= n_in / 10]
    advice = "; ".join(f"{name}: {_ADVICE[name]}" for name in strict if name in _ADVICE)
    return (
        f"nothing was kept of {len(found.keep)} candidates: use the real rows alone; rejected by "
        f"{lost}{advice and f' ({advice})'}"
    )


def _check_estimator(estimator: Any, schema: Schema) -> None:
    """Refuse a downstream model that cannot predict the target."""
    if isinstance(estimator, str):
        if estimator not in LEARNERS:
            known = " or ".join(map(repr, LEARNERS))
            raise InputError(
                f"estimator is {known}, or an estimator of scikit-learn, not {estimator!r}"
            )
        return
    discrete = schema.target is not None and schema[schema.target].kind.is_discrete
    method = "predict_proba" if discrete else "predict"
    if not hasattr(estimator, "fit") or not hasattr(estimator, method):
        raise InputError(
            f"estimator: {type(estimator).__name__} has no fit or no {method}, which the target "
            f"{schema.target!r} asks for"
        )


def _declared(said: Any) -> list[tuple[str, str]]:
    """Return the ends of ranges that a person has said."""
    if said is None or isinstance(said, Schema):
        return []
    columns = said if isinstance(said, Mapping) else read_schema_file(said).columns
    return [
        (name, end)
        for name, facts in columns.items()
        for end in ("minimum", "maximum")
        if isinstance(facts, Mapping) and end in facts
    ]


def _ill_posed(found: Trimmed, checks: list[Check]) -> list[str]:
    notes = []
    if found.added.height:
        n = found.added.height
        notes.append(
            f"{n} of the {n + found.n_kept} rows are real rows: the published cost band takes "
            "them over; measure privacy and fidelity on the others alone"
        )
    diversity = next(check for check in checks if isinstance(check, Diversity))
    highest = float(np.log(diversity.n_clusters_)) - diversity.entropy_
    limit = diversity.limit(1, np.random.default_rng(0))
    came = any(n_in for name, n_in, _ in found.counts if name == diversity.name)
    if came and diversity.rule in ("relative", "absolute") and limit > highest:
        notes.append(
            f"no batch can pass the diversity rule {diversity.rule!r}: it asks for {limit:.2f} "
            f"nats more, and {highest:.2f} are missing to the maximum; take diversity='no_harm'"
        )
    notes.append(
        "the information gain does not see whether labels are right, and wrong ones raise it"
    )
    return notes
