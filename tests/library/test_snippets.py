"""The generated code: every script of every entry is run, and its numbers are compared with the registry's.

Scripts run in this process by way of runpy, because `constrained.model` must be imported before torchvision where the
two wheels do not match; a few are also run as a person would, each in an interpreter of its own.
"""

import ast
import contextlib
import io
import os
import random
import runpy
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import PIL.Image
import pytest
import safetensors.torch
import torch

from constrained import heads, images, model, models, registry, snippets
from constrained.models import cifar10, imagenet
from constrained.modules import ConstrainedLinear
from constrained.page.server.inference import Network
from constrained.parameters import Mask, Number, Parameter, Value, Vector

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "assets" / "samples" / "ship.jpg"
WEIGHTS = cifar10.FOLDER / cifar10.facts()["file"]
KEYS = list(registry.REGISTRY)
MODELS = list(models.CHECKPOINTS)
OUTSIDE = {"argparse", "json", "math", "pathlib", "torch", "torchvision", "PIL"}  # Pillow comes with torchvision


CLASSES = {key: make().classes for key, make in models.SCRIPTS.items()}


def settings(seed: str, classes: int = 10) -> dict[str, Value]:
    """A setting anywhere in the registry's ranges, with all the digits that a float has."""
    draw = random.Random(seed)
    lo, hi = sorted(draw.uniform(-6, 8) for _ in range(2))

    def drawn(p: Parameter) -> Value:
        if isinstance(p, Mask):
            return [draw.random() < 0.3 for _ in range(classes)]
        if isinstance(p, Vector):
            return [draw.choice([p.default, draw.uniform(p.low, p.high)]) for _ in range(classes)]
        return p.low * (p.high / p.low) ** draw.random() if p.scale == "log" else draw.uniform(p.low, p.high)

    return {key: drawn(p) for key, p in registry.PARAMETERS.items()} | {"lo": lo, "hi": hi}


def scripts(key: str, name: str, given: dict[str, float]) -> dict[str, str]:
    """All scripts of an entry for a model, by what their files are called."""
    made = {
        "plain": snippets.plain(key, given, name),
        "library": snippets.library(key, given, name),
        "training": snippets.training(key, given, name, "prox_l1"),
    }
    return {snippets.name(script, key): code for script, code in made.items()}


def run(path: Path, *arguments: str) -> tuple[SimpleNamespace, str]:
    """Run a file as a program: what it defined, and what it printed."""
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()) as printed:
        patch.setattr(sys, "argv", [str(path), *arguments])
        patch.chdir(ROOT)
        defined = runpy.run_path(str(path), run_name="__main__")
    return SimpleNamespace(**defined), printed.getvalue()


def defined(path: Path, code: str) -> SimpleNamespace:
    """What a script defines when it is imported."""
    path.write_text(code, encoding="utf-8")
    return SimpleNamespace(**runpy.run_path(str(path)))


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    """Each model as the page runs it; ImageNet's with random weights, where both kinds of download lie."""
    home = tmp_path_factory.mktemp("torch")
    own = home / "hub" / "checkpoints" / imagenet.IMAGENET["repo"].split("/")[1] / imagenet.IMAGENET["file"]
    own.parent.mkdir(parents=True)
    torch.manual_seed(0)
    weights = model.torchvision.models.ResNet18_Weights.IMAGENET1K_V1
    state = model.torchvision.models.resnet18().state_dict()
    torch.save(state, home / "hub" / "checkpoints" / Path(weights.url).name)
    safetensors.torch.save_file(state, own)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TORCH_HOME", str(home))
        patch.setitem(imagenet.IMAGENET, "sha256", sha256(own.read_bytes()).hexdigest())
        yield {key: Network(models.CHECKPOINTS[key]()) for key in MODELS}


