"""The page: `demo` builds it. Nothing outside of this package imports gradio."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .layout import Demo


def demo(model: str | None = None) -> "Demo":
    """The whole page, ready to launch; what it needs is loaded here, since worker processes do without."""
    from . import layout

    return layout.demo(model) if model else layout.demo()
