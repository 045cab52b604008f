"""Relations between columns: found by a miner or by a model, and verified on the real rows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, Self

import numpy as np
import polars as pl

from tablewright.errors import ModelError
from tablewright.llm.endpoint.base import Prompt, Reply
from tablewright.llm.endpoint.metering import Metered
from tablewright.llm.prompts.builder import PromptBuilder
from tablewright.rules import CheckReport, RuleResult, Rules, Severity, Source, check_rules
from tablewright.rules.expressions.parsing import parse_tree
from tablewright.rules.expressions.tree import columns_of
from tablewright.rules.language import Equivalence, Implies
from tablewright.rules.mining import mine_rules
from tablewright.rules.mining.values import INFORMATIVE
from tablewright.schema import Schema
from tablewright.systems.common.partition import Partition
from tablewright.systems.common.rule_writing.forms import echoes, grammar, reply_schema
from tablewright.systems.common.rule_writing.votes import read_rules

MIN_SUPPORT = 20
"""Real rows that a relation has to speak of before rows are held to it."""
MIN_SHARE = 0.995
"""Share of them that has to keep it."""
_MIN_ROWS = 20
_KINDS = ("dependencies", "equations", "orders", "exclusions", "bounds")
_MAX_RULES = 60
_MAX_TOKENS = 6_000
_BOUND = re.compile(r'(?P<column>\w+|"[^"]+") (?P<sign>[<>]=) (?P<number>-?[\d.e+-]+)')
_EQUATION = re.compile(
    r'abs\((?P<column>\w+|"[^"]+") - (?P<expression>[\w\s"./*+()-]+)\) <= [\d.e+-]+'
)

_SYSTEM = "You know what the columns of tables mean, and find out how they depend on each other."

_RELATIONS = """\
Find the relations between the columns, and between them and {target}: columns that are computed \
from others, orders, values that go together or exclude each other, ranges that belong to a class. \
Use what the names mean, and the rows above."""

_RULES = """\
Write the rules that new rows have to keep so that these relations hold in them: correct the \
relations that few rows keep, leave out those that are wrong, and add what is missing."""

_FREE_RELATIONS = """\
Analyse the rows above: which relations and patterns are there between the attributes, and between \
them and {target}? Give your findings only, not how you came to them."""

_FREE_RULES = """\
From these findings, write down rules and constraints for generating new rows of this table."""


@dataclass(frozen=True)
class Relation:
    """A rule, with what the real rows say of it.

    Attributes
    ----------
    rule : Rule
    support : int
        Rows that it speaks of.
    share : float
        Share of them that keep it.
    in_each_class : bool, default=True
        Whether no class breaks it more often: a few of all rows can be most of a rare class.
    """

    rule: Any
    support: int
    share: float
    in_each_class: bool = True

    @property
    def holds(self) -> bool:
        """Whether rows are held to it."""
        enough = self.support >= MIN_SUPPORT and self.share >= MIN_SHARE
        return bool(self.rule.per_row and enough and self.in_each_class)


@dataclass(frozen=True)
class Relations:
    """The relations of a table.

    Attributes
    ----------
    found : list of Relation
        All that were proposed and could be read.
    text : str
        What a model wrote in the published variant, where nothing is checked.
    notes : list of str
    """

    found: list[Relation] = field(default_factory=list)
    text: str = ""
    notes: list[str] = field(default_factory=list)

    @property
    def rules(self) -> Rules:
        """Those that hold, as rules that every row keeps."""
        hard = {"severity": Severity.HARD, "probability": None, "weight": None}
        return Rules(rules=[one.rule.model_copy(update=hard) for one in self.found if one.holds])

    @property
    def firm(self) -> tuple[str, ...]:
        """Columns that an equation ties to others: what is tied is hardly to be corrected."""
        names: list[str] = []
        for rule in (one.rule for one in self.found if one.holds):
            if rule.kind == "formula":
                names += [rule.column, *columns_of(parse_tree(rule.expression))]
            elif rule.kind == "linear":
                names += rule.terms
            elif rule.kind == "implies" and "abs(" in rule.then:  # a product, where it is measured
                names += columns_of(parse_tree(rule.then))
        return tuple(dict.fromkeys(names))

    def settle(
        self, rows: pl.DataFrame, real: pl.DataFrame, rng: np.random.Generator
    ) -> pl.DataFrame:
        """Compute what an equation with a tolerance determines, as far off as in a real row.

        Rows under the rule alone lie anywhere within the largest deviation of any real row.
        """
        for rule in (one.rule for one in self.found if one.holds and one.rule.kind == "implies"):
            match = _EQUATION.fullmatch(rule.then)
            if match is None:
                continue
            with suppress(pl.exceptions.PolarsError):  # a name that polars' SQL does not take
                rows = _settled(rule, match, rows, real, rng)
        return rows

    def to_dict(self) -> dict[str, Any]:
        """Return the relations as JSON has them."""
        found = [
            {"rule": one.rule.model_dump(mode="json", by_alias=True, exclude_none=True),
             "support": one.support, "share": one.share, "in_each_class": one.in_each_class}
            for one in self.found
        ]  # fmt: skip
        return {"found": found, "text": self.text, "notes": self.notes}

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Self:
        """Read what `to_dict` wrote."""
        rules = Rules(rules=[one["rule"] for one in stored["found"]])
        found = [
            Relation(rule, int(one["support"]), float(one["share"]), bool(one["in_each_class"]))
            for rule, one in zip(rules, stored["found"], strict=True)
        ]
        return cls(found, str(stored["text"]), list(stored["notes"]))


def _settled(
    rule: Any,
    match: re.Match[str],
    rows: pl.DataFrame,
    real: pl.DataFrame,
    rng: np.random.Generator,
) -> pl.DataFrame:
    name, made = match["column"].strip('"'), pl.sql_expr(match["expression"])
    premise = pl.sql_expr(rule.if_)
    off = real.filter(premise).select(pl.col(name) / made).to_series().drop_nulls()
    off = off.filter(off.is_finite())
    if not off.len():
        return rows
    exact = (made * off[rng.integers(0, off.len(), rows.height)]).cast(real.schema[name])
    return rows.with_columns(pl.when(premise).then(exact).otherwise(name).alias(name))


def verify(
    rules: Iterable[Any], frame: pl.DataFrame, schema: Schema, classes: Partition | None = None
) -> list[Relation]:
    """Count the real rows that each rule speaks of and that keep it; equal ones count once.

    Examples
    --------
    >>> frame = pl.DataFrame({"a": range(50), "b": range(1, 51)})
    >>> schema = Schema.build({"a": "integer", "b": "integer"})
    >>> found = verify(Rules(rules=["a < b", "a > 24"]), frame, schema)
    >>> [(one.rule.described(), one.support, one.share, one.holds) for one in found]
    [('a < b', 50, 1.0, True), ('a > 24', 50, 0.5, False)]
    """
    once = {rule.described(): rule for rule in rules}
    named = Rules(rules=[rule.model_copy(update={"name": ""}) for rule in once.values()])
    report = check_rules(frame, named, schema)
    own = [] if classes is None else _by_class(frame, named, schema, classes)
    found = []
    for rule in named:
        result = report[rule.name]
        share = 1 - result.violations / result.support if result.support else 0.0
        in_each = all(_is_kept(one[rule.name]) for one in own)
        found.append(Relation(rule, result.support, share, in_each))
    return found


def _by_class(
    frame: pl.DataFrame, rules: Rules, schema: Schema, classes: Partition
) -> list[CheckReport]:
    codes = pl.Series(classes.of(frame))
    return [check_rules(frame.filter(codes == k), rules, schema) for k in range(len(classes))]


def _is_kept(result: RuleResult) -> bool:
    """Whether a class breaks a rule no more often than a whole table may; one row says nothing."""
    return result.violations <= max(1.0, (1 - MIN_SHARE) * result.support)


def mined(
    frame: pl.DataFrame,
    schema: Schema,
    rng: np.random.Generator,
    classes: Partition | None = None,
) -> Relations:
    """Find relations by the miner; ranges are left to the cells' own checks."""
    if frame.height < _MIN_ROWS:
        return Relations(notes=[f"{frame.height} rows are too few to find relations in"])
    rules = mine_rules(frame, schema, rng, kinds=_KINDS, max_rules=_MAX_RULES)
    widened = [_widened(rule, frame) if isinstance(rule, Implies) else rule for rule in rules]
    return Relations(verify([*widened, *_between_others(rules)], frame, schema, classes))


