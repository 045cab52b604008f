"""The loop with a simulated model: parts, shots, serialisations, obedience, backbones and cost.

    python -m benchmarks.mallm_gan.simulation --data DIR --part PART [--draws 5] [--out FOLDER]
        [--tables adult,insurance] [--report]

No figure here is one of a real model: the stand-in knows the whole table but the test rows, and its
dials say how far it heeds a prompt. Each run is a line of a file.
"""

from __future__ import annotations

import warnings
from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.mallm_gan.tables import CONTEXT, Split, drawn, stand_in
from benchmarks.mallm_gan.utility import QUARTILES, measured
from benchmarks.measure import RESULTS, append_csv, markdown, options
from tablewright import MALLMGAN
from tablewright.llm.rows.parser import FORMATS
from tablewright.systems.mallm_gan.discriminator import Discriminator
from tablewright.systems.mallm_gan.process import CausalGraph, Process
from tablewright.tables.inference.casting import typed
from tablewright.tables.table import load_table
from tablewright.threads import one_thread

SIZE = 100
Arm = tuple[str, dict[str, float], dict[str, Any]]
"""Name, dials of the stand-in, and options of the system."""

WEAK = {"obedience": 0.4, "ignored": 0.3, "hallucinated": 0.1, "copies": 0.2, "invalid": 0.1}
BACKBONES: list[Arm] = [
    ("heeds all", {}, {}),
    ("heeds most", {"obedience": 0.7, "ignored": 0.1, "hallucinated": 0.03, "copies": 0.05}, {}),
    ("heeds little", WEAK, {}),
    ("heeds little, wrong labels", {**WEAK, "wrong_labels": 0.2}, {}),
    ("knows no relations", {"obedience": 0.0, "dependence": 0.0}, {}),
]
OBEDIENCE = (1.0, 0.5, 0.0)


def arms(part: str) -> list[Arm]:
    """Return what is compared."""
    few, plain = {"rounds": 0}, {"rounds": 0, "process": "empty"}
    if part == "shots":
        return [(f"{k} shots", {}, {**few, "shots": k}) for k in range(1, 6)]
    if part == "forms":
        return [("JSON", {}, few), ("CSV", {}, {**few, "form": "csv"}),
                ("JSON, half ignored", {"ignored": 0.5}, few),
                ("CSV, half ignored", {"ignored": 0.5}, {**few, "form": "csv"})]  # fmt: skip
    if part == "backbones":
        return BACKBONES
    return [
        (f"{name}, obedience {share:.0%}", {"obedience": share}, {**chosen, "calls": calls})
        for share in OBEDIENCE
        for name, chosen, calls in (
            ("rows only", plain, False),
            ("rows only, as many calls as published", plain, True),
            ("+ graph", few, False),
            ("+ optimizer", {}, False),
            ("published", {"variant": "published"}, False),
        )
    ]


def run(split: Split, others: pl.DataFrame, arm: Arm, seed: int, known: int) -> dict[str, Any]:
    """Fit, write and judge; `known` is the number of calls to spend where an arm asks for it."""
    name, dials, chosen = arm
    chosen = dict(chosen)
    form, more = chosen.pop("form", None), chosen.pop("calls", False)
    if chosen.get("process") == "empty":
        columns = load_table(split.train, target=split.target).schema.modelled
        chosen["process"] = Process(CausalGraph({c.name: [] for c in columns}))
    model = stand_in(split, **dials)
    system = MALLMGAN(
        split.target, llm=model, context=CONTEXT.get(split.table, ""), random_state=seed, **chosen
    )
    if form:
        system.row_form = FORMATS[form]  # type: ignore[misc]  # of one object
    system.fit(split.train)
    n_rows = max(SIZE, known * system.shots) if more else SIZE
    rows = system.sample(n_rows)
    schema = load_table(others, target=split.target).schema
    judge = Discriminator(typed(others, schema), schema, "both", seed)
    result, usage = system.result_, system.result_.usage
    lost = result.rejected["_stage"].to_list() if result.rejected.height else []
    return {
        "arm": name, "seed": seed, "asked": n_rows, "written": rows.height,
        **measured(rows, split, others), "loss": judge.judge(typed(rows, schema)).loss,
        "proposed": result.n_proposed,
        "copies refused": sum("dupl" in s or "cop" in s for s in lost),
        "unread": result.parse_errors.total(), "prompts": len(model.prompts),
        "tokens": usage.tokens, "search changes": sum(s["taken"] for s in system.history_) - 1,
    }  # fmt: skip


def runs(asked: Namespace) -> Iterator[dict[str, Any]]:
    for table in asked.tables:
        for seed in range(asked.first, asked.first + asked.draws):
            split, others = drawn(asked.data, table, SIZE, 400 + seed)
            calls = 5 * 2 * 13 + 9 + 25  # of the published search and the rows after it
            for arm in arms(asked.part):
                yield {"table": table, **run(split, others, arm, seed, calls)}


