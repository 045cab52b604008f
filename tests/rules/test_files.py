"""A rules file comes in as YAML, JSON or SQL, goes out again, or is refused in one sentence."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tablewright.errors import RuleError
from tablewright.rules import Rules, as_rules, json_schema, read_rules, read_sql, to_json, to_yaml
from tablewright.rules.files import parse_rules

EVERY_KIND: list[Any] = [
    "age >= 18",
    {"expression": "x > 0", "severity": "soft", "weight": 2.5, "why": "mostly", "source": "llm"},
    {"kind": "implies", "if": "job = 'retired'", "then": "age >= 50"},
    {"kind": "iff", "a": "pdays = -1", "b": "previous = 0", "source": "mined", "support": 300},
    {"kind": "forbid", "all": ["age < 20", "job = 'retired'"], "intervention": True},
    {"kind": "range", "column": "age", "min": 18, "max": 95},
    {"kind": "order", "columns": ["admission", "discharge"], "strictly": True},
    {"kind": "linear", "terms": {"limit": 1, "income": -0.4}, "op": "<="},
    {"kind": "align", "on": "y", "attribute": "mood", "pairs": {"1": ["good"], "0": ["bad", "so"]}},
    {"kind": "formula", "column": "bmi", "expression": "weight / (height * height)"},
    {"kind": "fd", "from": ["education"], "to": "years", "map": {"none": 0, "some": 5}},
    {"kind": "fd", "from": ["city", "street"], "to": "code"},
    {
        "kind": "conditional",
        "severity": "soft",
        "given": "y = 0",
        "column": "mood",
        "dist": {"good": 0.25, "bad": 0.75},
    },
    {"kind": "quota", "where": "y = 1", "share": [0.03, 0.06], "min_rows": 20},
    {"kind": "unique", "columns": ["id"]},
]


def test_every_kind_survives_yaml_and_json() -> None:
    rules = as_rules(EVERY_KIND)
    assert len({rule.kind for rule in rules}) == 13
    assert parse_rules(to_yaml(rules)) == rules
    assert parse_rules(to_json(rules)) == rules
    assert all(rule.described() for rule in rules)


@pytest.mark.parametrize("suffix", [".yaml", ".json"])
def test_read_from_disk(tmp_path: Path, suffix: str) -> None:
    rules = as_rules(EVERY_KIND)
    path = tmp_path / f"rules{suffix}"
    path.write_text(to_json(rules) if suffix == ".json" else to_yaml(rules), encoding="utf-8")
    assert read_rules(path) == rules
    assert as_rules(path) == rules


def test_words_of_yaml_that_are_columns_and_values() -> None:
    text = "rules: [{kind: align, on: y, attribute: z, pairs: {no: [off, yes], true: [n]}}]"
    rule = parse_rules(text).rules[0]
    assert rule.model_dump()["on"] == "y"
    assert rule.model_dump()["pairs"] == {"no": ["off", "yes"], "true": ["n"]}


def test_the_schema_is_published_and_names_every_kind() -> None:
    text = json.dumps(json_schema())
    for rule in as_rules(EVERY_KIND):
        assert f'"const": "{rule.kind}"' in text


def test_the_published_schema_is_the_one_of_the_program() -> None:
    published = Path(__file__).parents[2] / "docs" / "rules.schema.json"
    assert json.loads(published.read_text(encoding="utf-8")) == json_schema()


def test_rules_are_joined_and_names_stay_unique() -> None:
    joined = as_rules(["a > 1"]) + as_rules(["b > 1", "c > 1"])
    assert [rule.name for rule in joined] == ["r1", "r1-2", "r2"]


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ([{"kind": "implied", "if": "a", "then": "b"}], "did you mean 'implies'"),
        ([{"expression": "a > 1", "wieght": 2}], "rule 1: there is no field 'wieght'"),
        ([{"kind": "range", "column": "a"}], "min, max or both"),
        ([{"name": "x", "expression": "a"}, {"name": "x", "expression": "b"}], "two rules"),
        ([{"expression": "a", "weight": 2}], "soft rules: set severity: soft"),
        ([{"kind": "quota", "where": "a", "share": [0.5, 0.1]}], "share is [lowest, highest]"),
        ([{"kind": "quota", "where": "a", "share": [-0.1, 0.1]}], "share is [lowest, highest]"),
        ([{"kind": "quota", "where": "a", "share": [0.5, 1.1]}], "share is [lowest, highest]"),
        ([{"kind": "conditional", "column": "a", "dist": {"x": 0.2}}], "sum to 1"),
        ([{"kind": "fd", "from": ["a"], "to": "a"}], "cannot determine itself"),
        ([{"kind": "fd", "from": ["a", "a"], "to": "c"}], "column 'a' stands twice"),
        ([{"kind": "unique", "columns": ["a", "b", "a"]}], "column 'a' stands twice"),
        ([{"kind": "fd", "from": ["a", "b"], "to": "c", "map": [["x", 1]]}], "has 3 values"),
        ([{"kind": "fd", "from": ["a"], "to": "c", "map": {}}], "a row for each combination"),
        ([{"kind": "linear", "terms": {"a": float("inf")}, "op": "<="}], "a finite number"),
        ([{"kind": "linear", "terms": {"a": 1}, "op": "=", "value": float("nan")}], "finite"),
        ([{"kind": "range", "column": "a", "min": float("nan")}], "a finite number"),
        ([{"expression": "a", "severity": "soft", "weight": float("inf")}], "a finite number"),
        ([{"kind": "order", "columns": ["a"]}], "at least 2"),
        ([{"name": "old", "expression": 3}], "rule 1 ('old'): expression"),
        ({"version": 2, "rules": []}, "version"),
        ([3], "rule 1"),
        (3, "rules are a path, a list or a mapping, not int"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(source: Any, says: str) -> None:
    with pytest.raises(RuleError) as caught:
        as_rules(source)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["rules", "3", "{", "a: [", "!!python/object:os.system {}", "x: 1"]
)
def test_other_files_are_refused(text: str) -> None:
    with pytest.raises(RuleError):
        parse_rules(text)


@given(st.text(max_size=80))
def test_any_text_gives_rules_or_one_error(text: str) -> None:
    try:
        result = parse_rules(text)
    except RuleError:
        return
    assert isinstance(result, Rules)


def test_missing_file_and_binary_file(tmp_path: Path) -> None:
    with pytest.raises(RuleError, match="cannot be read"):
        read_rules(tmp_path / "none.yaml")
    (tmp_path / "b.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RuleError, match="cannot be read"):
        read_rules(tmp_path / "b.yaml")


def test_constraints_of_a_sql_table() -> None:
    rules = read_sql(
        """
        CREATE TABLE people (
            id INTEGER PRIMARY KEY,
            age INT NOT NULL CHECK (age BETWEEN 0 AND 120),
            "years at school" INT CHECK ("years at school" <= age),
            code TEXT UNIQUE,
            CONSTRAINT adult CHECK (married = 'no' OR age >= 18),
            UNIQUE (age, code)
        )
        """
    )
    assert [(rule.name, rule.described()) for rule in rules] == [
        ("r1", "no two rows have the same id"),
        ("r2", "id IS NOT NULL"),
        ("r3", "age IS NOT NULL"),
        ("r4", "age BETWEEN 0 AND 120"),
        ("r5", '"years at school" <= age'),
        ("r6", "no two rows have the same code"),
        ("adult", "married = 'no' OR age >= 18"),
        ("r8", "no two rows have the same age, code"),
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("CREATE TABLE t (a INT CHECK (a > (SELECT max(b) FROM u)))", "subquery"),
        ("CREATE TABLE t (a INT CHECK (a ~ 'x'))", "not"),
        ("CREATE TABLE t (a INT CHECK (random() > 0.5))", "the function"),
        ("CREATE TABLE t (a INT); DROP TABLE t", "one CREATE TABLE and nothing else"),
        ("CREATE VIEW v AS SELECT 1", "no columns"),
        ("CREATE TABLE t AS SELECT 1", "no columns"),
        ("CREATE TABLE (", "not understood"),
        ("", "one CREATE TABLE"),
        (f"CREATE TABLE t (a INT CHECK (a > {'1' * 200_000}))", "longer than 200,000 characters"),
    ],
)
def test_other_sql_is_refused(text: str, says: str) -> None:
    with pytest.raises(RuleError, match=says):
        read_sql(text)


def test_sql_file(tmp_path: Path) -> None:
    path = tmp_path / "table.sql"
    path.write_text("CREATE TABLE t (a INT CHECK (a > 1))")
    assert [rule.described() for rule in read_rules(path)] == ["a > 1"]


def test_constraints_that_say_nothing_of_values_are_passed_over() -> None:
    text = """
        CREATE TABLE t (
            a INT NULL DEFAULT 3,
            b INT REFERENCES u (id),
            CONSTRAINT key PRIMARY KEY (a, b),
            FOREIGN KEY (a) REFERENCES u (id)
        )
    """
    assert [(rule.name, rule.described()) for rule in read_sql(text)] == [
        ("key", "no two rows have the same a, b"),
        ("r2", "a IS NOT NULL"),
        ("r3", "b IS NOT NULL"),
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("rules:\n- a > 1\n- 'b' > 2\n", "in line 3"),
        ('{"rules": [\n1,\n}', "in line 3"),
        ("rules: [round(a, 2) > 1]", "rule 1: the brackets of 'round(a' do not match"),
        ("rules: [{expression: least(a, b) > 1}]", "an expression with a comma in it stands in"),
        ("rules: " + "[" * 2000, "neither YAML nor JSON"),
    ],
)
def test_text_that_breaks_off_is_told_by_line_and_remedy(text: str, says: str) -> None:
    with pytest.raises(RuleError) as caught:
        parse_rules(text)
    assert says in str(caught.value)


def test_a_large_file_is_refused_before_it_is_read_as_rules(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text("#" * 2_000_001)
    with pytest.raises(RuleError, match="larger than 2,000,000 characters"):
        read_rules(path)


def test_sql_is_known_by_its_first_word_whatever_the_name_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "table.txt"
    path.write_text("\n  create table t (a INT CHECK (a > 1))")
    assert [rule.described() for rule in read_rules(path)] == ["a > 1"]
    assert len(parse_rules("")) == 0


DESCRIBED: list[tuple[Any, str]] = [
    ({"kind": "range", "column": "a", "min": 1}, "1 <= a"),
    ({"kind": "range", "column": "a", "max": 2.5}, "a <= 2.5"),
    ({"kind": "range", "column": "a", "min": 0, "max": "2020-01-31"}, "0 <= a <= 2020-01-31"),
    ({"kind": "order", "columns": ["a", "b", "c"]}, "a <= b <= c"),
    ({"kind": "order", "columns": ["a", "b"], "strictly": True}, "a < b"),
    ({"kind": "linear", "terms": {"a": -1, "b": 2.5, "c": 1}, "op": "<", "value": 3},
     "-a + 2.5 * b + c < 3"),
    ({"kind": "linear", "terms": {"a": 1, "b": -0.4}, "op": "=", "tolerance": 0.01},
     "a - 0.4 * b = 0 (within 0.01)"),
    ({"kind": "formula", "column": "a", "expr": "b * 2", "tolerance": 0.5},
     "a = b * 2 (within 0.5)"),
    ({"kind": "forbid", "all": ["a > 1", "b < 2"]}, "never a > 1 and b < 2"),
    ({"kind": "quota", "where": "a > 1", "share": [0.1, 0.25], "min_rows": 3},
     "10.0% to 25.0% of the rows: a > 1, at least 3 rows"),
    ({"kind": "conditional", "column": "a", "dist": {"x": 0.25, "y": 0.75}, "given": "b = 1"},
     "a where b = 1: x 25.0%, y 75.0%"),
    ({"kind": "align", "on": "a", "attribute": "b", "pairs": {"x": ["u", 1], True: ["v"]}},
     "b goes with a: x: ['u', 1]; true: ['v']"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "text"), DESCRIBED, ids=str)
def test_a_rule_is_described_in_one_line(rule: Any, text: str) -> None:
    assert as_rules([rule]).rules[0].described() == text


def test_third_rule_without_a_name_is_r3_unless_that_is_taken() -> None:
    rules = as_rules([{"name": "r2", "expression": "a"}, "b", {"id": "last", "expression": "c"}])
    assert [rule.name for rule in rules] == ["r2", "r2'", "last"]


def test_shares_may_miss_1_by_a_hundredth() -> None:
    def shares(*values: float) -> Any:
        dist = dict(zip("abc", values, strict=False))
        return as_rules([{"kind": "conditional", "column": "a", "dist": dist}])

    assert len(shares(0.33, 0.33, 0.335)) == 1
    for wrong in ((0.5, 0.485), (0.5, 0.515), (1.2, -0.2)):
        with pytest.raises(RuleError, match="not negative and sum to 1"):
            shares(*wrong)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('rules:\n- "body mass" = 3\n', "in line 2; .* stands in quotes: - '\"body mass\" = 3'"),
        ("- 'x' = species\n", "stands in quotes: - '''x'' = species'"),
        ("- !(age > 3)\n", r"stands in quotes: - '!\(age > 3\)'"),
        ("- age > 3: c\n", "rule 1: .* a name and a value to YAML; .* in quotes"),
        ("- species: Gentoo\n", "rule 1: a value is asked for with =, as in species = 'x'"),
        ("- if age > 3: size > 2\n", 'rule 1: .*two fields: "if: ..."'),
        ("- name: adults\n", "rule 1 .'adults'.: expression"),
    ],
)
def test_an_expression_that_yaml_breaks_is_shown_as_it_is_quoted(text: str, says: str) -> None:
    with pytest.raises(RuleError, match=says):
        parse_rules(text)
