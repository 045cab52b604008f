"""The parts of the stand-in model: its population, what it reads, its server, and the contracts."""

from __future__ import annotations

import itertools
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from tablewright.generators.independent import Independent
from tablewright.llm.endpoint.base import Prompt, Reply, Usage
from tablewright.llm.rows.csv_rows import CsvRows
from tablewright.llm.rows.raw_rows import RawRow
from tablewright.schema import Schema
from tablewright.testing import (
    Faults,
    Population,
    StandIn,
    Transport,
    check_generator,
    check_llm,
    check_row_format,
    serve,
)
from tablewright.testing.other_answers import graph, memory, plan, population_of, rules
from tablewright.testing.reading import read_order

RNG = np.random.default_rng
PEOPLE = pl.DataFrame(
    {
        "age": [20 + i % 40 for i in range(400)],
        "pay": [round(1000.0 * (20 + i % 40) + i / 8, 2) for i in range(400)],
        "town": ["Ulm" if i % 40 < 20 else "Bonn" for i in range(400)],
        "class": ["low" if i % 40 < 20 else "high" for i in range(400)],
    }
)
MODEL = StandIn(PEOPLE, target="class")


# population -----------------------------------------------------------------------------------


def test_an_even_selection_of_a_large_population_is_used() -> None:
    population = Population(pl.DataFrame({"x": range(9_000), "y": ["a", "b"] * 4_500}))
    assert population.frame["x"].to_list() == list(range(0, 9_000, 2))


def test_a_cell_is_drawn_from_rows_near_what_it_depends_on() -> None:
    population = Population(PEOPLE, target="class")
    drawn = [population.draw("town", {"age": 25}, ["age"], RNG(seed)) for seed in range(30)]
    assert set(drawn) == {"Ulm"}
    pay = [population.draw("pay", {"town": "Bonn"}, ["town"], RNG(seed)) for seed in range(30)]
    assert min(float(str(value)) for value in pay) >= 40_000
    free = [population.draw("town", {"age": 25}, [], RNG(seed)) for seed in range(30)]
    assert set(free) == {"Ulm", "Bonn"}


def test_numbers_lie_between_those_of_the_population_and_have_its_digits() -> None:
    population = Population(PEOPLE, target="class")
    pay = {population.draw("pay", {}, [], RNG(seed)) for seed in range(50)}
    assert len(pay - set(population.cells["pay"])) > 20
    assert all(round(float(str(value)), 2) == value for value in pay)
    age = {population.draw("age", {}, [], RNG(seed)) for seed in range(50)}
    assert age <= set(population.cells["age"]), "only continuous columns are moved"


def test_missing_cells_are_drawn_and_never_moved() -> None:
    frame = pl.DataFrame({"x": [1.5, None, 2.5, 9.25] * 20, "y": ["a", "b"] * 40})
    population = Population(frame)
    drawn = [population.draw("x", {"y": "b"}, ["y"], RNG(seed)) for seed in range(60)]
    assert None in drawn
    near_missing = [population.draw("y", {"x": None}, ["x"], RNG(seed)) for seed in range(20)]
    assert set(near_missing) == {"b"}


@pytest.mark.parametrize(
    ("first", "second", "value"),
    [("town", "class", 1.0), ("class", "town", 1.0), ("age", "town", 1.0), ("free", "town", 0.0)],
)
def test_association_is_cramers_v(first: str, second: str, value: float) -> None:
    frame = PEOPLE.with_columns(free=pl.Series(["u", "v"] * 200))
    assert Population(frame).association(first, second) == pytest.approx(value, abs=0.01)


def test_a_column_of_one_value_tells_nothing() -> None:
    frame = PEOPLE.with_columns(unit=pl.lit("kg"))
    assert Population(frame).association("unit", "town") == 0.0


