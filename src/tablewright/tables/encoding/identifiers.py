"""Fresh identifiers: built like the real ones, unique, and never one of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright.permutation import Codes, mix, permuted
from tablewright.tables.encoding.patterns import (
    DIGITS,
    Form,
    find_counting,
    find_pattern,
    parse_pattern,
    read_numbers,
    write_pattern,
)

_WIDEST = 1 << 60
_BLOCK = 100


@dataclass(frozen=True)
class _Space:
    """The texts of one form, numbered, with the numbers that real ones have.

    Attributes
    ----------
    form : Form
    start, step : int
        A counting column goes on from `start` in steps of `step`; step 0 is no counting.
    taken : ndarray of uint64, sorted
        Numbers of the real texts; none where new ones go on counting.
    share : float
        Part of the real identifiers that have this form.
    """

    form: Form
    start: int = 0
    step: int = 0
    taken: Codes = field(default_factory=lambda: np.empty(0, np.uint64))
    share: float = 1.0


class Identifiers:
    """Makes identifiers like those of a column.

    Where the real ones count up, new ones go on counting; else they are drawn from all texts
    of the same form, those of real rows left out. The position of a row alone decides on its
    identifier, so that chunks never collide, whatever their size. What is kept of the real
    identifiers is their form and the last one, or where they do not count up, all of them
    (as numbers), to leave them out.

    Parameters
    ----------
    values : Series
        Real identifiers, text or whole numbers.
    pattern : str or None, default=None
        Their form (`tablewright.tables.encoding.patterns`); found where None.

    Examples
    --------
    >>> real = pl.Series("id", [f"C-{i:03d}" for i in range(1, 41)])
    >>> Identifiers(real).make(3, np.random.default_rng(0)).to_list()
    ['C-041', 'C-042', 'C-043']
    """

    def __init__(self, values: pl.Series, pattern: str | None = None) -> None:
        self.name, self.dtype = values.name, values.dtype
        whole = values.cast(pl.Int64) if values.dtype.is_float() else values
        texts = whole.drop_nulls().cast(pl.String).unique(maintain_order=True)
        pattern = pattern or find_pattern(texts) or _fallback(texts)
        self._spaces = [_learn(form, texts, self.dtype) for form in parse_pattern(pattern)]

    @property
    def pattern(self) -> str:
        """Form of the identifiers."""
        return write_pattern([space.form for space in self._spaces])

    @property
    def holds_real(self) -> bool:
        """Whether the real identifiers are kept, to leave them out."""
        return any(len(space.taken) for space in self._spaces)

    def make(self, n_rows: int, rng: np.random.Generator, offset: int = 0) -> pl.Series:
        """Make the identifiers of the rows `offset` to `offset + n_rows`.

        Parameters
        ----------
        n_rows : int
        rng : numpy Generator
            One number is drawn from it. Chunks of one table need generators in the same
            state.
        offset : int, default=0
            Number of rows made before.
        """
        key = int(rng.integers(1 << 62))
        rows = np.arange(offset, offset + n_rows, dtype=np.uint64)
        texts = np.empty(n_rows, dtype=object)
        slots = _slots([space.share for space in self._spaces])
        for at, space in enumerate(self._spaces):
            mine = slots[rows % _BLOCK] == at
            texts[mine] = _write(space, _rank(rows[mine], slots, at), key + at, self.dtype)
        return pl.Series(self.name, texts.tolist(), dtype=pl.String).cast(self.dtype)

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Give plain facts and arrays from which `restore` makes it again."""
        facts = {
            "name": self.name,
            "text": self.dtype == pl.String,
            "pattern": self.pattern,
            "counts": [[space.start, space.step, space.share] for space in self._spaces],
        }
        return facts, {f"taken{at}": space.taken for at, space in enumerate(self._spaces)}

    @classmethod
    def restore(
        cls, facts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], dtype: Any = None
    ) -> Identifiers:
        """Make it again from what `state` gave."""
        result = cls.__new__(cls)
        result.name = str(facts["name"])
        result.dtype = dtype or (pl.String() if facts["text"] else pl.Int64())
        result._spaces = [
            _Space(
                form, int(start), int(step), arrays[f"taken{at}"].astype(np.uint64), float(share)
            )
            for at, (form, (start, step, share)) in enumerate(
                zip(parse_pattern(facts["pattern"]), facts["counts"], strict=True)
            )
        ]
        return result