# A picture to outputs -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("key", KEYS)
def test_scripts_give_the_numbers_of_the_page(key, name, networks, tmp_path):
    given = settings(f"{key} {name}", CLASSES[name])
    logits = networks[name].logits(images.decode(PICTURE.read_bytes()))
    constraint = registry.build(key, given)
    files = scripts(key, name, given)
    for file, code in files.items():
        (tmp_path / file).write_text(code, encoding="utf-8")

    plain, library = (tmp_path / snippets.name(script, key) for script in ("plain", "library"))
    weights = ["--weights", str(WEIGHTS)] if name == "cifar10" else []
    for path, arguments in ((plain, weights), (library, [])):
        with pytest.MonkeyPatch.context() as patch:  # first weights take half of the time, and are not used
            for draw in ("kaiming_normal_", "kaiming_uniform_", "uniform_"):
                patch.setattr(torch.nn.init, draw, lambda tensor, *_, **__: tensor)
            ran, printed = run(path, str(PICTURE), *arguments)
        np.testing.assert_allclose(ran.z.numpy(), logits, rtol=1e-5, atol=1e-5)
        assert ran.y.dtype == torch.float64
        np.testing.assert_allclose(ran.y.numpy(), constraint(ran.z).numpy(), rtol=1e-6, atol=1e-12)
        rows = [line.rsplit(maxsplit=2) for line in printed.splitlines()]
        top = ran.z.argsort(descending=True)[:10].tolist()
        assert [label.strip() for label, _, _ in rows] == [networks[name].checkpoint.labels[i] for i in top]
        shown = np.array([[float(z), float(y)] for _, z, y in rows])
        np.testing.assert_allclose(shown[:, 0], ran.z[top].numpy(), atol=6e-7)
        np.testing.assert_allclose(shown[:, 1], ran.y[top].numpy(), rtol=1e-7)

    ran, printed = run(tmp_path / snippets.name("training", key))
    losses = [float(line.removeprefix("loss ")) for line in printed.splitlines() if line.startswith("loss ")]
    assert len(losses) == 3
    masked = any(isinstance(p, Mask) for p in registry.REGISTRY[key].parameters)  # perhaps the right class
    assert np.isfinite(losses).all() or (masked and not np.isnan(losses).any())


@pytest.mark.parametrize("key", KEYS)
def test_constrain_is_the_registrys_in_value_and_gradient(key, tmp_path):
    generator = torch.Generator().manual_seed(1)
    rows = torch.randn(200, 10, generator=generator, dtype=torch.float64) * torch.logspace(-2, 2, 200)[:, None]
    tied = torch.tensor([[0.0] * 10, [3.0] * 10, [-5.0] * 10, [7.0] * 2 + [1.0] * 8, [1e4] + [-1e4] * 9]).double()
    for seed in range(5):
        given = settings(f"{key} {seed}")
        script = defined(tmp_path / f"{key}.py", snippets.plain(key, given))
        constraint = registry.build(key, given)
        wide = all(isinstance(p, Number) for p in registry.REGISTRY[key].parameters)
        for z in (rows, tied, rows.reshape(1, -1))[: 3 if wide else 2]:
            np.testing.assert_allclose(script.constrain(z).numpy(), constraint(z).numpy(), rtol=1e-6, atol=1e-9)
        pull = torch.randn(200, 10, generator=generator, dtype=torch.float64)
        gradients = []
        for function in (script.constrain, constraint):
            z = rows.clone().requires_grad_()
            gradients.append(torch.autograd.grad(function(z), z, pull)[0].numpy())
        np.testing.assert_allclose(*gradients, rtol=1e-6, atol=1e-9)
        assert script.constrain(rows.float()).isfinite().all()


def test_gradient_at_zero_and_at_ties_is_finite(tmp_path):
    for key in KEYS:
        script = defined(tmp_path / f"{key}.py", snippets.plain(key, settings(key)))
        z = torch.tensor([[0.0] * 10, [2.0] * 10], requires_grad=True)
        (gradient,) = torch.autograd.grad(script.constrain(z).square().sum(), z)
        assert gradient.isfinite().all(), key


def test_a_box_without_width(tmp_path):
    z = torch.tensor([-3.0, 1.5, 4.0])
    boxes = [key for key, entry in registry.REGISTRY.items() if {registry.LO, registry.HI} <= {*entry.parameters}]
    for key in boxes:
        script = defined(tmp_path / f"{key}.py", snippets.plain(key, {"lo": 1.5, "hi": 1.5}))
        assert script.constrain(z).tolist() == [1.5] * 3, key
        for function in (script.constrain, registry.build(key, {"lo": 1.5, "hi": 1.5})):
            x = z.clone().requires_grad_()
            (gradient,) = torch.autograd.grad(function(x).sum(), x)
            expected = [
                0.0,
                0.0 if key in ("smooth_clamp", "scaled_sigmoid") else 1.0,
                1.0 if key == "clamp_inward" else 0.0,
            ]
            assert gradient.tolist() == ([1.0] * 3 if key == "clamp_straight_through" else expected), key