def cost(asked: Namespace) -> Iterator[dict[str, Any]]:
    """Count prompts and tokens of a search and of as many rows as there are real ones."""
    for table in asked.tables:
        for size in asked.sizes:
            for shots in (1, 4):
                for variant in ("default", "published"):
                    split, _ = drawn(asked.data, table, size, 400)
                    model = stand_in(split)
                    system = MALLMGAN(
                        split.target, llm=model, variant=variant, shots=shots, random_state=0
                    ).fit(split.train)
                    searched = len(model.prompts)
                    system.sample(size)
                    read = sum(map(len, model.prompts)) / 4
                    yield {"table": table, "rows": size, "shots": shots, "variant": variant,
                           "prompts, search": searched,
                           "prompts, rows": len(model.prompts) - searched,
                           "tokens read": round(read)}  # fmt: skip


SHOWN: dict[str, Callable[[pl.DataFrame], Any]] = {
    "utility": lambda runs: _mean(runs["utility"]),
    "loss beside unseen rows": lambda runs: _mean(runs["loss"]),
    "membership": lambda runs: _mean(runs["membership"]),
    "DCR train, quartiles": lambda runs: _quartiles(runs, "train"),
    "DCR unseen, quartiles": lambda runs: _quartiles(runs, "unseen"),
    "written": lambda runs: _plain(runs["written"]),
    "copies refused": lambda runs: _plain(runs["copies refused"]),
    "unread": lambda runs: _plain(runs["unread"]),
    "prompts": lambda runs: _plain(runs["prompts"]),
}


def page(part: str, file: Path) -> str:
    """Lay out what the file holds."""
    found = pl.read_csv(file)
    head = HEADS[part].format(size=SIZE)
    if part == "cost":
        return "\n\n".join([head, markdown(found.to_dicts())]) + "\n"
    rows = [
        {"table": table, "arm": arm, "draws": some.height,
         **{name: show(some) for name, show in SHOWN.items()}}
        for (table, arm), some in found.group_by("table", "arm", maintain_order=True)
    ]  # fmt: skip
    return "\n\n".join([head, markdown(rows)]) + "\n"


def _mean(values: pl.Series) -> str:
    found = values.to_numpy()
    return f"{found.mean():.3f} ± {found.std(ddof=1) / max(1, len(found)) ** 0.5:.3f}"


def _plain(values: pl.Series) -> str:
    return f"{values.to_numpy().mean():.1f}"


def _quartiles(runs: pl.DataFrame, side: str) -> str:
    return ", ".join(f"{np.mean(runs[f'DCR {side} {q}'].to_numpy()):.2f}" for q in QUARTILES)


_COMMAND = "`python -m benchmarks.mallm_gan.simulation --data DIR --part"
_NOT_REAL = "The model is simulated (the stand-in knows the table but the test rows)."
HEADS = {
    "shots": f"# Shots, simulated\n\n{_COMMAND} shots`. {_NOT_REAL} Graph of the heuristic, no "
    "search, {size} real rows.",
    "forms": f"# Serialisations, simulated\n\n{_COMMAND} forms`. {_NOT_REAL} Graph of the "
    "heuristic, no search, {size} real rows.",
    "backbones": f"# Backbones, simulated\n\n{_COMMAND} backbones`. {_NOT_REAL} Its dials stand "
    "for models that heed prompts more or less, {size} real rows.",
    "parts": f"# Parts of the method and the calls they take, simulated\n\n{_COMMAND} parts`. "
    f"{_NOT_REAL} Obedience: the share of cells that depend on what the graph says. "
    "{size} real rows, as many asked for; with as many calls as the published search takes, "
    "plain sampling writes more.",
    "cost": f"# Cost\n\n{_COMMAND} cost`. Prompts of a search and of as many rows as there are "
    "real ones, and tokens read (letters by four), with a stand-in that heeds all.",
}


def main() -> None:
    parser = options(__doc__ or "", data=True)
    parser.add_argument("--part", choices=HEADS, required=True)
    parser.add_argument("--tables", type=lambda text: text.split(","),
                        default=["adult", "insurance"])  # fmt: skip
    parser.add_argument("--sizes", type=lambda text: [int(n) for n in text.split(",")],
                        default=[25, 50, 100, 200, 400, 800])  # fmt: skip
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args()
    file = asked.out / f"mallm_gan_{asked.part}.csv"
    if not asked.report:
        with one_thread(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for row in cost(asked) if asked.part == "cost" else runs(asked):
                append_csv(file, [row])
                print({k: row[k] for k in list(row)[:6]}, flush=True)
    print(page(asked.part, file))


if __name__ == "__main__":
    main()
