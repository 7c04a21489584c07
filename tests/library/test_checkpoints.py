"""The models: files that match their facts, pictures that become the right input, failures that say what to do."""

import contextlib
import hashlib
import http.server
import json
import os
import pickle
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import safetensors.torch
import torch
from huggingface_hub import constants

from constrained import models, views
from constrained.model import torchvision
from constrained.models import cifar10, imagenet
from constrained.models import hub as transport

FACTS = json.loads((cifar10.FOLDER / "resnet18-cifar10.json").read_text(encoding="utf-8"))


def noise(width, height, seed=0):
    rng = np.random.default_rng(seed)
    return PIL.Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))


@pytest.mark.parametrize("facts", [FACTS, FACTS["features"]], ids=["weights", "features"])
def test_files_are_the_ones_that_were_measured(facts):
    data = (cifar10.FOLDER / facts["file"]).read_bytes()
    assert hashlib.sha256(data).hexdigest() == facts["sha256"]


def test_weights_are_half_precision_and_load_in_single():
    stored = safetensors.torch.load_file(cifar10.FOLDER / FACTS["file"])
    assert {v.dtype for v in stored.values()} == {torch.float16, torch.int64}
    assert next(cifar10.checkpoint().model().parameters()).dtype == torch.float32


def test_stored_logits_are_the_head_on_stored_features():
    data = safetensors.torch.load_file(cifar10.FOLDER / FACTS["features"]["file"])
    head = cifar10.checkpoint().model().fc
    logits = head(data["features"].float()).detach()
    assert data["features"].shape == (FACTS["test"]["pictures"], 512)
    torch.testing.assert_close(logits, data["logits"].float(), rtol=0.01, atol=0.03)  # both were rounded to float16
    assert int(data["fit"].sum()) == FACTS["features"]["fit"]
    accuracy = (logits.argmax(1) == data["labels"]).double().mean().item()
    assert accuracy == pytest.approx(FACTS["test"]["accuracy"], abs=0.002)


@pytest.mark.parametrize("size", [(32, 32), (1, 1), (400, 300), (300, 4000), (31, 97)])
def test_a_picture_of_any_shape_becomes_input(size):
    for checkpoint in (cifar10.checkpoint(), imagenet.checkpoint()):
        views = checkpoint.views(noise(*size))
        assert all(view.width == view.height for view in views)
        x = checkpoint.batch(views)
        assert x.shape[0] % len(views) == 0  # mirror images come along
        assert x.shape[1] == 3
        assert x.shape[2] == x.shape[3]
        assert x.isfinite().all()


def test_a_picture_of_the_training_size_is_seen_as_the_test_saw_it():
    """The accuracy in the facts was measured on tensors; a file of 32 x 32 pixels must meet the same input."""
    checkpoint, picture = cifar10.checkpoint(), noise(32, 32)
    pixels = torch.from_numpy(np.asarray(picture).copy()).permute(2, 0, 1)[None].float() / 255
    size = FACTS["input"]["size"]
    mean, std = (torch.tensor(FACTS["input"][key]).view(3, 1, 1) for key in ("mean", "std"))
    expected = (torch.nn.functional.interpolate(pixels, (size, size), mode="bilinear") - mean) / std
    whole, mirrored = checkpoint.batch(checkpoint.views(picture))  # a square is one crop
    torch.testing.assert_close(whole, expected[0])
    torch.testing.assert_close(mirrored, expected[0].flip(-1))


def test_crops_show_every_part_of_a_photograph():
    """A subject at either end or in the middle fills one of the crops as far as it can."""
    wide = np.zeros((100, 300, 3), np.uint8)
    wide[:, :100, 0] = wide[:, 200:, 1] = wide[:, 100:200, 2] = 255
    left, middle, right, whole = (np.asarray(crop).mean((0, 1)) for crop in views.crops(PIL.Image.fromarray(wide), 32))
    np.testing.assert_allclose(left, [255, 0, 0], atol=1)
    np.testing.assert_allclose(right, [0, 255, 0], atol=1)
    np.testing.assert_allclose(middle, [0, 0, 255], atol=1)
    np.testing.assert_allclose(whole, [85, 85, 85], atol=5)


