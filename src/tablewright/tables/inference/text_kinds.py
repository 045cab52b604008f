"""Kinds of columns that came as text: what the cells spell, and what that makes the column."""

from __future__ import annotations

import polars as pl

from tablewright.errors import InputError
from tablewright.schema import Column, Kind
from tablewright.tables.encoding.patterns import find_pattern
from tablewright.tables.inference import cells
from tablewright.tables.inference.casting import typed_series
from tablewright.tables.inference.dates import find_date_format, parse_dates
from tablewright.tables.inference.durations import find_span_format, parse_spans
from tablewright.tables.inference.guess import Guess
from tablewright.tables.inference.sentinels import VAGUE_TEXTS
from tablewright.tables.inference.value_kinds import guess_numbers, is_named_like_a_key

__all__ = ["guess_text", "read_as"]

_ADDRESS = r"^\S+@\S+\.\S+$"

MOSTLY = 0.9
"""From this share of numbers on, other text among them is stray and not a category."""


def guess_text(series: pl.Series, sentinels: tuple[object, ...] = ()) -> Guess:
    """Guess the kind of a column of text."""
    present = cells.without_missing(series, also=sentinels)
    strict = cells.without_missing(present, vague=True)
    values = strict.drop_nulls()
    guess = _guess_spelled(series.name, strict, values) if len(values) else None
    if guess is None:
        guess = _guess_words(present)
    return guess.but(sentinels=_markers(series, guess.values) + guess.sentinels)


def _markers(series: pl.Series, kept: pl.Series | None) -> tuple[str, ...]:
    """Texts that were read as missing, the most frequent first, then vague ones that were kept."""
    assert kept is not None
    dropped = series.filter(kept.is_null() & series.is_not_null()).value_counts(sort=True)
    if kept.dtype != pl.String:
        return tuple(dropped[series.name].to_list())
    vague = kept.drop_nulls().unique().sort()
    vague = vague.filter(vague.str.strip_chars().str.to_lowercase().is_in(sorted(VAGUE_TEXTS)))
    return (*dropped[series.name].to_list(), *vague.to_list())


def _guess_spelled(name: str, texts: pl.Series, values: pl.Series) -> Guess | None:
    """Take text for what it spells: numbers, truth values, dates; None for plain words."""
    if comma := cells.find_comma(values):
        plain = _guess_number_text(
            cells.without_comma(texts, comma), cells.without_comma(values, comma)
        )
        return plain.but(format=comma + (plain.format or ""))
    is_number = cells.spells_number(values)
    if is_number.all() and not cells.spells_code(values).any():
        return _guess_number_text(texts, values)
    if cells.spells_booleans(values):
        spelled = {text.lower(): text for text in values.unique().to_list()}
        parsed = cells.parse_booleans(texts)
        return Guess(
            Kind.BOOLEAN,
            why="the values are true and false",
            values=parsed,
            format=f"{spelled['true']}/{spelled['false']}",
        )
    # polars types a mean or minimum as any value; here it is a number
    share = float(is_number.mean() or 0.0)  # type: ignore[arg-type]
    if MOSTLY <= share < 1:
        return _guess_stray(name, texts, is_number, values)
    if form := find_span_format(values):
        why = f"written as {form}: spans of time or times of day"
        return Guess(Kind.TIMEDELTA, 0.9, why, parse_spans(texts, form), format=form)
    return _guess_dates(texts, values)


def _guess_number_text(texts: pl.Series, values: pl.Series) -> Guess:
    numbers = cells.parse_numbers(texts, texts.name)
    if numbers.dtype.is_float() and numbers.is_infinite().any():
        row = int(numbers.is_infinite().fill_null(False).arg_max() or 0)
        raise InputError(
            f"column {texts.name!r}, row {row}: the value is infinite; replace it by a number "
            "or leave the cell empty"
        )
    guess = guess_numbers(numbers)
    return guess.but(format=guess.format or cells.number_style(values))


def _guess_stray(
    name: str, texts: pl.Series, is_number: pl.Series, values: pl.Series
) -> Guess | None:
    """Settle a column of numbers with some other text in it."""
    strays = values.filter(~is_number).value_counts(sort=True)
    words = strays[name].to_list()
    # polars types a mean or minimum as any value; here it is a number
    if len(words) <= 3 and strays["count"].min() >= 3:  # type: ignore[operator]
        rest = cells.without_missing(texts, also=words)
        guess = _guess_number_text(rest, rest.drop_nulls())
        why = f"numbers, with {', '.join(map(repr, words))} as a code among them"
        return guess.but(confidence=0.7, why=why)
    if len(strays) <= max(3, 0.02 * len(values)):
        row = int((texts == words[0]).arg_max() or 0)
        raise InputError(
            f"column {name!r} mixes numbers and text: row {row} holds {words[0]!r}; correct the "
            f"cell, or say in the schema 'sentinels: [{words[0]}]' or 'kind: categorical'"
        )
    return None


