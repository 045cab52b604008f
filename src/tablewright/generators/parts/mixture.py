"""Draw from several Gaussian copulas at once, within bounds, by weighted particles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tablewright.generators.base import Floats
from tablewright.generators.parts.gaussian import NormalPart
from tablewright.generators.parts.truncated_normal import Bounds, draw_within

_PARTICLES = 4
# Blocks that stay in the cache, and below the size at which BLAS starts threads.
_AT_ONCE = 2**15


@dataclass(frozen=True)
class Component:
    """One copula, how likely it is, and where its variables have to lie.

    Attributes
    ----------
    part : NormalPart
        The copula.
    log_prior : float
        Log of its share of rows.
    bounds : mapping of int to Bounds
        By variable; for all rows, or for each row its own.
    columns : tuple of int
        Columns to draw; the others come out missing.
    """

    part: NormalPart
    log_prior: float
    bounds: Mapping[int, Bounds]
    columns: tuple[int, ...]

    @cached_property
    def order(self) -> NDArray[np.intp]:
        """Variables as they are drawn: points first, then bounded ones, then the others."""
        first = sorted(self.bounds, key=lambda k: not self.bounds[k].is_point)
        rest = [k for k in self.part.variables(self.columns) if k not in self.bounds]
        return np.array(first + rest, dtype=np.intp)

    @cached_property
    def root(self) -> Floats:
        """Cholesky factor of the correlation in that order."""
        square = self.part.correlation[np.ix_(self.order, self.order)]
        return np.asarray(np.linalg.cholesky(square), dtype=np.float64)

    @property
    def exact(self) -> bool:
        """Whether one draw is as good as many: at most one bound is no point."""
        return sum(not bound.is_point for bound in self.bounds.values()) <= 1

    def rows(self, start: int, stop: int) -> Component:
        """Return the component with the bounds of some rows."""
        return replace(self, bounds={k: b.rows(start, stop) for k, b in self.bounds.items()})

    def particles(self, n_rows: int, each: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Draw the bounded variables: noise (n_rows, each, n_bounds), log weights."""
        bounds = [self.bounds[k].repeat(each) for k in self.order[: len(self.bounds)].tolist()]
        noise, weight = draw_within(self.root, bounds, n_rows * each, rng)
        shape = (n_rows, each)
        return noise.reshape(*shape, -1), weight.reshape(shape) + self.log_prior

    def finish(self, noise: Floats, rng: np.random.Generator, complete: bool) -> Floats:
        """Draw the other variables and turn all into rows."""
        free = rng.standard_normal((len(self.order) - noise.shape[1], len(noise)))
        z = self.root @ np.vstack([noise.T, free])
        drawn = dict(zip(self.order.tolist(), z, strict=True))
        return self.part.rows(drawn, self.columns, complete=complete)


def draw_mixture(
    components: Sequence[Component],
    n_rows: int,
    rng: np.random.Generator,
    *,
    alike: bool,
    complete: bool,
) -> Floats:
    """Draw rows of a mixture within the bounds of its components.

    Parameters
    ----------
    components : sequence of Component
        At least one.
    n_rows : int
        Rows to draw.
    rng : numpy Generator
        The only source of chance.
    alike : bool
        Whether the bounds are the same for all rows, so that all particles compete.
    complete : bool
        Whether numbers must not be missing.
    """
    each = _PARTICLES if alike else 2 * _PARTICLES
    if len(components) == 1 and components[0].exact:
        each = 1
    width = max(len(components[0].order), 1)
    size = max(1, _AT_ONCE // (each * len(components) * width))
    rows = np.empty((n_rows, len(components[0].part.marginals)))
    for start in range(0, n_rows, size):
        stop = min(start + size, n_rows)
        block = [component.rows(start, stop) for component in components]
        rows[start:stop] = _draw_block(block, stop - start, each, rng, alike, complete)
    return rows


def _draw_block(
    components: Sequence[Component],
    n_rows: int,
    each: int,
    rng: np.random.Generator,
    alike: bool,
    complete: bool,
) -> Floats:
    drawn = [component.particles(n_rows, each, rng) for component in components]
    logs = np.hstack([log for _, log in drawn])
    row, index = _choose_alike(logs, rng) if alike else _choose_each(logs, rng)
    rows = np.empty((n_rows, len(components[0].part.marginals)))
    for c, (component, (noise, _)) in enumerate(zip(components, drawn, strict=True)):
        mine = np.flatnonzero(index // each == c)
        chosen = noise[row[mine], index[mine] % each]
        rows[mine] = component.finish(chosen, rng, complete)
    return rows


_Places = tuple[NDArray[np.intp], NDArray[np.intp]]


def _choose_each(logs: Floats, rng: np.random.Generator) -> _Places:
    """Choose one particle of each row."""
    if logs.shape[1] == 1:
        return np.arange(len(logs)), np.zeros(len(logs), dtype=np.intp)
    return np.arange(len(logs)), (logs + rng.gumbel(size=logs.shape)).argmax(axis=1)


def _choose_alike(logs: Floats, rng: np.random.Generator) -> _Places:
    """Choose as many particles as there are rows, in random order, each by its weight."""
    weight = np.exp(logs - logs.max()).ravel()
    edges = np.cumsum(weight) / weight.sum()
    ticks = (np.arange(len(logs)) + rng.random(len(logs))) / len(logs)
    chosen = np.minimum(np.searchsorted(edges, ticks), len(edges) - 1)
    row, index = np.divmod(rng.permutation(chosen), logs.shape[1])
    return row, index
