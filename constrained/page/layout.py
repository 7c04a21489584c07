"""The page: `demo` builds it, and it brings its own look along however it is launched."""

import contextlib

import fastapi
import gradio as gr
from gradio import processing_utils, utils
from gradio_client import utils as client_utils

from .. import heads, images, registry, validation
from ..models import BUNDLED
from . import languages, links
from . import models as menu
from .controls import BROWSER, in_browser, placed
from .languages import said, t
from .server import crowd, guard, line, web
from .tabs import calibrate, code, explore, lessons, train

FONTS = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"]
MONO = ["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace"]
THEME = gr.themes.Base(primary_hue="blue", neutral_hue="slate", font=FONTS, font_mono=MONO)  # no font from a CDN

_ABOUT = said("What a constraint on the last linear layer does to a picture's logits, to training and to confidence.")
TITLE = f"<h1>{said('Constrain the output of a ResNet18')}</h1><p>{_ABOUT}</p>"

THREADS = 64  # more than all lines have places, so that a line that is full holds up no other
UNREADABLE = "The server cannot read what was sent: reload the page, or look at its API."
FAILED = guard.UNKNOWN


def facts() -> dict:
    """What the browser needs to know of the registry and the tabs."""
    methods = {
        key: {
            "family": entry.family,
            "title": entry.title,
            "parameters": [p.key for p in entry.parameters],
            "formula": entry.formula,
            "example": entry.example,
            "help": entry.help,
            "zeros": entry.zeros,
            "elementwise": entry.elementwise,
            "sparse": entry.sparse,
            "clips": entry.clips,
            "inward": entry.inward,
            "norm": entry.norm,
        }
        for key, entry in registry.REGISTRY.items()
    }
    return {
        "methods": methods,
        "parameters": {key: p.facts() for key, p in registry.PARAMETERS.items()},
        "chosen": menu.METHODS,
        "training": train.facts(),
        "page": guard.PAGE,
        "silence": 3000 * utils.get_heartbeat_rate(),  # ms after which a stream of answers counts as broken
        "uploads": {  # where files are chosen -> how many bytes they may have
            "#picture": images.MAX_BYTES,
            "#train-setup": heads.MAX_BYTES,
            "#calibrate-file": validation.MAX_BYTES,
        },
    }


def settings() -> dict:
    """What gradio 6 takes where a page is launched and not where it is built."""
    return {
        "theme": THEME,
        # Not in css=: gradio rewrites that rule by rule, and loses on the way every shorthand with a variable in it.
        "head": web.head(facts()),
        "footer_links": ["api", "settings"],  # where the language can be chosen
        "i18n": gr.I18n(**languages.catalogues()),
        "show_error": False,
        "enable_monitoring": False,
        "strict_cors": True,
        "run_history": False,
        "share": False,
        "state_session_capacity": 1000,
        "max_threads": THREADS,
        "max_file_size": guard.FILE,
        "app_kwargs": {
            "openapi_url": None,
            "lifespan": guard.lifespan,
            "exception_handlers": {Exception: failed},
        },
    }


@contextlib.contextmanager
def told(sentence: str, log: bool):
    """Turn every error that is not yet for a person into one that says this."""
    try:
        yield
    except gr.Error:
        raise
    except Exception as error:
        raise gr.Error(sentence, print_exception=log) from error


async def failed(request: fastapi.Request, error: Exception) -> fastapi.Response:
    """The answer to a question that gradio does not know, such as one of a page from before the server was updated."""
    return guard.sentence(FAILED, 500)


def refuse_address(file: dict) -> None:
    """Raise for a file at a web address: gradio would fetch it, however large, for anybody who asks."""
    if client_utils.is_http_url_like(file["path"]):
        raise gr.Error("Files cannot be fetched from an address: upload them.", print_exception=False)


