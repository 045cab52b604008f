"""Do rows by CLLM, EPIC and a team help where a table is deficient? A simulation.

The model is a stand-in that draws from a population of 1,000 rows and has moderate faults; no
language model was asked. Learners are trained on the real and the generated rows and tested on 500
real rows without faults, seed by seed. Systems with a model get the same number of calls: as many
as the team makes for its batches, its manager among them. Other methods write as many rows as the
team's batches hold, of each class alike.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.systems.cases import Case, Drawn, cases
from benchmarks.systems.scoring import likeness, usefulness
from tablewright import Synthesizer
from tablewright.llm import Prompt
from tablewright.llm.endpoint.base import Reply
from tablewright.rules import bind
from tablewright.rules.language import Rules
from tablewright.rules.mining import mine_rules
from tablewright.selection.check import Check
from tablewright.selection.cost_band import CostBand
from tablewright.selection.distances import NearDuplicates
from tablewright.selection.diversity import Diversity
from tablewright.selection.information import InformationGain
from tablewright.selection.label_checks import LabelPlausibility
from tablewright.selection.pipeline import fit_checks, run_checks, split_batches
from tablewright.selection.sanity import Sanity
from tablewright.selection.trim import TrimWarning
from tablewright.systems.cllm.system import CLLM
from tablewright.systems.common.base import System
from tablewright.systems.epic.system import EPIC
from tablewright.systems.team_then_trim.system import TeamThenTrim
from tablewright.tables.inference.casting import typed
from tablewright.testing import Faults, StandIn
from tablewright.threads import one_thread

FAULTS = Faults(
    invalid=0.03, truncated=0.02, ignored=0.05, hallucinated=0.02, out_of_range=0.03,
    copies=0.05, wrong_labels=0.1,
)  # fmt: skip
LIKENESS = 5
"""Seeds whose rows are compared with real ones for detection, precision and recall."""
HEAD = ("case", "seed", "arm", "rows", "calls", "read", "written", "seconds", "scores", "bill")


WEAK = Faults(
    invalid=0.1, truncated=0.05, ignored=0.15, hallucinated=0.08, out_of_range=0.08,
    copies=0.1, wrong_labels=0.3, obedience=0.5, dependence=0.4,
)  # fmt: skip
Made = tuple[pl.DataFrame, System | None]


class Remembering:
    """A model that answers what it was asked before at once, so that arms share their replies."""

    def __init__(self, model: StandIn) -> None:
        self.model = model
        self.known: dict[Any, Reply] = {}

    def complete(self, prompt: Prompt) -> Reply:
        """Answer one prompt."""
        key = (prompt.text, prompt.seed, prompt.attempt, prompt.max_tokens)
        if key not in self.known:
            self.known[key] = self.model.complete(prompt)
        return self.known[key]


@dataclass
class Trial:
    """One case under one seed."""

    case: Case
    seed: int
    drawn: Drawn
    model: Remembering
    calls: int = 0

    @property
    def target(self) -> str:
        return str(self.drawn.schema.target)

    def local(self, method: str) -> Made:
        """Rows of a generator, as many of each class."""
        learned = Synthesizer(method, schema=self.drawn.schema, random_state=self.seed)
        return learned.fit(self.drawn.train).sample(self.case.n_rows, balance="equal"), None

    def cllm(self, **options: Any) -> Made:
        kind = type("CLLM", (CLLM,), {"max_prompts": self.calls})
        system = kind(
            llm=self.model, schema=self.drawn.schema, topic=self.case.topic,
            rows_per_prompt=self.case.batch,
            random_state=self.seed, **options,
        )  # fmt: skip
        system.fit(self.drawn.train)
        return system.sample(self.calls * self.case.batch), system

    def epic(self, **options: Any) -> Made:
        kind = type("EPIC", (EPIC,), {"max_prompts": self.calls})
        system = kind(
            llm=self.model, schema=self.drawn.schema,
            random_state=self.seed, **options,
        )  # fmt: skip
        system.fit(self.drawn.train)
        return system.sample(20 * self.calls), system

    def team(self, trim: Any = None, llm: Any = None) -> Made:
        constants = {"batch_size": self.case.batch, "n_batches": self.case.batches}
        kind = type("Team", (TeamThenTrim,), constants)
        system = kind(
            llm=llm or self.model, schema=self.drawn.schema, topic=self.case.topic, trim=trim,
            random_state=self.seed,
        )  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TrimWarning)  # the published gates are ill-posed here
            system.fit(self.drawn.train)
            return system.sample(), system

    def gate(self, *checks: Check) -> Made:
        """Send the team's rows through gates, batch by batch."""
        result, system = self.team()
        rows, schema = typed(result, self.drawn.schema), self.drawn.schema
        fitted = fit_checks([Sanity(), *checks], self.drawn.train, schema, self.seed)
        parts = split_batches(rows.height, None, self.case.batch)
        with one_thread():
            return run_checks(fitted, rows, parts, self.seed).rows(), system

    def weak(self, *roles: str) -> Made:
        """Let a weak model take some of the roles."""
        strong = dict.fromkeys(("manager", "worker", "label"), self.model)
        return self.team(llm={**strong, **{role: self.weaker[role] for role in roles}})

    @cached_property
    def weaker(self) -> dict[str, Remembering]:
        """A manager that knows no column's tie to another; workers that follow hardly anything."""
        known, schema = self.drawn.population, self.drawn.schema
        shuffled = known.with_columns(
            known[name].shuffle(j) for j, name in enumerate(known.columns)
        )
        worker = Remembering(StandIn(known, schema=schema, faults=WEAK))
        return {
            "manager": Remembering(StandIn(shuffled, schema=schema, faults=WEAK)),
            "worker": worker,
            "label": worker,
        }


