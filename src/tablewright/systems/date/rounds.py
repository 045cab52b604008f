"""What is asked of each part, round by round, and what was learned of the answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright.errors import TablewrightError
from tablewright.llm.endpoint.tokens import estimate_tokens
from tablewright.rules.expressions import Domain, Expression, parse
from tablewright.schema import Schema
from tablewright.systems.common.guidance import Guidance
from tablewright.systems.common.request import SampleRequest
from tablewright.systems.date.partition import Part, Parts
from tablewright.systems.date.reading import Group, PartReader

_STEP = 0.25
"""By how much a round moves how far labels are drawn towards equal shares."""
_MAX_RULES = 2
"""Paths of earlier answers that a part is asked for again."""
_AGAIN = 0.5
"""Share of a part's rows that are asked for along such paths."""


@dataclass(frozen=True)
class Seen:
    """A group of an earlier answer, with the round it came in and whether it was a new rule."""

    turn: int
    group: Group
    invented: bool = False

    def words(self, with_label: bool = True) -> str:
        """Say what became of the group."""
        group, what = self.group, "new rule" if self.invented else "rows where"
        value = f"{'raised' if group.gain > 0 else 'lowered'} the score by {abs(group.gain):.3f}"
        rows = counted(len(group.rows), "row")
        parts = [f"{what} {group.path or 'anything'}: {rows} {value}"]
        if with_label and group.label is not None:
            parts.append(f"a tree of the real rows predicts {group.label} there")
        if with_label and group.n_other:
            parts.append(f"{group.n_other} of them had another label")
        return "; ".join([*parts, *([group.change] if group.change and with_label else [])])


@dataclass(frozen=True)
class Ask:
    """What one part is asked for in one round.

    Attributes
    ----------
    part : int
    n_rows : int
    labels : mapping
        Rows of each class; empty where the target is a number.
    guidance : Guidance
        Its quotas are rows of each rule inside the part, "" being any.
    history : tuple of Seen
    """

    part: int
    n_rows: int
    labels: Mapping[Any, int]
    guidance: Guidance = field(default_factory=Guidance)
    history: tuple[Seen, ...] = ()


