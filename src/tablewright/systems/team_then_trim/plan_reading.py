"""Read a team's plan from whatever was written, and repair it without asking again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from tablewright.display import shown
from tablewright.errors import InputError
from tablewright.llm.rows.lenient_json import find_containers
from tablewright.schema import suggest
from tablewright.systems.common.edits import edit_distance
from tablewright.systems.team_then_trim.plan import MOST_COMPONENTS, Component, Repair, TeamPlan

_NEAR = 2
"""Edits between a column and a name that is taken for it, at most."""

_LONGEST = 100
_MAX_PARTS = 50
_MAX_NAMES = 1_000


@dataclass
class Draft:
    """A plan as it was written: names may be wrong, columns missing, parents unknown."""

    parts: list[Component]
    label_role: str = ""
    chained: bool = False


def read_plan(source: Any, features: Sequence[str], target: str | None = None) -> TeamPlan:
    """Take a plan that a person wrote.

    Parameters
    ----------
    source : TeamPlan, mapping or path
        A plan; what `TeamPlan.to_dict` gives, or the published form; or a JSON or YAML file of
        either.
    features : sequence of str
        The columns that the team writes, without the label.
    target : str or None, default=None
        The label.

    Raises
    ------
    InputError
        If it is no plan of these columns; names the column or component.

    Examples
    --------
    >>> plan = read_plan({"components": [{"role": "all", "features": ["a", "b"]}]}, ["a", "b"])
    >>> plan.components[0].id, plan.made
    ('c1', 'given')
    >>> read_plan({"components": [{"role": "all", "features": ["a"]}]}, ["a", "b"])
    Traceback (most recent call last):
    tablewright.errors.InputError: plan: column 'b' is in no component
    """
    written = source.to_dict() if isinstance(source, TeamPlan) else source
    if isinstance(written, str | Path):
        written = _read_file(Path(written))
    draft = read_draft(written)
    if draft is None:
        raise InputError(
            "plan: it has neither 'components' (each with 'role', 'features' and 'parents') nor "
            "'Roles' and 'Relationship'"
        )
    plan = repair(draft, features, target)
    if plan.repairs:
        first = plan.repairs[0]
        wrong = first.fault.partition("'")[2].partition("'")[0]
        hint = suggest(wrong, features) if "is no column" in first.fault else ""
        raise InputError(f"plan: {first.fault}{hint}")
    return replace(plan, made="given")


def _read_file(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"plan: {path} cannot be read ({error.strerror})") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"plan: {path} is neither JSON nor YAML") from error


def read_text(text: str) -> Draft | None:
    """Find a plan in a reply; None where there is none.

    Examples
    --------
    >>> draft = read_text('Sure: {"Roles": {"Role1": {"Name": "A", "Features": "x, y"}}, '
    ...     '"Relationship": {"Order 1": "Role1"}}')
    >>> draft.parts[0].role, draft.parts[0].features
    ('A', ('x, y',))
    """
    for value, _, _ in find_containers(text, "{"):
        for inner in _objects(value):
            if (draft := read_draft(inner)) is not None:
                return draft
    return None


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        yield value
        for part in value.values():
            yield from _objects(part)
    elif isinstance(value, list):
        for part in value:
            yield from _objects(part)


def read_draft(value: Any) -> Draft | None:
    """Read the graph form or the published form; None where it is neither."""
    if not isinstance(value, Mapping):
        return None
    try:
        if "components" in value:
            return _Graph.model_validate(value).draft()
        return _Published.model_validate(value).draft() if "Roles" in value else None
    except ValidationError:
        return None


def _as_names(value: Any) -> Any:
    """Make a list of names of what stands for one: a list, or text with commas."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return list(value)
    if isinstance(value, list):
        named = [item.get("name", "") if isinstance(item, Mapping) else item for item in value]
        return [str(item) for item in named if isinstance(item, str | int | float)]
    return [] if value is None else value


def _as_text(value: Any) -> Any:
    if isinstance(value, Mapping):
        value = value.get("role", value.get("Name", ""))
    return "" if value is None else shown(" ".join(str(value).split()), _LONGEST)


