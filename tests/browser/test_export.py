"""The Code tab's models to take home: the setting goes to the server, the file comes down."""

import base64
import json
from collections import OrderedDict

import pytest

from constrained import export, heads, training
from constrained.modules import ConstrainedLinear
from constrained.page.tabs import export as page_files

pytestmark = pytest.mark.slow


@pytest.fixture
def made(monkeypatch):
    """The server makes files in no time, with what it was asked for in them."""

    def make(path, method, settings, model, head):
        own = head and base64.b64encode(head).decode()
        path.write_text(json.dumps([method, settings, model, own]), encoding="utf-8")

    monkeypatch.setattr(page_files, "make", make)
    monkeypatch.setattr(page_files, "_made", OrderedDict())
    monkeypatch.setattr(page_files, "_folder", None)


def take(page, ending):
    """Click, and what comes down: its name and its content."""
    with page.expect_download() as download:
        page.locator(f"#export-{ending}").click()
    return download.value.suggested_filename, json.loads(download.value.path().read_text(encoding="utf-8"))


@pytest.mark.slow
def test_a_head_of_ones_own_is_in_the_file(visit, made):
    known = training.data()
    layer = ConstrainedLinear(known.width, len(known.classes))
    data = heads.save(layer, "", known.classes, known.network)
    page = visit("tab=train").page
    with page.expect_file_chooser() as chooser:
        page.locator("#train-upload").click()
    chooser.value.set_files({"name": "head.safetensors", "mimeType": "application/octet-stream", "buffer": data})
    page.wait_for_function("() => explore.state.model.startsWith('yours-')")
    page.get_by_role("tab", name="Code").click()
    for ending in ("pt2", "onnx"):
        _, (method, settings, model, head) = take(page, ending)
        assert (method, settings, model) == ("clamp", {"lo": -2.0, "hi": 1.5}, "cifar10")
        assert base64.b64decode(head) == data


@pytest.mark.slow
def test_the_columns_setting_comes_down_as_a_file(visit, made):
    page = visit("tab=code&family=probability&method=sparsemax&t=2.5").page
    name, content = take(page, "pt2")
    assert (name, content) == ("resnet18-cifar10-sparsemax.pt2", ["sparsemax", {"temperature": 2.5}, "cifar10", None])
    page.get_by_role("radio", name="Bounded").check()
    page.wait_for_function("() => explore.state.family === 'bounded'")
    name, content = take(page, "onnx")
    assert (name, content) == ("resnet18-cifar10-clamp.onnx", ["clamp", {"lo": -2.0, "hi": 1.5}, "cifar10", None])
    # Asked again, it comes from before; the keyboard does it as well.
    with page.expect_download() as download:
        page.locator("#export-onnx").press("Enter")
    assert download.value.suggested_filename == "resnet18-cifar10-clamp.onnx"


def test_without_onnx_a_sentence_says_what_to_install(visit, made, monkeypatch):
    monkeypatch.setattr(export, "onnx_installed", lambda: False)
    page = visit("tab=code").page
    downloads = []
    page.on("download", lambda download: downloads.append(download))
    take(page, "pt2")
    downloads.clear()
    page.locator("#export-onnx").click()
    page.get_by_role("alert").get_by_text("pip install onnx onnxscript").wait_for()
    page.wait_for_timeout(500)
    assert downloads == []  # least of all the one before
