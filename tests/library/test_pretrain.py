"""`constrained.models.pretrain` on a few dozen random pictures: the command, its files, and a run that was killed."""

import io
import json
import os
import platform
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import safetensors.torch
import torch
from torch.distributed.run import get_args_parser

from constrained import calibration
from constrained.model import torchvision
from constrained.models import pretrain

ROOT = Path(__file__).parents[2]
RUN = "runs/cifar10"  # the default of --run
TRAIN, TEST, BATCH = 16, 20, 8  # two steps an epoch


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    """The same sums in the same order, and no waiting for a second core that is busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Random JPEG pictures in the layout that `load_data` reads."""
    draw, arrays = np.random.default_rng(0), {}
    for split, count in (("train", TRAIN), ("test", TEST)):
        pictures = []
        for _ in range(count):
            stream = io.BytesIO()
            # Smooth, so that JPEG keeps it; some grey, because load_data promises RGB.
            small = PIL.Image.fromarray(draw.integers(0, 256, (4, 4, 3), dtype=np.uint8))
            small.resize((32, 32)).convert(draw.choice(["RGB", "L"], p=[0.9, 0.1])).save(stream, "JPEG")
            pictures.append(stream.getvalue())
        arrays[f"{split}_jpeg"] = np.frombuffer(b"".join(pictures), np.uint8)
        arrays[f"{split}_offsets"] = np.cumsum([0, *map(len, pictures)])
        arrays[f"{split}_labels"] = draw.integers(0, 10, count, dtype=np.uint8)
    path = tmp_path_factory.mktemp("data") / "pictures.npz"
    np.savez(path, **arrays, classes=np.array(pretrain.LABELS))
    return path


def arguments(archive, folder, *more):
    """A run of two epochs; its --run is left at the default, so that it lies below the working directory."""
    told = [
        "--data",
        archive,
        "--out",
        folder / "out",
        "--epochs",
        2,
        "--size",
        32,
        "--batch-size",
        BATCH,
        "--lr",
        0.01,
    ]
    return [*map(str, told), *more]


@pytest.fixture(scope="module")
def finished(archive, tmp_path_factory):
    """A run from the first epoch to the files; one from a shell is that of two processes."""
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(torch.cuda, "is_available", lambda: False)
        pretrain.main(arguments(archive, folder))
    return folder


def read(folder):
    """The facts, the weights and the features that a run has written."""
    facts = json.loads((folder / "out" / f"{pretrain.NAME}.json").read_text(encoding="utf-8"))
    tensors = (safetensors.torch.load_file(folder / "out" / f) for f in (facts["file"], facts["features"]["file"]))
    return facts, *tensors


# Files ----------------------------------------------------------------------------------------------------------------


def test_weights_are_those_of_a_whole_resnet18_in_float16(finished):
    _, weights, _ = read(finished)
    model = torchvision.models.resnet18(num_classes=10)
    assert {v.dtype for v in weights.values() if v.is_floating_point()} == {torch.float16}
    assert all(v.isfinite().all() for v in weights.values())
    model.load_state_dict(weights)  # strict
    trained = safetensors.torch.load_file(finished / RUN / "epoch-2.safetensors")
    for name, value in weights.items():
        assert torch.equal(value, trained[f"model.{name}"].to(value.dtype))


def test_features_and_logits_are_those_of_the_test_pictures(finished, archive):
    _, weights, data = read(finished)
    assert {k: tuple(v.shape) for k, v in data.items()} == {
        "features": (TEST, 512),
        "logits": (TEST, 10),
        "labels": (TEST,),
        "fit": (TEST,),
    }
    assert [data[k].dtype for k in ("features", "labels", "fit")] == [torch.float16, torch.uint8, torch.bool]
    assert data["labels"].tolist() == np.load(archive)["test_labels"].tolist()
    assert data["fit"].sum() == TEST * 6 // 10
    # The head on the features gives the logits: what every column of the page starts from.
    head = torch.nn.functional.linear(
        data["features"].float(), weights["fc.weight"].float(), weights["fc.bias"].float()
    )
    torch.testing.assert_close(head, data["logits"].float(), atol=5e-3, rtol=5e-3)


