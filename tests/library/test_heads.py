"""A trained head as a file: it comes back as it was, and nothing else is taken for one."""

import json
import math
import random
import re
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest
import safetensors.torch
import torch

from constrained import constrained_resnet18, heads, registry
from constrained import functional as F
from constrained.heads import HeadError
from constrained.models import cifar10, imagenet
from constrained.modules import (
    Clamp,
    ConstrainedLinear,
    Constraint,
    Entmax15,
    PenaltyL1,
    PenaltyL2,
    ProxL1,
    Softmax,
    Sparsemax,
)
from constrained.parameters import Mask, Vector

CLASSES = ("cat", "Löwe", 'a "dog"')
NETWORK = "0123456789abcdef" * 4
SETTINGS = {key: p.default for key, p in registry.PARAMETERS.items()}
SETTINGS |= {"lo": -0.3, "hi": 1.7, "temperature": 0.6, "lam": 0.2, "radius": 2.5}
KINDS = {"softmax": Softmax, "sparsemax": Sparsemax, "entmax15": Entmax15}


def layer(constraint=None, penalty=None, features=8):
    torch.manual_seed(0)
    return ConstrainedLinear(features, len(CLASSES), constraint=constraint, penalty=penalty).eval()


def saved(constraint=None, method="", penalty=None):
    return heads.save(layer(constraint, penalty), method, CLASSES, NETWORK)


FEATURES = torch.randn(50, 8, generator=torch.Generator().manual_seed(1)) * 3


def parts(data):
    """Tensors and metadata of a file."""
    length = int.from_bytes(data[:8], "little")
    return safetensors.torch.load(data), json.loads(data[8 : 8 + length])["__metadata__"]


def changed(tensors=None, **metadata):
    """A file that was good but for these changes; ``None`` takes an entry away."""
    old, facts = parts(saved(Clamp(-1, 2), "clamp", PenaltyL1(0.01)))
    facts = {key: value for key, value in (facts | metadata).items() if value is not None}
    return safetensors.torch.save(old if tensors is None else tensors, facts)


# Good files ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("penalty", [None, PenaltyL1(0.01), PenaltyL2(3e-5)], ids=["none", "l1", "l2"])
@pytest.mark.parametrize("method", ["", *registry.REGISTRY])
def test_round_trip(method, penalty):
    constraint = registry.build(method, SETTINGS) if method else None
    before = layer(constraint, penalty)
    after = heads.load(heads.save(before, method, CLASSES, NETWORK))
    assert torch.equal(after.layer(FEATURES).constrained, before(FEATURES).constrained)
    assert after.method == method
    assert after.classes == CLASSES
    assert after.network == NETWORK
    keys = [p.key for p in registry.REGISTRY[method].parameters] if method else []
    assert after.settings == {key: SETTINGS[key] for key in keys}
    assert repr(after.layer) == repr(before)  # the clamp's gradient, and the penalty with its weight
    out, wanted = after.layer.train()(FEATURES), before.train()(FEATURES)
    assert torch.equal(out.penalty, wanted.penalty)


@pytest.mark.parametrize("temperature", [math.exp(-10), 0.03, 1.0, 0.1 + 0.2, math.exp(10)])
@pytest.mark.parametrize("method", KINDS)
def test_a_learned_temperature_comes_back_fixed_at_its_value(method, temperature):
    """It may lie outside the slider's range, and is a float32 on the way."""
    before = layer(KINDS[method](temperature=temperature, learnable=True))
    after = heads.load(heads.save(before, method, CLASSES, NETWORK))
    assert not after.layer.constraint.learnable
    assert after.settings["temperature"] == pytest.approx(temperature, rel=1e-5)
    assert torch.equal(after.layer(FEATURES).constrained, before(FEATURES).constrained)


@pytest.mark.parametrize("method", KINDS)
def test_a_tiny_temperature_gives_no_nan(method):
    after = heads.load(changed(method=method, settings='{"temperature": 2e-38}'))
    outputs = after.layer(FEATURES).constrained
    torch.testing.assert_close(outputs.sum(-1), torch.ones(50))


