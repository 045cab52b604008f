"""The page: one person, this machine alone, a token in the address."""

from __future__ import annotations

import hmac
import shlex
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates
from jinja2 import StrictUndefined
from pydantic import ValidationError

from tablewright import __version__
from tablewright.display import printable, shown
from tablewright.errors import TablewrightError
from tablewright.schema import Kind
from tablewright.studio.runs import Run
from tablewright.studio.workspace import METHODS, Settings, Workspace

HERE = Path(__file__).parent
COOKIE = "tablewright"
OWN = "default-src 'self'; frame-ancestors 'none'; form-action 'self'; base-uri 'none'"
"""Only what this server sends runs on the page."""

REPORT = "sandbox allow-scripts; default-src 'unsafe-inline' data:"
"""A report is one file with its scripts inside; it runs apart from the page."""


def create_app(workspace: Workspace, token: str) -> FastAPI:
    """Return the application for one table; whoever has the token may use it."""
    app = FastAPI(title="tablewright", docs_url=None, redoc_url=None, openapi_url=None)
    app.mount("/static", StaticFiles(directory=HERE / "static"))
    app.middleware("http")(_guard(token))
    templates = Jinja2Templates(HERE / "templates")
    templates.env.undefined = StrictUndefined
    templates.env.filters["shown"] = lambda value: "" if value is None else shown(str(value), 60)

    def page(request: Request, name: str, **values: Any) -> HTMLResponse:
        values |= {"workspace": workspace, "methods": METHODS, "kinds": list(Kind)}
        return templates.TemplateResponse(request, name, {"version": __version__, **values})

    async def answer(
        request: Request, name: str, work: Callable[[Settings], dict[str, Any]]
    ) -> HTMLResponse:
        """Render what `work` says of the form, or the one sentence that says what is wrong."""
        try:
            settings = _settings(dict(await request.form()))
            return page(request, name, **work(settings))
        except ValidationError as error:
            fault = error.errors()[0]
            sentence = f"{fault['loc'][0]}: {fault['msg']}"
        except TablewrightError as error:
            sentence = str(error)
        return page(request, "error.html", sentence=printable(sentence))

    @app.get("/")
    async def index(request: Request) -> HTMLResponse:
        profile = workspace.profile(Settings())
        return page(request, "index.html", profile=profile, settled={}, runs=workspace.runs())

    @app.post("/profile")
    async def profile(request: Request) -> HTMLResponse:
        def work(settings: Settings) -> dict[str, Any]:
            return {"profile": workspace.profile(settings), "settled": settings.kinds}

        return await answer(request, "profile.html", work)

    @app.post("/count")
    async def count(request: Request) -> HTMLResponse:
        def work(settings: Settings) -> dict[str, Any]:
            return {"counts": workspace.count(settings) if settings.where.strip() else None}

        return await answer(request, "count.html", work)

    @app.post("/rules")
    async def rules(request: Request) -> HTMLResponse:
        def work(settings: Settings) -> dict[str, Any]:
            return {"report": workspace.check(settings) if settings.rules.strip() else None}

        return await answer(request, "rules.html", work)

    @app.post("/command")
    async def command(request: Request) -> HTMLResponse:
        def work(settings: Settings) -> dict[str, Any]:
            return {"command": shlex.join(workspace.command(settings))}

        return await answer(request, "command.html", work)

    @app.post("/runs")
    async def start(request: Request) -> HTMLResponse:
        def work(settings: Settings) -> dict[str, Any]:
            workspace.start(settings)
            return {"runs": workspace.runs()}

        return await answer(request, "runs.html", work)

    @app.get("/runs")
    async def runs(request: Request) -> HTMLResponse:
        return page(request, "runs.html", runs=workspace.runs())

    @app.post("/runs/{name}/stop")
    async def stop(request: Request, name: str) -> HTMLResponse:
        if (run := _run(workspace, name)) is not None:
            run.stop()
        return page(request, "runs.html", runs=workspace.runs())

    @app.get("/runs/{name}/{file}")
    async def file(name: str, file: str) -> Response:
        run = _run(workspace, name)
        path = (
            {"rows.csv": run.rows_file, "report.html": run.report_file}.get(file) if run else None
        )
        if path is None or not path.exists():
            return HTMLResponse("There is no such file.", 404)
        response = FileResponse(path)
        if file == "report.html":
            response.headers["Content-Security-Policy"] = REPORT
        return response

    return app


def _guard(
    token: str,
) -> Callable[[Request, Callable[[Request], Awaitable[Response]]], Awaitable[Response]]:
    """Let in who has the token, in the address once and in a cookie from then on."""

    async def guard(request: Request, call: Callable[[Request], Awaitable[Response]]) -> Response:
        # a page of another site that resolves to this machine has another name
        if request.url.hostname not in ("127.0.0.1", "localhost"):
            return HTMLResponse("This page is for this machine alone.", 403)
        given = request.query_params.get("token")
        if given is not None and _equal(given, token):
            response: Response = RedirectResponse(request.url.path, 303)
            response.set_cookie(COOKIE, token, httponly=True, samesite="strict")
            return response
        if not _equal(request.cookies.get(COOKIE, ""), token):
            return HTMLResponse("Open the address that 'tablewright studio' printed.", 403)
        response = await call(request)
        response.headers.setdefault("Content-Security-Policy", OWN)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    return guard


def _equal(given: str, token: str) -> bool:
    return hmac.compare_digest(given.encode(), token.encode())


def _settings(form: dict[str, Any]) -> Settings:
    """Read a form; kinds stand in fields of their own, those that were left as inferred empty."""
    prefix = "kind:"
    kinds = {
        name.removeprefix(prefix): v for name, v in form.items() if name.startswith(prefix) and v
    }
    plain = {name: value for name, value in form.items() if not name.startswith(prefix)}
    return Settings(**{name: v for name, v in plain.items() if v != ""}, kinds=kinds)


def _run(workspace: Workspace, name: str) -> Run | None:
    return next((run for run in workspace.runs() if run.name == name), None)