def test_every_fact_is_measured_or_an_argument_of_the_run(finished, archive):
    facts, _, data = read(finished)
    files = {name: finished / "out" / name for name in (facts["file"], facts["features"]["file"])}
    assert {p.name for p in (finished / "out").iterdir()} == {*files, f"{pretrain.NAME}.json"}
    test, training = facts.pop("test"), facts.pop("training")
    logits, labels = data["logits"].float(), data["labels"].long()
    assert test["pictures"] == TEST
    # Logits are stored in float16, in which those of a model that has hardly learned can tie: one picture may differ.
    assert test["accuracy"] == pytest.approx((logits.argmax(1) == labels).double().mean().item(), abs=1.5 / TEST)
    assert test["nll"] == pytest.approx(calibration.nll(logits, labels).item(), abs=2e-3)
    assert test["ece"] == pytest.approx(calibration.ece(logits.softmax(-1), labels).item(), abs=1.5 / TEST)
    assert facts == {
        "name": pretrain.NAME,
        "architecture": "torchvision.models.resnet18",
        "labels": pretrain.LABELS,
        "file": f"{pretrain.NAME}.safetensors",
        "bytes": files[facts["file"]].stat().st_size,
        "sha256": pretrain.sha256(files[facts["file"]]),
        "input": {"detail": 32, "size": 32, "mean": list(pretrain.MEAN), "std": list(pretrain.STD)},
        "features": {
            "file": f"{pretrain.NAME}-features.safetensors",
            "sha256": pretrain.sha256(files[facts["features"]["file"]]),
            "fit": TEST * 6 // 10,
            "judge": TEST - TEST * 6 // 10,
        },
    }
    assert pretrain.sha256(archive) in training["data"]
    assert training["seconds"] == round(
        sum(e["seconds"] for e in json.loads((finished / RUN / "log.json").read_text(encoding="utf-8")))
    )
    versions = {"python": platform.python_version(), "torch": torch.__version__, "torchvision": torchvision.__version__}
    assert training["versions"] == versions
    launch, again = shlex.split(training["command"])[:3], pretrain.parse(shlex.split(training["command"])[3:])
    assert launch == ["python", "-m", "constrained.models.pretrain"]
    places, asked = {"data", "run", "out", "argv"}, pretrain.parse(arguments(archive, finished))
    assert again.data.name == archive.name
    assert {k: v for k, v in vars(again).items() if k not in places} == {
        k: v for k, v in vars(asked).items() if k not in places
    }
    told = {"epochs": 2, "batch_size": BATCH, "lr": 0.01, "weight_decay": 5e-4, "train_size": 32, "seed": 0}
    told |= {
        "rest": 0.0,
        "augment": 1.0,
        "sam": 0.0,
        "precision": "float32",
        "processes": 1,
        "device": "cpu",
        "init": None,
    }
    assert {k: v for k, v in training.items() if k not in ("data", "seconds", "versions", "command")} == told


def test_what_a_run_starts_from_brings_its_facts_along(finished, tmp_path):
    facts, *_ = read(finished)
    weights = finished / "out" / facts["file"]
    assert pretrain.origin(weights) == {key: facts[key] for key in ("sha256", "test", "training")}
    (tmp_path / weights.name).write_bytes(weights.read_bytes() + b" ")
    (tmp_path / f"{pretrain.NAME}.json").write_text(json.dumps(facts), encoding="utf-8")
    with pytest.raises(ValueError, match="is not the file that"):
        pretrain.origin(tmp_path / weights.name)


