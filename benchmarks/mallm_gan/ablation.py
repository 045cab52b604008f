"""What the graph and its search are worth, without a model.

python -m benchmarks.mallm_gan.ablation --data DIR [--draws 5] [--out FILE]
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.mallm_gan.tables import GIVEN, Split, drawn
from benchmarks.mallm_gan.utility import scored
from benchmarks.measure import markdown, options
from tablewright.systems.mallm_gan.discriminator import Discriminator
from tablewright.systems.mallm_gan.process import CausalGraph, Process
from tablewright.systems.mallm_gan.system import MALLMGAN
from tablewright.tables.inference.casting import typed
from tablewright.tables.table import load_table
from tablewright.threads import one_thread

SIZE = 100
JUDGED = 1000


def empty(split: Split) -> Process:
    names = load_table(split.train, target=split.target).schema
    return Process(CausalGraph({column.name: [] for column in names.modelled}))


Make = Callable[[Split, int], MALLMGAN]
ARMS: dict[str, Make] = {
    "no graph": lambda s, k: MALLMGAN(s.target, process=empty(s), rounds=0, random_state=k),
    "graph": lambda s, k: MALLMGAN(s.target, rounds=0, random_state=k),
    "graph + search": lambda s, k: MALLMGAN(s.target, random_state=k),
    "graph + search, linear": lambda s, k: MALLMGAN(
        s.target, discriminator="linear", random_state=k
    ),
    "published search": lambda s, k: MALLMGAN(s.target, variant="published", random_state=k),
}


def results(folder: Path, draws: int) -> Iterator[dict[str, Any]]:
    for table in GIVEN:
        for name, make in ARMS.items():
            found = []
            for seed in range(draws):
                split, others = drawn(folder, table, SIZE, 100 + seed)
                system = make(split, seed).fit(split.train)
                rows = system.sample(SIZE)
                # Rows that neither the search nor the generator saw.
                schema = load_table(others, target=split.target).schema
                judge = Discriminator(typed(others, schema), schema, "both", seed)
                more = system.generator_
                assert more is not None
                drawn_rows = typed(more.sample(JUDGED, random_state=seed), schema)
                found.append((scored(rows, split), judge.judge(drawn_rows).loss))
            values = np.array(found)
            errors = values.std(axis=0, ddof=1) / np.sqrt(draws)
            row = {
                "table": table, "arm": name, "utility": float(values[:, 0].mean()),
                "± ": float(errors[0]), "loss beside unseen rows": float(values[:, 1].mean()),
                "±": float(errors[1]),
            }  # fmt: skip
            print(row, flush=True)
            yield row


HEAD = """`python -m benchmarks.mallm_gan.ablation --data DIR`. Draws of {size} rows, mean of
{draws} with standard errors, no model. Utility: weighted F1 or R2 on 200 test rows.
Loss: AUC, at least one half, and the errors of columns and pairs, of 1,000 written
rows beside {size} real rows that nothing was learned from; lower is better."""


def main() -> None:
    parser = options(__doc__ or "", data=True)
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--out", type=Path, default=None)
    asked = parser.parse_args()
    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rows = list(results(asked.data, asked.draws))
    head = HEAD.format(size=SIZE, draws=asked.draws)
    page = "\n\n".join(["# Ablation without a model", head, markdown(rows)])
    print(page)
    if asked.out is not None:
        asked.out.write_text(page + "\n")


if __name__ == "__main__":
    main()
