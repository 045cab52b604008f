"""What the stand-in model answers where it is not asked for rows: plans, rules, graphs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tablewright.llm.rows.cells import CellError, read_cell
from tablewright.llm.rows.numbers import readings
from tablewright.schema import Column, Kind, Schema
from tablewright.testing.population import Population

if TYPE_CHECKING:
    from tablewright.testing.stand_in import StandIn

_GUESS = 0.8
"""How far the strength of an edge is misjudged, on a log scale."""


def plan(text: str, model: StandIn, rng: np.random.Generator) -> str | None:
    """Split the columns into a team's components, associated ones together."""
    wants_roles = '"Roles"' in text and '"Relationship"' in text
    if not wants_roles and '"components"' not in text:
        return None
    blocks = _blocks(model.population, _named(text, model))
    if wants_roles and '"components"' not in text:
        return _published_plan(blocks)
    components = [
        {
            "id": f"c{index + 1}",
            "role": f"writer of {block[0]}",
            "features": block,
            "parents": [f"c{index}"] if index else [],
        }
        for index, block in enumerate(blocks)
    ]
    label = {"role": f"writer of {model.population.target or 'the label'}"}
    return json.dumps({"components": components, "label": label}, ensure_ascii=False)


def _published_plan(blocks: Sequence[Sequence[str]]) -> str:
    roles = {
        f"Role{index}": {"Name": f"Writer {index}", "Features": ", ".join(block)}
        for index, block in enumerate(blocks, 1)
    }
    order = {f"Order {index}": f"Role{index}" for index in range(1, len(blocks) + 1)}
    return json.dumps({"Roles": roles, "Relationship": order}, ensure_ascii=False)


def rules(text: str, model: StandIn, rng: np.random.Generator) -> str | None:
    """Propose rules that hold in the population, and with little obedience one that does not."""
    if not re.search(r'"rules"\s*:|`rules`|"rules" array', text):
        return None
    proposed = [rule for column in _columns(text, model) if (rule := _range(column, model))]
    if rng.random() > model.faults.obedience and proposed:
        proposed[0]["max"] = proposed[0]["min"]
    return json.dumps({"rules": proposed}, ensure_ascii=False)


def _range(column: Column, model: StandIn) -> dict[str, Any] | None:
    if column.kind not in (Kind.CONTINUOUS, Kind.INTEGER):
        return None
    numbers = [float(cell) for cell in model.population.cells[column.name] if cell is not None]
    why = "all known values lie there"
    ends = {"min": min(numbers), "max": max(numbers)}
    return {"kind": "range", "column": column.name, **ends, "why": why, "confidence": 0.9}


def graph(text: str, model: StandIn, rng: np.random.Generator) -> str | None:
    """Improve a causal graph: each column's parents are two that tell most of it, by its guess.

    Every reply guesses anew, so that proposals differ; the label comes last.
    """
    if '"parents"' not in text or not re.search(r"[Ss]core|improve|causal graph as JSON", text):
        return None
    if not re.search(r"(edges?|graph).{0,200}(add|drop|revers|improv)", text, re.DOTALL | re.I):
        return None
    names = [column.name for column in _columns(text, model)]
    names.sort(key=lambda name: name == model.population.target)
    result = {
        child: {"parents": _strongest(model.population, child, names[:index], rng)}
        for index, child in enumerate(names)
    }
    edges = [(parent, child) for child, facts in result.items() for parent in facts["parents"]]
    task = "Write accurate rows in which each column follows from its parents."
    if edges:
        parent, child = edges[int(rng.integers(len(edges)))]
        task += f" Mind above all how {child} follows from {parent}."
    return json.dumps({"graph": result, "task": task}, ensure_ascii=False)


def memory(text: str, model: StandIn, rng: np.random.Generator) -> str | None:
    """Answer questions about the user's very rows, as far as it has them by heart."""
    asked = re.search(r"[Cc]ontinue (?:this|the) table with its next (\d+) rows", text)
    recalled = None if asked else _recall(text, model)
    if (asked is None and recalled is None) or rng.random() >= model.faults.memorised:
        return "[]" if recalled is not None else None
    if asked is None:
        return recalled
    lines = [line.strip() for line in model.population.frame.write_csv().splitlines()]
    shown = [index for index, line in enumerate(lines) if line in text and index > 0]
    return "\n".join(lines[shown[-1] + 1 :][: int(asked[1])]) if shown else None


