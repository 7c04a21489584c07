"""A visitor's own head on the Explore page: taken over whole, or not at all."""

import json
import re
import time
import types
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import gradio as gr
import numpy as np
import pytest
import torch

from constrained import heads, images, registry, training
from constrained.modules import Clamp, ConstrainedLinear, PenaltyL1, PenaltyL2, ProjectL2Ball, ProxL1, Softmax
from constrained.page import api, controls, pictures
from constrained.page import models as menu
from constrained.page.models import YOURS
from constrained.page.server.inference import network
from constrained.page.tabs import explore
from constrained.parameters import Number, Vector

SHOWN = str(pictures.FIRST_SAMPLE)
CHANGED = {"notice", "chart", "crops", "setting.target", "setting.k", "model", "current", "head"}  # by every head


def head(constraint=None, method="", seed=0, **changes):
    """A head for the bundled network, but for these changes; its file and itself."""
    known = training.data()._asdict() | changes
    torch.manual_seed(seed)
    layer = ConstrainedLinear(known.get("width", 512), len(known["classes"]), constraint=constraint).eval()
    return heads.save(layer, method, known["classes"], known["network"]), layer


def english(html):
    """What is said in HTML, without what the page's other languages need."""
    return re.sub(r"</?span[^>]*>", "", html)


def adopted(data, earlier=None):
    """What `adopt` changes, by name."""
    updates, told = menu.adopt(data, SHOWN, earlier)
    assert told == ""
    return updates


def settings_of(updates):
    """What of it belongs to the columns, with the names of the registry."""
    columns = {*registry.FAMILIES, *registry.PARAMETERS}
    return {key: value for name, value in updates.items() if (key := name.removeprefix("setting.")) in columns}


def logits_by_hand(layer):
    """What a head makes of the first sample, from the network's features."""
    net = network("cifar10")
    views = net.checkpoint.views(images.decode(pictures.FIRST_SAMPLE.read_bytes()))
    with torch.no_grad():
        return layer.logits(torch.from_numpy(net.features_of(views))).numpy()


def test_a_head_is_taken_over():
    data, layer = head(Softmax(temperature=2.5), "softmax")
    updates = adopted(data)
    assert updates["notice"] == ""
    told = json.loads(updates["chart"])
    assert told["model"] == f"yours-{sha256(data).hexdigest()[:8]}"
    assert tuple(told["labels"]) == training.data().classes
    np.testing.assert_allclose(told["logits"], logits_by_hand(layer), atol=2e-6)
    crops = menu.look(str(pictures.FIRST_SAMPLE), "cifar10")["crops"]
    assert updates["crops"].startswith(crops)
    assert english(updates["crops"][len(crops) :]) == '<p class="own-head"><b>Your head</b>: Softmax, T = 2.5</p>'
    assert updates["head"] == data
    assert updates["current"] == YOURS
    assert updates["model"].value == YOURS
    assert [key for _, key in updates["model"].choices] == ["cifar10", "imagenet", YOURS]
    assert [name for _, name in updates["setting.target"].choices] == [menu.RAW_TOP, *training.data().classes]
    columns = updates.keys() - CHANGED
    # Other columns stay as they are.
    assert columns == {"setting.probability", "setting.temperature", "slider.temperature"}
    assert updates["setting.probability"] == "softmax"
    assert updates["setting.temperature"] == 2.5
    assert updates["slider.temperature"] == controls.position(registry.TEMPERATURE, 2.5)


def test_another_head_is_another_model_to_the_chart():
    """By that it chooses its axes and target anew."""
    names = [json.loads(adopted(head(seed=seed)[0])["chart"])["model"] for seed in (0, 1)]
    assert names[0] != names[1]


@pytest.mark.parametrize("method", registry.REGISTRY)
def test_its_column_opens_on_its_constraint(method):
    settings = {key: p.default for key, p in registry.PARAMETERS.items()}
    settings |= {"lo": -1.25, "hi": 0.5, "temperature": 0.3, "lam": 0.02, "radius": 7.5}
    updates = settings_of(adopted(head(registry.build(method, settings), method)[0]))
    entry = registry.REGISTRY[method]
    assert updates[entry.family] == method
    assert {key: updates[key] for key in registry.PARAMETERS if key in updates} == {
        p.key: settings[p.key] if isinstance(p, Number) else "" for p in entry.parameters
    }
    assert not {*registry.FAMILIES} - {entry.family} & set(updates)


def test_a_head_without_a_constraint_leaves_the_columns_alone():
    assert adopted(head()[0]).keys() == CHANGED


