"""Figure 12: rows of MR and HR beside real ones, where no real training row has HR."""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.manifold import TSNE
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

from benchmarks.papers.runs import Log, Run, interval, markdown, write
from benchmarks.papers.t2.engine import ARMS, FOLDER, MODELS, Asked, trial
from benchmarks.systems.cases import Drawn, incomplete
from benchmarks.trim.diabetes import TARGET

SHOWN = ("SMOTE", "CLLM", "CLLM, default", "T2", "T2, default")
LEVELS = ("MR", "HR")
KEYS = ("figure", "seed", "arm", "model")
Floats = NDArray[np.float64]


def features(rows: pl.DataFrame, scale: StandardScaler | None = None) -> Floats:
    """Return the features of rows as numbers, standardised where a scale is given."""
    values = rows.drop(TARGET).cast(pl.Float64).to_numpy()
    return values if scale is None else np.asarray(scale.transform(values))


def at_home(made: pl.DataFrame, test: pl.DataFrame) -> dict[str, float | None]:
    """Return, by level, the share of rows whose nearest test row has the same level, in percent."""
    scale = StandardScaler().fit(features(test))
    near = NearestNeighbors(n_neighbors=1).fit(features(test, scale))
    truth = test[TARGET].cast(pl.String).to_numpy()
    result: dict[str, float | None] = {}
    for level in LEVELS:
        rows = made.filter(pl.col(TARGET).cast(pl.String) == level).drop_nulls()
        share = None
        if rows.height:
            index = near.kneighbors(features(rows, scale), return_distance=False)[:, 0]
            share = 100 * float((truth[index] == level).mean())
        result |= {level: share, f"{level} rows": float(rows.height)}
    return result


def real_at_home(drawn: Drawn) -> dict[str, float | None]:
    """Return the same of real rows that nobody was shown: those of the population."""
    return at_home(drawn.population, drawn.test)


def measured(asked: Asked, log: Log) -> Iterator[Run]:
    """Run what is missing; return all runs."""
    for seed in asked.numbers:
        there = trial(incomplete(10), seed, asked)
        for arm in ("real rows", *SHOWN):
            key = {"figure": 12, "seed": seed, "arm": arm, "model": asked.model}
            if log.has(**key):
                continue
            start = time.process_time()
            if arm == "real rows":
                found = real_at_home(there.drawn)
            else:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # ten rows, and gates that keep nothing
                    found = at_home(ARMS[arm](there)[0], there.drawn.test)
            log.add({**key, **found, "seconds": time.process_time() - start})
    yield from (run for run in log.runs if run["model"] == asked.model
                and run["seed"] in asked.numbers)  # fmt: skip


def plot(points: Mapping[str, Floats], titles: Sequence[str], width: int = 300) -> str:
    """Draw panels side by side as SVG; of each the generated points over the real ones."""
    every = np.concatenate(list(points.values()))
    low, span = every.min(axis=0), np.ptp(every, axis=0)
    parts = []
    for k, title in enumerate(titles):
        parts.append(f'<text x="{k * width + 10}" y="16">{title}</text>')
        for name, colour, size in (("real", "#bbb", 2), (title, "#c33", 3)):
            for x, y in (points[name] - low) / span * (width - 30):
                parts.append(f'<circle cx="{k * width + 15 + x:.1f}" cy="{35 + y:.1f}" r="{size}" '
                             f'fill="{colour}"/>')  # fmt: skip
    box = f"0 0 {len(titles) * width} {width + 15}"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" font-family="sans-serif">'
    return "\n".join([head, *parts, "</svg>"]) + "\n"


def embed(level: str, asked: Asked, path: Path) -> None:
    """Write the plot of a level: rows of the first seed, embedded together."""
    there = trial(incomplete(10), asked.first, asked)
    mine = pl.col(TARGET).cast(pl.String) == level
    tables = {"real": there.drawn.test.filter(mine)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = {arm: ARMS[arm](there)[0].filter(mine).drop_nulls() for arm in SHOWN}
    tables |= {arm: rows for arm, rows in made.items() if rows.height}
    scale = StandardScaler().fit(features(there.drawn.test))
    stacked = np.concatenate([features(rows, scale) for rows in tables.values()])
    points = TSNE(perplexity=20, random_state=0, init="pca").fit_transform(stacked)
    ends = np.cumsum([rows.height for rows in tables.values()])[:-1]
    split = dict(zip(tables, np.split(points.astype(float), ends), strict=True))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(plot(split, [name for name in split if name != "real"]))


ABOUT = (
    "Ten real rows in 8:2:0; rows of a level are at home where their nearest of 500 test rows has "
    "their level (features standardised), in percent, beside as much of real rows that nobody was "
    "shown. The paper shows plots and says that rows intermingle; ours, of the first seed: "
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--model", default="stand-in", help="stand-in, or a model's name")
    parser.add_argument("--base-url", help="of the model")
    parser.add_argument("--log", type=Path, default=Path("build/papers/t2_figure12.jsonl"))
    options = parser.parse_args()
    asked = Asked(options.seeds, model=options.model, base_url=options.base_url)
    runs = [*measured(asked, Log(options.log, KEYS))]
    plots = []
    for level in LEVELS:
        embed(level, asked, FOLDER / "results" / f"figure12_{level}.svg")
        plots.append(f"[{level}](figure12_{level}.svg)")
    rows = []
    for arm in ("real rows", *SHOWN):
        own = [run for run in runs if run["arm"] == arm]
        cells = {f"{level} at home": interval(r[level] for r in own) for level in LEVELS}
        cells |= {f"rows of {level}": interval((r[f"{level} rows"] for r in own), digits=1)
                  for level in LEVELS}  # fmt: skip
        rows.append({"arm": arm, **cells})
    said = MODELS.get(asked.model, f"Language model: {asked.model}.")
    title = "Team-then-Trim, Figure 12: rows of rare and of missing levels beside real ones"
    command = f"python -m benchmarks.papers.t2.figure12 --seeds {asked.seeds}"
    parts = [f"{ABOUT}{', '.join(plots)}. {said}", markdown(rows)]
    write(FOLDER / "results" / "figure12.md", title, parts, runs, command)


if __name__ == "__main__":
    main()
