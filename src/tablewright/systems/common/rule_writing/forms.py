"""The kinds of rules that a model may write: an example of each of this table, and their schema."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tablewright.llm.rows.json_rows import closed_object
from tablewright.llm.rows.raw_rows import match_names
from tablewright.rules import as_rules
from tablewright.rules.expressions.unparse import quote
from tablewright.schema import Kind, Schema

MAX_RULES = 40
"""Rules that one reply may have; what comes after them is not read."""

_FEW, _EACH = 4, 2
"""Rules asked for, and for each column: small models repeat themselves up to whatever limit."""

_NUMBERS = (Kind.CONTINUOUS, Kind.INTEGER)
_MOMENTS = (Kind.DATE, Kind.DATETIME)
_MAX_TEXT, _MAX_LIST = 200, 8
"""Characters of a text, entries of a list: small models go on with one until they are cut off."""

_TEXT = {"type": "string", "maxLength": _MAX_TEXT}
_NUMBER = {"type": "number"}
_TOKEN = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|\w+""")


def rule_examples(schema: Schema) -> list[dict[str, Any]]:
    """Return a rule of each kind that this table can have; as an answer each is an echo.

    Examples
    --------
    >>> schema = Schema.build({"age": "integer", "job": "categorical"})
    >>> [rule["kind"] for rule in rule_examples(schema)]
    ['check', 'range', 'implies', 'forbid', 'quota', 'conditional', 'fd', 'unique']
    """
    return [rule for rule in _examples(schema) if rule]


def _examples(schema: Schema) -> Iterator[dict[str, Any]]:
    numbers = [column.name for column in schema.each() if column.kind in _NUMBERS]
    words = [column.name for column in schema.each() if not column.kind.is_numeric]
    moments = [column.name for column in schema.each() if column.kind in _MOMENTS]
    if numbers:
        number = quote(numbers[0])
        yield {"kind": "check", "expression": f"{number} >= 1"}
        yield {"kind": "range", "column": numbers[0], "min": 1, "max": 2}
        if words:
            word = f"{quote(words[0])} = 'a value'"
            yield {"kind": "implies", "if": word, "then": f"{number} >= 1"}
            yield {"kind": "forbid", "all": [f"{number} < 1", word]}
    if len(numbers) > 1:
        first, second = numbers[:2]
        yield {"kind": "formula", "column": first, "expression": f"2 * {quote(second)}"}
        terms = [{"column": first, "factor": 1}, {"column": second, "factor": -2}]
        yield {"kind": "linear", "terms": terms, "op": "<=", "value": 0}
    ordered = moments if len(moments) > 1 else numbers
    if len(ordered) > 1:
        yield {"kind": "order", "columns": ordered[:2]}
    if words:
        yield {"kind": "quota", "where": f"{quote(words[0])} = 'a value'", "share": [0.1, 0.2]}
        shares = [{"value": "a value", "share": 0.5}, {"value": "another", "share": 0.5}]
        yield {"kind": "conditional", "given": "TRUE", "column": words[0], "dist": shares}
    if len(schema) > 1:
        yield {"kind": "fd", "from": [schema.names[0]], "to": schema.names[1]}
    yield {"kind": "unique", "columns": schema.names[:1]}


def echoes(schema: Schema) -> frozenset[str]:
    """Return what the examples say, so that a reply that repeats one is no answer."""
    plain = [with_maps(rule) for rule in rule_examples(schema)]
    return frozenset(rule.described() for rule in as_rules(plain))


def with_maps(rule: Mapping[str, Any]) -> dict[str, Any]:
    """Return a rule with mappings where a reply has lists: a closed schema has no free keys."""
    result = dict(rule)
    for name, key, value in (("terms", "column", "factor"), ("dist", "value", "share"),
                             ("pairs", "value", "goes with")):  # fmt: skip
        items = result.get(name)
        if isinstance(items, list) and all(isinstance(i, Mapping) and key in i for i in items):
            result[name] = {str(item[key]): item.get(value) for item in items}
    return result


