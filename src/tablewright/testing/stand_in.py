"""A stand-in for a language model: it answers our prompts from a population.

What is measured with it is a simulation and is to be called one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from tablewright.llm.endpoint.base import Prompt, Reply
from tablewright.llm.endpoint.tokens import estimate_usage
from tablewright.llm.prompts.delimiters import DATA_NOTE
from tablewright.llm.prompts.sharing import Cell
from tablewright.llm.rows.parser import FORMATS
from tablewright.schema import Schema
from tablewright.testing import other_answers
from tablewright.testing.faults import Faults
from tablewright.testing.population import Population
from tablewright.testing.reading import Order, read_order
from tablewright.testing.writing import write_rows

Answer = Callable[[str, "StandIn", np.random.Generator], str | None]
"""Takes a prompt's text, the model and a source of chance; None where it is not asked."""


class StandIn:
    """A model that knows a population, so more than the examples it is shown.

    It is an `LLM` itself; `tablewright.testing.serve` puts it behind HTTP. The same prompt
    and seed always get the same reply.

    Parameters
    ----------
    population : DataFrame of shape (n_rows, n_columns)
        A table that the user's small one was drawn from.
    target : str or None, default=None
        The label column.
    faults : Faults or None, default=None
        The dials; None is a model without faults.
    schema : Schema or None, default=None
        Of the population; inferred where not given.
    answers : sequence of callable, default=()
        Answers to prompts of your own, tried before ours.

    Attributes
    ----------
    prompts : list of str
        What was asked.

    Examples
    --------
    >>> from tablewright.llm import RowTask, request_rows
    >>> people = pl.DataFrame({"age": list(range(20, 60)), "city": ["Ulm", "Bonn"] * 20})
    >>> model = StandIn(people, target="city")
    >>> task = RowTask(model.population.schema, "People of two towns.")
    >>> len(request_rows(model, task, 30, seed=1).rows)
    30
    """

    def __init__(
        self,
        population: pl.DataFrame,
        target: str | None = None,
        faults: Faults | None = None,
        schema: Schema | None = None,
        answers: Sequence[Answer] = (),
    ) -> None:
        self.population = Population(population, schema, target)
        self.faults = faults or Faults()
        self.answers = (*answers, *other_answers.ANSWERS)
        self.prompts: list[str] = []

    def complete(self, prompt: Prompt) -> Reply:
        """Answer one prompt."""
        text, finish = self.answer(prompt.text, prompt.seed + 1_000_003 * prompt.attempt)
        if prompt.max_tokens is not None and len(text) > 4 * prompt.max_tokens:
            text, finish = text[: 4 * prompt.max_tokens], "length"
        usage = estimate_usage(prompt, text)
        return Reply(text, "length" if finish == "length" else "stop", "stand-in", usage)

    async def acomplete(self, prompt: Prompt) -> Reply:
        """Answer one prompt inside an event loop."""
        return self.complete(prompt)

    def answer(self, text: str, seed: int = 0) -> tuple[str, str]:
        """Return the reply to a text, and why it ends: ``"stop"`` or ``"length"``."""
        self.prompts.append(text)
        digest = hashlib.sha256(text.encode("utf-8", "replace")).digest()[:8]
        rng = np.random.default_rng([seed % 2**32, int.from_bytes(digest)])
        if rng.random() < self.faults.invalid:
            return _useless(rng), "stop"
        reply = next((r for ask in self.answers if (r := ask(text, self, rng)) is not None), None)
        reply = self._rows(text, rng) if reply is None else reply
        if rng.random() < self.faults.truncated:
            return reply[: int(len(reply) * rng.uniform(0.3, 0.9))], "length"
        return reply, "stop"

    def _rows(self, text: str, rng: np.random.Generator) -> str:
        order = read_order(text.replace(DATA_NOTE, ""), self.population.schema)
        if order.groups:
            return self._groups(order, rng)
        ignores = rng.random() < self.faults.ignored
        if ignores:
            order.n_rows = -(-order.n_rows // 2)
        rows = write_rows(order, self.population, self.faults, rng)
        written = FORMATS[order.form].write(rows, order.columns)
        return _careless(written, rng) if ignores else written

    def _groups(self, order: Order, rng: np.random.Generator) -> str:
        """Go on with one more set of groups, as many rows in each as it saw on average, to ten."""
        lines = []
        for letter, shown in order.groups.items():
            part = Order(order.columns, n_rows=min(10, len(shown)))
            part.examples = list(shown)
            known = other_answers.population_of(shown, self.population, order.columns)
            rows = write_rows(part, known, replace(self.faults, wrong_labels=0.0), rng)
            rows = [self._misfit(row, part, rng) for row in rows]
            lines += [f"{letter}.", *FORMATS["csv"].write(rows, order.columns).splitlines()[1:], ""]
        return "\n".join(lines).strip()

    def _misfit(
        self, row: dict[str, Cell], part: Order, rng: np.random.Generator
    ) -> dict[str, Cell]:
        """Write what fits another class under the label of the group: its way to be wrong here."""
        target = self.population.target
        if target not in row or rng.random() >= self.faults.wrong_labels:
            return row
        cells = self.population.cells[target]
        indices = [index for index, cell in enumerate(cells) if cell != row[target]]
        if len(indices) in (0, len(cells)):
            return row
        others = Population(self.population.frame[indices], self.population.schema, target)
        one = Order(part.columns, n_rows=1)
        wrong = write_rows(one, others, replace(self.faults, wrong_labels=0.0), rng)[0]
        return {**wrong, target: row[target]}


def _useless(rng: np.random.Generator) -> str:
    sayings = (
        "I'm sorry, but I can't help with that.",
        "Certainly! Here is a description of what such a table could look like.",
        '{"rows": ',
        "",
    )
    return sayings[int(rng.integers(0, len(sayings)))]


def _careless(text: str, rng: np.random.Generator) -> str:
    """Write as models do that do not listen: prose, a fence, a unit, other quotes."""
    if rng.random() < 0.5:
        text = re.sub(r"(?<=,)(\d+\.\d+)(?=,)", r"\1 units", text, count=1)
    return (
        f"Sure! Here are the rows you asked for:\n```\n{text}\n```\nLet me know if you need more."
    )