def _widened(rule: Implies, frame: pl.DataFrame) -> Implies:
    """Let bounds reach as far as the real rows of a premise do: they were read off half of them.

    A value that few rows have would lose its bound by one row beyond it.
    """
    matches = [_BOUND.fullmatch(part) for part in rule.then.split(" AND ")]
    with suppress(pl.exceptions.PolarsError):  # a name that polars' SQL does not take
        inside = frame.filter(pl.sql_expr(rule.if_))
        parts = [_reaching(match, inside) for match in matches if match is not None]
        then = " AND ".join(parts)
        outside = frame.select((~pl.sql_expr(then)).mean()).item() if parts else None
        if len(parts) == len(matches) and (outside or 0) >= INFORMATIVE:
            return rule.model_copy(update={"then": then})
    return rule


def _reaching(bound: re.Match[str], rows: pl.DataFrame) -> str:
    values = rows[bound["column"].strip('"')].drop_nulls().cast(pl.Float64).to_numpy()
    ends = [float(bound["number"]), *values.tolist()]
    end = max(ends) if bound["sign"] == "<=" else min(ends)
    shown = int(end) if end.is_integer() else end
    return f"{bound['column']} {bound['sign']} {shown}"


def _between_others(rules: Rules) -> list[Equivalence]:
    """Join what is equivalent to the same: nearly so by the miner, it may be exactly so here."""
    pairs = {frozenset((rule.a, rule.b)) for rule in rules if isinstance(rule, Equivalence)}
    joined = {one ^ other for one, other in combinations(pairs, 2) if len(one & other) == 1}
    ordered = sorted(sorted(pair) for pair in joined - pairs)
    return [Equivalence(a=a, b=b, source=Source.MINED) for a, b in ordered]


