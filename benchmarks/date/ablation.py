"""What each piece of DATE adds to rows of a model: feedback, new rules, sharing, rho, rounds.

    python -m benchmarks.date.ablation --data DIR --runs FILE [--seeds 5]
    python -m benchmarks.date.ablation gguf:FILE --small --data DIR --runs FILE
        [--calls 4] [--minutes 6]
    python -m benchmarks.date.ablation --page SIMULATED REAL --data DIR [--out PAGE]

DIR holds ``rddg/travel/full.csv`` and ``mallm_gan/insurance_1338.csv``. Without a model a
stand-in answers from other rows of the table, one label in ten wrong: a simulation. Rows come as
they are written, none is chosen among. Each run is a line of JSON with its rows.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from benchmarks.date.selectors import interval
from benchmarks.measure import markdown
from benchmarks.trim.report import write
from tablewright.errors import TablewrightError
from tablewright.llm import connect
from tablewright.systems.date.partition import Part, Parts, asked_columns, partition
from tablewright.systems.date.questions import Questions
from tablewright.systems.date.system import DATE
from tablewright.tables.table import Table, load_table
from tablewright.testing import Faults, StandIn

TABLES = {
    "travel": ("rddg/travel/full.csv", "Target", "customers of a travel agency, who leave or not"),
    "insurance": ("mallm_gan/insurance_1338.csv", "charges", "medical insurance costs in the US"),
}
N_TRAIN, N_ROWS, FORESTS = 150, 40, 3
RHO = (0.4, 0.55, 0.7, 0.85, 1.0)
"""Of the upper error of one model for all rows."""
ARMS: dict[str, dict[str, Any]] = {
    "as it is": {}, "no tree feedback": {"feedback": False}, "no new rules": {"new_rules": False},
    "one prompt for all": {"max_parts": 1},
    "no round": {"rounds": 0}, "one round": {"rounds": 1}, "three rounds": {"rounds": 3},
    **{f"rules, rho {rho}": {"rho": rho} for rho in RHO},
    "rules, rho 0.7, no sharing": {"rho": 0.7, "share": False},
}  # fmt: skip
WRONG = 0.1
N_SMALL, SMALL_PARTS = 20, 2
SMALL = {"rounds": 1, "n_examples": 6, "rows_per_prompt": 8}
"""Of a model that is slow: rows, leaves of the tree, and short prompts."""
SMALL_ARMS = ("as it is", "no tree feedback", "no new rules", "no round", "one prompt for all",
              "rules, rho 0.7", "rules, rho 0.7, no sharing")  # fmt: skip
N_RESAMPLES = 1000
SLOW = (
    f"{N_SMALL} rows asked for in prompts of 8 at most, four calls and six minutes at most for "
    f"each arm, a tree of {SMALL_PARTS} leaves, one round of feedback. Copies: equal or nearly "
    "equal to a real row, or to one of the prompt. One core, shared with other work, so that "
    "seconds are a ceiling."
)


class Cut:
    """A table of which few rows are learned from, some are a stand-in's, and the others ask."""

    def __init__(self, name: str, data: Path, seed: int) -> None:
        path, target, self.topic = TABLES[name]
        frame = pl.read_csv(data / path)
        frame = frame.sample(frame.height, shuffle=True, seed=seed)
        half = (frame.height - N_TRAIN) // 2
        self.table: Table = load_table(frame[:N_TRAIN], target=target)
        self.others, self.test = frame[N_TRAIN : N_TRAIN + half], frame[N_TRAIN + half :]
        self.target, self.number = target, self.table.schema[target].kind.is_numeric

    def errors(self, added: pl.DataFrame | None = None) -> dict[str, float]:
        """Share of wrong labels, or root mean squared error, of forests and of trees."""
        return {name: float(np.mean([self._error(one) for one in each]))
                for name, each in self.losses(added).items()}  # fmt: skip

    def change(self, added: pl.DataFrame, learner: str = "forest") -> str:
        """Say by how much the error falls, in percent, with an interval over the asked rows."""
        before, after = self.losses()[learner], self.losses(added)[learner]
        rng, drawn = np.random.default_rng(0), []
        for draw in range(N_RESAMPLES + 1):
            rows = rng.integers(before.shape[1], size=before.shape[1]) if draw else slice(None)
            old, new = (np.mean([self._error(one[rows]) for one in each])
                        for each in (before, after))  # fmt: skip
            drawn.append(100 * (1 - new / old))
        low, high = np.percentile(drawn[1:], [2.5, 97.5])
        return f"{drawn[0]:+.1f} ({low:+.1f} to {high:+.1f})"

    def losses(self, added: pl.DataFrame | None = None) -> dict[str, Any]:
        """Return 1 for each wrong label, or the squared error, by learner, seed and asked row."""
        schema, train = self.table.schema, self.table.frame
        asked = Questions(train, schema, asked_columns(schema))
        learned = [train] if added is None else [train, added.select(train.columns)]
        x = np.vstack([asked.answers(rows) for rows in learned])
        y = np.concatenate([rows[self.target].cast(pl.String).to_numpy() for rows in learned])
        test = self.test.with_columns(
            pl.col(name).cast(dtype) for name, dtype in train.schema.items()
        )
        questions, truth = asked.answers(test), test[self.target].cast(pl.String).to_numpy()
        if self.number:
            y, truth = y.astype(float), truth.astype(float)
        kinds = {"forest": (RandomForestClassifier, RandomForestRegressor),
                 "tree": (DecisionTreeClassifier, DecisionTreeRegressor)}  # fmt: skip
        return {name: np.array([
            self._loss(kind[self.number](random_state=k).fit(x, y).predict(questions), truth)
            for k in range(FORESTS)
        ]) for name, kind in kinds.items()}  # fmt: skip

    def _loss(self, predicted: Any, truth: Any) -> Any:
        return (predicted - truth) ** 2 if self.number else (predicted != truth).astype(float)

    def _error(self, losses: Any) -> float:
        return float(losses.mean() ** 0.5 if self.number else losses.mean())

    def by_search(self, rho: float, share: bool = True) -> Parts:
        """Cut by the rule search with a bound relative to one model's error."""
        frame, schema = self.table.frame, self.table.schema
        alone = partition(frame, schema, max_error=float("inf")).parts[0].upper_error
        assert alone is not None
        return partition(frame, schema, max_error=rho * alone, share=share, min_rows=15)

    def by_tree(self, n_parts: int) -> Parts:
        """Cut by a tree of so many leaves."""
        frame, schema = self.table.frame, self.table.schema
        if n_parts == 1:
            return Parts((Part("all rows", (), frame.height),))
        return partition(frame, schema, method="tree", max_parts=n_parts, min_rows=25)


