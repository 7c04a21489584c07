"""One network for many visitors: the right answer for each, computed once, in batches."""

import concurrent.futures
import re
import threading
import time
import types

import numpy as np
import PIL.Image
import pytest
import torch

from constrained import models
from constrained.models import Checkpoint, CheckpointError
from constrained.models.cifar10 import checkpoint as bundled
from constrained.modules import Clamp, ConstrainedLinear
from constrained.page.server import inference


class Mean(torch.nn.Module):
    """To two features, the mean and the sum of the input, with a record of the batches seen."""

    def __init__(self):
        super().__init__()
        self.batches, self.gate = [], threading.Event()
        self.gate.set()

    def forward(self, x):
        self.batches.append(len(x))
        self.gate.wait(10)
        return torch.stack([x.mean((1, 2, 3)), x.sum((1, 2, 3))], dim=1)


MODEL = Mean()


@pytest.fixture
def network(monkeypatch):
    global MODEL
    MODEL = Mean()
    monkeypatch.setattr(inference, "fused", lambda state: MODEL)
    monkeypatch.setattr(inference, "CORES", 1)  # one for who comes alone, one for a crowd

    def batch(crops):
        return torch.stack([torch.from_numpy(np.asarray(c).copy()).permute(2, 0, 1).float() for c in crops])

    facts = {
        "key": "fake",
        "title": "Fake",
        "labels": ("mean", "sum"),
        "sees": "",
        "size": 4,
        "mean": (0.0,),
        "std": (1.0,),
    }
    last = {"fc.weight": torch.eye(2), "fc.bias": torch.zeros(2)}  # features are the logits
    views = {"views": lambda p: [p, p.rotate(180)], "batch": batch}
    return inference.Network(Checkpoint(**facts, **views, load=lambda: last))


def picture(value, size=(4, 4)):
    return PIL.Image.new("RGB", size, (value, value, value))


def test_logits_are_the_mean_over_the_views(network):
    np.testing.assert_allclose(network.logits(picture(7)), [7, 7 * 48], rtol=1e-6)
    assert MODEL.batches == [2]


def test_a_picture_that_was_seen_is_not_computed_again(network):
    first = network.logits(picture(3))
    np.testing.assert_array_equal(network.logits(picture(3).copy()), first)
    assert len(MODEL.batches) == 1


def test_many_at_once_share_batches_and_get_their_own_answer(network):
    MODEL.gate.clear()  # the first forward pass waits, so that the others queue up behind it
    answers = {}

    def ask(value):
        answers[value] = network.logits(picture(value))

    threads = [threading.Thread(target=ask, args=(value,)) for value in range(1, 25)]
    for thread in threads:
        thread.start()
    MODEL.gate.set()
    for thread in threads:
        thread.join(30)
    assert sorted(answers) == list(range(1, 25))
    for value, logits in answers.items():
        np.testing.assert_allclose(logits[0], value, rtol=1e-6)
    assert max(MODEL.batches) <= 2 * inference.BATCH
    assert len(MODEL.batches) < 24


