"""The data-generating process: context, schema, causal graph and task, as one object.

MALLM-GAN (arXiv 2406.10521), section 3.2. The graph is acyclic by construction: nothing makes a
`CausalGraph` with a cycle, and an edit that would bring one in is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any, Literal, Self

import yaml

from tablewright.display import shown
from tablewright.errors import InputError
from tablewright.markup import Markup, element, panel, points
from tablewright.schema import suggest

Edge = tuple[str, str]
Belief = tuple[str, str, float]
"""A cause, its effect, and how likely the edge is held to be: 0 never, 1 for certain."""

DEFAULT_TASK = (
    "Write accurate, convincing rows. Take the columns in the order of the graph: causes first, "
    "then what follows from them."
)


@dataclass(frozen=True)
class Edit:
    """One change of a graph: an edge from a cause to an effect that comes, goes or turns."""

    action: Literal["add", "drop", "reverse"]
    cause: str
    effect: str

    def __str__(self) -> str:
        return f"{self.action} {self.cause} -> {self.effect}"


@dataclass(frozen=True)
class CausalGraph:
    """Columns, and for each the columns that it depends on directly.

    Parameters
    ----------
    parents : mapping of str to sequence of str
        Every column is a key.

    Raises
    ------
    InputError
        If a parent is no column, or columns depend on each other in a circle.

    Examples
    --------
    >>> graph = CausalGraph({"smokes": [], "age": [], "ill": ["smokes", "age"]})
    >>> graph.order
    ('smokes', 'age', 'ill')
    >>> graph.edit([Edit("drop", "age", "ill")]).edges
    (('smokes', 'ill'),)
    """

    parents: Mapping[str, Sequence[str]]

    def __post_init__(self) -> None:
        names = list(self.parents)
        for child, above in self.parents.items():
            for parent in above:
                if parent not in self.parents:
                    raise InputError(
                        f"causal graph: {parent!r}, a cause of {child!r}, is no column"
                        f"{suggest(parent, names)}"
                    )
        cleaned = {name: tuple(dict.fromkeys(self.parents[name])) for name in names}
        object.__setattr__(self, "parents", cleaned)
        try:
            TopologicalSorter(cleaned).prepare()
        except CycleError as error:
            circle = " -> ".join(map(str, reversed(error.args[1])))
            raise InputError(
                f"causal graph: columns depend on each other in a circle: {circle}"
            ) from None

    @classmethod
    def from_edges(cls, columns: Sequence[str], edges: Iterable[Edge]) -> Self:
        """Make a graph of (cause, effect) pairs."""
        parents: dict[str, list[str]] = {name: [] for name in columns}
        for cause, effect in edges:
            if effect not in parents:
                raise InputError(f"causal graph: {effect!r} is no column{suggest(effect, columns)}")
            parents[effect].append(cause)
        return cls(parents)

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns, in the order of the table."""
        return tuple(self.parents)

    @property
    def edges(self) -> tuple[Edge, ...]:
        """Pairs of a cause and its effect, by effect."""
        return tuple((cause, effect) for effect, above in self.parents.items() for cause in above)

    @property
    def order(self) -> tuple[str, ...]:
        """All columns, every cause before its effects, otherwise as in the table."""
        done: list[str] = []
        left = list(self.parents)
        while left:
            name = next(name for name in left if set(self.parents[name]) <= set(done))
            done.append(name)
            left.remove(name)
        return tuple(done)

    def depth(self) -> dict[str, int]:
        """Return for each column how many causes stand above it, one above the other."""
        depth: dict[str, int] = {}
        for name in self.order:
            depth[name] = 1 + max((depth[cause] for cause in self.parents[name]), default=-1)
        return depth

    def edit(self, edits: Iterable[Edit]) -> CausalGraph:
        """Return the graph after some changes, made one after the other.

        Raises
        ------
        InputError
            If an edit names no column or no edge, or brings in a circle.
        """
        edges = list(self.edges)
        for edit in edits:
            pair = (edit.cause, edit.effect)
            if edit.action == "add":
                edges += [] if pair in edges else [pair]
            elif pair not in edges:
                raise InputError(f"causal graph: cannot {edit}: there is no such edge")
            else:
                edges.remove(pair)
                edges += [pair[::-1]] if edit.action == "reverse" else []
        return CausalGraph.from_edges(self.columns, edges)

    def difference(self, other: CausalGraph) -> list[Edit]:
        """Return the edits that make this graph of another one."""
        mine, theirs = set(self.edges), set(other.edges)
        edits = []
        for cause, effect in sorted(mine | theirs):
            if (cause, effect) in theirs - mine:
                if (effect, cause) in mine:
                    edits.append(Edit("reverse", cause, effect))
                else:
                    edits.append(Edit("drop", cause, effect))
            elif (cause, effect) in mine - theirs and (effect, cause) not in theirs:
                edits.append(Edit("add", cause, effect))
        return edits

    def as_data(self) -> dict[str, dict[str, list[str]]]:
        """Return the form that prompts and files have: a column, and its parents."""
        return {name: {"parents": list(above)} for name, above in self.parents.items()}

    @classmethod
    def from_data(cls, data: Any, columns: Sequence[str]) -> CausalGraph:
        """Read what `as_data` gives; columns that are not named have no parents.

        Raises
        ------
        InputError
            If the data are of another form, or no acyclic graph of these columns.
        """
        if not isinstance(data, Mapping):
            raise InputError('causal graph: give {"column": {"parents": [...]}, ...}')
        parents: dict[str, list[str]] = {name: [] for name in columns}
        for child, entry in data.items():
            above = entry.get("parents", ()) if isinstance(entry, Mapping) else entry
            if child not in parents:
                raise InputError(
                    f"causal graph: {child!r} is no column{suggest(str(child), columns)}"
                )
            if not isinstance(above, list | tuple) or not all(isinstance(p, str) for p in above):
                raise InputError(f"causal graph: the parents of {child!r} are a list of columns")
            parents[child] = list(above)
        return cls(parents)

    def to_svg(self) -> str:
        """Draw the graph, causes above their effects, as one SVG element."""
        return _draw(self)


