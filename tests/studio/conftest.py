"""A page that is served on this machine, and somebody who has its address."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import numpy as np
import polars as pl
import pytest
import uvicorn

from tablewright.studio.server import create_app
from tablewright.studio.workspace import Workspace

TOKEN = "a-token"


@dataclass
class Page:
    """A served page, its address, and a client that has opened it."""

    workspace: Workspace
    address: str
    client: httpx2.Client

    def post(self, path: str, **fields: object) -> str:
        form = {name: str(value) for name, value in fields.items()}
        return self.client.post(path, data=form).raise_for_status().text


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    age = rng.integers(18, 80, 60)
    frame = pl.DataFrame(
        {"age": age, "city": rng.choice(["Rome", "Oslo"], 60), "<b>": np.where(age > 50, "x", "y")}
    )
    frame.write_csv(tmp_path / "people.csv")
    return tmp_path / "people.csv"


@pytest.fixture
def page(table: Path) -> Iterator[Page]:
    workspace = Workspace(table, table.with_name("runs"))
    config = uvicorn.Config(create_app(workspace, TOKEN), port=0, log_level="error")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    address = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    with httpx2.Client(base_url=address, follow_redirects=True, timeout=30) as client:
        client.get("/", params={"token": TOKEN}).raise_for_status()
        yield Page(workspace, address, client)
    server.should_exit = True
    thread.join()
