"""Which of several pages a visitor belongs to, told by a cookie.

A page keeps things for its visitors: uploads, heads, places in the queue. So all that a browser asks goes to one page.
Its address would not do to tell browsers apart, since a class shares one.
"""

import secrets
from hashlib import sha256
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers

NAME = "page"


def cookie(header: str) -> str:
    """The value of the cookie in a Cookie header: ``PAGE.VISITOR``, or nothing."""
    try:
        found = SimpleCookie(header).get(NAME)
    except CookieError:
        return ""
    return found.value if found else ""


def choose(value: str, pages: list[str]) -> str:
    """The page that a cookie names; if it is gone, another one, the same for all that this browser asks meanwhile."""
    named = value.partition(".")[0]
    return named if named in pages else max(pages, key=lambda page: sha256(f"{value} {page}".encode()).digest())


class Stamped:
    """An ASGI application whose answers bring a cookie to visitors who have none, or one of another page.

    Args:
        app: what answers.
        page: its name among the pages.
    """

    def __init__(self, app, page: str) -> None:
        self._app, self._page = app, page

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        headers = Headers(scope=scope)
        if cookie("; ".join(headers.getlist("cookie"))).startswith(f"{self._page}."):
            return await self._app(scope, receive, send)
        # In a frame on another site, a browser keeps a cookie only if the cookie asks for that and came encrypted. Each
        # of several proxies may add how it was reached; the browser reached the first one.
        came = ",".join(headers.getlist("x-forwarded-proto")) or scope.get("scheme", "")
        safe = came.partition(",")[0].strip().lower() == "https"
        kept = "SameSite=None; Secure; Partitioned" if safe else "SameSite=Lax"
        value = f"{NAME}={self._page}.{secrets.token_hex(8)}; Path=/; HttpOnly; {kept}"

        async def stamp(message) -> None:
            if message["type"] == "http.response.start":
                message = message | {"headers": [*message.get("headers", ()), (b"set-cookie", value.encode())]}
            await send(message)

        await self._app(scope, receive, stamp)
