"""What a GGUF file says of itself: the few facts of its header that decide how it is run."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from tablewright.errors import InputError

_NUMBERS = {
    0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d",
}  # fmt: skip
_STRING, _ARRAY = 8, 9
_MAX_FACTS, _MAX_TEXT = 10_000, 1 << 24


@dataclass(frozen=True, slots=True)
class GGUFFile:
    """A model file, by its header.

    Attributes
    ----------
    path : Path
    n_bytes : int
        Size of the file.
    architecture : str
    context_length : int
        Tokens that the model was trained to read at most; 0 where the file does not say.
    has_chat_template : bool
        False for base models, which go on with a text and answer no messages.
    bytes_per_token : int
        Memory that one token of context takes, in 16 bits; 0 where the file does not say.
    """

    path: Path
    n_bytes: int
    architecture: str
    context_length: int
    has_chat_template: bool
    bytes_per_token: int


def read_gguf(path: Path) -> GGUFFile:
    """Read the header of a model file; the vocabulary and the weights are passed over.

    Raises
    ------
    InputError
        If the file cannot be read or is no whole GGUF file.
    """
    try:
        with path.open("rb") as file:
            return _described(path, _read_facts(path, file))
    except OSError as error:
        raise InputError(f"the model {path} cannot be read: {error.strerror}") from error
    except (struct.error, UnicodeDecodeError, OverflowError) as error:
        raise InputError(
            f"the model {path} is cut off or damaged: its header ends early"
        ) from error


def _described(path: Path, facts: Mapping[str, Any]) -> GGUFFile:
    name = str(facts.get("general.architecture", ""))
    width, heads = _int(facts, name, "embedding_length"), _int(facts, name, "attention.head_count")
    head = _int(facts, name, "attention.key_length") or width // max(1, heads)
    kept = _int(facts, name, "attention.head_count_kv") or heads
    return GGUFFile(
        path,
        path.stat().st_size,
        name,
        _int(facts, name, "context_length"),
        bool(facts.get("tokenizer.chat_template")),
        2 * 2 * head * kept * _int(facts, name, "block_count"),
    )


def _int(facts: Mapping[str, Any], architecture: str, name: str) -> int:
    value = facts.get(f"{architecture}.{name}")
    return int(value) if isinstance(value, int | float) and 0 <= value < 2**40 else 0


def _read_facts(path: Path, file: BinaryIO) -> dict[str, Any]:
    if file.read(4) != b"GGUF":
        raise InputError(
            f"{path} is no GGUF file: a model for llama.cpp begins with the bytes GGUF"
        )
    version, _, n_facts = struct.unpack("<IQQ", _exactly(file, 20))
    if version not in (2, 3) or n_facts > _MAX_FACTS:
        raise InputError(f"{path} is a GGUF file of a version that is not known ({version})")
    facts: dict[str, Any] = {}
    for _ in range(n_facts):
        name = _text(file)
        facts[name] = _value(file, _number(file, "I"))
    return facts


def _value(file: BinaryIO, kind: int) -> Any:
    if kind == _STRING:
        return _text(file)
    if kind == _ARRAY:
        return _skip_array(file)
    if kind not in _NUMBERS:
        raise struct.error(f"kind {kind}")
    return _number(file, _NUMBERS[kind])


def _skip_array(file: BinaryIO) -> None:
    kind, n_items = _number(file, "I"), _number(file, "Q")
    if kind in _NUMBERS:
        file.seek(n_items * struct.calcsize(_NUMBERS[kind]), 1)
        return
    for _ in range(n_items):
        if kind == _STRING:
            file.seek(_number(file, "Q"), 1)
        else:
            _value(file, kind)


def _text(file: BinaryIO) -> str:
    length = _number(file, "Q")
    if length > _MAX_TEXT:
        raise struct.error("text too long")
    return _exactly(file, length).decode("utf-8", "replace")


def _number(file: BinaryIO, form: str) -> Any:
    return struct.unpack("<" + form, _exactly(file, struct.calcsize("<" + form)))[0]


def _exactly(file: BinaryIO, length: int) -> bytes:
    data = file.read(length)
    if len(data) < length:
        raise struct.error("end of file")
    return data
