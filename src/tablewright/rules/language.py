"""What a rule is, and what a rules file holds.

A rule is an expression that every row keeps, or one of the kinds that an expression cannot
say. Any text in it is an expression of `tablewright.rules.expressions`: nothing is run.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    PlainSerializer,
    Tag,
    field_validator,
    model_validator,
)

from tablewright.markup import listing, panel
from tablewright.schema import Scalar, inner_name, outer_name

if TYPE_CHECKING:
    from tablewright.rules.check import CheckReport

ColumnName = Annotated[str, AfterValidator(inner_name), PlainSerializer(outer_name)]
"""A column as a person names it; inside, it has the name that frames carry."""


class Severity(StrEnum):
    """Whether a rule always holds, or only mostly."""

    HARD = "hard"
    SOFT = "soft"


class Source(StrEnum):
    """Who wrote a rule."""

    HUMAN = "human"
    MINED = "mined"
    LLM = "llm"


class _Rule(BaseModel):
    """What every rule says about itself, whatever its kind."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, populate_by_name=True, allow_inf_nan=False
    )
    per_row: ClassVar[bool] = True

    name: str = Field(
        default="", validation_alias=AliasChoices("name", "id"), description="unique in the file"
    )
    severity: Severity = Field(
        default=Severity.HARD,
        validation_alias=AliasChoices("severity", "mode"),
        description="hard: every row keeps it; soft: most do",
    )
    weight: float | None = Field(
        default=None, gt=0, description="soft only: a row that breaks it stays with exp(-weight)"
    )
    probability: float | None = Field(
        default=None, ge=0, le=1, description="soft only: share of rows that are to keep it"
    )
    strict: bool = Field(default=False, description="NULL counts as a violation")
    intervention: bool = Field(
        default=False, description="real rows are meant to break it; keeps mined rules hard too"
    )
    source: Source = Source.HUMAN
    why: str = Field(default="", max_length=2000)
    support: int | None = Field(default=None, ge=0, description="real rows that it speaks of")
    violation_rate: float | None = Field(
        default=None,
        ge=0,
        le=1,
        validation_alias=AliasChoices("violation_rate", "violation_real"),
        description="share of the real rows that break it",
    )
    held_out: float | None = Field(
        default=None, ge=0, le=1, description="share of held-out rows that break it (mined rules)"
    )

    @model_validator(mode="after")
    def _soft_has_strength(self) -> Self:
        if self.severity is Severity.HARD and (self.weight or self.probability is not None):
            raise ValueError("weight and probability belong to soft rules: set severity: soft")
        if self.weight is not None and self.probability is not None:
            raise ValueError("a soft rule has a weight or a probability, not both")
        return self

    @property
    def hard(self) -> bool:
        """Whether every row has to keep it."""
        return self.severity is Severity.HARD

    @property
    def relaxable(self) -> bool:
        """Whether real rows that break it may make it soft; never what a person demands."""
        return not (self.intervention or (self.hard and self.source is Source.HUMAN))

    @abstractmethod
    def described(self) -> str:
        """Write the rule as one line of text."""


class Check(_Rule):
    """Every row keeps an expression."""

    kind: Literal["check"] = "check"
    expression: str = Field(validation_alias=AliasChoices("expression", "expr", "check"))

    def described(self) -> str:
        """Write the rule as one line of text."""
        return self.expression


class Implies(_Rule):
    """Rows that meet `if` meet `then`."""

    kind: Literal["implies"] = "implies"
    if_: str = Field(alias="if")
    then: str

    def described(self) -> str:
        """Write the rule as one line of text."""
        return f"if {self.if_} then {self.then}"


class Equivalence(_Rule):
    """Rows meet both expressions or neither."""

    kind: Literal["iff"] = "iff"
    a: str
    b: str

    def described(self) -> str:
        """Write the rule as one line of text."""
        return f"{self.a} if and only if {self.b}"


class Forbid(_Rule):
    """No row meets all the expressions."""

    kind: Literal["forbid"] = "forbid"
    all: list[str] = Field(min_length=1)

    def described(self) -> str:
        """Write the rule as one line of text."""
        return f"never {' and '.join(self.all)}"


