"""CSV files: dialect, header and shape are checked, cells are left as they stand."""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from tablewright.errors import InputError
from tablewright.schema import MAX_PREAMBLE, Dialect

_SEPARATORS = ",;\t|"
_BLOCK = 1 << 20
_HEAD = 100
_LONGEST_MARK = 20
MAX_CELL = 1 << 30
"""Characters of one cell; Python's csv reads 131,072 unless it is told so."""

_WESTERN = frozenset("äöüßéèêëàâáåãçñíîïóôòõøæúûùÄÖÜÉÅÆØÑÇÀÈŠšŽžœ€£°§–—‘’“”«»ºª")
_LOWER_CASE = {"cp1251": ("а", "я"), "koi8-r": ("а", "я"), "cp1253": ("ά", "ώ")}
_NUMBER = re.compile(r"\s*[-+]?[.,\d]*\d(?:[eE][-+]?\d+)?\s*%?\s*")
_YEAR = re.compile(r"\s*(?:19|20)\d\d\s*")
_CANDIDATES = (
    *("cp1252", "cp850", "mac-roman", "cp1250", *_LOWER_CASE),
    *("shift-jis", "gb18030", "euc-kr", "big5"),
)


@dataclass(frozen=True)
class _Head:
    """How a file begins."""

    dialect: Dialect
    names: list[str]
    first_line: int
    """Lines up to and with the header."""
    n_blank: int
    """Cells without a name at the end of each row, which other programs write."""
    skips_blanks: bool = False
    """Whether blanks after separators are layout; in the dialect, only where rows have them."""
    is_padded: bool = False
    """Whether blanks before separators are layout, too."""

    @property
    def separator(self) -> str:
        return self.dialect.separator

    @property
    def width(self) -> int:
        """Cells in each row."""
        return len(self.names) + self.n_blank


def read_csv(
    path: Path, head: bytes, declared: Dialect | None = None
) -> tuple[pl.DataFrame, Dialect]:
    """Read a file of text cells, all of them as text, and how it is written.

    Parameters
    ----------
    path : Path
    head : bytes
        How the file begins.
    declared : Dialect or None, default=None
        What a person set of how it is written.

    Raises
    ------
    InputError
        If it is in another encoding, has no rows, rows of different length, or two columns of
        one name; names the line.
    """
    given = declared.model_dump(exclude_unset=True) if declared else {}
    source, encoding = _decode(path, head, given.get("encoding"))
    begin = _read_head(path, source, given.get("separator"), given.get("spaced"))
    dialect = begin.dialect.model_copy(update={"encoding": encoding})
    if b"\r" in head and b"\n" not in head:
        dialect = dialect.model_copy(update={"line_end": "cr"})
    frame = _read_cells(path, source, begin)
    frame = pl.DataFrame([cells.replace("", None) for cells in frame])
    frame.columns = begin.names
    if not frame.height:
        raise InputError(f"{path} has a header and no rows; at least two rows are needed")
    if frame[:, -1].null_count():
        kept = [bool(record) for record in _checked(path, source, begin)]
        frame = frame if len(kept) > frame.height or all(kept) else frame.filter(pl.Series(kept))
    return frame, dialect.updated(declared)


def scan_csv(
    path: Path, head: bytes, declared: Dialect | None = None
) -> tuple[pl.LazyFrame, Dialect] | None:
    """Open a file of text cells to be read in pieces; None where it is written too unusually.

    What `read_csv` mends is not mended here: another encoding than UTF-8, blanks around cells,
    quotes inside them.
    """
    given = declared.model_dump(exclude_unset=True) if declared else {}
    if given.get("encoding") or b"\0" in head or b"\n" not in head:
        return None
    _check_utf8(path)
    begin = _read_head(path, path, given.get("separator"), given.get("spaced"))
    if begin.skips_blanks or begin.n_blank or _has_stray_quotes(path, begin.separator):
        return None
    rows = pl.scan_csv(
        path,
        schema=dict.fromkeys(begin.names, pl.String),
        separator=begin.separator,
        has_header=False,
        skip_lines=begin.first_line,
        glob=False,
    )
    # `replace` would have polars hold all rows at once
    rows = rows.with_columns(pl.when(pl.all() != "").then(pl.all()))
    return rows, begin.dialect.updated(declared)


# encoding -------------------------------------------------------------------------------------


