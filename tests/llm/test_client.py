"""A client: many prompts in, replies in their order out; Ctrl-C loses nothing."""

from __future__ import annotations

import copy
import os
import pickle
import signal
import threading
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from sklearn.base import clone

from tablewright import registry
from tablewright.errors import (
    BudgetError,
    InputError,
    InterruptedRunError,
    ModelError,
    ReplayError,
)
from tablewright.llm import Client, Prompt, Reply, connect
from tablewright.llm.endpoint.stack import Stack
from tests.llm.doubles import Endpoint, echo

PROMPTS = [Prompt.ask(f"question {number}", max_tokens=50) for number in range(40)]


def client_of(endpoint: Endpoint, **options: object) -> Client:
    """Connect to an endpoint that lives in this process."""
    client = connect("m", "http://127.0.0.1:9/v1", **options)  # type: ignore[arg-type]
    stack = Stack(client.settings, client.ledger)
    stack.limiter.inner = endpoint
    client._stack = stack
    return client


def test_replies_come_in_the_order_of_the_prompts() -> None:
    waits = iter(range(40, 0, -1))

    class Reversing(Endpoint):
        async def acomplete(self, prompt: Prompt) -> Reply:
            self.seconds = next(waits) / 2000
            return await super().acomplete(prompt)

    with client_of(Reversing(echo)) as client:
        replies = client.complete_all(PROMPTS)
    assert [reply.text for reply in replies if isinstance(reply, Reply)] == [
        f"question {number}/0" for number in range(40)
    ]


def test_progress_is_told() -> None:
    done: list[int] = []
    with client_of(Endpoint(echo)) as client:
        client.complete_all(PROMPTS[:5], on_reply=done.append)
    assert done == [1, 2, 3, 4, 5]


def test_one_prompt_that_fails_leaves_the_others_alone() -> None:
    bad = Endpoint(lambda prompt: ModelError("HTTP 400") if "3" in prompt.text else "x")
    with client_of(bad) as client:
        results = client.complete_all(PROMPTS[:5])
        with pytest.raises(ModelError, match="400"):
            client.complete(PROMPTS[3])
    assert [isinstance(result, Reply) for result in results] == [True, True, True, False, True]


def test_an_error_that_all_would_meet_stops_the_rest() -> None:
    with client_of(Endpoint(echo), max_calls=10, concurrency=2) as client:
        results = client.complete_all(PROMPTS)
    assert sum(isinstance(result, Reply) for result in results) == 10
    assert sum(isinstance(result, BudgetError) for result in results) == 30


def test_a_finished_run_makes_no_call_and_replays_bit_for_bit(tmp_path: Path) -> None:
    with client_of(Endpoint(echo), run=tmp_path) as client:
        first = client.complete_all(PROMPTS)
    again = Endpoint(lambda prompt: "something else")
    with client_of(again, run=tmp_path) as client:
        second = client.complete_all(PROMPTS)
    with connect("m", "http://127.0.0.1:9/v1", run=tmp_path, replay=True) as client:
        third = client.complete_all(PROMPTS)
        with pytest.raises(ReplayError):
            client.complete(Prompt.ask("another"))
    texts = [[getattr(reply, "text", None) for reply in run] for run in (first, second, third)]
    assert texts[0] == texts[1] == texts[2]
    assert again.calls == 0


