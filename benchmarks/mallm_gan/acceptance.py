"""Would the search take the graph of many rows if somebody proposed it, and is it better?

    python -m benchmarks.mallm_gan.acceptance --data DIR [--part proposals|search]
        [--tables asia,insurance,adult] [--sizes 100] [--first 20] [--draws 6] [--out FOLDER]
        [--report]

The true graph of Asia, and of the other tables the one that is searched in all rows (20,000 of
Adult), are measured as proposals to a process with an empty graph and to the one that the search
starts from, as the system measures them. The other part measures what the search ends with beside
what it starts from. Each pair is a line of a file.
"""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy.stats import norm

from benchmarks.mallm_gan.command import collect, mean, parser
from benchmarks.mallm_gan.tables import GIVEN, drawn, whole
from benchmarks.mallm_gan.utility import scored
from benchmarks.measure import markdown
from tablewright import MALLMGAN, Synthesizer
from tablewright.systems.mallm_gan.discriminator import Discriminator
from tablewright.systems.mallm_gan.search import EdgeFrequencies
from tablewright.systems.mallm_gan.system import LEVEL, MIN_SCORED, ROUNDS
from tablewright.tables.inference.casting import typed
from tablewright.tables.table import load_table

Edges = list[tuple[str, str]]
SAMPLES = 4
"""Tables that utility is the mean of: one has an error of .02."""
BAR = float(norm.isf(LEVEL / ROUNDS))


@cache
def of_many_rows(folder: Path, table: str) -> Edges:
    """Return the true graph, or that of all rows."""
    if table == "asia":
        truth = json.loads((folder / "mallm_gan" / "asia_true_dag.json").read_text())
        return [(cause, effect) for cause, effect in truth["edges"]]
    frame, target, _ = whole(folder, table)
    rows = load_table(frame.sample(min(frame.height, 20_000), seed=0), target=target)
    return list(EdgeFrequencies(rows.frame, rows.schema).graph().edges)


def measured(asked: Namespace, table: str, size: int, draw: int) -> Iterator[dict[str, Any]]:
    """Measure a proposal from both starts, or what the search made of its own."""
    split, others = drawn(asked.data, table, size, draw)
    real = load_table(split.train, target=split.target)
    found = EdgeFrequencies(real.frame, real.schema, draw)
    unseen = typed(others.select(real.frame.columns), real.schema)
    judges = [Discriminator(rows, real.schema, "both", draw) for rows in (real.frame, unseen)]

    def judged(edges: Edges) -> tuple[Any, Any, float]:
        learner = Synthesizer(
            "bayes-net", schema=real.schema, target=split.target,
            options={"edges": edges}, random_state=draw,
        ).fit(real.frame)  # fmt: skip
        rows = typed(learner.sample(max(MIN_SCORED, size), random_state=draw), real.schema)
        known, other = (judge.judge(rows) for judge in judges)
        useful = [
            scored(learner.sample(size, random_state=1000 + k), split) for k in range(SAMPLES)
        ]
        return known, other, float(np.mean(useful))

    if asked.part == "search":
        search = MALLMGAN(split.target, random_state=draw).fit(split.train)
        after = judged(list(search.process_.graph.edges))
        starts = {"heuristic": [(str(a), str(b)) for a, b in search.history_[0]["edges"]]}
    else:
        known = of_many_rows(asked.data, table)
        after = judged([edge for edge in known if set(edge) <= {*found.names}])
        starts = {"empty": [], "heuristic": list(found.graph().edges)}
    for start, edges in starts.items():
        before = judged(edges)
        gain, error = after[0].gain_over(before[0])
        unseen = before[1].loss - after[1].loss
        yield {"table": table, "rows": size, "draw": draw, "start": start, "gain": gain,
               "errors": gain / error if error else 0.0, "unseen": unseen,
               "utility": after[2] - before[2]}  # fmt: skip


def results(asked: Namespace) -> Iterator[dict[str, Any]]:
    """Measure proposals, draw by draw."""
    for table in asked.tables:
        for size in asked.sizes:
            for draw in range(asked.first, asked.first + asked.draws):
                yield from measured(asked, table, size, draw)


def page(file: Path) -> str:
    """Lay out what the file holds."""
    rows = [
        {"table": table, "rows": size, "start": start, "draws": some.height,
         "taken": f"{(some['errors'].to_numpy() > BAR).mean():.0%}",
         "clearly worse": f"{(some['errors'].to_numpy() < -norm.isf(LEVEL)).mean():.0%}",
         "standard errors, median": f"{some['errors'].median():.1f}",
         "gain, rows learned from": mean(some["gain"]), "gain, unseen rows": mean(some["unseen"]),
         "utility": mean(some["utility"])}
        for (table, size, start), some in pl.read_csv(file)
        .sort("table", "start", "rows", maintain_order=True)
        .group_by("table", "rows", "start", maintain_order=True)
    ]  # fmt: skip
    return f"{HEAD}\n\n{markdown(rows)}\n"


HEAD = f"""# Is the graph of many rows taken?

`python -m benchmarks.mallm_gan.acceptance --data DIR`. The true graph of Asia (8 edges), and of the
other tables the graph that all rows give (20,000 of Adult), proposed to a process with an empty
graph and to the one that the search starts from, on draws of our own that no other page reports
(numbers from 20 on), without a model. Taken: the loss is lower by more than {BAR:.1f} standard
errors. Gains are differences of the loss, lower being better; utility is weighted F1 or R2, the
mean of {SAMPLES} tables as long as the real one, after less before."""


def main() -> None:
    asked = parser(__doc__ or "", ["proposals", "search"], list(GIVEN), [100]).parse_args()
    file = asked.out / f"mallm_gan_acceptance_{asked.part}.csv"
    if not asked.report:
        collect(results(asked), file)
    print(page(file))


if __name__ == "__main__":
    main()
