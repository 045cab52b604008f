"""SDV metadata of both versions is read, version 2 is written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tablewright.errors import InputError, SchemaError
from tablewright.schema import Kind, Schema, SchemaFile
from tablewright.tables.inference.infer import infer_schema
from tablewright.tables.io.sdv_metadata import read_schema_file, read_sdv, write_sdv

V1 = {
    "METADATA_SPEC_VERSION": "SINGLE_TABLE_V1",
    "primary_key": "mail",
    "alternate_keys": ["card"],
    "sequence_index": "stay",
    "columns": {
        "mail": {"sdtype": "email", "pii": True},
        "card": {"sdtype": "credit_card_number", "pii": True},
        "member": {"sdtype": "boolean"},
        "room": {"sdtype": "categorical", "order": ["basic", "suite"]},
        "city": {"sdtype": "city"},
        "stay": {"sdtype": "datetime", "datetime_format": "%d %b %Y"},
        "seen": {"sdtype": "datetime", "datetime_format": "%Y-%m-%d %H:%M:%S.%f"},
        "rate": {"sdtype": "numerical", "computer_representation": "Float"},
        "nights": {"sdtype": "numerical", "computer_representation": "Int8"},
        "row": {"sdtype": "id", "regex_format": "R_[0-9]{4}"},
        "odd": {"sdtype": "id", "regex_format": "(a|b)*"},
        "rest": {"sdtype": "unknown"},
    },
}

V2 = {
    "METADATA_SPEC_VERSION": "V2",
    "tables": {
        "guests": {
            "columns": {
                "fee": {
                    "sdtype": "numerical",
                    "range_min": 0.0,
                    "range_max": 46.64,
                    "decimal_places": 2,
                    "range_is_nullable": True,
                },
                "guests": {"sdtype": "numerical", "decimal_places": 0},
                "room": {"sdtype": "categorical", "range_values": ["a", "b"]},
                "grade": {"sdtype": "ordinal", "range_values": ["low", "high"]},
                "day": {
                    "sdtype": "datetime",
                    "datetime_format": "%d %b %Y",
                    "range_min": "27 Dec 2020",
                },
            }
        }
    },
}


def test_version_1() -> None:
    read = read_sdv(V1)
    kinds = {name: declared.get("kind") for name, declared in read.overrides.items()}
    assert kinds == {
        "mail": "identifier",
        "card": "identifier",
        "member": "boolean",
        "room": "ordinal",
        "city": "categorical",
        "stay": "date",
        "seen": "datetime",
        "rate": "continuous",
        "nights": "integer",
        "row": "identifier",
        "odd": "identifier",
        "rest": None,
    }
    assert read.overrides["room"]["categories"] == ["basic", "suite"]
    assert read.overrides["row"]["format"] == "R_[0-9]{4}"
    assert "format" not in read.overrides["odd"]
    assert read.overrides["seen"]["format"] == "%Y-%m-%d %H:%M:%S%.f"
    assert read.notes == ["the metadata describes a sequence: sequences are not supported yet"]


def test_version_2() -> None:
    declared = read_sdv(V2).overrides
    assert declared["fee"] == {
        "kind": "continuous",
        "decimals": 2,
        "minimum": 0.0,
        "maximum": 46.64,
        "nullable": True,
    }
    assert declared["guests"]["kind"] == "integer"
    assert declared["grade"] == {"kind": "ordinal", "categories": ["low", "high"]}
    assert declared["day"] == {"kind": "date", "format": "%d %b %Y", "minimum": "2020-12-27"}


def test_overrides_lead_to_a_schema() -> None:
    frame = pl.DataFrame(
        {
            "fee": ["1.5", "2.25", "", "7"] * 5,
            "guests": [1, 2, 3, 2] * 5,
            "room": ["a", "b", "a", "b"] * 5,
            "grade": ["low", "high", "low", "low"] * 5,
            "day": ["27 Dec 2020", "01 Jan 2021", "02 Jan 2021", "03 Jan 2021"] * 5,
        }
    )
    schema = infer_schema(frame, read_sdv(V2).overrides)
    assert schema["guests"].kind is Kind.INTEGER
    assert schema["grade"].categories == ["low", "high"]
    assert schema["fee"].maximum == 46.64
    assert (schema["day"].kind, schema["day"].maximum) == (Kind.DATE, "2021-01-03")


def test_what_is_written_reads_back_the_same() -> None:
    schema = Schema.build(
        {
            "id": {"kind": "identifier", "format": "C-[0-9]{3}"},
            "x": {"kind": "continuous", "decimals": 2, "minimum": 0.0, "maximum": 1.5},
            "n": {"kind": "integer", "minimum": 1.0, "maximum": 9.0, "nullable": True},
            "grade": {"kind": "ordinal", "categories": ["low", "high"]},
            "city": {"kind": "categorical", "categories": ["a", "b"]},
            "many": {"kind": "categorical", "categories": [str(i) for i in range(600)]},
            "flag": {"kind": "boolean"},
            "day": {"kind": "date", "format": "%d.%m.%Y", "minimum": "2020-12-31"},
            "at": {"kind": "datetime", "maximum": "2020-12-31T10:00:00"},
        }
    )
    written = json.loads(json.dumps(write_sdv(schema)))
    table = written["tables"]["table"]
    assert written["METADATA_SPEC_VERSION"] == "V2"
    assert table["primary_key"] == "id"
    assert table["columns"]["many"]["high_cardinality"] is True
    assert table["columns"]["day"]["range_min"] == "31.12.2020"
    declared = read_sdv(written).overrides
    for column in schema.each():
        assert declared[column.name]["kind"] == column.kind.value
        assert declared[column.name].get("minimum") == column.minimum
        assert declared[column.name].get("maximum") == column.maximum
        assert declared[column.name].get("format") == column.format


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({}, "METADATA_SPEC_VERSION is None"),
        ({"METADATA_SPEC_VERSION": "V9"}, "METADATA_SPEC_VERSION is 'V9'"),
        ({"METADATA_SPEC_VERSION": "V1", "tables": []}, "'tables' must be"),
        ({"METADATA_SPEC_VERSION": "V1", "tables": {"a": {}}}, "'columns' must be"),
        ({"METADATA_SPEC_VERSION": "V2", "columns": {"a": {}}}, "column 'a' has no 'sdtype'"),
        (
            {"METADATA_SPEC_VERSION": "V2", "tables": {"a": {}, "b": {}}},
            "describes 2 tables; name one of 'a', 'b'",
        ),
    ],
)
def test_metadata_that_cannot_be_read(metadata: dict[str, Any], said: str) -> None:
    with pytest.raises(SchemaError, match=said):
        read_sdv(metadata)


def test_one_of_several_tables() -> None:
    both = {**V2, "tables": {**V2["tables"], "other": {"columns": {}}}}  # type: ignore[dict-item]
    assert "fee" in read_sdv(both, "guests").overrides
    with pytest.raises(SchemaError, match="did you mean 'guests'"):
        read_sdv(both, "guest")


def test_schema_file_is_yaml_or_sdv(tmp_path: Path) -> None:
    (tmp_path / "schema.yaml").write_text("target: y\ncolumns: {age: ordinal}\n")
    assert read_schema_file(tmp_path / "schema.yaml") == SchemaFile({"age": "ordinal"}, "y")
    (tmp_path / "sdv.json").write_text(json.dumps(V2))
    assert read_schema_file(tmp_path / "sdv.json").columns["room"]["kind"] == "categorical"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"columns: [", "not YAML"),
        (b"a: 1", "has 'version', 'target', 'dialect' and 'columns', not"),
        (b"\xff\xfe\x00", "cannot be read as text"),
        (b'{"METADATA_SPEC_VERSION": ', "is not JSON"),
    ],
)
def test_bad_schema_file(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "s").write_bytes(content)
    with pytest.raises(InputError, match=said) as caught:
        read_schema_file(tmp_path / "s")
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="no such file"):
        read_schema_file(tmp_path / "absent")