@pytest.fixture
def _interruptible() -> Iterator[None]:
    """Hear SIGINT, which whoever started the tests in the background may have told to ignore."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_interruptible")
def test_ctrl_c_keeps_the_calls_in_flight_and_starts_no_other(tmp_path: Path) -> None:
    endpoint = Endpoint(echo, seconds=0.4)
    client = client_of(endpoint, run=tmp_path, concurrency=4)
    timer = threading.Timer(0.6, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        client.complete_all(PROMPTS)
    outcomes = client.ledger.do(lambda file: file.rows("SELECT outcome FROM calls"))
    client.close()
    assert endpoint.calls == len(outcomes) == 8
    assert {row["outcome"] for row in outcomes} == {"ok"}


@pytest.mark.usefixtures("_interruptible")
def test_ctrl_c_ends_a_command_with_what_was_answered() -> None:
    """As on the command line, where the rows so far are written."""
    client = client_of(Endpoint(echo, seconds=0.2), concurrency=4)
    client.keeps_on_interrupt = True
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    results = client.complete_all(PROMPTS)
    late = client.complete_all(PROMPTS[:2])
    client.close()
    answered = [isinstance(result, Reply) for result in results]
    assert sum(answered) == 8
    assert all(isinstance(one, Reply | InterruptedRunError) for one in results)
    assert all(isinstance(one, InterruptedRunError) for one in late)
    assert late[0].exit_code == 130  # type: ignore[union-attr]


@pytest.mark.usefixtures("_interruptible")
def test_a_second_ctrl_c_leaves_at_once() -> None:
    answered: list[Prompt] = []

    def answer(prompt: Prompt) -> str:
        answered.append(prompt)
        return "late"

    client = client_of(Endpoint(answer, seconds=8.0), concurrency=4)
    for delay in (0.2, 0.5):
        threading.Timer(delay, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        client.complete_all(PROMPTS)
    assert not answered
    client.close()


def test_a_client_is_shared_never_copied() -> None:
    client = connect("m", "http://localhost:1/v1", api_key="secret")
    assert clone(client) is client
    assert copy.deepcopy({"llm": client})["llm"] is client
    stored = pickle.dumps(client)
    assert b"secret" not in stored
    assert pickle.loads(stored).settings.model == "m"


def test_what_may_leave_depends_on_where_the_endpoint_is() -> None:
    assert connect("m", "http://127.0.0.1:8080/v1").sharing.share == "rows"
    assert connect("m", "https://models.example.org/v1").sharing.share == "schema"
    assert connect("m", "https://models.example.org/v1", share="rows").sharing.share == "rows"


def test_an_unknown_price_caps_tokens_and_says_so() -> None:
    settings = connect("unheard-of", "https://models.example.org/v1", max_cost=1.0).settings
    assert settings.caps.cost is None
    assert settings.caps.tokens == 20_000
    assert "price of 'unheard-of' is not known" in settings.notes[0]


def test_spending_by_role_and_stage() -> None:
    with client_of(Endpoint(echo), prices={"m": [1.0, 2.0]}) as client:
        client.complete_all([PROMPTS[0].but(role="manager", stage="plan", sent={"age": 3})])
        client.complete_all([prompt.but(role="worker", stage="rows") for prompt in PROMPTS[1:5]])
        client.rows_kept(22)
        spending = client.spending()
    lines = [(line["role"], line["stage"], line["calls"]) for line in spending.lines]
    assert lines == [("manager", "plan", 1), ("worker", "rows", 4)]
    assert spending.cost == pytest.approx(5 * 0.00011)
    assert spending.rows_per_dollar == pytest.approx(22 / 0.00055)
    assert spending.sent == {"age": 3}


def test_a_dry_run_counts_without_a_call(tmp_path: Path) -> None:
    with connect("gpt-4o-mini", max_cost=1.0, run=tmp_path / "run", dry_run=True) as client:
        reply = client.complete(Prompt.ask("Ten rows.", expected="x" * 400))
        spending = client.spending()
    assert reply.text == "x" * 400
    assert spending.lines[0]["completion_tokens"] == 80
    assert spending.cost == pytest.approx(7 * 0.15e-6 + 80 * 0.6e-6)
    assert spending.counted is False
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"model": " "}, "no name"),
        ({"share": "row"}, "did you mean 'rows'"),
        ({"replay": True}, "--replay needs --run"),
        ({"replay": True, "run": "nowhere"}, "nothing to replay"),
        ({"max_cost": -1.0}, "--max-cost has to be above 0"),
        ({"concurrency": 0}, "--concurrency has to be at least 1"),
        ({"timeout": 0.0}, "--timeout has to be above 0"),
        ({"timeout": float("nan")}, "--timeout has to be above 0"),
        ({"prices": {"m": "cheap"}}, "two numbers"),
        ({"prices": "missing.yaml"}, "missing.yaml cannot be read"),
    ],
)
def test_bad_options_are_named(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        connect(**{"model": "m", **options})  # type: ignore[arg-type]


def test_a_provider_of_another_package_is_one_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    class Parrot:
        def __init__(self, model: str, **settings: object) -> None:
            self.model = model

        async def acomplete(self, prompt: Prompt) -> Reply:
            return Reply(f"{self.model}: {prompt.text}")

    point = EntryPoint("parrot", "somewhere:Parrot", "tablewright.llms")
    monkeypatch.setattr(registry, "_found", lambda group: {"parrot": point})
    monkeypatch.setattr(EntryPoint, "load", lambda self: Parrot)
    with connect("parrot:grey:7b", share="schema") as client:
        assert client.complete(Prompt.ask("hello")).text == "grey:7b: hello"


def test_a_key_is_not_shown() -> None:
    client = connect("m", "http://localhost:1/v1", api_key="sk-secret")
    assert "sk-secret" not in f"{client!r} {client.settings!r} {client.settings.as_facts()}"
