"""What the server does with a link: it looks at a sample or another model, and at nothing else."""

import json

import gradio as gr
import pytest

from constrained import registry
from constrained.page import layout as ui
from constrained.page import links as share
from constrained.page import models as menu
from constrained.page import pictures

CAT = str(pictures.FIRST_SAMPLE)


def link(**data):
    """An event as gradio hands it over, with whatever a program might send in it."""
    return gr.EventData(None, data)


def test_a_sample_comes_with_its_logits_and_what_the_link_says_of_classes():
    answer = share.on_link(link(image="dog", model="cifar10", k=4, target="frog"), None, CAT)
    chart = json.loads(answer["chart"])
    assert (chart["image"], chart["model"]) == ("dog", "cifar10")
    assert answer["picture"] == answer["shown"]
    assert answer["shown"].endswith("dog.jpg")
    assert (answer["notice"], answer["current"], answer["model"]) == ("", "cifar10", "cifar10")
    assert (answer["setting.target"].value, answer["setting.k"].value) == ("frog", 4)
    assert "data:image/png" in answer["crops"]


@pytest.mark.parametrize(
    "data",
    [
        {"image": "dog", "model": "resnet152"},
        {"image": "dog"},
        {"image": "dog", "model": None},
        {"image": "dog", "model": "../cifar10"},
    ],
)
def test_a_model_that_is_none_changes_nothing(data):
    answer = share.on_link(link(**data), None, CAT)
    assert "model must be one of cifar10, imagenet" in answer["notice"]
    assert answer.keys() == {"notice"}


@pytest.mark.parametrize("image", ["../../etc/passwd", "", None, 7, ["dog"], "dog.jpg"])
def test_what_is_no_sample_leaves_the_picture(image):
    answer = share.on_link(link(image=image, model="cifar10"), None, CAT)
    assert json.loads(answer["chart"])["image"] == "cat"
    assert (answer["notice"], answer["shown"]) == ("", CAT)
    assert "picture" not in answer


@pytest.mark.parametrize(("k", "target"), [(True, ["frog"]), (10**40, "unicorn"), ("4", 3), (-1, None), (2.5, {})])
def test_classes_that_cannot_be_shown_fall_back(k, target):
    answer = share.on_link(link(image="dog", model="cifar10", k=k, target=target), None, CAT)
    assert answer["setting.target"].value == menu.RAW_TOP
    assert answer["setting.k"].value == 10


def test_an_upload_that_is_gone_is_said(tmp_path):
    answer = share.on_link(link(model="cifar10"), None, str(tmp_path / "gone.png"))
    assert "The picture is no longer available" in answer["notice"]
    assert answer.keys() == {"notice"}


def test_every_control_is_described_and_opens_inside_its_own_range():
    (block,) = (b for b in ui.demo().blocks.values() if getattr(b, "elem_id", None) == "share-block")
    facts, _ = json.JSONDecoder().raw_decode(block.js_on_load[block.js_on_load.index('{"controls"') :])
    assert {"explore", "train", "calibrate"} == facts["controls"].keys()
    for owner, controls in facts["controls"].items():
        for key, told in controls.items():
            name, opening = f"{owner}.{key}", told["opening"]
            assert name in facts["order"]
            if told["kind"] == "number":
                assert told["low"] <= opening <= told["high"], name
            elif told["kind"] == "choice":
                assert opening in told["values"], name
            else:
                assert told["kind"] in ("flag", "text") or (told["kind"] in ("vector", "mask") and not opening), name
            assert (f"{name}@" in facts["order"]) == (told["kind"] == "number" and "scale" in told), name
    whole = {f"{owner}.{key}" for owner, all_ in facts["controls"].items() for key in all_ if all_[key].get("whole")}
    assert whole == {"explore.k", "train.epochs", "train.examples", "train.seed"}
    assert {p.key for p in registry.PARAMETERS.values()} <= facts["controls"]["explore"].keys()
    assert facts["controls"]["train"]["noise"]["high"] == 0.6  # a share, which its slider shows in percent
    assert facts["images"][0] == "cat"
