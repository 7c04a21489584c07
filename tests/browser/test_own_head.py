"""A head file of a visitor's own, in a browser: Explore opens on it, and nobody else sees anything of it."""

import numpy as np
import pytest
import torch

from constrained import heads, images, training
from constrained.inference import network
from constrained.modules import Clamp, ConstrainedLinear, Sparsemax
from constrained.ui.explore import FIRST_SAMPLE, SAMPLES

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


def test_explore_opens_on_a_head_of_ones_own(visit):
    one, two = visit(), visit()
    explore, other = Explore(one.page), Explore(two.page)
    opened = other.looks()
    bundled = explore.state()["logits"]

    data, logits = head(Clamp(5.5, 8.0, gradient="inward"), "clamp_inward", 0)  # bounds that cross the old ones
    upload(one.page, data)
    explore.new_logits(bundled)
    state = explore.agree()
    assert state["logits"] == logits(FIRST_SAMPLE)
    assert one.page.locator("button[role=tab][aria-selected=true]").inner_text() == "Explore"
    assert state["methods"] == {"bounded": "clamp_inward", "probability": "softmax", "regularised": "prox_l1"}
    assert (state["settings"]["lo"], state["settings"]["hi"]) == (5.5, 8)
    assert (explore.boxed("lo"), explore.boxed("hi")) == (5.5, 8)
    assert "Your head: Clamp, inward gradient [5.5, 8]" in one.page.locator("#seen").inner_text()

    data, logits = head(Sparsemax(0.37), "sparsemax", 1)  # a second one in place of the first
    upload(one.page, data)
    explore.new_logits(state["logits"])
    state = explore.agree()
    assert state["logits"] == logits(FIRST_SAMPLE)
    assert state["methods"]["probability"] == "sparsemax"
    assert explore.boxed("temperature") == state["settings"]["temperature"] == 0.37
    assert state["methods"]["bounded"] == "clamp", "what the first head set is gone with it"
    assert (explore.boxed("lo"), explore.boxed("hi")) == (state["settings"]["lo"], state["settings"]["hi"]) == (-2, 4)
    assert "Your head: Sparsemax, T = 0.37" in one.page.locator("#seen").inner_text()

    one.page.locator("#samples button").nth(0).click()
    own = explore.new_logits(state["logits"])
    assert own == logits(SAMPLES[0])
    explore.choose("model", "CIFAR-10, bundled")
    assert np.abs(np.array(explore.new_logits(own)) - own).max() > 0.1
    assert "Your head" not in one.page.locator("#seen").inner_text()
    explore.choose("model", "CIFAR-10, your head")
    explore.page.wait_for_function("(own) => explore.state.logits[0] === own", arg=own[0])

    assert other.looks() == opened
    two.page.locator("#model input").click()
    assert two.page.locator("#model").get_by_role("option").count() == 2


def test_a_file_that_is_no_head_is_named_where_it_was_uploaded(visit):
    page = visit().page
    opened = Explore(page).looks()
    upload(page, b"hello, this is no head")
    page.locator("#train-notice").get_by_text("This is no safetensors file").wait_for()
    page.get_by_role("tab", name="Explore").click()
    assert Explore(page).looks() == opened