def _guess_dates(texts: pl.Series, values: pl.Series) -> Guess | None:
    found = find_date_format(values)
    if found is None:
        return None
    parsed = parse_dates(texts, found.text)
    kind = Kind.DATETIME if found.is_moment else Kind.DATE
    if found.rival is None:
        return Guess(kind, 0.98, f"written as {found.text}", parsed, format=found.text)
    why = f"written as {found.text}, though {found.rival} reads every value as well"
    return Guess(kind, 0.5, why, parsed, format=found.text)


def _guess_words(texts: pl.Series) -> Guess:
    """Tell categories, identifiers and prose apart."""
    values = texts.drop_nulls()
    n_values, n = values.n_unique(), len(values)
    if not n:
        return Guess(Kind.CONSTANT, values=texts)
    if n_values == 1 and n == len(texts):
        return Guess(Kind.CONSTANT, why="every row has the same value", values=texts)
    if n_values > 0.5 * n and n >= 10 and values.str.contains(_ADDRESS).all():
        return Guess(Kind.IDENTIFIER, 0.9, "every value is an e-mail address", texts)
    # polars types a mean or minimum as any value; here it is a number
    words = float(values.str.count_matches(r"\S+").mean() or 0)  # type: ignore[arg-type]
    if n_values == n and n >= 10:
        return _guess_unique(texts, values, words)
    if words > 4 and n_values > 0.5 * n and n > 20:
        return Guess(Kind.TEXT, 0.9, f"{words:.0f} words a value, seldom repeated", texts)
    confidence = 0.95 if n_values <= max(20, 0.05 * n) else 0.75 if n_values <= 0.5 * n else 0.5
    return Guess(Kind.CATEGORICAL, confidence, f"{n_values} different texts in {n} rows", texts)


def _guess_unique(texts: pl.Series, values: pl.Series, words: float) -> Guess:
    pattern = find_pattern(values)
    named = is_named_like_a_key(texts.name)
    if pattern is not None or (named and words < 2):
        why = "every row has a text of its own" + (f" of the form {pattern}" if pattern else "")
        return Guess(Kind.IDENTIFIER, 0.95 if named else 0.8, why, texts, format=pattern)
    if words > 4:
        return Guess(Kind.TEXT, 0.95, f"{words:.0f} words a value, none repeated", texts)
    return Guess(Kind.TEXT, 0.6, "every row has a text of its own", texts)


def read_as(
    series: pl.Series, kind: Kind, sentinels: tuple[object, ...], form: str | None
) -> Guess:
    """Read text as the kind that a person named."""
    present = cells.without_missing(series, also=sentinels, vague=kind.is_numeric)
    values = present.drop_nulls()
    if kind.is_numeric:
        form = form or _find_form(values, kind)
        # a list of texts is a list of cells, which mypy holds to be invariant
        column = Column(name=series.name, kind=kind, format=form, sentinels=list(sentinels))  # type: ignore[arg-type]
        parsed = typed_series(series, column)
        return Guess(kind, values=parsed, sentinels=_markers(series, present), format=form)
    if kind.is_discrete and len(values):
        spelled = _guess_discrete(series.name, present, values)
        if spelled is not None:
            return spelled.but(kind=kind, sentinels=_markers(series, present))
    if kind is Kind.IDENTIFIER and len(values):
        form = form or find_pattern(values)
    return Guess(kind, values=present, sentinels=_markers(series, present), format=form)


def _find_form(values: pl.Series, kind: Kind) -> str | None:
    if kind in (Kind.CONTINUOUS, Kind.INTEGER):
        comma = cells.find_comma(values)
        plain = cells.without_comma(values, comma)
        whole = kind is Kind.CONTINUOUS and not plain.str.contains(".", literal=True).any()
        return comma + ("%g" if whole else cells.number_style(plain) or "") or None
    if kind is Kind.TIMEDELTA:
        return find_span_format(values)
    found = find_date_format(values)
    return None if found is None else found.text


def _guess_discrete(name: str, present: pl.Series, values: pl.Series) -> Guess | None:
    if not cells.spells_number(values).all() or cells.spells_code(values).any():
        return None
    numbers, style = cells.parse_numbers(present, name), cells.number_style(values)
    return Guess(Kind.CATEGORICAL, values=numbers, format=style)
