"""The library, installed outside of the checkout, with nothing but what it requires."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import constrained

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tests" / "library" / "user_script.py"

# What an environment with torch, safetensors and numpy does not have.
ALONE = """
import sys

from importlib.machinery import PathFinder

class Absent:
    names = {"gradio", "huggingface_hub", "loky", "markdown_it", "onnx", "PIL", "pytest", "scipy", "torchvision"}
    def find_spec(name, path=None, target=None):
        return None if name.split(".")[0] in Absent.names else PathFinder.find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Absent
import warnings
warnings.simplefilter("ignore")
"""

USE = """
import torch
import constrained
from constrained import calibration, export, functional, gradients, heads, registry, snippets, training
from constrained.models import CHECKPOINTS, CheckpointError

assert constrained.__file__.startswith(sys.argv[1]), constrained.__file__
x, labels = torch.randn(6, 4), torch.tensor([0, 1, 2, 3, 0, 1])
for key, entry in registry.REGISTRY.items():
    constraint = registry.build(key, {p.key: p.default for p in entry.parameters})
    layer = constrained.ConstrainedLinear(4, 4, constraint=constraint)
    layer.loss(layer(x).logits, labels).backward()
    assert gradients.through(constraint, x[0].double(), 1).gradient.shape == (4,)
    calibration.figures(calibration.as_logits(constraint, x), labels)
    assert "import torch" in snippets.training(key, {p.key: p.default for p in entry.parameters}, "imagenet")

layer = constrained.ConstrainedLinear(512, 4, constraint=constrained.Sparsemax(temperature=2.0))
head = heads.load(heads.save(layer, "sparsemax", ("a", "b", "c", "d"), "0" * 64))
assert torch.equal(head.layer.weight, layer.weight)

class Network(torch.nn.Sequential):
    pass

network = Network(torch.nn.Flatten(), constrained.ConstrainedLinear(3 * 8 * 8, 4, constraint=constrained.Softmax()))
export.save(network, "network.pt2", 8)
again = torch.export.load("network.pt2").module()
torch.testing.assert_close(again(torch.ones(3, 3, 8, 8))[1], network(torch.ones(3, 3, 8, 8)).constrained)

for ask in (CHECKPOINTS["cifar10"], training.data, lambda: snippets.plain("clamp", {"lo": -1.0, "hi": 1.0})):
    try:
        ask()
    except CheckpointError as error:
        assert str(error).startswith("The bundled network is not part of the installed library"), error
    else:
        raise AssertionError("the bundled network is here")
print("fine")
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The library's wheel; setuptools comes from where pip has it from."""
    folder, source = tmp_path_factory.mktemp("wheel"), tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "constrained", source / "constrained")  # building leaves traces
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, source]
    subprocess.run(command, check=True, timeout=300)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """A folder with the library in it."""
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as file:
        file.extractall(folder)
    return folder


def run(script: str, installed: Path, cwd: Path) -> subprocess.CompletedProcess:
    environment = os.environ | {"PYTHONPATH": str(installed), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", script, str(installed)]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300)


@pytest.mark.slow
def test_it_works_with_what_it_requires_alone(installed, tmp_path):
    ran = run(ALONE + USE, installed, tmp_path)
    assert (ran.returncode, ran.stdout) == (0, "fine\n"), ran.stderr


@pytest.mark.slow
def test_a_wheel_says_what_it_needs_and_brings_no_page(wheel):
    with zipfile.ZipFile(wheel) as file:
        names = file.namelist()
        (metadata,) = (file.read(name).decode() for name in names if name.endswith("METADATA"))
    assert re.findall(r"^Requires-Dist: ([^;\n]+)$", metadata, re.MULTILINE) == [
        "torch>=2.8",
        "safetensors>=0.5",
        "numpy",
    ]
    assert f"\nVersion: {constrained.__version__}\n" in metadata
    assert "constrained/py.typed" in names
    assert {name.split("/")[1] for name in names if name.startswith("constrained/") and name.count("/") > 1} == {
        "models"
    }


@pytest.mark.slow
def test_a_users_script_runs_and_is_well_typed(installed, tmp_path):
    ran = run(SCRIPT.read_text(encoding="utf-8"), installed, tmp_path)
    assert (ran.returncode, ran.stdout) == (0, f"{constrained.__version__}\n"), ran.stderr
    assert importlib.util.find_spec("mypy"), "mypy is a test dependency"
    environment = os.environ | {"MYPYPATH": str(installed)}
    command = [sys.executable, "-m", "mypy", "--follow-imports=silent", "--no-incremental", SCRIPT]
    checked = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert checked.stdout.startswith("Success"), checked.stdout


def test_what_the_page_needs_is_pinned_once():
    """The extra for the page has the pins of requirements.txt."""
    tomllib = pytest.importorskip("tomllib")  # from Python 3.11 on
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pins = {line.partition("#")[0].strip() for line in (ROOT / "requirements.txt").read_text().splitlines()}
    assert set(project["optional-dependencies"]["page"]) <= pins
