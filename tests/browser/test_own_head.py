"""A head file of a visitor's own, in a browser: Explore opens on it, and nobody else sees anything of it."""

import numpy as np
import pytest
import torch
from playwright.sync_api import expect

from constrained import heads, images, training
from constrained.modules import Clamp, ConstrainedLinear, Sparsemax
from constrained.page.pictures import FIRST_SAMPLE, SAMPLES
from constrained.page.server.inference import network

from .driver import Explore


def head(constraint, method, seed):
    """A head file, and a function from a sample's path to the logits that it gives."""
    torch.manual_seed(seed)
    layer = ConstrainedLinear(512, 10, constraint=constraint).eval()
    known, net = training.data(), network("cifar10")

    def logits(path):
        return pytest.approx(net.logits(images.decode(path.read_bytes()), layer).tolist(), abs=2e-6)

    return heads.save(layer, method, known.classes, known.network), logits


def upload(page, data):
    page.get_by_role("tab", name="Train").click()
    with page.expect_file_chooser() as chooser:
        page.locator("#train-upload").click()
    file = {"name": "head.safetensors", "mimeType": "application/octet-stream", "buffer": data}
    chooser.value.set_files(file)


def has(explore, **wanted):
    """Wait until the chart has these; gradio hands what an answer sets on from one to the next."""
    there = "([part, all]) => Object.entries(all).every(([key, value]) => explore.state[part][key] === value)"
    for part in wanted.items():
        explore.page.wait_for_function(there, arg=list(part))


@pytest.mark.slow
def test_explore_opens_on_a_head_of_ones_own(visit):
    one, two = visit(), visit()
    explore, other = Explore(one.page), Explore(two.page)
    opened = other.looks()
    bundled = explore.state()["logits"]

    data, logits = head(Clamp(5.5, 8.0, gradient="inward"), "clamp_inward", 0)  # bounds that cross the old ones
    upload(one.page, data)
    explore.new_logits(bundled)
    has(explore, methods={"bounded": "clamp_inward"}, settings={"lo": 5.5, "hi": 8})
    state = explore.agree()
    assert state["logits"] == logits(FIRST_SAMPLE)
    assert one.page.locator("button[role=tab][aria-selected=true]").inner_text() == "Explore"
    assert state["methods"] == {"bounded": "clamp_inward", "probability": "softmax", "regularised": "prox_l1"}
    assert (explore.boxed("lo"), explore.boxed("hi")) == (5.5, 8)
    seen = expect(one.page.locator("#seen"))
    seen.to_contain_text("Your head: Clamp, inward gradient [5.5, 8]", use_inner_text=True)

    data, logits = head(Sparsemax(temperature=0.37), "sparsemax", 1)  # a second one in place of the first
    upload(one.page, data)
    explore.new_logits(state["logits"])
    # What the first head set is gone with it.
    methods, settings = {"bounded": "clamp", "probability": "sparsemax"}, {"lo": -2, "hi": 1.5, "temperature": 0.37}
    has(explore, methods=methods, settings=settings)
    state = explore.agree()
    assert state["logits"] == logits(FIRST_SAMPLE)
    assert (explore.boxed("lo"), explore.boxed("hi"), explore.boxed("temperature")) == (-2, 1.5, 0.37)
    seen.to_contain_text("Your head: Sparsemax, T = 0.37", use_inner_text=True)

    one.page.locator("#samples button").nth(0).click()
    own = explore.new_logits(state["logits"])
    assert own == logits(SAMPLES[0])
    explore.choose("model", "CIFAR-10, bundled")
    assert np.abs(np.array(explore.new_logits(own)) - own).max() > 0.1
    seen.not_to_contain_text("Your head", use_inner_text=True)
    explore.choose("model", "CIFAR-10, your head")
    explore.page.wait_for_function("(own) => explore.state.logits[0] === own", arg=own[0])

    assert other.looks() == opened
    two.page.locator("#model input").click()
    assert two.page.locator("#model").get_by_role("option").count() == 2