def with_names(rule: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
    """Return a rule with the names of columns as the table spells them."""
    result = dict(rule)
    for key in ("column", "to", "on", "attribute"):
        if isinstance(result.get(key), str):
            result[key] = match_names([result[key]], schema.names).get(result[key], result[key])
    for key in ("columns", "from"):
        if isinstance(result.get(key), list):
            names = [str(name) for name in result[key]]
            meant = match_names(names, schema.names)
            result[key] = [meant.get(name, name) for name in names]
    for key in ("expression", "expr", "check", "if", "then", "a", "b", "where", "given"):
        if isinstance(result.get(key), str):
            result[key] = _spelled(result[key], schema.names)
    if isinstance(result.get("all"), list):
        result["all"] = [_spelled(str(text), schema.names) for text in result["all"]]
    return result


def _spelled(expression: str, names: Sequence[str]) -> str:
    """Write the columns of an expression as the table spells them."""

    def replaced(match: re.Match[str]) -> str:
        token = match[0]
        follows = expression[match.end() :].lstrip()[:1]
        if token.startswith("'") or token in names or follows in ("(", "'") or token.isupper():
            return token
        column = match_names([token.strip('"')], names).get(token.strip('"'))
        return token if column is None else quote(column)

    return _TOKEN.sub(replaced, expression)


def reply_schema(schema: Schema, repair: bool = False) -> dict[str, Any]:
    """Return the JSON Schema of a reply; the columns that it names are those of the table."""
    column = {"enum": schema.names}
    some = _list(column, min(_MAX_LIST, len(schema)))
    texts = _list(_TEXT, _MAX_LIST)
    term = closed_object({"column": column, "factor": _NUMBER})
    share = closed_object({"value": _TEXT, "share": _NUMBER})
    fields: dict[str, dict[str, Any]] = {
        "check": {"expression": _TEXT},
        "implies": {"if": _TEXT, "then": _TEXT},
        "iff": {"a": _TEXT, "b": _TEXT},
        "forbid": {"all": texts},
        "range": {"column": column, "min": _bound(schema), "max": _bound(schema)},
        "order": {"columns": {**some, "minItems": 2}},
        "linear": {"terms": _list(term, _MAX_LIST),
                   "op": {"enum": ["<=", "<", ">=", ">", "="]}, "value": _NUMBER},
        "formula": {"column": column, "expression": _TEXT, "tolerance": _NUMBER},
        "fd": {"from": some, "to": column},
        "unique": {"columns": some},
        "quota": {"where": _TEXT, "share": {"type": "array", "items": _NUMBER, "minItems": 2,
                                            "maxItems": 2}},
        "conditional": {"given": _TEXT, "column": column, "dist": _list(share, _MAX_LIST)},
    }  # fmt: skip
    number = {"number": {"type": "integer", "minimum": 1}} if repair else {}
    last = {"severity": {"enum": ["hard", "soft"]}, "confidence": _NUMBER}
    kinds = [
        closed_object({**number, "why": _TEXT, "kind": {"enum": [kind]}, **own, **last})
        for kind, own in fields.items()
    ]
    rules = {"type": "array", "items": {"anyOf": kinds}, "maxItems": n_asked(schema)}
    return closed_object({"rules": rules})


def n_asked(schema: Schema) -> int:
    """Return how many rules a reply is asked for at most."""
    return min(MAX_RULES, _FEW + _EACH * len(schema.names))


def _list(entry: dict[str, Any], longest: int) -> dict[str, Any]:
    return {"type": "array", "items": entry, "minItems": 1, "maxItems": longest}


def _bound(schema: Schema) -> dict[str, Any]:
    moments = any(column.kind in _MOMENTS for column in schema.each())
    return {"type": ["number", "string", "null"] if moments else ["number", "null"]}


def grammar(schema: Schema) -> str:
    """Say how rules are written, by examples of columns that this table has."""
    lines = "\n".join(json.dumps(rule, ensure_ascii=False) for rule in rule_examples(schema))
    return f"""\
A rule is a JSON object of one of these kinds. Expressions are SQL conditions on the columns: \
= <> < <= > >= BETWEEN IN LIKE IS NULL, AND OR NOT, + - * / and brackets; text in single quotes, \
names with blanks or hyphens in double quotes, dates as DATE '2020-01-31'. These show the form \
alone; they are no rules of the table:
{lines}
Every rule also has "why" (one sentence), "severity" ("hard": every row keeps it; "soft": most do) \
and "confidence" (0 to 1)."""
