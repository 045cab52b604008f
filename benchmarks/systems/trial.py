"""One case under one seed: rows for it by generators, by systems and by a team.

The model is a stand-in that draws from a population and has moderate faults, or any other. Arms of
a trial share its replies: where a prompt was answered before, that answer comes again.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.set_up_peers import python_of
from benchmarks.systems.cases import Case, Drawn
from tablewright import Synthesizer
from tablewright.llm import Prompt
from tablewright.llm.endpoint.base import Reply
from tablewright.selection.check import Check
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
WEAK = Faults(
    invalid=0.1, truncated=0.05, ignored=0.15, hallucinated=0.08, out_of_range=0.08,
    copies=0.1, wrong_labels=0.3, obedience=0.5, dependence=0.4,
)  # fmt: skip
PEER_EPOCHS = 300
DISCRETE = ("categorical", "boolean")
"""Kinds that peers are told to take as categories, however they are written."""
PEER_SCRIPT = Path(__file__).parents[1] / "htdbu" / "peer_pools.py"

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
    model: Any
    peers: str | None = None

    def local(self, method: str) -> Made:
        """Return rows of a generator, as many of each class."""
        learned = Synthesizer(method, schema=self.drawn.schema, random_state=self.seed)
        return learned.fit(self.drawn.train).sample(self.case.n_rows, balance="equal"), None

    def peer(self, name: str) -> Made:
        """Have CTGAN or TVAE draw in an environment of its own."""
        python = python_of("CTGAN", Path(str(self.peers)))
        if python is None:
            raise SystemExit(f"there is no CTGAN in {self.peers}: 'make peers' sets it up")
        with tempfile.TemporaryDirectory() as folder:
            train, out = Path(folder) / "train.parquet", Path(folder) / "out.parquet"
            listed = [c.name for c in self.drawn.schema.each() if c.kind in DISCRETE]
            self.drawn.train.with_columns(pl.col(listed).cast(pl.String)).write_parquet(train)
            words = [name, train, PEER_EPOCHS, self.seed, self.case.n_rows, out]
            subprocess.run([python, str(PEER_SCRIPT), *map(str, words)],
                           check=True, capture_output=True)  # fmt: skip
            return pl.read_parquet(out), None

    def system(self, kind: type[System], n_rows: int | None = None, **options: Any) -> Made:
        """Have a system write rows: by default as many as the team's batches hold."""
        if issubclass(kind, CLLM | TeamThenTrim):
            options["topic"] = self.case.topic
        common = {"llm": self.model, "schema": self.drawn.schema, "random_state": self.seed}
        system = kind(**common, **options)
        system.fit(self.drawn.train)
        return system.sample(n_rows or self.case.n_rows), system

    def cllm(self, **options: Any) -> Made:
        return self.system(CLLM, **options)

    def epic(self, **options: Any) -> Made:
        return self.system(EPIC, **options)

    def cllm_by_calls(self, **options: Any) -> Made:
        """Have CLLM make as many calls as the team."""
        kind = type("CLLM", (CLLM,), {"max_prompts": self.calls})
        n_rows = self.calls * self.case.batch
        return self.system(kind, n_rows, rows_per_prompt=self.case.batch, **options)

    def epic_by_calls(self, **options: Any) -> Made:
        """Have EPIC make as many calls as the team."""
        kind = type("EPIC", (EPIC,), {"max_prompts": self.calls})
        return self.system(kind, 20 * self.calls, **options)

    def whole(self, variant: str) -> Made:
        """Have Team-then-Trim itself write rows, with its gates and what it does in doubt."""
        kind = type("Team", (TeamThenTrim,), {"batch_size": self.case.batch})
        return self.system(kind, variant=variant)

    def team(self, llm: Any = None) -> Made:
        """Have the team write its batches, without gates."""
        constants = {"batch_size": self.case.batch, "n_batches": self.case.batches}
        kind = type("Team", (TeamThenTrim,), constants)
        system = kind(
            llm=llm or self.model, schema=self.drawn.schema, topic=self.case.topic, trim=None,
            random_state=self.seed,
        )  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TrimWarning)  # the published gates are ill-posed here
            system.fit(self.drawn.train)
            return system.sample(), system

    @cached_property
    def calls(self) -> int:
        """Calls that the team makes for its batches, the manager's among them."""
        return int(spent(self.team()[1])["calls"])

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


def spent(system: System | None) -> dict[str, Any]:
    """Return calls and tokens, in all and by role and stage."""
    lines = [] if system is None else system.result_.usage.lines
    return {
        "calls": sum(line.calls for line in lines),
        "read": sum(line.prompt_tokens for line in lines),
        "written": sum(line.completion_tokens for line in lines),
        "bill": json.dumps({f"{line.role}/{line.stage}": line.tokens for line in lines}),
    }
