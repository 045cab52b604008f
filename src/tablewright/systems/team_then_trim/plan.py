"""Who writes which columns, and in what order: the plan of a team."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from graphlib import TopologicalSorter
from typing import Any, Literal

from tablewright.markup import listing, panel, points

Context = Literal["parents", "ancestors", "all_done"]
"""What a worker is given: columns of the components it follows, of all before, of all done."""

Made = Literal["llm", "repaired", "fallback", "given", "local"]
"""Where a plan comes from: a model, a model after repairs, table order, a person, associations."""

MOST_COMPONENTS = 8
"""Components of a plan at most; the published plans have three."""


@dataclass(frozen=True)
class Component:
    """Columns that one worker writes together.

    Attributes
    ----------
    id : str
        Unique in its plan.
    role : str
        What the worker is told to be.
    features : tuple of str
        Columns it writes.
    parents : tuple of str
        Ids of the components that have to be written before.
    """

    id: str
    role: str
    features: tuple[str, ...]
    parents: tuple[str, ...] = ()


@dataclass(frozen=True)
class Repair:
    """What was wrong with a plan, and what was made of it.

    Attributes
    ----------
    fault, remedy : str
    features : int
        Columns that it touched.
    """

    fault: str
    remedy: str
    features: int = 0

    def __str__(self) -> str:
        return f"{self.fault}: {self.remedy}"


@dataclass(frozen=True)
class TeamPlan:
    """The components of a team, each with the ones that it follows; the label comes last.

    Plans are made by `tablewright.systems.team_then_trim.manager` or written by hand and read by
    `tablewright.systems.team_then_trim.plan_reading.read_plan`, which also check them.

    Parameters
    ----------
    components : tuple of Component
        Together they have every column but the label once.
    label_role : str, default=""
        What the label worker is told to be.
    made : {"llm", "repaired", "fallback", "given", "local"}, default="given"
        Where the plan comes from.
    repairs : tuple of Repair, default=()
        What was changed in what a model wrote.

    References
    ----------
    Zhang, Lin, Bao, Huang: Team, Then Trim, section on the task manager. Published plans are a
    chain; here they are a graph, of which a chain is one.

    Examples
    --------
    >>> plan = TeamPlan((
    ...     Component("c1", "demographer", ("age", "sex")),
    ...     Component("c2", "physician", ("bmi",), ("c1",)),
    ... ), "diagnostician")
    >>> print(plan)
    plan: given, 2 components
      c1  demographer: age, sex
      c2  physician: bmi  (after c1)
      label  diagnostician
    >>> plan.given("c2")
    ('age', 'sex')
    """

    components: tuple[Component, ...]
    label_role: str = ""
    made: Made = "given"
    repairs: tuple[Repair, ...] = ()

    def __getitem__(self, name: str) -> Component:
        return next(part for part in self.components if part.id == name)

    @property
    def features(self) -> tuple[str, ...]:
        """All columns of the components, in their order."""
        return tuple(name for part in self.components for name in part.features)

    def levels(self) -> list[tuple[Component, ...]]:
        """Return components level by level: those of one level do not wait for each other.

        Raises
        ------
        graphlib.CycleError
            If components wait for each other.
        """
        sorter = TopologicalSorter({part.id: part.parents for part in self.components})
        sorter.prepare()
        levels = []
        while sorter.is_active():
            ready = set(sorter.get_ready())
            levels.append(tuple(part for part in self.components if part.id in ready))
            sorter.done(*ready)
        return levels

    def given(self, name: str, context: Context = "ancestors") -> tuple[str, ...]:
        """Return the columns that a component is given, in the order of the plan.

        Parameters
        ----------
        name : str
            Id of the component.
        context : {"parents", "ancestors", "all_done"}, default="ancestors"
            With direct parents alone, as the paper has it, the columns of two grandparents
            may come to contradict each other.
        """
        before = {
            "parents": lambda: set(self[name].parents),
            "ancestors": lambda: self._ancestors(name),
            "all_done": lambda: set(self._done(name)),
        }[context]()
        return tuple(f for part in self.components if part.id in before for f in part.features)

    def _ancestors(self, name: str) -> set[str]:
        result: set[str] = set()
        left = [name]
        while left:
            new = set(self[left.pop()].parents) - result
            result |= new
            left += new
        return result

    def _done(self, name: str) -> Iterator[str]:
        for level in self.levels():
            if any(part.id == name for part in level):
                return
            yield from (part.id for part in level)

    def split(self, local: Sequence[str]) -> TeamPlan:
        """Return the plan with some columns in components of their own.

        Of each component they are written after its other columns, so that what a model
        writes is there when they are drawn.

        Parameters
        ----------
        local : sequence of str
            The columns.

        Examples
        --------
        >>> first, second = Component("c1", "x", ("a", "b")), Component("c2", "y", ("c",), ("c1",))
        >>> plan = TeamPlan((first, second))
        >>> [(part.id, part.features, part.parents) for part in plan.split(["b"]).components]
        [('c1', ('a',), ()), ('c1/local', ('b',), ('c1',)), ('c2', ('c',), ('c1', 'c1/local'))]
        """
        ids = {part.id for part in self.components}
        halves = {part.id: _halves(part, set(local), ids) for part in self.components}
        parts = []
        for part in self.components:
            parents = tuple(half.id for one in part.parents for half in halves[one])
            first, *second = halves[part.id]
            parts.append(replace(first, parents=parents))
            parts += [replace(half, parents=(*parents, first.id)) for half in second]
        return replace(self, components=tuple(parts))

    def chained(self) -> TeamPlan:
        """Return the plan as a total order, in which each component follows all before it.

        Examples
        --------
        >>> plan = TeamPlan((Component("c1", "x", ("a",)), Component("c2", "y", ("b",))))
        >>> plan.chained()["c2"].parents
        ('c1',)
        """
        order = [part for level in self.levels() for part in level]
        parts = [
            replace(part, parents=tuple(before.id for before in order[:index]))
            for index, part in enumerate(order)
        ]
        return replace(self, components=tuple(parts))

    @property
    def notes(self) -> list[str]:
        """What a user should know of the plan, a sentence each."""
        return [self.brief(), *(f"plan, {repair}" for repair in self.repairs[:3])]

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as JSON can hold it; `plan_reading.read_plan` reads it."""
        result: dict[str, Any] = {
            "components": [
                {
                    "id": part.id,
                    "role": part.role,
                    "features": list(part.features),
                    "parents": list(part.parents),
                }
                for part in self.components
            ],
            "label": {"role": self.label_role},
            "made": self.made,
        }
        return {**result, "repairs": [str(repair) for repair in self.repairs]}

    def to_json(self) -> str:
        """Return the plan as text, to be edited and given back."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2)

    def lines(self) -> list[str]:
        """Tell the plan in lines of text."""
        n_parts = len(self.components)
        lines = [f"plan: {self.made}, {n_parts} component{'s' * (n_parts != 1)}"]
        for part in self.components:
            after = f"  (after {', '.join(part.parents)})" if part.parents else ""
            lines.append(f"  {part.id}  {part.role}: {', '.join(part.features)}{after}")
        lines += [f"  label  {self.label_role}"] if self.label_role else []
        return [*lines, *(f"  repaired: {repair}" for repair in self.repairs)]

    def brief(self) -> str:
        """Tell the plan in one line.

        Examples
        --------
        >>> parts = Component("c1", "x", ("a", "b")), Component("c2", "y", ("c",), ("c1",))
        >>> TeamPlan(parts).brief()
        'plan (given): c1 a, b; c2 c after c1'
        """
        parts = [
            f"{part.id} {', '.join(part.features)}"
            + (f" after {', '.join(part.parents)}" if part.parents else "")
            for part in self.components
        ]
        return f"plan ({self.made}): {'; '.join(parts)}"

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def _repr_html_(self) -> str:
        rows = [
            [part.id, part.role, ", ".join(part.features), ", ".join(part.parents)]
            for part in self.components
        ]
        if self.label_role:
            rows.append(["label", self.label_role, "the target", "all"])
        return panel(
            f"Plan of a team ({self.made})",
            listing(("component", "role", "writes", "after"), rows),
            *filter(None, [points(self.repairs)]),
        )


def _halves(part: Component, local: set[str], ids: set[str]) -> list[Component]:
    """Split a component into the columns a model writes, and those it does not."""
    ours = tuple(name for name in part.features if name in local)
    theirs = tuple(name for name in part.features if name not in local)
    if not ours or not theirs:
        return [part]
    name = f"{part.id}/local"
    while name in ids:
        name += "'"
    return [replace(part, features=theirs), replace(part, id=name, features=ours)]
