"""What the graph, its search and the discriminator are worth, without a model.

    python -m benchmarks.mallm_gan.ablation --data DIR [--part parts|discriminators] [--draws 5]
        [--tables adult,insurance,asia] [--sizes 100] [--out FOLDER] [--report]

Each run is a line of a file.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.mallm_gan.command import collect, mean, parser
from benchmarks.mallm_gan.tables import GIVEN, Split, drawn
from benchmarks.mallm_gan.utility import scored
from benchmarks.measure import markdown
from tablewright.systems.mallm_gan.discriminator import Discriminator
from tablewright.systems.mallm_gan.process import CausalGraph, Process
from tablewright.systems.mallm_gan.system import MALLMGAN
from tablewright.tables.inference.casting import typed
from tablewright.tables.table import load_table

JUDGED = 1000


def empty(split: Split) -> Process:
    names = load_table(split.train, target=split.target).schema
    return Process(CausalGraph({column.name: [] for column in names.modelled}))


Make = Callable[[Split, int], MALLMGAN]


def _searched(kind: str) -> Make:
    return lambda s, k: MALLMGAN(s.target, discriminator=kind, random_state=k)


PARTS: dict[str, dict[str, Make]] = {
    "parts": {
        "no graph": lambda s, k: MALLMGAN(s.target, process=empty(s), rounds=0, random_state=k),
        "graph": lambda s, k: MALLMGAN(s.target, rounds=0, random_state=k),
        "graph + search": _searched("both"),
    },
    "discriminators": {
        "boosted trees": _searched("boosted"),
        "logistic with pairs": _searched("pairs"),
        "linear": _searched("linear"),
        "both": _searched("both"),
    },
}


def results(asked: Namespace) -> Iterator[dict[str, Any]]:
    for table in asked.tables:
        for size in asked.sizes:
            for seed in range(asked.first, asked.first + asked.draws):
                split, others = drawn(asked.data, table, size, 200 + seed)
                # A column that is constant in the real rows is no part of what is drawn.
                names = [
                    c.name for c in load_table(split.train, target=split.target).schema.modelled
                ]
                others = others.select(names)
                schema = load_table(others, target=split.target).schema
                # Rows that neither the search nor the generator saw.
                judge = Discriminator(typed(others, schema), schema, "both", seed)
                for name, make in PARTS[asked.part].items():
                    system = make(split, seed).fit(split.train)
                    assert system.generator_ is not None
                    more = typed(system.generator_.sample(JUDGED, random_state=seed), schema)
                    steps = system.history_[1:]
                    yield {
                        "table": table, "rows": size, "arm": name, "seed": seed,
                        "utility": scored(system.sample(size), split),
                        "loss": judge.judge(more).loss, "measured": len(steps),
                        "taken": sum(step["taken"] for step in steps),
                    }  # fmt: skip


def page(part: str, file: Path) -> str:
    """Lay out what the file holds."""
    rows = [
        {"table": table, "rows": size, "arm": arm, "draws": some.height,
         "utility": mean(some["utility"]), "loss beside unseen rows": mean(some["loss"]),
         "changes taken / measured": " / ".join(
             f"{some[name].to_numpy().mean():.1f}" for name in ("taken", "measured"))}
        for (table, size, arm), some in pl.read_csv(file)
        .sort("table", "rows", descending=[True, False], maintain_order=True)
        .group_by("table", "rows", "arm", maintain_order=True)
    ]  # fmt: skip
    return "\n\n".join([HEAD.format(part=part), markdown(rows)]) + "\n"


HEAD = """# Ablation without a model: {part}

`python -m benchmarks.mallm_gan.ablation --data DIR --part {part}`. Draws of our own (numbers from
200 on), mean and standard error, no model. Utility: weighted F1 or R2 on 200 test rows. Loss: AUC,
at least one half, and the errors of columns and pairs, of 1,000 written rows beside as many unseen
real rows as were learned from; lower is better."""


def main() -> None:
    asked = parser(__doc__ or "", PARTS, list(GIVEN), [100]).parse_args()
    file = asked.out / f"mallm_gan_ablation_{asked.part}.csv"
    if not asked.report:
        collect(results(asked), file)
    print(page(asked.part, file))


if __name__ == "__main__":
    main()
