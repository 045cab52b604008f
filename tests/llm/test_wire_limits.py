"""Time, size, keys and places: what a call may take, and where it may go."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tablewright.errors import BudgetError, InputError, ModelError, RateLimitError, SlowReplyError
from tablewright.llm import Client, Prompt, Reply, connect
from tablewright.llm.endpoint.capabilities import served_models
from tablewright.llm.endpoint.http import MAX_BODY
from tablewright.llm.endpoint.refusals import EndpointError
from tablewright.llm.endpoint.replies import ReplyReader
from tests.llm.raw_server import Answer, Raw, Send, head, http, serve_raw
from tests.llm.test_odd_replies import body, completion, events, piece

PROMPT = Prompt.ask("Write rows.", max_tokens=50)
PIECE = b"data: " + body(piece("blue")) + b"\n\n"
ROWS = Prompt.ask("Write rows.", accept=lambda text: None if "\n" in text else "no whole row")
KEY = "sk-0123456789abcdef"


@pytest.fixture
def waits() -> Iterator[threading.Event]:
    """Set at the end, so that servers that wait go home."""
    over = threading.Event()
    yield over
    over.set()


def ask(answer: Answer, prompt: Prompt = PROMPT, **options: Any) -> tuple[Any, list[Any], Raw]:
    """Ask once; return the outcome, the calls of the ledger, and the server."""
    with serve_raw(answer) as raw, connect("m", raw.url, **{"timeout": 0.3, **options}) as client:
        result = client.complete_all([prompt])[0]
        calls = client.ledger.do(lambda file: file.rows("SELECT * FROM calls"))
    return result, calls, raw


def test_one_byte_at_a_time_ends(waits: threading.Event) -> None:
    def drip(send: Send) -> None:
        send(head("application/json"))
        while not waits.wait(0.1):
            send(b"[")

    result, calls, _ = ask(drip)
    assert isinstance(result, SlowReplyError)
    assert "fewer than 16 bytes a second" in str(result)
    assert len(calls) == 2


def test_signs_of_life_without_a_token_end(waits: threading.Event) -> None:
    def ping(send: Send) -> None:
        send(head())
        while not waits.wait(0.02):
            send(b": still in the queue\n\n")

    result, calls, _ = ask(ping, timeout=0.1)
    assert isinstance(result, SlowReplyError)
    assert result.ask_smaller
    assert [call["worst_case"] for call in calls] == [0, 0]
    assert len(calls) == 2, "one repeat of a request that was too slow, and no more"


def test_silence_ends_and_is_booked_at_its_worst_case(waits: threading.Event) -> None:
    def say_nothing(send: Send) -> None:
        waits.wait(20)

    result, calls, raw = ask(say_nothing, timeout=0.05)
    assert isinstance(result, SlowReplyError)
    assert "ask for fewer rows" in str(result)
    assert len(calls) == len(raw.requests) == 2
    assert [call["worst_case"] for call in calls] == [1, 1]
    assert result.charge.usage.worst_case


def test_what_was_written_before_a_silence_is_kept(waits: threading.Event) -> None:
    def stall(send: Send) -> None:
        send(head() + events(piece("a,1\nb,2\n"), end=b""))
        waits.wait(20)

    result, calls, _ = ask(stall, ROWS, timeout=0.1)
    assert isinstance(result, Reply)
    assert (result.text, result.finish) == ("a,1\nb,2\n", "cut")
    assert [(call["outcome"], call["finish"]) for call in calls] == [("ok", "cut")]
    assert not result.usage.counted


def test_a_cut_reply_without_a_row_is_repeated_once_and_then_too_large(
    waits: threading.Event,
) -> None:
    def stall(send: Send) -> None:
        send(head() + events(piece("a,"), end=b""))
        waits.wait(20)

    result, calls, _ = ask(stall, ROWS, timeout=0.1)
    assert isinstance(result, SlowReplyError)
    assert result.ask_smaller
    assert [call["outcome"] for call in calls] == ["invalid", "invalid"]


def test_a_slow_stream_that_goes_on_is_waited_for() -> None:
    """Six times the idle time in all, and no pause as long as it."""

    def steady(send: Send) -> None:
        send(head())
        for _ in range(30):
            time.sleep(0.02)
            send(events(piece("x" * 8), end=b""))
        send(events(piece("", "stop")))

    result, _, _ = ask(steady, timeout=0.1)
    assert isinstance(result, Reply)
    assert (len(result.text), result.finish) == (240, "stop")
    assert 0 < result.first_token < result.latency


def test_the_minutes_cut_a_reply_that_is_under_way_and_keep_it(waits: threading.Event) -> None:
    def endless(send: Send) -> None:
        send(head())
        while not waits.wait(0.01):
            send(events(piece("a,1\n"), end=b""))

    with serve_raw(endless) as raw, connect("m", raw.url, max_minutes=0.02) as client:
        kept, late = client.complete_all([ROWS, ROWS.but(seed=1)])[0], client.complete_all([PROMPT])
    assert isinstance(kept, Reply)
    assert kept.finish == "cut"
    assert kept.text.startswith("a,1\n")
    assert isinstance(late[0], BudgetError)


@pytest.mark.parametrize("kind", ["text/event-stream", "application/json"])
def test_an_endless_answer_is_bounded_in_memory(kind: str, waits: threading.Event) -> None:
    def flood(send: Send) -> None:
        send(head(kind))
        with suppress(OSError):
            while not waits.is_set():
                send(b"x" * 2**20)

    tracemalloc.start()
    result, _, _ = ask(flood, timeout=5.0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(result, ModelError)
    assert f"larger than {MAX_BODY:,} bytes" in str(result)
    assert peak < 6 * MAX_BODY


def test_a_bomb_of_gzip_is_bounded_in_memory() -> None:
    packed = gzip.compress(bytes(200 * 2**20), 9)
    tracemalloc.start()
    result, _, _ = ask(http(packed, Content_Encoding="gzip"), timeout=20.0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(result, ModelError)
    assert f"larger than {MAX_BODY:,} bytes" in str(result)
    assert peak < 6 * MAX_BODY


def test_what_comes_after_the_end_of_a_reply_is_none_of_it(waits: threading.Event) -> None:
    def endless(send: Send) -> None:
        send(head() + PIECE + b"data: [DONE]\n\n")
        while not waits.is_set():
            send(PIECE * 50)

    with serve_raw(endless) as raw, connect("m", raw.url, timeout=30) as client:
        began = time.monotonic()
        assert client.complete(PROMPT).text == "blue"
        assert time.monotonic() - began < 10  # it is closed a second after its end


@pytest.mark.parametrize("step", [1, 1000])
def test_blanks_before_a_reply_take_time_in_proportion_and_are_no_progress(step: int) -> None:
    reader = ReplyReader()
    for _ in range(2_000_000 // step if step > 1 else 20_000):
        reader.feed(b" " * step)
    assert (len(reader.body), reader.n_pieces) == (0, 0)
    reader.feed(b'{"choices": [{"message": {"content": "blue"}}]}')
    assert reader.reply(PROMPT).text == "blue"


def test_a_local_server_that_never_ends_is_asked_for_a_short_time_only(
    waits: threading.Event,
) -> None:
    def endless(send: Send) -> None:
        send(head("application/json"))
        while not waits.is_set():
            send(b"[" * 1000)
            waits.wait(0.01)

    with serve_raw(endless, only_posts=False) as raw:
        began = time.monotonic()
        assert served_models(raw.url) == []
        assert time.monotonic() - began < 8


def test_a_reader_that_hangs_on_a_reply_ends_with_the_minutes() -> None:
    def hang(text: str) -> str | None:
        time.sleep(5.0)
        return None

    prompt = Prompt.ask("?", accept=hang)
    answer = http(body(completion()))
    result, calls, _ = ask(answer, prompt, max_minutes=0.015, timeout=30.0)
    assert isinstance(result, ModelError)
    assert "could not be read within" in calls[0]["message"]
    assert calls[0]["prompt_tokens"] == 9


def test_a_reader_that_fails_on_a_reply_leaves_no_reservation() -> None:
    def fail(text: str) -> str | None:
        raise KeyError("age")

    result, calls, _ = ask(http(body(completion())), Prompt.ask("?", accept=fail))
    assert isinstance(result, ModelError)
    assert "cannot be read (KeyError" in str(result)
    assert {call["outcome"] for call in calls} == {"invalid"}


def test_retry_after_is_waited_for_within_bounds_only() -> None:
    result, calls, _ = ask(http(b"{}", "429 Too Many", Retry_After="1e9"))
    assert isinstance(result, EndpointError)
    assert "asks to be left alone for 1,000,000,000 s" in str(result)
    assert len(calls) == 1
    for odd, read in (
        ("nan", None),
        ("-5", 0.0),
        ("soon", None),
        ("inf", "left alone"),
        ("Fri, 31 Dec 9999 23:59:59 GMT", "left alone"),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Fri, 99 Foo 99999 99:99:99 GMT", None),
        ("Fri, 31 Dec 2027 25:00:00 -9999", None),
    ):
        with serve_raw(http(b"{}", "429 Too Many", Retry_After=odd)) as raw:
            error = ask_endpoint(connect("m", raw.url))
        if isinstance(read, str):
            assert read in str(error)
        else:
            assert isinstance(error, RateLimitError)
            assert error.retry_after == read


def ask_endpoint(client: Client) -> ModelError:
    """Ask the endpoint itself, without the layers that try again."""
    with client, pytest.raises(ModelError) as caught:
        asyncio.run(client._layers().endpoint.acomplete(PROMPT))
    return caught.value


# -- where it goes ----------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
def test_no_redirect_is_followed(status: str) -> None:
    with serve_raw(http(body(completion()))) as other:
        location = f"{other.url}/chat/completions?token=s3cret-value"
        result, calls, raw = ask(http(b"", status, Location=location))
    assert isinstance(result, EndpointError)
    assert f"sends on to '{other.url}/chat/completions?token=...'" in str(result)
    assert len(calls) == len(raw.requests) == 1
    assert other.requests == []


def test_no_proxy_leads_to_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve_raw(http(body(completion()))) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url.removesuffix("/v1"))
        result, _, raw = ask(http(body(completion())))
    assert isinstance(result, Reply)
    assert len(raw.requests) == 1
    assert proxy.requests == []


@pytest.mark.parametrize(
    ("url", "share"),
    [
        ("http://127.0.0.1:1/v1", "rows"),
        ("http://[::1]:1/v1", "rows"),
        ("http://localhost:1/v1", "rows"),
        ("http://127.0.0.1@models.example.org/v1", "schema"),
        ("http://127.0.0.1.example.org/v1", "schema"),
        ("http://localhost.example.org/v1", "schema"),
        ("http://0.0.0.0:1/v1", "schema"),
        ("http://192.168.0.7:1/v1", "schema"),
    ],
)
def test_rows_are_shared_only_where_they_stay_on_this_machine(url: str, share: str) -> None:
    assert connect("m", url).sharing.share == share


@pytest.mark.parametrize(
    "url",
    ["localhost:8000", "ftp://host/v1", "http://", "http://a\\@b/v1", "http://a b/v1",
     "http://host\n/v1", "http://[::1/v1"],
)  # fmt: skip
def test_an_address_that_readers_would_read_differently_is_refused(url: str) -> None:
    with pytest.raises(InputError, match="is no address such as"):
        connect("m", url)


# -- keys -------------------------------------------------------------------------------------


@pytest.fixture
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENROUTER_API_KEY", "OPENAI_BASE_URL", "MY_KEY"):
        monkeypatch.delenv(name, raising=False)


def key_of(url: str, **options: Any) -> str | None:
    from tablewright.llm.endpoint.openai_compatible import OpenAICompatible

    return OpenAICompatible("m", url, **options).key


@pytest.mark.usefixtures("_no_keys")
def test_a_key_goes_to_the_host_that_it_belongs_to_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert key_of("https://api.openai.com/v1") == KEY
    for url in (
        "https://openrouter.ai/api/v1", "https://api.openai.com.example.org/v1",
        "https://notopenai.com/v1", "http://127.0.0.1:8000/v1", "https://models.example.org/v1",
    ):  # fmt: skip
        assert key_of(url) is None, url
    monkeypatch.setenv("MY_KEY", f" {KEY}\r\n")
    assert key_of("https://models.example.org/v1", key_env="MY_KEY") == KEY
    with pytest.raises(InputError, match="--key-env OTHER: there is no such variable"):
        key_of("https://models.example.org/v1", key_env="OTHER")


@pytest.mark.usefixtures("_no_keys")
def test_a_key_is_never_sent_in_clear_beyond_this_machine() -> None:
    url = "http://models.example.org:9/v1"
    with connect("m", url, api_key=KEY) as client, pytest.raises(EndpointError) as caught:
        client.complete(PROMPT)
    assert "without encryption" in str(caught.value)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("key", ["sk-one\nsk-two\n", "sk-caf\xe9-123456", "sk-\x1b[31m-123456"])
def test_a_key_that_cannot_be_sent_is_refused_unseen(key: str) -> None:
    client = connect("m", "http://127.0.0.1:9/v1", api_key=key)
    with client, pytest.raises(InputError, match="characters that no key has") as caught:
        client.complete(PROMPT)
    assert "sk-" not in str(caught.value)


ECHOES: dict[str, Answer] = {
    "in a reply": http(body(completion(choices=[{"message": {"content": f"your key is {KEY}"}}]))),
    "in pieces": http(events(piece("key " + KEY[:9]), piece(KEY[9:], "stop"))),
    "in a token": http(
        body(
            completion(
                choices=[
                    {
                        "message": {"content": "x"},
                        "logprobs": {
                            "content": [
                                {"token": "x", "top_logprobs": [{"token": KEY, "logprob": -0.1}]}
                            ]
                        },
                    }
                ]
            )
        )
    ),
    "in an error": http(body({"error": {"message": f"Incorrect key {KEY}"}}), "400 Bad"),
    "in html": http(f"<h1>Bearer {KEY}</h1>".encode(), "500 Broken", "text/html"),
    "as the model": http(body(completion(model=KEY))),
    "in a redirect": http(b"", "302 Found", Location=f"http://127.0.0.1:9/{KEY}"),
    "in nothing that can be read": http(f"{KEY} is wrong".encode()),
    "in an error that looks like a reply": http(body({"error": {"message": KEY}})),
}


@pytest.mark.parametrize("answer", ECHOES.values(), ids=ECHOES)
def test_a_key_that_a_server_echoes_is_neither_shown_nor_stored(
    answer: Answer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with serve_raw(answer) as raw:
        url = raw.url.replace("http://", "http://me:password-of-me@") + "?token=query-secret"
        with connect("m", url, api_key=f"{KEY}\n", run=tmp_path) as client:
            for layers in (client._layers().recorded.inner.inner,):  # type: ignore[attr-defined]
                layers._sleep = _at_once
            result = client.complete_all([PROMPT])[0]
            shown = f"{client!r} {client.settings!r} {client.settings.as_facts()} {result}"
        sent = raw.requests[0].decode()
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert f"Bearer {KEY}" in sent
    assert "?token=query-secret" in sent.splitlines()[0]
    for secret in (KEY, "password-of-me", "query-secret"):
        assert secret.encode() not in stored
        assert secret not in shown
        assert secret not in caplog.text


async def _at_once(seconds: float) -> None:
    return None


def test_a_user_and_password_of_the_address_are_sent_as_such() -> None:
    with serve_raw(http(body(completion()))) as raw:
        url = raw.url.replace("http://", "http://me:pass-word@")
        with connect("m", url) as client:
            client.complete(PROMPT)
    assert b"authorization: basic" in raw.requests[0].lower()


def test_a_local_server_that_closes_kept_connections_costs_no_call() -> None:
    kept = http(body(completion())).replace(b"Connection: close", b"Connection: keep-alive")
    with serve_raw(kept, hangs_up=True) as raw, connect("m", raw.url) as client:
        replies = [client.complete(PROMPT.but(seed=seed)) for seed in range(3)]
        calls = client.ledger.do(lambda file: file.rows("SELECT outcome FROM calls"))
    assert [reply.text for reply in replies] == ["blue"] * 3
    assert [call["outcome"] for call in calls] == ["ok"] * 3


# -- bills ------------------------------------------------------------------------------------


def test_ledger_bill_and_the_servers_own_count_agree(tmp_path: Path) -> None:
    """Two replies are unusable; each is told with other numbers, some from a cache."""
    from tablewright.llm.endpoint.metering import Metered, UsageByRole

    reported: list[tuple[int, int, int]] = []

    def answer(send: Send) -> None:
        n = len(reported)
        reported.append((20 + n, 5 + n, n))
        usage = {"prompt_tokens": 20 + n, "completion_tokens": 5 + n,
                 "prompt_tokens_details": {"cached_tokens": n}}  # fmt: skip
        message = {"content": "no" if n in (0, 3) else f"row {n}\n"}
        send(http(body(completion(choices=[{"message": message}], usage=usage))))

    prompts = [ROWS.but(seed=seed, role="writer", stage="rows") for seed in range(6)]
    bills = []
    for replay in (False, True):
        usage = UsageByRole()
        with (
            serve_raw(answer) as raw,
            connect("m", raw.url, run=tmp_path, concurrency=1, replay=replay,
                    prices={"m": [1.0, 2.0]}) as client,
        ):  # fmt: skip
            metered = Metered(client, usage)
            metered.complete_all(prompts)
            metered.complete_all(prompts)  # from the ledger: nothing is counted twice
            spending = client.spending()
        bills.append((usage.calls, usage.attempts, usage.tokens, usage.cost))
    read, written, cached = (sum(column) for column in zip(*reported, strict=True))
    assert len(reported) == 8
    assert bills[0] == bills[1]
    assert bills[0][:3] == (12, 8, read + written)
    assert bills[0][3] == pytest.approx(spending.cost)
    assert (spending.calls, spending.tokens) == (8, read + written)
    assert spending.cost == pytest.approx((read + 2 * written) / 1e6)
    assert usage.lines[0].cached_tokens == spending.cached_tokens == cached
    assert usage.counted
    assert spending.worst_case_tokens == 0


def test_a_cap_that_refuses_the_first_call_says_what_it_reserves() -> None:
    client = connect("m", "http://127.0.0.1:9/v1", max_tokens=3000)
    with client, pytest.raises(BudgetError) as caught:
        client.complete(Prompt.ask("Write rows."))
    assert "the cap of 3,000 tokens is too low for one call" in str(caught.value)
    assert "4,096 for the longest reply" in str(caught.value)


def test_sampling_parameters_of_the_model_are_those_of_prompts_that_set_none() -> None:
    own = {"temperature": 0.3, "top_p": 0.9, "max_reply_tokens": 77}
    with serve_raw(http(body(completion()))) as raw, connect("m", raw.url, **own) as client:  # type: ignore[arg-type]
        client.complete(Prompt.ask("?"))
        client.complete(Prompt.ask("?", temperature=0.0, max_tokens=5))
    sent = [json.loads(request.partition(b"\r\n\r\n")[2]) for request in raw.requests]
    assert [(one["temperature"], one["top_p"], one["max_tokens"]) for one in sent] == [
        (0.3, 0.9, 77),
        (0.0, 0.9, 5),
    ]
