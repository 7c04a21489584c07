"""What a stranger hands to the page: bad files get a sentence, good ones of every kind get logits; models likewise."""

import hashlib
import io
import struct
import zlib

import numpy as np
import pytest
import safetensors.torch
import torch
from huggingface_hub import constants
from PIL import Image
from playwright.sync_api import expect

from constrained import heads, images, models
from constrained.model import torchvision
from constrained.models import imagenet
from constrained.page.server import guard, inference

from .driver import Explore, honest, load, picture


@pytest.fixture
def explore(shared_visit):
    """One page for all: a visitor, too, tries one file after another."""
    explore = Explore(shared_visit.page)
    yield explore
    problems, shared_visit.problems[:] = list(shared_visit.problems), []
    assert problems == []
    for alarm in ("Traceback", "Error"):
        assert alarm not in shared_visit.page.locator("body").inner_text()


def saved(im: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    im.save(file, kind, **options)
    return file.getvalue()


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def claims(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header promises a size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def gradient(width=60, height=40) -> np.ndarray:
    """Something to see: red to the right, green downwards."""
    rows, columns = np.mgrid[0:height, 0:width]
    red, green = 255 * columns / (width - 1), 255 * rows / (height - 1)
    return np.stack([red, green, np.full_like(red, 40)], 2).astype(np.uint8)


COLOUR = Image.fromarray(gradient())
GREY_16 = Image.fromarray(gradient()[:, :, 0].astype(np.uint16) * 257)
PALETTE = COLOUR.quantize(16)
ALPHA = Image.fromarray(np.dstack([gradient(), gradient()[:, :, 0]]))
TURNED = Image.Exif()
TURNED[0x0112] = 6

BAD = {
    "text named .png": (b"meow\n" * 50, "picture.png", "image/png", "text file"),
    "nothing": (b"", "picture.png", "image/png", "empty"),
    "half a JPEG": (saved(COLOUR, "JPEG")[:300], "picture.jpg", "image/jpeg", "JPEG"),
    "HEIC": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(300), "IMG_0001.heic", "image/heic", "HEIC"),
    "HEIC named .jpg": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(300), "p.jpg", "image/jpeg", "HEIC"),
    "a claim of 30000 x 30000": (claims(30_000, 30_000), "picture.png", "image/png", "megapixels"),
    "noise": (bytes(range(256)) * 20, "picture.webp", "image/webp", "not a picture"),
}
GOOD = {
    "animated GIF": (
        saved(COLOUR, "GIF", save_all=True, append_images=[Image.new("RGB", COLOUR.size, "blue")]),
        "p.gif",
        "image/gif",
    ),
    "16-bit PNG": (saved(GREY_16, "PNG"), "p.png", "image/png"),
    "CMYK JPEG": (saved(COLOUR.convert("CMYK"), "JPEG"), "p.jpg", "image/jpeg"),
    "palette": (saved(PALETTE, "PNG"), "p.png", "image/png"),
    "alpha": (saved(ALPHA, "PNG"), "p.png", "image/png"),
    "turned by EXIF": (saved(COLOUR, "JPEG", exif=TURNED), "p.jpg", "image/jpeg"),
    "1 x 1": (picture((10, 200, 90), (1, 1)), "p.png", "image/png"),
    "WEBP": (saved(COLOUR, "WEBP"), "p.webp", "image/webp"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_get_a_sentence_and_change_nothing(explore, name):
    data, file, mime, told = BAD[name]
    before, shown = explore.state(), explore.page.locator("#picture img").get_attribute("src")
    explore.upload(data, file, mime)
    explore.page.wait_for_function("(told) => document.querySelector('#notice').innerText.includes(told)", arg=told)
    notice = explore.notice()
    assert notice.endswith(".")
    assert "\n" not in notice
    assert explore.page.locator("#notice [role=alert]").count() == 1
    assert explore.agree() == before, "the last good numbers stay"
    explore.page.wait_for_function("(src) => document.querySelector('#picture img')?.src === src", arg=shown)

    good = picture((len(name) * 7 % 256, 90, 40))
    explore.upload(good)
    explore.new_logits(before["logits"])
    explore.page.wait_for_function("() => document.querySelector('#notice').innerText.trim() === ''")


# What a person does with a file: hand over DataTransfer, as a browser does.
WAYS = {
    "drop": "(data) => document.querySelector('#picture img').dispatchEvent("
    "new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }))",
    "paste": "(data) => document.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true }))",
}
LARGE = """([size, name]) => {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array(size)], name, { type: "image/png" }));
  return data;
}"""


@pytest.mark.slow
@pytest.mark.parametrize("way", ["choose", *WAYS])
def test_a_file_over_the_limit_gets_a_sentence_and_changes_nothing(explore, shared_visit, way):
    page, before = explore.page, explore.state()
    shown, asked = page.locator("#picture img").get_attribute("src"), len(shared_visit.requests)
    if way == "choose":
        explore.upload(picture("red") + bytes(images.MAX_BYTES), "large.png")
    else:
        page.evaluate(WAYS[way], page.evaluate_handle(LARGE, [images.MAX_BYTES + 1, "large.png"]))
    limit = f"the limit is {images.MAX_BYTES / 2**20:.0f} MB:"
    page.wait_for_function("(limit) => document.querySelector('#notice').innerText.includes(limit)", arg=limit)
    assert page.locator("#notice [role=alert]").count() == 1
    assert explore.agree() == before
    assert page.locator("#picture img").get_attribute("src") == shown
    assert shared_visit.requests[asked:] == [], "it never leaves the browser"

    explore.upload(picture((9, len(way), 200)))
    explore.new_logits(before["logits"])
    page.wait_for_function("() => document.querySelector('#notice').innerText.trim() === ''")


def test_a_head_over_the_limit_gets_a_sentence(explore, shared_visit):
    page = explore.page
    page.get_by_role("tab", name="Train").click()
    asked = len(shared_visit.requests)
    file = {"name": "head.safetensors", "mimeType": "application/octet-stream", "buffer": bytes(heads.MAX_BYTES + 1)}
    page.locator("#train-setup input[type=file]").set_input_files(file)
    expect(page.locator("#train-notice [role=alert]")).to_contain_text("the limit is 4 MB: choose a smaller one.")
    assert not [request for request in shared_visit.requests[asked:] if "upload" in request]
    page.get_by_role("tab", name="Explore").click()


@pytest.mark.slow
def test_a_page_that_does_not_look_meets_a_sentence_too(visit):
    """The wall behind: an upload of more than is read, as of a page whose scripts somebody has changed."""
    one = visit()
    page, before = one.page, Explore(one.page).state()
    load(page, "base/registry.js", "facts")
    page.evaluate("() => { facts.registry.uploads = {}; }")
    answer = page.evaluate(
        """async (size) => {
          const form = new FormData();
          form.append("files", new File([new Uint8Array(size)], "large.png"));
          const answer = await fetch("gradio_api/upload", { method: "POST", body: form });
          return [answer.status, await answer.text()];
        }""",
        3 * guard.UPLOAD,
    )
    assert answer == [413, "An upload can have up to 6 MB and 8 files: make it smaller and try again."]
    page.evaluate(WAYS["paste"], page.evaluate_handle(LARGE, [images.MAX_BYTES + 1, "large.png"]))
    expect(page.get_by_text("exceed the maximum allowed size")).to_be_visible()  # gradio's own, in the browser
    assert "Traceback" not in page.locator("body").inner_text()
    assert Explore(page).agree() == before
    one.problems[:] = [problem for problem in one.problems if "413" not in problem]


@pytest.mark.parametrize("name", GOOD)
def test_every_kind_of_picture(explore, name):
    data, file, mime = GOOD[name]
    before = explore.state()["logits"]
    expected = inference.network("cifar10").logits(images.decode(data)).tolist()
    explore.upload(data, file, mime)
    assert explore.new_logits(before) == pytest.approx(expected, abs=2e-6)
    explore.agree()
    assert explore.notice() == ""
    assert explore.page.locator("#seen img").count() >= 1


# Models -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def torch_home(monkeypatch, tmp_path):
    """Empty caches of weights, and a hub that cannot be reached."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.delitem(inference._networks, "imagenet", raising=False)
    yield tmp_path
    inference._networks.pop("imagenet", None)


def model_box(explore) -> str:
    return explore.page.locator("#model input").input_value()


def test_imagenet_without_a_network(explore, torch_home, capsys):
    before, chosen = explore.state(), model_box(explore)
    explore.choose("model", models.CHECKPOINTS["imagenet"]().title)
    explore.page.wait_for_function("() => document.querySelector('#notice').innerText.includes('ImageNet')")
    notice = explore.notice()
    assert notice.endswith("The bundled model stays in use.")
    assert str(torch_home) not in notice, "nobody else's business"
    log = capsys.readouterr().err
    address = f"{imagenet.IMAGENET['repo']}/resolve/{imagenet.IMAGENET['commit']}/{imagenet.IMAGENET['file']}"
    assert address in log, "which file to put in place"
    assert str(torch_home) in log, "and where"
    explore.page.wait_for_function("(title) => document.querySelector('#model input').value === title", arg=chosen)
    assert explore.agree() == before, "the bundled model stays"

    explore.upload(picture((1, 2, 3)))
    explore.new_logits(before["logits"])
    assert explore.agree()["model"] == "cifar10"
    explore.page.wait_for_function("() => document.querySelector('#notice').innerText.trim() === ''")


def test_imagenet_with_the_file_in_place(explore, torch_home, monkeypatch):
    """Weights drawn at random in place of the real ones: 1000 classes, and the way back."""
    torch.manual_seed(0)
    weights = safetensors.torch.save(torchvision.models.resnet18().state_dict())
    monkeypatch.setitem(imagenet.IMAGENET, "sha256", hashlib.sha256(weights).hexdigest())
    folder = torch_home / "hub" / "checkpoints" / "resnet18.tv_in1k"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(weights)
    bundled = model_box(explore)
    explore.choose("model", models.CHECKPOINTS["imagenet"]().title)
    explore.page.wait_for_function("() => explore.state.model === 'imagenet'")
    state = explore.agree()
    assert len(state["logits"]) == len(state["labels"]) == 1000
    for column, rows in state["rows"].items():
        assert len(rows) == state["k"] + 1, column
    assert state["rows"]["raw"][-1]["label"] == f"{1000 - state['k']} others"
    others = [state["outputs"]["probability"]["y"][i] for i in state["order"][state["k"] :]]
    assert honest(state["rows"]["probability"][-1]["value"], sum(others)), "what the others have together"

    explore.upload(picture((200, 180, 20), (300, 200)))
    explore.new_logits(state["logits"])
    assert explore.agree()["model"] == "imagenet"

    assert explore.slider("k").get_attribute("max") == "50"
    explore.type("k", 30)
    assert len(explore.rows("raw")) == 31
    explore.choose("model", bundled)
    explore.page.wait_for_function("() => explore.state.model === 'cifar10'")
    assert len(explore.agree()["rows"]["raw"]) == 10
    assert explore.slider("k").get_attribute("max") == "10"
    assert explore.boxed("k") == 10


def test_a_damaged_file_in_place(explore, torch_home, capsys):
    folder = torch_home / "hub" / "checkpoints" / "resnet18.tv_in1k"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"half a download")
    before = explore.state()
    explore.choose("model", models.CHECKPOINTS["imagenet"]().title)
    explore.page.wait_for_function("() => document.querySelector('#notice').innerText.includes('damaged')")
    assert str(folder) in capsys.readouterr().err
    assert explore.agree() == before