def test_the_same_picture_from_many_at_once_is_computed_once(network):
    MODEL.gate.clear()
    threads = [threading.Thread(target=network.logits, args=(picture(9),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    MODEL.gate.set()
    for thread in threads:
        thread.join(30)
    assert MODEL.batches == [2]


def test_frames_of_webcams_come_after_all_pictures_and_one_at_a_time(network):
    MODEL.gate.clear()
    asked = [
        (0, inference.PICTURE),
        (1, inference.PICTURE),
        (2, inference.FRAME),
        (3, inference.FRAME),
        (4, inference.PICTURE),
        (5, inference.PICTURE),
    ]
    answers = {}

    def ask(value, kind):
        answers[value] = network.logits_of(network.checkpoint.views(picture(value)), kind=kind)[0]

    threads = []
    for place, one in enumerate(asked):
        threads.append(threading.Thread(target=ask, args=one))
        threads[-1].start()
        ends = time.monotonic() + 10
        while len(MODEL.batches) + network._crowd.qsize() < place + 1:  # the first two are at work, the others in line
            assert time.monotonic() < ends
            time.sleep(0.001)
    MODEL.gate.set()
    for thread in threads:
        thread.join(30)
    assert answers == {value: value for value, _ in asked}
    assert MODEL.batches == [2, 2, 4, 2, 2]  # two views each


def head_of(*weight):
    """A head of one class over the two features, whose constraint would show if it were applied."""
    head = ConstrainedLinear(2, 1, constraint=Clamp(0, 0)).eval()
    head.load_state_dict({"weight": torch.tensor([weight], dtype=torch.float32), "bias": torch.tensor([0.5])})
    return head


def test_a_head_of_ones_own_gives_its_raw_logits(network):
    np.testing.assert_allclose(network.logits(picture(7), head_of(2, 0)), [14.5], rtol=1e-6)
    np.testing.assert_allclose(network.logits(picture(7)), [7, 7 * 48], rtol=1e-6)
    np.testing.assert_allclose(network.features_of([picture(7), picture(9)]), [8, 8 * 48], rtol=1e-6)


def test_another_head_does_not_run_the_network_again(network):
    for head in (None, head_of(1, 0), head_of(0, 1), None):
        network.logits(picture(7), head)
    assert MODEL.batches == [2]


def test_heads_at_once_on_one_picture_get_their_own_answers(network):
    MODEL.gate.clear()
    answers = {}

    def ask(value):
        answers[value] = network.logits(picture(3), head_of(value, 0) if value else None)[0]

    threads = [threading.Thread(target=ask, args=(value,)) for value in range(8)]
    for thread in threads:
        thread.start()
    MODEL.gate.set()
    for thread in threads:
        thread.join(30)
    assert answers == {0: 3} | {value: 3 * value + 0.5 for value in range(1, 8)}
    assert MODEL.batches == [2]


def test_the_real_network_gives_what_its_model_gives():
    """Mean features through the layer, against the mean of the model's own logits; whoever has a head of their own."""
    checkpoint = bundled()
    network = inference.network(checkpoint.key)
    noise = np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8)
    views = checkpoint.views(PIL.Image.fromarray(noise))
    with torch.inference_mode():
        wanted = checkpoint.model()(checkpoint.batch(views)).mean(0).numpy()
    torch.manual_seed(0)
    own = ConstrainedLinear(512, 10).eval()
    for _ in range(2):
        np.testing.assert_allclose(network.logits_of(views), wanted, rtol=0, atol=1e-5)
        assert np.abs(network.logits_of(views, own) - wanted).max() > 0.1


def test_memory_is_bounded(network, monkeypatch):
    monkeypatch.setattr(inference, "REMEMBERED", 4)
    for value in range(10):
        network.logits(picture(value))
    assert len(network._known) == 4
    network.logits(picture(0))  # forgotten, so computed again
    assert len(MODEL.batches) == 11


def test_a_failure_reaches_its_asker_and_is_not_remembered(network, monkeypatch):
    def broken(crops):
        raise RuntimeError("no memory")

    good = network.checkpoint.batch
    object.__setattr__(network.checkpoint, "batch", broken)
    with pytest.raises(RuntimeError, match="no memory"):
        network.logits(picture(5))
    object.__setattr__(network.checkpoint, "batch", good)
    np.testing.assert_allclose(network.logits(picture(5))[0], 5, rtol=1e-6)


def test_a_poisoned_picture_fails_alone(network):
    good, answers = network.checkpoint.batch, {}

    def batch(crops):
        if crops[0].size == (5, 5):
            raise RuntimeError("poisoned")
        return good(crops)

    def ask(value, size):
        try:
            answers[value] = network.logits(picture(value, size))[0]
        except RuntimeError as error:
            answers[value] = str(error)

    def until(true):
        ends = time.monotonic() + 10
        while not true():
            assert time.monotonic() < ends
            time.sleep(0.001)

    object.__setattr__(network.checkpoint, "batch", batch)
    MODEL.gate.clear()  # the first two forward passes wait, so that the others queue up behind them, in one batch
    threads = [threading.Thread(target=ask, args=(v, (5, 5) if v in (3, 6) else (4, 4))) for v in range(1, 9)]
    for number, thread in enumerate(threads):
        thread.start()
        if number < 2:
            until(lambda at_work=number + 1: len(MODEL.batches) == at_work)
    until(lambda: network._crowd.qsize() == 6)
    MODEL.gate.set()
    for thread in threads:
        thread.join(30)
    assert answers == {value: "poisoned" if value in (3, 6) else value for value in range(1, 9)}


def test_an_unknown_model_is_named():
    for name in ("resnet50", "../cifar10", None, 7, ["cifar10"]):
        with pytest.raises(CheckpointError, match=re.escape(f"cifar10, imagenet, got {name!r}")):
            inference.network(name)


def test_a_model_that_failed_to_load_is_tried_again(monkeypatch):
    attempts = []

    def failing():
        attempts.append(1)
        raise CheckpointError("no network")

    monkeypatch.setitem(models.CHECKPOINTS, "imagenet", failing)
    for _ in range(2):
        with pytest.raises(CheckpointError):
            inference.network("imagenet")
    assert len(attempts) == 2


def test_a_model_on_its_way_is_waited_for_only_by_those_who_want_to(monkeypatch):
    begun, arrived = threading.Event(), threading.Event()

    def slow():
        begun.set()
        arrived.wait(30)
        return types.SimpleNamespace(key="imagenet")

    monkeypatch.setitem(models.CHECKPOINTS, "imagenet", slow)
    monkeypatch.setattr(inference, "_networks", {})
    monkeypatch.setattr(inference, "_kind", lambda checkpoint: checkpoint)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        waiting = [pool.submit(inference.network, "imagenet") for _ in range(2)]
        try:
            begun.wait(30)
            with pytest.raises(CheckpointError, match="still being loaded"):
                inference.network("imagenet", wait=False)
            assert not any(one.done() for one in waiting)
        finally:
            arrived.set()
        assert waiting[0].result(30) is waiting[1].result(30) is inference.network("imagenet", wait=False)


def test_who_waits_for_a_load_that_fails_is_told_the_same_and_the_next_one_tries_again(monkeypatch):
    """gradio may ask twice for one choice: the second answer came when another picture was there already."""
    began, go, tries = threading.Event(), threading.Event(), []

    def failing():
        tries.append(1)
        began.set()
        go.wait(10)
        raise CheckpointError(f"no weights, try {len(tries)}")

    def ask() -> str:
        with pytest.raises(CheckpointError) as caught:
            inference.network("imagenet")
        return str(caught.value)

    monkeypatch.setattr(inference, "_networks", {})
    monkeypatch.setitem(models.CHECKPOINTS, "imagenet", failing)
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        first = pool.submit(ask)
        began.wait(10)
        others = [pool.submit(ask) for _ in range(2)]
        time.sleep(0.2)  # they wait
        go.set()
        assert {first.result(10), *(other.result(10) for other in others)} == {"no weights, try 1"}
    assert ask() == "no weights, try 2"