_Names = Annotated[list[str], BeforeValidator(_as_names)]
_Text = Annotated[str, BeforeValidator(_as_text)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore")
    id: _Text = ""
    role: _Text = ""
    features: _Names = []
    parents: _Names = []


class _Graph(BaseModel):
    model_config = ConfigDict(extra="ignore")
    components: list[_Part]
    label: _Text = ""

    def draft(self) -> Draft:
        parts = [
            Component(part.id, part.role, tuple(part.features), tuple(part.parents))
            for part in self.components
        ]
        return Draft(parts, self.label)


class _Role(BaseModel):
    model_config = ConfigDict(extra="ignore")
    Name: _Text = ""
    Features: _Names = []


def _as_order(value: Any) -> Any:
    return list(value.values()) if isinstance(value, Mapping) else value


class _Published(BaseModel):
    model_config = ConfigDict(extra="ignore")
    Roles: dict[str, _Role]
    Relationship: Annotated[_Names, BeforeValidator(_as_order)] = []

    def draft(self) -> Draft:
        """Put the roles into their order: each follows all before it."""
        keys = {_fold(key): key for key in self.Roles}
        names = {_fold(role.Name): key for key, role in self.Roles.items()}
        listed = [keys.get(_fold(name)) or names.get(_fold(name)) for name in self.Relationship]
        order = list(dict.fromkeys([*(key for key in listed if key), *self.Roles]))
        parts = []
        for index, key in enumerate(order):
            role = self.Roles[key]
            parts.append(Component(key, role.Name, tuple(role.Features), tuple(order[:index])))
        return Draft(parts, chained=True)


def repair(
    draft: Draft,
    features: Sequence[str],
    target: str | None = None,
    max_parts: int = MOST_COMPONENTS,
) -> TeamPlan:
    """Make a valid plan of a draft, and say what that took.

    Parameters
    ----------
    draft : Draft
    features : sequence of str
        The columns; at least one.
    target : str or None, default=None
    max_parts : int, default=8
        Components at most.

    Returns
    -------
    TeamPlan
        `made` is ``"llm"`` where nothing had to be repaired, else ``"repaired"``.

    Examples
    --------
    >>> draft = read_draft({"components": [{"id": 1, "role": "r", "features": "Agee, shoe"}]})
    >>> for one in repair(draft, ["age", "sex"]).repairs: print(one)
    'Agee' is no column: taken for 'age'
    'shoe' is no column: left out
    column 'sex' is in no component: put into one more, at the end
    """
    repairer = _Repairer(list(features), target, draft)
    parts = repairer.merged(
        repairer.acyclic(repairer.owned(repairer.parts())), min(max_parts, len(features))
    )
    result = "repaired" if repairer.repairs else "llm"
    label = repairer.label_role or (f"expert on {shown(target, _LONGEST)}" if target else "")
    return TeamPlan(tuple(parts), label if target else "", result, tuple(repairer.repairs))  # type: ignore[arg-type]  # one of the two words


class _Repairer:
    """Repairs one draft, step by step."""

    def __init__(self, features: list[str], target: str | None, draft: Draft) -> None:
        self.features, self.target, self.draft = features, target, draft
        self.repairs: list[Repair] = []
        self.label_role = draft.label_role
        self.left = list(features)
        self.owner: dict[str, str] = {}

    def note(self, fault: str, remedy: str, n_features: int = 0) -> None:
        self.repairs.append(Repair(fault, remedy, n_features))

    def parts(self) -> list[Component]:
        """Settle what each component is called, what it has, and what it follows."""
        result: list[Component] = []
        called: dict[str, str] = {}
        for index, part in enumerate(self.draft.parts[:_MAX_PARTS], 1):
            name = part.id or f"c{index}"
            if name in (one.id for one in result):
                self.note(f"component {name!r} is there twice", "the second one is renamed")
                name = f"{name}/{index}"
            features = self._columns(name, part)
            if not features:
                self._empty(name, part)
                continue
            called.setdefault(_fold(name), name)
            result.append(replace(part, id=name, role=part.role or name, features=features))
        return [replace(part, parents=self._parents(part, result, called)) for part in result]

    def _columns(self, name: str, part: Component) -> tuple[str, ...]:
        mine = []
        for raw in _pieces(part.features, [*self.features, self.target or ""]):
            column = self._match(raw)
            if column == self.target and column is not None:
                if len(part.features) > 1:
                    self.note(f"the label {column!r} is in component {name!r}", "left out", 1)
            elif column in self.owner:
                owner = self.owner[column]
                self.note(
                    f"column {column!r} is in {owner!r} and {name!r}", "the first keeps it", 1
                )
            elif column is not None:
                self.owner[column] = name
                mine.append(column)
        return tuple(mine)

    def _match(self, raw: str) -> str | None:
        """Find the column that a name means."""
        names = [*self.features, *([self.target] if self.target else [])]
        if (raw := _strip(raw)) in names:
            return raw
        same = [name for name in names if _fold(name) == _fold(raw)]
        if len(same) == 1:
            return same[0]
        near = [name for name in names if _is_near(_fold(name), _fold(raw))]
        written = shown(raw, _LONGEST)
        if len(near) == 1:
            self.note(f"{written!r} is no column", f"taken for {near[0]!r}", 1)
            return near[0]
        self.note(f"{written!r} is no column", "left out", 1)
        return None

    def _empty(self, name: str, part: Component) -> None:
        label_alone = [_fold(one) for one in part.features] in ([], [_fold(self.target or "")])
        last = part is self.draft.parts[-1]
        if self.target and label_alone and (part.features or last):
            self.label_role = self.label_role or part.role
        else:
            self.note(f"component {name!r} has no columns", "left out")

    def _parents(
        self, part: Component, found: Sequence[Component], called: Mapping[str, str]
    ) -> tuple[str, ...]:
        roles = Counter(_fold(one.role) for one in found)
        by_role = {_fold(one.role): one.id for one in found if roles[_fold(one.role)] == 1}
        parents: dict[str, None] = {}
        for raw in _pieces(part.parents, [*called, *by_role]):
            parent = called.get(_fold(raw)) or by_role.get(_fold(raw))
            if parent is not None and parent != part.id:
                parents[parent] = None
            elif not self.draft.chained:
                self.note(f"component {part.id!r} follows {shown(raw, _LONGEST)!r}", "left out")
        return tuple(parents)

    def owned(self, parts: list[Component]) -> list[Component]:
        """Put columns that no component has into one more, which follows all others."""
        left = [name for name in self.features if name not in self.owner]
        if not left:
            return parts
        for name in left:
            self.note(f"column {name!r} is in no component", "put into one more, at the end", 1)
        ids = [part.id for part in parts]
        name = next(f"c{n}" for n in range(len(parts) + 1, 10_000) if f"c{n}" not in ids)
        return [*parts, Component(name, "writer of what is left", tuple(left), tuple(ids))]

    def acyclic(self, parts: list[Component]) -> list[Component]:
        """Leave out what closes a circle, in the order of the list."""
        kept: dict[str, tuple[str, ...]] = {part.id: () for part in parts}
        for part in parts:
            for parent in part.parents:
                tried = {**kept, part.id: (*kept[part.id], parent)}
                if _is_acyclic(tried):
                    kept = tried
                else:
                    self.note(
                        f"{part.id!r} and {parent!r} wait for each other", "the former goes first"
                    )
        return [replace(part, parents=kept[part.id]) for part in parts]

    def merged(self, parts: list[Component], most: int) -> list[Component]:
        """Join the last components, where there are too many."""
        if len(parts) <= most:
            return parts
        order = list(TopologicalSorter({p.id: p.parents for p in parts}).static_order())
        parts = sorted(parts, key=lambda part: order.index(part.id))
        first, last = parts[: most - 1], parts[most - 1 :]
        names = tuple(name for part in last for name in part.features)
        ids = {part.id for part in first}
        parents = tuple(dict.fromkeys(p for part in last for p in part.parents if p in ids))
        n_moved = sum(len(part.features) for part in last[1:])
        self.note(
            f"there are {len(parts)} components", f"the last are joined to have {most}", n_moved
        )
        return [*first, replace(last[0], features=names, parents=parents)]


def _is_acyclic(graph: Mapping[str, Sequence[str]]) -> bool:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError:
        return False
    return True


def _pieces(raw: Sequence[str], names: Sequence[str]) -> list[str]:
    """Cut text at its commas, but not inside of a name that has some."""
    known = {_fold(name) for name in names}
    cut: list[str] = []
    for text in raw:
        pieces = [text] if _fold(text) in known else text.split(",", _MAX_NAMES)
        at = 0
        while at < len(pieces) and len(cut) < _MAX_NAMES:
            lengths = range(min(len(pieces) - at, 20), 1, -1)
            n = next((n for n in lengths if _fold(",".join(pieces[at : at + n])) in known), 1)
            cut.append(",".join(pieces[at : at + n]))
            at += n
    return [piece for piece in cut if _strip(piece)]


def _strip(name: str) -> str:
    return name.strip().strip("`'\"“”‘’").strip()


def _fold(name: str) -> str:
    return _strip(name).casefold()


def _is_near(known: str, written: str) -> bool:
    """Whether one name may be a slip of the other; of a short name less may differ."""
    limit = min(_NEAR, len(known) // 2)
    return edit_distance(known, written, limit) <= limit
