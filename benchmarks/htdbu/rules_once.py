"""Rows written one by one under rules, against rules written once: a simulation.

    python -m benchmarks.htdbu.rules_once --out FILE

A stand-in model knows a population of loans that keeps six rules. One by one: it writes every row,
the rules stand in each prompt. Once: it writes the rules, and a local texture the rows. The dial
is its obedience: the share of rows that it draws again until they keep the rules of the prompt, and
the chance that it names a rule when asked for rules; else it names a wrong one.
"""

from __future__ import annotations

import argparse
import json
import re
import time
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.measure import markdown
from tablewright.llm import RowTask, request_rows
from tablewright.llm.endpoint.metering import Metered, UsageByRole
from tablewright.rules import as_rules, bind
from tablewright.rules.bound import RowRule
from tablewright.systems.common.rule_writing.votes import implied
from tablewright.systems.htdbu.system import HTDBU
from tablewright.tables.inference.infer import infer_schema
from tablewright.testing import Faults, StandIn
from tablewright.threads import one_thread

RULES = [
    "opened <= closed",
    "credit_limit <= income / 2",
    "job <> 'retired' OR age >= 58",
    "days_since_call <> -1 OR calls = 0",
    "calls > 0 OR days_since_call = -1",
    "age BETWEEN 18 AND 95",
]
WRONG = ["age <= 40", "income >= 30000", "calls <= 1", "closed <= 200", "job <> 'student'"]
TRAIN = 300
OBEDIENCE = (0.5, 0.7, 0.9, 1.0)
SEEDS = 5


def loans(n: int, seed: int) -> pl.DataFrame:
    """Draw rows that keep the rules."""
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 91, n)
    income = np.round(15_000 + 900 * np.minimum(age, 60) * rng.gamma(4, 0.25, n), -2).astype(int)
    called = rng.random(n) < 0.4
    opened = rng.integers(0, 300, n)
    repaid = 1 / (1 + np.exp(-(income - 50_000) / 15_000)) > rng.random(n)
    return pl.DataFrame(
        {
            "age": age,
            "job": np.where(age >= 62, "retired", rng.choice(["clerk", "smith", "student"], n)),
            "income": income,
            "credit_limit": np.floor(income * rng.uniform(0.05, 0.5, n)).astype(int),
            "opened": opened,
            "closed": opened + rng.integers(0, 90, n),
            "days_since_call": np.where(called, rng.integers(0, 400, n), -1),
            "calls": np.where(called, rng.integers(1, 9, n), 0),
            "repaid": np.where(repaid, "yes", "no"),
        }
    )


def proposing(text: str, model: StandIn, rng: np.random.Generator) -> str | None:
    """Name each rule, as far as the model is obedient; where it is not, a wrong one."""
    if not re.search(r'"rules"\s*:', text):
        return None
    obedient = model.faults.obedience
    named = [rule if rng.random() < obedient else str(rng.choice(WRONG)) for rule in RULES]
    return json.dumps({"rules": [{"kind": "check", "expression": rule} for rule in named]})


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=200, help="rows written by the model")
    parser.add_argument("--many", type=int, default=20_000, help="rows of the local texture")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    known = loans(4_000, 0)
    rows = []
    with one_thread():
        for obedience in OBEDIENCE:
            model = StandIn(
                known, target="repaid", faults=Faults(obedience=obedience), answers=[proposing]
            )
            arms = {
                "model, 1 a call": (partial(one_by_one, model, 1), asked.rows),
                "model, 20 a call": (partial(one_by_one, model, 20), asked.rows),
                "texture, rules of the model": (partial(once, model), asked.rows),
                "the same": (partial(once, model), asked.many),
            }
            if obedience == OBEDIENCE[-1]:
                arms["texture, mined rules"] = (partial(once, None), asked.many)
            for name, (arm, n_rows) in arms.items():
                result = [arm(n_rows, seed) for seed in range(asked.seeds)]
                means = {key: np.mean([one[key] for one in result]).item() for key in result[0]}
                means |= {key: f"{means[key]:,.0f}" for key in ("calls", "tokens")}
                rows.append({"obedience": obedience, "rows by": name, "rows": n_rows, **means})
    page = f"""# Rules in every prompt, or written once (simulation)

`python -m benchmarks.htdbu.rules_once`, {asked.seeds} seeds, means. A stand-in model writes, so
nothing here says how well a real one would. {TRAIN} training rows; a population that keeps six
rules. "Breaking" is the share of rows that break one of the six at least. "Rules" is how many of
the six the rows were made under: all stand in the prompts of the first arms; those of the model
are what two of three replies imply and the real rows confirm. Tokens are characters / 4, read and
written.

{markdown(rows)}

The stand-in draws a row anew up to 25 times until it keeps the rules, then hands it over as it is:
obedience 1 need not mean no violation. Where rules are written once, one that was never named is
kept as far as the texture keeps it by itself. CPU seconds of the first arms are the stand-in's.
"""
    asked.out.write_text(page)
    print(page)


def broken(rows: pl.DataFrame) -> float:
    """Share of rows that break one of the rules at least."""
    schema = infer_schema(loans(500, 1), target="repaid")
    bound = [rule for rule in bind(as_rules(RULES), schema) if isinstance(rule, RowRule)]
    return float(np.logical_or.reduce([rule.broken(rows) for rule in bound]).mean())


def one_by_one(model: StandIn, batch_size: int, n_rows: int, seed: int) -> dict[str, Any]:
    train, usage = loans(TRAIN, 100 + seed), UsageByRole()
    rng = np.random.default_rng(seed)
    listed = "\n".join(f"- {rule}" for rule in RULES)
    task = RowTask(
        infer_schema(train, target="repaid"),
        f"Loans of a bank. Every row keeps these rules:\n{listed}",
        table=train,
        examples=lambda batch: train[rng.choice(TRAIN, 5, replace=False)],
        margin=None,
    )
    start = time.process_time()
    written = request_rows(Metered(model, usage), task, n_rows, seed=seed, batch_size=batch_size)
    seconds = time.process_time() - start
    return outcome(written.frame(task), usage, len(RULES), seconds)


def once(model: StandIn | None, n_rows: int, seed: int) -> dict[str, Any]:
    train = loans(TRAIN, 100 + seed)
    start = time.process_time()
    result = HTDBU("repaid", llm=model, random_state=seed).fit(train)
    rows = result.sample(n_rows)
    seconds = time.process_time() - start
    schema = result.schema_
    template = bind(result.template_, schema)
    known = sum(implied(rule, template, schema) for rule in bind(as_rules(RULES), schema))
    return outcome(rows, result.result_.usage, known, seconds)


def outcome(rows: pl.DataFrame, usage: UsageByRole, n_rules: int, seconds: float) -> dict[str, Any]:
    return {
        "breaking": broken(rows),
        "rules": n_rules,
        "calls": usage.calls,
        "tokens": usage.tokens,
        "tokens a row": usage.tokens / rows.height,
        "CPU s here": seconds,
    }


if __name__ == "__main__":
    main()
