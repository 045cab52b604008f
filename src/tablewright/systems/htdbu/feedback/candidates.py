"""What can be tried: better textures, and milder rules, one step at a time."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tablewright.errors import MissingExtraError
from tablewright.registry import names, resolve
from tablewright.rules import Rules, Severity
from tablewright.rules.language import Rule

__all__ = ["Change", "Setting", "better_textures", "milder_rules"]

TEXTURES = ("independent", "copula", "trees", "forest", "boosted")
"""Generators from the plainest to the dearest."""

_CONDITIONS = "max_conditions"
_LEAF, _LEAST_LEAF, _USUAL_LEAF = "min_samples_leaf", 5, 20
_FORGOTTEN = 0.05


@dataclass(frozen=True)
class Setting:
    """A texture and a template.

    Attributes
    ----------
    texture : str
        Name of the generator.
    options : mapping
        Of the generator.
    skeleton_first : bool
        Whether the columns of the skeleton are drawn before all others.
    rules : Rules
    """

    texture: str
    options: Mapping[str, Any] = field(default_factory=dict)
    skeleton_first: bool = True
    rules: Rules = field(default_factory=Rules)


@dataclass(frozen=True)
class Change:
    """One step: what is changed, and the setting after it."""

    what: str
    setting: Setting


def better_textures(setting: Setting, n_rows: int) -> Iterator[Change]:
    """Yield steps towards a better texture, the cheapest first.

    Parameters
    ----------
    setting : Setting
    n_rows : int
        Real rows that there are to learn from.

    Examples
    --------
    >>> [change.what for change in better_textures(Setting("trees", {"max_rows": 100}), 900)][:2]
    ['learn from all 900 rows, not from 100', 'leaves of 10 rows']
    """
    if not setting.skeleton_first:
        yield Change("draw the skeleton first", replace(setting, skeleton_first=True))
    options = _options(setting)
    conditions = options.get(_CONDITIONS)
    if conditions is not None:
        for more in (n for n in (12, 20) if n > conditions):
            yield _with(
                setting, f"{more} conditioning columns, not {conditions}", {_CONDITIONS: more}
            )
        yield _with(setting, "all conditioning columns", {_CONDITIONS: None})
    rows = options.get("max_rows")
    if rows is not None and rows < n_rows:
        what = f"learn from all {n_rows:,} rows, not from {rows:,}"
        yield _with(setting, what, {"max_rows": n_rows})
    if _LEAF in options:
        leaf = options[_LEAF] or _USUAL_LEAF
        if leaf > _USUAL_LEAF:
            yield _with(setting, f"leaves of {_USUAL_LEAF} rows, not {leaf}", {_LEAF: _USUAL_LEAF})
        smaller = max(min(leaf, _USUAL_LEAF) // 2, _LEAST_LEAF)
        if smaller < leaf:
            yield _with(setting, f"leaves of {smaller} rows", {_LEAF: smaller})
    known = [name for name in TEXTURES if _is_there(name)]
    after = known.index(setting.texture) + 1 if setting.texture in known else len(known)
    for name in known[after:]:
        yield Change(
            f"{name} in place of {setting.texture}", replace(setting, texture=name, options={})
        )


def _is_there(name: str) -> bool:
    """Whether a generator can be made here; some need an extra."""
    try:
        return name in names("generators") and resolve("generators", name)() is not None
    except MissingExtraError:
        return False


def _with(setting: Setting, what: str, more: Mapping[str, Any]) -> Change:
    return Change(what, replace(setting, options={**setting.options, **more}))


def _options(setting: Setting) -> dict[str, Any]:
    """Return the options of a texture, those that were not given with their defaults."""
    if setting.texture not in names("generators"):
        return dict(setting.options)
    known = inspect.signature(resolve("generators", setting.texture)).parameters.values()
    return {p.name: p.default for p in known} | dict(setting.options)


def milder_rules(
    setting: Setting,
    broken: Mapping[str, float],
    rewrite: Callable[[Rules], Rules | None] | None = None,
) -> Iterator[Change]:
    """Yield steps towards rules that the data can bear, the worst rule first.

    Hard rules that a person wrote, and declared interventions, stay.

    Parameters
    ----------
    setting : Setting
    broken : mapping of str to float
        For each rule the share of real rows that break it; for one about shares of the table its
        distance from the real rows.
    rewrite : callable or None, default=None
        Has rules written anew; asked once, last.

    Examples
    --------
    >>> rules = Rules(rules=[{"expression": "age > 60", "source": "mined"}, "age > 17"])
    >>> [change.what for change in milder_rules(Setting("trees", rules=rules), {"r1": 0.4})]
    ['rule r1 is soft now: 40.0 % of the real rows break it (age > 60)']
    """
    open_rules = [rule for rule in setting.rules if rule.relaxable]
    hard = [rule for rule in open_rules if rule.hard and broken.get(rule.name, 0.0) > 0]
    for rule in sorted(hard, key=lambda rule: -broken[rule.name]):
        yield _demoted(setting, rule, broken[rule.name])
    soft = {r.name: r.weight for r in open_rules if r.weight is not None and r.weight > _FORGOTTEN}
    if soft:
        halved = [
            rule.model_copy(update={"weight": soft[rule.name] / 2}) if rule.name in soft else rule
            for rule in setting.rules
        ]
        yield Change(
            "the weights of soft rules are halved", replace(setting, rules=Rules(rules=halved))
        )
    written = None if rewrite is None else rewrite(setting.rules)
    if written is not None:
        yield Change("the rules were written anew", replace(setting, rules=written))


def _demoted(setting: Setting, rule: Rule, rate: float) -> Change:
    update: dict[str, Any] = {"severity": Severity.SOFT, "probability": 1.0 - min(rate, 1.0)}
    soft = rule.model_copy(update=update)
    rules = [soft if other.name == rule.name else other for other in setting.rules]
    if rule.per_row:
        why = f"{100 * rate:.1f} % of the real rows break it"
    else:
        why = f"the real rows are {rate:.3f} from it"
    what = f"rule {rule.name} is soft now: {why} ({rule.described()})"
    return Change(what, replace(setting, rules=Rules(rules=rules)))
