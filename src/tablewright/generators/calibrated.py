"""Calibrate any generator by Bayes: what it writes of a class is held against the real class.

RDDG (arXiv 2604.16817), sections on Bayesian calibration, which the published program leaves to
the text of a prompt. Here the setting is a vector of numbers with a prior; a batch of rows
against a batch of real rows is a noisy observation of what each should be; the posterior is
exact for shifts, scales and weights (normal prior and normal likelihood), and over a finite set of
settings for the coupling of columns and the width of neighbourhoods, which have no explicit score.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tablewright.errors import InputError
from tablewright.generators.base import Condition, Floats, Generator, Given, State
from tablewright.generators.parts.knobs import (
    Codes,
    KnobSpace,
    Observation,
    Z,
    correlations,
    fisher,
    knob_columns,
    resampled,
)
from tablewright.generators.parts.local import FewRowsWarning
from tablewright.generators.parts.perturbation import Perturbation
from tablewright.generators.parts.posterior import COUPLINGS, Particles, Posterior
from tablewright.registry import resolve
from tablewright.tables.encoding.codec import Field, Matrix

_STEP, _DELAY, _DECAY = 0.8, 2.0, 0.7
_PILOT = 2000
"""Rows drawn to learn where the generator's own means lie, around which spreads are scaled."""
_SPREADS = {"shift": 0.5, "scale": 0.3, "weight": 0.5}
_MAX_ROWS = 10_000
"""Rows that widths are told apart on."""
_COUPLING = 0.2
_WIDTH = 1.0
"""Prior standard deviations of the knobs, of the coupling, and of the width in powers of 2."""
_SURE = 3.5
"""Standard errors of a correlation from which on it counts for a coupling."""
_FIRM = 0.2
"""Factor of the prior standard deviations of columns that are believed to be right."""
_CALM, _CALM_BATCHES = 0.10, 3


def step_size(batch: int) -> float:
    """Return the share of the way to go after a batch, counted from 1.

    Robbins and Monro: the sum of the sizes diverges, that of their squares does not. The first
    few take the mean of all batches, so that the start is forgotten.
    """
    return float(max(1 / batch, _STEP / (batch + _DELAY) ** _DECAY))


