"""Whatever a server sends: a reply, or one error of ours, and the books are true."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tablewright.errors import ModelError
from tablewright.llm import Prompt, Reply, connect
from tablewright.llm.endpoint.replies import ReplyReader
from tests.llm.raw_server import Raw, head, http, serve_raw

PROMPT = Prompt.ask("Name a colour.", max_tokens=50)


def completion(**changes: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": "blue"}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}
    whole = {"id": "x", "model": "m", "choices": [choice], "usage": usage, **changes}
    return {name: value for name, value in whole.items() if value != "left out"}


def message(**fields: Any) -> bytes:
    return body(completion(choices=[{"message": fields, "finish_reason": "stop"}]))


def body(value: Any) -> bytes:
    return json.dumps(value).encode()


def events(*parts: Any, end: bytes = b"data: [DONE]\n\n") -> bytes:
    return b"".join(b"data: " + body(part) + b"\n\n" for part in parts) + end


def piece(content: Any, reason: Any = None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": content}, "finish_reason": reason}]}


DEEP = b'{"choices":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
USAGES: dict[str, Any] = {
    "usage a text": "11", "usage a list": [9, 2], "usage null": None, "usage true": True,
    "usage a number": 11, "usage empty": {},
    "tokens as text": {"prompt_tokens": "9", "completion_tokens": "2"},
    "tokens negative": {"prompt_tokens": -900, "completion_tokens": -2},
    "one negative": {"prompt_tokens": 9, "completion_tokens": -10**6},
    "tokens huge": {"prompt_tokens": 10**12, "completion_tokens": 2},
    "tokens beyond sqlite": {"prompt_tokens": 9, "completion_tokens": 2**70},
    "tokens nan": {"prompt_tokens": float("nan"), "completion_tokens": 2},
    "tokens infinite": {"prompt_tokens": float("inf"), "completion_tokens": 2},
    "tokens half": {"prompt_tokens": 9.5, "completion_tokens": 2},
    "tokens true": {"prompt_tokens": True, "completion_tokens": True},
    "tokens lists": {"prompt_tokens": [9], "completion_tokens": {}},
    "prompt zero": {"prompt_tokens": 0, "completion_tokens": 2},
}  # fmt: skip
ODD: dict[str, bytes] = {
    "empty 200": http(b""),
    "blank 200": http(b"  \r\n "),
    "204": b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
    "200 null": http(b"null"),
    "200 true": http(b"true"),
    "200 number": http(b"17"),
    "200 text": http(b'"blue"'),
    "200 list": http(b"[1, 2]"),
    "200 list of completions": http(body([completion()])),
    "200 empty object": http(b"{}"),
    "200 half an object": http(body(completion())[:40]),
    "200 two objects": http(body(completion()) * 2),
    "200 html": http(b"<html>Sign in</html>", kind="text/html"),
    "200 plain": http(b"Internal Server Error", kind="text/plain"),
    "200 binary": http(bytes(range(256)) * 20, kind="application/octet-stream"),
    "200 not utf-8": http(b'{"choices": [{"message": {"content": "\xff\xfe"}}'),
    "200 deep": http(DEEP),
    "200 long number": http(b'{"choices": ' + b"9" * 5000 + b"}"),
    "200 error object": http(body({"error": {"message": "no such thing", "code": 500}})),
    "200 error text": http(body({"error": "busy"})),
    "200 error number": http(body({"error": 5})),
    "choices a string": http(body(completion(choices="blue"))),
    "choices a number": http(body(completion(choices=3))),
    "choices an object": http(body(completion(choices={"0": "blue"}))),
    "choices null": http(body(completion(choices=None))),
    "choices empty": http(body(completion(choices=[]))),
    "choices missing": http(body(completion(choices="left out"))),
    "choice null": http(body(completion(choices=[None]))),
    "choice a string": http(body(completion(choices=["blue"]))),
    "choice a list": http(body(completion(choices=[["blue"]]))),
    "choice empty": http(body(completion(choices=[{}]))),
    "message null": http(body(completion(choices=[{"message": None}]))),
    "message a string": http(body(completion(choices=[{"message": "blue"}]))),
    "message a list": http(body(completion(choices=[{"message": ["blue"]}]))),
    "message empty": http(body(completion(choices=[{"message": {}}]))),
    "content null": http(message(content=None)),
    "content a number": http(message(content=7)),
    "content false": http(message(content=False)),
    "content an object": http(message(content={"text": {"a": 1}})),
    "content a list": http(message(content=[1, None, "x"])),
    "content blank": http(message(content=" \n")),
    "only a tool call": http(message(tool_calls=[{"function": {"name": "f"}}])),
    "refusal": http(message(content=None, refusal="no")),
    "finish a list": http(body(completion(choices=[{"message": {"content": ""},
                                                    "finish_reason": ["stop"]}]))),
    "events empty": head(),
    "events only done": http(b"data: [DONE]\n\n", kind="text/event-stream"),
    "events of comments": http(b": wait\n\n" * 50, kind="text/event-stream"),
    "events without data": http(b"event: ping\n\n" * 5, kind="text/event-stream"),
    "events no json": http(b"data: blue\n\n" * 5, kind="text/event-stream"),
    "events of lists": http(events([1], [2]), kind="text/event-stream"),
    "events with an error": http(events({"error": {"message": "out of memory"}}),
                                 kind="text/event-stream"),
    "events with a deep one": http(b"data: " + DEEP + b"\n\n", kind="text/event-stream"),
    "events of numbers": http(events(piece(1), piece(2)), kind="text/event-stream"),
    "events that break off": head() + b'data: {"choices": [{"del',
    "events of blanks": http(events(piece(" "), piece("\n")), kind="text/event-stream"),
    "body shorter than told": b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{}",
    "no status line": b"blue\r\n\r\n",
    "nothing": b"",
    "endless header": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000,
    "broken chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}",
    "broken gzip": http(b"\x1f\x8b\x08nonsense", Content_Encoding="gzip"),
    "unknown compression": http(b"blue", Content_Encoding="br"),
    "301": http(b"", "301 Moved Permanently", Location="http://127.0.0.1:9/v1"),
    "307 without a place": http(b"", "307 Temporary Redirect"),
    "418": http(b"teapot", "418 I'm a teapot"),
    "400 deep": http(DEEP[:60_000], "400 Bad Request"),
    "401 html": http(b"<html>\x1b[31mno</html>", "401 Unauthorized"),
    "451 error list": http(body({"error": ["a", {"b": 1}]}), "451 Unavailable"),
    "402 error null": http(body({"error": None}), "402 Payment Required"),
}  # fmt: skip
USABLE: dict[str, bytes] = {
    **{name: http(body(completion(usage=usage))) for name, usage in USAGES.items()},
    "events unasked for": http(events(piece("bl"), piece("ue", "stop"))),
    "events called json": http(b"\n" + events(piece("blue", "stop")), kind="application/json"),
    "events with crlf": http(events(piece("blue", "stop")).replace(b"\n", b"\r\n")),
    "one piece called events": http(body(completion()), kind="text/event-stream"),
    "a byte order mark": http(b"\xef\xbb\xbf" + body(completion())),
    "content in parts": http(message(content=[{"type": "text", "text": "blue"}])),
    "gzip unasked for": http(gzip.compress(body(completion())), Content_Encoding="gzip"),
    "events that end in mid-reply": head() + events(piece("blue"), end=b""),
    "events that break in mid-reply": head() + events(piece("blue"), end=b'data: {"ch'),
}


def ask(url: str) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """Ask once; return the outcome, the totals and how the ledger's lines add up."""
    with connect("m", url, timeout=2.0, prices={"m": [1.0, 2.0]}) as client:
        _without_waits(client)
        result = client.complete_all([PROMPT])[0]
        totals = client.ledger.do(lambda file: file.rows("SELECT calls, tokens, cost FROM totals"))
        lines = client.ledger.do(
            lambda file: file.rows(
                "SELECT COUNT(*) AS calls, SUM(prompt_tokens + completion_tokens) AS tokens,"
                " SUM(cost) AS cost, SUM(outcome = 'in flight') AS open,"
                " MIN(MIN(prompt_tokens, completion_tokens)) AS least, MIN(counted) AS counted"
                " FROM calls"
            )
        )
    return result, dict(totals[0]), dict(lines[0])