def test_loading_leaves_the_global_generator_alone():
    data = saved()
    state = torch.get_rng_state()
    heads.load(data)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_loaded_head_can_be_trained_on():
    head = heads.load(saved(Softmax(temperature=2.0), "softmax", PenaltyL2(0.1))).layer.train()
    out = head(FEATURES)
    (out.logits.sum() + out.penalty).backward()
    assert head.weight.grad.abs().sum() > 0
    assert head.bias.grad.abs().sum() > 0


def test_a_head_of_imagenets_size_fits():
    labels = imagenet.checkpoint().labels
    data = heads.save(ConstrainedLinear(512, 1000), "", labels, NETWORK)
    assert heads.load(data).classes == labels


def test_a_head_that_diverged_cannot_be_saved():
    broken = layer()
    with torch.no_grad():
        broken.weight[1, 2] = math.nan
    with pytest.raises(HeadError, match="diverged: train it again with a lower learning rate"):
        heads.save(broken, "", CLASSES, NETWORK)


UNLIKE = {
    "another gradient": (lambda: layer(Clamp(-1, 1, gradient="inward")), "clamp", "name the one"),
    "not of this library": (lambda: layer(torch.nn.Tanh()), "clamp", "name the one"),
    "said to be none": (lambda: layer(torch.nn.Sigmoid()), "", "name the one"),
    "said to be one": (lambda: layer(), "clamp", "name the one"),
    "an unknown name": (lambda: layer(Clamp(-1, 1)), "relu", "name the one"),
    "a bound for each class": (lambda: layer(Clamp([0.0, 0.1, 0.2], 1)), "clamp", "a lo for each class"),
    "a foreign penalty": (lambda: layer(None, torch.nn.Flatten()), "", "cannot hold the penalty"),
    "no bias": (lambda: ConstrainedLinear(8, 3, bias=False), "", "has no bias"),
}


@pytest.mark.parametrize(("build", "method", "says"), UNLIKE.values(), ids=UNLIKE)
def test_a_file_is_made_from_what_the_layer_is_or_not_at_all(build, method, says):
    """An inward clamp that was saved as a plain one would load as something else."""
    with pytest.raises(HeadError, match=says):
        heads.save(build(), method, CLASSES, NETWORK)


# Bad files ----------------------------------------------------------------------------------------------------------

