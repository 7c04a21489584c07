"""Starting: options, the module-level `demo`, what the page may do on its own."""

import ast
import importlib
import json
import re
import sys
from pathlib import Path

import gradio as gr
import pytest

from constrained import models
from constrained.models import cifar10
from constrained.page import layout as ui
from constrained.page import models as menu

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def app():
    return importlib.import_module("app")


def test_demo_is_there_for_gradio_and_spaces(app):
    assert isinstance(app.demo, gr.Blocks)


def test_options(app):
    args = app.options(["--host", "0.0.0.0", "--port", "9000", "--model", "imagenet"])
    assert (args.host, args.port, args.model, args.share) == ("0.0.0.0", 9000, "imagenet", False)
    assert app.options([]).host is None  # gradio then listens on 127.0.0.1


def test_the_starting_model_can_come_from_the_environment(app, monkeypatch, capsys):
    monkeypatch.setenv("CONSTRAINED_MODEL", "imagenet")
    assert app.options([]).model == "imagenet"
    monkeypatch.setenv("CONSTRAINED_MODEL", "vgg")
    with pytest.raises(SystemExit):
        app.options([])
    assert "CONSTRAINED_MODEL must be one of cifar10, imagenet, got 'vgg'" in capsys.readouterr().err


def test_a_starting_model_that_cannot_be_had_gives_way_and_the_page_says_so(monkeypatch):
    def unreachable():
        raise models.CheckpointError("The weights are <far> away: put them here.")

    monkeypatch.setitem(models.CHECKPOINTS, "imagenet", unreachable)
    monkeypatch.setattr(menu, "CHECKPOINTS", {"cifar10": cifar10.checkpoint})
    blocks = {block.elem_id: block for block in ui.demo("imagenet").blocks.values()}
    assert "The weights are &lt;far&gt; away" in blocks["notice"].value
    assert blocks["model"].value == "cifar10"
    assert len(json.loads(blocks["chart-block"].value)["logits"]) == 10


def test_only_two_endpoints_are_public(app):
    visible = {function.api_name for function in app.demo.fns.values() if function.api_visibility != "private"}
    assert visible == {"classify", "constrain"}


def test_nothing_on_the_page_points_elsewhere():
    for path in (*(ROOT / "assets").rglob("*.js"), *(ROOT / "assets").rglob("*.css")):  # scripts and style sheets
        addresses = set(re.findall(r"https?://[^\s\"'`)]+", path.read_text(encoding="utf-8")))
        assert addresses <= {"http://www.w3.org/2000/svg"}, path.name  # a name, never fetched


def test_the_model_card_tells_the_measured_figures():
    facts = json.loads((cifar10.FOLDER / "resnet18-cifar10.json").read_text(encoding="utf-8"))
    card = (cifar10.FOLDER / "README.md").read_text(encoding="utf-8")
    for figure in (f"{facts['test']['accuracy']:.2%}", f"{facts['test']['nll']:.3f}", f"{facts['test']['ece']:.3f}"):
        assert figure in card
    assert facts["sha256"] in card


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


def test_the_readmes_ten_lines_run():
    block = re.search(
        r"## The library in ten lines\n\n```python\n(.*?)```",
        (ROOT / "README.md").read_text(encoding="utf-8"),
        re.DOTALL,
    )
    names: dict = {}
    exec(block[1], names)
    assert names["outputs"].shape == (8, 10)
    assert names["outputs"].abs().max() <= 2
    assert names["model"].fc.weight.grad is not None


def test_every_sample_has_a_licence():
    licences = (ROOT / "assets" / "samples" / "LICENSES.md").read_text(encoding="utf-8")
    samples = sorted((ROOT / "assets" / "samples").glob("*.jpg"))
    assert len(samples) >= 6
    for sample in samples:
        assert sample.name in licences


def test_python_is_new_enough():
    assert sys.version_info >= (3, 10)


def test_the_library_knows_nothing_of_the_page():
    """Nothing outside of constrained/page/ imports gradio, or the page."""
    for path in (ROOT / "constrained").rglob("*.py"):
        if path.is_relative_to(ROOT / "constrained" / "page"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or "", *(f"{node.module or ''}.{alias.name}" for alias in node.names)]
            parts = {part for name in names for part in name.split(".")}
            assert not parts & {"gradio", "page"}, f"{path.relative_to(ROOT)}:{node.lineno}"
