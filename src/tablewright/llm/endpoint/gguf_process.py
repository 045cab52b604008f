"""The child process that runs llama.cpp: started with one line of JSON, gone when we are.

It listens on a Unix socket in a folder that only its user can enter, so no port is open to
anybody. Where there are no such sockets it listens on the loopback address and asks for a random
key. Its standard input stays open as long as its parent lives: at its end the child leaves,
however the parent died.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
from typing import Any


def main() -> None:
    """Serve one model until standard input ends."""
    settings = json.loads(sys.stdin.readline())
    loading = threading.Thread(target=_serve, args=(settings,), daemon=True)
    loading.start()
    while os.read(0, 4096):
        pass
    shutil.rmtree(settings["folder"], ignore_errors=True)
    os._exit(0)


def _serve(settings: dict[str, Any]) -> None:
    """Start the server and say where it is; it works on threads of its own."""
    try:
        from xllamacpp import Server

        server = Server(_parameters(settings))
        _keep.append(server)
        _say({"address": server.listening_address})
    except BaseException as error:
        _say({"error": f"{type(error).__name__}: {error}"})


_keep: list[object] = []
"""The server, which stops when nobody holds it."""


def _say(message: dict[str, Any]) -> None:
    print(json.dumps(message), flush=True)


def _parameters(settings: dict[str, Any]) -> Any:
    from xllamacpp import CommonParams

    requested = CommonParams()
    requested.model.path = settings["path"]
    requested.model_alias = {settings["name"]}
    requested.offline, requested.ui, requested.warmup = True, False, False
    requested.verbosity = 2  # warnings: prompts are in no log
    requested.endpoint_slots, requested.endpoint_metrics = True, False
    requested.n_parallel, requested.n_ctx = settings["slots"], settings["context"]
    requested.kv_unified = True
    if settings["chat_template"]:
        requested.chat_template = settings["chat_template"]
    for threads in (requested.cpuparams, requested.cpuparams_batch):
        threads.n_threads = settings["threads"]
        threads.poll = 0  # threads that wait for work shall sleep: others work here too
    if settings["socket"]:
        requested.hostnames = [settings["socket"]]
    else:
        requested.hostnames, requested.port = ["127.0.0.1"], 0
        requested.api_keys = [settings["key"]]
    return requested


if __name__ == "__main__":
    main()