def _without_waits(client: Any) -> None:
    async def at_once(seconds: float) -> None:
        return None

    client._layers().recorded.inner.inner._sleep = at_once


def check_books(result: Any, totals: dict[str, Any], lines: dict[str, Any], raw: Raw) -> None:
    assert lines["open"] == 0, "a reservation is left behind"
    assert lines["least"] >= 0, "a call lowers the total"
    assert totals["calls"] == lines["calls"] == len(raw.requests) == result.charge.calls
    assert totals["tokens"] == lines["tokens"] == result.charge.usage.total
    assert totals["cost"] == pytest.approx(lines["cost"]) == pytest.approx(result.charge.cost)


@pytest.mark.parametrize("answer", ODD.values(), ids=ODD)
def test_an_odd_reply_ends_in_one_error_and_true_books(answer: bytes) -> None:
    with serve_raw(answer) as raw:
        result, totals, lines = ask(raw.url)
    assert isinstance(result, ModelError)
    assert len(str(result)) < 800
    assert str(result).isprintable()
    check_books(result, totals, lines, raw)


@pytest.mark.parametrize("answer", USABLE.values(), ids=USABLE)
def test_what_can_be_read_is_read(answer: bytes) -> None:
    with serve_raw(answer) as raw:
        result, totals, lines = ask(raw.url)
    assert isinstance(result, Reply), result
    assert result.text == "blue"
    check_books(result, totals, lines, raw)


