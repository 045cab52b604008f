"""What kind a column is, guessed from its values: numbers, dates, truth values, words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright.errors import InputError
from tablewright.schema import Column, Dialect, Kind
from tablewright.tables.encoding.patterns import find_pattern
from tablewright.tables.inference import cells
from tablewright.tables.inference.casting import typed_series
from tablewright.tables.inference.times import (
    DIGIT_DATE,
    find_date_format,
    find_duration_format,
    is_digit_date,
    parse_dates,
    parse_durations,
)

Floats = NDArray[np.float64]
Mark = Literal[".", ","]
_OTHER_MARK: dict[str, Mark] = {",": ".", ".": ","}

MAX_SCALE = 10
"""Few numbers, each often: a scale of grades rather than a quantity."""

MOSTLY = 0.9
"""From this share of numbers on, other text among them is stray and not a category."""

EXACT = 2**53
"""Whole numbers up to here are floats without loss; larger ones are never made numbers."""

_KEY_NAME = re.compile(r"(^|[_\W])(id|uuid|guid|key|index|idx|nr|no|row|rowid)$", re.IGNORECASE)
_CAMEL_KEY = re.compile(r"(?<=[a-z])(ID|Id|Key|No)$")
_CODE_NAME = re.compile(r"(zip|post(al)?_?code|plz|area_?code|(^|[_\W])code$)", re.IGNORECASE)
_TIME_NAME = re.compile(r"(year|month|week|day|hour|date|time|age$)", re.IGNORECASE)
_ADDRESS = r"^\S+@\S+\.\S+$"
_COUNTRIES = frozenset(
    re.findall(
        "..",
        "ADAEAFAGAIALAMAOAQARASATAUAWAXAZBABBBDBEBFBGBHBIBJBLBMBNBOBQBRBSBTBVBWBYBZCACCCDCFCGCHCI"
        "CKCLCMCNCOCRCUCVCWCXCYCZDEDJDKDMDODZECEEEGEHERESETFIFJFKFMFOFRGAGBGDGEGFGGGHGIGLGMGNGPGQ"
        "GRGSGTGUGWGYHKHMHNHRHTHUIDIEILIMINIOIQIRISITJEJMJOJPKEKGKHKIKMKNKPKRKWKYKZLALBLCLILKLRLS"
        "LTLULVLYMAMCMDMEMFMGMHMKMLMMMNMOMPMQMRMSMTMUMVMWMXMYMZNANCNENFNGNINLNONPNRNUNZOMPAPEPFPG"
        "PHPKPLPMPNPRPSPTPWPYQARERORSRURWSASBSCSDSESGSHSISJSKSLSMSNSOSRSSSTSVSXSYSZTCTDTFTGTHTJTK"
        "TLTMTNTOTRTTTVTWTZUAUGUMUSUYUZVAVCVEVGVIVNVUWFWSXKYEYTZAZMZWEUUK",
    )
)
"""Codes of ISO 3166-1, and EU and UK."""


@dataclass(frozen=True)
class Guess:
    """What a column was taken for.

    Attributes
    ----------
    kind : Kind
    confidence : float
        From 0 to 1.
    reason : str
        One sentence.
    values : Series or None
        The values read as what they mean, null where missing.
    sentinels : tuple
        Codes found that stand for something else than a value.
    format : str or None
        How the values are spelled.
    note : str
        What a person should know of how they were read or will be written.
    missing : str
        See `Column`.
    """

    kind: Kind
    confidence: float = 1.0
    reason: str = ""
    values: pl.Series | None = None
    sentinels: tuple[Any, ...] = ()
    format: str | None = None
    note: str = ""
    missing: str = "usual"

    def but(self, **changes: Any) -> Guess:
        """Return a copy with some fields changed."""
        return replace(self, **changes)


def is_named_like_a_key(name: str) -> bool:
    """Tell whether a name says that the values tell rows apart: ``patient_id``, ``rowid``."""
    return bool(_KEY_NAME.search(name) or _CAMEL_KEY.search(name))


def guess_values(series: pl.Series) -> Guess:
    """Guess the kind of a column that is not text."""
    dtype = series.dtype
    if dtype == pl.Null:
        return Guess(Kind.CONSTANT, values=series)
    if dtype.is_numeric():
        return guess_numbers(series)
    present = series.drop_nulls()
    if present.n_unique() == 1 and not series.null_count():
        return Guess(Kind.CONSTANT, reason="every row has the same value", values=series)
    if dtype == pl.Boolean:
        return Guess(Kind.BOOLEAN, reason="the data type is boolean", values=series)
    if dtype.is_temporal():
        return _guess_times(series)
    if isinstance(dtype, pl.Enum):
        reason = "the data type lists its values in order"
        return Guess(Kind.ORDINAL, 0.8, reason, series)
    return Guess(Kind.CATEGORICAL, reason="the data type is categorical", values=series)


def _guess_times(series: pl.Series) -> Guess:
    reason = f"the data type is {series.dtype}"
    if series.dtype == pl.Date:
        return Guess(Kind.DATE, reason=reason, values=series)
    if series.dtype in (pl.Duration, pl.Time):
        return Guess(Kind.TIMEDELTA, reason=reason, values=series)
    if (series.drop_nulls().dt.time() == pl.Series([0]).cast(pl.Time)[0]).all():
        reason += " and every value is midnight"
        return Guess(Kind.DATE, 0.95, reason, series)
    return Guess(Kind.DATETIME, reason=reason, values=series)


def guess_numbers(series: pl.Series) -> Guess:
    """Guess the kind of a column of numbers."""
    if isinstance(series.dtype, pl.Decimal) or series.dtype == pl.Float16:
        series = series.cast(pl.Float64)
    if series.dtype.is_float():
        series = series.fill_nan(None)
    present = series.drop_nulls()
    if not len(present):
        return Guess(Kind.CONSTANT, values=series)
    if series.dtype.is_integer() and (present.cast(pl.Float64).abs() >= EXACT).any():
        return _guess_huge(series, present)
    floats = present.cast(pl.Float64).to_numpy()
    distinct = np.unique(floats)
    if len(distinct) == 1 and not series.null_count():
        return Guess(Kind.CONSTANT, reason="every row has the same value", values=series)
    whole = bool(np.all(np.abs(floats) < 2**53) and np.all(floats == np.round(floats)))
    if not whole and not series.dtype.is_integer():
        return _guess_decimals(series, floats, distinct)
    return _guess_whole(series, floats, distinct)


def _guess_huge(series: pl.Series, present: pl.Series) -> Guess:
    """Take whole numbers that a float cannot hold for what keeps all their digits."""
    n_values = present.n_unique()
    if n_values == 1 and not series.null_count():
        return Guess(Kind.CONSTANT, reason="every row has the same value", values=series)
    reason = f"whole numbers beyond {EXACT:,}, of which no digit may be lost"
    kind = Kind.IDENTIFIER if n_values > 0.5 * len(present) else Kind.CATEGORICAL
    return Guess(kind, 0.9, reason, series)


def _guess_decimals(series: pl.Series, floats: Floats, distinct: Floats) -> Guess:
    codes = tuple(find_numeric_sentinels(floats))
    n_values = len(distinct) - len(codes)
    if n_values <= MAX_SCALE and len(floats) >= 20 * n_values:
        reason = f"only {n_values} different numbers, each often"
        return Guess(Kind.ORDINAL, 0.6, reason, series, codes)
    return Guess(Kind.CONTINUOUS, 0.99, "numbers with digits after the point", series, codes)


def _guess_whole(series: pl.Series, floats: Floats, distinct: Floats) -> Guess:
    codes = tuple(int(code) for code in find_numeric_sentinels(floats))
    if len(distinct) <= 2:
        return _guess_pair(series, distinct)
    if is_digit_date(series.drop_nulls()):
        days = parse_dates(series.cast(pl.Int64).cast(pl.String), DIGIT_DATE)
        reason = f"digits that are dates in every row, from {days.min()!s} to {days.max()!s}"
        return Guess(Kind.DATE, 0.9, reason, days, format=DIGIT_DATE)
    key = _guess_key(series, floats, distinct)
    if key is not None:
        return key
    if _CODE_NAME.search(series.name):
        reason = "the name says that the numbers are codes"
        return Guess(Kind.CATEGORICAL, 0.8, reason, series, codes)
    values = distinct[~np.isin(distinct, codes)]
    if _is_scale(floats, values):
        reason = f"only {len(values)} different whole numbers, each often"
        return Guess(Kind.ORDINAL, 0.7, reason, series, codes)
    confidence = 0.95 if len(distinct) > 20 else 0.8
    return Guess(Kind.INTEGER, confidence, "whole numbers", series, codes)


def _is_scale(floats: Floats, values: Floats) -> bool:
    """Tell grades from counts: few values, none of them rare."""
    if len(values) > MAX_SCALE or len(floats) < 5 * len(values):
        return False
    rarest = min(int(np.count_nonzero(floats == value)) for value in values)
    return rarest >= max(2, 0.002 * len(floats))


def _guess_pair(series: pl.Series, distinct: Floats) -> Guess:
    if set(distinct.tolist()) == {0.0, 1.0}:
        return Guess(Kind.BOOLEAN, 0.9, "the values are 0 and 1", series)
    return Guess(Kind.CATEGORICAL, 0.7, f"{len(distinct)} different numbers", series)


def _guess_key(series: pl.Series, floats: Floats, distinct: Floats) -> Guess | None:
    """Take numbers that tell rows apart for an identifier."""
    if len(distinct) < len(series) or len(series) < 10:
        return None
    named = is_named_like_a_key(series.name)
    steps = np.diff(floats)
    counted = bool(np.all(steps == steps[0])) and not _TIME_NAME.search(series.name)
    if not (named or (counted and abs(steps[0]) == 1)):
        return None
    reason = "every row has a number of its own" + (", and they count up" if counted else "")
    return Guess(Kind.IDENTIFIER, 0.95 if named and counted else 0.85, reason, series)


_HIGH = (9, 99, 999, 9999, 99999, 999999, 9999999, 99999999)
_LOW = (-1, -9, -99, -999, -9999, -99999, -999999, -8, -7, -2)


def find_numeric_sentinels(values: NDArray[np.float64]) -> list[float]:
    """Find codes among numbers.

    A code is one of the usual ones (-1, -9, -99, ..., 9, 99, 999, ...), occurs at least
    twice, and either is the smallest or largest value and stands further from the rest than
    half of their range, or is negative where all negative values (three at most) are codes
    and there are more than ten others.

    Parameters
    ----------
    values : ndarray of shape (n_rows,)
        Numbers without NaN.

    Returns
    -------
    list of float
        The codes, ascending.

    Examples
    --------
    >>> find_numeric_sentinels(np.array([0.0, 3, 5, 9, 14, 999, 999]))
    [999.0]
    """
    distinct, counts = np.unique(values, return_counts=True)
    if len(distinct) < 4:
        return []
    n_low = _count_low(distinct, counts)
    codes = list(distinct[:n_low])
    if distinct[-1] in _HIGH and counts[-1] >= 2 and _is_apart(distinct[n_low:][::-1]):
        codes.append(distinct[-1])
    return [float(code) for code in codes]


def _count_low(distinct: NDArray[np.float64], counts: NDArray[np.int64]) -> int:
    """Count the codes at the lower end."""
    n_negative = int((distinct < 0).sum())
    usual = np.isin(distinct[:n_negative], _LOW) & (counts[:n_negative] >= 2)
    if 1 <= n_negative <= 3 and usual.all() and len(distinct) > n_negative + 10:
        return n_negative
    return int(distinct[0] in _LOW and counts[0] >= 2 and _is_apart(distinct))


def _is_apart(outward: NDArray[np.float64]) -> bool:
    """Tell whether the first value is further from the rest than half of their range."""
    rest = abs(outward[1] - outward[-1])
    return bool(abs(outward[0] - outward[1]) > max(rest / 2, 1.0))


# text --------------------------------------------------------------------------------------------


def guess_text(
    series: pl.Series,
    sentinels: tuple[object, ...] = (),
    missing: str = "usual",
    decimal: str | None = None,
) -> Guess:
    """Guess the kind of a column of text."""
    kept = _real_values(series)
    present = cells.without_missing(series, sentinels, missing=missing, kept=kept)
    strict = cells.without_missing(present, vague=missing != "empty", missing=missing, kept=kept)
    values = strict.drop_nulls()
    guess = _guess_spelled(series.name, strict, values, decimal) if len(values) else None
    if guess is None:
        guess = _guess_words(present)
    markers = _markers(series, guess.values)
    doubts = guess.note or _note_on_markers(series, present, guess, kept)
    note = "; ".join(filter(None, (doubts, _note_on_spellings(series, guess.values))))
    result = markers + guess.sentinels
    return guess.but(sentinels=result, missing=missing, note=note)


def _real_values(series: pl.Series) -> tuple[str, ...]:
    """Give "NA" where it is Namibia: every other text is the code of a country."""
    values = series.drop_nulls().unique()
    if len(values) > len(_COUNTRIES) + 2:
        return ()
    others = set(values) - {"NA", ""}
    return ("NA",) if len(others) >= 3 and others <= _COUNTRIES else ()


def _note_on_markers(
    series: pl.Series, present: pl.Series, guess: Guess, kept: tuple[str, ...]
) -> str:
    """Report texts of which one may doubt whether they are values."""
    if kept and (series == "NA").any():
        return "holds 'NA' among codes of countries: taken as Namibia, not as missing"
    if guess.values is None or guess.values.dtype != pl.String:
        return ""
    dropped = series.filter(present.is_null() & series.is_not_null()).unique().sort().to_list()
    doubtful = [text for text in dropped if text.strip() and any(map(str.isalpha, text))]
    if not doubtful:
        return ""
    return (
        f"holds {', '.join(map(repr, doubtful[:3]))}, read as missing; if it is a value, say "
        "'sentinels: []' in the schema"
    )


def _markers(series: pl.Series, kept: pl.Series | None) -> tuple[str, ...]:
    """Texts that were read as missing, the most frequent first, then vague ones that were kept.

    An empty cell stands among them, as an empty text, where it is the most frequent.
    """
    assert kept is not None
    spelled = _by_frequency(series.filter(kept.is_null()).fill_null(""))
    there = set(series.drop_nulls().unique())
    dropped = [text for at, text in enumerate(spelled) if text in there or (text == "" and at == 0)]
    dropped = [] if dropped == [""] and "" not in there else dropped
    if kept.dtype != pl.String:
        return tuple(dropped)
    vague = kept.drop_nulls().unique().sort()
    folded = vague.str.strip_chars().str.to_lowercase()
    return (*dropped, *vague.filter(folded.is_in(sorted(cells.VAGUE_TEXTS))).to_list())


def _note_on_spellings(series: pl.Series, kept: pl.Series | None) -> str:
    """Say which spelling of a missing value new rows have, where there are several."""
    if kept is None:
        return ""
    spelled = _by_frequency(series.filter(kept.is_null()).fill_null(""))
    if len(spelled) < 2:
        return ""
    named = [repr(text) if text.strip() else "an empty cell" for text in spelled]
    return (
        f"says missing in {len(named)} ways ({', '.join(named[:4])}); new rows have {named[0]}, "
        "the most frequent, and rows that are kept stay as they are"
    )


def _by_frequency(texts: pl.Series) -> list[str]:
    counts = texts.alias("text").value_counts(name="n").sort("n", "text", descending=[True, False])
    return [str(text) for text in counts["text"]]


def _guess_spelled(
    name: str, texts: pl.Series, values: pl.Series, decimal: str | None
) -> Guess | None:
    """Take text for what it spells: numbers, truth values, dates; None for plain words."""
    reading = cells.read_number_format(values, decimal)
    if reading is not None:
        return _guess_dressed(texts, values, reading)
    is_number = cells.spells_number(values)
    if is_number.all() and not cells.spells_code(values).any():
        return _guess_number_text(texts, values)
    if cells.spells_booleans(values):
        spelled = {text.lower(): text for text in values.unique().to_list()}
        parsed = cells.parse_booleans(texts)
        return Guess(
            Kind.BOOLEAN,
            reason="the values are true and false",
            values=parsed,
            format=f"{spelled['true']}/{spelled['false']}",
        )
    # polars types a mean or minimum as any value; here it is a number
    share = float(is_number.mean() or 0.0)  # type: ignore[arg-type]
    if MOSTLY <= share < 1:
        return _guess_stray(name, texts, is_number, values)
    if form := find_duration_format(values):
        reason = f"written as {form}: durations or times of day"
        return Guess(Kind.TIMEDELTA, 0.9, reason, parse_durations(texts, form), format=form)
    return _guess_dates(texts, values)


def _guess_dressed(texts: pl.Series, values: pl.Series, reading: cells.Reading) -> Guess:
    form = str(reading.form)
    guess = _guess_number_text(texts, values, form).but(format=form)
    if reading.rival is None:
        return guess.but(reason=f"{guess.reason}, written as {form}")
    reason = f"{guess.reason}, written as {form}, though {reading.rival} reads every value as well"
    return guess.but(reason=reason, confidence=min(guess.confidence, 0.6))


def _guess_number_text(texts: pl.Series, values: pl.Series, form: str | None = None) -> Guess:
    numbers = cells.parse_numbers(texts, texts.name, form)
    if numbers.dtype.is_float() and numbers.is_infinite().any():
        row = int(numbers.is_infinite().fill_null(False).arg_max() or 0)
        raise InputError(
            f"column {texts.name!r}, row {row}: the value is infinite; replace it by a number "
            "or leave the cell empty"
        )
    guess = guess_numbers(numbers)
    return guess.but(format=guess.format or form or cells.plain_format(values))


def _guess_stray(
    name: str, texts: pl.Series, is_number: pl.Series, values: pl.Series
) -> Guess | None:
    """Settle a column of numbers with some other text in it."""
    strays = values.filter(~is_number).alias("text").value_counts(sort=True, name="n")
    words = strays["text"].to_list()
    # polars types a minimum as any value; of counts it is a number
    if len(words) <= 3 and strays["n"].min() >= 3:  # type: ignore[operator]
        rest = cells.without_missing(texts, also=words)
        guess = _guess_number_text(rest, rest.drop_nulls())
        reason = f"numbers, with {', '.join(map(repr, words))} as a code among them"
        return guess.but(confidence=0.7, reason=reason)
    if len(strays) <= max(3, 0.02 * len(values)):
        row = int((texts == words[0]).arg_max() or 0)
        raise InputError(
            f"column {name!r} mixes numbers and text: row {row} holds {words[0]!r}; correct the "
            f"cell, or say in the schema 'sentinels: [{words[0]}]' or 'kind: categorical'"
        )
    return None


def _guess_dates(texts: pl.Series, values: pl.Series) -> Guess | None:
    written = find_date_format(values)
    if written is None:
        return None
    parsed = parse_dates(texts, written.text)
    kind = Kind.DATETIME if written.is_moment else Kind.DATE
    guess = Guess(kind, 0.98, f"written as {written.text}", parsed, format=written.text)
    if written.rival is not None:
        reason = f"{guess.reason}, though {written.rival} reads every value as well"
        return guess.but(confidence=0.5, reason=reason, note=written.note)
    return guess.but(note=written.note)


def _guess_words(texts: pl.Series) -> Guess:
    """Tell categories, identifiers and prose apart."""
    values = texts.drop_nulls()
    n_values, n = values.n_unique(), len(values)
    if not n:
        return Guess(Kind.CONSTANT, values=texts)
    if n_values == 1 and n == len(texts):
        return Guess(Kind.CONSTANT, reason="every row has the same value", values=texts)
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
        reason = "every row has a text of its own" + (f" of the form {pattern}" if pattern else "")
        return Guess(Kind.IDENTIFIER, 0.95 if named else 0.8, reason, texts, format=pattern)
    if words > 4:
        return Guess(Kind.TEXT, 0.95, f"{words:.0f} words a value, none repeated", texts)
    return Guess(Kind.TEXT, 0.6, "every row has a text of its own", texts)


def read_as(series: pl.Series, column: Column, decimal: str | None = None) -> Guess:
    """Read text as the kind that a person named."""
    kind, form = column.kind, column.format
    present = cells.present_in(series, column, vague=kind.is_numeric)
    values = present.drop_nulls()
    if kind.is_numeric:
        form = form or _find_form(values, kind, decimal)
        parsed = typed_series(series, column.model_copy(update={"format": form}))
        return Guess(kind, values=parsed, sentinels=_markers(series, present), format=form)
    if kind.is_discrete and len(values) and not _lists_texts(column):
        spelled = _guess_discrete(series.name, present, values)
        if spelled is not None:
            return spelled.but(kind=kind, sentinels=_markers(series, present))
    if kind is Kind.IDENTIFIER and len(values):
        form = form or find_pattern(values)
    return Guess(kind, values=present, sentinels=_markers(series, present), format=form)


def _lists_texts(column: Column) -> bool:
    return any(isinstance(value, str) for value in column.categories or ())


def _find_form(values: pl.Series, kind: Kind, decimal: str | None) -> str | None:
    if kind in (Kind.CONTINUOUS, Kind.INTEGER):
        reading = cells.read_number_format(values, decimal)
        if reading is not None:
            return str(reading.form)
        whole = kind is Kind.CONTINUOUS and not values.str.contains("[.eE]").any()
        return "0" if whole and len(values) else cells.plain_format(values)
    if kind is Kind.TIMEDELTA:
        return find_duration_format(values)
    written = find_date_format(values)
    return None if written is None else written.text


def _guess_discrete(name: str, present: pl.Series, values: pl.Series) -> Guess | None:
    if not cells.spells_number(values).all() or cells.spells_code(values).any():
        return None
    numbers, style = cells.parse_numbers(present, name), cells.plain_format(values)
    return Guess(Kind.CATEGORICAL, values=numbers, format=style)


def number_marks(frame: pl.DataFrame, dialect: Dialect) -> Dialect:
    """Find the marks of decimals and of thousands of a file from all its columns together.

    Parameters
    ----------
    frame : DataFrame
        As read.
    dialect : Dialect
        What is known of the file: a mark that is set stays. Where columns do not decide, a
        semicolon between cells does.
    """
    ballots = [ballot for series in frame if (ballot := _readings(series))]
    decimal = dialect.decimal or _OTHER_MARK.get(dialect.grouping or "")
    if decimal is None:
        votes = Counter(mark for ballot in ballots if (mark := _vote(ballot)))
        tied: Mark | None = "," if dialect.separator == ";" else None
        decimal = tied if votes[","] == votes["."] else votes.most_common(1)[0][0]
    read = (ballot.readings[decimal or "."] for ballot in ballots)
    groups = Counter(reading.form.group for reading in read if reading)
    del groups[""], groups[decimal or ""]  # a column of its own marks
    usual = groups.most_common(1)[0][0] if groups else None
    return dialect.model_copy(update={"decimal": decimal, "grouping": dialect.grouping or usual})


@dataclass(frozen=True)
class _Ballot:
    """How the numbers of a column read with either decimal mark."""

    readings: Mapping[str, cells.Reading | None]
    is_plain: bool


def _readings(series: pl.Series) -> _Ballot | None:
    if series.dtype != pl.String:
        return None
    values = cells.without_missing(series, vague=True).drop_nulls().unique(maintain_order=True)
    if not values.head(50).str.contains(r"\d[.,'’\s]\d").any():
        return None
    readings = {mark: cells.read_number_format(values, mark) for mark in _OTHER_MARK}
    return _Ballot(readings, bool(cells.spells_number(values).all()))


def _vote(ballot: _Ballot) -> Mark | None:
    """Give the decimal mark of a column that allows only one reading."""
    seen = [reading for reading in ballot.readings.values() if reading is not None]
    marks = {reading.form.decimal_mark for reading in seen}
    if not seen:
        return "." if ballot.is_plain else None
    alike = len(seen) == 2 and all(reading.rival is None for reading in seen)
    return marks.pop() if alike and len(marks) == 1 else None
