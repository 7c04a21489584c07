"""torchvision's compiled operators and a build of torch that cannot load them: `constrained.model` must survive both.

Every case runs in a process of its own, because operators are declared once a process and never taken back.
"""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
import torch

from constrained import model

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]

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
assert y.constrained.shape == (1, 3)
print("defined", *defined)
"""


CASES = {
    "plain": "import torchvision",
    "here": SPY + USE,  # with the wheels of this machine as they are
    "now": SPY + LIBRARY + "loads_now = True" + USE + "assert kept and '_C' in loads[0]",
    "before": SPY + LIBRARY + "loads_now = False; declare()" + USE + "assert kept and '_C' in loads[0]",
}

# Importing torch takes seconds, and changes nothing of torchvision's: the cases fork from one process that has done so.
FORK = """
import json, os, sys, tempfile, torch
def run(code):
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if not child:
            os.dup2(out.fileno(), 1), os.dup2(err.fileno(), 2)
            exec(code, {})
            sys.exit()
        _, status = os.waitpid(child, 0)
        told = [(file.seek(0), file.read().decode())[1] for file in (out, err)]
        return [os.waitstatus_to_exitcode(status), *told]
# A child leaves through here as well, by SystemExit or with a traceback, like an interpreter of its own.
told = {name: run(code) for name, code in json.loads(sys.argv[1]).items()}
print(json.dumps(told))
"""


class Ran(NamedTuple):
    """How a case ended."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture(scope="module")
def ran():
    """Every case, run in the root of the repository: name to `Ran`."""
    command = [sys.executable, "-c", FORK, json.dumps(CASES)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return {name: Ran(*told) for name, told in json.loads(done.stdout).items()}


@pytest.fixture(scope="module")
def matching(ran):
    """Whether torchvision imports here by itself."""
    if ran["plain"].returncode:
        assert "operator torchvision::nms does not exist" in ran["plain"].stderr, ran["plain"].stderr
    return ran["plain"].returncode == 0


@pytest.fixture(scope="module")
def here(ran):
    return ran["here"]


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


@pytest.mark.parametrize("case", ["now", "before"])
def test_operators_that_a_library_declared_are_not_declared_again(ran, case):
    assert ran[case].returncode == 0, ran[case].stderr
    assert ran[case].stdout.split() == ["defined"]


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
