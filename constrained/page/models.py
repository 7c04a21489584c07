"""What a visitor chooses in the model menu: networks, a head of their own, and a picture looked at by one of them."""

import base64
import functools
import io
from hashlib import sha256
from pathlib import Path

import gradio as gr
import numpy as np
import safetensors

from .. import heads, images, registry, training
from ..heads import HeadError
from ..models import BUNDLED, CHECKPOINTS, TITLES, CheckpointError
from ..parameters import Number
from ..registry import PARAMETERS
from .controls import in_words, message, notice, position, written
from .languages import said, t
from .pictures import is_sample, views
from .server.inference import PICTURE, Network, network
from .server.workers import WORKERS, WorkerError

METHODS = {"bounded": "clamp", "probability": "softmax", "regularised": "prox_l1"}  # what the page opens with
RAW_TOP = "raw top-1"
MOST = 50  # classes that can be shown

HEAD_GONE = "Your head is no longer available: train or upload it again, or choose another model."
YOURS = "yours"  # the bundled network under the visitor's own head, for those who have one
# What can be wrong with a visitor's picture, head or choice; see `sentence`.
TROUBLE = (images.PictureError, CheckpointError, HeadError, WorkerError, FileNotFoundError)


class Chooser(gr.Dropdown):
    """The menu of models, which lets pass what is not in it: `chosen` says what is wrong with that.

    That a visitor's menu has their own head in it, gradio forgets with their session.
    """

    is_template = True

    def preprocess(self, payload: str | None) -> str:
        """The model's key, if it is one."""
        return str(payload)

    def postprocess(self, value: str) -> str:
        """The same, without gradio's warning."""
        return value


def models() -> list[tuple[str, str]]:
    """What anybody can choose in the model menu."""
    return [(t(TITLES[key]), key) for key in CHECKPOINTS]


def chosen(model: str, head: bytes | None, wait: bool = False) -> tuple[Network, heads.Head | None, str]:
    """A choice of the model menu as a network, the head to use instead of its own, and a name for the two.

    Args:
        model: a key of ``CHECKPOINTS``, or ``YOURS``.
        head: the file of the visitor's own head, which only ``YOURS`` looks at.
        wait: as for `network`.

    Raises:
        CheckpointError: if there is no such model, or its weights cannot be had.
        HeadError: if there is no head of their own.
    """
    if model != YOURS:
        return network(model, wait), None, model
    if head is None:
        raise HeadError(HEAD_GONE)
    return network(BUNDLED, wait), own_head(head), named(head)


def classes(net: Network, head: heads.Head | None) -> tuple[str, ...]:
    """The names of what a network tells apart, or a head in place of its own."""
    return head.classes if head else net.checkpoint.labels


def named(head: bytes) -> str:
    """What the chart calls the model that a head of a visitor's makes."""
    return f"{YOURS}-{sha256(head).hexdigest()[:8]}"


def classified(labels: tuple[str, ...], logits: np.ndarray, name: str) -> dict:
    """What the chart, and a program, hear of a picture: the labels and logits of a model."""
    return {"model": name, "labels": labels, "logits": [round(v, 6) for v in logits.tolist()]}


def words(head: heads.Head) -> str:
    """What a head was fitted with, as a run of the Train tab says it, as HTML."""
    told = said("no constraint")
    if head.method:
        told = said(registry.REGISTRY[head.method].title)
        settings, box = head.settings, ("lo", "hi")
        if set(box) <= settings.keys():
            told += f" [{written(settings['lo'])}, {written(settings['hi'])}]"
        else:
            box = ()
        values = [in_words(PARAMETERS[key], settings[key], head.classes) for key in settings if key not in box]
        told = ", ".join([told, *filter(None, values)])
    for key, kind in heads.PENALTIES.items():
        if isinstance(head.layer.penalty, kind) and head.layer.penalty.lam:
            told += f" · {said('{norm} penalty', norm=key.upper())}, λ = {head.layer.penalty.lam:.4g}"
    return told


