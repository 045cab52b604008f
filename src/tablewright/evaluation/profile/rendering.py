"""A profile on the terminal and in a notebook."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from tablewright.display import console as safe_console
from tablewright.display import printable
from tablewright.markup import element, listing, panel
from tablewright.schema import Dialect

if TYPE_CHECKING:
    from tablewright.evaluation.profile.models import ColumnProfile, Finding, Profile

MAX_SAID = 3
HEADS = ("column", "kind", "sure", "missing", "distinct", "values")


def print_profile(profile: Profile, console: Console | None = None) -> None:
    """Print a profile: the columns, then what looks wrong, then where the rows come from."""
    (console or safe_console()).print(render_profile(profile))


def render_profile(profile: Profile) -> RenderableType:
    """Lay out a profile for a terminal; nothing that the data hold is taken for mark-up."""
    heads = [Text(_size(profile), style="bold"), *map(Text, map(printable, _facts(profile)))]
    findings = list(_say_findings(profile)) or [Text("nothing looks wrong")]
    origin = Text(printable(f"Origin: {profile.provenance}."))
    return Group(*heads, _columns(profile), Text(""), *findings, Text(""), origin)


def profile_panel(profile: Profile) -> str:
    """Lay out a profile for a notebook."""
    found = [
        element("li", element("b", finding.topic), f": {finding.sentence}", class_=finding.severity)
        for finding in profile.findings
    ]
    return panel(
        _size(profile),
        *_facts(profile),
        listing(HEADS, (_cells(column, profile.n_rows) for column in profile.columns)),
        element("ul", found) if found else "nothing looks wrong",
        f"Origin: {profile.provenance}.",
    )


def _size(profile: Profile) -> str:
    return f"{profile.n_rows:,} rows, {profile.n_columns} columns"


def _facts(profile: Profile) -> list[str]:
    """Return what is known of target and file, a line each."""
    facts = []
    if profile.target:
        facts.append(f"target: {profile.target}")
    elif profile.likely_target:
        facts.append(f"likely target: {profile.likely_target} ({profile.why_target})")
    return [*facts, f"written with {_dialect(profile)}"] if profile.dialect else facts


def _dialect(profile: Profile) -> str:
    marks = {"0", "0.0", "0.00"}
    formats = [
        f"{column.name} as {column.format}"
        for column in profile.columns
        if column.format and column.format not in marks and column.kind != "identifier"
    ]
    return ", ".join([str(Dialect(**(profile.dialect or {}))), *formats[:8]])


def _columns(profile: Profile) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in HEADS:
        right = head in ("sure", "missing", "distinct")
        table.add_column(head, justify="right" if right else "left", overflow="fold")
    for column in profile.columns:
        table.add_row(*(Text(printable(cell)) for cell in _cells(column, profile.n_rows)))
    return table


def _cells(column: ColumnProfile, n_rows: int) -> list[str]:
    missing = column.n_missing / max(n_rows, 1)
    return [
        column.name,
        column.kind,
        f"{column.confidence:.0%}",
        f"{missing:.1%}" if column.n_missing else "",
        f"{column.n_distinct:,}",
        _values(column),
    ]


def _values(column: ColumnProfile) -> str:
    numbers = column.numbers
    if "median" in numbers:
        return " · ".join(f"{numbers[key]:g}" for key in ("minimum", "median", "maximum"))
    if numbers:
        return f"{numbers['minimum']} to {numbers['maximum']}"
    shown = [f"{_short(value)} {count:,}" for value, count in column.top[:3]]
    return ", ".join(shown) + (", ..." if column.n_distinct > len(shown) and shown else "")


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 24 else text[:23] + "\N{HORIZONTAL ELLIPSIS}"


def _say_findings(profile: Profile) -> Iterator[Text]:
    """Say each finding, and of many on one topic the first three."""
    topics = Counter(finding.topic for finding in profile.findings)
    declared: Counter[str] = Counter()
    for finding in profile.findings:
        declared[finding.topic] += 1
        if declared[finding.topic] <= MAX_SAID or topics[finding.topic] == MAX_SAID + 1:
            yield _say(finding)
        elif declared[finding.topic] == topics[finding.topic]:
            n_more = topics[finding.topic] - MAX_SAID
            yield Text(f"... and {n_more} more on {finding.topic} (--json lists all)", "dim")


def _say(finding: Finding) -> Text:
    style = "yellow" if finding.severity == "warning" else "dim"
    line = Text(f"{finding.severity}: {finding.topic}: ", style=style)
    return line.append(printable(finding.sentence))