@pytest.mark.parametrize(("size", "count"), [((50, 50), 1), ((60, 40), 3), ((40, 60), 3), ((1, 90), 5), ((900, 10), 5)])
def test_as_few_crops_as_cover_the_picture(size, count):
    crops = views.crops(noise(*size), 32)
    assert len(crops) == count
    assert {crop.size for crop in crops} == {(32, 32)}


@pytest.mark.parametrize("size", [(500, 300), (300, 500), (256, 256), (224, 900)])
def test_imagenet_input_is_torchvisions_own(size):
    picture = noise(*size)
    checkpoint = imagenet.checkpoint()
    expected = torchvision.models.ResNet18_Weights.IMAGENET1K_V1.transforms()(picture)
    difference = (checkpoint.batch(checkpoint.views(picture))[0] - expected).abs()
    # A strip of more than 1 : 2 is cut before it is resized, which may shift the resampling by a fraction of a pixel.
    assert difference.max() < (1e-5 if max(size) <= 2 * min(size) else 2.0)


# Downloads: never a wrong model, always a clear message ---------------------------------------------------------------

WEIGHTS = {"fc.weight": torch.arange(300_000.0).view(1000, 300)}
RIGHT = safetensors.torch.save(WEIGHTS)
FLIPPED = RIGHT[:700_000] + bytes([RIGHT[700_000] ^ 1]) + RIGHT[700_001:]
KNOWN = {"bytes": len(RIGHT), "sha256": hashlib.sha256(RIGHT).hexdigest()}


ETAG = hashlib.sha256(RIGHT).hexdigest()  # of whatever is sent: a mirror may be damaged


class Hub(http.server.BaseHTTPRequestHandler):
    """A hub that answers with what ``server.sends`` says."""

    def do_HEAD(self):
        self.server.heads.append(self.headers)
        self.answer(head=True)

    def do_GET(self):
        self.server.asked.append(self.path)
        self.answer()

    def answer(self, head=False):
        sends = self.server.sends
        if sends == "404":
            return self.send_error(404)
        if sends == "nothing":
            return self.server.over.wait()
        body = sends if isinstance(sends, bytes) else RIGHT
        if sends == "redirect" and not self.path.startswith("/cdn/"):  # as the real one does, to another host
            self.send_response(302)
            self.send_header("Location", f"http://localhost:{self.server.server_port}/cdn{self.path}")
            self.send_header("X-Linked-Size", str(len(body)))
            self.send_header("X-Linked-Etag", f'"{ETAG}"')
            return self.end(0)
        start = 0
        if sends == "breaks once" and "Range" in self.headers:
            start = int(re.fullmatch(r"bytes=(\d+)-", self.headers["Range"])[1])
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        if sends == b"<!doctype html>":
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
        else:
            self.send_header("ETag", f'"{ETAG}"')
            self.end(len(body) - start)
        if head:
            return None
        half = len(body) // 2
        if start:
            self.server.resumed.append(start)
            return self.wfile.write(body[start:])
        self.wfile.write(body[:half])
        if sends in ("half", "breaks once"):
            return None
        if sends == "half, then nothing":
            return self.server.over.wait()
        if sends == "drops":
            while not self.server.over.wait(0.05):
                self.wfile.write(b"x")
            return None
        if sends == "waits":
            self.server.go.wait()
        self.wfile.write(body[half:])

    def end(self, length):
        self.send_header("X-Repo-Commit", imagenet.IMAGENET["commit"])
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def hub(tmp_path, monkeypatch):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    server.sends, server.over, server.go = RIGHT, threading.Event(), threading.Event()
    server.heads, server.asked, server.resumed = [], [], []
    server.handle_error = lambda *_: None  # a client that hung up
    server.by_hand = tmp_path / "hub" / "checkpoints" / "resnet18.tv_in1k" / "model.safetensors"
    server.cache = tmp_path / "cache"
    server.folder = server.cache / "models--timm--resnet18.tv_in1k"
    server.path = server.folder / "snapshots" / imagenet.IMAGENET["commit"] / "model.safetensors"
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_CACHE", str(server.cache))  # for programs that are started
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(server.cache))
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}/")
    for key, value in KNOWN.items():
        monkeypatch.setitem(imagenet.IMAGENET, key, value)
    thread = threading.Thread(target=server.serve_forever, args=[0.05])
    thread.start()
    yield server
    server.over.set()
    server.go.set()
    server.shutdown()
    thread.join()
    server.server_close()