def _decode(path: Path, head: bytes, encoding: str | None) -> tuple[Any, str]:
    """Give what polars can read (the path, or UTF-8 where a change is needed), and the encoding."""
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        encoding = encoding or "utf-32"
    elif head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = encoding or "utf-16"
    if encoding is not None and codecs.lookup(encoding).name != "utf-8":
        return _recode(path, encoding), encoding
    if b"\0" in head:
        guess = _guess_utf16(head)
        if guess:
            raise InputError(f"{path} looks like {guess} text; read it with --encoding {guess}")
        raise InputError(f"{path} is a binary file; save the table as CSV, Parquet or Arrow")
    _check_utf8(path)
    marked = "utf-8-sig" if head.startswith(codecs.BOM_UTF8) else "utf-8"
    if b"\r" in head and b"\n" not in head:
        octets = path.read_bytes().removeprefix(codecs.BOM_UTF8)
        return octets.replace(b"\r", b"\n"), marked
    return path, marked


def _recode(path: Path, encoding: str) -> bytes:
    try:
        text = path.read_bytes().decode(encoding)
    except UnicodeError as error:
        raise InputError(
            f"{path} is not {encoding} text; name another --encoding, or save the file as UTF-8"
        ) from error
    text = text.removeprefix("\ufeff")
    return (text if "\n" in text else text.replace("\r", "\n")).encode("utf-8", "surrogatepass")


def _guess_utf16(head: bytes) -> str | None:
    even, odd = head[::2].count(0), head[1::2].count(0)
    half = len(head) / 4
    return "utf-16-le" if odd > half > even else "utf-16-be" if even > half > odd else None


def _check_utf8(path: Path) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    line = 1
    with path.open("rb") as file:
        while True:
            block = file.read(_BLOCK)
            try:
                decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                line += block[: max(error.start, 0)].count(b"\n")
                guess = _guess_encoding(block[max(error.start - 2000, 0) : error.start + 20000])
                raise InputError(
                    f"{path}, line {line}: not UTF-8 text but probably {guess}; read it with "
                    f"--encoding {guess}, or save the file as UTF-8 (in a spreadsheet program: "
                    "'CSV UTF-8')"
                ) from error
            if not block:
                return
            line += block.count(b"\n")


def _guess_encoding(octets: bytes) -> str:
    """Give the encoding under which the foreign letters look most like text."""
    return max(_CANDIDATES, key=lambda encoding: _looks(octets, encoding))


def _looks(octets: bytes, encoding: str) -> float:
    text = octets.decode(encoding, errors="replace")
    foreign = [c for c in text if ord(c) > 127]
    if encoding in ("shift-jis", "gb18030", "euc-kr", "big5"):
        good = [c for c in foreign if "\u3000" <= c <= "\u30ff" or "\u4e00" <= c <= "\u9fff"
                or "\uac00" <= c <= "\ud7a3"]  # fmt: skip
        return len(good) / max(len(foreign), 1) - 0.15  # two foreign bytes make a sign by accident
    if encoding in _LOWER_CASE:  # capitals are few in any text
        low, high = _LOWER_CASE[encoding]
        return sum(low <= c <= high for c in foreign) / max(len(foreign), 1) + 0.05
    bonus = 0.05 if encoding == "cp1252" else 0.0
    return sum(c in _WESTERN for c in foreign) / max(len(foreign), 1) + bonus


# header ---------------------------------------------------------------------------------------


_Records = list[tuple[int, list[str]]]


def _open(source: Any) -> Any:
    if isinstance(source, bytes):
        return io.StringIO(source.decode("utf-8", "surrogatepass"), newline="")
    return source.open(encoding="utf-8-sig", newline="")


def _records(
    source: Any, separator: str, spaced: bool, skip: int = 0
) -> Iterator[tuple[int, list[str]]]:
    """Give each record with the line that it ends on."""
    with _open(source) as stream:
        for _ in range(skip):
            stream.readline()
        csv.field_size_limit(MAX_CELL)
        reader = csv.reader(stream, delimiter=separator, strict=True, skipinitialspace=spaced)
        for record in reader:
            yield skip + reader.line_num, record


def _first_records(source: Any, separator: str, spaced: bool, skip: int) -> tuple[_Records, bool]:
    """Return the first records that are not empty, and whether their quotes are whole."""
    some: _Records = []
    try:
        for line, record in _records(source, separator, spaced, skip):
            if record:
                some.append((line, record))
            if len(some) == _HEAD:
                break
    except csv.Error:
        return some, False
    return some, True


