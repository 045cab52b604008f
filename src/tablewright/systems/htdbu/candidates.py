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

TEXTURES = ("independent", "copula", "trees", "forest", "boosted")
"""Generators from the simplest to the most expensive."""

_CONDITIONS = "max_conditions"
_LEAF, _MIN_LEAF, _DEFAULT_LEAF = "min_samples_leaf", 5, 20
_MIN_WEIGHT = 0.05


@dataclass(frozen=True)
class Config:
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
class Candidate:
    """One step: what is changed, and the setting after it."""

    what: str
    config: Config


def better_textures(config: Config, n_rows: int) -> Iterator[Candidate]:
    """Yield steps towards a better texture, the cheapest first.

    Parameters
    ----------
    config : Config
    n_rows : int
        Real rows that there are to learn from.

    Examples
    --------
    >>> [change.what for change in better_textures(Config("trees", {"max_rows": 100}), 900)][:2]
    ['learn from all 900 rows, not from 100', 'leaves of 10 rows']
    """
    if not config.skeleton_first:
        yield Candidate("draw the skeleton first", replace(config, skeleton_first=True))
    options = _options(config)
    conditions = options.get(_CONDITIONS)
    if conditions is not None:
        for more in (n for n in (12, 20) if n > conditions):
            yield _with(
                config, f"{more} conditioning columns, not {conditions}", {_CONDITIONS: more}
            )
        yield _with(config, "all conditioning columns", {_CONDITIONS: None})
    rows = options.get("max_rows")
    if rows is not None and rows < n_rows:
        what = f"learn from all {n_rows:,} rows, not from {rows:,}"
        yield _with(config, what, {"max_rows": n_rows})
    if _LEAF in options:
        leaf = options[_LEAF] or _DEFAULT_LEAF
        if leaf > _DEFAULT_LEAF:
            yield _with(
                config, f"leaves of {_DEFAULT_LEAF} rows, not {leaf}", {_LEAF: _DEFAULT_LEAF}
            )
        smaller = max(min(leaf, _DEFAULT_LEAF) // 2, _MIN_LEAF)
        if smaller < leaf:
            yield _with(config, f"leaves of {smaller} rows", {_LEAF: smaller})
    known = [name for name in TEXTURES if _is_installed(name)]
    after = known.index(config.texture) + 1 if config.texture in known else len(known)
    for name in known[after:]:
        yield Candidate(
            f"{name} in place of {config.texture}", replace(config, texture=name, options={})
        )


def _is_installed(name: str) -> bool:
    """Whether a generator can be made here; some need an extra."""
    try:
        return name in names("generators") and resolve("generators", name)() is not None
    except MissingExtraError:
        return False


def _with(config: Config, what: str, more: Mapping[str, Any]) -> Candidate:
    return Candidate(what, replace(config, options={**config.options, **more}))


def _options(config: Config) -> dict[str, Any]:
    """Return the options of a texture, those that were not given with their defaults."""
    if config.texture not in names("generators"):
        return dict(config.options)
    known = inspect.signature(resolve("generators", config.texture)).parameters.values()
    return {p.name: p.default for p in known} | dict(config.options)


def relaxed_rules(
    config: Config,
    broken: Mapping[str, float],
    rewrite: Callable[[Rules], Rules | None] | None = None,
) -> Iterator[Candidate]:
    """Yield rules that the data can bear, the worst rule first.

    Hard rules that a person wrote, and declared interventions, stay.

    Parameters
    ----------
    config : Config
    broken : mapping of str to float
        For each rule the share of real rows that break it; for one about shares of the table its
        distance from the real rows.
    rewrite : callable or None, default=None
        Has rules written anew; asked once, last.

    Examples
    --------
    >>> rules = Rules(rules=[{"expression": "age > 60", "source": "mined"}, "age > 17"])
    >>> [change.what for change in relaxed_rules(Config("trees", rules=rules), {"r1": 0.4})]
    ['rule r1 is soft now: 40.0 % of the real rows break it (age > 60)']
    """
    open_rules = [rule for rule in config.rules if rule.relaxable]
    hard = [rule for rule in open_rules if rule.hard and broken.get(rule.name, 0.0) > 0]
    for rule in sorted(hard, key=lambda rule: -broken[rule.name]):
        yield _demoted(config, rule, broken[rule.name])
    soft = {r.name: r.weight for r in open_rules if r.weight is not None and r.weight > _MIN_WEIGHT}
    if soft:
        halved = [
            rule.model_copy(update={"weight": soft[rule.name] / 2}) if rule.name in soft else rule
            for rule in config.rules
        ]
        yield Candidate(
            "the weights of soft rules are halved", replace(config, rules=Rules(rules=halved))
        )
    written = None if rewrite is None else rewrite(config.rules)
    if written is not None:
        yield Candidate("the rules were written anew", replace(config, rules=written))


def _demoted(config: Config, rule: Rule, rate: float) -> Candidate:
    update: dict[str, Any] = {"severity": Severity.SOFT, "probability": 1.0 - min(rate, 1.0)}
    soft = rule.model_copy(update=update)
    rules = [soft if other.name == rule.name else other for other in config.rules]
    if rule.per_row:
        why = f"{100 * rate:.1f} % of the real rows break it"
    else:
        why = f"the real rows are {rate:.3f} from it"
    what = f"rule {rule.name} is soft now: {why} ({rule.described()})"
    return Candidate(what, replace(config, rules=Rules(rules=rules)))
