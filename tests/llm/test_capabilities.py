"""What a model can do is asked once, of this machine alone, and remembered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tablewright.llm.endpoint.capabilities import (
    Capabilities,
    CapabilityCache,
    _completes,
    cache_folder,
    find_models,
    served_models,
)


class Server:
    """A chat endpoint that holds replies to a schema, and counts what it is asked."""

    def __init__(self, http: HTTPServer, *, logprobs: bool = True, schema: bool = True) -> None:
        self.calls: list[dict[str, Any]] = []
        self.logprobs, self.schema = logprobs, schema
        self.url = http.url_for("/v1")
        listed = {"data": [{"id": "small"}, {"id": 7}, {}]}
        http.expect_request("/v1/models").respond_with_json(listed)
        props = {"total_slots": 3, "default_generation_settings": {"n_ctx": 2048}}
        http.expect_request("/props").respond_with_json(props)
        http.expect_request("/v1/completions").respond_with_json({"choices": [{"text": " 5"}]})
        http.expect_request("/v1/chat/completions").respond_with_handler(self.answer)

    def answer(self, request: Request) -> Response:
        body = json.loads(request.data)
        self.calls.append(body)
        form = (body.get("response_format") or {}).get("type")
        held = '["red", "blue"]' if form == "json_schema" and self.schema else "a cat and a dog"
        text = "{}" if form == "json_object" else held
        choice: dict[str, Any] = {"message": {"content": text}, "finish_reason": "stop"}
        if body.get("logprobs") and self.logprobs:
            likeliest = [{"token": "a", "logprob": -0.1}]
            choice["logprobs"] = {"content": [{"token": "a", "top_logprobs": likeliest}]}
        usage = {"prompt_tokens": 5, "completion_tokens": 4}
        return Response(
            json.dumps({"choices": [choice], "usage": usage}), content_type="application/json"
        )


@pytest.mark.parametrize(("logprobs", "schema"), [(True, True), (False, False)])
def test_what_a_server_can_do_is_seen_from_its_answers(
    httpserver: HTTPServer, tmp_path: Path, logprobs: bool, schema: bool
) -> None:
    server = Server(httpserver, logprobs=logprobs, schema=schema)
    cache = CapabilityCache(tmp_path / "models.json")
    [result] = find_models((), {"ours": server.url}, cache=cache)
    assert (result.model, result.endpoint, result.server) == ("small", server.url, "ours")
    assert (result.log_probabilities, result.schema) == (logprobs, schema)
    assert (result.json_mode, result.completion) == (True, True)
    assert (result.slots, result.context_length) == (3, 2048)
    assert result.tokens_per_second is not None


def test_a_model_is_asked_once_and_again_on_demand(httpserver: HTTPServer, tmp_path: Path) -> None:
    server, cache = Server(httpserver), CapabilityCache(tmp_path / "deep" / "models.json")
    first = find_models((), {"ours": server.url}, cache=cache)
    n_calls = len(server.calls)
    assert find_models((), {"ours": server.url}, cache=cache) == first
    assert len(server.calls) == n_calls
    find_models((), {"ours": server.url}, cache=cache, again=True)
    assert len(server.calls) == 2 * n_calls


def test_nobody_there_is_no_model(tmp_path: Path) -> None:
    assert served_models("http://localhost:1/v1") == []
    assert find_models((), {"ours": "http://localhost:1/v1"}) == []


def test_a_file_that_is_no_model_is_listed_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "a.gguf").write_text("no")
    [result] = find_models([str(tmp_path / "a.gguf")], {})
    assert "is no GGUF file" in result.problem
    assert result.schema is None


@pytest.mark.parametrize(
    "content", ["", "[]", '{"version": 99}', '{"version": 1, "models": {"k": {"x": 1}}}']
)
def test_a_cache_that_cannot_be_read_counts_as_empty(tmp_path: Path, content: str) -> None:
    cache = CapabilityCache(tmp_path / "models.json")
    cache.path.write_text(content)
    assert cache.get("k") is None
    cache.put("k", Capabilities("m", slots=2))
    assert CapabilityCache(cache.path).get("k") == Capabilities("m", slots=2)


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = CapabilityCache(tmp_path / "file" / "models.json")
    cache.put("k", Capabilities("m"))
    assert cache.get("k") is None


def test_the_cache_is_the_users_not_the_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    assert cache_folder() == tmp_path / "tablewright"


@pytest.mark.parametrize(
    "answer", [{"data": 5}, {"data": None}, {"data": {"id": "m"}}, {"data": [1, "m", None]},
               {"data": [{"id": 7}, {"id": "x" * 300}]}, [], 3, None],
)  # fmt: skip
def test_a_list_of_models_that_is_none_names_no_model(httpserver: HTTPServer, answer: Any) -> None:
    httpserver.expect_request("/v1/models").respond_with_json(answer)
    assert served_models(httpserver.url_for("/v1")) == []


@pytest.mark.parametrize("choices", [{"0": "x"}, [3], [], "text", [{"text": ""}], None])
def test_odd_answers_to_a_plain_text_complete_nothing(httpserver: HTTPServer, choices: Any) -> None:
    httpserver.expect_request("/v1/completions").respond_with_json({"choices": choices})
    assert _completes(Capabilities("m", httpserver.url_for("/v1"))) is False