def _within(dtype: pl.DataType, form: Form) -> Form:
    """Leave out letters by which a whole number would lose a digit or leave its data type."""
    if not dtype.is_integer():
        return form
    negative = form.positions[0] == "-"
    positions = list(form.positions[negative:])
    if len(positions) > 1:
        positions[0] = positions[0].replace("0", "") or positions[0]
    largest = _largest(dtype)
    if len(positions) == len(largest):
        for at, digit in enumerate(largest):
            smaller = "".join(letter for letter in positions[at] if letter < digit)
            if smaller:  # whatever comes behind a smaller digit is in range
                positions[at] = smaller
                break
    return Form(("-", *positions) if negative else tuple(positions))


def _largest(dtype: pl.DataType) -> str:
    """Return the largest whole number of a data type."""
    bits = int(str(dtype).strip("UInt"))
    return str(2 ** (bits - 1 if dtype.is_signed_integer() else bits) - 1)


def _fallback(texts: pl.Series) -> str:
    """Give a form for texts that have none: reserved addresses, or letters and digits."""
    if len(texts) and texts.str.contains("@", literal=True).all():
        return "[a-z]{10}@example\\.org"
    return "[A-Z0-9]{10}"


def _learn(form: Form, texts: pl.Series, dtype: pl.DataType) -> _Space:
    mine = _of_form(form, texts)
    share = len(mine) / max(len(texts), 1)
    numbers = read_numbers(form, mine)
    if numbers is not None and len(numbers):
        start, step = find_counting(numbers)
        if step or form.number is not None:
            return _Space(form, start, step or 1, share=share)
    if form.number is not None:  # numbers too large to count on from: those of one length
        at, others = form.number, len(form.positions) - 1
        shortest = min(mine.str.len_chars().to_list(), default=0)
        width = max(shortest - others, 18)
        form = Form((*form.positions[:at], *[DIGITS] * width, *form.positions[at + 1 :]))
    form = _within(dtype, form)
    return _Space(form, 0, 0, np.unique(_codes(form, _of_form(form, mine))), share)


def _of_form(form: Form, texts: pl.Series) -> pl.Series:
    return texts.filter(texts.str.contains(f"^(?:{write_pattern([form])})$"))


def _slots(shares: Sequence[float]) -> NDArray[np.int64]:
    """Deal the positions of a block of rows to forms, in proportion to their shares."""
    ends = np.cumsum(shares) / max(sum(shares), 1e-12)
    middle = (np.arange(_BLOCK) + 0.5) / _BLOCK
    drawn = np.minimum(np.searchsorted(ends, middle), len(shares) - 1)
    return drawn[np.random.default_rng(0).permutation(_BLOCK)]


def _rank(rows: Codes, slots: NDArray[np.int64], at: int) -> Codes:
    """Count the rows of one form among themselves."""
    mine = slots == at
    before = np.cumsum(mine) - mine
    inside = before[rows % _BLOCK].astype(np.uint64)
    ranks: Codes = rows // np.uint64(_BLOCK) * np.uint64(mine.sum()) + inside
    return ranks


def _write(space: _Space, ranks: Codes, key: int, dtype: pl.DataType) -> NDArray[Any]:
    if space.step:
        return _write_counts(space, ranks, dtype)
    texts = np.empty(len(ranks), dtype=object)
    form, done = space.form, 0
    while True:
        taken = space.taken if form is space.form else space.taken[:0]
        size = _size(form)
        room = size - len(taken)
        mine = (ranks >= done) & (ranks < done + room)
        codes = _permute(ranks[mine] - np.uint64(done), size, key, taken)
        texts[mine] = _spell(form, codes, key)
        done += room
        if not len(ranks) or done > int(ranks.max()):
            return texts
        form = _other(form, dtype)


