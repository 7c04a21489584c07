"""What each visitor would cost again is made once, and is for each what it would have been."""

import asyncio
import copy

import gradio as gr
import httpx
import pytest
from gradio.state_holder import SessionState
from starlette.responses import HTMLResponse
from starlette.testclient import TestClient

from constrained.page.server import crowd, web


def small(**options):
    with gr.Blocks() as page:
        page.facts = {}
        gr.Textbox("hello", elem_id="box")
    app, _, _ = page.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **options)
    page.close(verbose=False)
    return app


class Counting:
    def __init__(self, app):
        self.app, self.seen = app, []

    async def __call__(self, scope, receive, send):
        self.seen.append(scope["path"])
        await self.app(scope, receive, send)


def test_a_visitor_gets_the_page_that_gradio_would_have_made():
    """But for the tags that start our scripts."""
    app = small()
    inner = Counting(app)
    plain, once = TestClient(app), TestClient(crowd.Once(inner, {}))
    for _ in range(3):
        for headers in ({}, {"host": "class.example"}, {"x-forwarded-host": "a.example", "x-forwarded-proto": "https"}):
            answer = once.get("/", headers=headers)
            assert answer.headers["content-encoding"] == "gzip"
            assert answer.content == web.early(plain.get("/", headers=headers).content, {})
    assert "https://a.example" in answer.text
    assert inner.seen == ["/"]
    raw = once.get("/", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in raw.headers
    assert raw.content == web.early(plain.get("/").content, {})


def test_a_link_gets_the_same_page_and_everything_else_passes_by():
    async def answer(scope, receive, send):
        text = f"{scope['method']} {scope['path']} {scope['query_string'].decode()}"
        await HTMLResponse(text, 404 if scope["path"] == "/gone" else 200)(scope, receive, send)

    inner = Counting(answer)
    client = TestClient(crowd.Once(inner, {}))
    assert client.get("/?image=cat&t=0.5").text == client.get("/?deep_link=x").text == client.get("/").text == "GET / "
    assert inner.seen == ["/"]
    assert client.get("/config?page=x").text == client.get("/config/").text == "GET /config "
    assert client.get("/theme.css?a=1").text == "GET /theme.css a=1"
    assert client.get("/gone").status_code == 404
    assert client.post("/").text == "POST / "
    assert inner.seen == ["/", "/config", "/theme.css", "/gone", "/"]


def test_an_error_is_passed_on_and_not_kept():
    answers = [HTMLResponse("busy", 503), HTMLResponse("page")]

    async def answer(scope, receive, send):
        await answers.pop(0)(scope, receive, send)

    client = TestClient(crowd.Once(answer, {}))
    assert client.get("/").status_code == 503
    assert client.get("/").text == client.get("/").text == "page"


def test_addresses_that_are_made_up_do_not_fill_the_memory():
    async def answer(scope, receive, send):
        await HTMLResponse("page")(scope, receive, send)

    once = crowd.Once(answer, {})
    client = TestClient(once)
    for i in range(3 * crowd.ADDRESSES):
        client.get("/", headers={"host": f"{i}.example"})
    assert len(once._pages) == crowd.ADDRESSES


def test_a_class_that_comes_at_once_has_it_made_once():
    inner = []

    async def answer(scope, receive, send):
        inner.append(1)
        await asyncio.sleep(0.01)
        await HTMLResponse("page")(scope, receive, send)

    async def together():
        transport = httpx.ASGITransport(crowd.Once(answer, {}))
        async with httpx.AsyncClient(transport=transport, base_url="http://a.example") as client:
            return await asyncio.gather(*(client.get("/") for _ in range(20)))

    answers = asyncio.run(together())
    assert {one.text for one in answers} == {"page"}
    assert len(inner) == 1


@pytest.mark.parametrize("options", [{}, {"auth": ("me", "secret")}])
def test_a_page_behind_a_password_is_made_for_each(options):
    app = small(**options)
    assert (crowd.ready(app, app) is app) == bool(options)


def test_a_session_has_the_components_and_not_their_configuration():
    from app import demo

    session = SessionState(demo)
    assert not any(session.config_values.values())
    assert session.blocks_config.blocks == demo.blocks
    assert session.blocks_config.fns == demo.fns
    assert demo.default_config.config_for_block(*next((k, [], v) for k, v in demo.blocks.items()))  # the page's own
    key = next(k for k, v in demo.blocks.items() if v.elem_id == "picture")
    session[key] = copy.copy(demo.blocks[key])
    session._update_value_in_config(key, "x")
    assert not any(session.config_values.values())
