"""How the stand-in model understands a prompt: what is asked, how, and under which rules."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tablewright.errors import TablewrightError
from tablewright.llm.rows.csv_rows import split_line
from tablewright.llm.rows.lenient_json import find_containers
from tablewright.llm.rows.parser import FORMATS
from tablewright.llm.rows.raw_rows import RawRow, match_names
from tablewright.rules.expressions.expression import Expression, parse
from tablewright.schema import Schema

_DATA = re.compile(r"<data>\n(.*?)\n</data>", re.DOTALL)
_COUNTED = re.compile(r"[Ww]rite (\d+) new rows")
_BEGUN = re.compile(r"These \d+ rows are begun\..*?<data>\n(.*?)\n</data>", re.DOTALL)
_COUNT = re.compile(r"\b(\d{1,4})\s+(?:\w+\s+){0,4}?(?:rows|records|samples|examples|objects)\b")
_GROUP = re.compile(r"^([A-Z]\d*)\.$")
_RULES = 60


@dataclass
class Order:
    """What a prompt asks for.

    Attributes
    ----------
    columns : list of str
        Columns to write, in order.
    form : str
        Name of the row format.
    n_rows : int
        Rows to write.
    given : list of mapping
        For each row the cells that are fixed; empty where there are none.
    examples : list of mapping
        Rows that the prompt shows, cells as they stand there.
    groups : dict of str to list of mapping
        Examples by group letter, for prompts that go on in groups.
    parents : dict of str to list of str, or None
        What depends on what, where the prompt has a graph.
    rules : list of Expression
        Conditions that rows are to meet.
    """

    columns: list[str]
    form: str = "csv"
    n_rows: int = 10
    given: list[Mapping[str, Any]] = field(default_factory=list)
    examples: list[Mapping[str, Any]] = field(default_factory=list)
    groups: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)
    parents: dict[str, list[str]] | None = None
    rules: list[Expression] = field(default_factory=list)


def read_order(text: str, schema: Schema) -> Order:
    """Read a prompt for rows: one of ours, or of a published layout."""
    blocks = [match[1] for match in _DATA.finditer(text)]
    order = _ours(text, blocks, schema) if blocks else None
    order = order or _groups(text, schema) or _foreign(text, schema)
    order.parents = _graph(text, schema)
    order.rules = _rules(text, schema)
    return order


def _ours(text: str, blocks: Sequence[str], schema: Schema) -> Order | None:
    """Read a prompt of `tablewright.llm.rows.task`."""
    described = [value for value, _, _ in find_containers(blocks[0]) if isinstance(value, dict)]
    columns = [str(item["column"]) for item in described if "column" in item]
    columns = [name for name in columns if name in schema]
    if not columns:
        return None
    order = Order(columns, form=_form(text))
    begun = _BEGUN.search(text)
    order.given = _lines(begun[1]) if begun else []
    counted = _COUNTED.search(text)
    order.n_rows = len(order.given) or (int(counted[1]) if counted else 10)
    shown = [block for block in blocks[1:] if begun is None or block != begun[1]]
    shown = [block for block in shown if '"parents": ' not in block]  # a graph is no row
    for block in shown:
        order.examples += _pairs_of(block) if " => " in block else _block_rows(block, schema, order)
    return order


def _lines(block: str) -> list[Mapping[str, Any]]:
    return [json.loads(line) for line in block.splitlines()]


def _pairs_of(block: str) -> list[Mapping[str, Any]]:
    """Read examples of what is given of a row, and of what belongs to it."""
    halves = [line.partition(" => ") for line in block.splitlines()]
    return [{**json.loads(given), **json.loads(own)} for given, _, own in halves]


def _form(text: str) -> str:
    if "JSON list of lists" in text or "nested list" in text:
        return "lists"
    return "csv" if re.search(r"\bCSV\b", text) and "JSON only" not in text else "json"


def _block_rows(block: str, schema: Schema, order: Order) -> list[Mapping[str, Any]]:
    header = [name.strip() for name in split_line(block.splitlines()[0])]
    names = list(match_names(header, schema.names).values())
    if order.form != "csv" or not names:
        names = _keys([value for value, _, _ in find_containers(block)], schema)
    rows = FORMATS[order.form].read(block, names) if names else []
    return [row.cells for row in rows if isinstance(row, RawRow)]


def _keys(value: Any, schema: Schema) -> list[str]:
    """Return the known columns that the objects inside of a value name."""
    if isinstance(value, list):
        return next((keys for part in value if (keys := _keys(part, schema))), [])
    if isinstance(value, dict):
        own = list(match_names([str(key) for key in value], schema.names).values())
        return own or _keys(list(value.values()), schema)
    return []


def _groups(text: str, schema: Schema) -> Order | None:
    """Read a prompt of sets of groups that ends in a bare header (EPIC, RDDG)."""
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    header = split_line(lines[-1]) if lines else []
    names = list(match_names(header, schema.names).values())
    if len(names) < 2 or len(names) != len(header) or lines.count(lines[-1]) < 2:
        return None
    order = Order(names)
    letter = ""
    for line in lines:
        if (group := _GROUP.match(line)) is not None:
            letter = group[1]
        elif letter and len(cells := split_line(line)) == len(names) and cells != header:
            order.groups.setdefault(letter, []).append(dict(zip(names, cells, strict=True)))
    return order if order.groups else None


def _foreign(text: str, schema: Schema) -> Order:
    """Read any other prompt for rows: columns it names, rows it shows, how many it wants."""
    objects = [value for value, _, _ in find_containers(text) if isinstance(value, dict | list)]
    rows = [row for value in objects for row in _flat(value) if len(_keys(row, schema)) > 1]
    named = [name for name in schema.names if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text)]
    columns = _keys(rows, schema) or named or schema.names
    count = [int(match[1]) for match in _COUNT.finditer(text)]
    order = Order(columns, form=_form(text), n_rows=(count or [10])[-1])
    order.examples = [{str(key): value for key, value in row.items()} for row in rows]
    return order


def _flat(value: Any) -> list[Mapping[str, Any]]:
    if isinstance(value, dict):
        inner = [row for part in value.values() for row in _flat(part)]
        return inner or [value]
    return [row for part in value for row in _flat(part)] if isinstance(value, list) else []


def _graph(text: str, schema: Schema) -> dict[str, list[str]] | None:
    """Read the last graph ``{"child": {"parents": [...]}}`` of a prompt."""
    graph: dict[str, list[str]] = {}
    if '"parents"' not in text:
        return None
    for value, _, _ in find_containers(text, "{"):
        for child, facts in _pairs(value):
            if child in schema and isinstance(facts, dict) and "parents" in facts:
                known = [str(name) for name in facts["parents"] or [] if str(name) in schema]
                graph[child] = [name for name in known if name != child]
    return graph or None


def _pairs(value: Any) -> list[tuple[str, Any]]:
    if not isinstance(value, dict):
        return []
    own = [(str(key), part) for key, part in value.items()]
    return own + [pair for part in value.values() for pair in _pairs(part)]


def _rules(text: str, schema: Schema) -> list[Expression]:
    """Find lines that are conditions of our expression language."""
    plain = _DATA.sub("", text)
    candidates = re.findall(r"^\s*(?:[-*]|\d+[.)])\s+(.+?)\s*$", plain, re.MULTILINE)
    rules = []
    for line in [*candidates, *_json_expressions(plain)][:_RULES]:
        try:
            rules.append(parse(line.removesuffix(".").strip("`"), schema))
        except TablewrightError:
            continue
    return rules


def _json_expressions(text: str) -> list[str]:
    result = re.findall(r'"(?:expression|expr|check)":\s*("(?:[^"\\]|\\.)*")', text)
    return [str(json.loads(item)) for item in result]