def _recall(text: str, model: StandIn) -> str | None:
    """Name the columns of the table, or rare values of one of them."""
    if "Complete the header" in text:
        return json.dumps(model.population.schema.names, ensure_ascii=False)
    named = re.search(r"rare values of this column.*?<data>\n(.*?)\n</data>", text, re.DOTALL)
    if named is None or named[1] not in model.population.schema:
        return None
    cells = [cell for cell in model.population.cells[named[1]] if cell is not None]
    return json.dumps(sorted(set(cells), key=cells.count)[:10], ensure_ascii=False)


ANSWERS = (memory, plan, rules, graph)


def _named(text: str, model: StandIn) -> list[str]:
    """Return the columns that a prompt names, the label left out."""
    names = [column.name for column in _columns(text, model)]
    return [name for name in names if name != model.population.target] or names


def _columns(text: str, model: StandIn) -> list[Column]:
    schema = model.population.schema
    pattern = r"(?<!\w){}(?!\w)"
    named = [c for c in schema.each() if re.search(pattern.format(re.escape(c.name)), text)]
    return named or list(schema.each())


def _blocks(population: Population, names: Sequence[str]) -> list[list[str]]:
    """Group columns: each block is a column and up to three that tell most of it."""
    left, blocks = list(names), []
    while left:
        head = left.pop(0)
        near = sorted(left, key=lambda name: -population.association(head, name))[:3]
        blocks.append([head, *near])
        left = [name for name in left if name not in near]
    return blocks


def _strongest(
    population: Population, child: str, before: Sequence[str], rng: np.random.Generator
) -> list[str]:
    guess = {
        name: rng.lognormal(0, _GUESS) * population.association(child, name) for name in before
    }
    ranked = sorted(before, key=lambda name: -guess[name])
    return [name for name in ranked[:2] if guess[name] > 0.1]


def population_of(
    rows: Sequence[Mapping[str, Any]], population: Population, names: Sequence[str]
) -> Population:
    """Choose what a group of examples is continued from.

    That is the population's rows of the group's class; the examples themselves where their
    cells are tokens that the population does not know.
    """
    schema = population.schema
    if all(_reads(row[name], schema[name]) for row in rows for name in names):
        return _class_part(rows, population, names)
    columns = {name: _kind_of([str(row[name]) for row in rows]) for name in names}
    local = Schema.build(columns)
    parsed = [{name: _cell(row[name], local[name]) for name in names} for row in rows]
    return Population.of_rows(parsed, local)


def _class_part(
    rows: Sequence[Mapping[str, Any]], population: Population, names: Sequence[str]
) -> Population:
    target = population.target
    if target is None or target not in names:
        return population
    label = read_cell(rows[0][target], population.schema[target], margin=None)
    chosen = [index for index, cell in enumerate(population.cells[target]) if cell == label]
    return Population(population.frame[chosen], population.schema, target)


def _reads(cell: Any, column: Column) -> bool:
    try:
        read_cell(cell, column.model_copy(update={"nullable": True}), margin=None)
    except CellError:
        return False
    return True


def _kind_of(cells: Sequence[str]) -> dict[str, Any]:
    present = [cell for cell in cells if cell]
    if present and all(re.fullmatch(r"-?\d+", cell) for cell in present):
        return {"kind": "integer", "nullable": True}
    numeric = present and all(readings(cell) for cell in present)
    decimals = max((len(cell.partition(".")[2]) for cell in present), default=0)
    facts = {"kind": "continuous", "decimals": decimals} if numeric else {"kind": "text"}
    return {**facts, "nullable": True}


def _cell(raw: Any, column: Column) -> Any:
    if column.kind is Kind.TEXT:
        return str(raw)
    result = readings(str(raw))
    if not result:
        return None
    return int(result[0]) if column.kind is Kind.INTEGER else result[0]
