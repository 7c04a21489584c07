"""The models: files that match their facts, pictures that become the right input, failures that say what to do."""

import hashlib
import json
import socket
from pathlib import Path
from urllib.error import URLError

import numpy as np
import PIL.Image
import pytest
import safetensors.torch
import torch

from constrained import checkpoints
from constrained.model import torchvision

FACTS = json.loads((checkpoints.FOLDER / "resnet18-cifar10.json").read_text())


def noise(width, height, seed=0):
    rng = np.random.default_rng(seed)
    return PIL.Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))


@pytest.mark.parametrize("facts", [FACTS, FACTS["features"]], ids=["weights", "features"])
def test_files_are_the_ones_that_were_measured(facts):
    data = (checkpoints.FOLDER / facts["file"]).read_bytes()
    assert hashlib.sha256(data).hexdigest() == facts["sha256"]


def test_weights_are_half_precision_and_load_in_single():
    stored = safetensors.torch.load_file(checkpoints.FOLDER / FACTS["file"])
    assert {v.dtype for v in stored.values()} == {torch.float16, torch.int64}
    assert next(checkpoints.bundled().model().parameters()).dtype == torch.float32


def test_stored_logits_are_the_head_on_stored_features():
    data = safetensors.torch.load_file(checkpoints.FOLDER / FACTS["features"]["file"])
    head = checkpoints.bundled().model().fc
    logits = head(data["features"].float()).detach()
    assert data["features"].shape == (FACTS["test"]["pictures"], 512)
    torch.testing.assert_close(logits, data["logits"].float(), rtol=0.01, atol=0.03)  # both were rounded to float16
    assert int(data["fit"].sum()) == FACTS["features"]["fit"]
    accuracy = (logits.argmax(1) == data["labels"]).double().mean().item()
    assert accuracy == pytest.approx(FACTS["test"]["accuracy"], abs=0.002)


@pytest.mark.parametrize("size", [(32, 32), (1, 1), (400, 300), (300, 4000), (31, 97)])
def test_a_picture_of_any_shape_becomes_input(size):
    for checkpoint in (checkpoints.bundled(), checkpoints.imagenet()):
        views = checkpoint.views(noise(*size))
        assert all(view.width == view.height for view in views)
        x = checkpoint.batch(views)
        assert x.shape[0] % len(views) == 0  # mirror images come along
        assert x.shape[1] == 3
        assert x.shape[2] == x.shape[3]
        assert x.isfinite().all()


def test_a_picture_of_the_training_size_is_seen_as_the_test_saw_it():
    """The accuracy in the facts was measured on tensors; a file of 32 x 32 pixels must meet the same input."""
    checkpoint, picture = checkpoints.bundled(), noise(32, 32)
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
    left, middle, right, whole = (
        np.asarray(crop).mean((0, 1)) for crop in checkpoints.crops(PIL.Image.fromarray(wide), 32)
    )
    np.testing.assert_allclose(left, [255, 0, 0], atol=1)
    np.testing.assert_allclose(right, [0, 255, 0], atol=1)
    np.testing.assert_allclose(middle, [0, 0, 255], atol=1)
    np.testing.assert_allclose(whole, [85, 85, 85], atol=5)


@pytest.mark.parametrize(("size", "count"), [((50, 50), 1), ((60, 40), 3), ((40, 60), 3), ((1, 90), 5), ((900, 10), 5)])
def test_as_few_crops_as_cover_the_picture(size, count):
    crops = checkpoints.crops(noise(*size), 32)
    assert len(crops) == count
    assert {crop.size for crop in crops} == {(32, 32)}


@pytest.mark.parametrize("size", [(500, 300), (300, 500), (256, 256), (224, 900)])
def test_imagenet_input_is_torchvisions_own(size):
    picture = noise(*size)
    checkpoint = checkpoints.imagenet()
    expected = torchvision.models.ResNet18_Weights.IMAGENET1K_V1.transforms()(picture)
    difference = (checkpoint.batch(checkpoint.views(picture))[0] - expected).abs()
    # A strip of more than 1 : 2 is cut before it is resized, which may shift the resampling by a fraction of a pixel.
    assert difference.max() < (1e-5 if max(size) <= 2 * min(size) else 2.0)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    return folder


def test_without_a_network_the_message_says_what_to_do(hub, monkeypatch):
    def unreachable(*_args, **_kwargs):
        raise OSError("Network is unreachable")

    monkeypatch.setattr(socket, "create_connection", unreachable)
    with pytest.raises(checkpoints.CheckpointError) as caught:
        checkpoints.imagenet().load()
    message = str(caught.value)
    assert "resnet18-f37072fd.pth" in message
    assert "by hand" in message
    assert str(hub).replace(str(Path.home()), "~") in message


def test_a_download_that_breaks_off_is_a_message_too(hub, monkeypatch):
    monkeypatch.setattr(socket, "create_connection", lambda *_a, **_k: socket.socket())

    def broken(*_args, **_kwargs):
        raise URLError("connection reset")

    monkeypatch.setattr(torch.hub, "download_url_to_file", broken)
    with pytest.raises(checkpoints.CheckpointError, match="could not be downloaded"):
        checkpoints.imagenet().load()


def test_a_file_put_in_place_by_hand_is_used_at_once(hub, monkeypatch):
    monkeypatch.setattr(socket, "create_connection", None)  # any call would fail
    torch.manual_seed(0)
    model = torchvision.models.resnet18()
    torch.save(model.state_dict(), hub / "resnet18-f37072fd.pth")
    loaded = checkpoints.imagenet().load()
    torch.testing.assert_close(loaded["fc.weight"], model.fc.weight.detach())


def test_a_damaged_file_is_a_message(hub):
    (hub / "resnet18-f37072fd.pth").write_bytes(b"not a checkpoint")
    with pytest.raises(checkpoints.CheckpointError, match="damaged"):
        checkpoints.imagenet().load()


def test_a_pickle_that_would_run_code_is_refused(hub, tmp_path):
    class Attack:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "owned",))

    torch.save({"fc.weight": Attack()}, hub / "resnet18-f37072fd.pth")
    with pytest.raises(checkpoints.CheckpointError):
        checkpoints.imagenet().load()
    assert not (tmp_path / "owned").exists()


def test_missing_bundled_weights_are_a_message(monkeypatch, tmp_path):
    (tmp_path / "resnet18-cifar10.json").write_text(json.dumps(FACTS))
    monkeypatch.setattr(checkpoints, "FOLDER", tmp_path)
    with pytest.raises(checkpoints.CheckpointError, match="missing or damaged"):
        checkpoints.bundled().load()
