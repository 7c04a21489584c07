"""torchvision's compiled operators and a build of torch that cannot load them: `constrained.model` must survive both.

Every case runs in an interpreter of its own, because operators are declared once a process and never taken back.
"""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from constrained import model

ROOT = Path(__file__).parent.parent

# Writes down what is declared in torchvision's namespace by way of torch.library.define.
SPY = """
import torch
defined, define = [], torch.library.define
def spy(name, *arguments, **options):
    if name.startswith("torchvision::"):
        defined.append(name)
    return define(name, *arguments, **options)
torch.library.define = spy
"""

# What TORCH_LIBRARY(torchvision) in the compiled library does, as far as ResNet18 is concerned. The namespace is
# defined as a whole, so that a second declaration of either name is an error.
LIBRARY = """
SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
loads, kept = [], []
def declare():
    kept.append(torch.library.Library("torchvision", "DEF"))
    for name in ("nms", "qnms"):
        kept[0].define(name + SCHEMA)
def load_library(path):
    loads.append(path)
    if loads_now and not kept and "_C" in path:
        declare()
    else:  # torchvision's own attempt has to fail: it goes on to ask for every operator of the real library
        raise OSError("Could not load this library: " + path)
torch.ops.load_library = load_library
"""

USE = """
import constrained.model, torchvision.ops
y = constrained.model.constrained_resnet18(num_classes=3).eval()(torch.zeros(1, 3, 32, 32))
assert y.shape == (1, 3)
print("defined", *defined)
"""


def python(code):
    """Run code in a fresh interpreter, in the root of the repository."""
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def matching():
    """Whether torchvision imports here by itself."""
    result = python("import torchvision")
    if result.returncode:
        assert "operator torchvision::nms does not exist" in result.stderr, result.stderr
    return result.returncode == 0


@pytest.fixture(scope="module")
def here():
    """`constrained.model` imported and used, with the wheels of this machine as they are."""
    return python(SPY + USE)


def test_model_and_torchvision_ops_import_here(here):
    assert here.returncode == 0, here.stderr


def test_plain_torchvision_does_not_import_here_and_both_schemas_are_declared(matching, here):
    if matching:
        pytest.skip("torch and torchvision match on this machine: import torchvision works without help")
    assert here.stdout.split() == ["defined", "torchvision::nms", "torchvision::qnms"]


def test_matching_wheels_are_left_alone_here(matching, here):
    if not matching:
        pytest.skip("torch cannot load torchvision's operators on this machine; the simulated case covers it")
    assert here.stdout.split() == ["defined"]


@pytest.mark.parametrize("setting", ["loads_now = True", "loads_now = False; declare()"], ids=["now", "before"])
def test_operators_that_a_library_declared_are_not_declared_again(setting):
    result = python(SPY + LIBRARY + setting + USE + "assert kept and '_C' in loads[0]")
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == ["defined"]


def test_declaring_again_what_a_library_declared_is_an_error():
    """Guards the test above: a library of the simulated kind forbids what the work-around must not do."""
    library = torch.library.Library("constrained_test", "DEF")
    library.define("nms(Tensor x) -> Tensor")
    with pytest.raises(RuntimeError, match="constrained_test::nms"):
        torch.library.define("constrained_test::nms", "(Tensor x) -> Tensor")


def test_nothing_is_declared_where_torchvision_is_not_installed(monkeypatch):
    """The import that follows then fails with Python's own message, which names the missing package."""

    def refuse(*arguments, **options):
        raise AssertionError(arguments)

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(torch.library, "define", refuse)
    monkeypatch.setattr(torch.ops, "load_library", refuse)
    model._declare_missing_operators()