class Demo(gr.Blocks):
    """`gr.Blocks` with the settings of this page, whoever launches it: app.py, ``gradio app.py``, a Space, a notebook.

    gradio 6 takes theme, style sheet and scripts in ``launch`` and not here; without this class each way of starting
    would need them again.
    """

    def __init__(self, *args, **options) -> None:
        super().__init__(*args, **options)
        self.default_config = crowd.Config(self)
        self.facts = facts()
        self.larger = {explore.on_frame: guard.FRAME, train.on_use: guard.FRAME}

    def queue(self, **options):
        """As in ``gr.Blocks``, with lines that strangers cannot block."""
        super().queue(**options)
        own = self._queue
        limits = own.max_size, self, own.default_concurrency_limit
        self._queue = line.Line(own.live_updates, own.max_thread_count, own.update_intervals, *limits)
        self._queue.ANALYTICS_MAX_EVENTS = 0  # gradio puts the last 10,000 events into a table that nobody sees
        return self

    def launch(self, **options):
        """As ``gr.Blocks.launch``; what is passed here wins over the page's own settings."""
        # Further processes, which GRADIO_NUM_WORKERS asks for, would take uploads past the guard.
        return super().launch(**({"num_workers": 0} | settings() | options))

    async def preprocess_data(self, block_fn, inputs, *rest, **options):
        """As in ``gr.Blocks``, for values from a stranger, of which gradio looks only at files that are marked as such.

        The server's own files are not read, no address is fetched, and what cannot be understood is told.
        """
        with told(UNREADABLE, log=False):
            client_utils.traverse(inputs, refuse_address, client_utils.is_file_obj)
            processing_utils.check_all_files_in_cache(inputs)
            return await super().preprocess_data(block_fn, inputs, *rest, **options)

    async def postprocess_data(self, block_fn, predictions, *rest, **options):
        """As in ``gr.Blocks``, for handlers that return by name; see `controls.handle`."""
        return await super().postprocess_data(block_fn, placed(block_fn, predictions), *rest, **options)

    async def process_api(self, *args, event_data: gr.EventData | None = None, **options):
        """As in ``gr.Blocks``, but where that would only say "Error", a person is told what to do."""
        with told(UNREADABLE, log=False):  # gradio does the same, with any error
            processing_utils.check_all_files_in_cache(event_data and event_data._data)
        with told(FAILED, log=True):
            return await super().process_api(*args, event_data=event_data, **options)

    def asgi(self) -> fastapi.FastAPI:
        """The page as an ASGI application with the same settings, for a server other than gradio's."""
        own = settings()
        self.state_session_capacity = own.pop("state_session_capacity")
        self.max_threads = own.pop("max_threads")
        self._queue.max_thread_count = self.max_threads
        for key in ("strict_cors", "share"):  # as they are here anyway
            del own[key]
        return gr.mount_gradio_app(fastapi.FastAPI(openapi_url=None), self, "/", **own)


def demo(model: str = BUNDLED) -> Demo:
    """The whole page, ready to launch, with the bundled samples classified by ``model``."""
    guard.folder()  # before any component asks where files go
    with Demo(title="Constrain the output of a ResNet18", analytics_enabled=False, fill_width=True) as page:
        with gr.Row(elem_id="header"):
            gr.HTML(TITLE, elem_id="title")
            copy = gr.Button(t("Copy link"), size="sm", elem_id="copy-link", min_width=90, scale=0)
            presenting = gr.Button(t("Present"), size="sm", elem_id="present", min_width=80, scale=0)
            theme = gr.Button("☾", size="sm", elem_id="theme", min_width=40, scale=0)
        notices = gr.Row(elem_id="share-row")
        with gr.Tabs(elem_id="tabs") as tabs:
            with gr.Tab(t("Explore"), id="explore"):
                explored = explore.build(model)
            with gr.Tab(t("Train"), id="train"):
                trained = train.build(explored, tabs)
            with gr.Tab(t("Calibrate"), id="calibrate"):
                calibrated = calibrate.build()
            with gr.Tab(t("Lessons"), id="lessons"):
                lessons.build()
            with gr.Tab(t("Code"), id="code"):
                code.build(explored)
        with notices:  # it speaks above the tabs, and knows what is in them
            links.build(tabs, explored, trained, calibrated)
        page.load(js=in_browser("start()"), **BROWSER)
        copy.click(js=in_browser("share.copy()"), **BROWSER)
        presenting.click(js=in_browser("present.toggle()"), **BROWSER)
        theme.click(js=in_browser("theme.toggle()"), **BROWSER)
    page.queue(api_open=False)
    return page