class Rounds:
    """The parts of a table, what is asked of each, and the history of the answers.

    Parameters
    ----------
    parts : Parts
    frame : DataFrame
        Typed rows; the target is known in each.
    schema : Schema
    seed : int
    tokens : int or None
        Tokens of history that a prompt may have; None for any number.
    without : sequence of str, default=()
        Columns that no path may name.
    balance : float, default=0.0
        How far labels are drawn from the shares of their part towards equal ones at first.

    Attributes
    ----------
    allowed : Domain or None
        Labels that may be asked for; None where all may.
    """

    def __init__(
        self,
        parts: Parts,
        frame: pl.DataFrame,
        schema: Schema,
        seed: int,
        tokens: int | None,
        without: Sequence[str] = (),
        balance: float = 0.0,
    ) -> None:
        self.parts, self.schema, self.tokens = parts, schema, tokens
        self.first_balance = balance
        self.target = str(schema.target)
        of = parts.of(frame, schema)
        self.rows = [frame.filter(of == index) for index in range(len(parts))]
        self.open = [index for index, rows in enumerate(self.rows) if rows.height]
        self.readers = {
            index: PartReader(self.rows[index], schema, seed, without) for index in self.open
        }
        self.classes = schema[self.target].kind.is_discrete
        self.history: dict[int, list[Seen]] = {index: [] for index in self.open}
        self.balance = dict.fromkeys(self.open, balance)
        self.turn, self.remembers = 0, True
        self.owed = np.zeros(len(parts))
        self.allowed: Domain | None = None

    # asking -------------------------------------------------------------------------------

    def asks(self, request: SampleRequest, among: Sequence[int], least: int = 1) -> list[Ask]:
        """Split a request over parts: half by their rows, half to each alike.

        Where a part would get fewer than `least` rows, fewer parts are asked, the others later.
        """
        rows = np.array([self.rows[index].height for index in among], dtype=float)
        weights = rows / rows.sum() / 2 + 1 / len(rows) / 2
        self.turn += 1
        if request.quotas is None or not self.classes:
            counts = self._counts(request.n_rows, among, weights, least)
            labels = [self._labels(k, n) for k, n in zip(among, counts, strict=True)]
        else:
            labels = self._quotas(request.quotas, among)
            counts = [sum(own.values()) for own in labels]
        return [
            self._ask(index, n, own)
            for index, n, own in zip(among, counts, labels, strict=True)
            if n
        ]

    def _counts(
        self, n_rows: int, among: Sequence[int], weights: NDArray[np.float64], least: int
    ) -> list[int]:
        """Return the rows of each part; those that have had least of their share come first."""
        n_parts = max(1, n_rows // least)
        if n_parts >= len(among):
            return split(n_rows, weights)
        self.owed[list(among)] += n_rows * weights
        first = np.argsort(-self.owed[list(among)], kind="stable")[:n_parts]
        counts = np.zeros(len(among), dtype=int)
        counts[first] = split(n_rows, np.full(n_parts, 1 / n_parts))
        self.owed[list(among)] -= counts
        return [int(count) for count in counts]

    def _quotas(self, quotas: Mapping[Any, int], among: Sequence[int]) -> list[dict[Any, int]]:
        """Ask each part for the classes it has."""
        made: list[dict[Any, int]] = [{} for _ in among]
        for label, n in quotas.items():
            own = [(self.rows[k][self.target] == label).sum() + 0.1 for k in among]
            for labels, count in zip(made, split(n, np.array(own) / sum(own)), strict=True):
                labels.update({label: count} if count else {})
        return made

    def _labels(self, index: int, n_rows: int) -> dict[Any, int]:
        """Draw the shares of the classes that a part has towards equal ones."""
        if not self.classes:
            return {}
        counts = self.rows[index][self.target].value_counts(sort=True)
        if self.allowed is not None:
            inside = [label in self.allowed for label in counts[self.target].to_list()]
            counts = counts.filter(pl.Series(inside, dtype=pl.Boolean))
        if not counts.height:
            return {}
        own = counts["count"].to_numpy() / counts["count"].sum()
        balance = self.balance[index]
        shares = split(n_rows, (1 - balance) * own + balance / len(own))
        return {label: n for label, n in zip(counts[self.target], shares, strict=True) if n}

    def _ask(self, index: int, n_rows: int, labels: Mapping[Any, int]) -> Ask:
        history = self._remembered(index)
        good = sorted(
            {seen.group.path: seen.group.gain for seen in history
             if seen.group.path and seen.group.gain > seen.group.error}.items(),
            key=lambda item: -item[1],
        )[:_MAX_RULES]  # fmt: skip
        rules = {"": n_rows}
        if good:
            gains = np.array([gain for _, gain in good])
            again = split(int(n_rows * _AGAIN), gains / gains.sum())
            rules = {path: n for (path, _), n in zip(good, again, strict=True) if n}
            rules[""] = n_rows - sum(rules.values())
        text = "\n".join(seen.words() for seen in history)
        guidance = Guidance(text, rules, parameters={"balance": self.balance[index]})
        return Ask(index, n_rows, labels, guidance, tuple(history))

    def _remembered(self, index: int) -> list[Seen]:
        """Return what fits the tokens: the latest rounds first, and what changed most in each."""
        known = self.history[index] if self.remembers else []
        ordered = sorted(known, key=lambda s: (-s.turn, -abs(s.group.gain)))
        if self.tokens is None:
            return ordered
        left, kept = self.tokens, []
        for seen in ordered:
            left -= estimate_tokens(seen.words())
            if left < 0:
                break
            kept.append(seen)
        return kept

    # learning -----------------------------------------------------------------------------

    def learn(self, rows: pl.DataFrame, rules: Sequence[Any]) -> list[str]:
        """Read new rows by the trees of the parts they are in; return the group of each row."""
        names = [""] * rows.height
        of = self.parts.of(rows, self.schema)
        for index in self.open:
            own = np.flatnonzero(of == index)
            if not len(own):
                continue
            reader, part = self.readers[index], self.parts.parts[index]
            groups = reader.read(rows[own])
            for group in groups:
                for row in own[group.rows].tolist():
                    names[row] = f"{part.name}: {group.path}" if group.path else part.name
            self.history[index] += [Seen(self.turn, group) for group in groups]
            self.history[index] += self._invented(
                reader, part, rows[own], [rules[k] for k in own.tolist()]
            )
            self._move_balance(index, groups)
        return names

    def _invented(
        self, reader: PartReader, part: Part, rows: pl.DataFrame, rules: Sequence[Any]
    ) -> list[Seen]:
        """Value the rules that a model wrote with its rows, where they can be read and hold."""
        made, old = [], {parse(rule, self.schema).text for rule in part.rules}
        for text in dict.fromkeys(str(rule) for rule in rules if rule):
            expression = readable(text, self.schema)
            if expression is None or not expression.columns or expression.text in old:
                continue
            said = np.array([str(rule) == text for rule in rules])
            index = np.flatnonzero(said & np.asarray(expression.holds(rows)))
            if len(index):
                columns = frozenset(expression.columns)
                groups = reader.read(rows[index])
                gain = sum(group.gain * len(group.rows) for group in groups) / len(index)
                errors = max((group.error for group in groups), default=np.inf)
                group = Group(expression.text, columns, index, None, 0, gain, errors, "")
                made.append(Seen(self.turn, group, invented=True))
        return made

    def _move_balance(self, index: int, groups: Sequence[Group]) -> None:
        """Ask for more of the rarer labels where their groups gained more than the others."""
        if not self.classes or not groups:
            return
        frequent = self.rows[index][self.target].value_counts(sort=True)[self.target][0]
        rare = [group.gain for group in groups if group.label != frequent]
        other = [group.gain for group in groups if group.label == frequent]
        if rare and other:
            step = _STEP if np.mean(rare) > np.mean(other) else -_STEP
            self.balance[index] = float(np.clip(self.balance[index] + step, 0, 1))

    def forget(self) -> None:
        """Leave the next round as the first was: what was learned stays for the summary alone."""
        self.balance = dict.fromkeys(self.open, self.first_balance)
        self.remembers = False

    def summary(self) -> list[dict[str, Any]]:
        """Return the history as plain data."""
        return [
            {"round": seen.turn, "part": self.parts.parts[index].name, "rule": seen.group.path,
             "rows": len(seen.group.rows), "gain": seen.group.gain, "error": seen.group.error,
             "label": seen.group.label, "other labels": seen.group.n_other,
             "change": seen.group.change, "invented": seen.invented}
            for index in self.open for seen in self.history[index]
        ]  # fmt: skip


def condition_of(part: Part) -> str:
    """Return the rules of a part as one condition; "" where it takes all rows that are left."""
    if len(part.rules) < 2:
        return "".join(part.rules)
    return " OR ".join(f"({rule})" for rule in part.rules)


def readable(text: str, schema: Schema) -> Expression | None:
    """Read a condition that a model wrote; None where it is none."""
    try:
        return parse(text[:1000], schema)
    except TablewrightError:
        return None


def counted(n: int, what: str) -> str:
    """Write a number of things."""
    return f"{n} {what}{'' if n == 1 else 's'}"


def split(n_rows: int, shares: NDArray[np.float64]) -> list[int]:
    """Split rows by shares that add up to 1, the largest remainders up.

    Examples
    --------
    >>> split(5, np.array([0.5, 0.3, 0.2]))
    [3, 1, 1]
    """
    exact = n_rows * shares
    counts = np.floor(exact).astype(int)
    rest = np.argsort(-(exact - counts), kind="stable")[: n_rows - counts.sum()]
    counts[rest] += 1
    return [int(count) for count in counts]
