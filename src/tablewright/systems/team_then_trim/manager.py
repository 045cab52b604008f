"""The manager: decides once for a table who writes which columns, and in what order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from tablewright.errors import ModelError
from tablewright.llm.endpoint.base import LLM, Prompt
from tablewright.llm.prompts.builder import sharing_of
from tablewright.llm.prompts.delimiters import delimited
from tablewright.metrics.associations import associations
from tablewright.metrics.encoder import FeatureEncoder
from tablewright.schema import Schema
from tablewright.systems.team_then_trim.plan import MOST_COMPONENTS, Component, Repair, TeamPlan
from tablewright.systems.team_then_trim.plan_reading import read_text, repair
from tablewright.systems.team_then_trim.prompts import EXAMPLE_ROLE, plan_prompt

_ATTEMPTS = 3
_TOUCHED = 1 / 3
"""Share of the columns that repairs may touch; with more the model is asked again."""

_BLOCK = 4


def ask_for_plan(
    llm: LLM,
    schema: Schema,
    *,
    about: str = "",
    table: pl.DataFrame | None = None,
    published: bool = False,
) -> TeamPlan:
    """Ask a model for a plan.

    A plan with small faults is repaired without another call. One that cannot be read, or of
    which more than a third of the columns had to be touched, is asked for again at most
    twice, with the faults. Where none comes, or one that plans nothing (a column a component
    and no parents, or roles that are names of columns), the local plan takes its place.

    Parameters
    ----------
    llm : LLM
    schema : Schema
        The columns to plan, and the label as its target.
    about : str, default=""
        What the table is about.
    table : DataFrame or None, default=None
        The user's rows: described, and ten of them shown, as far as they may leave.
    published : bool, default=False
        Ask for the published form, an order of roles, instead of a graph.

    Returns
    -------
    TeamPlan
        Its `made` is ``"llm"``, ``"repaired"`` or ``"fallback"``.

    Raises
    ------
    ModelError
        If the endpoint cannot be used at all, or a cap was reached.

    References
    ----------
    Zhang, Lin, Bao, Huang: Team, Then Trim, section on the task manager and its prompt. The
    paper does not say what becomes of a plan that is not valid.

    Examples
    --------
    >>> from tablewright.llm.endpoint.scripted import Scripted
    >>> reply = '{"components": [{"role": "demographer", "features": ["age"]}]}'
    >>> schema = Schema.build({"age": "integer", "sex": "categorical", "ill": "boolean"}, "ill")
    >>> plan = ask_for_plan(Scripted([reply] * 3), schema)
    >>> plan.made, plan.features
    ('fallback', ('age', 'sex'))
    """
    features = [name for name in schema.names if name != schema.target]
    prompt = plan_prompt(
        sharing_of(llm),
        schema,
        about,
        table,
        chain(features, schema.target),
        published,
        lambda text: None if read_text(text) else "no plan in the reply",
    )
    faults: list[str] = []
    for attempt in range(_ATTEMPTS):
        plan = _try(llm, _again(prompt, faults, attempt), features, schema.target)
        if isinstance(plan, str):
            faults = [plan]
        elif sum(repair.features for repair in plan.repairs) <= _TOUCHED * len(features):
            fault = judge_plan(plan, features)
            return _replaced(fault, table, schema) if fault else _with_roles(plan, features)
        else:
            faults = [repair.fault for repair in plan.repairs]
    return _replaced("the manager gave no usable plan", table, schema)


def judge_plan(plan: TeamPlan, features: Sequence[str]) -> str:
    """Say why a plan is no plan; "" where it is one."""
    parts = plan.components
    alone = all(len(part.features) == 1 and not part.parents for part in parts)
    if alone and len(parts) > 2:
        return "the manager's plan had one column a component and no parents"
    if len(parts) > 1 and 2 * sum(_is_no_role(part, features) for part in parts) > len(parts):
        return "the roles of the manager's plan were names of columns, or the form's own words"
    return ""


def _is_no_role(part: Component, features: Sequence[str]) -> bool:
    known = {EXAMPLE_ROLE, part.id, *features}
    return part.role.strip().casefold() in {name.strip().casefold() for name in known}


def _with_roles(plan: TeamPlan, features: Sequence[str]) -> TeamPlan:
    """Return a plan whose roles say what each component is about."""
    parts = tuple(
        replace(part, role=_writer(part.features)) if _is_no_role(part, features) else part
        for part in plan.components
    )
    label = "" if plan.label_role.casefold() == EXAMPLE_ROLE else plan.label_role
    return replace(plan, components=parts, label_role=label or "judge of rows")


def _replaced(fault: str, table: pl.DataFrame | None, schema: Schema) -> TeamPlan:
    """Return the plan that takes the place of a model's: by associations, else in table order."""
    if table is not None and table.height:
        plan, remedy = plan_by_association(table, schema), "replaced by one from associations"
    else:
        features = [name for name in schema.names if name != schema.target]
        plan, remedy = chain(features, schema.target), "the columns were taken in table order"
    return replace(plan, made="fallback", repairs=(Repair(fault, remedy),))


