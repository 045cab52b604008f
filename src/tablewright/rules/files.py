"""Rules files: YAML, JSON and SQL in, YAML and JSON out, and the JSON Schema of the language."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from sqlglot import exp, parse
from sqlglot.errors import SqlglotError

from tablewright.errors import ExpressionError, RuleError
from tablewright.rules.expressions.parsing import parse_tree
from tablewright.rules.expressions.unparse import quote, shortened, unparse
from tablewright.rules.language import Check, Rule, Rules, Unique
from tablewright.schema import suggest

MAX_SQL_CHARACTERS = 200_000


def looks_like_sql(text: str) -> bool:
    """Return whether text starts like a ``CREATE TABLE``."""
    return text.lstrip().lower().startswith("create")


def read_sql(text: str) -> Rules:
    """Read CHECK, NOT NULL, UNIQUE and PRIMARY KEY of one ``CREATE TABLE``; nothing is run.

    Raises
    ------
    RuleError
        If the text is not one CREATE TABLE, or a constraint is not of our language.

    Examples
    --------
    >>> rules = read_sql("CREATE TABLE t (age INT CHECK (age >= 18), id INT PRIMARY KEY)")
    >>> [rule.described() for rule in rules]
    ['age >= 18', 'no two rows have the same id', 'id IS NOT NULL']
    """
    if len(text) > MAX_SQL_CHARACTERS:
        raise RuleError(f"the SQL is longer than {MAX_SQL_CHARACTERS:,} characters")
    try:
        statements = [part for part in parse(text) if part is not None]
    except (SqlglotError, RecursionError) as error:
        raise RuleError(f"the SQL is not understood: {error}") from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Create):
        raise RuleError("an SQL rules file holds one CREATE TABLE and nothing else")
    definition = statements[0].this
    if not isinstance(definition, exp.Schema):
        raise RuleError("the CREATE TABLE lists no columns")
    rules = [rule for part in definition.expressions for rule in _constraints(part)]
    return Rules(rules=rules)


def _constraints(part: Any) -> list[Rule]:
    """Return the rules of a column definition or of a table constraint."""
    if isinstance(part, exp.ColumnDef):
        column = str(part.this.this)
        result = (constraint.args.get("kind") for constraint in part.constraints)
        return [rule for kind in result for rule in _of_column(column, kind)]
    if isinstance(part, exp.Constraint):
        created = [rule for inner in part.expressions for rule in _constraints(inner)]
        return [
            rule.model_copy(update={"name": str(part.this.this)}) for rule in created[:1]
        ] + created[1:]
    if isinstance(part, exp.CheckColumnConstraint):
        return [_check(part.this)]
    if isinstance(part, exp.PrimaryKey):
        return _key([_column_name(item) for item in part.expressions])
    if isinstance(part, exp.UniqueColumnConstraint) and isinstance(part.this, exp.Schema):
        return [Unique(columns=[_column_name(item) for item in part.this.expressions])]
    return []


def _of_column(column: str, kind: Any) -> list[Rule]:
    if isinstance(kind, exp.CheckColumnConstraint):
        return [_check(kind.this)]
    if isinstance(kind, exp.NotNullColumnConstraint) and not kind.args.get("allow_null"):
        return [Check(expression=f"{quote(column)} IS NOT NULL")]
    if isinstance(kind, exp.PrimaryKeyColumnConstraint):
        return _key([column])
    if isinstance(kind, exp.UniqueColumnConstraint):
        return [Unique(columns=[column])]
    return []


def _key(columns: list[str]) -> list[Rule]:
    missing = [Check(expression=f"{quote(column)} IS NOT NULL") for column in columns]
    return [Unique(columns=columns), *missing]


def _column_name(node: Any) -> str:
    result = node.find(exp.Identifier) if not isinstance(node, exp.Identifier) else node
    return str(result.this)


def _check(node: exp.Expression) -> Rule:
    text = node.sql()
    try:
        return Check(expression=unparse(parse_tree(text)))
    except ExpressionError as error:
        raise RuleError(f"CHECK ({text}) is not a rule of our language: {error.message}") from error


MAX_CHARACTERS = 2_000_000
_KINDS = (
    *("check", "implies", "iff", "forbid", "range", "order", "linear"),
    *("align", "formula", "fd", "conditional", "quota", "unique"),
)


class _Loader(yaml.SafeLoader):
    """YAML in which only true and false are truth values: yes, no, on and off are text."""

    # PyYAML reads this attribute of the class
    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [
            (tag, pattern)
            for tag, pattern in resolvers
            if tag != "tag:yaml.org,2002:bool" or first in "tTfF"
        ]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a rules file.

    Examples
    --------
    >>> json_schema()["title"]
    'Rules'
    """
    schema = Rules.model_json_schema(by_alias=True)
    listed = schema["properties"]["rules"]
    expression = {"type": "string", "description": "an expression that every row meets"}
    listed["items"] = {"anyOf": [expression, listed["items"]]}
    return schema


def as_rules(source: Any) -> Rules:
    """Return rules from rules, a path, text of expressions, mappings or a whole document.

    Raises
    ------
    RuleError
        Names the rule and what is wrong with it.

    Examples
    --------
    >>> len(as_rules(["age >= 18", "age < 100"]))
    2
    """
    match source:
        case None:
            return Rules()
        case Rules():
            return source
        case Path():
            return read_rules(source)
        case str():
            return _from_data([source])
        case dict():
            return _from_data(source if "rules" in source else [source])
        case Sequence():
            return _from_data(list(source))
        case _:
            raise RuleError(f"rules are a path, a list or a mapping, not {type(source).__name__}")


