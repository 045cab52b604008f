"""What a user sees of an endpoint that never gives a row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner
from pytest_httpserver import HTTPServer

from tablewright import EPIC
from tablewright.cli import app
from tablewright.errors import ModelError
from tablewright.llm import Prompt, Reply
from tablewright.systems.common.result import RowsWarning


def table() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    return pl.DataFrame({"age": rng.integers(18, 80, 40), "y": ["a", "b"] * 20})


class Refusing:
    """A model that answers so many prompts and refuses all others."""

    def complete(self, prompt: Prompt) -> Reply:
        raise ModelError("the key was refused")


def test_no_reply_at_all_is_why_the_work_stopped() -> None:
    system = EPIC("y", llm=Refusing(), random_state=0).fit(table())
    with pytest.warns(
        RowsWarning, match="0 of the 5 rows asked for were kept: the key was refused"
    ):
        assert system.sample(5).height == 0
    assert str(system.result_.stopped) == "the key was refused"


def test_refused_requests_are_no_success(httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_request("/v1/chat/completions").respond_with_json(
        {"error": {"message": "bad model"}}, status=400
    )
    httpserver.expect_request("/v1/completions").respond_with_json(
        {"error": {"message": "bad model"}}, status=400
    )
    train, out = tmp_path / "train.csv", tmp_path / "rows.csv"
    table().write_csv(train)
    words = ["generate", str(train), "--target", "y", "-n", "3", "--out", str(out)]
    words += ["--method", "epic", "--model", "m", "--base-url", httpserver.url_for("/v1")]
    result = CliRunner().invoke(app, [*words, "--run", str(tmp_path / "run")])
    assert result.exit_code != 0
    assert isinstance(result.exception, ModelError)
    assert "bad model" in str(result.exception)