@dataclass(frozen=True)
class Process:
    """What is believed of how the rows come about; graph and task are what training changes.

    Parameters
    ----------
    graph : CausalGraph
    context : str, default=""
        How the data were collected, in one to three sentences.
    task : str
        What whoever writes rows is told to do.
    unsupported : tuple of (str, str), default=()
        Edges that somebody proposed and the real rows do not support.
    priors : sequence of (str, str, float), default=()
        What is known of edges before: cause, effect, and how likely it is, from 0 to 1. An edge of
        1 is always in the graph, one of 0 never; the others count where a graph is searched.

    Examples
    --------
    >>> process = Process(CausalGraph({"age": [], "ill": ["age"]}), "Patients of a clinic.")
    >>> print(process.render())
    Context: Patients of a clinic.
    Causal graph: {"age": {"parents": []}, "ill": {"parents": ["age"]}}
    Task: Write accurate, convincing rows. Take the columns in the order of the graph: causes first,
    then what follows from them.
    """

    graph: CausalGraph
    context: str = ""
    task: str = DEFAULT_TASK
    unsupported: tuple[Edge, ...] = field(default=(), compare=False)
    priors: tuple[Belief, ...] = ()

    def __post_init__(self) -> None:
        priors = tuple(_belief(one) for one in self.priors)
        object.__setattr__(self, "priors", priors)
        for cause, effect, _ in priors:  # one by one: as a whole they may contradict each other
            CausalGraph.from_edges(self.graph.columns, [(cause, effect)])
        CausalGraph.from_edges(self.graph.columns, [(a, b) for a, b, share in priors if share == 1])

    def keeps_priors(self) -> bool:
        """Whether the graph has all edges that are certain, and none that never are."""
        edges = self.graph.edges
        return all(
            ((a, b) in edges) == (share == 1) for a, b, share in self.priors if share in (0, 1)
        )

    def render(self) -> str:
        """Write the process as a person reads it."""
        graph = json.dumps(self.graph.as_data(), ensure_ascii=False)
        lines = [f"Context: {self.context}"] if self.context else []
        lines += [f"Causal graph: {graph}", f"Task: {self.task}"]
        lines += [f"Known of edges: {'; '.join(self.known())}"] if self.priors else []
        if self.unsupported:
            named = ", ".join(f"{cause} -> {effect}" for cause, effect in self.unsupported)
            lines.append(f"Not supported by the data: {named}")
        return "\n".join(lines)

    def known(self) -> list[str]:
        """Say what is held of edges before rows are seen."""
        words = {0.0: "never", 1.0: "for certain"}
        return [
            f"{cause} -> {effect}: {words.get(share, f'{share:.0%} likely')}"
            for cause, effect, share in self.priors
        ]

    def _repr_html_(self) -> str:
        unsupported = [f"not supported by the data: {a} -> {b}" for a, b in self.unsupported]
        return panel(
            "Process that the rows come of",
            *filter(None, [self.context, self.task, points(self.known())]),
            *filter(None, [points(unsupported, "warning")]),
            Markup(self.graph.to_svg()),
        )

    def compare(self, before: Process) -> list[str]:
        """Say what differs from an earlier process, a line for each change."""
        lines = [str(edit) for edit in self.graph.difference(before.graph)]
        lines += [f"task: {self.task}"] if self.task != before.task else []
        lines += [f"context: {self.context}"] if self.context != before.context else []
        return lines

    def revised(self, edits: Iterable[Edit] = (), task: str | None = None) -> Process:
        """Return the process after edits of the graph, and with another task."""
        return replace(self, graph=self.graph.edit(edits), task=self.task if task is None else task)

    def as_data(self) -> dict[str, Any]:
        """Return the process as plain data."""
        data: dict[str, Any] = {"context": self.context, "task": self.task}
        data["graph"] = self.graph.as_data()
        lists = {"priors": self.priors, "unsupported": self.unsupported}
        return data | {name: [list(one) for one in some] for name, some in lists.items() if some}

    @classmethod
    def from_data(cls, data: Any, columns: Sequence[str]) -> Process:
        """Read what `as_data` gives; what is left out has its default.

        Raises
        ------
        InputError
            If the data are no process of a table with these columns.
        """
        known = {"context": "", "task": DEFAULT_TASK, "graph": {}, "priors": [], "unsupported": []}
        if not isinstance(data, Mapping) or set(data) - set(known):
            raise InputError(
                "a process has the keys context, task, graph, priors and unsupported, no others"
            )
        data = {**known, **data}
        if not isinstance(data["context"], str) or not isinstance(data["task"], str):
            raise InputError("context and task of a process are texts")
        graph = CausalGraph.from_data(data["graph"], columns)
        edges = [edge for edge in data["unsupported"] or () if tuple(edge) in graph.edges]
        priors = data["priors"] or ()
        if not isinstance(priors, list | tuple):
            raise InputError("the priors of a process are a list of [cause, effect, share]")
        unsupported = tuple((a, b) for a, b in edges)
        return cls(graph, data["context"], data["task"], unsupported, tuple(priors))

    @classmethod
    def of(cls, process: Any, columns: Sequence[str], left_out: Sequence[str] = ()) -> Process:
        """Take a process, its plain data, or the file of one, without columns that are left out.

        Such are columns that are constant in the rows at hand, and identifiers.
        """
        known = [*columns, *left_out]
        if isinstance(process, str | Path):
            process = cls.load(process, known)
        elif isinstance(process, Mapping):
            process = cls.from_data(process, known)
        edges = [edge for edge in process.graph.edges if set(edge) <= {*columns}]
        edges += [edge for edge in process.graph.edges if not set(edge) <= {*known}]
        graph = CausalGraph.from_edges(columns, edges)
        priors = tuple(one for one in process.priors if {*one[:2]} <= {*columns})
        return cls(graph, process.context, process.task, priors=priors)

    def supported_but(self, edges: Iterable[Edge]) -> Process:
        """Return the process with the edges named that the real rows do not support."""
        return replace(self, unsupported=tuple(edges))

    def save(self, path: str | Path) -> None:
        """Write the process as YAML that a person can edit."""
        data = self.as_data()
        text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
        if yaml.safe_load(text) != data:  # PyYAML reads some breaks of Unicode as line feeds
            text = yaml.safe_dump(data, sort_keys=False)
        Path(path).write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path, columns: Sequence[str]) -> Process:
        """Read a process that `save` or a person wrote.

        Raises
        ------
        InputError
            If the file is no process of a table with these columns.
        """
        try:
            data = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}") from None
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise InputError(f"{path}: not YAML: {str(error).splitlines()[0]}") from None
        try:
            return cls.from_data(data, columns)
        except InputError as error:
            raise InputError(f"{path}: {error}") from None


