"""What looks wrong in rows, in the target and in single columns."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tablewright.evaluation.profile.models import Finding
from tablewright.evaluation.profile.summaries import to_numbers
from tablewright.schema import Column, Kind, Schema
from tablewright.tables.notices import notices

MANY_MISSING = 0.5
LONG_TAIL = 10.0
FEW_ROWS = 50
RARE = 5
MAX_CATEGORIES = 1000


def check_rows(frame: pl.DataFrame, schema: Schema) -> list[Finding]:
    """Look for duplicate rows and too few rows."""
    result = []
    names = [c.name for c in schema.each() if c.kind is not Kind.IDENTIFIER]
    if names and (n_twice := _count_repeats(frame.select(names))):
        by_chance = _count_repeats(_shuffle(frame.select(names)))
        result.append(_say_duplicates(n_twice, by_chance, frame.height))
    n_modelled = len(schema.modelled)
    if frame.height < max(FEW_ROWS, 2 * n_modelled):
        sentence = (
            f"{frame.height} rows for {n_modelled} columns are few: what is learned from them is "
            "uncertain, and new rows can come close to real ones (look at privacy in evaluate)"
        )
        result.append(Finding.note("few rows", sentence))
    return result


def _count_repeats(rows: pl.DataFrame) -> int:
    return rows.height - rows.n_unique()


def _shuffle(rows: pl.DataFrame) -> pl.DataFrame:
    """Shuffle every column on its own: what is left of repeated rows is chance."""
    return pl.DataFrame([column.shuffle(seed=at) for at, column in enumerate(rows)])


def _say_duplicates(n_twice: int, by_chance: int, n_rows: int) -> Finding:
    rows = "1 row" if n_twice == 1 else f"{n_twice} rows"
    repeat = "repeats" if n_twice == 1 else "repeat"
    counted = f"{rows} ({n_twice / n_rows:.1%}) {repeat} an earlier one (identifiers aside)"
    if by_chance > n_twice / 10:
        sentence = (
            f"{counted}; the columns have few values, and shuffled each on its own they would "
            f"repeat in {by_chance} rows, so it may be chance"
        )
        return Finding.note("duplicate rows", sentence)
    sentence = (
        f"{counted}, where chance would make {by_chance}; if they are one case counted twice, "
        "remove them, or they stand on both sides of a split"
    )
    finding = Finding.warning if n_twice > 0.01 * n_rows else Finding.note
    return finding("duplicate rows", sentence)


def check_target(frame: pl.DataFrame, schema: Schema) -> list[Finding]:
    """Look for missing, rare and unequal classes."""
    target = schema[schema.target or ""]
    series, result = frame[target.name], []
    if series.null_count():
        sentence = (
            f"the target {target.name!r} is missing in {series.null_count()} rows; they teach "
            "nothing about it and are left out of every score"
        )
        result.append(Finding.warning("missing target", sentence, target.name))
    if target.kind.is_discrete:
        result += _check_classes(series.drop_nulls(), target.name)
    return result


def _check_classes(present: pl.Series, name: str) -> Iterator[Finding]:
    counts = present.cast(pl.String).alias("class").value_counts(sort=True)
    if len(counts) < 2:
        return
    (maximum, n_most), (minimum, n_least) = counts.row(0), counts.row(-1)
    if n_most >= 3 * n_least:
        sentence = (
            f"the classes of {name!r} are unequal: {maximum!r} has {n_most} rows, {minimum!r} "
            f"{n_least}; --balance fill makes rows of the small ones"
        )
        yield Finding.note("class imbalance", sentence, name)
    rare = counts.filter(pl.col("count") < 2 * RARE)["class"].to_list()
    if rare:
        sentence = (
            f"{len(rare)} of the classes of {name!r} have fewer than {2 * RARE} rows "
            f"({', '.join(map(repr, rare[:5]))}): too few to learn what is typical of them"
        )
        yield Finding.warning("rare class", sentence, name)


def check_columns(frame: pl.DataFrame, schema: Schema) -> list[Finding]:
    """Look at each column for what its values show."""
    result = [
        finding
        for column in schema.each()
        for check in (_check_missing, _check_codes, _check_kind, _check_tail)
        for finding in check(frame[column.name], column)
    ]
    for notice in notices(frame, schema):
        finding = Finding.warning if notice.topic == "free text" else Finding.note
        result.append(finding(notice.topic, notice.sentence, notice.column))
    return result


def _check_missing(series: pl.Series, column: Column) -> Iterator[Finding]:
    share = series.null_count() / max(len(series), 1)
    if share >= MANY_MISSING and column.kind is not Kind.CONSTANT:
        sentence = f"{column.name!r} is missing in {share:.0%} of the rows"
        yield Finding.warning("many missing values", sentence, column.name)


def _check_codes(series: pl.Series, column: Column) -> Iterator[Finding]:
    texts = [code for code in column.sentinels if isinstance(code, str)]
    numbers = [code for code in column.sentinels if not isinstance(code, str)]
    if numbers:
        shown = ", ".join(str(code) for code in numbers)
        n = int(series.cast(pl.Float64, strict=False).is_in([float(c) for c in numbers]).sum())
        sentence = (
            f"{column.name!r} holds {shown} in {n} rows, which looks like a code and not like a "
            "number; it is kept as it stands"
        )
        yield Finding.note("sentinel code", sentence, column.name)
    if texts:
        shown = ", ".join(repr(code) for code in texts)
        meant = "taken as missing" if series.null_count() else "kept as a value of its own"
        sentence = f"{column.name!r} holds {shown}: {meant}"
        yield Finding.note("sentinel code", sentence, column.name)


def _check_kind(series: pl.Series, column: Column) -> Iterator[Finding]:
    if column.note:
        yield Finding.note("reading", f"{column.name!r} {column.note}", column.name)
    if column.kind is Kind.CONSTANT:
        yield Finding.note(
            "constant column", f"{column.name!r} has one value in every row", column.name
        )
    if column.kind is Kind.CATEGORICAL and (n := series.n_unique()) > MAX_CATEGORIES:
        sentence = f"{column.name!r} has {n} categories; rare ones are learned as a group"
        yield Finding.note("many categories", sentence, column.name)


def _check_tail(series: pl.Series, column: Column) -> Iterator[Finding]:
    present = series.drop_nulls()
    if column.kind not in (Kind.CONTINUOUS, Kind.INTEGER) or len(present) < 20:
        return
    codes = [float(code) for code in column.sentinels if not isinstance(code, str)]
    numbers = to_numbers(present)
    numbers = numbers.filter(~numbers.is_in(codes))
    low, middle, high = (float(numbers.quantile(q) or 0.0) for q in (0.1, 0.5, 0.9))
    # polars types a minimum as any value; of numbers it is a number
    smallest, largest = float(numbers.min()), float(numbers.max())  # type: ignore[arg-type]
    for end, reach, spread in (
        (largest, largest - middle, high - middle),
        (smallest, middle - smallest, middle - low),
    ):
        if reach > LONG_TAIL * max(spread, 1e-12) and high > low:
            sentence = (
                f"{column.name!r} has a long tail: it reaches {end:g}, while four in five lie "
                f"between {low:g} and {high:g}"
            )
            yield Finding.note("long tail", sentence, column.name)
            return
