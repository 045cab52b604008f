"""Whatever is asked of whatever system, no cell of the table leaves that may not."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import numpy as np
import polars as pl
import pytest

from tablewright.errors import InputError, ModelError
from tablewright.llm import Prompt, Reply, Sharing
from tablewright.llm.prompts.memorized import probe
from tablewright.llm.prompts.sharing import SHARES
from tablewright.rules.language import Check, Rules, Source
from tablewright.selection.label_model import LabelModel
from tablewright.systems.cllm.system import CLLM
from tablewright.systems.common.rule_writing.writer import ModelRules
from tablewright.systems.date.system import DATE
from tablewright.systems.epic.system import EPIC
from tablewright.systems.htdbu.system import HTDBU
from tablewright.systems.htdbu.texts import TextColumn
from tablewright.systems.mallm_gan.system import MALLMGAN
from tablewright.systems.rddg.system import RDDG
from tablewright.systems.team_then_trim.system import TeamThenTrim
from tablewright.tables.inference.infer import infer_schema
from tablewright.testing import StandIn

N_ROWS = 40
RARE = {"town": "Zq9rare", "sick": "Yq9rare"}


def marked(n_rows: int = N_ROWS, first: int = 0) -> pl.DataFrame:
    """Rows whose cells can be told from anything else in a prompt."""
    numbers = np.arange(first, first + n_rows)
    return pl.DataFrame(
        {
            "pay": 70_003 + 137 * numbers,
            "town": [f"Zq{n % 4}town" for n in numbers[:-1]] + [RARE["town"]],
            "note": [f"Nq{n}x said {'well' if n % 2 else 'ill'}" for n in numbers],
            "sick": [f"Yq{n % 3 % 2}ill" for n in numbers[:-2]] + [RARE["sick"]] * 2,
        }
    )


TABLE = marked()
SCHEMA = infer_schema(TABLE, {"town": "categorical", "note": "text", "sick": "categorical"}, "sick")
MARKS = {name: {str(cell) for cell in TABLE[name].to_list()} for name in TABLE.columns}
MINED = Rules(rules=[Check(expression=f"town <> '{RARE['town']}'", source=Source.MINED)])
REDACTED = ((), ("sick",), ("town", "pay"), ("note",), ("pay", "town", "note", "sick"))


class Watched:
    """A model that knows other rows, and keeps every request body."""

    def __init__(self, sharing: Sharing) -> None:
        other = marked(400, 1_000).with_columns(pl.col("town", "sick").replace(RARE["town"], None))
        other = other.filter(~pl.col("sick").is_in([RARE["sick"]])).drop_nulls()
        self.inner, self.sharing = StandIn(other, target="sick"), sharing
        self.seen: list[tuple[str, Mapping[str, int]]] = []
        self.written = ""

    def complete(self, prompt: Prompt) -> Reply:
        body = prompt.text + prompt.completion + json.dumps(prompt.schema, ensure_ascii=False)
        self.seen.append((body, prompt.sent))
        reply = self.inner.complete(prompt)
        self.written += reply.text
        return reply


def frequent(name: str) -> set[str]:
    """The values that a summary may name: those that occur three times, and quantiles."""
    if name == "note":
        return set()
    if name == "pay":
        levels = (0.05, 0.25, 0.5, 0.75, 0.95)
        return {str(round(TABLE[name].quantile(at, "linear") or 0)) for at in levels}
    return {str(value) for value, n in Counter(TABLE[name]).items() if n >= 3}


def check(model: Watched) -> int:
    """Look for cells in all that was sent; what a model wrote itself it may be shown again."""
    sharing = model.sharing
    for name, marks in MARKS.items():
        may = {"schema": set(), "summary": frequent(name), "rows": marks}[sharing.share]
        may = set() if name in sharing.redact else may
        for body, sent in model.seen:
            shown = {mark for mark in marks if mark in body}
            assert {m for m in shown - may if m not in model.written} == set(), (name, sharing)
            if shown - {m for m in shown if m in model.written}:
                assert sent.get(name, 0) > 0, f"cells of {name} are not counted"
    return len(model.seen)


def sample(make: Callable[[Watched], Any], **options: Any) -> Callable[[Watched], None]:
    def run(model: Watched) -> None:
        system = make(model)
        system.max_prompts, system.batch_size = 2, 4  # few prompts say all that many do
        system.fit(TABLE).sample(6, **options)

    return run


class Brief(CLLM):
    """One reply a prompt."""

    completions = 1


class Nameless(Brief):
    """The paper's ablation: prompts without names."""

    context = False


