"""``tablewright studio``: a page on this machine for one table."""

from __future__ import annotations

import secrets
import socket
import webbrowser
from pathlib import Path

import click

from tablewright.cli.options import path
from tablewright.cli.progress import show


@click.command()
@click.argument("table", type=path)
@click.option("--folder", type=path, help="Folder of the runs; TABLE-studio where none is named.")
@click.option(
    "--port", default=0, type=click.IntRange(0, 65535), help="Port; any free one by default."
)
@click.option("--no-browser", is_flag=True, help="Print the address and open nothing.")
def studio(table: Path, folder: Path | None, port: int, no_browser: bool) -> None:
    """Open a page for TABLE: look, settle kinds, write rules, generate, read the report.

    The page is for this machine alone, and for who has the address. Runs are processes of their
    own: they go on when the page ends, and are there when it is opened again.
    """
    from tablewright.errors import InputError, MissingExtraError

    try:
        import uvicorn

        from tablewright.studio.server import create_app
    except ImportError as error:
        raise MissingExtraError("the page", "studio") from error
    from tablewright.studio.workspace import Workspace

    workspace = Workspace(table, folder or table.with_name(f"{table.stem}-studio"))
    token = secrets.token_urlsafe(24)
    listener = socket.socket()
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        raise InputError(
            f"port {port} cannot be had: {error.strerror}; name another one"
        ) from error
    address = f"http://127.0.0.1:{listener.getsockname()[1]}/?token={token}"
    show(f"{table.name}: {workspace.n_rows:,} rows. The page, until Ctrl-C: {address}")
    if not no_browser:
        webbrowser.open(address)
    server = uvicorn.Server(uvicorn.Config(create_app(workspace, token), log_level="warning"))
    server.run(sockets=[listener])