# reading --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prompt", "columns", "form", "n_rows"),
    [
        ("Write 7 rows of age and town as CSV.", ["age", "town"], "csv", 7),
        ("Give 12 new records with pay.", ["pay"], "json", 12),
        ("Write rows.", ["age", "pay", "town", "class"], "json", 10),
        ("Give 3 samples of town as a JSON list of lists.", ["town"], "lists", 3),
        (
            "agent and payment: 5 rows, JSON only, not CSV",
            ["age", "pay", "town", "class"],
            "json",
            5,
        ),
        ('Like {"age": 3, "town": "Ulm"}: 4 objects', ["age", "town"], "json", 4),
    ],
)
def test_what_a_prompt_asks_for(prompt: str, columns: list[str], form: str, n_rows: int) -> None:
    order = read_order(prompt, MODEL.population.schema)
    assert (order.columns, order.form, order.n_rows) == (columns, form, n_rows)


def test_rules_and_graphs_of_a_prompt_are_read() -> None:
    prompt = """Write 5 rows.
    - age >= 30
    2. town = 'Ulm'.
    - this is no rule
    {"expression": "pay > 100"}
    {"pay": {"parents": ["age", "pay", "nobody"]}, "nobody": {"parents": ["age"]}}"""
    order = read_order(prompt, MODEL.population.schema)
    assert order.parents == {"pay": ["age"]}
    rows = pl.DataFrame({"age": [29, 30], "town": ["Ulm", "Ulm"], "pay": [50.0, 500.0]})
    assert [rule.holds(rows).tolist() for rule in order.rules] == [
        *([False, True], [True, True], [False, True])
    ]


def test_groups_of_a_prompt_are_read_by_their_letters() -> None:
    prompt = "age,town\nA.\n20,Ulm\n21,Ulm\n\nB.\n50,Bonn\n\nage,town"
    order = read_order(prompt, MODEL.population.schema)
    assert order.groups == {
        "A": [{"age": "20", "town": "Ulm"}, {"age": "21", "town": "Ulm"}],
        "B": [{"age": "50", "town": "Bonn"}],
    }
    assert read_order("age,town\nA.\n20,Ulm", MODEL.population.schema).groups == {}


# other answers --------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [memory, plan, rules, graph])
def test_what_is_not_asked_is_not_answered(answer: Callable[..., str | None]) -> None:
    assert answer("Write 5 rows of age and town.", MODEL, RNG(0)) is None


def test_rules_hold_in_the_population_unless_the_model_is_disobedient() -> None:
    asked = 'Rules for age, pay and town as {"rules": [...]}'
    honest = json.loads(str(rules(asked, MODEL, RNG(0))))["rules"]
    assert [(rule["column"], rule["min"], rule["max"]) for rule in honest] == [
        *(("age", 20.0, 59.0), ("pay", 20_000.0, 59_049.88))
    ]
    wild = StandIn(PEOPLE, target="class", faults=Faults(obedience=0.0))
    (first, _) = json.loads(str(rules(asked, wild, RNG(0))))["rules"]
    assert first["min"] == first["max"] == 20.0


def test_parents_of_a_graph_are_those_that_tell_most() -> None:
    asked = 'Score: 60 %. Which edges of age, pay, town to add? {"age": {"parents": []}}'
    result = json.loads(str(graph(asked, MODEL, RNG(0))))["graph"]
    assert result["age"] == {"parents": []}
    assert result["pay"] == {"parents": ["age"]}
    assert set(result["town"]["parents"]) == {"age", "pay"}


def test_graphs_differ_from_reply_to_reply_and_the_label_comes_last() -> None:
    asked = 'Score: 60 %. Edges of age, pay, town, class to add? {"age": {"parents": []}}'
    found = [str(graph(asked, MODEL, RNG(seed))) for seed in range(20)]
    assert len({*found}) > 1
    assert all(list(json.loads(one)["graph"])[-1] == "class" for one in found)


@pytest.mark.parametrize(("share", "known"), [(1.0, True), (0.0, False)])
def test_rows_are_remembered_as_far_as_they_are_memorised(share: float, known: bool) -> None:
    model = StandIn(PEOPLE, target="class", faults=Faults(memorised=share))
    lines = PEOPLE.write_csv().splitlines()
    asked = "Continue this table with its next 2 rows:\n" + "\n".join(lines[:4])
    assert memory(asked, model, RNG(0)) == ("\n".join(lines[4:6]) if known else None)
    header = memory("Complete the header of the table", model, RNG(0))
    assert json.loads(str(header)) == (PEOPLE.columns if known else [])


