"""Choose among groups of candidate rows those that help a model, or none of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.cluster import KMeans
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils.validation import check_is_fitted

from tablewright.errors import InputError
from tablewright.metrics.encoder import EncodedRows, FeatureEncoder
from tablewright.metrics.learners import MIN_ROWS_FOR_TREES, Design
from tablewright.metrics.scorer import Gain, Scorer
from tablewright.progress import bar
from tablewright.random_state import seed_of
from tablewright.schema import Schema, suggest
from tablewright.selection.arms import ArmValues, Pulls, best, greedy, held_out_gains, n_sets, play
from tablewright.selection.candidates import read_candidates
from tablewright.selection.judges import judges, names_of
from tablewright.selection.leaves import leaf_texts
from tablewright.tables.io.loading import load_as_said
from tablewright.tables.table import load_raw
from tablewright.threads import one_thread

Ints = NDArray[np.intp]
Strategy = Literal["bandit", "greedy", "label-check", "none"]
STRATEGIES: tuple[Strategy, ...] = ("bandit", "greedy", "label-check", "none")

CLUSTERS = "clusters"
_MAX_GROUP = 25
"""Rows of a group at most, so that arms can be compared; larger ones are cut."""
_MAX_ARMS = 60
_N_TREES = 25
CONFIRMED = 1.0
"""Standard errors by which the honest estimate has to be above nothing."""
_N_FOLDS = 5
"""Of the judging rows: the choice by all but one is judged by the last."""


@dataclass(frozen=True)
class Selection:
    """What a selector chose, and what it believes of it.

    Attributes
    ----------
    chosen : ndarray of int
        Rows of the candidates, ascending; none is a result too.
    arms : DataFrame
        A row for each group: its name, rows, value with standard error, pulls, and whether it
        was chosen.
    belief : Gain or None
        Gain of the chosen rows by the rows that chose them; it is too high.
    honest : Gain or None
        Gain judged by real rows that had no part in the choice: four fifths of them choose, the
        last fifth judges, five times. None where nothing was scored.
    note : str
        What a user should know, as a sentence; "" where there is nothing.
    """

    chosen: Ints
    arms: pl.DataFrame
    belief: Gain | None = None
    honest: Gain | None = None
    note: str = ""

    def __str__(self) -> str:
        kept = int(self.arms["chosen"].sum())
        lines = [f"{len(self.chosen):,} rows of {kept} of {self.arms.height} groups chosen"]
        if not len(self.chosen):
            lines = [f"none of {self.arms.height} groups chosen"]
        for name, gain in (("belief", self.belief), ("honest estimate", self.honest)):
            if gain is not None:
                low, high = gain.interval
                lines.append(f"{name} of the gain: {gain.value:+.4f} ({low:+.4f} to {high:+.4f})")
        return "\n".join([*lines, self.note] if self.note else lines)


class Selector(BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Choose groups of candidate rows by what they add to models of the real rows.

    Parameters
    ----------
    strategy : {"bandit", "greedy", "label-check", "none"}, default="bandit"
        ``"bandit"`` scores random sets of groups and takes those whose mean marginal gain is
        above nothing, or a draw of these or of all groups where that gains more; it takes none
        where rows that did not choose do not confirm a gain, by one standard error.
        ``"greedy"`` adds the best group as long as one gains. ``"label-check"`` takes rows whose
        label a model of the real rows gives too. ``"none"`` takes rows as they come.
    n_samples : int, default=100
        Rows wanted at most.
    groups : str or None, default=None
        Column of the candidates that names their groups, or ``"clusters"`` of like rows. None
        groups rows by the path that they take in a decision tree of the real rows, and, as
        clusters too, by whether models of the real rows agree with their label.
    target : str or None, default=None
        The label or number that models predict.
    schema : Schema, mapping, path or None, default=None
        See `Synthesizer`.
    n_pulls : int or None, default=None
        Sets of groups that the bandit scores; 4 for each group, and 24 at least, where None.
    learners : str, sequence of str or None, default=None
        Models that judge: some of ``"boosted trees"``, ``"linear"``, ``"forest"`` and ``"tree"``,
        in one string with commas between. Name the one that will be used; where None the first
        three judge, and the linear one alone below 100 real rows.
    random_state : int, RandomState or None, default=None
        Random seed.

    Attributes
    ----------
    selection_ : Selection
        What became of the last call of `select`.

    References
    ----------
    .. [1] DATE, arXiv 2512.21915, module 3 and appendix.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=460)
    >>> label = np.where(x > 0, "yes", "no")
    >>> rows = pl.DataFrame({"x": x, "y": label})
    >>> wrong = rows[60:260].with_columns(pl.Series("y", np.where(x[60:260] > 0, "no", "yes")))
    >>> selector = Selector(target="y", n_samples=50, random_state=0).fit(rows[:60])
    >>> selector.select(wrong).height
    0
    """

    def __init__(
        self,
        strategy: str = "bandit",
        *,
        n_samples: int = 100,
        groups: str | None = None,
        target: str | None = None,
        schema: Any = None,
        n_pulls: int | None = None,
        learners: str | Sequence[str] | None = None,
        random_state: Any = None,
    ) -> None:
        self.strategy = strategy
        self.n_samples = n_samples
        self.groups = groups
        self.target = target
        self.schema = schema
        self.n_pulls = n_pulls
        self.learners = learners
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None, *, validation: Any = None) -> Self:
        """Take in the real rows.

        Parameters
        ----------
        X : frame or path
            Real rows to learn from, the target among the columns.
        y : ignored
        validation : frame, path or None, default=None
            Real rows that judge; the training rows, cross-fitted, where None.

        Returns
        -------
        Selector

        Raises
        ------
        InputError
            If an option is out of its range, or there is no target that a model can predict.
        """
        if self.strategy not in STRATEGIES:
            raise InputError(f"strategy is one of {', '.join(STRATEGIES)}, not {self.strategy!r}")
        if self.n_samples < 1:
            raise InputError(f"n_samples is a whole number above 0, not {self.n_samples!r}")
        table = load_as_said(X, self.schema, self.target)
        holdout = None
        if validation is not None:
            holdout = load_as_said(validation, table.schema, None).frame
        return self.fit_typed(table.frame, table.schema, holdout)

    def fit_typed(
        self, frame: pl.DataFrame, schema: Schema, validation: pl.DataFrame | None = None
    ) -> Self:
        """Take in typed rows; see `fit`."""
        if schema.target is None:
            raise InputError(
                "a selector needs the column that models predict: name it (target=...)"
            )
        named = names_of(self.learners)
        self.schema_, self.train_ = schema, frame
        self.seed_ = seed_of(self.random_state)
        self.encoder_ = FeatureEncoder.fit(frame, schema)
        few = named is None and len(frame) < MIN_ROWS_FOR_TREES  # the scorer's own then
        self.scorer_ = Scorer(
            frame, schema, holdout=validation, seed=self.seed_, n_trees=_N_TREES,
            learners=None if few else judges(named, schema),
        )  # fmt: skip
        if self.scorer_.task is None:
            raise InputError(f"a selector has nothing to judge by: {self.scorer_.reason}")
        if not Design.of(self.scorer_.real).trees.shape[1]:
            raise InputError(
                "a selector has nothing to judge by: the table has no column besides the target "
                "that models could use"
            )
        return self

    def select(
        self,
        candidates: Any,
        n_samples: int | None = None,
        *,
        labels: Sequence[str] | None = None,
    ) -> Any:
        """Return the candidates that are worth keeping; `selection_` says why.

        Parameters
        ----------
        candidates : frame or path
            Rows with the columns of the real ones, and that of the groups where one is named.
        n_samples : int or None, default=None
            Rows wanted at most; that of the constructor where None.
        labels : sequence of str or None, default=None
            The group of each candidate, in place of `groups`.

        Returns
        -------
        frame of shape (n_chosen, n_columns)
            Of the kind that was given, without the column of the groups.

        Raises
        ------
        InputError
            If the candidates lack a column.
        """
        check_is_fitted(self, "scorer_")
        raw, restore = load_raw(candidates)
        read = read_candidates(raw, self.schema_, self.train_)
        usable = np.flatnonzero([not reason for reason in read.unreadable])
        labels = self._labels(raw) if labels is None else labels
        if labels is not None:
            labels = [labels[int(row)] for row in usable]
        selection = self.choose(read.frame[usable], labels, n_samples)
        lost = len(read) - len(usable)
        note = f"{lost} candidates have cells that cannot be read" if lost else ""
        notes = "; ".join(sentence for sentence in (selection.note, note) if sentence)
        self.selection_ = replace(selection, chosen=usable[selection.chosen], note=notes)
        names = [name for name in raw.columns if name != self.groups]
        return restore(raw[self.selection_.chosen].select(names))

    def _labels(self, raw: pl.DataFrame) -> list[str] | None:
        if self.groups is None or (self.groups == CLUSTERS and CLUSTERS not in raw.columns):
            return None
        if self.groups not in raw.columns:
            hint = suggest(self.groups, raw.columns)
            raise InputError(f"groups: the candidates have no column {self.groups!r}{hint}")
        return raw[self.groups].cast(pl.String).fill_null("").to_list()

    def choose(
        self,
        frame: pl.DataFrame,
        labels: Sequence[str] | None = None,
        n_samples: int | None = None,
    ) -> Selection:
        """Choose among typed candidates, in groups by `labels`."""
        rows = self.encoder_.rows(frame, "candidate")
        n_wanted = n_samples or self.n_samples
        new = self._new(rows)
        if labels is None:
            group = self.clusters if self.groups == CLUSTERS else self.paths
            labels = group(rows) if len(rows) else []
        result = self._choose(rows.take(new), [labels[row] for row in new], n_wanted)
        return replace(result, chosen=new[result.chosen])

    def _new(self, rows: EncodedRows) -> Ints:
        """Return the candidates with other features than any judging row has."""
        if self.scorer_.holdout is None:  # the folds leave out what equals their own rows
            return np.arange(len(rows))
        known = set(Design.of(self.scorer_.holdout).row_keys)
        return np.flatnonzero([key not in known for key in Design.of(rows).row_keys])

    def _choose(self, rows: EncodedRows, labels: Sequence[str], n_wanted: int) -> Selection:
        names, arm_of = cut_groups(labels)
        sizes = np.bincount(arm_of, minlength=len(names)).astype(np.intp)
        if self.strategy in ("none", "label-check"):
            return self._row_by_row(rows, names, arm_of, sizes, n_wanted)
        order = np.random.default_rng([self.seed_, 3]).permutation(len(rows))

        def drawn(arms: Sequence[int]) -> Ints:
            """Return rows of some arms, at random where they are more than wanted."""
            index = np.flatnonzero(np.isin(arm_of, arms))
            return np.sort(index[np.argsort(order[index])][:n_wanted])

        pulls = Pulls(
            len(names),
            lambda arms: self._score(rows, np.flatnonzero(np.isin(arm_of, arms))),
            lambda arms: self._score(rows, drawn(arms)),
        )
        if self.strategy == "greedy":
            taken = greedy(pulls, sizes, n_wanted)
            belief = self.scorer_.paired(pulls.gain(taken)) if taken else None
            return _selection(names, arm_of, sizes, taken, None, belief)
        selection = self._bandit(pulls, names, arm_of, sizes, n_wanted)
        kept = np.flatnonzero(selection.arms["chosen"].to_numpy()).tolist()
        return replace(selection, chosen=drawn(kept))

    # the bandit ---------------------------------------------------------------------------

    def _bandit(
        self, pulls: Pulls, names: list[str], arm_of: Ints, sizes: Ints, n_wanted: int
    ) -> Selection:
        rng = np.random.default_rng([self.seed_, 1])
        if not len(names):
            return _selection(names, arm_of, sizes, [], None)
        with bar("scoring", self.n_pulls or n_sets(len(names)), "sets of groups") as advance:
            play(pulls, sizes, n_wanted, rng, self.n_pulls, advance)
        values = pulls.values()
        taken = best(pulls, sizes, n_wanted)
        honest = self._honest(pulls, sizes, n_wanted, rng)
        belief = self.scorer_.paired(pulls.taken(taken)) if taken else None
        note = ""
        if taken and (honest is None or honest.value <= CONFIRMED * honest.error):
            note = (
                "no group was kept: rows that had no part in the choice do not confirm a gain; "
                "go on with the real rows alone"
            )
            taken = []
        return _selection(names, arm_of, sizes, taken, values, belief, honest, note)

    def _honest(
        self, pulls: Pulls, sizes: Ints, n_wanted: int, rng: np.random.Generator
    ) -> Gain | None:
        """Choose by all folds of the judging rows but one, and judge by the last, for each fold."""
        keys = self.scorer_.keys
        folds = (rng.permutation(int(keys.max()) + 1) % _N_FOLDS)[keys]
        gains = held_out_gains(pulls, sizes, n_wanted, folds)
        return None if gains is None else self.scorer_.paired(gains)

    def _score(self, rows: EncodedRows, index: Ints) -> NDArray[np.float64]:
        return self.scorer_.utility(rows.take(index) if len(index) else None).scores

    # groups, and rows one by one ----------------------------------------------------------

    def paths(self, rows: EncodedRows) -> list[str]:
        """Group rows by the leaf they reach in a tree of the real rows, and by agreement."""
        real, result = Design.of(self.scorer_.real), Design.of(rows)
        assert self.scorer_.task is not None
        classes = bool(self.scorer_.task.n_classes)
        kind = DecisionTreeClassifier if classes else DecisionTreeRegressor
        minimum = max(5, len(real) // 40)
        tree = kind(max_leaf_nodes=16, min_samples_leaf=minimum, random_state=self.seed_ % 2**31)
        known = ~np.isnan(real.y)
        tree.fit(real.trees[known], real.y[known])
        leaves = tree.apply(result.trees)
        target = self.encoder_.target
        features = [one for j, one in enumerate(self.encoder_.features) if j != target]
        texts = leaf_texts(tree.tree_, features)
        return self._by_agreement([texts[int(leaf)] for leaf in leaves], rows)

    def clusters(self, rows: EncodedRows) -> list[str]:
        """Group rows that are alike, about as many in each, and by agreement."""
        n_clusters = -(-len(rows) // _MAX_GROUP)
        means = KMeans(n_clusters, n_init=1, random_state=self.seed_ % 2**31)
        with one_thread():
            found = means.fit_predict(Design.of(rows).linear)
        return self._by_agreement([f"cluster {k + 1}" for k in found], rows)

    def _by_agreement(self, names: Sequence[str], rows: EncodedRows) -> list[str]:
        return [f"{name}: {'same' if same else 'other'} label"
                for name, same in zip(names, self._agreement(rows), strict=True)]  # fmt: skip

    def _agreement(self, rows: EncodedRows) -> NDArray[np.bool_]:
        """Return whether models of the real rows give a row's label, or a number near it."""
        task = self.scorer_.task
        assert task is not None
        design = Design.of(rows)
        rng = np.random.default_rng([self.seed_, 2])
        known = Design.of(self.scorer_.real)
        predicted = task.predict(known.take(np.flatnonzero(~np.isnan(known.y))), design, rng)
        mean = np.mean(list(predicted.values()), axis=0)
        if task.n_classes:
            return np.asarray(mean.argmax(axis=1) == design.y)
        spread = float(np.nanstd(known.y)) or 1.0
        return np.asarray(np.abs(mean - design.y) <= spread)

    def _row_by_row(
        self, rows: EncodedRows, names: list[str], arm_of: Ints, sizes: Ints, n_wanted: int
    ) -> Selection:
        good = np.ones(len(arm_of), dtype=bool)
        if self.strategy == "label-check":
            good = self._agreement(rows)
        chosen = np.flatnonzero(good)[:n_wanted]
        taken = np.unique(arm_of[chosen]).tolist() if len(chosen) else []
        selection = _selection(names, arm_of, sizes, taken, None)
        return Selection(chosen, selection.arms)


def cut_groups(labels: Sequence[str]) -> tuple[list[str], Ints]:
    """Give every row an arm: its group, cut where it is too large to be compared.

    Of many rows the cuts are larger, so that there are not many more arms than `_MAX_ARMS`.
    """
    largest = max(_MAX_GROUP, -(-len(labels) // _MAX_ARMS))
    names: list[str] = []
    arm_of = np.empty(len(labels), dtype=np.intp)
    seen: dict[str, int] = {}
    position: dict[tuple[str, int], int] = {}
    for row, label in enumerate(labels):
        part, seen[label] = seen.get(label, 0) // largest, seen.get(label, 0) + 1
        if (label, part) not in position:
            position[label, part] = len(names)
            names.append(label if part == 0 else f"{label} ({part + 1})")
        arm_of[row] = position[label, part]
    return names, arm_of


def _selection(
    names: list[str],
    arm_of: Ints,
    sizes: Ints,
    taken: Sequence[int],
    values: ArmValues | None,
    belief: Gain | None = None,
    honest: Gain | None = None,
    note: str = "",
) -> Selection:
    none = [None] * len(names)
    arms = pl.DataFrame(
        {
            "group": names,
            "rows": sizes,
            "value": none if values is None else values.value,
            "error": none if values is None else values.error,
            "pulls": none if values is None else values.n_pulls,
            "chosen": np.isin(np.arange(len(names)), taken),
        },
        schema_overrides={"group": pl.String, "value": pl.Float64, "error": pl.Float64,
                          "pulls": pl.Int64},
    )  # fmt: skip
    return Selection(np.flatnonzero(np.isin(arm_of, taken)), arms, belief, honest, note)
