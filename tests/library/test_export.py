"""Models as files: each is loaded again, by the format's own means, and compared with the network it was made from."""

import json
import os
import re
import stat
from collections import OrderedDict
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from constrained import ConstrainedLinear, export, heads, images, registry, training
from constrained.models import cifar10
from constrained.page import models as menu
from constrained.page import pictures
from constrained.page.server import inference
from constrained.page.tabs import export as tab

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
DEFAULTS = {key: parameter.default for key, parameter in registry.PARAMETERS.items()}
BUILT = {key: registry.build(key, DEFAULTS) for key in registry.REGISTRY}


class Every(nn.Module):
    """All constraints of the registry at once, ``(B, C)`` to ``(B, len(registry), C)``: exporting takes seconds."""

    def __init__(self):
        super().__init__()
        self.constraints = nn.ModuleList(BUILT.values())

    def forward(self, x):
        return torch.stack([constraint(x) for constraint in self.constraints], 1)


class Small(nn.Module):
    """The shape of a ResNet without its weight. A black picture has the bias for logits, with ties in it."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 16, 3, stride=2, bias=False)
        self.fc = ConstrainedLinear(16, 10, constraint=Every())
        with torch.no_grad():
            self.conv.weight.normal_()
            self.fc.weight.normal_(std=4)
            self.fc.bias.copy_(torch.tensor([3.0, 3, -1, 0, 0, 7, -30, 7, 0.5, -2]))

    def forward(self, pictures):
        return self.fc(self.conv(pictures).relu().mean((2, 3)))


def run(path, pictures):
    """A file's outputs, as tensors."""
    if path.suffix == ".pt2":
        return torch.export.load(path).module()(pictures)
    session = onnxruntime.InferenceSession(path)
    assert [i.name for i in session.get_inputs()] == ["pictures"]
    assert [o.name for o in session.get_outputs()] == ["logits", "constrained"]
    return [torch.from_numpy(out) for out in session.run(None, {"pictures": pictures.numpy()})]


@pytest.fixture(scope="module", params=[".pt2", ".onnx"])
def small(request, tmp_path_factory):
    """The stand-in and its file."""
    torch.manual_seed(0)
    network = Small().eval()
    path = tmp_path_factory.mktemp("small") / f"small{request.param}"
    export.save(network, path, 16)
    assert isinstance(network.fc, ConstrainedLinear)  # saving changes nothing on it
    return network, path


@pytest.fixture(scope="module", params=[1, 5])
def outputs(request, small):
    """What the stand-in's file gives for a batch, and its logits in eager mode."""
    network, path = small
    pictures = torch.randn(request.param, 3, 16, 16)
    pictures[0] = 0
    with torch.no_grad():
        logits = network.fc.logits(network.conv(pictures).relu().mean((2, 3)))
    return run(path, pictures), logits


@pytest.mark.parametrize("key", BUILT)
def test_every_constraint_comes_back(outputs, key):
    (logits, constrained), expected = outputs
    torch.testing.assert_close(logits, expected, rtol=1e-5, atol=1e-5)
    # On the file's own logits: what differs there in the last digit is no matter of the constraint.
    torch.testing.assert_close(constrained[:, list(BUILT).index(key)], BUILT[key](logits), rtol=1e-5, atol=1e-6)


@pytest.fixture(scope="module")
def cat():
    """The views of a sample as the bundled network's input, and the logits that the page shows for it."""
    net = inference.network("cifar10")
    picture = images.decode(pictures.FIRST_SAMPLE.read_bytes())
    return net.checkpoint.batch(net.checkpoint.views(picture)), torch.from_numpy(net.logits(picture))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "method"), [("net.pt2", "clamp_inward"), ("net.onnx", "entmax15")])