@pytest.mark.parametrize("usage", USAGES.values(), ids=USAGES)
def test_usage_that_cannot_be_true_is_estimated_and_marked(usage: Any) -> None:
    reader = ReplyReader()
    reader.feed(body(completion(usage=usage)))
    usage = reader.reply(PROMPT).usage
    assert usage.counted is False
    assert usage.total == (5 + 4) + 1  # three words and a full stop in a message, one in the reply


def test_usage_below_what_the_text_can_be_is_estimated() -> None:
    long = completion(choices=[{"message": {"content": "x" * 4000}}])
    reader = ReplyReader()
    reader.feed(body(long))
    assert reader.reply(PROMPT).usage.completion_tokens == 800


def test_cached_tokens_are_taken_where_they_can_be_true() -> None:
    counts = {"prompt_tokens": 9, "completion_tokens": 2}
    for reported, taken in ((7, 7), (900, 9), (-5, 0), ("7", 0)):
        reader = ReplyReader()
        reader.feed(body(completion(usage={**counts, "prompt_tokens_details":
                                           {"cached_tokens": reported}})))  # fmt: skip
        assert reader.reply(PROMPT).usage.cached_tokens == taken


def test_a_pair_of_surrogates_is_one_character() -> None:
    reader = ReplyReader()
    reader.feed(events(piece("\ud83d"), piece("\ude00"), piece("\ud800", "stop")))
    assert reader.reply(PROMPT).text == "\U0001f600\ufffd"


def check_outcome(reader: ReplyReader) -> None:
    """A reply whose text can be written and whose usage can be booked, or one error of ours."""
    try:
        outcome: Any = reader.reply(PROMPT)
    except ModelError as error:
        outcome = error
    usage = outcome.usage if isinstance(outcome, Reply) else outcome.charge.usage
    assert usage.prompt_tokens > 0
    assert usage.completion_tokens >= 0
    getattr(outcome, "text", "").encode()


VALID = [body(completion()), events(piece("bl"), piece("ue", "stop"), {"usage": {}})]


@given(
    st.sampled_from(VALID),
    st.lists(st.tuples(st.integers(0, 400), st.binary(max_size=3)), max_size=6),
    st.integers(1, 60),
)
def test_a_mutated_reply_is_read_or_refused(
    valid: bytes, changes: list[tuple[int, bytes]], size: int
) -> None:
    data = bytearray(valid)
    for at, new in changes:
        data[at : at + 2] = new
    reader = ReplyReader()
    for at in range(0, len(data), size):
        reader.feed(bytes(data[at : at + size]))
    check_outcome(reader)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["choices", "message", "delta", "content", "usage", "error", "model",
                         "prompt_tokens", "completion_tokens", "finish_reason", "logprobs",
                         "top_logprobs", "token", "logprob", "text", "prompt_tokens_details"]),
        inner, max_size=5),
    max_leaves=20,
)  # fmt: skip


@given(JSON, st.booleans())
def test_any_json_is_read_or_refused(value: Any, as_event: bool) -> None:
    reader = ReplyReader()
    reader.feed(events(value) if as_event else body(value))
    check_outcome(reader)


def test_reading_takes_time_in_proportion_to_the_size() -> None:
    """Operations are counted by bytes that are copied or scanned, in doubling inputs."""
    import sys

    def lines_run(n_events: int) -> int:
        count = 0

        def trace(frame: Any, event: str, argument: Any) -> Any:
            nonlocal count
            count += event == "line"
            return trace

        data, reader = events(*[piece("x")] * n_events), ReplyReader()
        before = sys.gettrace()
        sys.settrace(trace)
        try:
            for at in range(0, len(data), 1000):
                reader.feed(data[at : at + 1000])
        finally:
            sys.settrace(before)
        return count

    assert lines_run(400) < 2.3 * lines_run(200)