@pytest.mark.parametrize("key", ["project_l1_ball", "project_l2_ball", "project_simplex"])
def test_on_the_surface_and_far_out(key, tmp_path):
    script = defined(tmp_path / f"{key}.py", snippets.plain(key, {"radius": 5.0}))
    constraint = registry.build(key, {"radius": 5.0})
    rows = [[3.0, 4.0, 0.0], [5.0, 0.0, 0.0], [2.0, 2.0, 1.0], [1e300, -1e300, 1.0], [1e-300, 0.0, 0.0], [0.0] * 3]
    rows = torch.tensor(rows, dtype=torch.float64)
    pull, results = torch.tensor([0.3, -0.7, 1.1], dtype=torch.float64), []
    for function in (script.constrain, constraint):
        z = rows.clone().requires_grad_()
        y = function(z)
        results.append((y.detach(), torch.autograd.grad((y * pull).sum(), z)[0]))
    for mine, wanted in zip(*results, strict=True):
        np.testing.assert_allclose(mine, wanted, rtol=1e-9, atol=1e-12)


def test_numbers_are_written_exactly(tmp_path):
    for value in (0.1 + 0.2, 1 / 3, 1e-3, 7.0, 9.999999999999998):
        script = defined(tmp_path / "one.py", snippets.plain("prox_l1", {"lam": value}))
        assert value == script.LAM
        code = snippets.library("prox_l1", {"lam": value})
        calls = [
            n for n in ast.walk(ast.parse(code)) if isinstance(n, ast.Call) and getattr(n.func, "id", "") == "ProxL1"
        ]
        assert [k.value.value for call in calls for k in call.keywords] == [value]


# The same picture, as the page decodes and crops it ---------------------------------------------------------------