def run(cut: Cut, arm: str, seed: int, model: Any, small: bool) -> dict[str, Any]:
    """Let DATE write rows; what came of them, and the rows."""
    options, start = {**(SMALL if small else {}), **ARMS[arm]}, time.monotonic()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parts = None
        if "rho" in options:
            parts = cut.by_search(options.pop("rho"), options.pop("share", True))
        elif small or "max_parts" in options:
            parts = cut.by_tree(options.pop("max_parts", SMALL_PARTS))
        if parts is not None:
            options["parts"] = str(Path(folder) / "parts.yaml")
            parts.save(options["parts"])
        system = DATE(
            cut.target, llm=model, schema=cut.table.schema, topic=cut.topic, strategy="none",
            random_state=seed, **options,
        )  # fmt: skip
        try:
            rows = system.fit(cut.table.frame).sample(N_SMALL if small else N_ROWS)
        except TablewrightError as error:
            return {"error": str(error), "kept": 0}
    result, told = system.result_, system.result_.details["rounds"]
    return {
        "kept": rows.height, "parts": sum(rows.height > 0 for rows in system.rounds_.rows),
        "calls": result.usage.attempts, "tokens": result.usage.tokens,
        "proposed": result.n_proposed, "unreadable": dict(result.parse_errors),
        "rejected": dict(Counter(result.rejected["_stage"].to_list())) if result.rejected.height
        else {},
        "other labels": sum(one["other labels"] for one in told if not one["invented"]),
        "invented": sum(one["invented"] for one in told),
        "gained": sum(one["gain"] > one["error"] for one in told),
        "groups": len(told), "stopped": None if result.stopped is None else str(result.stopped),
        "seconds": round(time.monotonic() - start, 1), "rows": json.loads(rows.write_json()),
    }  # fmt: skip


