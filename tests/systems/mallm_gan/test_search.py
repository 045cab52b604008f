"""What resampled rows say of edges, and what is told of a search."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from tablewright.generators.bayes_net import binned
from tablewright.generators.parts.structure import Limits, bootstrap_edges, edge_prior, hill_climb
from tablewright.schema import Schema
from tablewright.systems.common.loop import Proposal, Step, Trace
from tablewright.systems.mallm_gan.discriminator import Evidence, Judgement
from tablewright.systems.mallm_gan.optimizer import top
from tablewright.systems.mallm_gan.process import CausalGraph, Process
from tablewright.systems.mallm_gan.published import Accuracy, epochs
from tablewright.systems.mallm_gan.search import BELIEF, EdgeFrequencies, told
from tablewright.tables.encoding.codec import Codec

SCHEMA = Schema.build(dict.fromkeys("abc", "categorical"))


def coins(n_rows: int = 300) -> pl.DataFrame:
    """Coin b equals a in eight cases of ten; coin c does nothing."""
    rng = np.random.default_rng(3)
    a, c = rng.integers(0, 2, (2, n_rows))
    b = np.where(rng.random(n_rows) < 0.8, a, 1 - a)
    return pl.DataFrame({"a": a, "b": b, "c": c}).cast(pl.String)


FOUND = EdgeFrequencies(coins(), SCHEMA, 5)


def with_shares(shares: dict[tuple[str, str], float]) -> EdgeFrequencies:
    """Frequencies as written down."""
    made = EdgeFrequencies(coins(30), SCHEMA)
    made.found = np.zeros((3, 3))
    for (one, other), share in shares.items():
        made.found["abc".index(one), "abc".index(other)] = share
    return made


def test_shares_are_those_of_thirty_searches_in_resampled_rows() -> None:
    matrix = Codec(SCHEMA).fit(coins()).encode(coins())
    codes = binned(matrix.values, matrix.fields)
    assert np.array_equal(
        FOUND.found, bootstrap_edges(codes, np.random.default_rng(5), n_resamples=30)
    )
    assert FOUND.frequency("a", "b") == FOUND.frequency("b", "a") == 1.0
    assert FOUND.found.sum() >= 1
    assert FOUND.frequency("a", "c") < 0.3


def test_edges_are_ranked_by_their_share_and_written_for_a_prompt() -> None:
    made = with_shares({("a", "b"): 0.2, ("b", "a"): 0.7, ("c", "a"): 0.5})
    assert made.ranked() == [(("b", "a"), 0.7), (("c", "a"), 0.5), (("a", "b"), 0.2)]
    assert made.lines(2) == ["b -> a: 70%", "c -> a: 50%"]
    assert made.frequency("a", "b") == pytest.approx(0.9), "either way"
    assert made.ways("a", "b") == [("b", "a"), ("a", "b")]
    assert made.ways("a", "c") == [("c", "a"), ("a", "c")]
    assert made.ways("c", "b") == [("c", "b"), ("b", "c")], "as asked where neither is likelier"


@pytest.mark.parametrize(("share", "supported"), [(0.1, True), (0.09, False)])
def test_an_edge_is_supported_from_one_resample_in_ten_on_either_way(
    share: float, supported: bool
) -> None:
    made = with_shares({("b", "a"): share})
    assert (made.unsupported([("a", "b")]) == ()) == supported


def test_a_proposed_edge_counts_three_nats_more() -> None:
    prior = edge_prior(FOUND.found)
    for edges in ((), (("a", "c"),)):
        for a, b in edges:
            prior["abc".index(a), "abc".index(b)] += BELIEF
        expected = hill_climb(FOUND.codes, Limits(prior=prior))
        assert set(FOUND.graph(edges).edges) == {("abc"[i], "abc"[j]) for i, j in expected}
    assert BELIEF == 3.0


# what is told -------------------------------------------------------------------------------


def judged(loss: float) -> Judgement:
    return Judgement(loss, 0.0, 0.0, np.zeros(2))


def process(task: str) -> Process:
    return Process(CausalGraph.from_edges("abc", [("a", "b")]), task=task)


def test_a_search_is_told_step_by_step_with_losses_and_tasks() -> None:
    start, good, bad = (process(task) for task in ("start", "good", "bad"))
    trace: Trace[Process, Judgement] = Trace(start, good, judged(0.9), judged(0.7))
    trace.steps = [
        Step(Proposal("better", good, "because of x"), judged(0.9), judged(0.7), accepted=True),
        Step(Proposal("worse", bad, "because of y"), judged(0.7), judged(0.8), accepted=False),
    ]
    steps = told(trace)
    assert all(step.pop("edges") == [["a", "b"]] for step in steps)
    assert steps == [
        {"change": "start", "because": "", "taken": True, "loss": 0.9, "task": "start"},
        {"change": "better", "because": "because of x", "taken": True, "loss": 0.7, "task": "good"},
        {"change": "worse", "because": "because of y", "taken": False, "loss": 0.8, "task": "bad"},
    ]
    assert [(p.task, score) for p, score in top(trace, 2)] == [("bad", "0.800"), ("good", "0.700")]


def test_a_loss_adds_what_is_seen_of_columns_and_of_pairs() -> None:
    assert Judgement(0.6, 0.1, 0.2, np.zeros(2)).loss == pytest.approx(0.9)
    one, other = (Judgement(0.7, 0, 0, np.array(r)) for r in ([0.7, 0.7, 0.7], [0.9, 0.8, 0.7]))
    assert one.gain_over(other) == pytest.approx((0.0, 0.1)), "the deviation of 0.2, 0.1 and 0"


@pytest.mark.parametrize(
    ("n_rows", "passes"), [(1, 5), (100, 5), (101, 4), (200, 4), (201, 3), (400, 3), (401, 2)]
)
def test_the_published_search_passes_long_tables_less_often(n_rows: int, passes: int) -> None:
    assert epochs(n_rows) == passes
    assert Accuracy().loss == 1.0


@pytest.mark.parametrize(
    ("item", "text"),
    [
        (Evidence(("a",), 1.0, 2.0, 0.5), "a is too high (0.50 standard deviations)"),
        (Evidence(("a",), 1.0, 0.0, -0.25), "a is too low (0.25 standard deviations)"),
        (
            Evidence(("a", "b"), 0.5, 0.75, 0.25),
            "a and b go together more than in real rows (0.75, real 0.50)",
        ),
        (
            Evidence(("a", "b"), 0.5, 0.25, -0.25),
            "a and b go together less than in real rows (0.25, real 0.50)",
        ),
    ],
)
def test_evidence_is_a_sentence_with_its_numbers(item: Evidence, text: str) -> None:
    assert str(item) == text
