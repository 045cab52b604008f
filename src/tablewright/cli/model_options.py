"""The options of every command that may use a language model; they mean the same on all."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tablewright.cli.progress import CALLS, say, show
from tablewright.display import public_arguments
from tablewright.errors import InputError

if TYPE_CHECKING:
    from tablewright.llm.endpoint.client import Client

F = TypeVar("F", bound=Callable[..., Any])
_RUNS = Path("tablewright-runs")
_CAPS = {"max_cost", "max_tokens", "max_calls", "max_minutes"}
_ANNOUNCED = 1.0
"""US dollars from which on an estimate is printed without being asked for."""


@dataclass
class ModelOptions:
    """What the user said of language models.

    Attributes
    ----------
    models : mapping
        Name of the model for each role; the role ``""`` stands for all others.
    base_url, share, redact, run, replay, dry_run
        As `tablewright.llm.connect` takes them.
    more : mapping
        Its other options: caps, and what decides time, keys and sampling.
    """

    models: Mapping[str, str] = field(default_factory=dict)
    base_url: str | None = None
    share: str | None = None
    redact: tuple[str, ...] = ()
    more: Mapping[str, Any] = field(default_factory=dict)
    run: Path | None = None
    replay: bool = False
    dry_run: bool = False
    _clients: dict[str, Client] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.models)

    def connect(self, role: str = "", dry_run: bool | None = None) -> Client:
        """Return the client for a role; roles with the same model share one.

        A run without `--run` gets a folder of its own below ``tablewright-runs``, so that
        nothing that is paid for is lost.

        Raises
        ------
        InputError
            If no model was named for the role.
        """
        from tablewright.llm.endpoint.connect import connect

        dry = self.dry_run if dry_run is None else dry_run
        model = self.models.get(role, self.models.get(""))
        if model is None:
            named = f"--model {role}=NAME" if role else "--model NAME"
            raise InputError(f"this needs a language model: say {named}")
        key = f"{model} {dry}"
        if key not in self._clients:
            client = connect(
                # click hands over checked texts; `connect` wants their literal types
                model, self.base_url, share=self.share, redact=self.redact,  # type: ignore[arg-type]
                run=self._folder(dry), replay=self.replay, dry_run=dry, **self.more,
            )  # fmt: skip
            self._clients[key] = self._begin(client)
        return self._clients[key]

    def of_methods(self, methods: Sequence[str]) -> dict[str, Client] | None:
        """Return a client for each role of these methods that a model was named for.

        Raises
        ------
        InputError
            If a role was named that none of them has, or none takes a model.
        """
        from tablewright.registry import names, resolve
        from tablewright.schema import suggest

        if not self.models:
            return None
        systems = [resolve("systems", name) for name in methods if name in names("systems")]
        roles = dict.fromkeys(role for system in systems for role in system.roles)
        if not roles:
            raise InputError(
                f"{', '.join(methods) or 'no method'}: none of these uses a language model; leave "
                f"--model out, or take one of {', '.join(names('systems'))}"
            )
        for role in self.models:
            if role and role not in roles:
                raise InputError(
                    f"--model {role}=...: there is no such role{suggest(role, roles)}; "
                    f"the roles are {', '.join(roles)}"
                )
        return {r: self.connect(r) for r in roles if r in self.models or "" in self.models}

    def cells_sent(self) -> dict[str, int]:
        """Count the user's cells that went into prompts, by column."""
        sent: Counter[str] = Counter()
        for client in self._clients.values():
            sent.update(client.spending().sent)
        return dict(sent)

    def only_estimates(self, work: Work, then: Mapping[str, Work] | None = None) -> bool:
        """Show what work would take: all that `--dry-run` asks for, else where it may be much."""
        if not self:
            return False
        if self.dry_run:
            show(self.estimate(work, then))
        else:
            self.announce(work, then)
        return self.dry_run

    def announce(self, work: Work, then: Mapping[str, Work] | None = None) -> None:
        """Print the estimate before a run that may cost a US dollar or more."""
        if self.replay:
            return
        text, cost = self._estimate(work, then or {})
        if cost is None or cost >= _ANNOUNCED:
            say(text)

    def estimate(self, work: Work, then: Mapping[str, Work] | None = None) -> str:
        """Go through the work without a call, and say what it would take.

        Parameters
        ----------
        work : callable
            Takes options whose clients make no call, and does what the command does.
        then : mapping of str to callable, optional
            Further work that may come, by what it depends on.
        """
        return self._estimate(work, then or {})[0]

    def _estimate(self, work: Work, then: Mapping[str, Work]) -> tuple[str, float | None]:
        text, cost, CALLS.expected_tokens = self._rehearsed(work)
        lines, costs = [text], [cost]
        for condition, more in then.items():
            text, cost, _ = self._rehearsed(more)
            lines.append(f"{condition}: {text}")
            costs.append(cost)
        caps = [f"{_flag(name)} {self.more[name]}" for name in sorted(_CAPS & self.more.keys())]
        lines += [f"it ends sooner at {' or '.join(caps)}"] if caps else []
        known = [cost for cost in costs if cost is not None]
        total = known[0] + max(known[1:], default=0.0) if len(known) == len(costs) else None
        return "\n".join(lines), total

    def _rehearsed(self, work: Work) -> tuple[str, float | None, int]:
        """Return as text what work would take, its price, and the tokens that models write."""
        from tablewright.cli.spending_text import estimate_text

        uncapped = {name: value for name, value in self.more.items() if name not in _CAPS}
        dry = replace(self, more=uncapped, run=None, replay=False, dry_run=True, _clients={})
        work(dry)
        result = [(client.spending(), client.settings.price) for client in dry._clients.values()]
        dry.close()
        costs = [spending.cost for spending, _ in result]
        known = [cost for cost in costs if cost is not None]
        lines = [line for spending, _ in result for line in spending.lines]
        written = sum(line["completion_tokens"] for line in lines)
        text = "\n".join(estimate_text(spending, price) for spending, price in result)
        return text, sum(known) if len(known) == len(costs) else None, written

    def arguments(self, method: str) -> list[str]:
        """Return the options with which `generate` asks the same models for rows of a method."""
        from tablewright.registry import names, resolve

        roles = resolve("systems", method).roles if method in names("systems") else ()
        given = {role: name for role, name in self.models.items() if roles and role in ("", *roles)}
        if not given:
            return []
        models = [f"{role}={name}" if role else name for role, name in given.items()]
        single = {"base_url": self.base_url, "share": self.share, **self.more}
        flags = [
            _flag(name) if value is True else f"{_flag(name)}={value}"
            for name, value in single.items()
            if value is not None and value is not False and name not in _CAPS
        ]
        return public_arguments(
            [
                *(f"--model={model}" for model in models),
                *flags,
                *(f"--redact={column}" for column in self.redact),
            ]
        )

    def close(self, finished: bool = False, rows_kept: int | None = None) -> None:
        """Close all clients; a run that is complete is marked so, and how many rows were kept."""
        for client in self._clients.values():
            if rows_kept is not None:
                client.rows_kept(rows_kept)
            if finished and not self.dry_run and not self.replay:
                client.finish()
            client.close()
            if client.activity in CALLS.sources:  # an estimate has clients of its own
                CALLS.sources.remove(client.activity)
        self._clients.clear()

    def _folder(self, dry: bool) -> Path | None:
        if dry:
            return None
        if self.run is None:
            now = datetime.now(UTC)
            self.run = _RUNS / f"{now:%Y%m%d-%H%M%S}-{now.microsecond:06d}"
            say(f"run folder: {self.run}")
        return self.run

    def _begin(self, client: Client) -> Client:
        for note in client.settings.notes:
            say(f"note: {note}")
        if not client.settings.dry_run:
            client.keeps_on_interrupt = True
            CALLS.sources.append(client.activity)
            if not self.replay:
                self._keep_command(client)
        return client

    def _keep_command(self, client: Client) -> None:
        from tablewright.llm.endpoint.runs import command_facts

        command, context = sys.argv[1:], click.get_current_context(silent=True)
        if command[:1] != ["runs"]:
            seed = None if context is None else context.params.get("seed")
            if seed is not None and not any(part.split("=")[0] == "--seed" for part in command):
                command = [*command, "--seed", str(seed)]  # a fresh one: resumed, it asks the same
            facts = command_facts(command)
            client.ledger.do(lambda file: file.set_all_meta(facts))


