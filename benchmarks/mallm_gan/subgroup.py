"""A rare subgroup and a range of a number on request, beside oversampling and filtering.

    python -m benchmarks.mallm_gan.subgroup --data DIR [--draws 20] [--simulated 3] [--out FOLDER]
        [--picture FILE]

800 real rows of adult; the rows written for a condition are compared with real ones that meet it
and were not among the 800. The picture shows both on the first two components of the latter.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from sklearn.decomposition import PCA

from benchmarks.mallm_gan.command import collect, mean
from benchmarks.mallm_gan.tables import drawn, stand_in, whole
from benchmarks.measure import RESULTS, markdown, options
from tablewright import MALLMGAN
from tablewright.markup import element
from tablewright.metrics.encoder import FeatureEncoder
from tablewright.systems.mallm_gan.discriminator import Discriminator
from tablewright.tables.inference.casting import typed
from tablewright.tables.table import load_table

SIZE, WANTED, DRAWN = 800, 60, 10_000
CONDITIONS = {
    "1 % subgroup": "\"marital-status\" = 'Widowed' AND age BETWEEN 40 AND 55",
    "range": 'age BETWEEN 40 AND 45 AND "hours-per-week" BETWEEN 45 AND 60',
}
ASKED = pl.col("age"), pl.col("marital-status"), pl.col("hours-per-week")
FILTERS = {
    "1 % subgroup": (ASKED[1] == "Widowed") & ASKED[0].is_between(40, 55),
    "range": ASKED[0].is_between(40, 45) & ASKED[2].is_between(45, 60),
}
"""The same without our reader of conditions: what is written is counted by these."""
DRAWN_ARM = (0, "1 % subgroup", "asked, no model")
"""What the picture shows."""

Write = Callable[[MALLMGAN, MALLMGAN, str], pl.DataFrame]


def filtered(system: MALLMGAN, _: MALLMGAN, name: str) -> pl.DataFrame:
    """Draw many rows and take those that happen to meet the condition."""
    assert system.generator_ is not None
    rows = system.generator_.sample(DRAWN, random_state=0)
    return rows.filter(FILTERS[name])[:WANTED]


SIMULATED = "asked, simulated model"
WRITERS: dict[str, Write] = {
    "asked, no model": lambda system, _, name: system.sample(WANTED, where=CONDITIONS[name]),
    SIMULATED: lambda _, told, name: told.sample(WANTED, where=CONDITIONS[name]),
    f"filtered from {DRAWN:,} rows": filtered,
}


def results(
    folder: Path, draws: int, simulated: int, picture: Path | None
) -> Iterator[dict[str, Any]]:
    frame, target, _ = whole(folder, "adult")
    for seed in range(draws):
        split, _ = drawn(folder, "adult", SIZE, 600 + seed)
        unseen = frame.join(split.train, on=frame.columns, how="anti", nulls_equal=True)
        system = MALLMGAN(target, random_state=seed, rounds=0).fit(split.train)
        model = stand_in(split, obedience=0.7)
        told = MALLMGAN(target, llm={"writer": model}, rounds=0, random_state=seed)
        told.fit(split.train)
        for name, keep in FILTERS.items():
            real = unseen.filter(keep)
            known = split.train.filter(keep).height
            schema = load_table(real.sample(min(400, real.height), seed=0), target=target).schema
            sample = typed(real.sample(min(400, real.height), seed=0), schema)
            judge = Discriminator(sample, schema, "both", seed)
            for writer, write in WRITERS.items():
                if writer == SIMULATED and seed >= simulated:
                    continue
                start = time.process_time()
                rows = write(system, told, name)
                seconds = time.process_time() - start
                judged = judge.judge(typed(rows, schema)) if rows.height > 1 else None
                yield {
                    "condition": name, "writer": writer, "seed": seed, "real in the 800": known,
                    "rows": rows.height, "comply": rows.filter(keep).height / max(1, rows.height),
                    "loss": judged and judged.loss, "margins": judged and judged.margins,
                    "pairs": judged and judged.pairs, "seconds": seconds,
                }  # fmt: skip
                if picture is not None and (seed, name, writer) == DRAWN_ARM:
                    picture.write_text(draw(sample, typed(rows, schema), schema))


def draw(real: pl.DataFrame, made: pl.DataFrame, schema: Any) -> str:
    """Draw real rows as rings and written ones as dots, on the first two components of the real."""
    encoder = FeatureEncoder.fit(real, schema)
    inputs = [np.nan_to_num(encoder.rows(rows).gower) for rows in (real, made)]
    axes = PCA(2, random_state=0).fit(inputs[0])
    both = [axes.transform(part) for part in inputs]
    low, high = (f(np.vstack(both), axis=0) for f in (np.min, np.max))
    scaled = [20 + 360 * (part - low) / np.maximum(high - low, 1e-9) for part in both]
    rings = [element("circle", cx=f"{x:.0f}", cy=f"{y:.0f}", r=4, fill="none", stroke="#777")
             for x, y in scaled[0]]  # fmt: skip
    dots = [element("circle", cx=f"{x:.0f}", cy=f"{y:.0f}", r=3, fill="#c2410c")
            for x, y in scaled[1]]  # fmt: skip
    title = f"{len(scaled[0])} unseen real rows (rings) and {len(scaled[1])} written ones (dots)"
    text = element("text", title, x=10, y=414, font_size=12, fill="#777", font_family="sans-serif")
    picture = element("svg", element("title", title), rings, dots, text, role="img",
                      xmlns="http://www.w3.org/2000/svg", viewBox="0 0 400 420")  # fmt: skip
    return f"{picture}\n"


def page(file: Path) -> str:
    """Lay out what the file holds."""
    runs = pl.read_csv(file)
    rows = [
        {"condition": name, "writer": writer, "draws": some.height,
         **{k: float(np.mean(some[k].to_numpy())) for k in ("real in the 800", "rows", "comply")},
         **{k: mean(some[k].drop_nulls()) for k in ("loss", "margins", "pairs", "seconds")}}
        for (name, writer), some in runs.group_by("condition", "writer", maintain_order=True)
    ]  # fmt: skip
    told = "\n".join(f"- {name}: `{where}`" for name, where in CONDITIONS.items())
    return "\n\n".join([HEAD, told, markdown(rows)]) + "\n"


HEAD = f"""# A subgroup and a range on request

`python -m benchmarks.mallm_gan.subgroup --data DIR`. Adult, {SIZE} real rows, {WANTED} rows asked
for. Loss (AUC, at least one half, with the errors of columns and of pairs) against real rows that
meet the condition and were not among the {SIZE}; lower is better. The simulated model heeds
70 % of what it is told; the last writer draws {DRAWN:,} rows and keeps those that comply."""


def main() -> None:
    parser = options(__doc__ or "", data=True)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--simulated", type=int, default=3, help="draws with a simulated model")
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args()
    file = asked.out / "mallm_gan_subgroup.csv"
    if not asked.report:
        collect(results(asked.data, asked.draws, asked.simulated, asked.picture), file)
    print(page(file))


if __name__ == "__main__":
    main()
