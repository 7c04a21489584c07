"""How the bundled checkpoint was made: torchvision's ResNet18 on CIFAR-10, upsampled inside the pipeline.

    # downloads CIFAR-10 through torchvision
    python -m constrained.models.pretrain
    # or reads a local file of JPEG pictures
    python -m constrained.models.pretrain --data cifar10_jpeg.npz
    # goes on after the last finished epoch
    python -m constrained.models.pretrain --resume
    # starts from a result
    python -m constrained.models.pretrain --size 96 --init checkpoints/resnet18-cifar10.safetensors
    # pictures that are known well rest by turns
    python -m constrained.models.pretrain --rest 0.4
    # crops and jitter half as strong; flatter minima
    python -m constrained.models.pretrain --augment 0.5 --sam 0.1
    # data parallel, gloo on CPUs, nccl on GPUs
    torchrun --nproc-per-node 2 -m constrained.models.pretrain
    # then the page takes the new files
    python -m constrained.shipped

The network sees pictures of ``--size`` pixels that hold no more detail than 32 x 32: that is what CIFAR-10 offers,
and a photograph is brought to the same 32 pixels before it is shown to the network (`views.crops`). It wants the
size that it was trained at: with a checkpoint from 64 pixels, 72 or 80 cost 9 points and more of accuracy. Larger is
better and slower, so a run at a small size can be the start of one at a larger (``--init``).
The last epoch is what is exported; the test pictures choose nothing.
"""

import argparse
import hashlib
import io
import itertools
import json
import math
import os
import platform
import shlex
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import PIL.Image
import safetensors.torch
import torch
import torch.distributed as dist
from torch import Tensor, nn

from .. import calibration
from ..model import torchvision
from ..views import crops
from .checkpoint import normalise, prepare, upsample

LABELS = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
DETAIL = 32  # pixels a side that CIFAR-10 offers
NAME = "resnet18-cifar10"
FIT, JUDGE = 6_000, 4_000  # the test pictures, split once and for good
GLANCE = 1_000  # test pictures to look at after an epoch, about: all would take a fifth of an epoch's time


def load_data(path: Path) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor], str]:
    """Both splits as ``(pixels (N, 3, 32, 32) uint8, labels (N,) int64)`` and a sentence that names the source.

    A file is read as an ``.npz`` of JPEG bytes (keys ``{split}_jpeg``, ``{split}_offsets``, ``{split}_labels``);
    anything else is a folder for ``torchvision.datasets.CIFAR10`` to download to.
    """
    splits = []
    if path.suffix == ".npz" and not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")  # and it is no name for a folder to download to
    if path.is_file():
        with np.load(path) as archive:  # allow_pickle is False by default
            for split in ("train", "test"):
                jpeg, offsets = archive[f"{split}_jpeg"], archive[f"{split}_offsets"]
                pictures = [
                    np.asarray(PIL.Image.open(io.BytesIO(jpeg[a:b].tobytes())).convert("RGB"))
                    for a, b in itertools.pairwise(offsets)
                ]
                splits.append((np.stack(pictures), archive[f"{split}_labels"]))
        source = f"CIFAR-10 as JPEG pictures, {path.name}, SHA-256 {sha256(path)}"
    else:
        for train in (True, False):
            data = torchvision.datasets.CIFAR10(path, train=train, download=True)
            splits.append((data.data, np.asarray(data.targets)))
        source = "CIFAR-10 through torchvision.datasets.CIFAR10"
    train, test = (
        (torch.from_numpy(x).permute(0, 3, 1, 2).contiguous(), torch.from_numpy(y.astype(np.int64))) for x, y in splits
    )
    return train, test, source