def _try(llm: LLM, prompt: Prompt, features: Sequence[str], target: str | None) -> TeamPlan | str:
    """Ask once; return a plan, repaired where need be, or what is wrong with the reply."""
    try:
        draft = read_text(llm.complete(prompt).text)
    except ModelError as error:
        if error.fatal:
            raise
        return "the reply was empty or no JSON"
    if draft is None:
        return "the reply was not JSON of the form asked for"
    return repair(draft, features, target)


def _again(prompt: Prompt, faults: Sequence[str], attempt: int) -> Prompt:
    if not faults:
        return prompt
    listed = "\n".join(f"- {fault}" for fault in faults[:20])
    message = replace(
        prompt.messages[-1],
        content=f"{prompt.messages[-1].content}\n\nYour last plan had these faults:\n"
        + delimited(listed),
    )
    return prompt.but(messages=(*prompt.messages[:-1], message), seed=attempt)


def chain(features: Sequence[str], target: str | None = None) -> TeamPlan:
    """Plan columns in table order, in blocks of four, each after all before it.

    With more than 32 columns the blocks are larger, so that there are eight.

    Examples
    --------
    >>> [part.features for part in chain(["a", "b", "c", "d", "e"]).components]
    [('a', 'b', 'c', 'd'), ('e',)]
    """
    size = max(_BLOCK, -(-len(features) // MOST_COMPONENTS))
    blocks = [tuple(features[at : at + size]) for at in range(0, len(features), size)]
    parts = tuple(
        Component(f"c{n}", _writer(block), block, tuple(f"c{m}" for m in range(1, n)))
        for n, block in enumerate(blocks, 1)
    )
    return TeamPlan(parts, f"expert on {target}" if target else "", "fallback")


def _writer(block: Sequence[str]) -> str:
    return f"writer of {', '.join(block[:3])}{' and others' if len(block) > 3 else ''}"


def plan_by_association(train: pl.DataFrame, schema: Schema) -> TeamPlan:
    """Plan columns without a model: groups of associated ones, the most connected group first.

    Columns stand in one group where their mean association is larger than chance makes it in
    so many rows (two standard errors of a correlation); those that go with no other make up
    one group. A group follows the earlier ones that it is associated with.

    Parameters
    ----------
    train : DataFrame of shape (n_rows, n_columns)
        Typed rows.
    schema : Schema
        The columns to plan, and the label as its target.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> a, c = rng.normal(size=200), rng.normal(size=200)
    >>> table = pl.DataFrame({"a": a, "b": a + rng.normal(size=200), "c": c, "d": -c})
    >>> schema = Schema.build({name: "continuous" for name in "abcd"})
    >>> print(plan_by_association(table, schema))
    plan: local, 2 components
      c1  writer of a, b: a, b
      c2  writer of c, d: c, d
    """
    columns = [column for column in schema.each() if column.name != schema.target]
    part = Schema(columns=columns)
    strength = np.abs(associations(FeatureEncoder.fit(train, part).rows(train)))
    bound = min(0.9, 2.0 / np.sqrt(max(train.height, 1)))
    groups = _groups(strength, bound)
    links = np.array([[strength[np.ix_(a, b)].max() for b in groups] for a in groups])
    parts = []
    order = _by_connection(links)
    for index, at in enumerate(order):
        block = tuple(columns[j].name for j in groups[at])
        before = [n for n, other in enumerate(order[:index]) if links[at, other] > bound]
        parents = tuple(f"c{n + 1}" for n in before)
        parts.append(Component(f"c{index + 1}", _writer(block), block, parents))
    label = f"expert on {schema.target}" if schema.target else ""
    return TeamPlan(tuple(parts), label, "local")


def _groups(strength: NDArray[np.float64], bound: float) -> list[list[int]]:
    """Group columns whose mean association is above the bound; the isolated ones together."""
    n_columns = len(strength)
    if n_columns == 1:
        return [[0]]
    apart = np.clip(1.0 - strength, 0.0, 1.0)
    np.fill_diagonal(apart, 0.0)
    tree = linkage(squareform(apart, checks=False), "average")
    names = fcluster(tree, 1.0 - bound, "distance")
    groups = [np.flatnonzero(names == name).tolist() for name in dict.fromkeys(names)]
    isolated = [
        group[0] for group in groups if len(group) == 1 and _is_isolated(strength, group[0], bound)
    ]
    groups = [group for group in groups if group[0] not in isolated]
    groups += [isolated] if isolated else []
    if len(groups) > MOST_COMPONENTS:
        names = fcluster(tree, MOST_COMPONENTS, "maxclust")
        groups = [np.flatnonzero(names == name).tolist() for name in dict.fromkeys(names)]
    return groups


def _is_isolated(strength: NDArray[np.float64], column: int, bound: float) -> bool:
    return bool(np.delete(strength[column], column).max(initial=0.0) <= bound)


def _by_connection(links: NDArray[np.float64]) -> list[int]:
    """Begin with the group that is associated the most, go on with the closest to those done."""
    links = links - np.diag(np.diag(links))
    order = [int(links.sum(axis=1).argmax())]
    while len(order) < len(links):
        left = [at for at in range(len(links)) if at not in order]
        order.append(max(left, key=lambda at: links[at, order].max()))
    return order