class Calibration:
    """The loop: rows against real rows, the posterior, and the setting for the next batch.

    Parameters
    ----------
    space : KnobSpace
    firm : sequence of str, default=()
        Columns that are believed to be right, such as those of a relation that was verified.
    temper : float or None, default=None
        Share of its weight at which a batch counts (eta); None takes one over the root of the
        number of knobs, which is conservative: what a batch says of them is not independent.

    Attributes
    ----------
    posterior : Posterior
    step : ndarray of shape (n_knobs,)
        Setting for the next batch.
    reports : list of Observation
    """

    def __init__(
        self, space: KnobSpace, firm: Sequence[str] = (), temper: float | None = None
    ) -> None:
        self.space, self.knobs = space, list(space.knobs())
        firmly = [space.fields[knob.column].name in firm for knob in self.knobs]
        spread = np.array([_SPREADS[knob.kind] for knob in self.knobs])
        spread = np.where(firmly, _FIRM, 1.0) * spread
        self.posterior = Posterior.prior(self.knobs, spread, space.n_parts, _COUPLING)
        self.temper = temper or 1 / max(1.0, float(np.sqrt(len(self.knobs))))
        self.step = np.zeros(len(self.knobs))
        self.reports: list[Observation] = []
        self._steps: list[Floats] = []

    def update(self, rows: Floats, parts: Codes, real: Floats, real_parts: Codes) -> None:
        """Hold a batch that was made by `step` against real rows."""
        self.take(self.space.observe(self.knobs, rows, parts, real, real_parts))

    def take(self, seen: Observation) -> None:
        """Take in what a batch showed that was made by `step`, and go a step on."""
        self.posterior.observe(self.step + seen.differences, seen.variances, self.temper)
        self.reports.append(seen)
        clear = np.abs(self.posterior.mean) > Z * self.posterior.sd
        goal = np.where(clear, self.posterior.mean, 0.0)
        self.step = self.step + step_size(len(self.reports)) * (goal - self.step)
        self._steps.append(self.step)

    def update_coupling(
        self,
        drawn: Floats,
        parts: Codes,
        real: Floats,
        real_parts: Codes,
        made_by: Sequence[float] | None = None,
    ) -> None:
        """Weigh each coupling by how likely it makes the real correlations.

        Only pairs count that the drawn rows correlate far beyond noise, so that hardly any of many
        pairs does by chance: a factor of nothing explains nothing. `made_by` are the couplings that
        the rows were drawn with, where not 1.
        """
        numbers = self.space.numbers
        upper = np.triu_indices(len(numbers), 1)
        for part in range(self.space.n_parts):
            own, made = real[real_parts == part][:, numbers], drawn[parts == part][:, numbers]
            if min(len(own), len(made)) < 8:
                continue
            truth, before = correlations(own)[upper], correlations(made)[upper]
            clear = np.abs(before) > _SURE / np.sqrt(len(made))
            factors = COUPLINGS / (1.0 if made_by is None else made_by[part])
            noise = 1 / (len(own) - 3) + 1 / (len(made) - 3)
            expected = fisher(factors[:, None] * before[None, clear])
            squares = ((fisher(truth[clear]) - expected) ** 2).sum(axis=1)
            self.posterior.coupling[part].observe(-0.5 * squares / noise, self.temper)

    @property
    def couplings(self) -> list[float]:
        """The coupling of each class, where it is other than 1 beyond noise; else 1."""
        return [
            belief.mean if abs(belief.mean - 1) > Z * belief.sd else 1.0
            for belief in self.posterior.coupling
        ]

    @property
    def calm(self) -> bool:
        """Whether three batches in a row showed hardly more than noise: the predictive check."""
        recent = [report.off for report in self.reports[-_CALM_BATCHES:]]
        return len(recent) == _CALM_BATCHES and max(recent) < _CALM

    @property
    def setting(self) -> Floats:
        """Mean of the steps after half of the batches (Polyak and Ruppert)."""
        if not self._steps:
            return self.step
        return np.asarray(np.mean(self._steps[len(self._steps) // 2 :], axis=0))


class Calibrated:
    """A generator whose rows of each class are moved to where the real rows of it lie.

    Parameters
    ----------
    generator : str or Generator, default="trees"
        Fitted by `fit` like any other.
    n_batches : int, default=12
        Batches at most; it stops earlier once three batches in a row show no difference.
    batch_size : int, default=200
        Generated rows of a batch.
    firm, temper
        See `Calibration`.
    widths : sequence of float, default=()
        Factors of how many real rows a value is drawn from, of which held-out rows choose; for
        generators with `min_samples_leaf`, each of which is fitted twice more.

    Attributes
    ----------
    calibration_ : Calibration
        With the posterior, and what each batch showed; of a generator that was read from a file
        the posterior alone.
    posterior_ : Posterior
    setting_ : ndarray of shape (n_knobs,)
        What rows are made by.
    couplings_ : list of float
        By which the correlations of each class are multiplied.
    width_ : Particles
        Over the logarithms of `widths` to base 2, where there are any.

    References
    ----------
    .. [1] Wood, "Statistical inference for noisy nonlinear ecological dynamic systems", Nature
       2010 (synthetic likelihood); Robbins and Monro, Ann. Math. Statist. 1951.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> matrix = Matrix(rng.normal(5.0, 2.0, (300, 1)), (Field("x"),))
    >>> Calibrated("independent").fit(matrix, rng).sample(3, rng).shape
    (3, 1)
    """

    def __init__(
        self,
        generator: str | Generator = "trees",
        n_batches: int = 12,
        batch_size: int = 200,
        firm: Sequence[str] = (),
        temper: float | None = None,
        widths: Sequence[float] = (),
    ) -> None:
        self.widths = widths
        self.generator = generator
        self.n_batches = n_batches
        self.batch_size = batch_size
        self.firm = firm
        self.temper = temper

    def fit(self, matrix: Matrix, rng: np.random.Generator) -> Self:
        """Fit the generator, and calibrate it on disjoint batches of the real rows."""
        self._take(matrix.fields)
        self.model_: Generator = self._unfitted()
        if self.widths and hasattr(self.model_, "min_samples_leaf") and len(matrix.values) > 1:
            self.model_.min_samples_leaf = self._leaf(matrix, rng)
        self.model_.fit(matrix, rng)
        parts = self.parts_of(matrix.values)
        pilot = self._drawn(self.model_, matrix.values, rng, _PILOT)
        pilot_parts = self.parts_of(pilot)
        space = KnobSpace.learn(matrix, parts, self.n_parts_, (pilot, pilot_parts))
        self.calibration_ = Calibration(space, self.firm, self.temper)
        for real in self._references(matrix.values, parts, rng):
            rows = self._drawn(self.model_, real, rng, self.batch_size)
            step, real_parts = self.calibration_.step, self.parts_of(real)
            moved = self._moved(rows, step, rng, len(rows))
            self.calibration_.update(moved, self.parts_of(moved), real, real_parts)
            self.calibration_.update_coupling(pilot, pilot_parts, real, real_parts)
            if self.calibration_.calm:
                break
        self.posterior_, self.setting_ = self.calibration_.posterior, self.calibration_.setting
        self.couplings_ = self._climbed(matrix.values, parts, rng)
        return self

    def _climbed(self, values: Floats, parts: Codes, rng: np.random.Generator) -> list[float]:
        """Try couplings that are other than 1: what rows gain, with their ranges and steps.

        The posterior takes correlations to be multiplied exactly; values that are cut to their
        range or rounded are not. So the last word is had by rows that are made with it.
        """
        couplings: Floats = np.array(self.calibration_.couplings)
        beliefs, knobs = self.posterior_.coupling, self.calibration_.knobs
        open_ = np.flatnonzero(couplings != 1)
        if not len(open_):
            return self.calibration_.couplings
        spread = np.array([beliefs[part].sd for part in open_])
        climb = Perturbation(
            couplings[open_], np.zeros(len(open_)), np.full(len(open_), COUPLINGS[-1]), spread
        )

        def at(setting: Floats, rows: Floats, real: Floats, real_parts: Codes) -> float:
            couplings[open_] = setting
            made = self._coupled(rows, couplings.tolist())
            score, _ = self.calibration_.space.likelihood(
                knobs, made, self.parts_of(made), real, real_parts
            )
            return score

        for real in self._references(values, parts, rng):
            drawn = self._drawn(self.model_, real, rng, self.batch_size)
            rows = self._moved(drawn, self.setting_, rng, len(drawn))
            climb.step(partial(at, rows=rows, real=real, real_parts=self.parts_of(real)), rng)
        couplings[open_] = climb.mean
        return [float(coupling) for coupling in couplings]

    def _unfitted(self) -> Any:
        """Return the generator inside, not fitted."""
        named = isinstance(self.generator, str)
        return (
            resolve("generators", str(self.generator))() if named else copy.deepcopy(self.generator)
        )

    def _leaf(self, matrix: Matrix, rng: np.random.Generator) -> int:
        """Return how many real rows a value is drawn from: as held-out rows speak for.

        Each width makes rows of its own from one half, which are held against batches of the
        other; rows that a value may be drawn from itself would speak for the narrowest.
        """
        usual = int(self._unfitted()._least(len(matrix.values)))
        if len(matrix.values) > _MAX_ROWS:
            matrix = matrix.take(np.sort(rng.choice(len(matrix.values), _MAX_ROWS, replace=False)))
        self.width_ = Particles.prior(np.log2(self.widths), _WIDTH)
        half = rng.permutation(len(matrix.values)) % 2 == 0
        for side in (half, ~half):
            train, held = matrix.take(np.flatnonzero(side)), matrix.values[~side]
            models = []
            for width in self.widths:
                model = self._unfitted()
                model.min_samples_leaf = max(2, round(usual * width))
                models.append(model.fit(train, rng))
            space = KnobSpace.learn(train, self.parts_of(train.values), self.n_parts_)
            for real in self._references(held, self.parts_of(held), rng):
                self._weigh(models, space, real, rng)
        return max(2, round(usual * 2**self.width_.mean))

    def _weigh(
        self, models: Sequence[Generator], space: KnobSpace, real: Floats, rng: np.random.Generator
    ) -> None:
        """Hold rows of each width against real rows that it was not learned from."""
        knobs, found, seed = list(space.knobs()), [], rng.integers(2**31)
        for model in models:
            rows = self._drawn(model, real, np.random.default_rng(seed), self.batch_size)
            parts = self.parts_of(rows), self.parts_of(real)
            found.append(space.likelihood(knobs, rows, parts[0], real, parts[1]))
        likelihoods, sizes = (np.array(one) for one in zip(*found, strict=True))
        temper = self.temper or 1 / np.sqrt(max(1, sizes[0]))
        self.width_.observe(likelihoods, temper)

    def _take(self, fields: tuple[Field, ...]) -> None:
        self.fields_ = fields
        found = [j for j, one in enumerate(fields) if one.target and one.discrete]
        self.target_ = found[0] if found else None
        self.n_parts_ = max(fields[found[0]].levels, 1) if found else 1

    def parts_of(self, rows: Floats) -> Codes:
        """Return the class of each row; 0 where there are none."""
        if self.target_ is None:
            return np.zeros(len(rows), dtype=np.intp)
        codes = np.nan_to_num(rows[:, self.target_], nan=-1)
        return codes.astype(np.intp)

    def _references(
        self, values: Floats, parts: Codes, rng: np.random.Generator
    ) -> Iterator[Floats]:
        """Yield disjoint batches of the real rows, classes in each as in the table."""
        order = rng.permutation(len(parts))
        order = order[np.argsort(parts[order], kind="stable")]
        sizes = np.bincount(parts[parts >= 0], minlength=self.n_parts_)
        smallest = int(sizes[sizes > 0].min()) if sizes.any() else 0
        n_batches = max(1, min(self.n_batches, smallest // 5))
        for index in range(n_batches):
            yield values[order[index::n_batches]]

    def _drawn(
        self, model: Generator, like: Floats, rng: np.random.Generator, n_rows: int
    ) -> Floats:
        """Draw rows with the classes of real ones, before any setting."""
        if self.target_ is None or not len(like):
            return model.sample(n_rows, rng)
        values = np.full((n_rows, len(self.fields_)), np.nan)
        values[:, self.target_] = like[rng.integers(0, len(like), n_rows), self.target_]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FewRowsWarning)  # these rows are not written
            return model.sample(n_rows, rng, given=Given(values, ~np.isnan(values)))

    # sampling -----------------------------------------------------------------------------

    def sample(
        self,
        n_rows: int,
        rng: np.random.Generator,
        *,
        given: Given | None = None,
        condition: Condition | None = None,
        complete: bool = False,
    ) -> Floats:
        """Draw rows, moved by the setting; given cells stay, and a condition has the last word.

        Raises
        ------
        ConditionError
            If no row can meet the condition.
        """
        weighs = self._is_class_alone(given) and self._weighs
        asked = _twice(given) if weighs else given
        rows = self.model_.sample(
            2 * n_rows if weighs else n_rows, rng, given=asked, condition=condition,
            complete=complete,
        )  # fmt: skip
        moved = self._moved(rows, self.setting_, rng, n_rows, weighs=weighs)
        if self._is_class_alone(given) and condition is None:
            moved = self._coupled(moved, self.couplings_)
        if given is not None:
            moved = np.where(given.known, given.values, moved)
        if condition is None:
            return moved
        return np.where(condition.holds(moved)[:, None], moved, rows[:n_rows])

    @property
    def _weighs(self) -> bool:
        knobs = zip(self.posterior_.knobs, self.setting_, strict=True)
        return any(knob.kind == "weight" and value for knob, value in knobs)

    def _is_class_alone(self, given: Given | None) -> bool:
        """Whether rows may stand in for each other: no more than their class is given."""
        if given is None:
            return True
        known = np.flatnonzero(given.known.any(axis=0)).tolist()
        return known in ([], [self.target_])

    def _moved(
        self,
        rows: Floats,
        setting: Floats,
        rng: np.random.Generator,
        n_rows: int,
        *,
        weighs: bool = True,
    ) -> Floats:
        """Choose rows by the weights of a setting, and scale and shift them."""
        space, knobs = self.calibration_.space, self.calibration_.knobs
        if weighs:
            parts = self.parts_of(rows)
            logs = space.log_weights(rows, parts, knobs, setting)
            rows = rows[resampled(logs, parts, n_rows, rng)]
        return space.moved(rows, self.parts_of(rows), knobs, setting)

    def _coupled(self, rows: Floats, couplings: Sequence[float]) -> Floats:
        """Bring the numbers of each class to a coupling."""
        if all(coupling == 1 for coupling in couplings):
            return rows
        space = self.calibration_.space
        return space.written(space.coupled(rows, self.parts_of(rows), couplings), rows)

    # storing ------------------------------------------------------------------------------

    @property
    def keeps_rows(self) -> bool:
        """Whether the generator needs real rows to draw from."""
        return bool(getattr(self.model_, "keeps_rows", True))

    @property
    def order(self) -> Sequence[int]:
        """Positions of the columns in the order in which the generator draws them."""
        return self.model_.order

    def state(self) -> State:
        """Return all that `restore` needs.

        Raises
        ------
        InputError
            If the generator was given as an object, of which nobody would know how to make it.
        """
        if not isinstance(self.generator, str):
            raise InputError(
                "a calibrated generator can be saved where the one inside was named, such as "
                "'trees', and this one was given as an object"
            )
        inner, space = self.model_.state(), self.calibration_.space
        facts = {
            "generator": self.generator,
            "n_batches": self.posterior_.n_batches,
            "inner": dict(inner.facts),
            "atoms": {str(j): values for j, values in space.atoms.items()},
        }
        arrays = {f"inner/{name}": array for name, array in inner.arrays.items()}
        belief = self.posterior_
        own = {
            "setting": self.setting_, "couplings": np.array(self.couplings_),
            "mean": belief.mean, "precision": belief.precision,
            "coupling": np.array([one.logs for one in belief.coupling]),
            "centre": space.centre, "spread": space.spread, "low": space.low, "high": space.high,
        }  # fmt: skip
        if hasattr(self, "width_"):
            own |= {"widths": self.width_.settings, "width_logs": self.width_.logs}
        return State(facts, {**arrays, **own})

    @classmethod
    def restore(cls, fields: Sequence[Field], state: State) -> Self:
        """Make the fitted generator again."""
        name, arrays = str(state.facts["generator"]), state.arrays
        made = cls(name)
        made._take(tuple(fields))
        inner = {n.removeprefix("inner/"): a for n, a in arrays.items() if n.startswith("inner/")}
        made.model_ = resolve("generators", name).restore(
            fields, State(state.facts["inner"], inner)
        )
        made.calibration_ = Calibration(_space(made, state.facts, arrays))
        belief = made.calibration_.posterior
        belief.mean, belief.precision = arrays["mean"], arrays["precision"]
        belief.coupling = [Particles(COUPLINGS, logs) for logs in arrays["coupling"]]
        belief.n_batches = int(state.facts.get("n_batches", 0))
        made.posterior_, made.setting_ = belief, arrays["setting"]
        made.couplings_ = arrays["couplings"].tolist()
        if "widths" in arrays:
            made.width_ = Particles(arrays["widths"], arrays["width_logs"])
        return made


def _space(
    made: Calibrated, facts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
) -> KnobSpace:
    """Make the knobs again."""
    columns = knob_columns(made.fields_)
    atoms = {int(j): list(values) for j, values in facts["atoms"].items()}
    ends = [arrays[name] for name in ("centre", "spread", "low", "high")]
    return KnobSpace(made.fields_, made.n_parts_, *columns, atoms, *ends)


def _twice(given: Given | None) -> Given | None:
    if given is None:
        return None
    return Given(np.concatenate([given.values] * 2), np.concatenate([given.known] * 2))
