"""What a model endpoint can do, asked once and remembered in the user's cache folder.

Nothing but loopback addresses and given files is asked, and no cell of any table.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tablewright.errors import InputError, ReplyFormatError, TablewrightError
from tablewright.llm.endpoint.base import Prompt, Step
from tablewright.llm.endpoint.http import Http

LOCAL_SERVERS = {
    "Ollama": "http://localhost:11434/v1",
    "llama.cpp": "http://localhost:8080/v1",
    "vLLM": "http://localhost:8000/v1",
    "LM Studio": "http://localhost:1234/v1",
}
"""Where programs that serve models listen, unless they were told otherwise."""

_WAIT, _POST_WAIT = 2.0, 60.0
_PROBE_SECONDS = 120.0
_VERSION = 1
_COLOURS = {"type": "array", "items": {"enum": ["red", "blue"]}, "minItems": 2, "maxItems": 2}
_ANIMALS = Prompt.ask(
    "Name two animals, as a JSON array or object.", schema=_COLOURS, max_tokens=40, temperature=0.0
)
_COUNT = Prompt.ask(
    "Count from one to forty, in words, and write nothing else.", max_tokens=48, temperature=0.0,
    top_logprobs=2,
)  # fmt: skip


@dataclass(frozen=True)
class Capabilities:
    """What one model can do; None where it could not be found out.

    Attributes
    ----------
    model, endpoint : str
        What to give as ``--model`` and ``--base-url``; no address for a file.
    server : str
        Program that serves it.
    schema, json_mode, completion, log_probabilities : bool or None
        Whether replies can be held to a JSON Schema, or to JSON; whether a plain text is gone on
        with; whether the probabilities of tokens are told.
    slots, context_length : int or None
        Calls that are answered at a time; tokens of prompt and reply together.
    tokens_per_second : float or None
        Written by one call on an otherwise idle server, when it was asked.
    problem : str
        Why it could not be asked.
    """

    model: str
    endpoint: str = ""
    server: str = ""
    schema: bool | None = None
    json_mode: bool | None = None
    completion: bool | None = None
    log_probabilities: bool | None = None
    slots: int | None = None
    context_length: int | None = None
    tokens_per_second: float | None = None
    problem: str = ""


class CapabilityCache:
    """A file of what was found out, for all tables of one user.

    Parameters
    ----------
    path : Path or None, default=None
        None takes ``tablewright/models.json`` in the user's cache folder.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = cache_folder() / "models.json" if path is None else path

    def get(self, key: str) -> Capabilities | None:
        """Return what is known; a file that cannot be read counts as empty."""
        known = self._read().get(key)
        try:
            return Capabilities(**known) if isinstance(known, dict) else None
        except TypeError:
            return None

    def put(self, key: str, found: Capabilities) -> None:
        """Remember; a folder that cannot be written is no error."""
        entries = {**self._read(), key: asdict(found)}
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            part = self.path.with_suffix(f".{os.getpid()}.part")
            part.write_text(json.dumps({"version": _VERSION, "models": entries}, indent=1))
            part.replace(self.path)
        except OSError:
            return

    def _read(self) -> dict[str, Any]:
        try:
            content = json.loads(self.path.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        known = content.get("version") == _VERSION if isinstance(content, dict) else False
        entries = content.get("models") if known else None
        return entries if isinstance(entries, dict) else {}


def cache_folder() -> Path:
    """Return the folder of the user's cache, made by nobody yet."""
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home()) / "tablewright"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tablewright"


def find_models(
    files: Iterable[str] = (),
    servers: Mapping[str, str] | None = None,
    *,
    cache: CapabilityCache | None = None,
    again: bool = False,
    on_model: Callable[[Capabilities], None] | None = None,
) -> list[Capabilities]:
    """List models that can be used on this machine, and what each can do.

    Parameters
    ----------
    files : iterable of str
        Paths of GGUF files, as they stand behind ``gguf:``.
    servers : mapping or None, default=None
        Addresses by name of the program; None takes those of Ollama, llama.cpp, vLLM and
        LM Studio.
    cache : CapabilityCache or None, default=None
        None takes that of the user.
    again : bool, default=False
        Whether to ask what is known already.
    on_model : callable, optional
        Called with each model as soon as it is known.
    """
    memory = CapabilityCache() if cache is None else cache
    places = (LOCAL_SERVERS if servers is None else servers).items()
    served = ((server, url, model) for server, url in places for model in served_models(url))
    bases = itertools.chain(map(_of_file, files), itertools.starmap(_of_server, served))
    result = []
    for key, base in bases:
        result.append(_remembered(key, base, memory, again))
        if on_model is not None:
            on_model(result[-1])
    return result


def served_models(url: str) -> list[str]:
    """Return the models that a server on this machine lists; none where nobody answers."""
    names = [entry.get("id") for entry in _listed(url)]
    return [name for name in names if isinstance(name, str) and len(name) < 300]


