"""Recipes: from small made-up originals in the form of the public ones to files, and checksums."""

from __future__ import annotations

import csv
import io
import urllib.request
from pathlib import Path
from urllib.error import URLError

import polars as pl
import pytest
from benchmarks.recipes.__main__ import RECIPES, main
from benchmarks.recipes.recipe import Recipe, digest, read, write


def made(name: str, **originals: str) -> list[list[dict[str, str]]]:
    """Follow a recipe; names of originals are given with ``_`` for what no name can have."""
    recipe = RECIPES[name]
    names = [original.name for original in recipe.originals]
    files = dict(zip(names, (text.encode() for text in originals.values()), strict=True))
    return [list(csv.DictReader(io.StringIO(part.decode()))) for part in recipe.make(files)]


def test_cells_are_read_with_commas_or_semicolons_and_written_with_commas() -> None:
    comma, semicolon = b"\xef\xbb\xbfa,b\r\n1,x\r\n", b'"a";"b"\n1;"x"\n'
    assert read(comma) == read(semicolon) == [{"a": "1", "b": "x"}]
    assert write([{"a": "1, 2", "b": 3}]) == b'a,b\n"1, 2",3\n'
    assert write([{"a": "1", "b": 3}], ["b"]) == b"b\n3\n"


def test_an_original_that_cannot_be_fetched_leaves_a_sentence_and_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(address: str) -> None:
        raise URLError("no network")

    monkeypatch.setattr(urllib.request, "urlopen", fails)
    with pytest.raises(SystemExit, match=r"https://.* cannot be fetched .*no network"):
        main(["drug", str(tmp_path / "originals"), "--out", str(tmp_path), "--download"])
    assert not [*tmp_path.iterdir()]


def test_parquet_is_known_by_its_rows() -> None:
    frame, files = pl.DataFrame({"x": [1, 2]}), []
    for compression in ("zstd", "uncompressed"):
        file = io.BytesIO()
        frame.write_parquet(file, compression=compression)
        files.append(file.getvalue())
    assert files[0] != files[1]
    assert len({digest("a.parquet", file) for file in files}) == 1
    assert len({digest("a.csv", file) for file in files}) == 2


@pytest.mark.parametrize("header", [True, False], ids=["as copied", "as UCI's adult.data"])
def test_adult_has_no_blanks_and_empty_cells_for_question_marks(header: bool) -> None:
    from benchmarks.recipes.adult import COLUMNS

    row = "39, ?, 77516, Bachelors, 13, Never-married, Adm-clerical, Not-in-family, White, Male, "
    row += "2174, 0, 40, United-States, <=50K\r\n"
    [rows] = made("adult", original=(",".join(COLUMNS) + "\r\n" if header else "") + 2 * row)
    assert len(rows) == 2
    assert rows[0]["workclass"] == ""
    assert rows[0]["education"] == "Bachelors"
    assert rows[0]["salary"] == "<=50K"


def test_compas_keeps_rows_as_propublica_does_and_codes_two_races() -> None:
    from benchmarks.recipes.compas import READABLE

    names = [*READABLE, "is_recid", "score_text", "name"]

    def person(**changes: str) -> str:
        cells = dict.fromkeys(names, "0") | {
            "sex": "Male", "age": "30", "age_cat": "25 - 45", "race": "Caucasian",
            "c_charge_degree": "F", "days_b_screening_arrest": "-1", "score_text": "Low",
        }  # fmt: skip
        return ",".join((cells | changes)[name] for name in names)

    lost = [
        person(days_b_screening_arrest="31"), person(days_b_screening_arrest=""),
        person(is_recid="-1"), person(c_charge_degree="O"), person(score_text="N/A"),
    ]  # fmt: skip
    people = [person(), person(race="Other"), person(sex="Female", race="African-American"), *lost]
    coded, readable = made("compas", original="\n".join([",".join(names), *people]))
    assert [row["race"] for row in readable] == ["Caucasian", "Other", "African-American"]
    assert [row["race_Caucasian"] for row in coded] == ["1", "0"]
    assert [row["sex"] for row in coded] == ["1", "0"]
    assert {row["age_cat_25-45"] for row in coded} == {"1"}
    assert "name" not in readable[0]


def test_sick_puts_the_label_first_and_refuses_parts_that_do_not_match() -> None:
    x, y = "index,age,TSH\n7,50.0,3.0\n", "index,Class\n7,sick\n"
    train, test = made("sick", a=x, b=y, c=x, d=y)
    assert train == test == [{"Class": "sick", "age": "50.0", "TSH": "3.0"}]
    assert next(iter(train[0])) == "Class"
    with pytest.raises(SystemExit, match="do not hold the same rows"):
        made("sick", a=x, b=y.replace("7", "8"), c=x, d=y)