def typed(cut: Cut, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Return recorded rows with the types of the real ones."""
    dtypes = cut.table.frame.schema
    cells = {name: [row[name] for row in rows] for name in dtypes}
    return pl.DataFrame(cells, strict=False).cast(dict(dtypes))


def judged(lines: list[dict[str, Any]], data: Path) -> pl.DataFrame:
    """Add the change of the error that the rows of each run bring."""
    made = []
    for table, seed in dict.fromkeys((line["table"], line["seed"]) for line in lines):
        cut = Cut(table, data, seed)
        alone = cut.errors()
        for line in lines:
            if (line["table"], line["seed"]) == (table, seed) and line["kept"]:
                after = cut.errors(typed(cut, line["rows"]))
                change = {name: 100 * (1 - after[name] / alone[name]) for name in alone}
                made.append({**{k: line[k] for k in ("table", "seed", "arm", "kept", "parts",
                             "calls", "tokens", "other labels", "invented", "gained", "groups")},
                             **change})  # fmt: skip
    return pl.DataFrame(made, infer_schema_length=None)


def summary(runs: pl.DataFrame) -> str:
    """One line for each arm, and what it does beside the whole."""
    whole = runs.filter(pl.col("arm") == "as it is")
    lines = []
    for arm in (arm for arm in ARMS if arm in runs["arm"].to_list()):
        here = runs.filter(pl.col("arm") == arm)
        both = here.join(whole, on=["table", "seed"], suffix=" whole")
        mean = here.select(pl.col("kept", "parts", "calls", "tokens").mean()).row(0, named=True)
        labels = here["other labels"].sum() / max(here["kept"].sum(), 1)
        lines.append({
            "arm": arm, "runs": here.height, "parts": round(mean["parts"], 1),
            "rows": round(mean["kept"]), "calls": round(mean["calls"], 1),
            "tokens": round(mean["tokens"]), "other label than the tree's, %": round(100 * labels),
            "rules invented": int(here["invented"].sum()),
            "forest, %": interval(here["forest"]), "tree, %": interval(here["tree"]),
            "forest, less the whole": interval(both["forest"] - both["forest whole"]),
            "tree, less the whole": interval(both["tree"] - both["tree whole"]),
        })  # fmt: skip
    return markdown(lines)


def of_a_model(lines: list[dict[str, Any]], data: Path) -> str:
    """One line for each run of a real model, of which there are few."""
    shown = []
    for table, arm in ((table, arm) for table in TABLES for arm in SMALL_ARMS):
        for line in (one for one in lines if (one["table"], one["arm"]) == (table, arm)):
            cut, kept = Cut(table, data, line["seed"]), line["kept"]
            copies = {k: n for k, n in line["unreadable"].items() if "example" in k}
            lost = {**line["unreadable"], **line["rejected"]}
            shown.append({
                "table": table, "arm": arm, "parts": line["parts"], "calls": line["calls"],
                "rows that could be read": line["proposed"], "kept": kept,
                "copies of real rows": sum(copies.values())
                + sum(line["rejected"].get(stage, 0) for stage in ("copies", "near-duplicates")),
                "other losses": sum(lost.values()) - sum(copies.values())
                - sum(line["rejected"].get(stage, 0) for stage in ("copies", "near-duplicates")),
                "other label than the tree's": line["other labels"], "new rules": line["invented"],
                "tokens a kept row": round(line["tokens"] / max(kept, 1)),
                "seconds a kept row": round(line["seconds"] / max(kept, 1)),
                "forest, %": cut.change(typed(cut, line["rows"])) if kept else "–",
            })  # fmt: skip
    return markdown(shown)


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", help="name of a model; the stand-in where not given")
    parser.add_argument("--base-url")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--runs", type=Path, help="JSON lines, continued")
    parser.add_argument("--tables", nargs="*", default=list(TABLES), choices=list(TABLES))
    parser.add_argument("--arms", nargs="*", default=list(ARMS), choices=list(ARMS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--minutes", type=float, help="of a run; what it has by then counts")
    parser.add_argument("--calls", type=int, help="of a run; what it has by then counts")
    parser.add_argument("--small", action="store_true", help="few rows, short prompts")
    parser.add_argument("--page", type=Path, nargs="*", help="files of runs; no run is made")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/date/ablation.md"))
    options = parser.parse_args()
    if options.page is not None:
        page(options.page, options.data, options.out)
        return
    done = {(one["table"], one["seed"], one["arm"]) for one in read(options.runs)}
    for seed in range(options.first, options.first + options.seeds):
        for table in options.tables:
            cut = Cut(table, options.data, seed)
            for arm in options.arms:
                if (table, seed, arm) not in done:
                    line = one_run(cut, arm, seed, options)
                    told = {"model": options.model or "stand-in", "table": table, "seed": seed}
                    with options.runs.open("a") as file:
                        file.write(json.dumps({**told, "arm": arm, **line}, default=str) + "\n")
                    print(table, seed, arm, {k: v for k, v in line.items() if k != "rows"},
                          flush=True)  # fmt: skip


def one_run(cut: Cut, arm: str, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    if options.model is None:
        wrong = Faults(wrong_labels=0.0 if cut.number else WRONG)
        return run(cut, arm, seed, StandIn(cut.others, cut.target, wrong), options.small)
    caps = {"max_minutes": options.minutes, "max_calls": options.calls}
    with connect(options.model, options.base_url, share="rows", **caps) as client:
        return run(cut, arm, seed, client, options.small)


def page(paths: list[Path], data: Path, out: Path) -> None:
    """Write the tables of some files of runs."""
    texts, lines = [], [line for path in paths for line in read(path)]
    for model in dict.fromkeys(line["model"] for line in lines):
        own = [line for line in lines if line["model"] == model]
        seeds = ", ".join(map(str, sorted({line["seed"] for line in own})))
        tables = ", ".join(sorted({line["table"] for line in own}))
        n_empty = sum(line["kept"] == 0 for line in own)
        head = f"{len(own)} runs, of which {n_empty} gave no row; tables {tables}, seeds {seeds}."
        if model == "stand-in":
            runs = judged(own, data)
            texts += ["## A simulation: the stand-in", f"{N_ROWS} rows asked for. {head}",
                      summary(runs)]  # fmt: skip
        else:
            texts += [f"## {Path(model.split('?')[0]).name}", f"{head} {SLOW}",
                      of_a_model(own, data)]  # fmt: skip
    write(out, "Ablations of DATE", [
        f"{N_TRAIN} real rows, no row chosen among those that came. Change of the error of "
        "a forest and of a tree (mean of three) on unseen rows by adding the rows, in percent of "
        "that with the real rows alone, positive being better; 95 % intervals. As it is: parts of "
        "a tree, two rounds. Rho: the bound of the rule search, as a share of the upper error of "
        "one model for all. The stand-in answers from other rows of the table, with 10 % wrong "
        "labels (travel); its intervals are over runs of both tables, those of a model over the "
        "rows that were asked about.", *texts])  # fmt: skip


if __name__ == "__main__":
    main()