W, B = torch.zeros(3, 8), torch.zeros(3)
GOOD = changed()
BAD = {
    "empty": (b"", "empty"),
    "text": (b"lo,hi\n1,2\n3,4\n", "not a safetensors file"),
    "json": (b'{"weight": [[1, 2], [3, 4]]}', "not a safetensors file"),
    "picture": (b"\x89PNG\r\n\x1a\n" + bytes(100), "not a safetensors file"),
    "pickle": (b"\x80\x02}q\x00(X\x06\x00\x00\x00weight", "torch.save file, which can run code"),
    "zipped pickle": (b"PK\3\4" + bytes(200), "torch.save file, which can run code"),
    "cut short": (GOOD[:-1], "damaged"),
    "cut in the header": (GOOD[:100], "only a part"),
    "one byte more": (GOOD + b"\0", "damaged"),
    "too large": (bytes(heads.MAX_BYTES + 1), "larger than 4 MB"),
    "header that claims 2**63": (b"\xff" * 8 + b"{", "not a safetensors file"),
    "header too large": ((300_000).to_bytes(8, "little") + b"{" + b" " * 300_000, "header of 300,000 bytes"),
    "nested header": ((100_000).to_bytes(8, "little") + b'{"a":' + b"[" * 99_995, "damaged"),
    "header is no UTF-8": ((8).to_bytes(8, "little") + b'{"\xff\xfe":1}', "damaged"),
    "metadata missing": (safetensors.torch.save({"weight": W, "bias": B}), "does not hold a head"),
    "another format": (changed(format="pt"), "does not hold a head"),
    "another version": (changed(version="2"), "version “2”"),
    "no version": (changed(version=None), "version “none”"),
    "no method": (changed(method=None), "is missing its method"),
    "no settings": (changed(settings=None), "is missing its settings"),
    "no penalty": (changed(penalty=None), "is missing its penalty"),
    "no weight of the penalty": (changed(lam=None), "is missing its lam"),
    "no classes": (changed(classes=None), "is missing its classes"),
    "no network": (changed(network=None), "is missing its network"),
    "unknown method": (changed(method="relu"), "“relu”"),
    "method for a terminal": (changed(method="\x1b[2J" + "x" * 1000), "“ \\[2Jxxx"),
    "unknown penalty": (changed(penalty="l0"), "“l0”"),
    "network of another kind": (changed(network="resnet18"), "SHA-256"),
    "settings no JSON": (changed(settings="{lo: 1}"), "settings in this head file cannot be read"),
    "settings nested": (changed(settings="[" * 20_000), "settings in this head file cannot be read"),
    "settings a list": (changed(settings="[-1, 2]"), "lo and hi"),
    "parameter missing": (changed(settings='{"lo": 1}'), "lo and hi"),
    "parameter too many": (changed(settings='{"lo": -1, "hi": 1, "radius": 2}'), "lo and hi"),
    "parameters without a method": (changed(method=""), "no parameters"),
    "bounds crossed": (changed(settings='{"lo": 2, "hi": 1}'), "lo=2.0 and hi=1.0"),
    "bound NaN": (changed(settings='{"lo": NaN, "hi": 1}'), "lo in this head file must be a number"),
    "bound infinite": (changed(settings='{"lo": 0, "hi": Infinity}'), "hi in this head file must be a number"),
    "bound huge": (changed(settings='{"lo": 0, "hi": 1' + "0" * 400 + "}"), "hi in this head file must be a number"),
    "bound of a million digits": (changed(settings='{"lo": 0, "hi": 1' + "0" * 9000 + "}"), "cannot be read"),
    "bound true": (changed(settings='{"lo": 0, "hi": true}'), "hi in this head file must be a number"),
    "bound as text": (changed(settings='{"lo": 0, "hi": "1"}'), "hi in this head file must be a number"),
    "temperature 0": (changed(method="softmax", settings='{"temperature": 0}'), "temperature must be positive"),
    "temperature 1e-300": (changed(method="softmax", settings='{"temperature": 1e-300}'), "too small for float32"),
    "temperature negative": (changed(method="softmax", settings='{"temperature": -9.17}'), "must be positive"),
    "penalty negative": (changed(lam="-1"), "lam must be zero or more"),
    "penalty no number": (changed(lam="null"), "lam in this head file must be a number"),
    "classes no list": (changed(classes='"cat"'), "list its classes"),
    "classes no names": (changed(classes="[1, 2, 3]"), "list its classes"),
    "classes none": (changed(classes="[]"), "list its classes"),
    "classes too many": (changed(classes='["a", "b", "c", "d"]'), "for 4 classes"),
    "no bias": (changed({"weight": W}), "a weight, a bias"),
    "another tensor": (changed({"weight": W, "bias": B, "x": torch.zeros(1)}), "a weight, a bias"),
    "weight of three dimensions": (changed({"weight": torch.zeros(3, 2, 4), "bias": B}), "shapes"),
    "weight of one dimension": (changed({"weight": torch.zeros(3), "bias": B}), "shapes"),
    "weight a scalar": (changed({"weight": torch.zeros(()), "bias": B}), "shapes"),
    "weight without features": (changed({"weight": torch.zeros(3, 0), "bias": B}), "shapes"),
    "weight transposed": (changed({"weight": torch.zeros(8, 3), "bias": B}), "shapes"),
    "bias too long": (changed({"weight": W, "bias": torch.zeros(4)}), "shapes"),
    "half precision": (changed({"weight": W.half(), "bias": B.half()}), "not float32"),
    "integers": (changed({"weight": W.int(), "bias": B}), "not float32"),
    "weight NaN": (changed({"weight": W + math.nan, "bias": B}), "not finite"),
    "bias infinite": (changed({"weight": W, "bias": B - math.inf}), "not finite"),
    "weight that overflows": (changed({"weight": W + 1e30, "bias": B}), "above 1,000,000"),
}