@pytest.mark.parametrize(
    ("constraint", "penalty", "method", "words"),
    [
        (None, None, "", "no constraint"),
        (None, PenaltyL1(0.02), "", "no constraint · L1 penalty, λ = 0.02"),
        (Clamp(-1.5, 1.0), PenaltyL2(1e-3), "clamp", "Hard clamp [−1.5, 1] · L2 penalty, λ = 0.001"),
        (ProjectL2Ball(3.0), PenaltyL2(0.0), "project_l2_ball", f"{registry.REGISTRY['project_l2_ball'].title}, r = 3"),
    ],
)
def test_a_head_is_named_by_its_setting(constraint, penalty, method, words):
    layer = ConstrainedLinear(4, 3, constraint=constraint, penalty=penalty)
    assert english(menu.words(heads.Head(layer, method, ("a", "b", "c"), "0" * 64))) == words


def test_what_differs_by_class_is_named_as_in_a_run_and_is_no_markup(monkeypatch):
    """Whoever made the head has named its classes."""
    offset = Vector("lam", "b", "b, offset", "Added.", default=0.0, low=-5.0, high=5.0)
    monkeypatch.setitem(menu.PARAMETERS, "lam", offset)
    layer = ConstrainedLinear(4, 3, constraint=ProxL1([2.0, 0.0, 1.0]))
    trained = heads.Head(layer, "prox_l1", ("<b>", "b", "c"), "0" * 64)
    monkeypatch.setattr(heads.Head, "settings", {"lam": [2.0, 0.0, 1.0]})
    assert english(menu.words(trained)) == "L1 proximal step, b: &lt;b&gt;=2; c=1"
    monkeypatch.setattr(heads.Head, "settings", {"lam": 0.0})
    assert english(menu.words(trained)) == "L1 proximal step"


CLAMPED = {"lo": 0.0, "hi": 1.0}


def test_what_an_earlier_head_set_goes_back_to_the_pages_defaults():
    clamp = head(registry.build("smooth_clamp", CLAMPED), "smooth_clamp")[0]
    updates = settings_of(adopted(head(Softmax(temperature=2.5), "softmax")[0], clamp))
    assert (updates["bounded"], updates["lo"], updates["hi"]) == ("clamp", -2, 1.5)
    assert (updates["probability"], updates["temperature"]) == ("softmax", 2.5)
    assert "regularised" not in updates, "no head has touched that"
    updates = adopted(head()[0], head(ProxL1(0.02), "prox_l1")[0])
    lam = registry.LAM
    assert (updates["setting.regularised"], updates["setting.lam"]) == ("prox_l1", lam.default)
    assert updates["slider.lam"] == controls.position(lam, lam.default)
    updates = settings_of(adopted(head(Clamp(-1.0, 2.0), "clamp")[0], clamp))
    assert (updates["bounded"], updates["lo"], updates["hi"]) == ("clamp", -1, 2)


@pytest.mark.parametrize(
    ("constraint", "method", "wanted"),
    [
        (Clamp(-900.0, 21.0), "clamp", {"setting.lo": -20, "setting.hi": 20}),
        (Softmax(temperature=5e-5), "softmax", {"setting.temperature": 0.05, "slider.temperature": 0}),
        (Softmax(temperature=2e4), "softmax", {"setting.temperature": 20, "slider.temperature": 100}),
        (Softmax(temperature=1.23456789), "softmax", {"setting.temperature": 1.23457}),
        (ProxL1(0.0), "prox_l1", {"setting.lam": 0, "slider.lam": 0}),
        (ProjectL2Ball(1e5), "project_l2_ball", {"setting.radius": 100, "slider.radius": 100}),
    ],
)
def test_what_the_sliders_cannot_show_ends_at_their_ends(constraint, method, wanted):
    updates = adopted(head(constraint, method)[0])
    assert updates.items() >= wanted.items()


def renamed(data):
    """A head file whose dog is another cat."""
    return data.replace(b'\\"dog\\"', b'\\"cat\\"')


@pytest.mark.parametrize(
    "classes", [tuple("abcdefghij"), tuple("abcd"), training.data().classes[::-1], tuple(map(str, range(200)))]
)
def test_a_head_of_ones_own_classes_is_taken_over(classes):
    """What it was fitted on are the bundled network's features, and they are all that it needs."""
    data, layer = head(classes=classes)
    updates = adopted(data)
    told = json.loads(updates["chart"])
    assert tuple(told["labels"]) == classes
    np.testing.assert_allclose(told["logits"], logits_by_hand(layer), atol=2e-6)
    assert [name for _, name in updates["setting.target"].choices] == [menu.RAW_TOP, *classes]
    assert updates["setting.k"].maximum == min(menu.MOST, len(classes))
    again = explore.on_model(YOURS, data, SHOWN, "cifar10")
    assert tuple(json.loads(again["chart"])["labels"]) == classes
    assert [name for _, name in again["setting.target"].choices] == [menu.RAW_TOP, *classes]


