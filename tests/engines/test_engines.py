"""Workers: what one loses, none of the others does again."""

from __future__ import annotations

import os
import signal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tablewright.engines import process
from tablewright.engines.process import ProcessEngine
from tablewright.errors import ConditionError, EngineError, InputError, MissingExtraError
from tablewright.registry import names, resolve


def _note(folder: Path, number: int) -> int:
    """Leave a mark of each try, so that a test can count them."""
    tries = len(list(folder.glob(f"{number}-*")))
    (folder / f"{number}-{tries}").touch()
    return tries


def double(folder: Path, number: int) -> Any:
    _note(folder, number)
    return 2 * number


def dies_once(folder: Path, number: int) -> Any:
    if _note(folder, number) == 0 and number == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def allocator_setting(number: int) -> Any:
    return os.environ.get("MALLOC_TRIM_THRESHOLD_", "none")


def dies_always(folder: Path, number: int) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def refuses(folder: Path, number: int) -> Any:
    raise ConditionError(f"no row of part {number} can meet it")


@pytest.mark.parametrize("workers", [1, 2])
def test_run_gives_every_number_once(tmp_path: Path, workers: int) -> None:
    engine = ProcessEngine(workers=workers)
    results: list[Any] = list(engine.run(partial(double, tmp_path), range(5)))
    assert sorted(results) == [0, 2, 4, 6, 8]
    assert len(list(tmp_path.iterdir())) == 5


def test_lost_worker_costs_its_part_alone(tmp_path: Path) -> None:
    engine = ProcessEngine(workers=2)
    results: list[Any] = list(engine.run(partial(dies_once, tmp_path), range(4)))
    assert sorted(results) == [0, 1, 2, 3]
    tries = sorted(mark.name for mark in tmp_path.iterdir())
    assert tries == ["0-0", "1-0", "1-1", "2-0", "3-0"]


def test_dask_worker_may_keep_memory_for_its_next_arrays() -> None:
    pytest.importorskip("distributed", reason="the extra [dask] is not installed")
    made: list[Any] = list(resolve("engines", "dask")(workers=1).run(allocator_setting, [0]))
    assert made == ["none"]


def test_part_that_loses_every_worker_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "MAX_LOSSES", 2)
    with pytest.raises(EngineError, match="part 0 lost its worker 2 times"):
        list(ProcessEngine(workers=2).run(partial(dies_always, tmp_path), [0, 0]))


def test_error_of_a_worker_arrives_as_it_was(tmp_path: Path) -> None:
    with pytest.raises(ConditionError, match=r"no row of part [01] can meet it"):
        list(ProcessEngine(workers=2).run(partial(refuses, tmp_path), range(2)))


def test_process_engine_has_no_address() -> None:
    with pytest.raises(InputError, match="has no address"):
        ProcessEngine(address="tcp://10.0.0.1:8786")


@pytest.mark.filterwarnings("ignore")  # those of Ray's own code
@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "127.0.0.1:99999"])
def test_ray_address_where_nothing_listens_is_named_at_once(address: str) -> None:
    pytest.importorskip("ray", reason="the extra [ray] is not installed")
    engine = resolve("engines", "ray")(address=address)
    with pytest.raises(EngineError, match=f"no Ray cluster answers at {address}"):
        list(engine.run(allocator_setting, [0]))


def test_engines_are_registered_by_name() -> None:
    assert names("engines") == ["dask", "process", "ray"]
    with pytest.raises(InputError, match="no engine is called 'dusk'; did you mean 'dask'"):
        resolve("engines", "dusk")


@pytest.mark.parametrize(("name", "package"), [("dask", "distributed"), ("ray", "ray")])
def test_engine_that_is_not_installed_names_its_extra(
    name: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, package, None)
    with pytest.raises(MissingExtraError, match=rf"extra \[{name}\]: pip install '{package}>="):
        resolve("engines", name)()
