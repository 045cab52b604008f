"""What a team takes, what its members are worth, and whether its rows hang together: a simulation.

    python -m benchmarks.systems.team --data DIR --out FILE [--seeds 10]

The model is a stand-in that draws from a population; no language model was asked. Written by a
stand-in, a cell that is asked for beside given ones depends on all of them (a share `obedience`),
one in a whole row on those before it with a share of 0.6 only (`dependence`): that rows of a team
break fewer rules than those of one prompt is built into it, and only by how much is measured.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import polars as pl

from benchmarks.measure import markdown
from benchmarks.papers.runs import commit
from benchmarks.systems.cases import (
    Case,
    Drawn,
    adult,
    compas,
    imbalanced,
    incomplete,
    on_adult,
    on_compas,
)
from benchmarks.systems.scoring import usefulness
from tablewright.llm import Prompt, Reply
from tablewright.rules import bind
from tablewright.rules.bound import BoundRule
from tablewright.rules.mining import mine_rules
from tablewright.systems.cllm.system import CLLM
from tablewright.systems.common.base import System
from tablewright.systems.team_then_trim.system import TeamThenTrim
from tablewright.tables.inference.casting import typed
from tablewright.testing import Faults, StandIn

STRONG = Faults(invalid=0.02, ignored=0.02)
WEAK = Faults(
    invalid=0.1, truncated=0.05, ignored=0.2, hallucinated=0.1, out_of_range=0.1, copies=0.15,
    wrong_labels=0.25, obedience=0.5, dependence=0.3,
)  # fmt: skip
BATCHES, BATCH, COMPONENTS = 10, 10, 3


def weak_manager(text: str, model: StandIn, rng: np.random.Generator) -> str | None:
    """Plan columns as they fall, misspell one, forget another."""
    if '"components"' not in text:
        return None
    names = [n for n in model.population.schema.names if n != model.population.target]
    names = [names[index] for index in rng.permutation(len(names))][:-1]
    names[0] = names[0][:-1] + "?"
    blocks = [names[at : at + 4] for at in range(0, len(names), 4)]
    parts = [
        {
            "id": f"c{n}",
            "role": "worker",
            "features": block,
            "parents": [f"c{n - 1}"] * (n > 1),
        }
        for n, block in enumerate(blocks, 1)
    ]
    return json.dumps({"components": parts, "label": {"role": "worker"}})


def standin(drawn: Drawn, faults: Faults | None, answers: Sequence[Any] = ()) -> StandIn:
    return StandIn(drawn.population, schema=drawn.schema, faults=faults, answers=answers)


def team(
    case: Case, drawn: Drawn, seed: int, llm: Any, context: str = "ancestors", **options: Any
) -> TeamThenTrim:
    """Write the batches of a case."""
    n_batches = options.pop("n_batches", BATCHES)
    constants = {"batch_size": BATCH, "context": context, "n_batches": n_batches}
    kind = type("Team", (TeamThenTrim,), constants)
    system: TeamThenTrim = kind(
        llm=llm,
        schema=drawn.schema,
        topic=case.topic,
        random_state=seed,
        **{"trim": None, **options},
    )
    return system.fit(drawn.train)


def rows_of(system: System, drawn: Drawn, n_rows: int | None = None) -> pl.DataFrame:
    return typed(system.sample(n_rows), drawn.schema).cast(dict(drawn.train.schema))  # type: ignore[arg-type]  # polars takes names


# 1. tokens ----------------------------------------------------------------------------------


def tokens(case: Case, seeds: int) -> list[dict[str, Any]]:
    """Tokens of a generated row, with as many rows, batches and components as published.

    The published prompts are rebuilt (examples and begun rows as JSON with all columns, replies
    that repeat what is given) and both are counted alike: by pieces, which is how the tokenizer
    of Llama 3 cuts a text before it looks into words (up to three digits, a word, marks), with
    a word counted once for every seven letters; and by characters / 4. The last line is printed
    in the paper. No manager is counted.
    """
    counts: dict[tuple[str, str], list[float]] = {}
    for seed in range(seeds):
        drawn = case.draw(seed)
        plan = {"components": _three(drawn), "label": {"role": "diabetes expert"}}
        model = Listening(standin(drawn, None))
        n_rows = rows_of(team(case, drawn, seed, model, plan=plan), drawn).height
        published = [(f"worker {n}", *both) for n, both in enumerate(_layout(drawn), 1)]
        for who, heard, n in (
            ("ours", model.heard, n_rows),
            ("published layout", published, BATCH),
        ):
            for role, read, result in heard:
                for name in (role, "all"):
                    both = counts.setdefault((who, name), [0.0] * 4)
                    for k, text in enumerate((read, result)):
                        both[k] += pieces(text) / n / seeds
                        both[2 + k] += len(text) / 4 / n / seeds
    rows = [
        {"prompts": who, "role": role, "read": f"{c[0]:.0f}", "written": f"{c[1]:.0f}",
         "all": f"{c[0] + c[1]:.0f}", "all, characters / 4": f"{c[2] + c[3]:.0f}"}
        for (who, role), c in sorted(counts.items())
    ]  # fmt: skip
    printed = {"prompts": "as published", "role": "all", "read": "765", "written": "426",
               "all": "1,192", "all, characters / 4": "–"}  # fmt: skip
    return [*rows, printed]


class Listening:
    """A model that remembers what was asked of whom, and answered."""

    def __init__(self, model: StandIn) -> None:
        self.model = model
        self.heard: list[tuple[str, str, str]] = []

    def complete(self, prompt: Prompt) -> Reply:
        reply = self.model.complete(prompt)
        self.heard.append((prompt.role, prompt.text, reply.text))
        return reply


def pieces(text: str) -> int:
    """Count tokens about as a tokenizer does that takes up to three digits at once."""
    result = re.findall(r"[^\r\n\w]?[^\W\d_]+|\d{1,3}| ?[^\s\w]+[\r\n]*|\s*[\r\n]+|\s+|_", text)
    return sum(-(-len(piece) // 7) if piece[-1].isalpha() else 1 for piece in result)


def _three(drawn: Drawn) -> list[dict[str, Any]]:
    names = [name for name in drawn.schema.names if name != drawn.schema.target]
    return [
        {"id": f"c{n}", "role": f"specialist {n}", "features": names[at : at + 3],
         "parents": [f"c{m}" for m in range(1, n)]}
        for n, at in enumerate(range(0, len(names), 3), 1)
    ]  # fmt: skip


def _layout(drawn: Drawn) -> list[tuple[str, str]]:
    """Write what the four workers of the paper read and write for one batch."""
    rows, examples = drawn.population[:BATCH].to_dicts(), drawn.train[:BATCH].to_dicts()
    meanings = dict.fromkeys(drawn.schema.names, "its meaning, its unit and its range")
    features = [part["features"] for part in _three(drawn)] + [[str(drawn.schema.target)]]
    done: list[str] = []
    result = []
    for own in features:
        begun = [{name: row[name] for name in done} | dict.fromkeys(own, "") for row in rows]
        done += own
        reported = [json.dumps(part, indent=1) for part in (meanings, examples, begun)]
        head = "You are a specialist. Generate 10 realistic and diverse rows as JSON. " * 3
        reply = [{name: row[name] for name in done} for row in rows]
        result.append((head + "\n".join(reported), json.dumps(reply, indent=1)))
    return result


# 2. members ---------------------------------------------------------------------------------


def members(case: Case, seeds: int) -> list[dict[str, Any]]:
    """What strong and weak managers and workers give, before and after Trim."""
    result = []
    for manager in ("strong", "weak"):
        for worker in ("strong", "weak"):
            runs = [_members(case, seed, manager, worker) for seed in range(seeds)]
            result.append(
                {
                    "table": case.name,
                    "manager": manager,
                    "worker": worker,
                    **_mean(runs),
                }
            )
    alone = [_alone(case, seed) for seed in range(seeds)]
    return [*result, {"table": case.name, "manager": "real alone", **_mean(alone)}]


def _alone(case: Case, seed: int) -> dict[str, float]:
    drawn = case.draw(seed)
    auc = usefulness(drawn.train, drawn.test, drawn.schema, seed)["AUC"]
    return {"AUC team": auc, "AUC team + trim": auc}


def _members(case: Case, seed: int, manager: str, worker: str) -> dict[str, float]:
    drawn = case.draw(seed)
    llm = {
        "manager": standin(drawn, None, [weak_manager] if manager == "weak" else []),
        "": standin(drawn, STRONG if worker == "strong" else WEAK),
    }
    result: dict[str, float] = {}
    for name, trim in {"team": None, "team + trim": {"trust": "generator"}}.items():
        system = team(case, drawn, seed, llm, trim=trim)
        rows = rows_of(system, drawn)
        whole = pl.concat([drawn.train, rows])
        result[f"AUC {name}"] = usefulness(whole, drawn.test, drawn.schema, seed)["AUC"]
        result[f"rows {name}"] = rows.height
        result[f"tokens a row {name}"] = system.result_.tokens_per_row or np.nan
    return {**result, "repairs": len(system.plan_.repairs)}


def _mean(runs: Sequence[Mapping[str, float]]) -> dict[str, str]:
    shown = {}
    for name in runs[0]:
        values = [run[name] for run in runs]
        shown[name] = _said(values) if name.startswith("AUC") else f"{np.mean(values):.1f}"
    return shown


def _said(values: Sequence[float]) -> str:
    error = f"{np.std(values, ddof=1) / np.sqrt(len(values)):.1f}" if len(values) > 1 else "–"
    return f"{np.mean(values):.1f} ± {error}"


# 3. a missing class --------------------------------------------------------------------------


def missing(case: Case, seeds: int) -> list[dict[str, Any]]:
    """AUC of a class that no real row has and the dictionary declares, in percent; 50 without it.

    Written from the population's rows of that class, so by a model that knows it well.
    """
    result = []
    for worker, faults in {"strong": STRONG, "weak": WEAK, "no model": None}.items():
        for name, trim in {"team": None, "team + trim": {"trust": "generator"}}.items():
            runs = []
            for seed in range(seeds):
                drawn = case.draw(seed)
                model = standin(drawn, faults) if faults is not None else None
                rows = rows_of(team(case, drawn, seed, model, trim=trim), drawn)
                whole = pl.concat([drawn.train, rows])
                auc = usefulness(whole, drawn.test, drawn.schema, seed)["AUC HR"]
                n_written = int((rows[str(drawn.schema.target)] == "HR").sum())
                runs.append({"AUC HR": auc, "rows": rows.height, "rows of HR": n_written})
            result.append({"table": case.name, "worker": worker, "rows by": name, **_mean(runs)})
    return result


# 4. rules -----------------------------------------------------------------------------------


def violations(case: Case, real: pl.DataFrame, seeds: int) -> list[dict[str, Any]]:
    """Rows that break at least one of the hard rules mined from all real rows, in percent."""
    schema = case.draw(0).schema
    mined = mine_rules(real, schema, np.random.default_rng(0))
    kept = [rule for rule in bind(mined, schema, real) if rule.rule.hard]
    arms: dict[str, list[float]] = {}
    for seed in range(seeds):
        for name, rate in _violations(case, seed, kept).items():
            arms.setdefault(name, []).append(rate)
    return [
        {
            "table": case.name,
            "rules": len(kept),
            "rows of": name,
            "break a rule, %": _said(v),
        }
        for name, v in arms.items()
    ]


def _violations(case: Case, seed: int, rules: Sequence[BoundRule]) -> dict[str, float]:
    drawn = case.draw(seed)
    llm = standin(drawn, STRONG)
    kind = type("CLLM", (CLLM,), {"max_prompts": 4 * BATCHES})
    prompt = kind(
        llm=llm, schema=drawn.schema, topic=case.topic, curate=False, rows_per_prompt=BATCH,
        random_state=seed,
    ).fit(drawn.train)  # fmt: skip
    result = {"held-out real rows": drawn.test, "one prompt": rows_of(prompt, drawn, 100)}
    for context in ("parents", "ancestors", "all_done"):
        result[f"team, context {context}"] = rows_of(
            team(case, drawn, seed, llm, context=context), drawn
        )
    given = team(case, drawn, seed, llm, trim={"trust": "generator"})
    result["team + trim"] = rows_of(given, drawn)
    local = team(case, drawn, seed, None)
    result["team without a model"] = rows_of(local, drawn)
    return {name: 100 * _broken(rows, rules) for name, rows in result.items()}


def _broken(rows: pl.DataFrame, rules: Sequence[BoundRule]) -> float:
    masks = [rule.broken(rows) for rule in rules]
    return float(np.any(masks, axis=0).mean()) if masks and rows.height else float("nan")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of the data files; none: simulations")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=10)
    options = parser.parse_args()
    chosen = [imbalanced(60)]
    if options.data is not None:
        chosen += [on_compas(options.data, 60), on_adult(options.data, 60)]
    parts = [
        "# A team's tokens, members and rules (simulation)",
        __doc__.split("\n\n", 2)[2],
    ]
    parts += [f"Dials of the strong worker: {_dials(STRONG)}. Of the weak one: {_dials(WEAK)}."]
    measured = f"Measured at commit {commit()}."
    told = f"{options.seeds} seeds; ± is the standard error over seeds. 100 rows are written."
    parts += [f"{told} {measured}"]
    parts += ["## Tokens of a generated row", dedent(4 * " " + (tokens.__doc__ or ""))]
    parts += [markdown(tokens(chosen[0], options.seeds))]
    write(options.out, parts)
    parts += ["## Strong and weak members", members.__doc__ or ""]
    for case in chosen[:2]:
        parts.append(markdown(members(case, options.seeds)))
        write(options.out, parts)
    parts += ["## A class that is missing", dedent(4 * " " + (missing.__doc__ or ""))]
    parts.append(markdown(missing(incomplete(10), options.seeds)))
    write(options.out, parts)
    parts += ["## Rules", violations.__doc__ or ""]
    readers = {"compas, n = 60": compas, "adult, n = 60": adult}
    for case in chosen:
        if case.name in readers:
            real = readers[case.name](options.data).frame
            parts.append(markdown(violations(case, real, options.seeds)))
            write(options.out, parts)


def _dials(faults: Faults) -> str:
    """Name the dials that are not as they come."""
    turned = {f.name: getattr(faults, f.name) for f in fields(faults)}
    return ", ".join(f"{k} {v}" for k, v in turned.items() if v != getattr(Faults(), k))


def write(path: Path, parts: Sequence[str]) -> None:
    path.write_text("\n\n".join(part.strip() for part in parts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
