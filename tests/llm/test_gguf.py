"""A model file without a server: what it can do, and that nothing of it stays behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tablewright.errors import InputError
from tablewright.llm import Prompt, connect
from tablewright.llm.endpoint.gguf import (
    GGUFError,
    GGUFOptions,
    GGUFServer,
    check_memory,
    idle_cores,
)
from tablewright.llm.endpoint.gguf_file import GGUFFile, read_gguf

pytest.importorskip("xllamacpp")
pytest.importorskip("gguf")

from tests.llm.tiny_llama import write_model

COLOURS = {"type": "array", "items": {"enum": ["red", "blue"]}, "minItems": 3, "maxItems": 3}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "tiny.gguf"
    write_model(path)
    return path


def ask(model: Path, prompt: Prompt, run: Path | None = None) -> str:
    with connect(f"gguf:{model}?threads=1", run=run) as client:
        return client.complete(prompt).text


def test_a_file_answers_by_schema_and_its_run_replays_without_it(
    model: Path, tmp_path: Path
) -> None:
    copy = shutil.copy(model, tmp_path / "copy.gguf")
    prompt = Prompt.ask("Three colours.", schema=COLOURS, max_tokens=60, top_logprobs=3)
    with connect(f"gguf:{copy}?threads=1", run=tmp_path / "run") as client:
        reply = client.complete(prompt)
        assert client.sharing.share == "rows"
        assert client.spending().cost == 0.0
    colours = json.loads(reply.text)
    assert len(colours) == 3
    assert set(colours) <= {"red", "blue"}
    assert reply.usage.counted
    assert all(len(likeliest) == 3 for likeliest in reply.logprobs)
    Path(copy).unlink()
    with connect(f"gguf:{copy}", run=tmp_path / "run", replay=True) as client:
        again = client.complete(prompt)
    assert (again.text, again.logprobs, again.cached) == (reply.text, reply.logprobs, True)


def listening(pid: int) -> list[str]:
    """TCP ports on which a process listens."""
    sockets = {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir() if link.exists()}
    lines = [
        line.split()
        for name in ("tcp", "tcp6")
        for line in Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:]
    ]
    return [line[1] for line in lines if line[3] == "0A" and f"socket:[{line[9]}]" in sockets]


@pytest.mark.skipif(not Path("/proc/self/net/tcp").exists(), reason="needs Linux")
def test_no_port_is_open_and_its_folder_is_its_users_alone(model: Path) -> None:
    server = GGUFServer.start(GGUFOptions(model, threads=1))
    try:
        assert server.socket
        assert listening(server.child.pid) == []
        assert server.folder.stat().st_mode & 0o777 == 0o700
    finally:
        server.stop()
    assert not server.folder.exists()
    assert server.child.returncode is not None


def test_without_unix_sockets_a_key_is_asked_for(model: Path) -> None:
    import httpx2

    server = GGUFServer.start(GGUFOptions(model, threads=1), by_socket=False)
    try:
        assert server.base_url.startswith("http://127.0.0.1:")
        url = f"{server.base_url}/chat/completions"
        body = {"messages": [{"role": "user", "content": "?"}], "max_tokens": 1}
        assert httpx2.post(url, json=body, trust_env=False).status_code == 401
        key = {"Authorization": f"Bearer {server.key}"}
        assert httpx2.post(url, json=body, headers=key, trust_env=False).status_code == 200
    finally:
        server.stop()


_PARENT = """
import sys
from pathlib import Path
from tablewright.llm.endpoint.gguf import GGUFOptions, GGUFServer
server = GGUFServer.start(GGUFOptions(Path(sys.argv[1]), threads=1))
print(server.child.pid, server.folder, flush=True)
input()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs kill -9")
def test_killed_it_leaves_nothing_behind(model: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT, str(model)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert parent.stdout is not None
    pid, folder = parent.stdout.readline().split()
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    until = time.monotonic() + 20
    while time.monotonic() < until and (_is_alive(int(pid)) or Path(folder).exists()):
        time.sleep(0.02)
    assert not _is_alive(int(pid))
    assert not Path(folder).exists()


def _is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"  # nobody may have collected its exit status yet


def test_a_base_model_goes_on_with_the_text(tmp_path: Path) -> None:
    """The prompt holds the tokens of the text and no role around it."""
    write_model(tmp_path / "base.gguf", template="")
    assert not read_gguf(tmp_path / "base.gguf").has_chat_template
    prompt = Prompt.ask("abc", system="xyz", max_tokens=1)
    with connect(f"gguf:{tmp_path / 'base.gguf'}?threads=1") as client:
        usage = client.complete(prompt).usage
    assert usage.prompt_tokens <= len("xyz\n\nabc") + 1


def test_what_is_no_model_is_named(tmp_path: Path, model: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("age\n41\n")
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(model.read_bytes()[:2000])
    newer = tmp_path / "newer.gguf"
    newer.write_bytes(b"GGUF" + struct.pack("<IQQ", 99, 0, 0))
    for path, sentence in (
        (table, "is no GGUF file"),
        (cut, "cut off or damaged"),
        (newer, "not known .99."),
        (tmp_path / "none.gguf", "No such file"),
    ):
        with pytest.raises(InputError, match=sentence):
            ask(path, Prompt.ask("?"))


def test_a_file_without_its_weights_is_refused_by_name(tmp_path: Path, model: Path) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(model.read_bytes()[:-100_000])
    with pytest.raises(GGUFError, match=r"cannot load .*cut\.gguf"):
        ask(cut, Prompt.ask("?"))


def test_a_model_larger_than_the_memory_is_refused() -> None:
    file = GGUFFile(Path("m.gguf"), 4 * 2**30, "llama", 4096, True, 2**17)
    check_memory(file, 4096, free=5 * 2**30)
    with pytest.raises(GGUFError, match=r"m\.gguf needs 4\.8 GiB .* 4,096 tokens .* 4\.0 GiB are"):
        check_memory(file, 4096, free=4 * 2**30)


@pytest.mark.parametrize("text", ["m.gguf?cores=2", "m.gguf?threads=0", "m.gguf?threads=two"])
def test_an_option_that_is_not_known_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="threads, slots and context"):
        connect(f"gguf:{text}")


def test_a_file_has_no_address() -> None:
    with pytest.raises(InputError, match="leave --base-url out"):
        connect("gguf:m.gguf", "http://localhost:8000/v1")


def test_threads_are_never_more_than_idle_cores() -> None:
    assert 1 <= idle_cores() <= (os.cpu_count() or 1)