def files(folder):
    """What is in a folder, below which there may be more; locks are empty and stay."""
    return {path for path in folder.rglob("*") if not path.is_dir() and path.suffix != ".lock"}


def put(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def assert_no_weights(hub, reason, kept=()):
    with pytest.raises(models.CheckpointError) as caught:
        imagenet.checkpoint().load()
    message = str(caught.value)
    assert reason in message
    assert message.startswith("The ImageNet weights ")
    assert message.endswith("The bundled model stays in use.")
    for name in (str(hub.path), str(Path.home()), "~/", "http", str(hub.folder), str(hub.by_hand.parent)):
        assert name not in message, "of the server's business"
    assert files(hub.folder) | files(hub.by_hand.parent) == set(kept)  # nothing half done is left


def assert_weights(state):
    assert state.keys() == WEIGHTS.keys()
    assert torch.equal(state["fc.weight"], WEIGHTS["fc.weight"])


def test_what_is_downloaded_is_pinned():
    """A full SHA-256, a commit and not a branch, and the length that torchvision's own state as safetensors has."""
    assert re.fullmatch("[0-9a-f]{64}", imagenet.IMAGENET["sha256"])
    assert re.fullmatch("[0-9a-f]{40}", imagenet.IMAGENET["commit"])
    assert (imagenet.IMAGENET["repo"], imagenet.IMAGENET["file"]) == ("timm/resnet18.tv_in1k", "model.safetensors")
    whole = len(safetensors.torch.save(torchvision.models.resnet18().state_dict()))
    assert 0 <= whole - imagenet.IMAGENET["bytes"] < 8  # today's writer rounds the header up


@pytest.mark.parametrize("sends", [RIGHT, "redirect"], ids=["directly", "redirected"])
def test_weights_are_downloaded_once(hub, sends, monkeypatch):
    bars = []

    class Bar(torch.hub.tqdm):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            bars.append(self)

    monkeypatch.setattr(torch.hub, "tqdm", Bar)
    hub.sends = sends
    assert_weights(imagenet.checkpoint().load())
    assert [(bar.total, bar.n) for bar in bars] == [(len(RIGHT), len(RIGHT))]  # what the page shows
    address = f"/timm/resnet18.tv_in1k/resolve/{imagenet.IMAGENET['commit']}/model.safetensors"
    assert hub.asked == [f"/cdn{address}" if sends == "redirect" else address]
    hub.asked.clear()
    hub.heads.clear()
    assert_weights(imagenet.checkpoint().load())
    assert hub.asked == hub.heads == []
    assert hub.path.read_bytes() == RIGHT


WRONG = {
    "404": ("404", "Not Found"),
    "half of it": ("half", f"only {len(RIGHT) // 2:,} of {len(RIGHT):,} bytes came"),
    "no answer": ("nothing", "timed out"),
    "half, then silence": ("half, then nothing", "timed out"),
    "drops that never end": ("drops", "not finished after"),
    "a flipped bit": (FLIPPED, "another SHA-256"),
    "too much": (RIGHT + b"x", "another SHA-256"),
    "too little": (RIGHT[:15], "only 15 of"),
    "a page to sign in": (b"<!doctype html>", "the server is not a Hugging Face hub"),
    "a pickle": (pickle.dumps(bytes(len(RIGHT))), "another SHA-256"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_download_that_fails_is_a_message(hub, name, monkeypatch):
    monkeypatch.setattr(transport, "SILENCE", 1)
    hub.sends, reason = WRONG[name]
    if hub.sends == "drops":
        monkeypatch.setattr(transport, "LONGEST", 5)
    assert_no_weights(hub, reason)
    hub.sends = RIGHT
    assert_weights(imagenet.checkpoint().load())  # asking again tries again


def test_without_a_network_the_log_says_once_what_to_do(hub, monkeypatch, capsys):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
    monkeypatch.setenv("HF_ENDPOINT", address)
    assert_no_weights(hub, "could not be downloaded (Connection refused): try again later")
    assert_no_weights(hub, "could not be downloaded (Connection refused): try again later")
    file = f"timm/resnet18.tv_in1k/resolve/{imagenet.IMAGENET['commit']}/model.safetensors"
    told = f"put {address}/{file} into {hub.by_hand.parent} by hand"
    assert capsys.readouterr().err.count(told) == 1


def test_a_mirror_that_is_no_address_is_a_message(hub, monkeypatch):
    for address in ("nonsense", "http://user:secret@host:port", "http://["):
        monkeypatch.setenv("HF_ENDPOINT", address)
        assert_no_weights(hub, "(the variable HF_ENDPOINT is not a web address)")


def test_a_file_put_in_place_by_hand_is_used_at_once(hub):
    """There is also where downloads were kept before they went to the hub's cache."""
    put(hub.by_hand, RIGHT)
    assert_weights(imagenet.checkpoint().load())
    assert hub.asked == hub.heads == []


@pytest.mark.parametrize("place", ["by_hand", "path"])
def test_a_damaged_file_is_replaced_or_a_message(hub, place):
    path = getattr(hub, place)
    put(path, FLIPPED)
    hub.sends = "404"
    # In the hub's cache it would be taken for the right one, by us and by others.
    assert_no_weights(hub, "are damaged and could not be downloaded again", kept=[path] if place == "by_hand" else [])
    hub.sends = RIGHT
    assert_weights(imagenet.checkpoint().load())
    assert hub.path.read_bytes() == RIGHT


def test_a_damaged_file_that_the_hub_linked_is_replaced(hub):
    assert_weights(imagenet.checkpoint().load())
    hub.path.write_bytes(FLIPPED)
    assert_weights(imagenet.checkpoint().load())
    assert hub.path.read_bytes() == RIGHT
    assert len(hub.asked) == 2


def test_a_connection_that_breaks_goes_on_where_it_was(hub):
    hub.sends = "breaks once"
    assert_weights(imagenet.checkpoint().load())
    assert hub.resumed == [len(RIGHT) // 2]


def test_offline_is_a_message_and_asks_nobody(hub, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert_no_weights(hub, "could not be downloaded (the variable HF_HUB_OFFLINE is set)")
    assert hub.asked == hub.heads == []


def test_what_was_loaded_before_a_space_started_is_used_offline(hub, monkeypatch):
    """As `preload_from_hub` in the card does it: huggingface_hub by itself, into its own cache."""
    repo, file, commit = (imagenet.IMAGENET[key] for key in ("repo", "file", "commit"))
    command = f"import huggingface_hub; huggingface_hub.hf_hub_download({repo!r}, {file!r}, revision={commit!r})"
    environment = os.environ | {"HF_HUB_DISABLE_TELEMETRY": "1"}
    subprocess.run([sys.executable, "-c", command], env=environment, check=True, capture_output=True)
    hub.asked.clear()
    hub.heads.clear()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert_weights(imagenet.checkpoint().load())
    assert hub.asked == hub.heads == []


def test_the_hub_learns_no_more_than_which_file(hub, monkeypatch, capfd):
    """No token, no telemetry; and nothing in the log, whatever the transport has to say."""
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "0")
    assert_weights(imagenet.checkpoint().load())
    assert all("Authorization" not in head and "torch" not in head["User-Agent"] for head in hub.heads)
    assert len(hub.asked) == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert not [line for line in err.replace("\r", "\n").split("\n") if line and "B/s" not in line]  # the bar's


def test_without_huggingface_hub_a_sentence_says_so(hub, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    assert_no_weights(hub, "(the package huggingface_hub is not installed: run pip install huggingface_hub)")
    put(hub.by_hand, RIGHT)
    assert_weights(imagenet.checkpoint().load())


def test_a_full_disk_is_a_message(hub):
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(RIGHT) // 3, hard))
    try:
        assert_no_weights(hub, "could not be stored (File too large): try again later")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_folder_that_cannot_be_made_is_a_message(hub):
    hub.cache.write_text("in the way", encoding="utf-8")
    with pytest.raises(models.CheckpointError, match=r"could not be stored \(Not a directory\)"):
        imagenet.checkpoint().load()


# Three processes, which write down what they loaded; importing torch, which takes seconds, is done before they part.
PROCESSES = """
import json, os, pathlib, sys
from constrained.models import imagenet
imagenet.IMAGENET.update(json.loads(sys.argv[1]))
children = []
for name in "abc":
    children.append(os.fork())
    if not children[-1]:
        try:
            total = imagenet.checkpoint().load()["fc.weight"].sum().item()
            pathlib.Path(sys.argv[2], name).write_text(str(total))
        finally:
            os._exit(0)
print(*children, flush=True)
for child in children:
    os.waitpid(child, 0)
"""


@pytest.mark.slow
def test_three_processes_at_once_and_one_is_killed(hub, tmp_path):
    hub.sends, answers = "waits", tmp_path / "answers"
    answers.mkdir()
    command = [sys.executable, "-c", PROCESSES, json.dumps(KNOWN), str(answers)]
    root = cifar10.FOLDER.parent
    started = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        end = time.monotonic() + 100
        while len(hub.heads) < 6 and time.monotonic() < end:
            time.sleep(0.05)
        assert len(hub.heads) == 6  # all three know what they want
        assert len(hub.asked) == 1  # and one of them fetches it
        assert not hub.path.exists()  # half of it is there, under another name
        os.kill(int(started.stdout.readline().split()[0]), signal.SIGKILL)
        hub.go.set()
        started.wait(100)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGKILL)
        started.communicate()
    assert {file.name: file.read_text(encoding="utf-8") for file in answers.iterdir()} == dict.fromkeys(
        "bc", str(WEIGHTS["fc.weight"].sum().item())
    )
    assert len(hub.asked) <= 2  # the second time if it was the first that was killed
    assert {path.suffix for path in files(hub.folder)} == {"", ".safetensors"}


def test_what_a_killed_process_left_is_deleted_later(hub):
    old, young = (hub.folder / "blobs" / f"{name}.incomplete" for name in ("old", "young"))
    for path in (old, young):
        put(path, RIGHT[:100])
    long_ago = time.time() - transport.LONGEST - 1
    os.utime(old, (long_ago, long_ago))
    assert_weights(imagenet.checkpoint().load())
    assert not old.exists()
    assert young.exists()  # it might still be growing


def test_no_pickle_is_loaded(hub, tmp_path):
    class Attack:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "owned",))

    for path in (hub.path, hub.path.parent.parent / "resnet18-f37072fd.pth"):
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save({"fc.weight": Attack()}, path)
    assert_weights(imagenet.checkpoint().load())
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("damage", ["missing", "cut", "a flipped bit"])
def test_bundled_weights_that_are_damaged_are_a_message(damage, monkeypatch, tmp_path):
    (tmp_path / "resnet18-cifar10.json").write_text(json.dumps(FACTS), encoding="utf-8")
    data = bytearray((cifar10.FOLDER / FACTS["file"]).read_bytes())
    if damage == "a flipped bit":  # a number like any other
        data[-1000] ^= 1
        safetensors.torch.load(bytes(data))
    if damage != "missing":
        (tmp_path / FACTS["file"]).write_bytes(data[: 10**6] if damage == "cut" else data)
    monkeypatch.setattr(cifar10, "FOLDER", tmp_path)
    with pytest.raises(
        models.CheckpointError, match=r"(missing|damaged or has been edited): restore it with git checkout"
    ):
        cifar10.checkpoint().load()