def read_rules(path: str | Path) -> Rules:
    """Read a rules file: YAML, JSON, or SQL with ``CREATE TABLE ... CHECK``.

    Raises
    ------
    RuleError
        If the file cannot be read, is not a rules file, or a rule in it is not one.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RuleError(f"the rules file {str(path)!r} cannot be read: {error}") from error
    if len(text) > MAX_CHARACTERS:
        raise RuleError(
            f"the rules file {str(path)!r} is larger than {MAX_CHARACTERS:,} characters"
        )
    if Path(path).suffix.lower() == ".sql" or looks_like_sql(text):
        return read_sql(text)
    return parse_rules(text)


def parse_rules(text: str) -> Rules:
    """Read the text of a rules file, YAML or JSON.

    Raises
    ------
    RuleError
        If the text is not a rules file.

    Examples
    --------
    >>> parse_rules("rules: [age >= 18]").rules[0].expression
    'age >= 18'
    """
    try:
        is_json = text.lstrip().startswith("{")
        data = json.loads(text) if is_json else yaml.load(text, Loader=_Loader)
    except (yaml.YAMLError, json.JSONDecodeError, RecursionError) as error:
        raise RuleError(_unreadable(error, text)) from error
    if data is None:
        return Rules()
    if isinstance(data, dict) and "rules" in data:
        return _from_data(data)
    if isinstance(data, list):
        return _from_data(data)
    raise RuleError("a rules file holds 'rules:' and below it one item per rule")


def _unreadable(error: Exception, text: str) -> str:
    """Say where the text of a rules file breaks, and how its expression is quoted."""
    mark = getattr(error, "problem_mark", None)
    line = mark.line + 1 if mark is not None else getattr(error, "lineno", None)
    at = "" if line is None else f" in line {line}"
    lines = text.splitlines()
    own = lines[line - 1].strip() if line is not None and line <= len(lines) else ""
    item = own.removeprefix("- ") if own.startswith("- ") else '"body mass" > 3'
    return (
        f"the rules are neither YAML nor JSON{at}; an expression that starts with a quote or "
        'another sign of YAML, or holds ": ", stands in quotes: '
        f"- {_yaml_quoted(item)}"
    )


def _yaml_quoted(text: str) -> str:
    return "'" + shortened(text).replace("'", "''") + "'"


def to_yaml(rules: Rules) -> str:
    """Write rules as a YAML file."""
    data = {"version": rules.version, "rules": [_plain(rule) for rule in rules]}
    return str(yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=100))


def to_json(rules: Rules) -> str:
    """Write rules as a JSON file."""
    data = {"version": rules.version, "rules": [_plain(rule) for rule in rules]}
    return json.dumps(data, indent=2, ensure_ascii=False)


def _plain(rule: Rule) -> dict[str, Any]:
    declared = rule.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return {"name": rule.name, "kind": rule.kind} | declared


def _from_data(data: Any) -> Rules:
    document = data if isinstance(data, dict) else {"rules": data}
    try:
        return Rules.model_validate(document)
    except ValidationError as error:
        raise RuleError(_sentence(error, document)) from error


def _sentence(error: ValidationError, document: dict[str, Any]) -> str:
    first = error.errors()[0]
    index = [str(part) for part in first["loc"] if part not in _KINDS]
    message = str(first["msg"]).removeprefix("Value error, ")
    kind = str(first.get("ctx", {}).get("tag", ""))
    if first["type"] == "missing" and (split := _split_by_colon(document, index)):
        message = split
        index = index[:2]
    if first["type"] == "union_tag_invalid":
        message = f"there is no rule kind {kind!r}{suggest(kind, _KINDS)}"
    if first["type"] == "extra_forbidden":
        name = index.pop()
        message = f"there is no field {shortened(name)!r} in this kind of rule"
        if not name.replace("_", "").isalnum():
            message += "; an expression with a comma in it stands in quotes"
    if len(index) >= 2 and index[0] == "rules" and index[1].isdigit():
        return f"{_named(document, int(index[1]))}: {_field(index[2:])}{message}"
    return f"rules file: {_field(index)}{message}"


def _split_by_colon(document: dict[str, Any], index: list[str]) -> str:
    """Say that YAML made a mapping of an expression; "" where it did not."""
    if len(index) < 2 or index[0] != "rules" or not index[1].isdigit():
        return ""
    item = document["rules"][int(index[1])]
    if not isinstance(item, dict) or len(item) != 1 or set(item) & set(Check.model_fields):
        return ""
    [(key, value)] = item.items()
    if str(key).startswith("if "):
        return 'a rule with a premise has two fields: "if: ..." and, below it, "then: ..."'
    if str(key).isidentifier():
        return f"a value is asked for with =, as in {key} = 'x'"
    return (
        f'"{shortened(str(key))}: ..." is a name and a value to YAML; an expression with a colon '
        f"stands in quotes: - {_yaml_quoted(f'{key}: {value}')}"
    )


def _named(document: dict[str, Any], index: int) -> str:
    item = document["rules"][index]
    name = (item.get("name") or item.get("id")) if isinstance(item, dict) else None
    return f"rule {index + 1}" + (f" ({name!r})" if name else "")


def _field(path: list[str]) -> str:
    return f"{'.'.join(path)}: " if path else ""