def augment(pixels: Tensor, size: int, strength: float, generator: torch.Generator) -> Tensor:
    """Random resized crop, zoom-out, flip and colour jitter, each picture its own, in one resampling.

    At full strength a crop has half of the picture's area or more and sides as 3 to 4 at most, and colours change by
    30 % at most. One picture in four is made smaller instead of cropped, up to 1.5 times (its border mirrored), because
    in a photograph the subject seldom fills the frame as it does in CIFAR-10. Half the strength is half of each.

    Args:
        pixels: ``(B, 3, 32, 32)``, uint8.
        size: side of the result, in pixels.
        strength: of everything but the flip, in ``[0, 1]``.

    Returns:
        ``(B, 3, size, size)``, float32 in ``[0, 1]``.
    """
    n = len(pixels)

    def uniform(low: float, high: float) -> Tensor:
        return torch.empty(n).uniform_(low, high, generator=generator).to(pixels.device)

    aspect = torch.exp(strength * uniform(-math.log(4 / 3), math.log(4 / 3)) / 2)
    cropped = torch.sqrt(uniform(1 - 0.5 * strength, 1.0))
    scale = torch.where(uniform(0, 1) < 0.25 * strength, uniform(1.0, 1 + 0.5 * strength), cropped)
    width, height = scale * aspect, scale / aspect
    inside = scale <= 1  # a crop stays within the picture
    width, height = (torch.where(inside, side.clamp(max=1), side) for side in (width, height))
    flip = torch.where(uniform(0, 1) < 0.5, -1.0, 1.0)
    theta = torch.zeros(n, 2, 3, device=pixels.device)
    theta[:, 0, 0], theta[:, 0, 2] = width * flip, uniform(-1, 1) * (1 - width)
    theta[:, 1, 1], theta[:, 1, 2] = height, uniform(-1, 1) * (1 - height)
    grid = nn.functional.affine_grid(theta, [n, 3, size, size], align_corners=False)
    x = nn.functional.grid_sample(pixels.float() / 255, grid, padding_mode="reflection", align_corners=False)

    brightness, contrast, saturation = (
        uniform(1 - 0.3 * strength, 1 + 0.3 * strength).view(n, 1, 1, 1) for _ in range(3)
    )
    x = x * brightness
    grey = (x * torch.tensor([0.299, 0.587, 0.114], device=x.device).view(1, 3, 1, 1)).sum(1, keepdim=True)
    x = torch.lerp(grey, x, saturation)
    return torch.lerp(grey.mean((2, 3), keepdim=True), x, contrast).clamp(0, 1)


def whole(pixels: Tensor, size: int) -> Iterator[list[Tensor]]:
    """Batches of pictures as the network saw them in training, uncropped: the quick look after every epoch."""
    for batch in pixels.split(250):
        yield list(normalise(upsample(batch, size), MEAN, STD).split(1))


def as_used(pixels: Tensor, geometry: dict) -> Iterator[list[Tensor]]:
    """Batches of pictures as the app shows them to the network: several views each."""
    for batch in pixels.permute(0, 2, 3, 1).split(50):
        yield [prepare(crops(PIL.Image.fromarray(p), geometry["detail"]), geometry) for p in batch.numpy()]


def forward(model: nn.Module, x: Tensor, precision: torch.dtype) -> Tensor:
    """Logits, float32, of a forward pass in this precision; weights and gradients stay float32."""
    with torch.autocast(x.device.type, precision, enabled=precision != torch.float32):
        logits = model(x)
    return logits.float()


@torch.no_grad()
def predict(
    model: nn.Module, batches: Iterable[list[Tensor]], precision: torch.dtype = torch.float32
) -> tuple[Tensor, Tensor]:
    """Features ``(N, 512)`` and logits ``(N, 10)``, float32 on the CPU, each the mean over a picture's views.

    The last layer is linear, so the logits are those of the mean features.
    """
    model.eval()
    device = next(model.parameters()).device
    results = ([], [])
    seen = []
    hook = model.avgpool.register_forward_hook(lambda _m, _i, out: seen.append(out.flatten(1)))
    try:
        for batch in batches:
            x = torch.cat(batch).to(device, memory_format=torch.channels_last)
            logits = forward(model, x, precision)
            for result, part in zip(results, (seen.pop(), logits), strict=True):
                result += [views.mean(0) for views in part.float().cpu().split([len(views) for views in batch])]
    finally:
        hook.remove()
    features, logits = (torch.stack(result) for result in results)
    return features, logits


