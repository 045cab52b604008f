"""What the option `examples` of a system names: which real rows its prompts show."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from tablewright.schema import Schema
from tablewright.systems.common.coreset import Coreset
from tablewright.systems.common.examples import (
    ExampleSampler,
    NeighbourhoodExamples,
    ProportionalExamples,
    RandomExamples,
)
from tablewright.systems.common.partition import target_partition

Seed = tuple[int, ...]
MakeSampler = Callable[[Seed], ExampleSampler]


def _random(real: pl.DataFrame, schema: Schema, seed: int) -> MakeSampler:
    return lambda stream: RandomExamples(real.height, stream)


def _stratified(real: pl.DataFrame, schema: Schema, seed: int) -> MakeSampler:
    target = schema.target
    labels = [None] * real.height
    if target is not None and not real[target].dtype.is_float():
        labels = real[target].to_list()
    return lambda stream: ProportionalExamples(labels, stream)


def _nearest(real: pl.DataFrame, schema: Schema, seed: int) -> MakeSampler:
    return lambda stream: NeighbourhoodExamples(real, schema, stream)


def _coreset(real: pl.DataFrame, schema: Schema, seed: int) -> MakeSampler:
    if schema.target is None:
        return _random(real, schema, seed)
    return Coreset.learn(real, schema, target_partition(real, schema), seed).sampler


SAMPLERS: dict[str, Callable[[pl.DataFrame, Schema, int], MakeSampler]] = {
    "random": _random,
    "stratified": _stratified,
    "nearest": _nearest,
    "coreset": _coreset,
}
"""Each learns once from typed real rows, their schema and a seed; then draws for any stream."""