Work = Callable[[ModelOptions], object]
"""What a command does, with the models that it is given."""


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _models(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    models = {}
    for value in values:
        role, equals, name = value.partition("=")
        is_role = equals and re.fullmatch(r"[\w-]+", role)  # gguf:PATH?threads=2 names none
        models[role if is_role else ""] = name if is_role else value
    return models


_OPTIONS = (
    click.option(
        "--model", "models", multiple=True, callback=_models, metavar="[ROLE=]NAME",
        help="Language model; ROLE=NAME for one role, such as manager=NAME.",
    ),
    click.option(
        "--base-url", metavar="URL",
        help="OpenAI-compatible endpoint, such as http://localhost:8000/v1.",
    ),
    click.option(
        "--share", type=click.Choice(["schema", "summary", "rows"]),
        help="What of the table may leave this machine; rows only for local endpoints by default.",
    ),
    click.option("--redact", multiple=True, metavar="COLUMN", help="Its values never leave."),
    click.option("--max-cost", type=float, metavar="USD", help="Cap in US dollars."),
    click.option("--max-tokens", type=int, metavar="N", help="Cap in tokens, read and written."),
    click.option("--max-calls", type=int, metavar="N", help="Cap in calls."),
    click.option("--max-minutes", type=float, metavar="MIN", help="Cap in minutes."),
    click.option(
        "--concurrency", type=click.IntRange(min=1), metavar="N",
        help="Calls at a time; by default what the server says it serves, else two and more.",
    ),
    click.option(
        "--timeout", type=float, metavar="SECONDS",
        help="Seconds without progress before a call ends (default: 120); what came is kept.",
    ),
    click.option(
        "--key-env", metavar="NAME",
        help="Variable that holds the key; a provider's own is taken at its own host alone.",
    ),
    click.option(
        "--allow-http", is_flag=True, help="Send the key without TLS to another machine.",
    ),
    click.option("--temperature", type=click.FloatRange(min=0), help="Of replies."),
    click.option("--dry-run", is_flag=True, help="Make no call; say what it would cost."),
    click.option(
        "--run", type=click.Path(path_type=Path, file_okay=False), metavar="FOLDER",
        help="Folder of the run; one that exists is gone on with.",
    ),
    click.option("--replay", is_flag=True, help="Make no call: answer from the run's ledger."),
)  # fmt: skip


def model_options(command: F) -> F:
    r"""Add the options of a language model to a click command, as the argument `llm`.

    Examples
    --------
    >>> from click.testing import CliRunner
    >>> @click.command()
    ... @model_options
    ... def ask(llm: ModelOptions) -> None:
    ...     click.echo(llm.models)
    >>> CliRunner().invoke(ask, ["--model", "a", "--model", "manager=b"]).output
    "{'': 'a', 'manager': 'b'}\n"
    """
    from functools import update_wrapper

    def collect(*args: Any, **values: Any) -> Any:
        given = {name: values.pop(name) for name in _MORE}
        more = {name: value for name, value in given.items() if value is not None}
        options = ModelOptions(more=more, **{name: values.pop(name) for name in _OTHERS})
        return command(*args, llm=options, **values)

    wrapped: Any = update_wrapper(collect, command)
    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    decorated: F = wrapped
    return decorated


_MORE = (
    "max_cost", "max_tokens", "max_calls", "max_minutes",
    "concurrency", "timeout", "key_env", "allow_http", "temperature",
)  # fmt: skip
_OTHERS = ("models", "base_url", "share", "redact", "run", "replay", "dry_run")
