"""What all tabs are about is one object; nothing beside its own file knows the bundled network's name or sizes."""

import re
from pathlib import Path

import torch

from constrained import models, training

ROOT = Path(__file__).parents[2]
OWN = {"constrained/models/cifar10.py", "constrained/models/pretrain.py", "constrained/models/__init__.py"}
OWN |= {"app.py"}  # the default of --model, which --help has to know without torch


def test_the_bundled_network_is_named_in_its_own_file_alone():
    sources = [*(ROOT / "constrained").rglob("*.py"), *(ROOT / "assets" / "web").rglob("*.js"), ROOT / "app.py"]
    assert len(sources) > 100
    named = {str(path.relative_to(ROOT)) for path in sources if "cifar10" in path.read_text(encoding="utf-8")}
    assert named == OWN


def test_its_widths_come_from_its_files():
    """512 features and ten classes: the first is every ResNet18's, and stands there once."""
    sources = [path for path in (ROOT / "constrained").rglob("*.py") if path.name not in ("pretrain.py", "cifar10.py")]
    widths = re.compile(r"\(512\b|\b512,|num_classes=10\b|\b512\)")
    lines = [line.strip() for path in sources for line in path.read_text(encoding="utf-8").splitlines()]
    example = "resnet.fc = ConstrainedLinear(512, 10, constraint=Clamp(-2, 2), penalty=PenaltyL2(1e-3))"
    assert [line for line in lines if widths.search(line)] == [example]


def test_the_labelled_set_belongs_to_the_network():
    subject, data = models.bundled(), training.data()
    features, logits, labels, fit = subject.tested("features", "logits", "labels", "fit")
    assert (data.classes, data.network, data.width) == (subject.labels, subject.sha256, features.shape[1])
    assert (len(data.fit[1]), len(data.judge[1])) == (int(fit.sum()), int((~fit).sum()))
    assert training.EXAMPLES.high == len(data.fit[1])
    assert logits.shape == (len(labels), len(subject.labels))
    state = subject.load()
    again = features.float() @ state["fc.weight"].T + state["fc.bias"]
    torch.testing.assert_close(again, logits.float(), rtol=0.02, atol=0.05)  # both are kept in float16
    right = (logits.float().argmax(1) == labels).float().mean().item()
    assert abs(right - subject.figures["accuracy"]) < 2e-3
    assert subject.file.is_file()
    assert models.CHECKPOINTS["imagenet"]().tested is None
