"""COMPAS at growing sizes: the cases of Tables 3 and 4 and of Figures 13 and 16."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.papers.t2.engine import Asked
from benchmarks.systems.cases import Case, on_compas, on_drug

SIZES = (20, 60, 100, 140, 200)
DRUG_SIZES = (20, 60, 100)
"""More would leave the stand-in too few rows to draw from."""
DRUG = {"Drug A": "drug_a", "Drug B": "drug_b"}


def cases(asked: Asked) -> list[Case]:
    """Return COMPAS at the sizes asked for."""
    if asked.data is None:
        raise SystemExit("COMPAS is a file: say --data DIR; 'python -m benchmarks.recipes compas'")
    return [on_compas(asked.data, n) for n in asked.sizes]


def together(asked: Asked) -> Mapping[str, Sequence[Case]]:
    """Return all sizes as one group."""
    return {"COMPAS": cases(asked)}


def by_size(asked: Asked) -> Mapping[str, Sequence[Case]]:
    """Return each size as a group."""
    return {f"n = {n}": [case] for n, case in zip(asked.sizes, cases(asked), strict=True)}


def drug_by_size(asked: Asked) -> Mapping[str, Sequence[Case]]:
    """Return both groups of the Drug table at each size."""
    if asked.data is None:
        raise SystemExit("Drug is a file: say --data DIR; 'python -m benchmarks.recipes drug'")
    return {
        f"{name[-1]}, n = {n}": [on_drug(asked.data, group, n)]
        for name, group in DRUG.items()
        for n in asked.sizes
    }


def with_drug(asked: Asked) -> Mapping[str, Sequence[Case]]:
    """Return all sizes of COMPAS as one group, and of Drug where its files are there."""
    result = dict(together(asked))
    assert asked.data is not None
    for name, group in DRUG.items():
        if (asked.data / "tabular" / f"{group}.csv").exists():
            result[name] = [on_drug(asked.data, group, n) for n in DRUG_SIZES]
    return result
