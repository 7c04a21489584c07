"""The page's scripts and styles, as they are sent.

The modules of ``assets/web/`` come as one file, which ``load.js`` there takes apart: a request each would cost a first
visit half a second more. The address holds a hash, so that a browser that has been here before asks for neither of the
two again, and never mixes those of two versions.
"""

import functools
import gzip
import hashlib
import json
import re
from typing import NamedTuple

from starlette.datastructures import Headers
from starlette.responses import Response

from ... import shipped

WEB, STYLES = (shipped.ROOT / "assets" / name for name in ("web", "styles"))
# In the order of the page, where the later of two equally specific rules wins.
SHEETS = ("tokens", "base", "explore", "plots", "train", "calibrate", "lessons", "code", "present", "print")
PATH = re.compile(r"/gradio_api/web/([0-9a-f]{16})/(load\.js|modules\.json)")
HEADERS = {
    "cache-control": "public, max-age=31536000, immutable",
    "vary": "accept-encoding",
    # In a sandboxed frame the page has no origin, and modules are only run if all may read them, as these all may.
    "access-control-allow-origin": "*",
}


class Scripts(NamedTuple):
    """The modules.

    Attributes:
        version: a hash of them all.
        answers: ``load.js`` and ``modules.json`` -> what a request for it gets, and the same compressed.
    """

    version: str
    answers: dict[str, tuple[Response, Response]]


def _answers(text: str, kind: str) -> tuple[Response, Response]:
    headers, data = HEADERS | {"content-type": f"{kind}; charset=utf-8"}, text.encode()
    return Response(data, 200, headers), Response(gzip.compress(data), 200, headers | {"content-encoding": "gzip"})


@functools.cache
def scripts() -> Scripts:
    """All modules.

    Raises:
        shipped.DamagedError: if one cannot be read.
    """
    sources = {path.relative_to(WEB).as_posix(): shipped.text(path) for path in shipped.within(WEB, ".js")}
    load = sources.pop("load.js")
    modules = json.dumps(sources, ensure_ascii=False)
    version = hashlib.sha256(f"{load}\0{modules}".encode()).hexdigest()[:16]
    answers = {"load.js": _answers(load, "text/javascript"), "modules.json": _answers(modules, "application/json")}
    return Scripts(version, answers)


def head(facts: dict) -> str:
    """HTML for gradio to put into the page's head, which it does before it makes any component.

    The styles stand in it: of a file the page would be seen without them for a moment.

    Args:
        facts: what base/registry.js gives the scripts.
    """
    style = "".join(shipped.text(STYLES / f"{name}.css") for name in SHEETS)
    return f"<style>{style}</style>{_start(facts)}"


def early(page: bytes, facts: dict) -> bytes:
    """gradio's HTML, in which the scripts start before gradio's own have arrived. Without this, `head` starts them.

    Not all pages are made here: server-side rendering has Node make them.
    """
    mark = b"<script>window.gradio_config"
    folder = _folder()
    preload = f'<link rel="modulepreload" href="{folder}/load.js">'
    preload += f'<link rel="preload" as="fetch" crossorigin href="{folder}/modules.json">'
    return page.replace(mark, f"{preload}{_start(facts)}".encode() + mark, 1)


def _start(facts: dict) -> str:
    """The promise ``ready`` is what main.js exports; components and events wait for it (`controls`)."""
    text = json.dumps(facts).replace("<", "\\u003c")  # nothing in it ends the script
    load = f'import("{_folder()}/load.js").then(({{ load }}) => load("{_folder()}/modules.json", "main.js"))'
    return f'<script type="application/json" id="facts">{text}</script><script>globalThis.ready ??= {load};</script>'


def _folder() -> str:
    """Relative, so that the page may be anywhere below its host; and below what Node in front hands on to Python."""
    return f"./gradio_api/web/{scripts().version}"


def answer(scope) -> Response | None:
    """What a request for one of the two files gets; None for any other."""
    found = PATH.fullmatch(scope["path"])
    if not found or found[1] != scripts().version or found[2] not in scripts().answers:
        return None
    plain, compressed = scripts().answers[found[2]]
    return compressed if "gzip" in Headers(scope=scope).get("accept-encoding", "") else plain