@pytest.mark.parametrize(("data", "told"), BAD.values(), ids=BAD)
def test_a_bad_file_gets_one_sentence(data, told):
    with pytest.raises(HeadError, match=told) as caught:
        heads.load(data)
    message = str(caught.value)
    assert message.endswith(".")
    assert message.isprintable()
    assert len(message) < 300
    assert ": " in message  # what is wrong: what to do


def test_the_files_that_were_changed_were_good():
    assert heads.load(GOOD).settings == {"lo": -1, "hi": 2}


def test_a_file_of_torch_save_is_refused_unread(tmp_path):
    class Attack:
        def __reduce__(self):
            return (open, (str(tmp_path / "owned"), "w"))

    for new in (True, False):
        path = tmp_path / f"head{new}.pt"
        torch.save({"weight": Attack()}, path, _use_new_zipfile_serialization=new)
        with pytest.raises(HeadError, match="can run code"):
            heads.load(heads.read(path))
    assert not (tmp_path / "owned").exists()


def test_damaged_files_are_refused_or_harmless():
    """Random bytes changed, cut out or doubled; what still loads is a head with finite weights that works."""
    rng = random.Random(0)
    header = int.from_bytes(GOOD[:8], "little") + 8
    refused = 0
    for _ in range(2000):
        data = bytearray(GOOD)
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(header if rng.random() < 0.8 else len(data))
            what = rng.randrange(4)
            if what == 0:
                data[at] ^= 1 << rng.randrange(8)
            elif what == 1:
                data[at] = rng.choice(b'"{}[]:,019-eE\\\0 \xff')
            elif what == 2:
                del data[at : at + rng.randint(1, 9)]
            else:
                data[at:at] = data[at : at + rng.randint(1, 9)]
        try:
            head = heads.load(bytes(data))
        except HeadError:
            refused += 1
        else:
            assert head.layer(torch.ones(1, head.layer.in_features)).constrained.isfinite().all()
    assert 1000 < refused < 2000  # both happen


def test_reading_stops_at_the_limit(tmp_path):
    path = tmp_path / "large.safetensors"
    with path.open("wb") as file:
        file.truncate(10 * heads.MAX_BYTES)
    assert len(heads.read(path)) == heads.MAX_BYTES + 1


# In a network -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fitted():
    """A head for the bundled network's features that no other test has."""
    torch.manual_seed(3)
    return ConstrainedLinear(512, 10, constraint=Clamp(-0.4, 0.4), penalty=PenaltyL1(0.02)).eval()


@pytest.fixture(scope="module")
def file(fitted):
    return heads.save(fitted, "clamp", cifar10.checkpoint().labels, NETWORK)


def test_a_network_takes_a_head(fitted, file, tmp_path):
    path = tmp_path / "head.safetensors"
    path.write_bytes(file)
    state = cifar10.checkpoint().load()
    plain = cifar10.checkpoint().model()
    plain.fc = torch.nn.Identity()
    pictures = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        wanted = fitted(plain(pictures)).constrained
    for head in (file, path, str(path)):
        model = constrained_resnet18(weights=state, head=head)
        assert model.training
        assert model.fc.training
        with torch.no_grad():
            outputs = model.eval()(pictures).constrained
        torch.testing.assert_close(outputs, wanted, rtol=1e-5, atol=1e-5)
    assert outputs.abs().max() <= 0.4
    assert model.fc.penalty.lam == 0.02


def test_the_guides_lines_run(file, tmp_path, monkeypatch):
    root = Path(cifar10.FOLDER).parent
    guide = (root / "constrained" / "README.md").read_text(encoding="utf-8")
    block = re.search(r"loads again.*?```python\n(.*?)```", guide, re.DOTALL)[1]
    (tmp_path / "head.safetensors").write_bytes(file)
    (tmp_path / "checkpoints").symlink_to(cifar10.FOLDER)
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    exec(block, names)
    with torch.no_grad():
        assert names["model"](torch.randn(1, 3, 64, 64)).constrained.abs().max() <= 0.4  # the head's own clamp