@dataclass(frozen=True)
class RelationPrompts:
    """The two prompts that a model is asked for relations, made for any table from its schema.

    Parameters
    ----------
    model : Metered
    schema : Schema
    frame : DataFrame
        All real rows, which relations are verified on.
    shown : DataFrame
        The coreset.
    classes : Partition or None, default=None
        Each of them has to keep a relation.
    """

    model: Metered
    schema: Schema
    frame: pl.DataFrame
    shown: pl.DataFrame
    classes: Partition | None = None

    def ask(self, seed: int) -> Relations:
        """Ask for relations, measure them, and ask for rules in the light of that."""
        first, problem = self._answer(self._relations(seed))
        if problem is not None:
            return Relations(notes=[f"no relations, since the model did not answer: {problem}"])
        proposed = self._verified([first])
        second, problem = self._answer(self._rules(seed, proposed))
        notes = [] if problem is None else [f"relations were not looked at twice: {problem}"]
        return Relations(self._verified([first, second]), notes=notes)

    def ask_freely(self, seed: int) -> Relations:
        """Ask as published: free text, of which the second reply is pasted into every prompt."""
        builder = self._begun().say(_FREE_RELATIONS.format(target=self._target))
        first, problem = self._answer(self._prompt(builder, seed, "relations"))
        builder = PromptBuilder(self.model.sharing, self.frame)
        builder.columns(self.schema, "The columns of a table:").data([first], "Findings:")
        second, other = self._answer(self._prompt(builder.say(_FREE_RULES), seed, "rules"))
        failed = [f"the model did not answer: {error}" for error in (problem, other) if error]
        return Relations(text=second, notes=failed)

    @property
    def _target(self) -> str:
        return json.dumps(self.schema.target, ensure_ascii=False)

    def _begun(self) -> PromptBuilder:
        builder = PromptBuilder(self.model.sharing, self.frame)
        builder.columns(self.schema, "The columns of a table:")
        rows = builder.admit(self.shown)
        return builder.note().rows(rows, _lines, "Rows of it, as many of each class:")

    def _relations(self, seed: int) -> Prompt:
        builder = self._begun().say(_RELATIONS.format(target=self._target), grammar(self.schema))
        return self._prompt(builder.say(_REPLY), seed, "relations", checkable=True)

    def _rules(self, seed: int, proposed: Sequence[Relation]) -> Prompt:
        """Show what the model proposed, with the share of the real rows that keep it."""
        measured = self.model.sharing.allows("summary")
        lines = [
            json.dumps(
                {"rule": one.rule.described()}
                | ({"kept by a share of": round(one.share, 3)} if measured else {}),
                ensure_ascii=False,
            )
            for one in proposed
        ]
        builder = self._begun().data(lines, "Relations that were proposed:")
        builder.say(_RULES, grammar(self.schema), _REPLY)
        return self._prompt(builder, seed, "rules", checkable=True)

    def _prompt(
        self, builder: PromptBuilder, seed: int, stage: str, *, checkable: bool = False
    ) -> Prompt:
        return builder.prompt(
            _SYSTEM,
            seed=seed,
            stage=stage,
            role="relations",
            schema=reply_schema(self.schema) if checkable else None,
            max_tokens=_MAX_TOKENS,
            expected=json.dumps({"rules": [{"kind": "unique", "columns": self.schema.names}] * 6}),
        )

    def _answer(self, prompt: Prompt) -> tuple[str, ModelError | None]:
        result = self.model.complete_all([prompt])[0]
        return (result.text, None) if isinstance(result, Reply) else ("", result)

    def _verified(self, replies: Sequence[str]) -> list[Relation]:
        own = echoes(self.schema)
        rules = [
            bound.rule for text in replies for bound in read_rules(text, self.schema, 0, own).bound
        ]
        return verify(rules, self.frame, self.schema, self.classes)


_REPLY = 'Reply with JSON only: {"rules": [...]}, the most important first.'


def _lines(rows: Sequence[Any]) -> str:
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