ARMS: Mapping[str, Callable[[Trial], Made]] = {
    "real alone": lambda t: (t.drawn.train.clear(), None),
    "SMOTE-NC": lambda t: t.local("smotenc"),
    "copula": lambda t: t.local("copula"),
    "trees": lambda t: t.local("trees"),
    "one prompt": lambda t: t.cllm(curate=False),
    "EPIC published": lambda t: t.epic(variant="published"),
    "EPIC": lambda t: t.epic(),
    "CLLM published": lambda t: t.cllm(variant="published"),
    "CLLM": lambda t: t.cllm(),
    "team": lambda t: t.team(),
    "team + sanity": lambda t: t.gate(),
    "team + sanity, cost band": lambda t: t.gate(CostBand()),
    "team + sanity, information gain": lambda t: t.gate(InformationGain()),
    "team + sanity, diversity": lambda t: t.gate(Diversity()),
    "team + sanity, near-duplicates": lambda t: t.gate(NearDuplicates()),
    "team + sanity, label plausibility": lambda t: t.gate(LabelPlausibility()),
    "team + trim published, c = 0": lambda t: t.team({"variant": "published", "c": 0.0}),
    "team + trim": lambda t: t.team("auto"),
    "team + trim, generator trusted": lambda t: t.team({"trust": "generator"}),
}
ROLES: Mapping[str, Callable[[Trial], Made]] = {
    "weak manager": lambda t: t.weak("manager"),
    "weak workers": lambda t: t.weak("worker", "label"),
    "both weak": lambda t: t.weak("manager", "worker", "label"),
}
"""Run where they are named, beside "team", in which all are strong."""


def run(case: Case, seed: int, arms: list[str], rules: Rules | None) -> Iterator[dict[str, Any]]:
    """Measure arms on one draw of a case."""
    drawn = case.draw(seed)
    model = Remembering(StandIn(drawn.population, schema=drawn.schema, faults=FAULTS))
    trial = Trial(case, seed, drawn, model)
    trial.calls = spent(trial.team()[1])["calls"]
    known: dict[bytes, dict[str, Any]] = {}
    for arm in arms:
        start = time.process_time()
        result, system = {**ARMS, **ROLES}[arm](trial)
        seconds = time.process_time() - start
        same = result.write_csv().encode()
        known[same] = known.get(same) or scores(drawn, result, seed, rules)
        yield {
            "case": case.name, "seed": seed, "arm": arm, "rows": result.height,
            **spent(system), "seconds": round(seconds, 2),
            "scores": json.dumps(known[same]),
        }  # fmt: skip


def spent(system: System | None) -> dict[str, Any]:
    """Return calls and tokens, in all and by role and stage."""
    lines = [] if system is None else system.result_.usage.lines
    return {
        "calls": sum(line.calls for line in lines),
        "read": sum(line.prompt_tokens for line in lines),
        "written": sum(line.completion_tokens for line in lines),
        "bill": json.dumps({f"{line.role}/{line.stage}": line.tokens for line in lines}),
    }


def scores(drawn: Drawn, made: pl.DataFrame, seed: int, rules: Rules | None) -> dict[str, Any]:
    made = typed(made, drawn.schema).cast(dict(drawn.train.schema))  # type: ignore[arg-type]  # polars takes names
    together = pl.concat([drawn.train, made])
    judged = made.height and seed < LIKENESS
    result = {
        key: None if value is None else round(value, 3)
        for key, value in {
            **usefulness(together, drawn.test, drawn.schema, seed),
            **(likeness(made, drawn.train, drawn.test, drawn.schema, seed) if judged else {}),
        }.items()
    }
    if rules is not None:
        rows = made if made.height else drawn.test  # of real rows alone: those of the test
        broken = [rule.broken(rows) for rule in bind(rules, drawn.schema, drawn.population)]
        result["breaks rules"] = round(100 * float(np.any(broken, axis=0).mean()), 2)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of the data files; none: simulations")
    parser.add_argument("--out", type=Path, required=True, help="CSV of runs; gone on with")
    parser.add_argument("--cases", nargs="*", default=[], help="names of cases; all where none")
    parser.add_argument("--arms", nargs="*", default=[], help="arms to run; all where none")
    parser.add_argument("--seeds", type=int, default=10)
    options = parser.parse_args()
    done = read_runs(options.out) if options.out.exists() else []
    have = {(row["case"], int(row["seed"]), row["arm"]) for row in done}
    with options.out.open("a", newline="") as file:
        writer = csv.DictWriter(file, HEAD, lineterminator="\n")
        if not done:
            writer.writeheader()
        chosen = [
            c for c in cases(options.data).values() if c.name in options.cases or not options.cases
        ]
        for seed, case in product(range(options.seeds), chosen):
            arms = [a for a in options.arms or ARMS if (case.name, seed, a) not in have]
            for row in run(case, seed, arms, mined(case)) if arms else ():
                writer.writerow(row)
                file.flush()
            print(case.name, seed, f"{time.process_time():.0f} s", flush=True)


def read_runs(path: Path) -> list[dict[str, Any]]:
    """Read the runs so far."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@cache
def mined(case: Case) -> Rules | None:
    """Mine the rules of real rows that COMPAS's generated rows are held against."""
    if not case.name.startswith("compas"):
        return None
    drawn = case.draw(0)
    result = mine_rules(drawn.population, drawn.schema, np.random.default_rng(0))
    return Rules(rules=[rule for rule in result.rules if rule.hard])


if __name__ == "__main__":
    main()