def _read_head(
    path: Path, source: Any, declared: str | None, declared_spaced: bool | None
) -> _Head:
    with _open(source) as stream:
        lines = list(itertools.islice(stream, _HEAD))
    first = lines[0] if lines else ""
    named = re.fullmatch(r"\"?sep=(.|\\t)\"?\s*", first[:_LONGEST_MARK])
    skip = 1 if named else 0
    likely = declared or (named[1].replace("\\t", "\t") if named else "")
    text = "".join(lines[skip:])
    blanks = {
        one: _find_blanks(text, one) if declared_spaced is None else (declared_spaced,) * 2
        for one in dict.fromkeys(likely + _SEPARATORS)
    }
    tried = {one: _first_records(source, one, skips, skip) for one, (skips, _) in blanks.items()}
    if declared is not None or (likely and _score(*tried[likely])[1] > 1):
        separator = likely
    else:
        separator = max(tried, key=lambda one: _score(*tried[one]))
    skips_blanks, is_spaced = blanks[separator]
    records = tried[separator][0]
    if not (separator == "," and skips_blanks and _are_sentences(records)):
        records = _without_preamble(records)
    line, names = records[0] if records else (skip, [])
    start = line - 1 - sum(name.count("\n") for name in names)
    is_padded = skips_blanks and any(name.endswith(" ") for name in names)
    names = [name.rstrip(" ") for name in names] if is_padded else names
    may_be_title = len(names) > 2 and not any(names[1:])
    names, n_blank = _without_blank_end(names, [record for _, record in records[1:]])
    _check_names(path, line, names, may_be_title)
    dialect = Dialect(
        separator=separator,
        line_end="crlf" if first.endswith("\r\n") else "lf",
        preamble=_preamble(source, skip, start),
        names_separator=bool(named),
        spaced=skips_blanks and is_spaced,
    )
    return _Head(dialect, names, line, n_blank, skips_blanks, is_padded)


def _check_names(path: Path, line: int, names: list[str], may_be_title: bool) -> None:
    n_blank = names.count("")
    if n_blank > 1 or (n_blank and may_be_title):
        raise InputError(
            f"{path}, line {line}: the header has {n_blank} blank name{'s' * (n_blank > 1)} over "
            "columns with cells; name all columns, or delete the line if it is a title"
        )
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        shown = ", ".join(repr(name) for name in twice[:5])
        raise InputError(f"{path}: the header has {shown} more than once; rename the columns")


def _find_blanks(text: str, separator: str) -> tuple[bool, bool]:
    """Return whether blanks after separators are layout, and whether the rows have them.

    They are layout before quotes, in the header, and before most cells of three columns.
    """
    mark = re.escape(separator)
    quoted = rf'(?m)((?:^|{mark}) *)"[^"]*(?:""[^"]*)*(?:"|\Z)'
    bare = re.sub(quoted, r'\1""', text).replace("\r", "\n")
    if separator != " " and re.search(rf'{mark} +"" *(?:{mark}|\n|\Z)', bare):
        return True, True
    lines = [line.split(separator) for line in bare.split("\n") if separator in line]
    cells = [cell for line in lines[1:] for cell in line[1:] if cell]
    is_spaced = sum(cell[0] == " " for cell in cells) > 0.9 * len(cells)
    in_header = bool(lines) and all(name.startswith(" ") for name in lines[0][1:])
    return in_header or (is_spaced and len(lines[0]) > 2), is_spaced


def _preamble(source: Any, skip: int, start: int) -> str:
    """Give the lines above the header, each ended by a line feed; none where they are too long."""
    with _open(source) as stream:
        lines = list(itertools.islice(stream, skip, max(start, skip)))
    text = "".join(line.rstrip("\r\n") + "\n" for line in lines)
    return text if len(text) <= MAX_PREAMBLE else ""


def _score(records: _Records, is_whole: bool) -> tuple[float, int, float]:
    """Rate a separator: rows about as wide as the header, its width, rows exactly as wide."""
    below = _without_preamble(records)
    unlikely = (0.5 if len(below) < len(records) else 0.0) + (0.0 if is_whole else 0.1)
    records = below
    if not records or len(records[0][1]) < 2:
        return 0.0, 0, 0.0
    width = len(records[0][1])
    widths = [len(record) for _, record in records]
    alike = sum(n > 1 and abs(n - width) <= 1 for n in widths) / len(widths)
    exact = widths.count(width) / len(widths)
    return round(alike, 1) - unlikely, width, exact


def _without_preamble(records: _Records) -> _Records:
    """Drop titles and remarks above the header: lines of one cell above rows of several."""
    widths = Counter(len(record) for _, record in records[1:])
    if not widths or widths.most_common(1)[0][0] < 2:
        return records
    first, above = None, ""
    for at, (_, record) in enumerate(records[:-1]):
        if len(record) > 1 and (len(record) < 3 or any(record[1:])):
            if first is None or _is_header(above, [row for _, row in records[at:]]):
                return records[at:]
            return records[first:]
        if len(record) > 1 and not above:
            first, above = at, record[0]
    return records if first is None else records[first:]


def _are_sentences(records: _Records) -> bool:
    """Return whether commas are those of sentences in one column, and the first line its name."""
    first, *rows = [record for _, record in records]
    n_words = [max(len(cell.split()) for cell in row) for row in rows]
    numbers = (all(map(_NUMBER.fullmatch, cells)) for cells in zip(*rows, strict=False))
    is_name = len(first) == 1 and " " not in first[0].strip()
    is_long = bool(rows) and n_words[0] > 2 and 2 * sum(n > 2 for n in n_words) > len(rows)
    return is_name and is_long and not any(numbers)