def test_travel_is_split_by_target() -> None:
    rows = "".join(f"{age},{int(age % 4 == 0)}\n" for age in range(40))
    full, train, test = made("travel", original="Age,Target\n" + rows)
    assert list(full[0]) == ["Target", "Age"]
    assert [sum(row["Target"] == "1" for row in part) for part in (full, train, test)] == [10, 8, 2]
    assert {row["Age"] for row in train} | {row["Age"] for row in test} == {
        str(age) for age in range(40)
    }


def test_bank_of_uci_becomes_that_of_its_copies() -> None:
    [uci] = made("bank", original='"age";"job"\n58;"admin."\n')
    [copy] = made("bank", original="\ufeffage,job\n58,admin.\n")
    assert uci == copy == [{"age": "58", "job": "admin."}]


def test_sentences_that_all_agree_on_are_marked_however_letters_were_damaged() -> None:
    recipe = RECIPES["phrasebank"]
    files = {
        "all-data.csv": "label,news\nneutral,Jyv+\xc6 rose .\npositive,It fell .\n".encode(
            "latin-1"
        ),
        "financial_phrasebank.csv": "label,sentence\n0,Jyv+\xf1 rose .,1\n".encode(),
    }
    [content] = recipe.make(files)
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    assert [row["all_agree"] for row in rows] == ["1", "0"]
    assert rows[0]["text"] == "Jyv+\xc6 rose ."


def test_numbers_of_insurance_are_written_in_one_form() -> None:
    head = "sex,age,bmi,children,charges,smoker,region,,\r\n"
    text = head + "male,28,33.00,3,4449,no,east,,\r\n,,,,,,,,\r\n"
    for name in ("insurance", "insurance-duplicated"):
        [rows] = made(name, original=text)
        assert rows == [
            {"age": "28", "sex": "male", "bmi": "33.0", "children": "3", "smoker": "no",
             "region": "east", "charges": "4449.0"}
        ]  # fmt: skip


def test_drug_keeps_two_groups_without_those_who_overclaim() -> None:
    head = "ID,Age,Gender,Education,Ethnicity,Choc,Caff,Semer,Nicotine,LSD\n"
    rows = (
        "1,25-34,F,Masters degree,White,CL6,CL6,CL0,CL2,CL1\n"
        "2,25-34,F,Masters degree,White,CL6,CL6,CL1,CL2,CL1\n"
        "3,18-24,M,Masters degree,White,CL6,CL6,CL0,CL1,CL6\n"
        "4,18-24,M,Masters degree,Asian,CL6,CL6,CL0,CL1,CL6\n"
    )
    women, men = made("drug", original=head + rows)
    assert women == [{"Education": "Masters degree", "LSD": "1", "Smokes": "1"}]
    assert men == [{"Education": "Masters degree", "LSD": "6", "Smokes": "0"}]


def test_tables_of_date_keep_their_types() -> None:
    recipe = RECIPES["date-tables"]
    files = {original.name: b"V1,Class\n1,0\n2.5,1\n" for original in recipe.originals}
    for content in recipe.make(files):
        assert pl.read_parquet(io.BytesIO(content)).rows() == [(1.0, 0), (2.5, 1)]


def test_asia_needs_no_original_and_is_the_file_that_was_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["asia", "--out", str(tmp_path)]) == 0
    assert "asia_10000.csv: the file that was measured" in capsys.readouterr().out
    rows = pl.read_csv(tmp_path / "mallm_gan" / "asia_10000.csv")
    tied = (rows["tub"] == "yes") | (rows["lung"] == "yes")
    assert ((rows["either"] == "yes") == tied).all()


def test_another_result_is_told_and_a_missing_original_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    original, out = tmp_path / "mine.csv", tmp_path / "data"
    original.write_text("age,job\n58,admin.\n")
    assert main(["bank", str(original), "--out", str(out)]) == 1
    said = capsys.readouterr().out
    assert "bank-full.csv: another copy than ours; the result decides" in said
    assert "bank_full.csv: NOT the file that was measured" in said
    assert (out / "htdbu" / "bank_full.csv").read_text() == "age,job\n58,admin.\n"
    with pytest.raises(SystemExit, match=r"all-data.csv is not there; get it from https://"):
        main(["phrasebank", str(tmp_path), "--out", str(out)])


def test_the_list_names_licence_address_and_checksum_of_each_original(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--list"]) == 0
    said = capsys.readouterr().out
    for recipe in RECIPES.values():
        assert_told(recipe, said)


def assert_told(recipe: Recipe, said: str) -> None:
    assert f"{recipe.name}: {recipe.about}" in said
    for original in recipe.originals:
        assert len(original.sha256) == 64
        assert original.address.startswith("https://")
        assert all(text in said for text in (original.address, original.sha256, original.licence))
    for path, sha256 in recipe.makes.items():
        assert len(sha256) == 64
        assert f"makes {path}  sha256 {sha256}" in said
