"""A load test over gradio's real protocol: python -m tests.load [SCENARIO ...], all of them without a name.

It starts the page's own server on loopback, and takes about eight minutes; with --url it visits a running one instead.
"""

import asyncio

from .scenarios import ALL, Report, run
from .server import serving

OPTIONS = {"crowd": {"visitors": [30, 100, 200]}, "poisson": {"seconds": 120}, "sessions": {"count": 3000}}


def measure(names: list[str], url: str | None = None, port: int | None = None, tries: int = 1, **options) -> Report:
    """Run scenarios, against a server of its own or the one at ``url``, and report.

    Args:
        names: of `ALL`.
        port: of the own server; a free one without it.
        tries: how often a visitor who is refused loads the page.
        options: by scenario, instead of ``OPTIONS``.
    """
    report = Report()
    if url is not None:
        asyncio.run(run(names, url, None, report, tries, **(OPTIONS | options)))
    else:
        with serving(port) as server:
            asyncio.run(run(names, server.url, server, report, tries, **(OPTIONS | options)))
    return report


def table() -> str:
    """The table of all scenarios, in Markdown; an error if anybody got a wrong answer or none."""
    report = measure(list(ALL))
    if report.failures:
        raise AssertionError("\n".join([f"{len(report.failures)} failures", *report.failures[:20]]))
    return report.markdown()