def test_a_network_without_weights_takes_a_head(file, fitted):
    model = constrained_resnet18(head=file)
    assert torch.equal(model.fc.weight, fitted.weight)
    assert model.fc.out_features == 10


@pytest.mark.parametrize("classes", [3, 1000])
def test_the_weights_may_have_a_head_of_another_kind(file, fitted, classes):
    """Of any width, with a learned temperature, or none at all: it is left out."""
    state = constrained_resnet18(num_classes=classes, constraint=Softmax(temperature=2.0, learnable=True)).state_dict()
    for weights in (state, {key: value for key, value in state.items() if not key.startswith("fc.")}):
        model = constrained_resnet18(weights=weights, head=file)
        assert torch.equal(model.fc.weight, fitted.weight)
        assert torch.equal(model.conv1.weight, state["conv1.weight"])


@pytest.mark.parametrize(
    "option",
    [{"num_classes": 10}, {"constraint": ProxL1(1.0)}, {"penalty": PenaltyL2(1.0)}],
    ids=lambda o: next(iter(o)),
)
def test_what_a_head_decides_cannot_be_given_twice(file, option):
    with pytest.raises(ValueError, match="come from the head"):
        constrained_resnet18(head=file, **option)


def test_a_head_for_another_number_of_features_is_refused():
    with pytest.raises(ValueError, match="512 features, got a head for 8"):
        constrained_resnet18(head=GOOD)


def test_a_bad_head_is_refused_before_anything_is_downloaded(monkeypatch):
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", None)  # any call would fail
    with pytest.raises(HeadError):
        constrained_resnet18(weights="IMAGENET1K_V1", head=b"cat")


# Parameters that differ by class --------------------------------------------------------------------------------------


@pytest.fixture
def shifted(monkeypatch):
    """The file of a head whose constraint has a vector and a mask, and its parts."""
    vector = Vector("offset", "b", "b, offset", "Added.", default=0.0, low=-5.0, high=5.0)
    mask = Mask("excluded", "M", "M, excluded", "Left out.")

    class Shift(Constraint):
        _CHECKS: ClassVar = {"offset": F.bound, "excluded": lambda _, value: torch.as_tensor(value)}

        def __init__(self, offset, excluded):
            super().__init__()
            self.offset, self.excluded = offset, excluded

        def forward(self, x):
            return torch.where(self.excluded, 0, x + self.offset)

    entry = replace(registry.REGISTRY["clamp"], key="shift", parameters=(vector, mask), build=Shift)
    monkeypatch.setitem(registry.REGISTRY, "shift", entry)
    layer = ConstrainedLinear(4, 3, constraint=Shift([1.0, -2.0, 0.5], [True, False, False]))
    return heads.save(layer, "shift", ("a", "b", "c"), "0" * 64)


def test_a_head_keeps_what_differs_by_class(shifted):
    found = heads.load(shifted)
    assert found.settings == {"offset": [1.0, -2.0, 0.5], "excluded": [True, False, False]}
    assert found.layer.constraint(torch.tensor([1.0, 1.0, 1.0])).tolist() == [0.0, -1.0, 1.5]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[1.0, -2.0, 0.5]", "[1.0, -2.0]"),
        ("[1.0, -2.0, 0.5]", "[[1.], -2., 1]"),
        ("[1.0, -2.0, 0.5]", "[1.0, NaN, 0.]"),
        ("[1.0, -2.0, 0.5]", '["1", -2., 1]'),
        ("[true, false, false]", "[1, false, false]"),
        ("[true, false, false]", "[[], false, true]"),
        ("[true, false, false]", "null"),
    ],
)
def test_a_wrong_value_of_a_class_is_told(shifted, old, new):
    tensors, metadata = parts(shifted)
    assert old in metadata["settings"]
    metadata["settings"] = metadata["settings"].replace(old, new)
    data = safetensors.torch.save(tensors, metadata)
    with pytest.raises(heads.HeadError, match="head file"):
        heads.load(data)