def test_rare_values_of_a_column_are_remembered() -> None:
    frame = PEOPLE.with_columns(
        town=pl.when(pl.int_range(400) == 7).then(pl.lit("Au")).otherwise("town")
    )
    model = StandIn(frame, target="class", faults=Faults(memorised=1.0))
    asked = "Name rare values of this column.\n<data>\ntown\n</data>"
    assert json.loads(str(memory(asked, model, RNG(0)))) == ["Au", "Ulm", "Bonn"]


def test_a_group_is_continued_from_its_class_and_tokens_from_themselves() -> None:
    names = ["age", "class"]
    rows = [{"age": "25", "class": "low"}]
    of_class = population_of(rows, MODEL.population, names)
    assert set(of_class.cells["class"]) == {"low"}
    tokens = population_of(
        [{"age": "Q7X", "class": "ZZ"}, {"age": "", "class": "ZZ"}], MODEL.population, names
    )
    assert tokens.cells == {"age": ["Q7X", ""], "class": ["ZZ", "ZZ"]}
    numbers = population_of([{"age": "1.25", "class": "Z1"}], MODEL.population, names)
    assert numbers.cells["age"] == [1.25] or numbers.schema["age"].kind.value == "text"


# server ---------------------------------------------------------------------------------------


BODY = {
    "model": "stand-in",
    "messages": [{"role": "user", "content": "Write 2 rows of age as CSV."}],
}


def ask(url: str, body: Any = None, key: str = "") -> tuple[int, dict[str, str], bytes]:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, data, headers), timeout=20
        ) as reply:
            return reply.status, dict(reply.headers), reply.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read()


@pytest.mark.parametrize(
    ("transport", "change", "status", "said"),
    [
        ({}, {}, 200, "chatcmpl-stand-in"),
        ({}, {"model": "other"}, 404, "The model 'other' does not exist"),
        ({"busy": 1.0, "retry_after": 3.5}, {}, 429, "Rate limit reached"),
        ({"broken": 1.0}, {}, 500, "The server had an error"),
        ({"slots": 0}, {}, 429, "Too many requests"),
        ({"api_key": "k"}, {}, 401, "Incorrect API key"),
        ({"rejects": ("seed",)}, {"seed": 3}, 400, "Unsupported parameter: 'seed'"),
        ({"rejects": ("seed",)}, {}, 200, ""),
        ({"context": 3}, {}, 400, "exceeds the context size of 3"),
        (
            {"steps": ("text",)},
            {"response_format": {"type": "json_object"}},
            400,
            "unavailable now",
        ),
        ({"steps": ("text", "json")}, {"response_format": {"type": "json_object"}}, 200, ""),
    ],
)
def test_the_server_answers_as_its_transport_says(
    transport: dict[str, Any], change: dict[str, Any], status: int, said: str
) -> None:
    with serve(MODEL, Transport(**transport)) as served:
        code, headers, body = ask(f"{served.url}/chat/completions", {**BODY, **change})
    assert code == status
    assert said in body.decode()
    assert served.answers == {status: 1}
    assert len(served.requests) == (status == 200)
    if status == 429:
        assert headers["Retry-After"] == str(transport.get("retry_after", 0.5))


def test_a_reply_comes_whole_or_in_pieces_and_is_counted() -> None:
    with serve(MODEL, Transport(api_key="k")) as served:
        url = f"{served.url}/chat/completions"
        whole = json.loads(ask(url, BODY, "k")[2])
        _, headers, stream = ask(url, {**BODY, "stream": True}, "k")
    events = [line[6:] for line in stream.decode().splitlines() if line.startswith("data: ")]
    pieces = [json.loads(event) for event in events[:-1]]
    text = "".join(p["choices"][0]["delta"].get("content", "") for p in pieces if p["choices"])
    assert events[-1] == "[DONE]"
    assert headers["Content-Type"] == "text/event-stream"
    assert text == whole["choices"][0]["message"]["content"]
    assert pieces[-2]["choices"][0]["finish_reason"] == "stop"
    assert pieces[-1]["usage"] == whole["usage"]
    assert served.usage.total == 2 * whole["usage"]["total_tokens"]
    assert served.answers == {200: 2}