def saved(path: Path, size: tuple[int, int], mode: str = "RGB", **options) -> Path:
    noise = np.random.default_rng(0).integers(0, 255, (size[1] // 8, size[0] // 8, len(mode)), dtype=np.uint8)
    PIL.Image.fromarray(noise).resize(size).save(path, **options)
    return path


def test_a_picture_is_read_and_cropped_as_on_the_page(tmp_path):
    turned = PIL.Image.Exif()
    turned[0x0112] = 6
    pictures = [
        *sorted((ROOT / "assets" / "samples").glob("*.jpg")),
        saved(tmp_path / "turned.jpg", (200, 120), exif=turned),
        saved(tmp_path / "large.jpg", (2600, 2200)),
        saved(tmp_path / "long.png", (700, 96)),
        saved(tmp_path / "tall.png", (96, 250)),
        saved(tmp_path / "square.png", (64, 64)),
        saved(tmp_path / "transparent.png", (120, 90), mode="RGBA"),
    ]
    script = defined(tmp_path / "softmax.py", snippets.plain("softmax", settings("")))
    checkpoint = cifar10.checkpoint()
    for path in pictures:
        mine, theirs = script.load(path), images.decode(path.read_bytes())
        assert mine.size == theirs.size
        differs = np.abs(np.asarray(mine, dtype=int) - np.asarray(theirs, dtype=int)).max()
        assert differs <= (path.name == "transparent.png"), path.name  # Pillow's two ways to blend round differently
        crops, views = script.crops(theirs), checkpoint.views(theirs)
        assert [c.tobytes() for c in crops] == [v.tobytes() for v in views], path.name


# A step of training -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("key", KEYS)
def test_a_step_has_the_librarys_loss_and_penalty(key, name, tmp_path):
    given = settings(f"step {key} {name}", CLASSES[name])
    classes = {"cifar10": 10, "imagenet": 1000}[name]
    generator = torch.Generator().manual_seed(2)
    features, labels = torch.randn(6, 512, generator=generator), torch.randint(classes, (6,), generator=generator)
    for penalty in ("prox_l1", "prox_l2", "project_l1_ball"):
        script = defined(tmp_path / "step.py", snippets.training(key, given, name, penalty))
        kind = heads.PENALTIES.get({"prox_l1": "l1", "prox_l2": "l2"}.get(penalty))
        kind = None if key in snippets.PENALTIES else kind  # λ would count twice
        constraint = registry.build(key, given)
        head = ConstrainedLinear(512, classes, constraint=constraint, penalty=kind and kind(given["lam"])).double()
        plain = torch.nn.Linear(512, classes).double()
        plain.load_state_dict({name: head.state_dict()[name] for name in ("weight", "bias")})

        out = head.train()(features.double())
        expected = head.loss(out.logits, labels)
        expected.backward()
        optimizer = torch.optim.SGD(plain.parameters(), lr=0.0)
        assert script.step(plain, optimizer, features.double(), labels) == pytest.approx(expected.item(), rel=1e-6)
        np.testing.assert_allclose(plain.weight.grad, head.weight.grad, rtol=1e-6, atol=1e-12)
        assert hasattr(script, "penalty") == (kind is not None)
        if kind:
            assert script.penalty(out.logits).item() == pytest.approx(out.penalty.item(), rel=1e-9)
            assert plain.weight.grad.abs().max() > 0, "the gradient reaches the head"
        outputs = registry.build(key, given)(plain(features.double()))
        np.testing.assert_allclose(script.predict(plain, features.double()), outputs.detach(), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("key", KEYS)
def test_rows_that_do_not_count_take_no_part_in_a_step(key, tmp_path):
    given = settings(f"ignored {key}")
    script = defined(tmp_path / "step.py", snippets.training(key, given, penalty="prox_l1"))
    generator = torch.Generator().manual_seed(3)
    features = torch.randn(6, 512, generator=generator, dtype=torch.float64)
    labels = torch.tensor([1, -100, 4, 9, -100, 0])
    features[1] = 1e3
    model = torch.nn.Linear(512, 10).double()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    got = script.step(model, optimizer, features, labels), model.bias.grad.clone()
    counted = labels != -100
    wanted = script.step(model, optimizer, features[counted], labels[counted]), model.bias.grad.clone()
    assert got[0] == pytest.approx(wanted[0], rel=1e-12)
    torch.testing.assert_close(got[1], wanted[1])


def test_a_gradient_reaches_the_whole_network(tmp_path):
    script = defined(
        tmp_path / "step.py", snippets.training("smooth_clamp", {"lo": -2.0, "hi": 2.0, "lam": 0.01}, penalty="prox_l1")
    )
    torch.manual_seed(0)
    resnet = model.torchvision.models.resnet18(num_classes=10)
    optimizer = torch.optim.SGD(resnet.parameters(), lr=0.01)
    pictures, labels = torch.randn(8, 3, 32, 32), torch.randint(10, (8,))
    losses = [script.step(resnet, optimizer, pictures, labels) for _ in range(4)]
    assert resnet.conv1.weight.grad.abs().max() > 0
    assert resnet.fc.weight.grad.abs().max() > 0
    assert losses[-1] < losses[0]


def test_no_double_softmax(tmp_path):
    script = defined(tmp_path / "softmax.py", snippets.training("softmax", {"temperature": 1.0}))
    sure = torch.full((1, 10), -50.0)
    sure[0, 3] = 50.0
    assert script.loss_of(sure, torch.tensor([3])) < 1e-6


def test_no_weight_no_penalty():
    given = settings("") | {"lam": 0.0}
    assert "penalty(z)" not in snippets.training("clamp", given, penalty="prox_l1")
    assert "penalty(z)" not in snippets.training("clamp", given | {"lam": 1.0}, penalty="project_simplex")
    assert "penalty(z)" not in snippets.training("prox_l1", given | {"lam": 1.0}, penalty="prox_l1")
    assert "penalty(z)" in snippets.training("clamp", given | {"lam": 1.0}, penalty="prox_l1")


# As a person has them -----------------------------------------------------------------------------------------------


# One script after another, each as a program: importing torch takes longer than all of them.
ALL = """
import runpy, sys
_, picture, option, weights, *paths = sys.argv
for path in paths:
    sys.argv = [path, picture, option, weights]
    runpy.run_path(path, run_name="__main__")
    print("ended")
"""


@pytest.mark.slow
def test_standalone_in_an_interpreter_of_its_own(networks, tmp_path):
    """From another folder, where this library cannot be found; with wheels that do not match, too."""
    command = [sys.executable, "-P"] if sys.version_info >= (3, 11) else [sys.executable]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    paths = {key: tmp_path / snippets.name("plain", key) for key in ("smooth_clamp", "sparsemax", "project_l1_ball")}
    for key, path in paths.items():
        path.write_text(snippets.plain(key, settings(key)), encoding="utf-8")
    command += ["-c", ALL, str(PICTURE), "--weights", str(WEIGHTS), *map(str, paths.values())]
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=500)
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    logits = torch.from_numpy(networks["cifar10"].logits(images.decode(PICTURE.read_bytes()))).double()
    *told, rest = ran.stdout.split("ended\n")
    assert rest == ""
    for key, printed in zip(paths, told, strict=True):
        shown = np.array([[float(v) for v in line.split()[1:]] for line in printed.splitlines()])
        y = registry.build(key, settings(key))(logits)[logits.argsort(descending=True)]
        np.testing.assert_allclose(shown[:, 0], logits.sort(descending=True).values, atol=1e-5)
        np.testing.assert_allclose(shown[:, 1], y, rtol=1e-4, atol=1e-4)


def test_no_dependency_but_torch_and_torchvision():
    for key in KEYS:
        for name in MODELS:
            files = scripts(key, name, settings(key, CLASSES[name]))
            for script in ("plain", "training"):
                tree = ast.walk(ast.parse(files[snippets.name(script, key)]))
                imported = {
                    (node.module if isinstance(node, ast.ImportFrom) else alias.name).split(".")[0]
                    for node in tree
                    if isinstance(node, ast.Import | ast.ImportFrom)
                    for alias in node.names
                }
                assert imported <= OUTSIDE, key


@pytest.mark.parametrize("key", KEYS)
def test_masked_classes_and_rows_are_those_of_the_library(key, tmp_path):
    """One class left out, all but one, all; NaN. A row that is not in the loss sends nothing back."""
    inf, nan = float("inf"), float("nan")
    rows = [[1, -inf, 2], [-inf, 1, -inf], [-inf, -inf, 0.5], [0.3, -1, 2], [-inf] * 3, [nan, 1, 2]]
    rows = torch.tensor([row + [-inf] * 7 for row in rows], dtype=torch.float64)  # the other classes are left out
    pull = torch.tensor([0.3, -0.7, 1.1] + [0.5] * 7)
    for seed in range(3):
        given = settings(f"mask {key} {seed}")
        script = defined(tmp_path / f"{key}.py", snippets.plain(key, given))
        constraint = registry.build(key, given)
        np.testing.assert_allclose(script.constrain(rows).numpy(), constraint(rows).numpy(), rtol=1e-6, atol=1e-9)
        gradients = []
        for function in (script.constrain, constraint):
            z = rows.clone().requires_grad_()
            y = function(z)[:4]
            y = torch.where(y.isfinite(), y, 0)  # an excluded logit that stays -inf, as after a proximal step
            gradients.append(torch.autograd.grad((y * pull).sum(), z)[0].numpy())
        assert np.isfinite(gradients[1]).all()
        np.testing.assert_allclose(*gradients, rtol=1e-6, atol=1e-9)


def test_scripts_are_well_formed(tmp_path):
    for key in KEYS:
        for name in MODELS:
            (tmp_path / name).mkdir(exist_ok=True)
            for file, code in scripts(key, name, settings(key, CLASSES[name])).items():
                (tmp_path / name / file).write_text(code, encoding="utf-8")
    ruff = [sys.executable, "-m", "ruff"]
    for command in (["check", "--select", "B,E,F,I,UP,W"], ["format", "--check"]):
        line = [*ruff, *command, "--isolated", "--line-length", "100", str(tmp_path)]
        found = subprocess.run(line, capture_output=True, text=True)
        assert found.returncode == 0, found.stdout + found.stderr


# What is refused ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("write", [snippets.plain, snippets.library, snippets.training])
def test_nothing_but_numbers_in_range_and_known_names(write):
    good = settings("")
    for key, given, name in (
        ("clamp", good | {"lo": "0); import os #"}, "cifar10"),
        ("clamp", good | {"lo": float("nan")}, "cifar10"),
        ("clamp", {"lo": 0.0}, "cifar10"),
        ("clamp", good | {"lo": 3.0, "hi": 2.0}, "cifar10"),
        ("softmax", good | {"temperature": 0.0}, "cifar10"),
        ("relu", good, "cifar10"),
        ("clamp", good, "yours-12345678"),
        ("clamp", good, '"""'),
    ):
        with pytest.raises(ValueError, match="must"):
            write(key, given, name)
    with pytest.raises(ValueError, match="lam"):
        snippets.training("clamp", good | {"lam": "x"}, penalty="prox_l1")


@pytest.mark.parametrize(
    "parameter",
    [Mask("mask", "M", "M", "A mask."), Vector("offset", "b", "b", "Added.", default=0.0, low=-20.0, high=20.0)],
    ids=lambda p: p.kind,
)
def test_the_constant_of_many_classes_is_code(parameter):
    """However its lines break; and a mask can always be given to torch.where."""
    default, other = parameter.default, True if isinstance(parameter, Mask) else -1.5e-05
    for count in range(1, 80):
        value = [other] * count + [default] * 200
        space = {"torch": torch}
        exec(snippets._constant(parameter, value), space)
        assert space[parameter.constant].tolist() == value
    exec(snippets._constant(parameter, default), space)
    assert (space[parameter.constant] == default) & (
        isinstance(space[parameter.constant], torch.Tensor) == (other is True)
    )
