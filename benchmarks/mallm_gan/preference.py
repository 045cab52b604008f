"""How often the better of two processes is preferred, by the rows that are scored.

    python -m benchmarks.mallm_gan.preference --data DIR [--trials 30] [--out FOLDER]

Of asia, the true graph, and the one that cuts the X-ray off from what it shows; both draw
from tables learned from 400 real rows, and another 400 are the real side.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.mallm_gan.tables import whole
from benchmarks.measure import RESULTS, append_csv, markdown, options
from tablewright import Synthesizer
from tablewright.systems.mallm_gan.discriminator import Discriminator
from tablewright.systems.mallm_gan.published import IncrementalDiscriminator
from tablewright.tables.inference.casting import typed
from tablewright.tables.table import load_table
from tablewright.threads import one_thread

ROWS = (21, 100, 400)
CUT = ["either", "xray"]  # dysp is the target, which every column is drawn given anyway


def trial(folder: Path, number: int) -> Iterator[dict[str, Any]]:
    """Score rows of both processes; say which has the lower score."""
    frame, target, _ = whole(folder, "asia")
    order = np.random.default_rng([19, number]).permutation(frame.height)[:800]
    table = load_table(frame, target=target)
    learned, real = table.frame[order[:400]], table.frame[order[400:]]
    edges = json.loads((folder / "mallm_gan" / "asia_true_dag.json").read_text())["edges"]
    made = [
        typed(Synthesizer("bayes-net", schema=table.schema, options={"edges": graph},
                          random_state=number).fit(learned).sample(1000), table.schema)
        for graph in (edges, [edge for edge in edges if edge != CUT])
    ]  # fmt: skip
    for n in ROWS:
        part = real[:n]
        for kind in ("both", "pairs", "boosted", "linear"):
            judge = Discriminator(part, table.schema, kind, number)
            good, bad = (judge.judge(rows[:n]) for rows in made)
            yield _entry(n, f"{kind}, AUC", max(0.5, good.auc), max(0.5, bad.auc), number)
            if kind == "both":
                yield _entry(n, "both, loss", good.loss, bad.loss, number)
        # Of a batch the published one scores a fifth, of real and of written rows.
        size = min(400, round(2.5 * n))
        published = IncrementalDiscriminator(real, table.schema, number)
        scored = [published.judge(np.arange(size), rows[:size]) for rows in made]
        yield _entry(n, "published, accuracy", scored[0].loss, scored[1].loss, number)


def _entry(rows: int, how: str, good: float, bad: float, number: int) -> dict[str, Any]:
    won = 0.5 if good == bad else float(good < bad)
    return {"rows": rows, "score": how, "trial": number, "preferred": won}


def main() -> None:
    parser = options(__doc__ or "", data=True)
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args()
    file = asked.out / "mallm_gan_preference.csv"
    if not asked.report:
        with one_thread(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for number in range(asked.trials):
                append_csv(file, list(trial(asked.data, number)))
    print(page(file))


def page(file: Path) -> str:
    """Lay out what the file holds."""
    runs = pl.read_csv(file)
    grid = []
    for (how,), some in runs.group_by("score", maintain_order=True):
        row: dict[str, Any] = {"score": how}
        for n in ROWS:
            won = some.filter(pl.col("rows") == n)["preferred"].to_numpy()
            row[f"{n} rows"] = float(won.mean())
        grid.append(row)
    return "\n\n".join([HEAD.format(trials=runs["trial"].n_unique()), markdown(grid)]) + "\n"


HEAD = """# Is the better process preferred?

`python -m benchmarks.mallm_gan.preference --data DIR`. Asia: the true graph beside one without the
edge from tuberculosis or cancer to the X-ray, {trials} trials; the share of them in which
the true graph has the lower score, a tie counting half. By chance one half. Rows: real ones, and as
many written, that are scored; the published discriminator scores a fifth of a batch and learns from
the rest."""


if __name__ == "__main__":
    main()