class SmallTeam(TeamThenTrim):
    """One batch of rows."""

    n_batches = 1


def each_system() -> dict[str, Callable[[Watched], Any]]:
    """Every system with every option that changes what its prompts say."""
    base: dict[str, Any] = {"schema": SCHEMA, "random_state": 0}
    cllm = {"curate": False, **base}
    team = {"trim": None, **base}
    mallm = {"rounds": 1, "discriminator": "pairs", **base}
    texts = TextColumn("note", "sick", texts="model")
    systems: dict[str, Callable[[Watched], Any]] = {
        "cllm": lambda m: Brief("sick", llm=m, **cllm),
        "cllm published": lambda m: Brief("sick", llm=m, variant="published", **cllm),
        "cllm strata": lambda m: Brief("sick", llm=m, examples="stratified", **cllm),
        "cllm near": lambda m: Brief("sick", llm=m, examples="nearest", **cllm),
        "cllm no context": lambda m: Nameless("sick", llm=m, **cllm),
        "date": lambda m: DATE("sick", llm=m, strategy="none", rounds=1, **base),
        "date published": lambda m: DATE("sick", llm=m, variant="published", rounds=1, **base),
        "epic": lambda m: EPIC("sick", llm=m, **base),
        "epic tokens": lambda m: EPIC("sick", llm=m, mapping="all", **base),
        "rddg": lambda m: RDDG("sick", llm=m, **base),
        "team": lambda m: SmallTeam("sick", llm=m, **team),
        "team near": lambda m: SmallTeam("sick", llm=m, examples="nearest", **team),
        "team local": lambda m: SmallTeam("sick", llm=m, local_columns=["town"], **team),
        "team label": lambda m: SmallTeam("sick", llm={"label": m}, **team),
        "team published": lambda m: SmallTeam("sick", llm=m, variant="published", **team),
        "mallm": lambda m: MALLMGAN("sick", llm=m, **mallm),
        "mallm published": lambda m: MALLMGAN("sick", llm=m, variant="published", **mallm),
    }
    calls: dict[str, dict[str, Any]] = {
        "": {}, " equal": {"balance": "equal"}, " mined": {"rules": MINED}, " where":
        {"where": "pay > 5"},
    }  # fmt: skip
    result: dict[str, Callable[[Watched], Any]] = {
        name + call: sample(make, **options)
        for (name, make), (call, options) in itertools.product(systems.items(), calls.items())
    }
    del result["team label equal"]  # the labels are dealt out, so nobody is asked
    result["htdbu rules"] = sample(lambda m: HTDBU("sick", llm={"rules": m}, **base))
    result["rddg published"] = sample(lambda m: RDDG("sick", llm=m, variant="published", **base))
    result["rddg relations"] = lambda m: RDDG("sick", llm={"relations": m}, **base).fit(TABLE)
    result["rules"] = lambda m: ModelRules(m, samples=1).write(
        TABLE, SCHEMA, np.random.default_rng(0), tried=MINED
    )
    result["htdbu texts"] = sample(
        lambda m: HTDBU("sick", rules=[], texts=texts, llm={"text": m}, **base)
    )
    result["labels"] = lambda m: LabelModel(SCHEMA, "sick", m).fit(TABLE.head(5))
    asked = "Is this person ill?"
    result["labels asked"] = lambda m: LabelModel(SCHEMA, "sick", m, question=asked).fit(TABLE[:5])
    result["probe"] = lambda m: probe(m, TABLE, SCHEMA, n_questions=2)
    return result


NAMES = [
    pytest.param(name, marks=[pytest.mark.slow] if name.startswith(("team l", "mallm ")) else [])
    for name in each_system()
]


@pytest.mark.parametrize("name", NAMES)
def test_no_cell_leaves_that_may_not(name: str) -> None:
    n_prompts = 0
    for share, redact in itertools.product(SHARES, REDACTED):
        model = Watched(Sharing(share, redact))
        with suppress(InputError, ModelError):  # what cannot work with so little says so
            each_system()[name](model)
        n_prompts += check(model)
    assert n_prompts > 0
