"""SDV metadata: read versions 1 and 2, write version 2.

SDV describes columns by ``sdtype``; what it says becomes overrides for `infer_schema`, which
finds out the rest from the rows. SDV itself is not needed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tablewright.errors import InputError, SchemaError
from tablewright.schema import Column, Kind, Schema, SchemaFile, suggest
from tablewright.tables.encoding.patterns import parse_pattern
from tablewright.tables.inference.times import parse_moment

MAX_LISTED = 500
"""SDV lists no more values of a column than that and calls it of high cardinality instead."""

_VERSIONS = ("SINGLE_TABLE_V1", "MULTI_TABLE_V1", "V1", "V2")
_KINDS = {
    "numerical": Kind.CONTINUOUS,
    "categorical": Kind.CATEGORICAL,
    "ordinal": Kind.ORDINAL,
    "boolean": Kind.BOOLEAN,
    "datetime": Kind.DATETIME,
    "id": Kind.IDENTIFIER,
    "text": Kind.TEXT,
}
_PLACES = frozenset(
    (
        *("city", "country", "country_code", "state", "state_abbr", "postcode", "zipcode"),
        *("administrative_unit", "locale", "language_code", "language_name", "currency_code"),
        *("latitude", "longitude", "timezone", "color_name"),
    )
)


@dataclass(frozen=True)
class SdvMetadata:
    """What SDV metadata says of one table.

    Attributes
    ----------
    overrides : dict
        Per column the fields of `Column` that it settles; for `infer_schema`.
    notes : list of str
        One sentence for each thing in it that has no meaning here yet.
    """

    overrides: dict[str, dict[str, Any]]
    notes: list[str] = field(default_factory=list)


def read_sdv(metadata: Mapping[str, Any] | str | Path, table: str | None = None) -> SdvMetadata:
    """Read SDV metadata, version 1 (one table or several) or 2.

    Parameters
    ----------
    metadata : mapping, str or Path
        The metadata, or the path of its JSON file.
    table : str or None, default=None
        Which table is meant, where there are several.

    Raises
    ------
    SchemaError
        If it is not SDV metadata, or holds several tables and none is named.

    Examples
    --------
    >>> said = {"METADATA_SPEC_VERSION": "SINGLE_TABLE_V1", "primary_key": "id", "columns": {
    ...     "id": {"sdtype": "id", "regex_format": "U_[0-9]{3}"},
    ...     "fee": {"sdtype": "numerical", "computer_representation": "Int64"}}}
    >>> read_sdv(said).overrides
    {'id': {'kind': 'identifier', 'format': 'U_[0-9]{3}'}, 'fee': {'kind': 'integer'}}
    """
    data = _load(metadata) if isinstance(metadata, str | Path) else metadata
    version = data.get("METADATA_SPEC_VERSION")
    if version not in _VERSIONS:
        raise SchemaError(
            f"this is no SDV metadata that can be read: METADATA_SPEC_VERSION is {version!r}, "
            f"not one of {', '.join(_VERSIONS)}"
        )
    declared = _choose_table(data, table)
    keys = _keys(declared)
    overrides = {}
    for name, spec in declared["columns"].items():
        if not isinstance(spec, Mapping) or not isinstance(spec.get("sdtype"), str):
            raise SchemaError(f"SDV metadata: column {name!r} has no 'sdtype'")
        fields = _read_column(spec, name in keys)
        overrides[str(name)] = {key: value for key, value in fields.items() if value is not None}
    return SdvMetadata(overrides, _notes(data, declared))


def _load(path: str | Path) -> Mapping[str, Any]:
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise SchemaError(f"{path} is not JSON: {error}") from error
    if not isinstance(data, Mapping):
        raise SchemaError(f"{path} is no SDV metadata: it must hold an object")
    return data


def _choose_table(data: Mapping[str, Any], table: str | None) -> Mapping[str, Any]:
    tables = data.get("tables", {"": data})
    if not isinstance(tables, Mapping) or not tables:
        raise SchemaError("SDV metadata: 'tables' must be an object with at least one table")
    if table is None and len(tables) > 1:
        raise SchemaError(
            f"the SDV metadata describes {len(tables)} tables; name one of "
            f"{', '.join(map(repr, tables))}"
        )
    if table is not None and table not in tables and "tables" in data:
        raise SchemaError(f"the SDV metadata has no table {table!r}{suggest(table, tables)}")
    declared = tables.get(table) or next(iter(tables.values()))
    if not isinstance(declared, Mapping) or not isinstance(declared.get("columns"), Mapping):
        raise SchemaError("SDV metadata: 'columns' must be an object with one entry per column")
    return declared


def _keys(said: Mapping[str, Any]) -> set[str]:
    """Give the columns that are a key each on their own."""
    keys = [said.get("primary_key"), *said.get("alternate_keys", [])]
    return {key for key in keys if isinstance(key, str)}


def _notes(data: Mapping[str, Any], said: Mapping[str, Any]) -> list[str]:
    notes = []
    if said.get("sequence_key") or said.get("sequence_index"):
        notes.append("the metadata describes a sequence: sequences are not supported yet")
    if data.get("relationships"):
        notes.append("the metadata relates tables: several tables are not supported yet")
    if isinstance(said.get("primary_key"), list):
        notes.append("the primary key has several columns: such keys are not kept unique yet")
    if said.get("column_relationships"):
        notes.append("the metadata relates columns: that is not read; write it as a rule")
    return notes


def _read_column(spec: Mapping[str, Any], is_key: bool) -> dict[str, Any]:
    sdtype = spec["sdtype"]
    fields: dict[str, Any] = {"nullable": spec.get("range_is_nullable")}
    if sdtype == "numerical":
        return {**_read_number(spec), **fields}
    if sdtype in ("categorical", "ordinal"):
        return {**_read_categories(spec), **fields}
    if sdtype == "datetime":
        return {**_read_datetime(spec), **fields}
    if sdtype == "unknown" and not is_key:
        return fields
    if sdtype in _PLACES and not (is_key or spec.get("pii")):
        return {"kind": Kind.CATEGORICAL.value, **fields}
    kind = Kind.IDENTIFIER if is_key else _KINDS.get(sdtype, Kind.IDENTIFIER)
    return {"kind": kind.value, "format": _read_pattern(spec), **fields}


def _read_number(spec: Mapping[str, Any]) -> dict[str, Any]:
    decimals = spec.get("decimal_places")
    whole = decimals == 0 or "Int" in str(spec.get("computer_representation", ""))
    return {
        "kind": (Kind.INTEGER if whole else Kind.CONTINUOUS).value,
        "decimals": decimals,
        "minimum": spec.get("range_min"),
        "maximum": spec.get("range_max"),
    }


def _read_categories(spec: Mapping[str, Any]) -> dict[str, Any]:
    order = spec.get("order")
    ordered = spec["sdtype"] == "ordinal" or order is not None or bool(spec.get("order_by"))
    return {
        "kind": (Kind.ORDINAL if ordered else Kind.CATEGORICAL).value,
        "categories": spec.get("range_values", order),
    }


def _read_datetime(spec: Mapping[str, Any]) -> dict[str, Any]:
    declared = spec.get("datetime_format")
    has_clock = declared is None or any(code in declared for code in ("%H", "%I", "%X", "%c", "%T"))
    return {
        "kind": (Kind.DATETIME if has_clock else Kind.DATE).value,
        "format": None if declared is None else declared.replace("%S.%f", "%S%.f"),
        "minimum": _iso(spec.get("range_min"), declared, has_clock),
        "maximum": _iso(spec.get("range_max"), declared, has_clock),
    }


def _iso(text: Any, form: str | None, has_clock: bool) -> str | None:
    if text is None or form is None:
        return None if text is None else str(text)
    try:
        moment = parse_moment(str(text), form)
    except ValueError as error:
        raise SchemaError(f"SDV metadata: {text!r} is not written as {form!r}") from error
    return moment.isoformat() if has_clock else moment.date().isoformat()


def _read_pattern(spec: Mapping[str, Any]) -> str | None:
    pattern = spec.get("regex_format")
    if pattern is None:
        return None
    try:
        parse_pattern(str(pattern))
    except SchemaError:
        return None
    return str(pattern)


def write_sdv(schema: Schema, table: str = "table") -> dict[str, Any]:
    """Write a schema as SDV metadata, version 2.

    Parameters
    ----------
    schema : Schema
    table : str, default="table"
        Name of the table.

    Examples
    --------
    >>> schema = Schema.build({"fee": {"kind": "continuous", "decimals": 2, "minimum": 0}})
    >>> write_sdv(schema)["tables"]["table"]["columns"]["fee"]
    {'sdtype': 'numerical', 'decimal_places': 2, 'range_min': 0.0, 'range_is_nullable': False}
    """
    declared: dict[str, Any] = {
        "columns": {column.name: _write_column(column) for column in schema.each()}
    }
    keys = [c.name for c in schema.each() if c.kind is Kind.IDENTIFIER and not c.nullable]
    if keys:
        declared["primary_key"] = keys[0]
    if keys[1:]:
        declared["alternate_keys"] = keys[1:]
    return {"METADATA_SPEC_VERSION": "V2", "tables": {table: declared}, "relationships": []}


def _write_column(column: Column) -> dict[str, Any]:
    fields = {**_write_kind(column), "range_is_nullable": column.nullable}
    return {key: value for key, value in fields.items() if value is not None}


def _write_kind(column: Column) -> dict[str, Any]:
    if column.kind in (Kind.CONTINUOUS, Kind.INTEGER):
        decimals = 0 if column.kind is Kind.INTEGER else column.decimals
        ends = {"range_min": column.minimum, "range_max": column.maximum}
        return {"sdtype": "numerical", "decimal_places": decimals, **ends}
    if column.kind in (Kind.DATE, Kind.DATETIME):
        return _write_datetime(column)
    if column.kind is Kind.IDENTIFIER:
        return {"sdtype": "id", "regex_format": column.format}
    if column.kind in (Kind.TEXT, Kind.TIMEDELTA):
        return {"sdtype": "unknown", "pii": False}
    if column.kind is Kind.BOOLEAN and column.categories in (None, [False, True]):
        return {"sdtype": "boolean"}
    ordinal = column.kind is Kind.ORDINAL
    return {"sdtype": "ordinal" if ordinal else "categorical", **_write_values(column)}


def _write_values(column: Column) -> dict[str, Any]:
    if not column.categories or len(column.categories) > MAX_LISTED:
        return {"high_cardinality": True} if column.categories else {}
    return {"range_values": column.categories}


def _write_datetime(column: Column) -> dict[str, Any]:
    if column.format is None:
        return {"sdtype": "datetime", "range_min": column.minimum, "range_max": column.maximum}
    form = re.sub(r"%\.\d?f", ".%f", column.format).replace("%:z", "%z")
    ends = {"range_min": column.minimum, "range_max": column.maximum}
    written = {
        end: None if text is None else parse_moment(str(text)).strftime(form)
        for end, text in ends.items()
    }
    return {"sdtype": "datetime", "datetime_format": form, **written}


def read_schema_file(path: str | Path) -> SchemaFile:
    """Read what a file declares of a table: ``schema.yaml``, or SDV metadata as JSON.

    Raises
    ------
    InputError
        If the file cannot be read, or is neither.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InputError(f"{path}: there is no such file; check the path") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as text: {error}") from error
    if "METADATA_SPEC_VERSION" in text and text.lstrip().startswith("{"):
        return SchemaFile(dict(read_sdv(path).overrides))
    return Schema.overrides_from_yaml(text)
