"""A model in a GGUF file, run by llama.cpp inside our own process tree."""

from __future__ import annotations

import asyncio
import json
import math
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl

from tablewright.errors import InputError, MissingExtraError, ModelError
from tablewright.llm.endpoint.base import Prompt, Reply
from tablewright.llm.endpoint.gguf_file import GGUFFile, read_gguf
from tablewright.llm.endpoint.openai_compatible import OpenAICompatible

_SLOTS, _CONTEXT = 2, 16_384
_OVERHEAD = 300 * 2**20
"""Bytes that llama.cpp takes beside weights and context: measured 120 to 260 MB."""

_LONGEST_SOCKET = 100
"""Characters of a Unix socket's path; systems allow 104 to 108."""

_TEXT_TEMPLATE = (
    "{% for message in messages %}{{ message['content'] }}"
    "{% if not loop.last %}\n\n{% endif %}{% endfor %}"
)
"""The messages as one text, for base models to go on with."""


class GGUFError(ModelError):
    """The file cannot be served: any other call would fail too."""

    fatal = True


@dataclass(frozen=True, slots=True)
class GGUFOptions:
    """What stands behind ``gguf:``: a path and, after a ``?``, how to run it.

    Attributes
    ----------
    path : Path
    threads : int or None
        None takes as many as there are idle cores when the model is loaded.
    slots : int
        Prompts that are answered at a time.
    context : int or None
        Tokens of context, shared by the slots; None takes 16,384, or less where the model
        was trained with less.
    """

    path: Path
    threads: int | None = None
    slots: int = _SLOTS
    context: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``PATH`` or ``PATH?threads=2&slots=4&context=8192``.

        Raises
        ------
        InputError
            If an option is unknown or no positive number.

        Examples
        --------
        >>> GGUFOptions.parse("models/qwen.gguf?threads=2").threads
        2
        """
        path, _, query = text.partition("?")
        options = {}
        for name, value in parse_qsl(query, keep_blank_values=True):
            if name not in ("threads", "slots", "context") or not value.isdecimal() or value == "0":
                raise InputError(
                    f"gguf:{path} takes the options threads, slots and context, each a positive "
                    f"number, such as gguf:{path}?threads=2, not {name}={value}"
                )
            options[name] = int(value)
        return cls(Path(path).expanduser(), **options)

    def tokens(self, file: GGUFFile) -> int:
        """Return how many tokens of context to make room for."""
        longest = file.context_length or _CONTEXT
        return self.context or min(_CONTEXT, longest * self.slots)


class GGUF:
    """An endpoint that is a file; its server starts with the first prompt and ends with us.

    Parameters
    ----------
    model : str
        As ledger and manifest name it.
    base_url : str
        ``file:`` and what `GGUFOptions.parse` reads.
    **settings
        As for `OpenAICompatible`; a key is made up.
    """

    def __init__(self, model: str, base_url: str | None = None, **settings: Any) -> None:
        self.model, self._settings = model, {**settings, "api_key": None}
        self.options = GGUFOptions.parse((base_url or model).removeprefix("file:"))
        self.seconds_left: Callable[[], float] = lambda: math.inf
        self._starting = asyncio.Lock()
        self._server: GGUFServer | None = None
        self._endpoint: OpenAICompatible | None = None

    async def acomplete(self, prompt: Prompt) -> Reply:
        """Answer one prompt; a base model goes on with the text of its messages.

        Raises
        ------
        ModelError
            If the model cannot be loaded, or fails.
        InputError
            If the file is no GGUF file.
        """
        async with self._starting:
            if self._endpoint is None:
                self._server = await asyncio.to_thread(GGUFServer.start, self.options)
                self._endpoint = self._server.endpoint(self.model, **self._settings)
                self._endpoint.seconds_left = lambda: self.seconds_left()
        return await self._endpoint.acomplete(prompt)

    async def slots(self) -> int:
        """Return how many prompts are answered at a time."""
        return self.options.slots

    @property
    def n_pieces(self) -> int:
        """Pieces of replies that have come so far."""
        return 0 if self._endpoint is None else self._endpoint.n_pieces

    def cut(self) -> None:
        """End all calls now; what they have brought so far is returned."""
        if self._endpoint is not None:
            self._endpoint.cut()

    async def aclose(self) -> None:
        """Close the connections and end the child process."""
        endpoint, self._endpoint = self._endpoint, None
        server, self._server = self._server, None
        if endpoint is not None:
            await endpoint.aclose()
        if server is not None:
            await asyncio.to_thread(server.stop)


class GGUFServer:
    """The child process, and how to reach it.

    Attributes
    ----------
    socket : str
        Path of its Unix socket; empty where it listens on the loopback address.
    base_url, key : str
        For clients.
    """

    def __init__(self, child: subprocess.Popen[str], folder: Path, socket: str, key: str) -> None:
        self.child, self.folder, self.socket, self.key = child, folder, socket, key
        self.base_url = "http://localhost/v1"

    @classmethod
    def start(cls, options: GGUFOptions, *, by_socket: bool = True) -> Self:
        """Load a model; returns when it can be asked.

        Raises
        ------
        MissingExtraError
            If xllamacpp is not installed.
        InputError
            If the file is no GGUF file.
        GGUFError
            If there is not the memory, or llama.cpp cannot load the file.
        """
        if find_spec("xllamacpp") is None:
            raise MissingExtraError("A model in a GGUF file", "gguf")
        file = read_gguf(options.path)
        check_memory(file, options.tokens(file))
        folder = Path(tempfile.mkdtemp(prefix="tablewright-"))
        path = str(folder / "llama.sock")  # llama.cpp takes names that end in .sock for sockets
        by_socket = by_socket and hasattr(socket, "AF_UNIX") and len(path) < _LONGEST_SOCKET
        started = cls(_spawn(folder), folder, path if by_socket else "", secrets.token_urlsafe(24))
        try:
            started._load(options, file)
        except BaseException:
            started.stop()
            raise
        return started

    def endpoint(self, model: str, **settings: Any) -> OpenAICompatible:
        """Return a client of it."""
        own = {"api_key": self.key, "uds": self.socket or None}
        return OpenAICompatible(model, self.base_url, **{**settings, **own})

    def stop(self) -> None:
        """End the child process."""
        if self.child.stdin is not None:
            self.child.stdin.close()
        try:
            self.child.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        if self.child.stdout is not None:
            self.child.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _load(self, options: GGUFOptions, file: GGUFFile) -> None:
        assert self.child.stdin is not None
        assert self.child.stdout is not None
        settings = {
            "path": str(file.path.resolve()),
            "name": file.path.name,
            "slots": options.slots,
            "context": options.tokens(file),
            "threads": options.threads or idle_cores(),
            "socket": self.socket,
            "key": self.key,
            "folder": str(self.folder),
            "chat_template": None if file.has_chat_template else _TEXT_TEMPLATE,
        }
        self.child.stdin.write(json.dumps(settings) + "\n")
        self.child.stdin.flush()
        answer = json.loads(self.child.stdout.readline() or "{}")
        if "address" not in answer:
            raise GGUFError(
                f"llama.cpp cannot load {file.path} ({file.architecture or 'unknown'} model): "
                f"{self._complaint() or answer.get('error', 'it ended at once')}"
            )
        if not self.socket:
            self.base_url = answer["address"] + "/v1"

    def _complaint(self) -> str:
        """Return the first error that llama.cpp wrote."""
        text = (self.folder / "log").read_text("utf-8", "replace")
        errors = [line.split(" E ", 1)[1] for line in text.splitlines() if " E " in line]
        return " ".join(errors[0].split())[:200] if errors else ""


def _spawn(folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tablewright.llm.endpoint.gguf_process"]
    with (folder / "log").open("w") as log:
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
            start_new_session=True,  # Ctrl-C lets calls in flight finish
        )  # fmt: skip


def check_memory(file: GGUFFile, n_tokens: int, free: int | None = None) -> None:
    """Refuse a model that does not fit into the memory that is free.

    Raises
    ------
    GGUFError
        With what is needed and what is there.
    """
    free = free_memory() if free is None else free
    needed = file.n_bytes + file.bytes_per_token * n_tokens + _OVERHEAD
    if free is not None and needed > free:
        raise GGUFError(
            f"{file.path.name} needs {needed / 2**30:.1f} GiB of memory with {n_tokens:,} tokens "
            f"of context, and {free / 2**30:.1f} GiB are free: take a smaller or more strongly "
            "quantised model, or less context (gguf:PATH?context=4096)"
        )


def free_memory() -> int | None:
    """Return the bytes that may still be taken, where the system says so."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    facts = dict(line.split(":", 1) for line in lines if ":" in line)
    return int(facts["MemAvailable"].split()[0]) * 1024 if "MemAvailable" in facts else None


def idle_cores() -> int:
    """Return how many cores have nothing to do, at least one.

    A thread more than there are idle cores makes all others wait for it at every layer.
    """
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return max(1, round(cores - load))