def _other(form: Form, dtype: pl.DataType) -> Form:
    """Return a form of other texts: a digit more, or another digit where no more fit."""
    fixed = [at for at, letters in enumerate(form.positions) if letters in tuple(DIGITS)]
    if not dtype.is_integer() or len(form.positions) < len(_largest(dtype)) or not fixed:
        return Form((*form.positions, DIGITS))
    at = fixed[-1]
    others = DIGITS.replace(form.positions[at], "")
    return _within(dtype, Form((*form.positions[:at], others, *form.positions[at + 1 :])))


def _write_counts(space: _Space, ranks: Codes, dtype: pl.DataType) -> NDArray[Any]:
    form = space.form
    free = form.free()
    width = 0 if form.number is not None else len(free)
    before = "".join(form.positions[: free[0]])
    after = "".join(form.positions[free[-1] + 1 :])
    numbers = [space.start + space.step * int(rank) for rank in ranks]
    if dtype.is_integer() and width and not after:
        # a whole number carries into the digits before, where a text grows longer
        sign, digits = ("-", before[1:]) if before.startswith("-") else ("", before)
        base = int(digits or "0") * 10**width
        return np.array([f"{sign}{base + number}" for number in numbers], dtype=object)
    return np.array([f"{before}{number:0{width}d}{after}" for number in numbers], dtype=object)


def _numbered(form: Form) -> list[int]:
    """Give the free positions that number a text: as many as make 2**60 texts."""
    free, size = [], 1
    for at in reversed(range(len(form.positions))):
        letters = len(form.positions[at])
        if letters > 1 and size * letters <= _WIDEST:
            free.append(at)
            size *= letters
    return free


def _size(form: Form) -> int:
    return math.prod(len(form.positions[at]) for at in _numbered(form))


def _codes(form: Form, texts: pl.Series) -> Codes:
    """Give the numbers of texts of a form."""
    codes = np.zeros(len(texts), np.uint64)
    letters = np.array([list(text) for text in texts], dtype="U1").reshape(
        len(texts), len(form.positions)
    )
    weight = 1
    for at in _numbered(form):
        position = form.positions[at]
        digits = np.array([position.index(letter) for letter in letters[:, at]], np.uint64)
        codes += digits * np.uint64(weight)
        weight *= len(position)
    return codes


def _spell(form: Form, codes: Codes, key: int) -> NDArray[Any]:
    """Write the texts of some numbers; positions that number nothing get letters by chance."""
    columns = [np.full(len(codes), letters[0], dtype="U1") for letters in form.positions]
    rest = codes.copy()
    numbered = _numbered(form)
    for at in numbered:
        letters = np.array(list(form.positions[at]))
        columns[at] = letters[(rest % np.uint64(len(letters))).astype(np.int64)]
        rest //= np.uint64(len(letters))
    for at, choice in enumerate(form.positions):
        if len(choice) > 1 and at not in numbered:
            picked = mix(codes, key + 7919 * (at + 1)) % np.uint64(len(choice))
            columns[at] = np.array(list(choice))[picked.astype(np.int64)]
    return np.array(["".join(row) for row in zip(*columns, strict=True)], dtype=object)


def _permute(ranks: Codes, size: int, key: int, taken: Codes) -> Codes:
    """Send the numbers below `size` - `taken` one to one to numbers below `size` not taken.

    What lands on the i-th taken number starts again from the i-th of the positions that are
    too many.
    """
    codes = permuted(ranks, size, key)
    while len(taken) and (hit := np.isin(codes, taken)).any():
        spare = np.searchsorted(taken, codes[hit]).astype(np.uint64) + np.uint64(size - len(taken))
        codes[hit] = permuted(spare, size, key)
    return codes