def look(source: str | bytes, model: str, head: bytes | None = None, kind: int = PICTURE) -> dict:
    """A picture through a `chosen` model, as a handler returns it.

    ``chart`` is the chart's message, as JSON, ``crops`` what the network saw, as HTML, and ``notice`` is empty. The
    chart is told the name of a sample, and of nobody's own picture. Raises what `chosen` and `views` raise.
    """
    net, own, name = chosen(model, head)
    crops = views(source, net.checkpoint)
    figures = []
    for crop in crops:
        buffer = io.BytesIO()
        crop.save(buffer, "PNG")
        data = base64.b64encode(buffer.getvalue()).decode()
        figures.append(f'<img src="data:image/png;base64,{data}" alt="" width="{crop.width}" height="{crop.height}">')
    caption = f"<figcaption>{said('What the network sees:')} {said(net.checkpoint.sees)}</figcaption>"
    seen = f'<figure class="seen"><div>{"".join(figures)}</div>{caption}</figure>'
    if own:
        seen += f'<p class="own-head"><b>{said("Your head")}</b>: {words(own)}</p>'
    image = Path(source).stem if is_sample(source) else None
    answer = classified(classes(net, own), net.logits_of(crops, own and own.layer, kind), name)
    return {"chart": message("logits", **answer, image=image), "crops": seen, "notice": ""}


def sentence(error: Exception) -> str:
    """What to tell a visitor about an error of ``TROUBLE``, or about a picture's file that is gone."""
    gone = isinstance(error, FileNotFoundError)
    return "The picture is no longer available: choose another one." if gone else str(error)


def trouble(error: Exception) -> dict:
    """What a handler returns after an error of ``TROUBLE``: a ``notice``, so that all else stays as it is."""
    return {"notice": notice(sentence(error))}


def choices(labels: tuple[str, ...], target: object = None, k: object = None) -> dict:
    """What depends on a model's labels, as a handler returns it.

    ``setting.target`` is the menu of target classes, and ``setting.k`` says how many can be shown. ``target`` and ``k``
    are chosen in them, where the model has that; from outside they may be anything.
    """
    most = min(MOST, len(labels))
    target = target if isinstance(target, str) and target in labels else RAW_TOP
    k = k if isinstance(k, int) and 2 <= k <= most else min(10, most)
    return {
        "setting.target": gr.Dropdown(choices=targets(labels), value=target),
        "setting.k": gr.Slider(maximum=most, value=k),
    }


def targets(labels: tuple[str, ...]) -> list[tuple[str, str]]:
    """The menu of target classes."""
    return [(t("raw top-1"), RAW_TOP), *((label, label) for label in labels)]


def deserialize(data: bytes) -> list:
    """`safetensors.deserialize` by a worker."""
    return WORKERS.run(safetensors.deserialize, data)


@functools.lru_cache(32)  # a page sends its head along with each picture
def own_head(data: bytes) -> heads.Head:
    """What a visitor's head file holds, if the bundled network's features fit it.

    Raises:
        HeadError: for everything else.
    """
    head = heads.load(data, deserialize)
    known = training.data()
    if len(head.classes) < 2:
        raise HeadError("This head has only one class, but a comparison needs two: choose another one.")
    if (head.network, head.layer.in_features) != (known.network, known.width):
        raise HeadError(
            "This head was fitted on the features of another network, so its weights mean nothing here: use one that "
            "was trained here, or load it with constrained_resnet18 on its own network."
        )
    return head


def adopt(data: bytes, shown: str, earlier: bytes | None = None) -> tuple[dict, str]:
    """A head becomes this visitor's model, and the column of its constraint opens on that.

    Args:
        data: a head file, from a stranger.
        shown: the path of the picture on the page.
        earlier: the head that this one replaces, if any; what it set goes back to what the page opens with.

    Returns:
        What changes, by the names of ``explore.Tab.head_outputs``, and an empty sentence; or an empty dict, and a
        sentence that says what is wrong.
    """
    try:
        head, before = own_head(data), earlier and own_head(earlier)
        updates = look(shown, YOURS, data)
    except TROUBLE as error:
        return {}, sentence(error)
    updates |= choices(head.classes) | {
        "model": gr.Dropdown(choices=[*models(), (t("CIFAR-10, your head"), YOURS)], value=YOURS),
        "current": YOURS,
        "head": data,
    }
    settings = {}
    if before:
        if before.method:
            family = registry.REGISTRY[before.method].family
            updates[f"setting.{family}"] = METHODS[family]
        settings |= {key: PARAMETERS[key].default for key in before.settings}
    if head.method:
        updates[f"setting.{registry.REGISTRY[head.method].family}"] = head.method
    for key, value in (settings | head.settings).items():
        parameter = PARAMETERS[key]
        if not isinstance(parameter, Number):
            updates[f"setting.{key}"] = "" if value == parameter.default else parameter.spell(value, head.classes)
            continue
        value = float(f"{min(max(value, parameter.least), parameter.high):.6g}")
        updates[f"setting.{key}"] = value
        if parameter.scale == "log":
            updates[f"slider.{key}"] = position(parameter, value)
    return updates, ""