@pytest.mark.parametrize(("slots", "status"), [(None, 404), (4, 200)])
def test_slots_are_told_where_they_are_known(slots: int | None, status: int) -> None:
    with serve(MODEL, Transport(total_slots=slots)) as served:
        code, _, body = ask(served.url.replace("/v1", "/props"))
        _, _, models = ask(f"{served.url}/models")
        assert ask(f"{served.url}/embeddings", BODY)[0] == 404
    assert (code, json.loads(body)) == (status, {} if slots is None else {"total_slots": slots})
    assert [model["id"] for model in json.loads(models)["data"]] == ["stand-in"]


def test_a_long_reply_ends_at_the_limit() -> None:
    reply = MODEL.complete(Prompt.ask("Write 50 rows of age and town as CSV.", max_tokens=10))
    assert (len(reply.text), reply.finish) == (40, "length")
    assert MODEL.complete(Prompt.ask("Write 1 row of age as CSV.", max_tokens=999)).finish == "stop"


# contracts ------------------------------------------------------------------------------------


CALLS = itertools.count()


def altered(change: Callable[..., Any]) -> type[Independent]:
    """Make a generator whose rows are what `change` makes of a way to sample and its arguments."""

    class Altered(Independent):
        def sample(self, *args: Any, **options: Any) -> Any:
            return change(super().sample, *args, **options)

    return Altered


def too_few(sample: Any, *args: Any, **options: Any) -> Any:
    return sample(*args, **options)[:-1]


def restless(sample: Any, n_samples: int, rng: Any, **options: Any) -> Any:
    return sample(n_samples, RNG(next(CALLS)), **options)


def forgetful(sample: Any, n_samples: int, rng: Any, **options: Any) -> Any:
    return sample(n_samples, rng, complete=bool(options.get("complete")))


def inventive(sample: Any, *args: Any, **options: Any) -> Any:
    rows = sample(*args, **options)
    rows[:, 2] = 7.0
    return rows


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (too_few, "every row that is asked for"),
        (inventive, "codes have to be those of the table"),
        (restless, "the same chance has to give the same rows"),
        (forgetful, "given cells have to stay as they are"),
    ],
)
def test_a_generator_that_breaks_its_contract_is_told(change: Any, said: str) -> None:
    with pytest.raises(AssertionError, match=said):
        check_generator(altered(change))


class Broken:
    def __init__(self, **fields: Any) -> None:
        self.reply = Reply(
            **{"text": "", "finish": "stop", "model": "m", "usage": Usage(), **fields}
        )

    def complete(self, prompt: Prompt) -> Reply:
        return self.reply


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"text": 5}, "a reply's text is a str"),
        ({"finish": "tired"}, "finish is stop, length, cut or refusal"),
        ({"usage": Usage(-1, 0)}, "tokens are not negative"),
        ({"cost": -0.5}, "a cost is not negative"),
    ],
)
def test_a_model_that_breaks_its_contract_is_told(fields: dict[str, Any], said: str) -> None:
    check_llm(Broken())
    with pytest.raises(AssertionError, match=said):
        check_llm(Broken(**fields))


class Nameless(CsvRows):
    def read(self, text: str, names: Any, known: Any = ()) -> Iterator[Any]:
        for row in super().read(text, names, known):
            if isinstance(row, RawRow):
                cells = {name: cell for name, cell in row.cells.items() if name != "_x y"}
                yield replace(row, cells=cells)


def test_a_row_format_that_breaks_its_contract_is_told() -> None:
    with pytest.raises(AssertionError, match="column names have to survive"):
        check_row_format(Nameless())


def test_a_population_of_rows_has_their_schema() -> None:
    schema = Schema.build({"age": "integer", "town": "text"})
    population = Population.of_rows(
        [{"age": 3, "town": "Ulm"}, {"age": None, "town": "Au"}], schema
    )
    assert population.cells == {"age": [3, None], "town": ["Ulm", "Au"]}