def _listed(url: str) -> list[Mapping[str, Any]]:
    content = _ask(url, "/models")
    entries = content.get("data") if isinstance(content, dict) else None
    return (
        [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    )


def _of_file(path: str) -> tuple[str, Capabilities]:
    """Return the key of a model file, and what it says of itself."""
    from tablewright.llm.endpoint.gguf import GGUFOptions
    from tablewright.llm.endpoint.gguf_file import read_gguf

    try:
        options = GGUFOptions.parse(path.removeprefix("gguf:"))
        file = read_gguf(options.path)
    except InputError as error:
        return "", Capabilities(path, problem=str(error))
    state = options.path.stat()
    key = f"{options.path.resolve()} {state.st_size} {state.st_mtime_ns} {options.threads}"
    return key, Capabilities(
        f"gguf:{options.path}", server="a file", slots=options.slots,
        context_length=options.tokens(file),
    )  # fmt: skip


def _of_server(server: str, url: str, model: str) -> tuple[str, Capabilities]:
    slots, context = _properties(url, model)
    base = Capabilities(model, url, server, slots=slots, context_length=context)
    return f"{url} {model}", base


def _remembered(key: str, base: Capabilities, cache: CapabilityCache, again: bool) -> Capabilities:
    known = base if base.problem else None if again else cache.get(key)
    if known is not None:
        return known
    result = probe(base)
    if not result.problem:
        cache.put(key, result)
    return result


def probe(base: Capabilities) -> Capabilities:
    """Ask a model a few short questions and see what comes back."""
    try:
        return asyncio.run(_probe(base))
    except TablewrightError as error:
        return replace(base, problem=str(error))


async def _probe(base: Capabilities) -> Capabilities:
    endpoint = _endpoint(base)
    try:
        await endpoint.acomplete(
            Prompt.ask("Hello.", temperature=0.0, max_tokens=8)
        )  # the model may be loaded now
        began = time.monotonic()
        first = await endpoint.acomplete(_COUNT)
        spent = time.monotonic() - began
        return replace(
            base,
            log_probabilities=bool(first.logprobs),
            tokens_per_second=round(first.usage.completion_tokens / spent, 1),
            schema=await _holds(endpoint, "schema"),
            json_mode=await _holds(endpoint, "json"),
            completion=await asyncio.to_thread(_completes, base),
        )
    finally:
        await endpoint.aclose()


def _endpoint(base: Capabilities) -> Any:
    """Return the endpoint without its layers: no other form of reply is tried in its place."""
    if base.endpoint:
        from tablewright.llm.endpoint.openai_compatible import OpenAICompatible

        return OpenAICompatible(base.model, base.endpoint, timeout=_PROBE_SECONDS)
    from tablewright.llm.endpoint.gguf import GGUF

    return GGUF(base.model, base.model.replace("gguf:", "file:", 1), timeout=_PROBE_SECONDS)


async def _holds(endpoint: Any, step: Step) -> bool | None:
    """Whether a reply is held to a form that the words do not ask for."""
    try:
        reply = await endpoint.acomplete(_ANIMALS.but(step=step))
        content = json.loads(reply.text)
    except ReplyFormatError:
        return False
    except TablewrightError:
        return None
    except ValueError:
        return False
    if step == "json":
        return True
    return isinstance(content, list) and len(content) == 2 and set(content) <= {"red", "blue"}


def _completes(base: Capabilities) -> bool | None:
    """Whether a plain text is gone on with; a file always is."""
    if not base.endpoint:
        return True
    content = _ask(base.endpoint, "/completions", {
        "model": base.model, "prompt": "1, 2, 3, 4,", "max_tokens": 4, "temperature": 0.0,
    })  # fmt: skip
    choices = content.get("choices") if isinstance(content, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    return isinstance(first, dict) and bool(first.get("text"))


def _properties(url: str, model: str) -> tuple[int | None, int | None]:
    """Return slots and context length, where the server says them in its own way."""
    facts = _ask(re.sub(r"/v1/?$", "", url), "/props")
    if isinstance(facts, dict):
        settings = facts.get("default_generation_settings")
        context = settings.get("n_ctx") if isinstance(settings, dict) else None
        return _whole(facts.get("total_slots")), _whole(context)
    for entry in _listed(url):
        if entry.get("id") == model:
            return None, _whole(entry.get("max_model_len") or entry.get("context_length"))
    return None, None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and 0 < value < 2**31 else None


class _Whole:
    """A body that is small enough to be taken whole."""

    n_pieces, done = 0, False

    def __init__(self) -> None:
        self.body = bytearray()

    def feed(self, data: bytes) -> None:
        """Read on."""
        self.body += data


def _ask(url: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
    """Ask a server of this machine; None where it does not answer with JSON, soon and briefly."""
    whole = _Whole()

    async def exchange() -> int:
        headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        http = Http(url, headers, _WAIT if body is None else _POST_WAIT / 5, lambda: _POST_WAIT)
        try:
            if body is None:
                return (await http.get(path, lambda head: whole, _WAIT)).status
            return (await http.post(path, json.dumps(dict(body)).encode(), lambda _: whole)).status
        finally:
            await http.aclose()

    try:
        return json.loads(whole.body) if asyncio.run(exchange()) == 200 else None
    except Exception:  # an optional question: whatever goes wrong leaves it unanswered
        return None