BAD = {
    "nothing": (b"", "empty"),
    "text": (b"hello, this is a text file", "not a safetensors file"),
    "too much": (bytes(5_000_000), "larger than 4 MB"),
    "cut short": (lambda: head()[0][:-1], "damaged"),
    "another network": (lambda: head(network="0" * 64)[0], "another network"),
    "one class": (lambda: head(classes=("cat",))[0], "only one class"),
    "two classes of one name": (lambda: renamed(head()[0]), "two classes with the same name"),
    "other features": (lambda: head(width=64)[0], "another network"),
}


@pytest.mark.parametrize(("data", "wanted"), BAD.values(), ids=BAD)
def test_a_bad_head_changes_nothing(data, wanted):
    updates, told = menu.adopt(data() if callable(data) else data, SHOWN)
    assert wanted in told
    assert updates == {}


@pytest.mark.parametrize("shown", ["/no/such/picture.png", str(controls.ASSETS / "web" / "main.js")])
def test_without_its_picture_nothing_changes(shown):
    updates, told = menu.adopt(head()[0], shown)
    assert "choose a" in told
    assert updates == {}


def test_every_picture_goes_through_the_chosen_head():
    data, layer = head(PROX, "prox_l1")
    picture = pictures.FIRST_SAMPLE.read_bytes()
    event = gr.EventData(None, {"index": pictures.SAMPLES.index(pictures.FIRST_SAMPLE)})
    for answer in (
        explore.on_picture(picture, YOURS, data),
        explore.on_frame(picture, YOURS, data),
        explore.on_sample(YOURS, data, event),
        explore.on_model(YOURS, data, SHOWN, "cifar10", progress=lambda *_args, **_kwargs: None),
    ):
        told = json.loads(answer["chart"])
        assert told["model"].startswith("yours-")
        np.testing.assert_allclose(told["logits"], logits_by_hand(layer), atol=2e-6)
    own = json.loads(explore.on_picture(picture, "cifar10", data)["chart"])
    assert own["model"] == "cifar10"
    assert np.abs(np.array(own["logits"]) - logits_by_hand(layer)).max() > 0.1


PROX = ProxL1(0.5)


def test_going_back_to_the_bundled_head():
    answer = explore.on_model("cifar10", head()[0], SHOWN, YOURS, progress=lambda *_args, **_kwargs: None)
    assert json.loads(answer["chart"])["model"] == "cifar10"
    assert answer["current"] == "cifar10"


def test_a_head_that_is_gone_is_a_sentence():
    """A session ends when the server starts anew; the page in the browser may still offer the head."""
    answer = explore.on_picture(pictures.FIRST_SAMPLE.read_bytes(), YOURS, None)
    assert "train or upload it again" in answer["notice"]
    answer = explore.on_model(YOURS, None, SHOWN, "cifar10", progress=lambda *_args, **_kwargs: None)
    assert "train or upload it again" in answer["notice"]
    assert answer["model"] == "cifar10"  # the model box goes back


def test_programs_cannot_ask_for_a_head_that_is_a_visitors():
    with pytest.raises(gr.Error, match="model must be one of cifar10, imagenet"):
        api.classify((pictures.FIRST_SAMPLE.read_bytes(), None), YOURS)


def test_the_outputs_are_those_that_are_named():
    with gr.Blocks():
        tab = explore.build("cifar10")
    outputs = tab.head_outputs
    assert len(set(map(id, outputs.values()))) == len(outputs)
    named = {"notice": "notice", "chart": "chart-block", "crops": "seen", "setting.target": "target", "model": "model"}
    named |= {f"setting.{family}": f"method-{family}" for family in registry.FAMILIES}
    named |= {f"setting.{key}": f"explore-{key}-value" for key in ("temperature", "lam", "radius")}
    named |= {f"slider.{key}": f"explore-{key}-slider" for key in ("temperature", "lam", "radius")}
    named |= {f"setting.{key}": f"explore-{key}-slider" for key in ("lo", "hi")}
    assert {name: outputs[name].elem_id for name in named} == named
    assert outputs["head"].value is None


def test_frames_leave_the_machine_to_others_as_long_as_there_are_several_webcams(monkeypatch):
    pace, at_once, most, rests = explore.Pace(), [], [], []
    clock = types.SimpleNamespace(monotonic=time.monotonic, sleep=rests.append)
    monkeypatch.setattr(explore, "time", clock)
    monkeypatch.setattr(explore, "REST", 2.0)

    def frame(_):
        with pace:
            at_once.append(1)
            most.append(len(at_once))
            time.sleep(0.05)
            at_once.pop()

    for number in range(4):  # one webcam, which sends a frame when it has an answer
        frame(number)
    assert rests == []
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(frame, range(4)))
    assert max(most) == 1
    assert len(rests) == 3  # not after the last
    assert all(0.1 <= rest <= explore.LONGEST_REST for rest in rests)
