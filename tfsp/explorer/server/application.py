"""What is served: the page, its tiles, and refinements."""

import json
import pathlib
import re

from starlette.applications import Starlette
from starlette.responses import FileResponse, HTMLResponse, JSONResponse
from starlette.routing import Route

from tfsp import atomic
from tfsp.explorer.constraints import parse_constraints
from tfsp.explorer.server.jobs import BusyError

PAGE = "explorer.html"
_TILES = re.compile(r"sheets-[0-9a-f]{8}/\d{5}\.\w{3,4}")
_POLICY = "default-src 'none'; "
_MARK = '<meta name="tfsp-server" content="'


def application(refinements, data):
    """The ASGI application behind the guard.

    GET / is the page of the generation that is shown, GET /explorer_tiles/... its sheets of
    pictures; GET /state tells how a refinement does (`Refinements.state`); POST /refine takes a
    constraints.json, POST /stop and POST /undo nothing. Errors are {"message": sentence}.

    Args:
      refinements: `Refinements`.
      data: the run's `tfsp.data.Data`, which constraints must be about, or None.
    """
    generations = refinements.generations

    def page(_):
        number = generations.current()
        path = generations.path(number) / PAGE
        if not path.exists():
            raise ValueError(f"{path} is gone. Start `tfsp explore --serve` again: it writes it.")
        return HTMLResponse(_served(path, number))

    def tiles(request):
        name = request.path_params["name"]
        folder = generations.path(generations.current()) / f"{pathlib.Path(PAGE).stem}_tiles"
        if not _TILES.fullmatch(name) or not (folder / name).is_file():
            return _message("No such tile.", 404)
        return FileResponse(folder / name)

    def state(_):
        return JSONResponse(refinements.state())

    async def refine(request):
        body = await request.body()
        try:
            content = json.loads(body)
        except (ValueError, RecursionError) as error:
            return _message(f"The answers are not valid JSON: {error}.", 400)
        try:
            found = parse_constraints(content, "What was sent", data)
        except ValueError as error:
            return _message(str(error), 400)
        if not any(map(len, found[:3])):
            return _message("There are no answers yet: tell the page what belongs together.", 400)
        return _changed(lambda: refinements.start(body), 202)

    def stop(_):
        return _changed(refinements.stop)

    def undo(_):
        return _changed(refinements.undo)

    def _changed(action, code=200):
        try:
            action()
        except (BusyError, LookupError) as error:
            return _message(str(error), 409)
        except OSError as error:
            return _message(str(error), 507)
        return JSONResponse(refinements.state(), code)

    return Starlette(
        routes=[
            Route("/", page),
            Route("/explorer_tiles/{name:path}", tiles),
            Route("/state", state),
            Route("/refine", refine, methods=["POST"]),
            Route("/stop", stop, methods=["POST"]),
            Route("/undo", undo, methods=["POST"]),
        ],
        exception_handlers={OSError: _told, ValueError: _told},
    )


async def _told(_, error):
    """What is wrong with files of the run, such as a page that somebody has removed."""
    text = atomic.explain(error) if isinstance(error, OSError) else str(error)
    return _message(text, 500)


def _message(text, code):
    return JSONResponse({"message": text}, code)


def _served(path, number):
    """A page that may talk to the server, and knows that there is one."""
    text = path.read_text(encoding="utf-8")
    if _POLICY not in text or "</title>" not in text:
        raise ValueError(
            f"{path} was not written by this version of tfsp. Write it again: "
            f"`tfsp explore --run_dir={path.parent}`."
        )
    text = text.replace(_POLICY, f"{_POLICY}connect-src 'self'; ", 1)
    return text.replace("</title>", f'</title>\n{_MARK}{number}">', 1)