def test_the_real_network_gives_the_pages_numbers(tmp_path, cat, name, method):
    views, shown = cat
    network, about = export.model(cifar10.checkpoint(), method, DEFAULTS)
    export.save(network, tmp_path / name, views.shape[-1], about)
    assert export.facts(tmp_path / name) == about
    assert about["input"]["shape"] == ["batch", 3, *views.shape[2:]]
    assert about["labels"][3] == "cat"
    assert about["constraint"]["settings"].items() <= DEFAULTS.items()
    logits, constrained = run(tmp_path / name, views)
    torch.testing.assert_close(logits.mean(0), shown, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(constrained, BUILT[method](logits), rtol=1e-5, atol=1e-6)
    with torch.no_grad():
        torch.testing.assert_close(constrained, network(views).constrained, rtol=1e-4, atol=1e-4)
    # Nothing about the machine that made it.
    assert str(ROOT).encode() not in (tmp_path / name).read_bytes()
    if name.endswith(".onnx"):
        onnx.checker.check_model(tmp_path / name, full_check=True)


def test_the_facts_tell_how_a_picture_becomes_input(cat):
    """Done by hand, from the facts alone, it is what the page feeds to the network."""
    about = export.model(cifar10.checkpoint(), "clamp", DEFAULTS)[1]["input"]
    checkpoint = cifar10.checkpoint()
    view = checkpoint.views(images.decode(pictures.FIRST_SAMPLE.read_bytes()))[0]
    size = about["shape"][2]
    x = torch.from_numpy(np.array(view)).permute(2, 0, 1)[None].float() / 255
    x = nn.functional.interpolate(x, size=(size, size), mode="bilinear")
    mean, std = (torch.tensor(about[key]).view(3, 1, 1) for key in ("mean", "std"))
    torch.testing.assert_close((x - mean) / std, cat[0][:1])


@pytest.fixture(scope="module")
def head():
    """A head as a visitor trains it, as a file."""
    torch.manual_seed(1)
    known = training.data()
    layer = ConstrainedLinear(known.width, 10, constraint=BUILT["softmax"])
    return heads.save(layer, "softmax", known.classes, known.network)


def test_a_head_of_ones_own_takes_the_place_of_the_last_layer(cat, head):
    network, about = export.model(cifar10.checkpoint(), "clamp", DEFAULTS, heads.load(head))
    picture = images.decode(pictures.FIRST_SAMPLE.read_bytes())
    shown = inference.network("cifar10").logits(picture, heads.load(head).layer)
    network.fc.constraint = None
    with torch.no_grad():
        np.testing.assert_allclose(network(cat[0]).logits.mean(0).numpy(), shown, atol=1e-4)
    assert about["network"].endswith("with a head of one's own")
    assert about["constraint"]["method"] == "clamp"  # the column's, not the head's


def test_a_head_of_another_network_is_refused(head):
    other = heads.load(head)._replace(network="0" * 64)
    with pytest.raises(ValueError, match="another network"):
        export.model(cifar10.checkpoint(), "clamp", DEFAULTS, other)


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"must end in .pt2 or .onnx, got net.pt"):
        export.save(Small(), tmp_path / "net.pt", 16)


