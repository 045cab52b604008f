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
from tablewright.llm.prompts.delimiters import fenced
from tablewright.llm.prompts.sharing import Sharing
from tablewright.metrics.associations import associations
from tablewright.metrics.encoder import FeatureEncoder
from tablewright.schema import Schema
from tablewright.systems.team_then_trim.plan import MOST_COMPONENTS, Component, TeamPlan
from tablewright.systems.team_then_trim.plan_reading import mend, read_text
from tablewright.systems.team_then_trim.prompts import plan_prompt

__all__ = ["ask_for_plan", "chain", "plan_by_association"]

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

    A plan with small faults is mended without another call. One that cannot be read, or of
    which more than a third of the columns had to be touched, is asked for again at most
    twice, with the faults; then the columns in table order serve.

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
    sharing = getattr(llm, "sharing", None)
    prompt = plan_prompt(
        sharing if isinstance(sharing, Sharing) else Sharing("rows"),
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
            return plan
        else:
            faults = [repair.fault for repair in plan.repairs]
    return replace(chain(features, schema.target), made="fallback")


def _try(llm: LLM, prompt: Prompt, features: Sequence[str], target: str | None) -> TeamPlan | str:
    """Ask once; return a plan, mended where need be, or what is wrong with the reply."""
    try:
        draft = read_text(llm.complete(prompt).text)
    except ModelError as error:
        if error.fatal:
            raise
        return "the reply was empty or no JSON"
    if draft is None:
        return "the reply was not JSON of the form asked for"
    return mend(draft, features, target)


def _again(prompt: Prompt, faults: Sequence[str], attempt: int) -> Prompt:
    if not faults:
        return prompt
    listed = "\n".join(f"- {fault}" for fault in faults[:20])
    message = replace(
        prompt.messages[-1],
        content=f"{prompt.messages[-1].content}\n\nYour last plan had these faults:\n"
        + fenced(listed),
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
    return f"writer of {', '.join(block[:3])}{', ...' if len(block) > 3 else ''}"


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
    for place, at in enumerate(order):
        block = tuple(columns[j].name for j in groups[at])
        before = [n for n, other in enumerate(order[:place]) if links[at, other] > bound]
        parents = tuple(f"c{n + 1}" for n in before)
        parts.append(Component(f"c{place + 1}", _writer(block), block, parents))
    label = f"expert on {schema.target}" if schema.target else ""
    return TeamPlan(tuple(parts), label, "local")


def _groups(strength: NDArray[np.float64], bound: float) -> list[list[int]]:
    """Group columns whose mean association is above the bound; the lonely ones together."""
    n_columns = len(strength)
    if n_columns == 1:
        return [[0]]
    apart = np.clip(1.0 - strength, 0.0, 1.0)
    np.fill_diagonal(apart, 0.0)
    tree = linkage(squareform(apart, checks=False), "average")
    names = fcluster(tree, 1.0 - bound, "distance")
    groups = [np.flatnonzero(names == name).tolist() for name in dict.fromkeys(names)]
    alone = [
        group[0] for group in groups if len(group) == 1 and _is_alone(strength, group[0], bound)
    ]
    groups = [group for group in groups if group[0] not in alone] + ([alone] if alone else [])
    if len(groups) > MOST_COMPONENTS:
        names = fcluster(tree, MOST_COMPONENTS, "maxclust")
        groups = [np.flatnonzero(names == name).tolist() for name in dict.fromkeys(names)]
    return groups


def _is_alone(strength: NDArray[np.float64], column: int, bound: float) -> bool:
    return bool(np.delete(strength[column], column).max(initial=0.0) <= bound)


def _by_connection(links: NDArray[np.float64]) -> list[int]:
    """Begin with the group that is associated the most, go on with the closest to those done."""
    links = links - np.diag(np.diag(links))
    order = [int(links.sum(axis=1).argmax())]
    while len(order) < len(links):
        left = [at for at in range(len(links)) if at not in order]
        order.append(max(left, key=lambda at: links[at, order].max()))
    return order
