"""The page's scripts, as the server sends them."""

import json
import re

import httpx
import pytest

import app
from constrained.page.server import web


@pytest.fixture(scope="module")
def url():
    _, url, _ = app.demo.launch(server_name="127.0.0.1", prevent_thread_lock=True, quiet=True)
    yield url.rstrip("/")
    app.demo.close(verbose=False)


def address(url: str, name: str) -> str:
    return f"{url}/gradio_api/web/{web.scripts().version}/{name}"


def test_a_page_starts_its_scripts_before_gradios(url):
    page = httpx.get(url, timeout=30).text
    start = page.index("globalThis.ready ??= import(")
    assert page.index('id="facts"') < start < page.index("/assets/index-")
    addresses = set(re.findall(r'"(\./gradio_api/web/[^"]+)"', page[: page.index("window.gradio_config")]))
    assert addresses == {f"./gradio_api/web/{web.scripts().version}/{name}" for name in ("load.js", "modules.json")}


@pytest.mark.parametrize("name", ["load.js", "modules.json"])
def test_a_browser_keeps_them(url, name):
    for encoding in ("gzip", "identity"):
        answer = httpx.get(address(url, name), headers={"accept-encoding": encoding}, timeout=30)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers.get("content-encoding") == (encoding if encoding == "gzip" else None)
        files = web.WEB.rglob("*.js")
        sources = {path.relative_to(web.WEB).as_posix(): path.read_text(encoding="utf-8") for path in files}
        load = sources.pop("load.js")
        assert (json.loads(answer.text) == sources) if name == "modules.json" else (answer.text == load)


@pytest.mark.parametrize("path", ["0" * 16 + "/load.js", "{version}/main.js", "{version}/../load.js", "{version}/", ""])
def test_there_is_nothing_else(url, path):
    path = path.format(version=web.scripts().version)
    assert httpx.get(f"{url}/gradio_api/web/{path}", timeout=30).status_code == 404


def test_every_import_can_be_linked():
    """load.js reads imports by a pattern: each one in each module fits it, and leads to a module."""
    pattern = re.compile(r'^(?:(?:import|export)\b[^"]*?|\} from )"(\.{1,2}/[^"]+)"', re.MULTILINE)
    for path in web.WEB.rglob("*.js"):
        text = path.read_text(encoding="utf-8")
        found = pattern.findall(text)
        imports = re.findall(r'^(?:import|export)\b.*from "|^import "|^\} from "', text, re.MULTILINE)
        assert len(found) == len(imports), path
        for target in found:
            assert (path.parent / target).resolve().is_file(), f"{path.name}: {target}"
