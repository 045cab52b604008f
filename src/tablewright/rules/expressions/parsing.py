"""Text to tree: sqlglot reads, an allow-list decides node by node.

Nothing of sqlglot's tree survives. A node, or an argument of a node, that is not listed
here is refused with its place, so a new release of the parser cannot widen the language.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any, NoReturn, cast

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ErrorLevel, ParseError, SqlglotError, TokenError

# sqlglot does not list these names as exported
from sqlglot.tokens import Token, TokenType  # type: ignore[attr-defined]

from tablewright.errors import ExpressionError
from tablewright.rules.expressions import tree as sql
from tablewright.rules.expressions.unparse import shortened
from tablewright.schema import inner_name

MAX_LENGTH = 20_000
"""Longest text, in characters."""

MAX_DEPTH = 60
"""Deepest nesting of brackets, CASE, NOT, signs and arithmetic."""

MAX_NODES = 50_000
"""Nodes of an expression: what stands after CASE counts once for each WHEN."""

_OF_ONE = ("abs", "ceil", "day", "floor", "length", "lower", "month", "upper", "year")
FUNCTIONS: dict[str, tuple[int, int | None]] = {
    **dict.fromkeys(_OF_ONE, (1, 1)),
    **dict.fromkeys(("coalesce", "greatest", "least"), (2, None)),
    "nullif": (2, 2),
    "round": (1, 2),
}
"""Functions of the language, each with its least and greatest number of arguments."""

ALLOWED = (
    "allowed are columns, constants, = <> < <= > >=, BETWEEN, IN, LIKE, IS NULL, CASE, "
    f"AND, OR, NOT, + - * / % and the functions {', '.join(sorted(FUNCTIONS))}"
)

_COMPARISONS: dict[type[exp.Expression], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
_ARITHMETIC: dict[type[exp.Expression], str] = {
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
    exp.Mod: "%",
}
_CALLS: dict[type[exp.Expression], str] = {
    getattr(exp, name.capitalize()): name for name in FUNCTIONS
}
_REFUSED: dict[type[Any], str] = {
    exp.Window: "a window function",
    exp.SimilarTo: "a regular expression (use LIKE)",
    exp.ILike: "ILIKE (use lower(...) LIKE ...)",
    exp.Min: "MIN (use least)",
    exp.Max: "MAX (use greatest)",
    exp.AggFunc: "an aggregate over rows",
    exp.Interval: "an interval",
}
_REFUSED_TOKENS = {
    token: reason
    for reason, tokens in {
        "';' (one expression is read, no statements)": ";",
        "a subquery": "SELECT WITH EXISTS ALL ANY",
        "a window function": "OVER",
        "an anonymous function": "-> ->> =>",
        "a regular expression (use LIKE)": "RLIKE REGEXP",
        "a cast (write DATE '2020-01-31')": "::",
        "a template or a struct": "{ }",
        "a placeholder": "? : $",
        "a parameter": "@",
    }.items()
    for token in tokens.split()
}
_INSTEAD = {
    "&": "AND",
    "&&": "AND",
    "|": "OR",
    "||": "OR",
    "[": "IN (1, 2) with round brackets",
    "]": "IN (1, 2) with round brackets",
    "~": "NOT, or LIKE for a pattern",
    "`": "a column's name as it is, or in double quotes",
    ".": "IN (1, 2), LIKE 'a%' or IS NULL in place of a method, and a name with a dot in double "
    "quotes",
    "^": "x * x for a power",
    "**": "x * x for a power",
    "//": "floor(x / y)",
}
"""What to write in place of operators of other languages."""

_WORDS_INSTEAD = {
    "contains": "LIKE '%text%'",
    "startswith": "LIKE 'text%'",
    "endswith": "LIKE '%text'",
    "isin": "IN (1, 2)",
    "isna": "IS NULL",
    "equals": "=",
    "eq": "=",
    "is": "= for a value, IS NULL for a missing one",
}
"""What to write in place of words of other languages, where an expression is not understood."""

_UNFINISHED = re.compile(r"(?i)(\b(and|or|not|in|like|between)|[=<>+*/%(-])\s*$")

_HARMLESS = frozenset({"typed", "safe", "ignore_nulls", "quoted", "is_nvl"})
_DIALECT = Dialect.get_or_raise(None)
_WORD_OPERATORS = frozenset({TokenType.CASE, TokenType.NOT, TokenType.DASH})


def parse_tree(text: str) -> sql.Node:
    """Read text as a tree of allowed nodes; columns and types are not looked at.

    Raises
    ------
    ExpressionError
        If the text is anything else than one expression of the language.

    Examples
    --------
    >>> parse_tree("age >= 18")
    Comparison(operator='>=', left=Name(column='age'), right=Literal(value=18))
    """
    if not isinstance(text, str):
        raise ExpressionError(f"an expression is text, not {type(text).__name__}")
    if len(text) > MAX_LENGTH:
        raise ExpressionError(
            f"the expression has {len(text):,} characters; at most {MAX_LENGTH:,} are read"
        )
    if not text.strip():
        raise ExpressionError("the expression is empty; write a condition such as age >= 18")
    tokens = _tokenize(text)
    _screen(text, tokens)
    return _Builder(text).build(_read(text, tokens), 0)


def _tokenize(text: str) -> list[Token]:
    try:
        return _DIALECT.tokenize(text)
    except TokenError as error:
        raise ExpressionError(
            "a quote is not closed; text stands in '...', a column name in \"...\"",
            text,
            _last_open_quote(text),
        ) from error


def _last_open_quote(text: str) -> int:
    closed = re.match(r"""(?:[^'"]|'(?:[^']|'')*'|"(?:[^"]|"")*")*""", text)
    return min(closed.end() if closed else 0, len(text) - 1)


def _screen(text: str, tokens: list[Token]) -> None:
    """Refuse what the parser would pass over in silence: comments, statements, deep nesting."""
    depth = run = 0
    for token in tokens:
        if token.comments:
            index = max(text.find("--", token.start), text.find("/*", token.start))
            index = index if index >= 0 else max(text.find("--"), text.find("/*"), 0)
            raise ExpressionError("comments are not allowed in an expression", text, index)
        refused = _refused_token(token, text)
        if refused is not None:
            raise ExpressionError(refused, text, token.start)
        opens = token.token_type is TokenType.L_PAREN  # a run of prefix words goes on in brackets
        run = run + 1 if token.token_type in _WORD_OPERATORS else run * opens
        depth += opens - (token.token_type is TokenType.R_PAREN)
        if depth + run > MAX_DEPTH:
            raise ExpressionError(f"nested deeper than {MAX_DEPTH} levels", text, token.start)


def _refused_token(token: Token, text: str) -> str | None:
    """Return why a token is no part of an expression, or None where it may be."""
    if token.token_type in (TokenType.STRING, TokenType.IDENTIFIER, TokenType.NUMBER):
        return None
    if token.text == "[" and _opens_name(text, token.start):
        return f"[ is not understood; write {_INSTEAD['`']}"
    sign = token.text * (1 + text.startswith(token.text, token.end + 1))
    instead = _INSTEAD.get(sign) or _INSTEAD.get(token.text)
    if instead is not None:
        return f"{sign if sign in _INSTEAD else token.text} is not understood; write {instead}"
    refused = _REFUSED_TOKENS.get(token.text.upper())
    if token.token_type is TokenType.VAR and not token.text.isidentifier():
        refused = f"{token.text[:40]!r} without double quotes"
    return None if refused is None else f"{refused} is not allowed; {ALLOWED}"


def _read(text: str, tokens: list[Token]) -> exp.Expression:
    parser = _DIALECT.parser(
        error_level=ErrorLevel.IMMEDIATE, error_message_context=len(text), max_errors=1
    )
    try:
        result = parser.parse_into(exp.Condition, tokens, text)
    except ParseError as error:
        raise _not_understood(text, error) from error
    except RecursionError as error:
        raise ExpressionError("nested deeper than the parser reads", text, 0) from error
    except (SqlglotError, ValueError, AttributeError, TypeError) as error:
        raise ExpressionError(f"this is not an expression; {ALLOWED}", text, 0) from error
    if len(result) != 1 or result[0] is None:
        raise ExpressionError(f"this is not an expression; {ALLOWED}", text, 0)
    return cast(exp.Expression, result[0])


def _not_understood(text: str, error: ParseError) -> ExpressionError:
    details = error.errors[0] if error.errors else {}
    index = len(details.get("start_context") or "")
    end = max(len(text.rstrip()) - 1, 0)
    word = text[index:].split()[:1] or [""]
    if instead := _WORDS_INSTEAD.get(word[0].lower()):
        return ExpressionError(f"{word[0]} is not understood; write {instead}", text, index)
    if len(text[index:].split()) < 2 and _UNFINISHED.search(text):
        return ExpressionError(
            f"something is missing after {text.split()[-1][-20:]!r}, where the text ends", text, end
        )
    return ExpressionError(f"not understood here; {ALLOWED}", text, min(index, end))


def _opens_name(text: str, index: int) -> bool:
    """Whether a square bracket stands where a name may, and no list or index."""
    before = text[:index].rstrip()
    return not before or before[-1] in "=<>+-*/%(," or before.lower().endswith((" and", " or"))


def _place(node: exp.Expression) -> int:
    starts = [part.meta["start"] for part in node.walk() if "start" in part.meta]
    return min(starts, default=0)


class _Builder:
    """Turns the parser's tree into ours."""

    def __init__(self, text: str) -> None:
        self.text, self.size = text, 0

    def refuse(self, message: str, node: exp.Expression) -> NoReturn:
        raise ExpressionError(message, self.text, _place(node))

    def build(self, node: Any, depth: int) -> sql.Node:
        """Return our node for the parser's, or refuse it."""
        if not isinstance(node, exp.Expression):
            raise ExpressionError(f"something is missing here; {ALLOWED}", self.text, 0)
        self.size += 1
        if depth > MAX_DEPTH:
            self.refuse(f"nested deeper than {MAX_DEPTH} levels", node)
        kind = type(node)
        if kind is exp.Paren:
            self.only(node, "this")
            return self.build(node.this, depth + 1)
        if kind in _COMPARISONS:
            operator: Any = _COMPARISONS[kind]
            return sql.Comparison(operator, *self.pair(node, depth), position=_place(node))
        if kind in _ARITHMETIC:
            operator = _ARITHMETIC[kind]
            return sql.Arithmetic(operator, *self.pair(node, depth), position=_place(node))
        if kind in _CALLS:
            return self.call(node, depth)
        handler = _HANDLERS.get(kind)
        if handler is None:
            self.refuse(f"{_named(node)} is not allowed; {ALLOWED}", node)
        return handler(self, node, depth)

    def only(self, node: exp.Expression, *allowed: str) -> None:
        """Refuse a node that carries an argument which we do not read."""
        for key, value in node.args.items():
            if key not in allowed and key not in _HARMLESS and value not in (None, False, []):
                self.refuse(f"this form of {_named(node)} is not allowed; {ALLOWED}", node)

    def pair(self, node: exp.Expression, depth: int) -> tuple[sql.Node, sql.Node]:
        self.only(node, "this", "expression")
        return self.build(node.this, depth + 1), self.build(node.expression, depth + 1)

    def call(self, node: exp.Expression, depth: int) -> sql.Node:
        name = _CALLS[type(node)]
        self.only(node, "this", "expression", "expressions", "decimals")
        given = [node.this, node.args.get("expression"), node.args.get("decimals")]
        given = [part for part in given if part is not None] + list(node.expressions)
        minimum, maximum = FUNCTIONS[name]
        if len(given) < minimum or (maximum is not None and len(given) > maximum):
            more = {minimum: "", None: " or more"}.get(maximum, f" or {maximum}")
            self.refuse(f"{name} takes {minimum}{more} arguments, not {len(given)}", node)
        arguments = tuple(self.build(part, depth + 1) for part in given)
        return sql.Call(name, arguments, position=_place(node))

    def chain(self, node: exp.Expression, depth: int) -> tuple[sql.Node, ...]:
        """Flatten a left-deep chain of AND or OR without recursion."""
        parts: list[exp.Expression] = []
        pending = [node]
        while pending:
            part = pending.pop()
            while type(part) is exp.Paren and type(part.this) in (type(node), exp.Paren):
                self.only(part, "this")
                part = part.this
            if type(part) is type(node):
                self.only(part, "this", "expression")
                pending += [part.expression, part.this]
            else:
                parts.append(part)
        return tuple(self.build(part, depth + 1) for part in parts)

    def both(self, node: exp.Expression, depth: int) -> sql.Node:
        return sql.And(self.chain(node, depth), position=_place(node))

    def either(self, node: exp.Expression, depth: int) -> sql.Node:
        return sql.Or(self.chain(node, depth), position=_place(node))

    def negation(self, node: exp.Expression, depth: int) -> sql.Node:
        self.only(node, "this")
        return sql.Not(self.build(node.this, depth + 1), position=_place(node))

    def negative(self, node: exp.Expression, depth: int) -> sql.Node:
        self.only(node, "this")
        operand = self.build(node.this, depth + 1)
        if isinstance(operand, sql.Literal) and type(operand.value) in (int, float):
            return sql.Literal(-cast(float, operand.value), position=operand.position)
        return sql.Negative(operand, position=_place(node))

    def column(self, node: exp.Expression, depth: int) -> sql.Node:
        self.only(node, "this")
        if not isinstance(node.this, exp.Identifier):
            self.refuse(f"{_named(node.this)} is not allowed; {ALLOWED}", node)
        self.only(node.this, "this")
        return sql.Name(inner_name(str(node.this.this)), position=_place(node))

    def constant(self, node: exp.Expression, depth: int) -> sql.Node:
        self.only(node, "this", "is_string")
        index = _place(node)
        if node.args.get("is_string"):
            return sql.Literal(str(node.this), position=index)
        return sql.Literal(self.number(str(node.this), node), position=index)

    def number(self, text: str, node: exp.Expression) -> int | float:
        try:
            value: int | float = int(text) if text.isascii() and text.isdigit() else float(text)
        except ValueError:
            self.refuse(f"{shortened(text)!r} is not a number", node)
        if not math.isfinite(value) or (isinstance(value, int) and value >= 2**63):
            self.refuse(
                "the number is too large; the largest are 9223372036854775807 and 1e308", node
            )
        return value

    def boolean(self, node: exp.Expression, depth: int) -> sql.Node:
        self.only(node, "this")
        return sql.Literal(bool(node.this), position=_place(node))

    def null(self, node: exp.Expression, depth: int) -> sql.Node:
        return sql.Literal(None, position=_place(node))

    def cast(self, node: exp.Expression, depth: int) -> sql.Node:
        self.only(node, "this", "to")
        to, literal = node.args["to"], node.this
        target = to.this if isinstance(to, exp.DataType) and not to.expressions else None
        kinds = {exp.DataType.Type.DATE: date, exp.DataType.Type.TIMESTAMP: datetime}
        if target not in kinds or not (isinstance(literal, exp.Literal) and literal.is_string):
            self.refuse(
                "the only cast is of a constant: DATE '2020-01-31' or "
                "TIMESTAMP '2020-01-31 10:00:00'",
                node,
            )
        self.only(literal, "this", "is_string")
        try:
            value = kinds[target].fromisoformat(str(literal.this))
        except ValueError:
            shown = shortened(str(literal.this))
            self.refuse(f"{shown!r} is not a date or time; write 2020-01-31", literal)
        if isinstance(value, datetime) and value.tzinfo is not None:
            self.refuse("times are written without a zone", literal)
        return sql.Literal(value, position=_place(literal))

    def between(self, node: exp.Expression, depth: int) -> sql.Node:
        self.only(node, "this", "low", "high")
        parts = (self.build(node.args.get(key), depth + 1) for key in ("this", "low", "high"))
        return sql.Between(*parts, position=_place(node))

    def member(self, node: exp.Expression, depth: int) -> sql.Node:
        self.only(node, "this", "expressions")
        values = [self.build(part, depth + 1) for part in node.expressions]
        if not values:
            self.refuse("IN needs at least one constant: x IN (1, 2)", node)
        constants = tuple(part for part in values if isinstance(part, sql.Literal))
        if len(constants) < len(values):
            self.refuse("IN lists constants only; compare columns with =", node)
        return sql.In(self.build(node.this, depth + 1), constants, position=_place(node))

    def like(self, node: exp.Expression, depth: int, escape: str | None = None) -> sql.Node:
        self.only(node, "this", "expression", "negate")
        pattern = node.expression
        if not (isinstance(pattern, exp.Literal) and pattern.is_string):
            self.refuse("LIKE needs a pattern in quotes: name LIKE 'A%'", node)
        index = _place(node)
        result = sql.Like(
            self.build(node.this, depth + 1), str(pattern.this), escape, position=index
        )
        self.check_escapes(result, pattern)
        return sql.Not(result, position=index) if node.args.get("negate") else result

    def check_escapes(self, node: sql.Like, pattern: exp.Expression) -> None:
        if node.escape is None:
            return
        mark = re.escape(node.escape)
        if re.fullmatch(f"(?:[^{mark}]|{mark}[%_{mark}])*", node.pattern, re.DOTALL) is None:
            self.refuse("in LIKE, the escape character stands before %, _ or itself", pattern)

    def escape(self, node: exp.Expression, depth: int) -> sql.Node:
        self.only(node, "this", "expression")
        mark = node.expression
        is_mark = isinstance(mark, exp.Literal) and mark.is_string and len(str(mark.this)) == 1
        if type(node.this) is not exp.Like or not is_mark or str(mark.this) in "%_":
            self.refuse("ESCAPE takes one character other than % and _ after a LIKE pattern", node)
        return self.like(node.this, depth, str(mark.this))

    def is_null(self, node: exp.Expression, depth: int) -> sql.Node:
        self.only(node, "this", "expression")
        if type(node.expression) is not exp.Null:
            self.refuse("IS compares with NULL only; write x = TRUE", node)
        return sql.IsNull(self.build(node.this, depth + 1), position=_place(node))

    def case(self, node: exp.Expression, depth: int) -> sql.Node:
        self.only(node, "this", "ifs", "default")
        before = self.size
        subject = node.this and self.build(node.this, depth + 1)
        written, branches = self.size - before, []
        for branch in node.args["ifs"]:
            self.size += written
            if self.size > MAX_NODES:
                self.refuse(f"CASE written out for each WHEN has over {MAX_NODES:,} parts", node)
            self.only(branch, "this", "true")
            when, then = (self.build(branch.args.get(key), depth + 1) for key in ("this", "true"))
            branches.append((sql.Comparison("=", subject, when) if subject else when, then))
        default = node.args.get("default")
        otherwise = self.build(default, depth + 1) if default is not None else sql.Literal(None)
        return sql.Case(tuple(branches), otherwise, position=_place(node))


_HANDLERS: dict[type[exp.Expression], Callable[[_Builder, exp.Expression, int], sql.Node]] = {
    exp.And: _Builder.both,
    exp.Between: _Builder.between,
    exp.Boolean: _Builder.boolean,
    exp.Case: _Builder.case,
    exp.Cast: _Builder.cast,
    exp.Column: _Builder.column,
    exp.Escape: _Builder.escape,
    exp.In: _Builder.member,
    exp.Is: _Builder.is_null,
    exp.Like: _Builder.like,
    exp.Literal: _Builder.constant,
    exp.Neg: _Builder.negative,
    exp.Not: _Builder.negation,
    exp.Null: _Builder.null,
    exp.Or: _Builder.either,
}


def _named(node: Any) -> str:
    """Name what was refused, in words."""
    for kind, words in _REFUSED.items():
        if isinstance(node, kind):
            return words
    if isinstance(node, exp.Anonymous):
        return f"the function {str(node.this)[:40]}"
    if isinstance(node, exp.Func):
        return f"the function {node.sql_name().lower()}"
    return "this"
