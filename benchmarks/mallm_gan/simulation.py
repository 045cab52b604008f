"""The loop with a simulated model: parts, shots, serialisations, obedience, backbones and cost.

    python -m benchmarks.mallm_gan.simulation --data DIR --part PART [--draws 5] [--out FOLDER]
        [--tables adult,insurance] [--report]

No figure here is one of a real model: the stand-in knows the whole table but the test rows, and its
dials say how far it heeds a prompt. Each run is a line of a file.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.mallm_gan.command import collect, mean, parser
from benchmarks.mallm_gan.tables import CONTEXT, DIALS, Split, drawn, stand_in
from benchmarks.mallm_gan.utility import QUARTILES, measured, scored
from benchmarks.measure import markdown
from tablewright import MALLMGAN
from tablewright.llm import Prompt, Reply
from tablewright.llm.rows.parser import FORMATS
from tablewright.systems.mallm_gan.discriminator import Discriminator
from tablewright.systems.mallm_gan.process import CausalGraph, Process
from tablewright.tables.inference.casting import typed
from tablewright.tables.table import load_table
from tablewright.testing import StandIn

SIZE = 100
Arm = tuple[str, dict[str, float], dict[str, Any]]
"""Name, dials of the stand-in, and options of the system."""

BACKBONES: list[Arm] = [
    *((name, dials, {}) for name, dials in DIALS.items()),
    ("heeds little, wrong labels", {**DIALS["heeds little"], "wrong_labels": 0.2}, {}),
    ("knows no relations", {"obedience": 0.0, "dependence": 0.0}, {}),
]
OBEDIENCE = (1.0, 0.5, 0.0)
OURS = "+ optimizer"

READ, WRITTEN = 88.0, 24.0
"""Tokens a second that Qwen2.5-Coder 1.5B (4 bits) reads and writes on two idle cores, measured in
`benchmarks/real_models/results.md`."""


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
        (f"{name}, obedience {share:.0%}", {"obedience": share}, chosen)
        for share in OBEDIENCE
        for name, chosen in (
            ("rows only", plain),
            ("+ graph", few),
            (OURS, {}),
            ("rows only, calls of ours", {**plain, "calls": f"{OURS}, obedience {share:.0%}"}),
            ("published", {"variant": "published"}),
            (
                "rows only, calls of published",
                {**plain, "calls": f"published, obedience {share:.0%}"},
            ),
        )
    ]


def run(
    split: Split, others: pl.DataFrame, arm: Arm, seed: int, spent: dict[str, int]
) -> dict[str, Any]:
    """Fit, write and judge; an arm may spend as many calls as another one did."""
    name, dials, chosen = arm
    chosen = dict(chosen)
    form, like = chosen.pop("form", None), chosen.pop("calls", None)
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
    n_rows = SIZE
    if like is not None:
        n_rows = spent[like] * system.shots
        system.max_prompts = spent[like]  # type: ignore[misc]  # of one object
    rows = system.sample(n_rows)
    spent[name] = len(model.prompts)
    schema = load_table(others, target=split.target).schema
    judge = Discriminator(typed(others, schema), schema, "both", seed)
    result, usage = system.result_, system.result_.usage
    lost = result.rejected["_stage"].to_list() if result.rejected.height else []
    graphs = {str(sorted(map(tuple, step["edges"]))) for step in system.history_}
    return {
        "arm": name, "seed": seed, "asked": n_rows, "written": rows.height,
        **measured(rows, split, others), "loss": judge.judge(typed(rows, schema)).loss,
        "first rows": scored(rows[:SIZE], split),
        "proposed": result.n_proposed,
        "copies refused": sum("dupl" in s or "cop" in s for s in lost),
        "unread": result.parse_errors.total(), "prompts": len(model.prompts),
        "tokens": usage.tokens, "graphs": len(graphs),
        "search changes": sum(s["taken"] for s in system.history_) - 1,
    }  # fmt: skip


def runs(asked: Namespace) -> Iterator[dict[str, Any]]:
    for table in asked.tables:
        for seed in range(asked.first, asked.first + asked.draws):
            split, others = drawn(asked.data, table, SIZE, 400 + seed)
            spent: dict[str, int] = {}
            for arm in arms(asked.part):
                yield {"table": table, **run(split, others, arm, seed, spent)}


class Counted:
    """A model whose tokens are counted, as far as letters tell them."""

    def __init__(self, model: StandIn) -> None:
        self.model, self.read, self.written = model, 0, 0

    def complete(self, prompt: Prompt) -> Reply:
        reply = self.model.complete(prompt)
        self.read += reply.usage.prompt_tokens
        self.written += reply.usage.completion_tokens
        return reply

    async def acomplete(self, prompt: Prompt) -> Reply:
        return self.complete(prompt)

    @property
    def spent(self) -> tuple[int, int, int]:
        return len(self.model.prompts), self.read, self.written


def cost(asked: Namespace) -> Iterator[dict[str, Any]]:
    """Count calls and tokens of a search and of as many rows as there are real ones."""
    for table in asked.tables:
        for size in asked.sizes:
            for shots in (1, 2, 3, 4, 5):
                for variant in ("default", "published"):
                    split, _ = drawn(asked.data, table, size, 400)
                    model = Counted(stand_in(split))
                    system = MALLMGAN(
                        split.target, llm=model, variant=variant, shots=shots, random_state=0
                    )
                    system.max_prompts = 5000  # type: ignore[misc]  # of one object
                    system.fit(split.train)
                    entry: dict[str, Any] = {
                        "table": table, "rows": size, "shots": shots, "variant": variant
                    }  # fmt: skip
                    search = model.spent
                    written = system.sample(size).height
                    for k, what in enumerate(("calls", "tokens read", "tokens written")):
                        entry |= {f"{what}, search": search[k],
                                  f"{what}, rows": model.spent[k] - search[k]}  # fmt: skip
                    yield {**entry, "written": written}


SHOWN: dict[str, Callable[[pl.DataFrame], Any]] = {
    "utility": lambda runs: mean(runs["utility"]),
    "of the first 100 rows": lambda runs: mean(runs["first rows"]),
    "loss beside unseen rows": lambda runs: mean(runs["loss"]),
    "membership": lambda runs: mean(runs["membership"]),
    "DCR train, quartiles": lambda runs: _quartiles(runs, "train"),
    "DCR unseen, quartiles": lambda runs: _quartiles(runs, "unseen"),
    "written": lambda runs: _plain(runs["written"]),
    "copies refused": lambda runs: _plain(runs["copies refused"]),
    "unread": lambda runs: _plain(runs["unread"]),
    "calls": lambda runs: _plain(runs["prompts"]),
    "tokens": lambda runs: f"{runs['tokens'].to_numpy().mean():,.0f}",
    "graphs measured": lambda runs: _plain(runs["graphs"]),
}
"""Columns of the page."""
OF_CALLS = ("of the first 100 rows", "graphs measured")
"""Those that only the comparison of calls needs."""


def page(part: str, file: Path) -> str:
    """Lay out what the file holds."""
    found = pl.read_csv(file)
    head = HEADS[part].format(size=SIZE)
    if part == "cost":
        return "\n\n".join([head, markdown(priced(found))]) + "\n"
    rows = [
        {"table": table, "arm": arm, "draws": some.height,
         **{name: show(some) for name, show in SHOWN.items()
            if part == "parts" or name not in OF_CALLS}}
        for (table, arm), some in found.group_by("table", "arm", maintain_order=True)
    ]  # fmt: skip
    return "\n\n".join([head, markdown(rows)]) + "\n"


def priced(found: pl.DataFrame) -> list[dict[str, Any]]:
    """Add the minutes that a small model takes, one call after the other."""
    minutes = [
        ((pl.col(f"tokens read, {of}") / READ + pl.col(f"tokens written, {of}") / WRITTEN) / 60)
        .round(1)
        .alias(f"minutes, {of}")
        for of in ("search", "rows")
    ]
    return found.with_columns(minutes).to_dicts()


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
    "{size} real rows, as many asked for. Plain sampling with the calls of a loop sends as many "
    "prompts as that loop did on the same draw, each for more rows. The stand-in's optimizer "
    "proposes another graph in each reply, of edges that hold in the whole table.",
    "cost": f"# Cost\n\n{_COMMAND} cost`. Calls and tokens (letters by four) of a search and of as "
    "many rows as there are real ones, with a stand-in that heeds all. Minutes: those tokens at "
    f"the speed of Qwen2.5-Coder 1.5B (4 bits) on two idle cores, {READ:.0f} tokens a second read "
    f"and {WRITTEN:.0f} written (`benchmarks/real_models/results.md`), one call after the other.",
}


def main() -> None:
    made = parser(__doc__ or "", HEADS, ["adult", "insurance"], [25, 50, 100, 200, 400, 800])
    asked = made.parse_args()
    file = asked.out / f"mallm_gan_{asked.part}.csv"
    if not asked.report:
        collect(cost(asked) if asked.part == "cost" else runs(asked), file)
    print(page(asked.part, file))


if __name__ == "__main__":
    main()
