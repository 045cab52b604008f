"""Candidate graphs: where the search starts, and what changes the evidence speaks for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl

from tablewright.errors import InputError
from tablewright.generators.bayes_net import binned
from tablewright.generators.parts.structure import Limits, bootstrap_edges, edge_prior, hill_climb
from tablewright.schema import Schema
from tablewright.systems.common.loop import Trace
from tablewright.systems.mallm_gan.discriminator import Evidence
from tablewright.systems.mallm_gan.process import Belief, CausalGraph, Edge, Edit, Process
from tablewright.tables.encoding.codec import Codec

BELIEF = 3.0
"""Log odds that an edge which a model proposes adds to the score of a graph."""
BY_ROWS = "the rows support these edges"
SUPPORTED = 0.1
"""Share of resamples that have to find an edge, one way or the other, to support it."""
LIKELY = 0.5
"""Share from which on an edge is added, and below which it is dropped."""
_RESAMPLES = 30


class EdgeFrequencies:
    """How often resampled rows find each edge; the start of the search, and a check of edges.

    Parameters
    ----------
    real : DataFrame
        Typed real rows, with modelled columns alone.
    schema : Schema
    seed : int, default=0
    """

    def __init__(self, real: pl.DataFrame, schema: Schema, seed: int = 0) -> None:
        matrix = Codec(schema).fit(real).encode(real)
        self.names = [field.name for field in matrix.fields]
        self.codes = binned(matrix.values, matrix.fields)
        self.found = bootstrap_edges(
            self.codes, np.random.default_rng(seed), n_resamples=_RESAMPLES
        )

    def graph(self, proposed: Sequence[Edge] = (), priors: Sequence[Belief] = ()) -> CausalGraph:
        """Return the best graph; edges that resamples find or a model proposes are likelier.

        Priors add their log odds; the certain and the impossible are held to.
        """
        prior = edge_prior(self.found)
        position = {name: j for j, name in enumerate(self.names)}
        for cause, effect in proposed:
            prior[position[cause], position[effect]] += BELIEF
        fixed: dict[float, set[tuple[int, int]]] = {0.0: set(), 1.0: set()}
        for cause, effect, share in priors:
            pair = position[cause], position[effect]
            if share in fixed:
                fixed[share].add(pair)
            else:
                prior[pair] += float(np.log(share / (1 - share)))
        edges = hill_climb(self.codes, Limits(fixed[1.0], fixed[0.0], prior))
        named = [(self.names[a], self.names[b]) for a, b in sorted(edges)]
        return CausalGraph.from_edges(self.names, named)

    def frequency(self, one: str, other: str) -> float:
        """Return how often an edge between two columns is found, either way."""
        i, j = self.names.index(one), self.names.index(other)
        return float(self.found[i, j] + self.found[j, i])

    def ranked(self) -> list[tuple[Edge, float]]:
        """Return all edges that resampled rows find, the most frequent first."""
        found = [
            ((self.names[i], self.names[j]), float(self.found[i, j]))
            for i, j in zip(*np.nonzero(self.found), strict=True)
        ]
        return sorted(found, key=lambda entry: -entry[1])

    def lines(self, n_edges: int = 20) -> list[str]:
        """Name the most frequent edges with their shares, for a prompt."""
        return [f"{a} -> {b}: {share:.0%}" for (a, b), share in self.ranked()[:n_edges]]

    def ways(self, one: str, other: str) -> list[Edge]:
        """Return both directions of an edge, the more frequent first."""
        i, j = self.names.index(one), self.names.index(other)
        pair = (one, other) if self.found[i, j] >= self.found[j, i] else (other, one)
        return [pair, pair[::-1]]

    def unsupported(self, edges: Sequence[Edge]) -> tuple[Edge, ...]:
        """Return the edges that resampled rows hardly ever find."""
        return tuple(edge for edge in edges if self.frequency(*edge) < SUPPORTED)


def local_edits(
    process: Process, evidence: Sequence[Evidence], frequencies: EdgeFrequencies
) -> Iterator[tuple[list[Edit], str]]:
    """Propose edits by what gave the rows away: the body without a model.

    First come all edges together of the best graph that this one has not: one by one they are too
    small to be seen. Then columns that go together too little get an edge; where there is
    one, or they go together too much, it is turned or dropped. Many graphs give rows that cannot
    be told apart, so that nothing is proposed that resampled rows speak against.
    """
    edges = set(process.graph.edges)
    best = frequencies.graph(priors=process.priors).edges
    missing = [edge for edge in best if not {edge, edge[::-1]} & edges]
    if missing:
        yield [Edit("add", *edge) for edge in missing], BY_ROWS
    for item in evidence:
        if len(item.columns) != 2:
            continue
        share = frequencies.frequency(*item.columns)
        too_weak = abs(item.generated) < abs(item.real)
        pairs = frequencies.ways(*item.columns)
        joined = next((pair for pair in pairs if pair in edges), None)
        if joined is None and too_weak:
            for cause, effect in pairs:
                yield [Edit("add", cause, effect)], str(item)
        elif joined is not None and not too_weak and share < LIKELY:
            yield [Edit("drop", *joined)], str(item)
        elif joined is not None and too_weak and joined == pairs[1]:
            yield [Edit("reverse", *joined)], str(item)


def possible(process: Process, edits: Sequence[Edit]) -> Process | None:
    """Return the edited process, or None where an edit cannot be made or priors are against it."""
    try:
        changed = process.revised(edits)
    except InputError:
        return None
    return changed if changed.keeps_priors() else None


def told(trace: Trace[Process, Any]) -> list[dict[str, Any]]:
    """Tell every process that was measured as plain data."""
    start = {"change": "start", "because": "", "taken": True, "loss": trace.first.loss}
    steps = [
        {
            "change": step.proposal.what,
            "because": step.proposal.because,
            "taken": step.accepted,
            "loss": step.after.loss,
        }
        for step in trace.steps
    ]
    return [
        {**entry, "task": process.task, "edges": [list(edge) for edge in process.graph.edges]}
        for entry, (process, _) in zip([start, *steps], trace.archive, strict=True)
    ]
