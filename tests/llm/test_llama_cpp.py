"""A real server with a real, if meaningless, model: llama.cpp with a schema."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tablewright.errors import ContextLengthError, ModelError
from tablewright.llm import Client, Prompt, Reply, RowTask, connect, request_rows
from tablewright.llm.endpoint.refusals import EndpointError
from tablewright.schema import Schema

pytest.importorskip("xllamacpp")
pytest.importorskip("gguf")

from tests.llm.tiny_llama import serve_llama, write_model

SCHEMA = Schema.build(
    {
        "age": {"kind": "integer", "minimum": 0, "maximum": 120},
        "city": {"kind": "categorical", "categories": ["Ulm", "Köln", "Bad Urach"]},
        "ok": {"kind": "boolean", "categories": [False, True]},
    }
)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    path = tmp_path_factory.mktemp("model") / "tiny.gguf"
    write_model(path)
    assert path.stat().st_size < 600_000
    with serve_llama(path) as url:
        yield url


@pytest.fixture
def client(address: str) -> Iterator[Client]:
    with connect("tiny-random", address, timeout=60.0) as opened:
        yield opened


def test_rows_held_to_a_schema(address: str, tmp_path: Path) -> None:
    """Types and categories are kept by the server; ranges it skips, and we do not."""
    with connect("tiny-random", address, run=tmp_path) as client:
        written = request_rows(
            client, RowTask(SCHEMA, "People."), 6, batch_size=3, row_format="json", rounds=6
        )
        spending = client.spending()
        step = client.ledger.do(lambda file: file.get_meta("step:tiny-random"))
    assert step == "schema"
    assert written.rows
    assert {type(row["age"]) for row in written.cells} == {int}
    assert {row["city"] for row in written.cells} <= {"Ulm", "Köln", "Bad Urach"}
    assert all(-12 <= int(row["age"] or 0) <= 132 for row in written.cells)
    assert spending.counted
    assert spending.lines[0]["completion_tokens"] > 0


def test_a_seed_is_kept_to(client: Client, address: str) -> None:
    prompt = Prompt.ask("Say something.", seed=11, max_tokens=30, temperature=1.0)
    with_schema = prompt.but(schema={"type": "string", "maxLength": 20})
    first = client.complete(with_schema)
    with connect("tiny-random", address) as other:
        again = other.complete(with_schema)
    assert (again.cached, again.text) == (False, first.text)
    assert client.complete(with_schema.but(seed=12)).text != first.text


def test_a_reply_that_is_cut_off_says_so(client: Client) -> None:
    reply = client.complete(
        Prompt.ask("Count.", max_tokens=12, schema={"type": "array", "items": {"type": "integer"},
                                                    "minItems": 40})
    )  # fmt: skip
    assert reply.finish == "length"
    assert reply.usage.completion_tokens == 12
    assert reply.usage.counted


def test_many_at_a_time(client: Client) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "boolean"}}, "required": ["a"]}
    prompts = [Prompt.ask("?", seed=seed, schema=schema, max_tokens=60) for seed in range(12)]
    replies = client.complete_all(prompts)
    good = [reply for reply in replies if isinstance(reply, Reply)]
    assert len(good) == 12
    assert client.spending().calls >= 12


def test_a_prompt_that_is_too_long_is_said_to_be(client: Client) -> None:
    with pytest.raises(ContextLengthError, match="too long for 'tiny-random'"):
        client.complete(Prompt.ask("word " * 6000, max_tokens=5))


def test_a_server_that_dies_is_named_and_the_run_goes_on_later(tmp_path: Path) -> None:
    path = tmp_path / "tiny.gguf"
    write_model(path)
    prompt = Prompt.ask("?", schema={"type": "boolean"}, max_tokens=10)
    with serve_llama(path) as url, connect("tiny-random", url, run=tmp_path / "run") as client:
        first = client.complete(prompt)
    with connect("tiny-random", url, run=tmp_path / "run") as client:
        assert client.complete(prompt).text == first.text
        with pytest.raises(EndpointError, match="cannot be reached") as caught:
            client.complete(prompt.but(seed=1))
    assert isinstance(caught.value, ModelError)


def test_calls_at_a_time_are_the_servers_slots(client: Client) -> None:
    client.complete(Prompt.ask("?", max_tokens=5))
    assert client._layers().limiter.limit.highest == 4


def test_speed_is_measured_from_the_stream(client: Client) -> None:
    client.complete(Prompt.ask("Say something.", seed=3, max_tokens=40))
    assert client.speed.written is not None
    assert client.speed.tokens_in(10.0) == int(10 * client.speed.written)


def test_log_probabilities_come_with_the_stream(client: Client) -> None:
    reply = client.complete(Prompt.ask("?", max_tokens=3, top_logprobs=4))
    assert [len(likeliest) for likeliest in reply.logprobs] == [4] * len(reply.logprobs)
    assert len(reply.logprobs) >= 1
    assert all(value <= 0 for likeliest in reply.logprobs for value in likeliest.values())
