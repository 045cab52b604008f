"""What one batch tells the next: one measurement, four uses of it.

Rows of a batch are held, class by class, against real rows that were not shown. What lies beyond
noise becomes orders in words, a choice of the rows to show next, the chance of a row to be taken,
and corrections of the local generator. Copies are out before anything is measured, so that
copying is not rewarded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright.generators.calibrated import Calibration, step_size
from tablewright.generators.parts.knobs import KnobSpace, Observation, Z
from tablewright.generators.parts.posterior import Knob
from tablewright.metrics.associations import associations
from tablewright.metrics.encoder import FeatureEncoder
from tablewright.schema import Schema
from tablewright.systems.common.examples import Indices
from tablewright.systems.common.partition import Partition
from tablewright.tables.encoding.codec import Codec, Floats, Matrix

_ORDERS = 6
"""Sentences that one round gets, at most."""
_LEAST = 10
"""Real rows of a class that have to be left unshown; below, all of them are compared with."""
_MANY = 30
"""Rows from which on pairs of columns are compared."""
_TILT = 2.0
"""Log weight that a row gets at most."""


@dataclass(frozen=True)
class Batch:
    """What was recorded of one batch.

    Attributes
    ----------
    n_rows : int
    off : float
        Share of the summaries beyond noise.
    divergence : dict of str to float
        See `Observation`.
    orders : list of str
        What the next batch was told.
    """

    n_rows: int
    off: float
    divergence: dict[str, float]
    orders: list[str] = field(default_factory=list)


class Feedback:
    """The comparison of batches with the real rows.

    Parameters
    ----------
    real : DataFrame
        Typed rows, with the columns of batches.
    schema : Schema
    partition : Partition
        What rows are compared within.
    codec : Codec
        Fitted on the real rows.
    temper : float or None, default=None
        See `Calibration`.

    Attributes
    ----------
    residual, variance : ndarray of shape (n_knobs,)
        Corrections that rows still need, smoothed over batches, and their variances.
    calibration : Calibration
        The posterior of the corrections, as if `step` made the rows.
    batches : list of Batch
    made_by : list of float
        The coupling that the rows of each class are drawn with, above that of the generator.
    """

    def __init__(
        self,
        real: pl.DataFrame,
        schema: Schema,
        partition: Partition,
        codec: Codec,
        temper: float | None = None,
    ) -> None:
        self.partition, self.codec = partition, codec
        self.matrix, self.parts = codec.encode(real).values, partition.of(real)
        space = KnobSpace.learn(Matrix(self.matrix, codec.fields), self.parts, len(partition))
        self.calibration = Calibration(space, temper=temper)
        self.residual = np.zeros(len(self.knobs))
        self.variance = np.full(len(self.knobs), np.inf)
        self.batches: list[Batch] = []
        self.made_by = [1.0] * len(partition)
        self.real = real
        self._known = {
            name: real[name].unique() for name in real.columns if not real[name].dtype.is_numeric()
        }
        self._pairs = _Pairs(real, schema, self.parts, len(partition))

    @property
    def knobs(self) -> list[Knob]:
        """What is measured."""
        return self.calibration.knobs

    def observe(self, rows: pl.DataFrame, shown: NDArray[np.bool_]) -> None:
        """Take in the rows of a batch that were kept; `shown` marks real rows in its prompts."""
        unshown = self._references(shown)
        values, parts = self._encoded(rows), self.partition.of(rows)
        space = self.calibration.space
        seen = space.observe(self.knobs, values, parts, self.matrix[unshown], self.parts[unshown])
        self.calibration.take(seen)
        self.calibration.update_coupling(
            values, parts, self.matrix[unshown], self.parts[unshown], self.made_by
        )
        self._smooth(seen)
        self._pairs.observe(rows, parts)
        self.batches.append(Batch(rows.height, seen.off, seen.divergence))

    def _references(self, shown: NDArray[np.bool_]) -> NDArray[np.bool_]:
        unshown = ~shown
        for part in range(len(self.partition)):
            mine = self.parts == part
            if (mine & unshown).sum() < _LEAST:
                unshown |= mine
        return unshown

    def _smooth(self, seen: Observation) -> None:
        """Average over batches with Robbins and Monro's steps, the variances alike."""
        rate = step_size(len(self.batches) + 1)
        said = ~np.isnan(seen.differences)
        first = np.isinf(self.variance)
        before, share = np.where(first, 0.0, self.variance), np.where(first, 1.0, rate)
        mixed = (1 - share) * self.residual + share * np.nan_to_num(seen.differences)
        self.residual = np.where(said, mixed, self.residual)
        noise = (1 - share) ** 2 * before + share**2 * np.nan_to_num(seen.variances)
        self.variance = np.where(said, noise, self.variance)

    @property
    def clear(self) -> Indices:
        """Knobs that are off beyond noise, the worst first."""
        strength = np.abs(self.residual) / np.sqrt(self.variance)
        order = np.argsort(-np.abs(self.residual), kind="stable")
        return np.asarray(order[strength[order] > Z])

    # the four uses -----------------------------------------------------------------------

    def orders(
        self,
        part_name: Callable[[int], str] | None = None,
        value_name: Callable[[str, object], str] | None = None,
    ) -> list[str]:
        """Say in short orders what to change, the worst first.

        Parameters
        ----------
        part_name, value_name : callable or None
            How a prompt calls a class, by its code, and a value of a column.
        """
        part_name = part_name or (lambda part: f"rows of {self.partition.names[part]}")
        value_name = value_name or (lambda column, value: str(value))
        pairs = list(self._pairs.orders(part_name))
        own = [self._order(k, part_name, value_name) for k in self.clear[:_ORDERS]]
        orders = (own[: max(_ORDERS - len(pairs), _ORDERS // 2)] + pairs)[:_ORDERS]
        if self.batches:
            self.batches[-1].orders[:] = orders
        return orders

    def _order(
        self, k: int, part_name: Callable[[int], str], value_name: Callable[[str, object], str]
    ) -> str:
        knob, value = self.knobs[k], float(self.residual[k])
        column = self.codec.fields[knob.column].name
        where = f"In {part_name(knob.part)}, "
        if knob.kind == "shift":
            wrong, right = ("low", "higher") if value > 0 else ("high", "lower")
            return (
                f"{where}{column!r} is too {wrong} by {abs(value):.1f} standard deviations on "
                f"average: write {right} values."
            )
        if knob.kind == "scale":
            wrong, right = ("little", "wider") if value > 0 else ("much", "closer together")
            return (
                f"{where}{column!r} varies too {wrong}, {np.exp(-value):.1f} times as much as it "
                f"should: spread it {right}."
            )
        label = value_name(column, self._label(knob))
        often = "more" if value > 0 else "less"
        factor = np.exp(abs(value))
        return f"{where}write {column!r} = {label} {often} often, about {factor:.1f} times."

    def _label(self, knob: Knob) -> object:
        column = self.codec.fields[knob.column].name
        codes = np.zeros((1, len(self.codec.fields)))
        codes[0, knob.column] = knob.value
        return self.codec.decode(codes, [column])[column][0]

    def log_weights(self, values: Floats, parts: Indices) -> Floats:
        """Return how much more of each row is needed: the tilt that corrects what is off.

        Of a number it is the ratio of two normals: of the real class, and of what was written.
        """
        space, logs = self.calibration.space, np.zeros(len(values))
        off: dict[tuple[int, int], dict[str, float]] = {}
        for k in self.clear.tolist():
            knob, value = self.knobs[k], float(self.residual[k])
            mine, cells = parts == knob.part, values[:, knob.column]
            if knob.kind == "weight":
                logs += np.where(mine & (cells == knob.value), value, 0.0)
            else:
                off.setdefault((knob.part, knob.column), {})[knob.kind] = value
        for (part, column), one in off.items():
            centre, spread = (table[part, column] for table in (space.centre, space.spread))
            z = np.clip(np.nan_to_num((values[:, column] - centre) / spread), -3, 3)
            written = (z + one.get("shift", 0.0)) ** 2 * np.exp(2 * one.get("scale", 0.0))
            logs += np.where(parts == part, (written - z**2) / 2, 0.0)
        return np.clip(logs, -_TILT, _TILT)

    def examples(self, n_rows: int, members: list[Indices], rng: np.random.Generator) -> Indices:
        """Choose real rows of each class to show next, rather those that are missing so far."""
        logs = self.log_weights(self.matrix, self.parts)
        chosen = []
        for rows in members:
            keys = logs[rows] + rng.gumbel(size=len(rows))  # weighted, without replacement
            chosen.append(rows[np.argsort(-keys, kind="stable")[:n_rows]])
        return np.concatenate(chosen)

    def accepted(self, rows: pl.DataFrame, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Take rows by chance, those of which there are too many less often, to a third."""
        parts = self.partition.of(rows)
        logs = self.log_weights(self._encoded(rows), parts)
        chance = np.ones(len(logs))
        for part in np.unique(parts):
            own = logs[parts == part]
            chance[parts == part] = np.exp(np.clip(own - np.quantile(own, 0.75), -1.0, 0.0))
        return np.asarray(rng.random(len(chance)) < chance)

    def setting_for(self, space: KnobSpace, codes: dict[int, int]) -> Floats:
        """Return the corrections of a generator by its own knobs, in the units of its classes.

        Parameters
        ----------
        space : KnobSpace
            Of the generator.
        codes : dict
            From its codes of classes to those of the partition.
        """
        own = {
            (knob.kind, knob.part, knob.column, knob.value): float(value)
            for knob, value in zip(self.knobs, self.calibration.step, strict=True)
        }

        def correction(knob: Knob) -> float:
            part, j = codes.get(knob.part, -1), knob.column
            value = own.get((knob.kind, part, j, knob.value), 0.0)
            if knob.kind != "shift" or part < 0:
                return value
            # What is scaled around the middle of a part moves, seen from that of a wider class.
            mine, stretch = self.calibration.space, np.exp(own["scale", part, j, -1])
            gap = (mine.centre[part, j] - space.centre[knob.part, j]) * (1 - stretch)
            return float((value * mine.spread[part, j] + gap) / space.spread[knob.part, j])

        return np.array([correction(knob) for knob in space.knobs()])

    def _encoded(self, rows: pl.DataFrame) -> Floats:
        """Encode rows; a value that no real row has counts as missing."""
        known = [
            pl.when(pl.col(name).is_in(values.implode())).then(pl.col(name))
            for name, values in self._known.items()
        ]
        return self.codec.encode(rows.select(self.real.columns).with_columns(known)).values


class _Pairs:
    """How strongly columns go together in batches, against the real rows."""

    def __init__(self, real: pl.DataFrame, schema: Schema, parts: Indices, n_parts: int) -> None:
        self.encoder = FeatureEncoder.fit(real, schema)
        self.n_parts = n_parts
        self.real = {
            part: (self._of(real.filter(parts == part)), n)
            for part in range(n_parts)
            if (n := int((parts == part).sum())) >= _MANY
        }
        self.seen: dict[int, pl.DataFrame] = {}

    def _of(self, rows: pl.DataFrame) -> Floats:
        return associations(self.encoder.rows(rows))

    def observe(self, rows: pl.DataFrame, parts: Indices) -> None:
        """Remember the latest rows of each class, as many as say something."""
        for part in self.real:
            own = rows.filter(parts == part)
            before = self.seen.get(part)
            both = own if before is None else pl.concat([before, own])
            self.seen[part] = both.tail(max(own.height, 2 * _MANY))

    def orders(self, part_name: Callable[[int], str]) -> Iterator[str]:
        """Name the pair of each class that is farthest off, if it is beyond noise."""
        names = [feature.name for feature in self.encoder.features]
        for part, (real, n_real) in self.real.items():
            rows = self.seen.get(part)
            if rows is None or rows.height < _MANY:
                continue
            made = self._of(rows)
            apart = np.triu(np.abs(made - real), 1)
            i, j = np.unravel_index(int(apart.argmax()), apart.shape)
            # the worst of many pairs is looked at, so that the band is a wide one
            if apart[i, j] > 2 * Z * np.sqrt(1 / rows.height + 1 / n_real):
                yield (
                    f"In {part_name(part)}, {names[i]!r} and {names[j]!r} go together with "
                    f"strength {made[i, j]:.1f}, which should be {real[i, j]:.1f}."
                )