def test_sha256_of_a_known_file(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, appendix B.1
    assert pretrain.sha256(tmp_path / "abc") == digest


# A run that was killed ------------------------------------------------------------------------------------------------


class Killed(BaseException):
    """Like a KeyboardInterrupt: nothing in between may catch it."""


@pytest.mark.slow
def test_resumed_run_equals_an_uninterrupted_one(archive, finished, tmp_path, monkeypatch):
    """Killed at the worst moment: the second epoch's log and tensors are written, its state.json is not yet there."""
    replace, calls = os.replace, []

    def killed_at_the_second_epoch(source, target):
        calls.append(target)
        if len(calls) == 2:
            raise Killed
        replace(source, target)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", killed_at_the_second_epoch)
        with pytest.raises(Killed):
            pretrain.main(arguments(archive, tmp_path))
    assert json.loads(Path(RUN, "state.json").read_text(encoding="utf-8"))["epoch"] == 1
    assert not (tmp_path / "out").exists()

    trained, augment = [], pretrain.augment
    monkeypatch.setattr(pretrain, "augment", lambda *a: trained.append(len(a[0])) or augment(*a))
    pretrain.main(arguments(archive, tmp_path, "--resume"))
    assert trained == [BATCH] * (TRAIN // BATCH)  # one epoch and not two
    assert [path.name for path in Path(RUN).glob("epoch-*")] == ["epoch-2.safetensors"]  # the first one is gone
    ours, theirs = (
        safetensors.torch.load_file(folder / RUN / "epoch-2.safetensors") for folder in (tmp_path, finished)
    )
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-6)
    assert any(name.startswith("momentum.") for name in ours)
    states, logs = (
        [json.loads((folder / RUN / name).read_text(encoding="utf-8")) for folder in (tmp_path, finished)]
        for name in ("state.json", "log.json")
    )
    assert states[0] == states[1]
    assert [len(log) for log in logs] == [2, 2]
    assert read(tmp_path)[0]["test"] == read(finished)[0]["test"]


def test_resume_refuses_other_settings(tmp_path):
    """A schedule restored under another --epochs ends too early or runs over, and the facts would be wrong."""
    settings = {"epochs": 2, "lr": 0.2}
    pretrain.begin(tmp_path, settings, resume=False)
    pretrain.begin(tmp_path, settings, resume=True)
    with pytest.raises(ValueError, match=r"epochs was 2, now 3$"):
        pretrain.begin(tmp_path, settings | {"epochs": 3}, resume=True)


def test_new_run_forgets_an_older_one_in_the_same_folder(tmp_path):
    (tmp_path / "state.json").write_text("{}", encoding="utf-8")
    pretrain.begin(tmp_path, {}, resume=True)
    assert (tmp_path / "state.json").exists()
    pretrain.begin(tmp_path, {}, resume=False)
    assert not (tmp_path / "state.json").exists()


def test_missing_file_and_too_few_pictures_are_named(archive, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"typo\.npz"):
        pretrain.load_data(tmp_path / "typo.npz")
    small = ["--data", str(archive), "--state", str(tmp_path), "--subset", "5", "--batch-size", "8"]
    with pytest.raises(ValueError, match="5 pictures do not fill one batch of 8"):
        pretrain.main(small)


@pytest.mark.slow
def test_two_processes_train_and_write_one_set_of_files(archive, tmp_path):
    run = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "constrained.models.pretrain"]
    ran = subprocess.run(
        [sys.executable, *run, *arguments(archive, tmp_path, "--sam", "0.01")],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    facts, weights, data = read(tmp_path)
    assert facts["training"]["processes"] == 2
    assert facts["training"]["command"].startswith("torchrun --nproc-per-node 2 -m constrained.models.pretrain ")
    assert facts["sha256"] == pretrain.sha256(tmp_path / "out" / facts["file"])
    assert ran.stdout.count("test accuracy") == 2  # one process reports, once an epoch
    assert len(json.loads((tmp_path / RUN / "log.json").read_text(encoding="utf-8"))) == 2
    assert weights["bn1.num_batches_tracked"] == 2 * TRAIN // BATCH
    model = torchvision.models.resnet18(num_classes=10)
    model.load_state_dict(weights)
    features, logits = pretrain.predict(model, pretrain.as_used(pretrain.load_data(archive)[1][0], facts["input"]))
    torch.testing.assert_close(features.half(), data["features"], atol=1e-3, rtol=1e-2)
    torch.testing.assert_close(logits.half(), data["logits"], atol=1e-3, rtol=1e-2)


def test_pictures_that_are_known_well_rest_by_turns_and_the_gradient_stays_that_of_all():
    losses = torch.rand(1000, generator=torch.Generator().manual_seed(0))
    draws = [pretrain.draw(losses, 0.4, torch.Generator().manual_seed(seed)) for seed in range(200)]
    hardest = losses.argsort()[800:]
    for order, weights in draws:
        assert len(order) == len(order.unique()) == 600
        assert torch.equal(weights > 0, torch.zeros(1000).index_fill(0, order, 1) > 0)
        assert torch.equal(weights[hardest], torch.ones(200))  # they are in every epoch, once
    mean = torch.stack([weights for _, weights in draws]).mean(0)
    assert mean.mean() == 1
    assert (mean - 1).abs().max() < 5 * 200**-0.5  # five standard errors of a mean of 0s and 2s
    everything, weights = pretrain.draw(losses, 0.0, torch.Generator().manual_seed(0))
    assert sorted(everything.tolist()) == list(range(1000))
    assert (weights == 1).all()


@pytest.mark.slow
def test_a_run_in_which_pictures_rest_takes_fewer_steps_until_its_last_eighth(archive, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    trained, augment = [], pretrain.augment
    monkeypatch.setattr(pretrain, "augment", lambda *a: trained.append(len(a[0])) or augment(*a))
    pretrain.main(arguments(archive, tmp_path, "--epochs", "5", "--rest", "0.5"))
    assert trained == [BATCH] * (4 * 1 + 2)
    losses = safetensors.torch.load_file(Path(RUN) / "epoch-5.safetensors")["losses"]
    assert losses.shape == (TRAIN,)
    assert (losses > 0).all()
    with pytest.raises(SystemExit):
        pretrain.parse(["--rest", "0.6"])


def test_the_way_up_is_as_long_as_asked_and_along_the_gradient():
    model = torch.nn.Linear(5, 3)
    x, labels = torch.randn(8, 5), torch.randint(0, 3, (8,))
    torch.nn.functional.cross_entropy(model(x), labels).backward()
    gradients = torch.cat([p.grad.flatten() for p in model.parameters()])
    start = [p.detach().clone() for p in model.parameters()]
    before = pretrain.ascend(model, x, labels, 0.3, torch.float32)
    torch.testing.assert_close(before, start, rtol=0, atol=0)
    moved = torch.cat([(p.detach() - b).flatten() for p, b in zip(model.parameters(), before, strict=True)])
    torch.testing.assert_close(moved, 0.3 * gradients / gradients.norm())
    pretrain.descend(model, before)
    assert all(torch.equal(p, b) for p, b in zip(model.parameters(), start, strict=True))
    for wrong in ("-1", "nan", "inf"):
        with pytest.raises(SystemExit):
            pretrain.parse(["--sam", wrong])


@pytest.mark.slow
def test_a_step_starts_from_where_it_was_before_the_way_up(archive, finished, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    pretrain.main(arguments(archive, tmp_path, "--sam", "0.5", "--lr", "0"))
    torch.manual_seed(0)
    fresh = torchvision.models.resnet18(num_classes=10)
    still = safetensors.torch.load_file(Path(RUN) / "epoch-2.safetensors")
    for name, value in fresh.named_parameters():
        assert torch.equal(still[f"model.{name}"], value), name
    pretrain.main(arguments(archive, tmp_path, "--sam", "0.5"))
    flat, plain = (
        safetensors.torch.load_file(folder / RUN / "epoch-2.safetensors")["model.fc.weight"]
        for folder in (tmp_path, finished)
    )
    assert torch.equal(still["model.bn1.num_batches_tracked"], torch.tensor(2 * TRAIN // BATCH))  # not by the way up
    assert not torch.allclose(flat, plain, rtol=0, atol=1e-4)


def test_torchrun_passes_every_option_on(capsys):
    """torchrun looks for its own options, abbreviated ones too, among those of the program that it starts."""
    with pytest.raises(SystemExit):
        pretrain.parse(["--help"])
    options, refused = set(re.findall(r"--[a-z][a-z-]*", capsys.readouterr().out)), []
    assert {"--data", "--resume"} <= options
    for option in options:
        try:
            get_args_parser().parse_args(["-m", "constrained.models.pretrain", option])
        except SystemExit:
            refused.append(option)
    assert refused == []


# Parts ----------------------------------------------------------------------------------------------------------------


def test_load_data_decodes_every_picture_in_order(archive):
    (pixels, labels), (test_pixels, _), source = pretrain.load_data(archive)
    arrays = np.load(archive)
    assert pixels.shape == (TRAIN, 3, 32, 32)
    assert test_pixels.shape == (TEST, 3, 32, 32)
    assert pixels.dtype == torch.uint8
    assert labels.tolist() == arrays["train_labels"].tolist()
    offsets = arrays["train_offsets"]
    last = PIL.Image.open(io.BytesIO(arrays["train_jpeg"][offsets[-2] : offsets[-1]].tobytes())).convert("RGB")
    assert np.array_equal(pixels[-1].permute(1, 2, 0), np.asarray(last))
    assert archive.name in source


def pictures(n):
    return torch.randint(0, 256, (n, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("size", [16, 32, 45])
def test_augment_keeps_range_and_shape(size):
    for x in (pictures(64), torch.full((64, 3, 32, 32), 255, dtype=torch.uint8)):
        before = x.clone()
        y = pretrain.augment(x, size, 1.0, torch.Generator().manual_seed(1))
        assert y.shape == (64, 3, size, size)
        assert y.dtype == torch.float32
        assert y.min() >= 0
        assert y.max() <= 1
        assert torch.equal(x, before)


def test_augment_depends_on_its_generator_alone():
    results = []
    for seed, global_seed in ((1, 0), (1, 5), (2, 0)):
        torch.manual_seed(global_seed)
        results.append(pretrain.augment(pictures(8), 32, 1.0, torch.Generator().manual_seed(seed)))
    assert torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])


def test_augment_treats_every_picture_on_its_own_and_flips_half_of_them():
    left = torch.zeros(400, 3, 32, 32, dtype=torch.uint8)
    left[..., :16] = 255
    y = pretrain.augment(left, 32, 1.0, torch.Generator().manual_seed(0))
    assert len({tuple(row) for row in y.mean((2, 3)).tolist()}) > 350
    brighter_left = y[..., :16].mean((1, 2, 3)) > y[..., 16:].mean((1, 2, 3))
    assert 0.4 < brighter_left.double().mean() < 0.6


def test_augment_without_strength_only_flips_and_with_half_of_it_changes_less():
    x = pictures(64)
    flips = torch.stack([x / 255, x.flip(-1) / 255])
    off = {
        strength: (flips - pretrain.augment(x, 32, strength, torch.Generator().manual_seed(1))).abs().mean((2, 3, 4))
        for strength in (0.0, 0.5, 1.0)
    }
    assert off[0.0].amin(0).max() < 1e-5
    assert 16 < (off[0.0][0] < 1e-5).sum() < 48
    half, full = (off[strength].amin(0).mean() for strength in (0.5, 1.0))
    assert 0 < half < full
    grey = torch.full((200, 3, 32, 32), 100, dtype=torch.uint8)  # crops change nothing here, and saturation neither
    brightness = pretrain.augment(grey, 32, 0.5, torch.Generator().manual_seed(1)).mean((1, 2, 3)) * 255 / 100
    assert 0.85 <= brightness.min() < 0.88
    assert 1.12 < brightness.max() <= 1.15
    for wrong in ("-0.1", "1.1", "nan"):
        with pytest.raises(SystemExit):
            pretrain.parse(["--augment", wrong])


def test_normalise_has_mean_zero_and_variance_one_where_the_data_does():
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (pretrain.MEAN, pretrain.STD))
    x = mean + std * torch.tensor([-1.0, 1.0]).view(1, 1, 1, 2)
    y = pretrain.normalise(x, pretrain.MEAN, pretrain.STD)
    torch.testing.assert_close(y, torch.tensor([-1.0, 1.0]).expand(1, 3, 1, 2))
