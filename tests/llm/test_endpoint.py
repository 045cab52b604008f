"""The real SDK against a loopback endpoint: what users meet, and what they are told."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tablewright.errors import (
    ContextLengthError,
    InputError,
    InvalidReplyError,
    ModelError,
    RateLimitError,
    ReplyFormatError,
)
from tablewright.llm import Client, Prompt, Reply, RowTask, connect, request_rows
from tablewright.llm.endpoint.refusals import EndpointError
from tablewright.schema import Schema
from tablewright.testing import StandIn, Transport, serve

PEOPLE = pl.DataFrame({"age": [*range(20, 60)], "city": ["Ulm", "Bonn", "Köln", "Ulm"] * 10})
SCHEMA = Schema.build({"age": "integer", "city": "categorical"})
TASK = RowTask(SCHEMA, "People.", table=PEOPLE, examples=lambda batch: PEOPLE.head(5))


@pytest.fixture
def clients() -> Iterator[Any]:
    opened: list[Client] = []

    def make(url: str, model: str = "stand-in", **options: Any) -> Client:
        opened.append(connect(model, url, **options))
        return opened[-1]

    yield make
    for client in opened:
        client.close()


def test_rows_over_http(clients: Any) -> None:
    with serve(StandIn(PEOPLE)) as endpoint:
        client = clients(endpoint.url)
        written = request_rows(client, TASK, 50)
        spending, n_prompts = client.spending(), len(endpoint.requests)
    assert len(written.rows) == 50
    assert spending.counted
    assert spending.cost == 0.0
    assert spending.sent == {"age": 10 * n_prompts, "city": 8 * n_prompts}
    assert spending.lines[0]["stage"] == "rows"


def test_nothing_leaves_by_the_wire_but_what_was_allowed(clients: Any) -> None:
    table = pl.DataFrame({"age": [81234, 85678] * 20, "city": ["Zzyzx", "Qwerty"] * 20})
    task = RowTask(SCHEMA, "People.", table=table, examples=lambda batch: table.head(5))
    with serve(StandIn(PEOPLE)) as endpoint:
        request_rows(clients(endpoint.url, share="schema"), task, 5)
        request_rows(clients(endpoint.url, redact=["city"]), task, 5)
        bodies = [json.dumps(body) for body in endpoint.requests]
    assert ["81234" in body for body in bodies] == [False, True]
    assert not any("Zzyzx" in body for body in bodies)


def test_busy_and_broken_answers_are_lived_with(clients: Any) -> None:
    flaky = Transport(busy=0.2, broken=0.2, retry_after=0.01)
    with serve(StandIn(PEOPLE), flaky) as endpoint:
        replies = clients(endpoint.url).complete_all(
            [Prompt.ask("Write 3 rows as CSV.", seed=seed) for seed in range(12)]
        )
        statuses = endpoint.answers
    assert not any(isinstance(reply, ModelError) for reply in replies)
    assert statuses[200] == 12
    assert statuses[429] > 0


@pytest.mark.parametrize(
    ("steps", "taken"),
    [(("schema", "json", "text"), "schema"), (("json", "text"), "json"), (("text",), "text")],
)
def test_the_strictest_step_is_found_once_and_remembered(
    clients: Any, steps: Any, taken: str, tmp_path: Any
) -> None:
    with serve(StandIn(PEOPLE), Transport(steps=steps)) as endpoint:
        for _ in range(2):
            client = clients(endpoint.url, run=tmp_path)
            written = request_rows(
                client, TASK, 30, row_format="json", seed=len(list(tmp_path.iterdir()))
            )
            assert len(written.rows) == 30
            client.close()
        facts = client.ledger.do(lambda file: file.get_meta("step:stand-in"))
        rejected = endpoint.answers.get(400, 0)
    assert facts == taken
    assert rejected == 3 - len(steps)


def test_parameters_that_a_server_does_not_know_are_left_out(clients: Any) -> None:
    strict = Transport(rejects=("max_tokens", "seed", "temperature"))
    with serve(StandIn(PEOPLE), strict) as endpoint:
        prompt = Prompt.ask("Write 3 rows as CSV.", temperature=0.7, max_tokens=300)
        assert clients(endpoint.url).complete(prompt).text
        body = endpoint.requests[0]
    assert body["max_completion_tokens"] == 300
    assert not {"max_tokens", "seed", "temperature"} & set(body)


def test_a_long_prompt_is_split_and_the_rows_come_all_the_same(clients: Any) -> None:
    task = RowTask(SCHEMA, "People.", examples=lambda batch: PEOPLE)
    with serve(StandIn(PEOPLE), Transport(context=220)) as endpoint:
        written = request_rows(clients(endpoint.url), task, 10)
    assert len(written.rows) == 10


@pytest.mark.parametrize(
    ("transport", "options", "kind", "sentence"),
    [
        (Transport(api_key="right"), {"api_key": "wrong"}, EndpointError, "set --key-env NAME"),
        (Transport(), {"model": "gpt-9"}, EndpointError, "knows no model 'gpt-9'"),
        (Transport(context=5), {}, ContextLengthError, "too long for 'stand-in'"),
    ],
    ids=["key", "model", "context"],
)
def test_what_goes_wrong_is_said_with_the_remedy(
    clients: Any, transport: Transport, options: Any, kind: type[Exception], sentence: str
) -> None:
    with serve(StandIn(PEOPLE), transport) as endpoint, pytest.raises(kind, match=sentence):
        clients(endpoint.url, **options).complete(Prompt.ask("Write 3 rows as CSV."))


def test_an_endpoint_that_is_down_is_named_at_once(clients: Any) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(EndpointError, match=rf"127.0.0.1:{port}/v1 cannot be reached.*--base-url"):
        clients(f"http://127.0.0.1:{port}/v1").complete(Prompt.ask("?"))


def test_a_tls_failure_is_told_from_an_endpoint_that_is_down(
    clients: Any, httpserver: HTTPServer
) -> None:
    with pytest.raises(EndpointError, match="TLS fails"):
        clients(httpserver.url_for("/v1").replace("http://", "https://")).complete(Prompt.ask("?"))


def test_a_missing_key_is_asked_for(clients: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENROUTER_API_KEY", raising=False)
    with pytest.raises(EndpointError, match="set the variable OPENROUTER_API_KEY"):
        clients("https://openrouter.ai/api/v1", "some/model").complete(Prompt.ask("?"))


def answer(content: str | None, finish: str = "stop", **message: Any) -> dict[str, Any]:
    return {
        "id": "x",
        "object": "chat.completion",
        "created": 0,
        "model": "stand-in",
        "choices": [
            {
                "index": 0,
                "finish_reason": finish,
                "message": {"role": "assistant", "content": content, **message},
            }
        ],
    }


def test_log_probabilities_are_asked_for_and_read(clients: Any, httpserver: HTTPServer) -> None:
    likeliest = [
        {"token": "Yes", "logprob": -0.25},
        {"token": "No", "logprob": -1.5},
        {"token": "?", "logprob": float("nan")},
        {"token": None, "logprob": -2.0},
    ]
    body = answer("Yes")
    body["choices"][0]["logprobs"] = {"content": [{"token": "Yes", "top_logprobs": likeliest}]}
    httpserver.expect_request("/v1/chat/completions").respond_with_data(
        json.dumps(body), content_type="application/json"
    )
    client = clients(httpserver.url_for("/v1"))
    reply = client.complete(Prompt.ask("?", top_logprobs=4, max_tokens=1))
    assert reply.logprobs == ({"Yes": -0.25, "No": -1.5},)
    sent = json.loads(httpserver.log[-1][0].data)
    assert (sent["logprobs"], sent["top_logprobs"]) == (True, 4)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (answer(""), "reply is empty"),
        (answer(None, "length"), "cut off before its first word"),
        (answer(None, refusal="I won't."), "refuses to answer"),
        (answer("x", "content_filter"), "refuses to answer"),
    ],
    ids=["empty", "cut off", "refusal", "filter"],
)
def test_replies_without_an_answer(
    clients: Any, httpserver: HTTPServer, body: Any, sentence: str
) -> None:
    httpserver.expect_request("/v1/chat/completions").respond_with_json(body)
    with pytest.raises(InvalidReplyError, match=sentence):
        clients(httpserver.url_for("/v1")).complete(Prompt.ask("?"))


def test_tokens_are_estimated_where_the_endpoint_does_not_count(
    clients: Any, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/v1/chat/completions").respond_with_json(answer("x" * 40))
    client = clients(httpserver.url_for("/v1"))
    reply = client.complete(Prompt.ask("y" * 40))
    assert (reply.usage.completion_tokens, reply.usage.counted) == (8, False)
    assert client.spending().counted is False


@pytest.mark.parametrize(
    ("status", "body", "kind", "sentence"),
    [
        (
            429,
            {"error": {"message": "quota", "code": "insufficient_quota"}},
            EndpointError,
            "no credit",
        ),
        (
            400,
            {"error": {"message": "Invalid schema for response_format"}},
            ReplyFormatError,
            "form",
        ),
        (500, {"error": {"message": "peg-native grammar mismatch"}}, ReplyFormatError, "form"),
        (403, "<html>\x1b[31mForbidden</html>", EndpointError, "refuses the key"),
        (400, {"error": {"message": "bad \x1b[2J request"}}, ModelError, r"bad \\x1b\[2J request"),
    ],
)
def test_errors_of_the_server_are_told_apart(
    clients: Any,
    httpserver: HTTPServer,
    status: int,
    body: Any,
    kind: type[Exception],
    sentence: str,
) -> None:
    request = httpserver.expect_request("/v1/chat/completions")
    if isinstance(body, str):
        request.respond_with_data(body, status)
    else:
        request.respond_with_json(body, status)
    with pytest.raises(kind, match=sentence):
        clients(httpserver.url_for("/v1")).complete(Prompt.ask("?", schema={"type": "object"}))


def ask_once(client: Client) -> Reply:
    """Ask the endpoint itself, without the layers that try again."""
    return asyncio.run(client._layers().endpoint.acomplete(Prompt.ask("?")))


def test_what_is_no_chat_completion_is_refused(clients: Any, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/v1/chat/completions").respond_with_json({"hello": "world"})
    with pytest.raises(ModelError, match="without an answer"):
        ask_once(clients(httpserver.url_for("/v1")))


def test_retry_after_is_read(httpserver: HTTPServer, clients: Any) -> None:
    httpserver.expect_request("/v1/chat/completions").respond_with_json(
        {"error": {"message": "slow down"}}, 429, {"Retry-After": "7"}
    )
    with pytest.raises(RateLimitError) as caught:
        ask_once(clients(httpserver.url_for("/v1")))
    assert caught.value.retry_after == 7.0


def test_a_table_is_gone_on_with_as_plain_text_where_the_server_completes_it(
    httpserver: HTTPServer, clients: Any
) -> None:
    answer = {
        "choices": [{"text": "\nA.\n1,2"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 5},
    }
    httpserver.expect_request("/v1/completions", method="POST").respond_with_json(answer)
    prompt = Prompt.ask("Go on:\na,b", completion="a,b", stop="\na,b", max_tokens=9)
    reply = clients(httpserver.url_for("/v1")).complete(prompt)
    assert (reply.text, reply.usage.total) == ("\nA.\n1,2", 14)
    body = json.loads(httpserver.log[-1][0].data)
    assert (body["prompt"], body["stop"], body["max_tokens"]) == ("a,b", ["\na,b"], 9)
    assert "messages" not in body


def test_a_server_that_only_chats_gets_the_messages_and_is_not_asked_twice(
    httpserver: HTTPServer, clients: Any
) -> None:
    answer = {"choices": [{"message": {"content": "1,2"}}]}
    httpserver.expect_request("/v1/completions").respond_with_data("not here", 404)
    httpserver.expect_request("/v1/chat/completions").respond_with_json(answer)
    client = clients(httpserver.url_for("/v1"))
    prompt = Prompt.ask("Go on:\na,b", completion="a,b")
    assert [client.complete(prompt.but(seed=seed)).text for seed in (1, 2)] == ["1,2"] * 2
    posted = [request.path for request, _ in httpserver.log if request.method == "POST"]
    assert posted == ["/v1/completions", *["/v1/chat/completions"] * 2]


def test_a_server_that_refuses_a_grammar_is_asked_without_it(
    httpserver: HTTPServer, clients: Any
) -> None:
    def answer(request: Request) -> Response:
        if "grammar" in json.loads(request.data):
            return Response('{"error": {"message": "grammar is no parameter"}}', 400)
        return Response('{"choices": [{"text": "1,2"}]}')

    httpserver.expect_request("/v1/completions").respond_with_handler(answer)
    client = clients(httpserver.url_for("/v1"))
    prompt = Prompt.ask("Go on:\na,b", completion="a,b", grammar='root ::= "1,2"')
    assert [client.complete(prompt.but(seed=seed)).text for seed in (1, 2)] == ["1,2"] * 2
    posted = [json.loads(r.data).get("grammar") for r, _ in httpserver.log if r.method == "POST"]
    assert posted == ['root ::= "1,2"', None, None]


@pytest.mark.parametrize(
    ("model", "message"),
    [("gguf:", "needs the path"), ("qwen.gguf", "say gguf:qwen.gguf")],
)
def test_a_model_file_is_never_taken_for_a_model_of_openai(model: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        connect(model)


def test_a_model_file_needs_no_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tablewright.llm.endpoint.connect.names", lambda group: [])
    with connect("gguf:qwen.gguf") as client:
        assert client.settings.provider == "gguf"
