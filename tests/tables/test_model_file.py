"""Model files as containers: what goes in comes out, whole or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from tablewright.errors import ConditionError, InputError
from tablewright.tables.io.model_file import Artefact, reading, write_artefact

NAMES = st.text(min_size=1, max_size=12).filter(lambda name: name != "file")


@given(
    facts=st.dictionaries(
        st.text(max_size=5),
        st.none()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=8),
    ),
    groups=st.lists(NAMES, max_size=3, unique=True),
    numbers=st.lists(st.floats(), max_size=6),
    texts=st.lists(st.none() | st.text(max_size=6), max_size=6),
)
@settings(max_examples=40, deadline=None)
def test_what_goes_in_comes_out(
    tmp_path_factory: pytest.TempPathFactory,
    facts: dict[str, object],
    groups: list[str],
    numbers: list[float],
    texts: list[str | None],
) -> None:
    path = tmp_path_factory.mktemp("models") / "model.tw"
    frame = pl.DataFrame({"text": pl.Series(texts, dtype=pl.String)})
    arrays = {name: {"left/0": np.array(numbers), "n": np.arange(3)} for name in groups}
    write_artefact(path, Artefact(facts, arrays, dict.fromkeys(groups, frame)))
    with reading(path) as read:
        assert read.facts == facts
        assert list(read.arrays) == groups
        for name in groups:
            np.testing.assert_array_equal(read.arrays[name]["left/0"], numbers)
            assert_frame_equal(read.frames[name], frame)


def test_facts_that_are_no_json_leave_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "model.tw"
    write_artefact(path, Artefact({"a": 1}, {}, {}))
    with pytest.raises(ValueError, match="JSON"):
        write_artefact(path, Artefact({"a": float("nan")}, {}, {}))
    with reading(path) as read:
        assert read.facts == {"a": 1}
    assert [item.name for item in tmp_path.iterdir()] == ["model.tw"]


def test_what_breaks_while_it_is_read_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "model.tw"
    write_artefact(path, Artefact({}, {}, {}))
    with (
        pytest.raises(InputError, match=r"model.tw is not a model file .* \(KeyError\)"),
        reading(path) as read,
    ):
        read.facts["seed"]
    with pytest.raises(ConditionError, match="said already"), reading(path):
        raise ConditionError("said already")


def test_a_text_file_is_no_model_file(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="not a model file that tablewright wrote"), reading(path):
        pass
