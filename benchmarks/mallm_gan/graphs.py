"""How near a searched graph of Asia comes to the true one, by rows and by rounds of the loop.

    python -m benchmarks.mallm_gan.graphs --data DIR [--draws 20] [--first 0] [--loops 25,...]
        [--out FOLDER] [--report]

Each search is a line of a file.
"""

from __future__ import annotations

import json
import warnings
from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.mallm_gan.structure_measures import (
    edit_distance,
    max_min_hill_climb,
    structural_distance,
)
from benchmarks.mallm_gan.tables import SIZES, whole
from benchmarks.measure import RESULTS, append_csv, markdown, options
from tablewright.generators.bayes_net import binned
from tablewright.generators.parts.structure import (
    Edge,
    Limits,
    bootstrap_edges,
    edge_prior,
    hill_climb,
)
from tablewright.schema import Schema
from tablewright.systems.mallm_gan.process import CausalGraph, Process
from tablewright.systems.mallm_gan.system import MALLMGAN
from tablewright.tables.encoding.codec import Codec
from tablewright.tables.table import load_table
from tablewright.threads import one_thread

ROUNDS = 8
Codes = np.typing.NDArray[np.intp]


def with_prior(codes: Codes) -> set[Edge]:
    found = bootstrap_edges(codes, np.random.default_rng(0), n_resamples=30)
    return hill_climb(codes, Limits(prior=edge_prior(found)))


SEARCHES: dict[str, Callable[[Codes], set[Edge]]] = {
    "empty graph": lambda codes: set(),
    "hill climbing": hill_climb,
    "max-min hill climbing": max_min_hill_climb,
    "hill climbing, resampled prior": with_prior,
}
LOOPS = ("loop from heuristic", "loop from empty")


def codes_of(frame: pl.DataFrame, schema: Schema) -> Codes:
    matrix = Codec(schema).fit(frame).encode(frame)
    return binned(matrix.values, matrix.fields)


def loop(frame: pl.DataFrame, start: str, seed: int) -> list[list[tuple[str, str]]]:
    """Run the search of MALLM-GAN without a model; return the graph that stood in each round."""
    empty = Process(CausalGraph({name: [] for name in frame.columns}))
    given = empty if start.endswith("empty") else None
    system = MALLMGAN("dysp", process=given, rounds=ROUNDS, random_state=seed).fit(frame)
    stood: list[list[tuple[str, str]]] = []
    for step in system.history_:
        edges = [(str(a), str(b)) for a, b in step["edges"]]
        stood.append(edges if step["taken"] else stood[-1])
    return stood + [stood[-1]] * (ROUNDS + 1 - len(stood))


def searches(asked: Namespace) -> Iterator[dict[str, Any]]:
    """Give a line for each search and round."""
    frame, target, _ = whole(asked.data, "asia")
    truth = json.loads((asked.data / "mallm_gan" / "asia_true_dag.json").read_text())
    names = frame.columns
    edges = {(names.index(a), names.index(b)) for a, b in truth["edges"]}
    table = load_table(frame, target=target)

    def line(size: int, draw: int, how: str, found: set[Edge], turn: int = 0) -> dict[str, Any]:
        far = structural_distance(found, edges, len(names))
        return {"rows": size, "draw": draw, "search": how, "round": turn, "SHD": far,
                "GED": edit_distance(found, edges)}  # fmt: skip

    for size in SIZES:
        for draw in range(asked.first, asked.first + asked.draws):
            order = np.random.default_rng([16, size, draw]).permutation(frame.height)
            part = table.frame[order[:size]]
            for how, search in SEARCHES.items():
                if not asked.skip_searches:
                    yield line(size, draw, how, search(codes_of(part, table.schema)))
            for how in LOOPS if size in asked.loops else ():
                for turn, graph in enumerate(loop(part, how, draw)):
                    found = {(names.index(a), names.index(b)) for a, b in graph}
                    yield line(size, draw, how, found, turn)


def page(file: Path) -> str:
    """Lay out what the file holds."""
    runs = pl.read_csv(file)
    last = runs.group_by("rows", "draw", "search", maintain_order=True).last()
    parts = [HEAD]
    for measure in ("SHD", "GED"):
        grid = []
        for (size,), some in last.group_by("rows", maintain_order=True):
            row: dict[str, Any] = {f"{measure}, rows": size, "draws": some["draw"].n_unique()}
            for how in (*SEARCHES, *LOOPS):
                row[how] = _mean(some.filter(pl.col("search") == how)[measure])
            grid.append(row)
        parts.append(markdown(sorted(grid, key=lambda row: row[f"{measure}, rows"])))
    rounds = []
    loops = runs.filter(pl.col("search").is_in(LOOPS)).sort("rows", maintain_order=True)
    for (size, how), some in loops.group_by("rows", "search", maintain_order=True):
        row = {"rows": size, "start": str(how).removeprefix("loop from ")}
        for turn in range(ROUNDS + 1):
            row[f"round {turn}"] = _mean(some.filter(pl.col("round") == turn)["SHD"])
        rounds.append(row)
    return "\n\n".join([*parts, "SHD by rounds of the loop:", markdown(rounds)]) + "\n"


def _mean(values: pl.Series) -> str | None:
    found = values.to_numpy()
    if not len(found):
        return None
    return f"{found.mean():.2f} ± {found.std(ddof=1) / len(found) ** 0.5:.2f}"


HEAD = """# Asia: distance to the true graph

`python -m benchmarks.mallm_gan.graphs --data DIR`. Structural Hamming distance (SHD) to the true
graph (8 edges) on equivalence classes, and graph edit distance (GED: edges that come or go, so
that one the wrong way round counts twice); mean and standard error. The loop runs without a
model."""


def main() -> None:
    parser = options(__doc__ or "", data=True)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--loops", type=lambda text: [int(n) for n in text.split(",")],
                        default=list(SIZES))  # fmt: skip
    parser.add_argument("--skip-searches", action="store_true")
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args()
    file = asked.out / "mallm_gan_graphs.csv"
    if not asked.report:
        with one_thread(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for row in searches(asked):
                append_csv(file, [row])
    print(page(file))


if __name__ == "__main__":
    main()