def _belief(one: Any) -> Belief:
    """Check one prior."""
    try:
        cause, effect, share = one
        share = float(share)
    except (TypeError, ValueError):
        share = -1.0
    if not 0 <= share <= 1:
        raise InputError(
            f"priors of a process: {one!r} is no cause, effect and share from 0 to 1, such as "
            "('age', 'income', 0.8)"
        )
    return str(cause), str(effect), share


# the picture --------------------------------------------------------------------------

_WIDTH, _HEIGHT, _GAP_X, _GAP_Y = 120, 32, 24, 48
_HEAD = Markup(
    '<defs><marker id="arrowhead" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
    'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="currentColor"/></marker></defs>'
)


def _draw(graph: CausalGraph) -> str:
    depth = graph.depth()
    rows: dict[int, list[str]] = {}
    for name in graph.order:
        rows.setdefault(depth[name], []).append(name)
    widest = max(map(len, rows.values()), default=1)
    width = widest * (_WIDTH + _GAP_X) + _GAP_X
    height = len(rows) * (_HEIGHT + _GAP_Y)
    corner: dict[str, tuple[float, float]] = {}
    for level, names in rows.items():
        margin = (width - len(names) * (_WIDTH + _GAP_X) + _GAP_X) / 2
        for index, name in enumerate(names):
            corner[name] = (margin + index * (_WIDTH + _GAP_X), level * (_HEIGHT + _GAP_Y) + 8)
    return str(
        element(
            "svg",
            element("title", f"Causal graph: {len(graph.edges)} edges"),
            _HEAD,
            [_arrow(corner[cause], corner[effect]) for cause, effect in graph.edges],
            [_box(name, *corner[name]) for name in graph.order],
            xmlns="http://www.w3.org/2000/svg",
            viewBox=f"0 0 {width} {height}",
            width=width,
            height=height,
            role="img",
            font_family="sans-serif",
            font_size=12,
        )
    )


def _arrow(cause: tuple[float, float], effect: tuple[float, float]) -> Markup:
    x1, y1 = cause[0] + _WIDTH / 2, cause[1] + _HEIGHT
    x2, y2 = effect[0] + _WIDTH / 2, effect[1]
    bend = (y2 - y1) / 2
    curve = f"M{x1:g} {y1:g}C{x1:g} {y1 + bend:g} {x2:g} {y2 - bend:g} {x2:g} {y2:g}"
    return element(
        "path", d=curve, fill="none", stroke="currentColor", marker_end="url(#arrowhead)"
    )


def _box(name: str, x: float, y: float) -> Markup:
    place = {"x": f"{x:g}", "y": f"{y:g}", "width": _WIDTH, "height": _HEIGHT}
    middle = {"x": f"{x + _WIDTH / 2:g}", "y": f"{y + _HEIGHT / 2 + 4:g}"}
    return element(
        "g",
        element("title", name),
        element("rect", **place, rx=6, fill="none", stroke="currentColor"),
        element("text", shown(name, 17), **middle, text_anchor="middle", fill="currentColor"),
    )