def draw(losses: Tensor, rest: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """The pictures of one epoch in their order, and a weight for each of all pictures.

    Of the ``2 rest`` of the pictures with the least loss when last seen, half are drawn to rest for this epoch, and
    the other half count twice: in expectation the gradient is that of all pictures. After Qin et al., "InfoBatch:
    Lossless Training Speed Up by Unbiased Dynamic Data Pruning" (ICLR 2024), which draws from those below the mean
    loss; a fixed share keeps the number of steps, and so the schedule, known from the start.

    Args:
        losses: ``(N,)``.
        rest: share of the pictures that rest, in ``[0, 0.5]``.

    Returns:
        indices ``(N - round(rest N),)``, int64, and weights ``(N,)``: 0, 1 or 2.
    """
    n = len(losses)
    order = torch.randperm(n, generator=generator)
    pairs = round(rest * n)
    known = losses.argsort()[: 2 * pairs][torch.randperm(2 * pairs, generator=generator)]
    weights = torch.ones(n)
    weights[known[:pairs]], weights[known[pairs:]] = 0, 2
    return order[weights[order] > 0], weights


def ascend(model: nn.Module, x: Tensor, labels: Tensor, radius: float, precision: torch.dtype) -> list[Tensor]:
    """Move the parameters by ``radius``, in the Euclidean norm, up the gradient of the loss.

    A gradient found there and used where they were is that of Foret et al., "Sharpness-Aware Minimization for
    Efficiently Improving Generalization" (ICLR 2021, equations 2 and 3, algorithm 1). Every process climbs by pictures
    of its own: their "m-sharpness".

    Returns:
        What `descend` puts back: the parameters as they were, and BatchNorm's averages of them there.
    """
    loss = nn.functional.cross_entropy(forward(model, x, precision), labels)
    parameters = list(model.parameters())
    before = [tensor.detach().clone() for tensor in (*parameters, *model.buffers())]
    gradients = torch.autograd.grad(loss, parameters)
    norm = torch.stack([gradient.norm() for gradient in gradients]).norm()
    with torch.no_grad():
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter += radius / (norm + 1e-12) * gradient
    return before


@torch.no_grad()
def descend(model: nn.Module, before: list[Tensor]) -> None:
    """Put back what `ascend` has changed; to subtract what was added would part the processes, by rounding."""
    for tensor, value in zip((*model.parameters(), *model.buffers()), before, strict=True):
        tensor.copy_(value)


def train(model: nn.Module, data: tuple[Tensor, Tensor], args: argparse.Namespace, on_epoch) -> None:
    """SGD with Nesterov momentum and OneCycle, resumable at every epoch; ``on_epoch(epoch, seconds)`` after each."""
    rank, world = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
    device = next(model.parameters()).device
    pixels, labels = (t.to(device) for t in data)
    # In the last eighth of the epochs, or the last one, none rests: the end, BatchNorm's averages too, is as without.
    last = min(7 / 8 * args.epochs, args.epochs - 1)
    rests = [args.rest if epoch < last else 0.0 for epoch in range(args.epochs)]
    steps = [(len(pixels) - round(rest * len(pixels))) // args.batch_size for rest in rests]
    if min(steps) == 0:
        raise ValueError(f"{len(pixels)} pictures do not fill one batch of {args.batch_size}: lower --batch-size")
    decay, plain = [], []
    for parameter in model.parameters():
        (decay if parameter.ndim > 1 else plain).append(parameter)  # biases and BatchNorm are not decayed
    optimizer = torch.optim.SGD(
        [{"params": decay, "weight_decay": args.weight_decay}, {"params": plain, "weight_decay": 0.0}],
        lr=args.lr,
        momentum=0.9,
        nesterov=True,
    )
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, args.lr, total_steps=sum(steps), pct_start=0.2, cycle_momentum=False
    )
    first, losses = 0, torch.zeros(len(pixels), device=device)
    if args.resume and (args.run / "state.json").exists():
        first = load_state(args.run, model, optimizer, scheduler, losses)
    parallel = nn.parallel.DistributedDataParallel(model) if world > 1 else model
    for epoch in range(first, args.epochs):
        started = time.time()
        parallel.train()
        seed = torch.Generator().manual_seed(args.seed * 1000 + epoch)
        order, weights = draw(losses.cpu(), rests[epoch], seed)
        order, weights = order.to(device), weights.to(device)
        change = torch.zeros_like(losses)
        generator = torch.Generator().manual_seed((args.seed * 1000 + epoch) * 1000 + rank)
        for step in range(steps[epoch]):
            mine = order[step * args.batch_size + rank : (step + 1) * args.batch_size : world]
            x = normalise(augment(pixels[mine], args.train_size, args.augment, generator), MEAN, STD)
            x = x.to(memory_format=torch.channels_last)
            # Half of the pictures show the way up well enough, and make a step half as long again instead of twice.
            before = ascend(model, x[::2], labels[mine[::2]], args.sam, args.precision) if args.sam else None
            each = nn.functional.cross_entropy(forward(parallel, x, args.precision), labels[mine], reduction="none")
            change[mine] = each.detach() - losses[mine]
            loss = (each * weights[mine]).sum() / weights[mine].sum()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            if before:
                descend(model, before)
            optimizer.step()
            scheduler.step()
            if rank == 0 and (step % 10 == 9 or step + 1 == steps[epoch]):
                done, took = step + 1, time.time() - started
                bar = "#" * (20 * done // steps[epoch])
                print(
                    f"\repoch {epoch + 1:3d}/{args.epochs} [{bar:<20}] loss {loss.item():.3f} "
                    f"{took:5.0f} s, {took / done * (steps[epoch] - done):4.0f} s left",
                    end="",
                    flush=True,
                )
        if world > 1:
            dist.all_reduce(change)  # every process has seen its own part
        losses += change
        if rank == 0:
            on_epoch(epoch + 1, time.time() - started)
            save_state(args.run, epoch + 1, model, optimizer, scheduler, losses)


def origin(weights: Path) -> dict:
    """What is known of the weights that a run starts from, read from the facts beside them."""
    facts = json.loads(weights.with_suffix(".json").read_text(encoding="utf-8"))
    if facts["sha256"] != sha256(weights):
        raise ValueError(f"{weights.name} is not the file that {weights.stem}.json describes")
    return {key: facts[key] for key in ("sha256", "test", "training")}


def begin(run: Path, settings: dict, resume: bool) -> None:
    """Refuse to go on with a run under other settings: the facts would name some that it was not trained with."""
    path = run / "settings.json"
    if resume and path.exists():
        before = json.loads(path.read_text(encoding="utf-8"))
        changed = [f"{k} was {before.get(k)}, now {v}" for k, v in settings.items() if before.get(k) != v]
        if changed:
            raise ValueError(f"--resume needs the settings that the run was started with: {'; '.join(changed)}")
    if not resume:
        (run / "state.json").unlink(missing_ok=True)  # or a later --resume would go on with an older run
    path.write_text(json.dumps(settings), encoding="utf-8")


def save_state(run: Path, epoch: int, model: nn.Module, optimizer, scheduler, losses: Tensor) -> None:
    """Write what ``--resume`` needs, without pickle: tensors as safetensors, the rest as JSON."""
    tensors = {f"model.{name}": tensor.contiguous() for name, tensor in model.state_dict().items()}
    tensors["losses"] = losses
    state = optimizer.state_dict()
    for index, slot in state["state"].items():
        tensors[f"momentum.{index}"] = slot["momentum_buffer"].contiguous()
    rest = {"epoch": epoch, "groups": state["param_groups"], "scheduler": scheduler.state_dict()}
    # The new pair gets its own file name before the JSON points at it: a run killed here loses one epoch, no more.
    rest["tensors"] = f"epoch-{epoch}.safetensors"
    safetensors.torch.save_file(tensors, run / rest["tensors"])
    partial = run / "state.json.part"
    partial.write_text(json.dumps(rest), encoding="utf-8")
    os.replace(partial, run / "state.json")
    for old in run.glob("epoch-*.safetensors"):
        if old.name != rest["tensors"]:
            old.unlink()


def load_state(run: Path, model: nn.Module, optimizer, scheduler, losses: Tensor) -> int:
    """Put `save_state`'s files back; returns how many epochs are done."""
    rest = json.loads((run / "state.json").read_text(encoding="utf-8"))
    tensors = safetensors.torch.load_file(run / rest["tensors"])
    model.load_state_dict({k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")})
    momentum = {
        int(k.removeprefix("momentum.")): {"momentum_buffer": v}
        for k, v in tensors.items()
        if k.startswith("momentum.")
    }
    optimizer.load_state_dict({"state": momentum, "param_groups": rest["groups"]})
    scheduler.load_state_dict(rest["scheduler"])
    losses.copy_(tensors["losses"])
    return rest["epoch"]


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def export(model: nn.Module, test: tuple[Tensor, Tensor], settings: dict, history: dict, args) -> dict:
    """Write float16 weights, the features and logits of the test pictures, and the facts about all of them.

    Everything that is measured here is measured on the float16 weights, cast to float32, as the app uses them.
    """
    args.out.mkdir(parents=True, exist_ok=True)
    weights = {k: v.half() if v.is_floating_point() else v for k, v in model.cpu().state_dict().items()}
    weights = {k: v.contiguous() for k, v in weights.items()}
    weights_path = args.out / f"{NAME}.safetensors"
    safetensors.torch.save_file(weights, weights_path)
    shipped = torchvision.models.resnet18(num_classes=len(LABELS))
    shipped.load_state_dict(safetensors.torch.load_file(weights_path))

    pixels, labels = test
    geometry = {"detail": DETAIL, "size": args.train_size, "mean": MEAN, "std": STD}
    features, logits = predict(shipped, as_used(pixels, geometry))
    if not (features.half().isfinite().all() and logits.half().isfinite().all()):
        raise ValueError("the network gives numbers that float16 cannot hold: training diverged, lower --lr")
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    fit = torch.zeros(len(labels), dtype=torch.bool)
    fit[order[: len(labels) * FIT // (FIT + JUDGE)]] = True
    features_path = args.out / f"{NAME}-features.safetensors"
    safetensors.torch.save_file(
        {"features": features.half(), "logits": logits.half(), "labels": labels.to(torch.uint8), "fit": fit},
        features_path,
    )
    facts = {
        "name": NAME,
        "architecture": "torchvision.models.resnet18",
        "labels": LABELS,
        "file": weights_path.name,
        "bytes": weights_path.stat().st_size,
        "sha256": sha256(weights_path),
        "input": geometry,
        "test": {
            "pictures": len(labels),
            "accuracy": round((logits.argmax(1) == labels).double().mean().item(), 4),
            "nll": round(calibration.nll(logits, labels).item(), 4),
            "ece": round(calibration.ece(logits.softmax(-1), labels).item(), 4),
            "weights": "float16, cast to float32",
            "views": "as in the app: views.crops and their mirror images, averaged",
        },
        "features": {
            "file": features_path.name,
            "sha256": sha256(features_path),
            "fit": int(fit.sum()),
            "judge": int((~fit).sum()),
        },
        "training": history
        | settings
        | {
            "command": command(args, history["processes"]),
            "versions": {
                "python": platform.python_version(),
                "torch": torch.__version__,
                "torchvision": torchvision.__version__,
            },
        },
    }
    (args.out / f"{NAME}.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    return facts


def chosen(args: argparse.Namespace) -> dict:
    """The options that make one run's weights differ from another's, by their names in the facts."""
    names = ["epochs", "batch_size", "lr", "weight_decay", "train_size", "rest", "augment", "sam", "seed"]
    return {name: getattr(args, name) for name in names} | {"precision": str(args.precision).removeprefix("torch.")}


def command(args: argparse.Namespace, processes: int) -> str:
    """The command that makes this checkpoint, spelled out, without the places where files lie on one machine."""
    options = {"--data": args.data.name}
    options |= {"--" + name.removeprefix("train_").replace("_", "-"): value for name, value in chosen(args).items()}
    if args.init:
        options["--init"] = args.init.name
    if args.subset:
        options["--subset"] = args.subset
    words = [str(word) for option in options.items() for word in option]
    launcher = ["python"] if processes == 1 else ["torchrun", "--nproc-per-node", str(processes)]
    return shlex.join([*launcher, "-m", "constrained.models.pretrain", *words])


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m constrained.models.pretrain", description="Train the bundled model."
    )
    parser.add_argument("--data", type=Path, default=Path("runs/data"), help="an .npz file, or a download folder")
    # Not --run: torchrun would take that for an abbreviation of its own --run-path.
    parser.add_argument(
        "--state", dest="run", type=Path, default=Path("runs/cifar10"), help="where --resume finds the run"
    )
    parser.add_argument("--out", type=Path, default=Path("checkpoints"), help="where the result goes")
    parser.add_argument("--epochs", type=int, default=32)
    parser.add_argument("--batch-size", type=int, default=128, help="over all processes together")
    parser.add_argument("--lr", type=float, default=0.2, help="peak of OneCycle")
    parser.add_argument("--weight-decay", type=float, default=5e-4)
    parser.add_argument(
        "--size", dest="train_size", type=int, default=64, help="side of the network's input in training, in pixels"
    )
    parser.add_argument("--rest", type=float, default=0.0, help="share of the pictures that rest in an epoch, to 0.5")
    parser.add_argument("--augment", type=float, default=1.0, help="strength of crops, zoom-out and jitter, 0 to 1")
    parser.add_argument("--sam", type=float, default=0.0, help="radius of sharpness-aware minimization, 0 for none")
    parser.add_argument("--init", type=Path, help="weights to start from: an earlier result, with its facts beside it")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="float32", help="of the forward pass")
    parser.add_argument("--subset", type=int, help="train and test on N pictures only, for a trial")
    parser.add_argument("--resume", action="store_true", help="go on after the last finished epoch of --state")
    args = parser.parse_args(argv)
    if not 0 <= args.rest <= 0.5:
        parser.error(f"--rest is a share from 0 to 0.5, not {args.rest}")
    if not 0 <= args.sam < math.inf:
        parser.error(f"--sam is a radius, 0 or more, not {args.sam}")
    if not 0 <= args.augment <= 1:
        parser.error(f"--augment is a strength from 0 to 1, not {args.augment}")
    args.precision = getattr(torch, args.precision)
    return args


def main(argv: list[str]) -> None:
    args = parse(argv)
    cuda = torch.cuda.is_available()
    if "RANK" in os.environ:  # started by torchrun
        dist.init_process_group("nccl" if cuda else "gloo")
    rank = dist.get_rank() if dist.is_initialized() else 0
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0))) if cuda else torch.device("cpu")
    args.run.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(args.seed)
    data, test, source = load_data(args.data)
    if args.subset:
        data, test = (
            tuple(t[torch.randperm(len(t), generator=torch.Generator().manual_seed(0))[: args.subset]] for t in split)
            for split in (data, test)
        )
        source += f", {args.subset} pictures of each split"
    model = torchvision.models.resnet18(num_classes=len(LABELS)).to(device, memory_format=torch.channels_last)

    if args.init:
        model.load_state_dict(safetensors.torch.load_file(args.init))
    settings = {
        "data": source,
        # The whole way to these weights, not its last stretch alone: what they started from comes with its own facts.
        "init": origin(args.init) if args.init else None,
        **chosen(args),
    }
    if rank == 0:
        begin(args.run, settings, args.resume)
    log = args.run / "log.json"
    epochs = json.loads(log.read_text(encoding="utf-8")) if args.resume and log.exists() else []

    def on_epoch(epoch: int, seconds: float) -> None:
        pixels, labels = (split[:: max(1, len(split) // GLANCE)] for split in test)  # they may lie class by class
        _, logits = predict(model, whole(pixels, args.train_size), args.precision)
        accuracy = (logits.argmax(1) == labels).double().mean().item()
        nll = calibration.nll(logits, labels).item()
        print(f"\n  test accuracy {accuracy:.4f}, NLL {nll:.4f}")
        del epochs[epoch - 1 :]
        epochs.append({"seconds": round(seconds, 1), "accuracy": round(accuracy, 4), "nll": round(nll, 4)})
        log.write_text(json.dumps(epochs), encoding="utf-8")

    try:
        train(model, data, args, on_epoch)
        if rank == 0:
            history = {"seconds": round(sum(e["seconds"] for e in epochs)), "processes": 1, "device": device.type}
            if dist.is_initialized():
                history["processes"] = dist.get_world_size()
            facts = export(model, test, settings, history, args)
            print(json.dumps(facts["test"]))
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()


if __name__ == "__main__":
    main(sys.argv[1:])