def test_without_its_packages_onnx_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(export.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(export.ExportError, match="pip install onnx onnxscript"):
        export.save(Small(), tmp_path / "net.onnx", 16)
    with pytest.raises(export.ExportError, match="pip install onnx onnxscript"):
        tab.file(".onnx", "clamp", {"lo": -1.0, "hi": 1.0}, "cifar10", None)


def test_the_program_ends_with_a_sentence(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        export.main([str(tmp_path / "net.pt2"), "clamp", "--lo", "3", "--hi", "1"])
    assert ended.value.code == export.REFUSED
    assert capsys.readouterr().err == "lo must not be greater than hi, got lo=3.0 and hi=1.0\n"


def test_the_extra_is_what_is_tested():
    extra = re.search(r"^onnx = (\[.*\])$", (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    pinned = (ROOT / "tests" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert {"onnx", "onnxscript"} == {name.split("==")[0] for name in json.loads(extra[1])}
    assert set(json.loads(extra[1])) <= set(pinned)


# The page's files -----------------------------------------------------------------------------------------------------


def ask(**changes):
    asked = {"ending": ".pt2", "method": "clamp", "settings": DEFAULTS, "model": "cifar10"}
    return json.dumps(asked | changes)


@pytest.fixture
def nothing_made(monkeypatch):
    """A page that has made no file yet."""
    monkeypatch.setattr(tab, "_made", OrderedDict())
    monkeypatch.setattr(tab, "_folder", None)


@pytest.fixture
def made(nothing_made, monkeypatch):
    """A page that makes files in no time; what it was asked to make."""
    calls = []

    def make(path, *rest):
        calls.append((path, *rest))
        path.write_text("a model", encoding="utf-8")

    monkeypatch.setattr(tab, "make", make)
    return calls


def last(question, head=None):
    """The path and the sentence that the page ends up with."""
    answer = list(tab.on_make(question, head))[-1]
    return answer["file"], answer["notice"]


@pytest.mark.slow
def test_the_page_makes_a_file_that_loads(nothing_made, cat):
    """Through the process that the page starts."""
    path, told = last(ask(method="sparsemax"))
    assert (Path(path).name, told) == ("resnet18-cifar10-sparsemax.pt2", "")
    logits, constrained = run(Path(path), cat[0])
    torch.testing.assert_close(logits.mean(0), cat[1], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(constrained, BUILT["sparsemax"](logits), rtol=1e-5, atol=1e-6)


def test_a_setting_is_made_once(made):
    first, _ = last(ask())
    assert last(ask(settings=DEFAULTS | {"lam": 1.0}))[0] == first  # a clamp has no lambda
    assert last(ask(settings=DEFAULTS | {"hi": 1.0}))[0] != first
    assert len(made) == 2


def test_few_files_are_kept_and_the_oldest_goes(made):
    paths = []
    for hi in range(tab.KEPT):
        paths.append(Path(last(ask(settings=DEFAULTS | {"hi": hi}))[0]))
    last(ask(settings=DEFAULTS | {"hi": 0}))  # used again: now the second is the oldest
    paths.append(Path(last(ask(settings=DEFAULTS | {"hi": 9}))[0]))
    assert [path.exists() for path in paths] == [True, False, True, True, True]
    assert not paths[1].parent.exists()


def test_the_folder_is_nobody_elses(made):
    path = Path(last(ask())[0])
    assert stat.S_IMODE(os.stat(tab.folder()).st_mode) == 0o700
    assert tab.folder() in path.parents
    assert ROOT not in path.parents


def test_a_file_that_fails_leaves_nothing(nothing_made, monkeypatch):
    class Failed:
        returncode, stderr = 1, "Traceback"

    monkeypatch.setattr(tab.subprocess, "run", lambda *_, **__: Failed)
    path, told = last(ask())
    assert path is None
    assert "could not be made: try again" in told
    assert {path.name for path in tab.folder().iterdir()} <= {"lock"}
    assert not tab._made


def test_what_the_program_refuses_is_told(nothing_made, monkeypatch):
    class Refused:
        returncode, stderr = export.REFUSED, "a warning\nThe ImageNet weights are far away.\n"

    monkeypatch.setattr(tab.subprocess, "run", lambda *_, **__: Refused)
    assert "The ImageNet weights are far away." in last(ask(model="imagenet"))[1]


def test_the_visitors_head_goes_along(made, head):
    last(ask(model=menu.named(head)), head)
    last(ask(), head)  # the bundled model's, although there is a head
    assert [call[-1] for call in made] == [head, None]
    path, told = last(ask(model=menu.named(b"no head")), b"no head")
    assert path is None
    assert "safetensors" in told
    for other in (None, b"another"):
        path, told = last(ask(model=menu.named(head)), other)
        assert (path, "no longer available" in told) == (None, True)
    assert len(made) == 2


@pytest.mark.parametrize(
    "question",
    [
        "",
        "[]",
        "{}",
        "[" * 500,
        "[" * 30_000,
        "[" * 100_000,
        ask(ending=".py"),
        ask(ending="/../../x.pt2"),
        ask(method="eval"),
        ask(method="../clamp"),
        ask(model="vgg"),
        ask(model="../../cifar10"),
        ask(model=menu.YOURS),  # without one
        ask(settings=None),
        ask(settings={}),
        ask(settings=DEFAULTS | {"lo": 5}),
        ask(settings=DEFAULTS | {"hi": "4; rm"}),
        ask(settings=DEFAULTS | {"hi": 1e9}),
        ask(settings=DEFAULTS | {"lo": float("nan")}),
    ],
)
def test_hostile_questions_are_refused(made, question):
    with pytest.raises(tab.gr.Error, match="The file cannot be made"):
        last(question)
    assert not made