def _is_header(above: str, rows: list[list[str]]) -> bool:
    """Return whether the first row holds names, and `above` is a title and no name itself."""
    is_over_numbers = is_repeated = False
    for name, *cells in itertools.zip_longest(*rows, fillvalue=""):
        below = [cell for cell in cells if cell]
        is_year = _YEAR.fullmatch(name) and not all(map(_YEAR.fullmatch, below))
        if _NUMBER.fullmatch(name) and not is_year:
            return False
        is_over_numbers |= bool(name and below and all(map(_NUMBER.fullmatch, below)))
        is_repeated |= bool(name) and name in below
    return is_over_numbers or not above or (not is_repeated and " " in above.strip())


def _without_blank_end(names: list[str], rows: list[list[str]]) -> tuple[list[str], int]:
    """Take off the last columns that have neither a name nor a value.

    Returns
    -------
    names : list of str
    n_blank : int
        Cells that rows have at their end beyond the names.
    """
    widths = {len(row) for row in rows}
    n_filled = max((at for row in rows for at, cell in enumerate(row, 1) if cell), default=0)
    if len(widths) != 1 or n_filled > len(names):
        return names, 0
    n_kept = max((at for at, name in enumerate(names, 1) if name.strip()), default=n_filled)
    n_kept, width = max(n_kept, n_filled), widths.pop()
    is_short = width < len(names) < 3 or len(names) < min(width, 2)
    if is_short or not 0 < n_kept <= width:
        return names, 0
    return names[:n_kept], width - n_kept


# cells ----------------------------------------------------------------------------------------


def _read_cells(path: Path, source: Any, head: _Head) -> pl.DataFrame:
    if head.skips_blanks or _has_stray_quotes(source, head.separator):
        return _read_slowly(path, source, head)
    try:
        frame = pl.read_csv(
            source,
            schema={str(at): pl.String for at in range(head.width)},
            separator=head.separator,
            has_header=False,
            skip_lines=head.first_line,
            glob=False,
        )
    except pl.exceptions.NoDataError as error:
        raise InputError(
            f"{path} has a header and no rows; at least two rows are needed"
        ) from error
    except pl.exceptions.PolarsError:
        return _read_slowly(path, source, head)
    return _cut(path, frame, head)


def _cut(path: Path, frame: pl.DataFrame, head: _Head) -> pl.DataFrame:
    """Take off the last columns without a name; they must have no value either."""
    if not head.n_blank:
        return frame
    for at, series in enumerate(frame[:, -head.n_blank :], len(head.names) + 1):
        held = series.is_not_null() & (series != "")
        if held.any():
            which = "the last column" if head.n_blank == 1 else f"column {at}"
            raise InputError(
                f"{path}: {which} has no name, and row {held.arg_max()} holds "
                f"{series.filter(held)[0]!r} in it; give it a name in the header"
            )
    return frame[:, : -head.n_blank]


def _has_stray_quotes(source: Any, separator: str) -> bool:
    """Return whether a quote stands inside a cell, as in ``12" screen``."""
    edge = re.escape(separator) + '\r\n"'
    stray = re.compile(f'[^{edge}]"[^{edge}]'.encode())
    if isinstance(source, bytes):
        return stray.search(source) is not None
    with source.open("rb") as file:
        tail = b""
        while block := file.read(_BLOCK):
            if stray.search(tail + block):
                return True
            tail = block[-2:]
    return False


def _read_slowly(path: Path, source: Any, head: _Head) -> pl.DataFrame:
    """Read as Python's csv does, which knows lines and takes quotes inside cells as they are."""
    rows: list[list[str]] = []
    try:
        rows.extend(record for record in _checked(path, source, head) if record)
    except csv.Error as error:
        raise InputError(
            f"{path} is no CSV file from line {head.first_line + 1 + len(rows)} on: {error}; close "
            "quotes, and double those inside quoted cells"
        ) from error
    names = [str(at) for at in range(head.width)]
    return _cut(
        path, pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row"), head
    )


def _checked(path: Path, source: Any, head: _Head) -> Iterator[list[str]]:
    """Give the records below the header; each is blank, or has as many cells as the header."""
    for line, record in _records(source, head.separator, head.skips_blanks, head.first_line):
        if head.width > 1 and len(record) == 1 and not record[0].strip():
            record = []
        record = [cell.rstrip(" ") for cell in record] if head.is_padded else record
        if record and len(record) != head.width:
            raise InputError(
                f"{path}, line {line}: {len(record)} cell{'s' * (len(record) != 1)}, but the "
                f"header has {head.width}; correct the line, or quote cells that hold "
                f"{head.separator!r}"
            )
        yield record
