"""Gaussian copula: every column by its ranks, all together by one correlation matrix."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from tablewright.generators.base import Bools, Condition, Given, State
from tablewright.generators.parts.conditioning import draw_condition
from tablewright.generators.parts.gaussian import NormalPart, with_missing_code
from tablewright.generators.parts.local import LocalGenerator
from tablewright.generators.parts.marginals import Domain, learn, pack, unpack, within
from tablewright.generators.parts.mixture import Component, draw_mixture
from tablewright.generators.parts.ordering import order_codes, profile
from tablewright.generators.parts.proposals import blank, from_marginals, patterns
from tablewright.generators.parts.truncated_normal import Bounds
from tablewright.tables.encoding.codec import Field, Floats, Matrix


class GaussianCopula(LocalGenerator):
    """Ranks of all columns as correlated normal variables, one model per class.

    Each class of a discrete target that has enough rows gets a copula of its own, whose
    correlations are shrunk towards those of all classes; the other rows share one. Codes
    are ordered by the mean of the target (inside a class, by what goes along with its
    numbers), and correlations are corrected for values that
    share a rank. Whether a number is missing is a variable like the others.

    Parameters
    ----------
    min_class : int, default=20
        Rows that a class needs for a copula of its own.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> rows = rng.multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], 500)
    >>> model = GaussianCopula().fit(Matrix(rows, (Field("a"), Field("b"))), rng)
    >>> round(float(np.corrcoef(model.sample(5000, rng).T)[0, 1]), 1)
    0.8
    """

    keeps_rows = False
    """A model file needs no real row."""

    def __init__(self, *, min_class: int = 20) -> None:
        self.min_class = min_class

    def _fit(self, matrix: Matrix, rng: np.random.Generator) -> None:
        """Learn distributions and correlations; nothing is left to chance."""
        self.fields_ = matrix.fields
        coded = with_missing_code(matrix)
        gaps = tuple(np.flatnonzero(np.isnan(coded.values).any(axis=0)).tolist())
        self.labels_, own, rest = self._divide(coded)
        orders = self._orders(coded, within_classes=True)
        parts = [NormalPart.learn(coded.take(rows), orders, gaps) for rows in own]
        if parts:
            sizes = [part.n_rows for part in parts]
            shared = np.average([part.correlation for part in parts], axis=0, weights=sizes)
            parts = [part.shrunk(shared) for part in parts]
        weights = [float(len(rows)) for rows in own]
        if rest or not own:
            whole = NormalPart.learn(coded, self._orders(coded, within_classes=False), gaps)
            parts.append(whole.shrunk(np.eye(len(whole.correlation))))
            weights.append(float(rest or len(coded.values)))
        self.parts_ = parts
        self.log_prior_ = np.log(np.array(weights) / sum(weights))
        self.marginals_ = [
            learn(matrix.values[:, j], field) for j, field in enumerate(matrix.fields)
        ]
        self._finish()

    def _orders(self, coded: Matrix, *, within_classes: bool) -> dict[int, NDArray[np.intp]]:
        """Order the codes of each column that has no order of its own."""
        columns = profile(coded, within_classes=within_classes)
        return {
            j: order_codes(coded.values[:, j].astype(np.intp), field.levels, columns)
            for j, field in enumerate(coded.fields)
            if field.discrete and not field.ordered
        }

    def _divide(self, coded: Matrix) -> tuple[list[int], list[NDArray[np.intp]], int]:
        """Codes and rows of the classes with a copula of their own; rows of the others."""
        target = coded.target
        if target is None or not coded.fields[target].discrete:
            return [], [], 0
        classes = coded.values[:, target].astype(np.intp)
        count = np.bincount(classes)
        labels = np.flatnonzero(count >= self.min_class)
        own = [np.flatnonzero(classes == label) for label in labels]
        return labels.tolist(), own, int(len(classes) - count[labels].sum())

    def _finish(self) -> None:
        """Derive what is not stored."""
        self._target = next((j for j, field in enumerate(self.fields_) if field.target), None)
        self._reach = np.max([part.reach for part in self.parts_], axis=0)

    def _sample(
        self,
        n_rows: int,
        rng: np.random.Generator,
        given: Given | None,
        condition: Condition | None,
        complete: bool,
    ) -> Floats:
        """Draw rows from the model.

        Raises
        ------
        ConditionError
            If no row can meet the condition.
        """
        known = blank(n_rows, len(self.fields_)) if given is None else given
        if condition is not None:
            known = self._meet(condition, known, rng, complete)
        rows = self._fill(known, {}, rng, complete)
        return np.where(known.known, known.values, rows)

    def _meet(
        self, condition: Condition, known: Given, rng: np.random.Generator, complete: bool
    ) -> Given:
        """Fill the cells of a condition from the copulas cut to what it allows."""
        allowed = {j: condition.allowed(j) for j in condition.columns}
        domains = {j: domain for j, domain in allowed.items() if domain is not None}

        def propose(rows: Given, rng: np.random.Generator) -> Floats:
            drawn = self._fill(rows, domains, rng, complete, condition.columns)
            return np.where(rows.known, rows.values, drawn)

        marginals = dict(enumerate(self.marginals_))
        proposals = [
            propose if self._components(None, {}, domains, complete, ()) else None,
            from_marginals(marginals, condition, complete=complete),
        ]
        given = known if known.known.any() else None
        return draw_condition(
            condition, len(known.values), rng, proposals, marginals, self.fields_, given
        )

    def _fill(
        self,
        given: Given,
        domains: Mapping[int, Domain],
        rng: np.random.Generator,
        complete: bool,
        columns: Sequence[int] | None = None,
    ) -> Floats:
        """Draw rows whose cells are as given, or lie in domains; some columns, or all."""
        requested = tuple(range(len(self.fields_)) if columns is None else columns)
        rows = np.empty(given.values.shape)
        coded = with_missing_code(Matrix(given.values, self.fields_)).values
        cells = np.hstack([given.known, given.known & np.isnan(coded)])
        for at, pattern in patterns(cells):
            known = pattern[: len(self.fields_)]
            for label, some in self._by_label(coded, known, at):
                rows[some] = self._draw(
                    coded[some], known, label, domains, rng, complete, requested
                )
        return self._decode(rows, rng, complete, requested)

    def _by_label(
        self, coded: Floats, known: Bools, at: NDArray[np.intp]
    ) -> Iterator[tuple[int | None, NDArray[np.intp]]]:
        """Rows by the class they are known to have, where classes have copulas."""
        if not self.labels_ or self._target is None or not known[self._target]:
            yield None, at
            return
        labels = coded[at, self._target]
        for label in np.unique(labels):
            yield int(label), at[labels == label]

    def _draw(
        self,
        values: Floats,
        known: Bools,
        label: int | None,
        domains: Mapping[int, Domain],
        rng: np.random.Generator,
        complete: bool,
        wanted: tuple[int, ...],
    ) -> Floats:
        """Draw rows that have the same cells known, and the same class if that is known."""
        fixed = {j: values[:, j] for j in np.flatnonzero(known).tolist()}
        if label in self.labels_:
            del fixed[self._target or 0]
        free = {j: domain for j, domain in domains.items() if not known[j]}
        components = self._components(label, fixed, free, complete, wanted) or self._components(
            label, fixed, {}, complete, wanted
        )
        if fixed or free:
            return draw_mixture(components, len(values), rng, alike=not fixed, complete=complete)
        rows = np.empty(values.shape)
        weights = np.exp([component.log_prior for component in components])
        choice = rng.choice(len(components), len(values), p=weights / weights.sum())
        for c, component in enumerate(components):
            mine = np.flatnonzero(choice == c)
            rows[mine] = draw_mixture([component], len(mine), rng, alike=True, complete=complete)
        return rows

    def _components(
        self,
        label: int | None,
        fixed: Mapping[int, Floats],
        domains: Mapping[int, Domain],
        complete: bool,
        wanted: tuple[int, ...],
    ) -> list[Component]:
        """Copulas that can give such rows, with the bounds of their variables."""
        result = []
        for index in self._parts_of(label):
            part, own = self.parts_[index], index < len(self.labels_)
            bounds: dict[int, Bounds] = {}
            for j, values in fixed.items():
                if not (own and j == self._target):
                    bounds |= part.known(j, values, self._reach[j])
            cut = [
                part.within(j, self._narrow(j, domain, own, complete))
                for j, domain in domains.items()
            ]
            if any(bound is None for bound in cut):
                continue
            for bound in cut:
                bounds |= bound or {}
            standing = self._standing(part, own, complete, wanted)
            result.append(
                Component(part, float(self.log_prior_[index]), {**standing, **bounds}, wanted)
            )
        return result

    def _parts_of(self, label: int | None) -> list[int]:
        """Which parts can give rows of a class."""
        if label in self.labels_:
            return [self.labels_.index(label)]
        if label is not None and len(self.parts_) > len(self.labels_):
            return [len(self.parts_) - 1]
        return list(range(len(self.parts_)))

    def _standing(
        self, part: NormalPart, own: bool, complete: bool, wanted: tuple[int, ...]
    ) -> dict[int, Bounds]:
        """Bounds that no row of a part may leave; they say nothing of which part is likelier."""
        bounds: dict[int, Bounds] = {}
        for j in {*wanted, *([] if own or self._target is None else [self._target])}:
            discrete = self.fields_[j].discrete
            piece = part.within(j, self._narrow(j, None, own, complete) if discrete else None)
            for k, bound in (piece or {}).items():
                mass = (ndtr(bound.high) - ndtr(bound.low)).sum(axis=1)
                bounds[k] = replace(bound, log_mass=np.log(mass))
        return bounds

    def _narrow(self, column: int, domain: Domain, own: bool, complete: bool) -> Domain:
        """Take out of a domain what is missing, and classes that have parts of their own."""
        drop: list[int] = []
        if column == self._target and self.labels_ and not own:
            drop += self.labels_
        if self.fields_[column].discrete and complete:
            drop.append(self.fields_[column].levels)
        if isinstance(domain, tuple):
            return tuple(pair for pair in domain if not (complete and np.isnan(pair[0])))
        if not drop:
            return domain
        mask = np.ones(self.fields_[column].levels + 1, bool) if domain is None else domain.copy()
        mask[drop] = False
        return mask

    def _decode(
        self, rows: Floats, rng: np.random.Generator, complete: bool, wanted: tuple[int, ...]
    ) -> Floats:
        """Turn the code of a missing value into NaN; fill what is left open if asked to."""
        for j in wanted:
            field = self.fields_[j]
            if field.discrete:
                rows[rows[:, j] == field.levels, j] = np.nan
            dropped = np.flatnonzero(np.isnan(rows[:, j]) & complete)
            rows[dropped, j] = self.marginals_[j].quantile(rng.random(len(dropped)))
        return rows

    def _state(self) -> State:
        """Return all that `restore` needs."""
        facts = {"min_class": self.min_class, "labels": self.labels_, "gaps": self.parts_[0].gaps}
        arrays: dict[str, NDArray[Any]] = {"log_prior": self.log_prior_}
        for index, part in enumerate(self.parts_):
            arrays |= {f"part{index}/{name}": array for name, array in part.arrays().items()}
        arrays |= pack(self.marginals_)
        return State(facts, arrays)

    @classmethod
    def _restore(cls, fields: tuple[Field, ...], state: State) -> Self:
        """Make the fitted generator again."""
        facts, arrays = state.facts, state.arrays
        self = cls(min_class=facts["min_class"])
        self.fields_, self.labels_ = tuple(fields), list(facts["labels"])
        self.log_prior_ = arrays["log_prior"]
        self.marginals_ = unpack(arrays, len(fields))
        self.parts_ = [
            NormalPart.restore(within(arrays, f"part{index}/"), tuple(facts["gaps"]), len(fields))
            for index in range(len(self.log_prior_))
        ]
        self._finish()
        return self