class Range(_Rule):
    """Values lie between bounds; dates and times are ISO 8601 text."""

    kind: Literal["range"] = "range"
    column: ColumnName
    min: int | float | str | None = None
    max: int | float | str | None = None

    @model_validator(mode="after")
    def _has_a_bound(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("a range has min, max or both")
        return self

    def described(self) -> str:
        """Write the rule as one line of text."""
        low = "" if self.min is None else f"{self.min} <= "
        return f"{low}{outer_name(self.column)}" + ("" if self.max is None else f" <= {self.max}")


class Order(_Rule):
    """Columns ascend from left to right."""

    kind: Literal["order"] = "order"
    columns: list[ColumnName] = Field(min_length=2)
    strictly: bool = Field(default=False, description="equal neighbours break it")

    def described(self) -> str:
        """Write the rule as one line of text."""
        return (" < " if self.strictly else " <= ").join(map(outer_name, self.columns))


class Linear(_Rule):
    """A weighted sum of columns compared with a number, within a tolerance."""

    kind: Literal["linear"] = "linear"
    terms: dict[ColumnName, float] = Field(min_length=1)
    op: Literal["<=", "<", ">=", ">", "="]
    value: float = 0.0
    tolerance: float = Field(default=0.0, ge=0)

    def described(self) -> str:
        """Write the rule as one line of text."""
        total = ""
        for column, weight in self.terms.items():
            name, sign = outer_name(column), "-" if weight < 0 else "+"
            lead = f" {sign} " if total else sign.strip("+")
            total += lead + (name if abs(weight) == 1 else f"{abs(weight):g} * {name}")
        within = f" (within {self.tolerance:g})" if self.tolerance else ""
        return f"{total} {self.op} {self.value:g}{within}"


class Align(_Rule):
    """A value of one column goes with listed values of an attribute, such as one of a text."""

    kind: Literal["align"] = "align"
    on: ColumnName
    attribute: ColumnName
    pairs: dict[str, list[Scalar]] = Field(min_length=1)
    modality: str = "text"

    @field_validator("pairs", mode="before")
    @classmethod
    def _keys_as_text(cls, value: Any) -> Any:
        return _text_keys(value)

    def described(self) -> str:
        """Write the rule as one line of text."""
        pairs = "; ".join(f"{value}: {allowed}" for value, allowed in self.pairs.items())
        return f"{outer_name(self.attribute)} goes with {outer_name(self.on)}: {pairs}"


class Formula(_Rule):
    """A column is computed from others."""

    kind: Literal["formula"] = "formula"
    column: ColumnName
    expression: str = Field(validation_alias=AliasChoices("expression", "expr"))
    tolerance: float | None = Field(
        default=None, ge=0, description="default: half a unit of the last digit written"
    )

    def described(self) -> str:
        """Write the rule as one line of text."""
        within = f" (within {self.tolerance:g})" if self.tolerance else ""
        return f"{outer_name(self.column)} = {self.expression}{within}"


class Dependency(_Rule):
    """Columns determine another one: equal values there, equal value here."""

    kind: Literal["fd"] = "fd"
    from_: list[ColumnName] = Field(alias="from", min_length=1)
    to: ColumnName
    map: Literal["learn"] | list[list[Scalar | None]] = Field(
        default="learn", description="rows of [from ..., to], or learned from the real rows"
    )

    @model_validator(mode="before")
    @classmethod
    def _map_of_pairs(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and isinstance(data.get("map"), Mapping):
            return {**data, "map": [[key, value] for key, value in data["map"].items()]}
        return data

    @model_validator(mode="after")
    def _map_fits(self) -> Self:
        width = len(self.from_) + 1
        if not self.map:
            raise ValueError("map has a row for each combination, or is left out to be learned")
        if self.map != "learn" and any(len(row) != width for row in self.map):
            raise ValueError(f"each row of map has {width} values: {[*self.from_, self.to]}")
        if self.to in self.from_:
            raise ValueError(f"{self.to!r} cannot determine itself")
        _require_distinct(self.from_)
        return self

    def described(self) -> str:
        """Write the rule as one line of text."""
        return f"{', '.join(map(outer_name, self.from_))} determine {outer_name(self.to)}"


class Conditional(_Rule):
    """Shares of a column's values among the rows that meet `given`."""

    kind: Literal["conditional"] = "conditional"
    per_row: ClassVar[bool] = False
    given: str = "TRUE"
    column: ColumnName
    dist: dict[str, float] = Field(min_length=1)
    tolerance: float = Field(default=0.02, ge=0, description="largest distance (TV) that passes")

    @field_validator("dist", mode="before")
    @classmethod
    def _keys_as_text(cls, value: Any) -> Any:
        return _text_keys(value)

    @model_validator(mode="after")
    def _sums_to_one(self) -> Self:
        if min(self.dist.values()) < 0 or not math.isclose(
            sum(self.dist.values()), 1.0, abs_tol=0.01
        ):
            raise ValueError("the shares in dist are not negative and sum to 1")
        return self

    def described(self) -> str:
        """Write the rule as one line of text."""
        shares = ", ".join(f"{value} {share:.1%}" for value, share in self.dist.items())
        return f"{outer_name(self.column)} where {self.given}: {shares}"


class Quota(_Rule):
    """The share of rows that meet `where` lies in a band, with at least so many rows."""

    kind: Literal["quota"] = "quota"
    per_row: ClassVar[bool] = False
    where: str
    share: tuple[float, float] = (0.0, 1.0)
    min_rows: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _is_a_band(self) -> Self:
        if not 0 <= self.share[0] <= self.share[1] <= 1:
            raise ValueError("share is [lowest, highest] with 0 <= lowest <= highest <= 1")
        return self

    def described(self) -> str:
        """Write the rule as one line of text."""
        minimum = f", at least {self.min_rows} rows" if self.min_rows else ""
        return f"{self.share[0]:.1%} to {self.share[1]:.1%} of the rows: {self.where}{minimum}"


class Unique(_Rule):
    """No two rows have the same values in these columns; rows with a missing one are passed."""

    kind: Literal["unique"] = "unique"
    columns: list[ColumnName] = Field(min_length=1)

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        _require_distinct(self.columns)
        return self

    def described(self) -> str:
        """Write the rule as one line of text."""
        return f"no two rows have the same {', '.join(map(outer_name, self.columns))}"


def _require_distinct(columns: Sequence[str]) -> None:
    twice = next((name for name in columns if columns.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"column {twice!r} stands twice")


def _text_keys(value: Any) -> Any:
    """Write keys of a mapping as JSON has them: YAML reads 1 and true as values."""
    if not isinstance(value, Mapping):
        return value
    return {str(k).lower() if isinstance(k, bool) else str(k): v for k, v in value.items()}


def _kind_of(value: Any) -> str:
    if isinstance(value, _Rule):
        # every kind of the union has it, the base has not
        return str(value.kind)  # type: ignore[attr-defined]
    return str(value.get("kind", "check")) if isinstance(value, Mapping) else "check"


Rule = Annotated[
    Annotated[Check, Tag("check")]
    | Annotated[Implies, Tag("implies")]
    | Annotated[Equivalence, Tag("iff")]
    | Annotated[Forbid, Tag("forbid")]
    | Annotated[Range, Tag("range")]
    | Annotated[Order, Tag("order")]
    | Annotated[Linear, Tag("linear")]
    | Annotated[Align, Tag("align")]
    | Annotated[Formula, Tag("formula")]
    | Annotated[Dependency, Tag("fd")]
    | Annotated[Conditional, Tag("conditional")]
    | Annotated[Quota, Tag("quota")]
    | Annotated[Unique, Tag("unique")],
    Discriminator(_kind_of),
]


def _share(rule: _Rule) -> str:
    return "" if rule.violation_rate is None else f"{rule.violation_rate:.1%}"


class Rules(BaseModel):
    """Rules for one table, in order.

    Parameters
    ----------
    rules : list of Rule
        Each a rule, a mapping of its fields, or the text of an expression.

    Examples
    --------
    >>> rules = Rules(rules=["age >= 18", {"kind": "order", "columns": ["start", "end"]}])
    >>> [(rule.name, rule.kind) for rule in rules]
    [('r1', 'check'), ('r2', 'order')]
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    rules: list[Rule] = Field(default_factory=list, max_length=10_000)

    @field_validator("rules", mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        if not isinstance(value, Sequence) or isinstance(value, str):
            return value
        for i, item in enumerate(value):
            if isinstance(item, str) and item.count("(") != item.count(")"):
                raise ValueError(
                    f"rule {i + 1}: the brackets of {item[:60]!r} do not match; "
                    "an expression with a comma in it stands in quotes"
                )
        return [{"expression": item} if isinstance(item, str) else item for item in value]

    @model_validator(mode="after")
    def _names(self) -> Self:
        """Name the third rule r3 where it has no name; no name may stand twice."""
        counts = Counter(rule.name for rule in self.rules if rule.name)
        twice = next((name for name, count in counts.items() if count > 1), None)
        if twice is not None:
            raise ValueError(f"two rules are called {twice!r}")
        for i, rule in enumerate(self.rules):
            if not rule.name:
                name = f"r{i + 1}"
                while name in counts:
                    name += "'"
                self.rules[i] = rule.model_copy(update={"name": name})
        return self

    @classmethod
    def mine(
        cls, X: Any, *, schema: Any = None, random_state: int | None = 0, **settings: Any
    ) -> Self:
        """Find rules that real rows keep, each tested on held-out rows.

        Parameters
        ----------
        X : frame or path
            Real rows, at least 20.
        schema : Schema, path, mapping or None, default=None
            What is known of the columns; inferred where None.
        random_state : int or None, default=0
            Random seed of the rows that are held out.
        **settings
            See `tablewright.rules.mining.mine_rules`.

        Returns
        -------
        Rules

        Raises
        ------
        InputError
            If there are fewer than 20 rows.

        Examples
        --------
        >>> import numpy as np
        >>> import pandas as pd
        >>> x = np.random.default_rng(0).integers(0, 50, 400)
        >>> rules = Rules.mine(pd.DataFrame({"x": x, "y": 2 * x + 1}), kinds=["equations"])
        >>> [rule.described() for rule in rules]
        ['-2 * x + y = 1 (within 2e-08)']
        """
        import numpy as np

        from tablewright.rules.mining import mine_rules
        from tablewright.tables.io.loading import load_as_said

        table = load_as_said(X, schema, None)
        return cls(rules=mine_rules(
            table.frame, table.schema, np.random.default_rng(random_state), **settings
        ).rules)  # fmt: skip

    def check(self, X: Any, *, schema: Any = None) -> CheckReport:
        """Check every row of a table against every rule.

        Parameters
        ----------
        X : frame or path
        schema : Schema, path, mapping or None, default=None
            What is known of the columns; inferred where None.

        Returns
        -------
        CheckReport

        Raises
        ------
        RuleError
            If a rule does not fit the columns.

        Examples
        --------
        >>> import pandas as pd
        >>> table = pd.DataFrame({"age": [17, 40, 35], "member": [True, False, True]})
        >>> report = Rules(rules=["age >= 18"]).check(table)
        >>> report.ok, report["r1"].violations
        (False, 1)
        """
        from tablewright.rules.check import check_rules, open_categories
        from tablewright.tables.io.loading import load_as_said

        table = load_as_said(X, schema, None)
        known = open_categories(table.schema) if schema is None else table.schema
        return check_rules(table.frame, self, known)

    # pydantic iterates over fields; a rule set over its rules
    def __iter__(self) -> Iterator[Rule]:  # type: ignore[override]
        return iter(self.rules)

    def __len__(self) -> int:
        return len(self.rules)

    def _repr_html_(self) -> str:
        rows = (
            [rule.name, rule.described(), rule.severity, rule.source, _share(rule), rule.why]
            for rule in self
        )
        head = ("rule", "what every row keeps", "severity", "source", "real rows break it", "why")
        return panel(f"{len(self)} rules", listing(head, rows))

    def __add__(self, other: Rules) -> Rules:
        """Return the rules of both; names of the second that are taken get a number."""
        taken = {rule.name for rule in self.rules}
        renamed = []
        for rule in other.rules:
            name, count = rule.name, 1
            while name in taken:
                count += 1
                name = f"{rule.name}-{count}"
            taken.add(name)
            renamed.append(rule.model_copy(update={"name": name}))
        return Rules(rules=[*self.rules, *renamed])
