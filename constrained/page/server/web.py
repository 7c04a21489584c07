"""The page's scripts, as modules beside it, and its styles.

The modules' address holds a hash of them all, so that a browser that has been here before asks for none of them again,
and never mixes those of two versions. They are read once, when the page is built.
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
PATH = re.compile(r"/web/([0-9a-f]{16})/([a-z0-9_/]+\.js)")


class Scripts(NamedTuple):
    """All modules, as they are sent.

    Attributes:
        version: a hash of them all.
        contents: name -> (bytes, the same compressed).
    """

    version: str
    contents: dict[str, tuple[bytes, bytes]]


@functools.cache
def scripts() -> Scripts:
    """All modules.

    Raises:
        shipped.DamagedError: if one cannot be read.
    """
    found = {path.relative_to(WEB).as_posix(): shipped.text(path).encode() for path in shipped.within(WEB, ".js")}
    version = hashlib.sha256(b"\0".join(part for name in found for part in (name.encode(), found[name])))
    return Scripts(version.hexdigest()[:16], {name: (data, gzip.compress(data)) for name, data in found.items()})


def head(facts: dict) -> str:
    """HTML that loads styles and scripts, for gradio to put into the page's head before it makes any component.

    The styles stand in it: of a file the page would be seen without them for a moment. The promise ``ready`` is what
    main.js exports; components and events wait for it (`controls`). Addresses are relative, so that the page may be
    anywhere below its host.

    Args:
        facts: what base/registry.js gives the scripts.
    """
    text = json.dumps(facts).replace("<", "\\u003c")  # nothing in it ends the script
    style = "".join(shipped.text(STYLES / f"{name}.css") for name in SHEETS)
    version, contents = scripts()
    # Without these the browser would find one module after the other.
    preload = "".join(f'<link rel="modulepreload" href="./web/{version}/{name}">' for name in contents)
    return (
        f'<style>{style}</style><script type="application/json" id="facts">{text}</script>{preload}'
        f'<script>globalThis.ready = import("./web/{version}/main.js");</script>'
    )


def answer(scope) -> Response | None:
    """What a request for a module gets; None for any other."""
    found = PATH.fullmatch(scope["path"])
    if not found or found[1] != scripts().version or found[2] not in scripts().contents:
        return None
    data, compressed = scripts().contents[found[2]]
    headers = {
        "content-type": "text/javascript; charset=utf-8",
        "cache-control": "public, max-age=31536000, immutable",
        "vary": "accept-encoding",
        # In a sandboxed frame the page has no origin, and modules are only run if all may read them, as these all may.
        "access-control-allow-origin": "*",
    }
    if "gzip" in Headers(scope=scope).get("accept-encoding", ""):
        return Response(compressed, 200, headers | {"content-encoding": "gzip"})
    return Response(data, 200, headers)
