"""Who may ask the server: pages that it has served itself, to somebody who knows its address."""

import secrets

from starlette.responses import JSONResponse, RedirectResponse

MOST_BYTES = 2_000_000  # of a request's body: ten thousand answers have 1.5 MB
_HEADERS = [
    (b"cache-control", b"no-store"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),  # the address holds the token
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
]


class Guard:
    """ASGI middleware in front of everything.

    A request is let through if its Host is one of `hosts` (so that a name somebody has pointed at
    127.0.0.1 is none), its path begins with the token, its Origin, where it has one, is the
    server's own, and its body has no more than `MOST_BYTES`. What changes something (any method
    but GET and HEAD) must have an Origin. All others get a sentence and a code of HTTP.

    Args:
      app: the ASGI application behind it, which sees paths without the token.
      token: str, of characters that need no quoting.
      hosts: the allowed values of Host, such as "127.0.0.1:8000".
    """

    def __init__(self, app, token, hosts):
        self._app, self._token, self._hosts = app, token, frozenset(hosts)

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            raise RuntimeError(f"Only HTTP is served, not {scope['type']}.")
        send = _with_headers(send)
        refused = self._refusal(scope)
        if refused is None:
            body = await _body(receive)
            if body is None:
                refused = 413, f"The body has more than {MOST_BYTES:,} bytes."
        if refused is not None:
            code, message = refused
            await JSONResponse({"message": message}, code)(scope, receive, send)
            return
        path = scope["path"][len(self._token) + 1 :]
        if not path:  # relative addresses within the page need the slash
            await RedirectResponse(f"/{self._token}/")(scope, receive, send)
            return
        inner = {**scope, "path": path, "raw_path": path.encode(), "root_path": ""}
        await self._app(inner, _replay(body, receive), send)

    def _refusal(self, scope):
        headers = {}
        for name, value in scope["headers"]:
            if name in headers and name in (b"host", b"origin", b"content-length"):
                return 400, f"{name.decode()} is given twice."
            headers[name] = value.decode("latin-1")
        host = headers.get(b"host", "")
        if host not in self._hosts:
            return 403, "This server answers to 127.0.0.1 alone. Open the address it printed."
        first = scope["path"].split("/")[1:2]
        if not first or not secrets.compare_digest(first[0].encode(), self._token.encode()):
            return 404, "Not found. Open the address that the server printed, with its token."
        origin = headers.get(b"origin")
        if origin is None and scope["method"] not in ("GET", "HEAD"):
            return 403, "A request that changes something must come from the page."
        if origin is not None and origin != f"http://{host}":
            return 403, "The request comes from another page."
        length = headers.get(b"content-length", "0")
        if not length.isdecimal() or len(length) > 9 or int(length) > MOST_BYTES:
            return 413, f"The body has more than {MOST_BYTES:,} bytes."
        return None


async def _body(receive):
    """The whole body, or None for one that is too long, of which no more is read."""
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b"".join(parts)
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MOST_BYTES:
            return None
        if not message.get("more_body"):
            return b"".join(parts)


def _replay(body, receive):
    told = False

    async def again():
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _with_headers(send):
    async def sending(message):
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *_HEADERS]}
        await send(message)

    return sending
