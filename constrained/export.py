"""The constrained model as a file for other programs: torch.export (``.pt2``) and ONNX (``.onnx``).

A file takes ``pictures`` (B, 3, S, S), float32, any B of at least 1, already normalised. It gives ``logits`` (B, C),
which are z = W h + b, and ``constrained`` (B, C), what the constraint makes of them, row by row. How a picture becomes
such an input, the classes, and the constraint with its numbers stand in the file itself, as JSON under ``facts``, which
`facts` reads. The page averages the logits of a picture's views before it constrains them; the file averages nothing.

    python -m constrained.export clamp.onnx clamp --lo -2 --hi 4

ONNX needs the packages onnx and onnxscript, an optional extra.
"""

import argparse
import copy
import importlib.util
import json
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from . import heads, registry
from .models import BUNDLED, CHECKPOINTS, Checkpoint, CheckpointError, bundled
from .modules import ConstrainedLinear, ConstrainedOutput
from .parameters import Mask, Parameter, Value

REFUSED = 3  # what the program ends with where a sentence says why
MISSING = "ONNX needs two more packages where this runs: pip install onnx onnxscript"


class ExportError(RuntimeError):
    """A model cannot be made into a file; the message is for a person and says what to do."""


class _Both(nn.Module):
    """A network whose answer is the first two parts of what its head hands out."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        logits, constrained, _ = self.network(pictures)
        return logits, constrained


def model(
    checkpoint: Checkpoint, method: str, settings: dict[str, Value], head: heads.Head | None = None
) -> tuple[nn.Module, dict]:
    """A checkpoint with a constraint on its last layer, in evaluation mode, and the facts that belong into its file.

    Args:
        checkpoint: the network.
        method, settings: the constraint, as in `registry.build`.
        head: a trained head in place of the checkpoint's own layer; its own constraint gives way to ``method``.

    Raises:
        ValueError: for a constraint that cannot be, or a head that was fitted on another network's features.
        CheckpointError: if the weights cannot be had.
    """
    constraint = registry.build(method, settings)
    if head is not None and (checkpoint.key, head.network) != (BUNDLED, bundled().sha256):
        raise ValueError("this head was fitted on the features of another network, so its weights mean nothing here")
    network = checkpoint.model()
    layer = network.fc if head is None else head.layer
    network.fc = ConstrainedLinear(layer.in_features, layer.out_features, constraint=constraint)
    network.fc.load_state_dict({"weight": layer.weight, "bias": layer.bias})
    entry = registry.REGISTRY[method]
    about = {
        "network": f"torchvision resnet18, {checkpoint.title}" + ("" if head is None else ", with a head of one's own"),
        "input": {
            "name": "pictures",
            "shape": ["batch", 3, checkpoint.size, checkpoint.size],
            "dtype": "float32",
            "normalise": "RGB in [0, 1], minus mean, divided by std, each channel on its own",
            "mean": list(checkpoint.mean),
            "std": list(checkpoint.std),
            "page": f"the page shows the network {checkpoint.sees}",
        },
        "outputs": {
            "logits": ["batch", layer.out_features],
            "constrained": ["batch", layer.out_features],
        },
        "constraint": {
            "method": method,
            "title": entry.title,
            "formula": entry.formula,
            "settings": {p.key: p.plain(settings[p.key]) for p in entry.parameters},
        },
        "labels": list(checkpoint.labels if head is None else head.classes),
    }
    return network.eval(), about


def save(network: nn.Module, path: str | Path, size: int, about: dict | None = None) -> None:
    """Write a network as a file, in the format that its ending names.

    Args:
        network: takes ``(B, 3, size, size)`` and returns what a `ConstrainedLinear` in it does. It is not changed.
        path: ends in ``.pt2`` or ``.onnx``.
        size: of the pictures, in pixels.
        about: what to put into the file as its ``facts``; anything that JSON can hold.

    Raises:
        ValueError: for another ending, and a network that returns something else.
        ExportError: for ONNX where its packages are not installed.
    """
    path = Path(path)
    if path.suffix not in FORMATS:
        raise ValueError(f"the file's name must end in {' or '.join(FORMATS)}, got {path.name}")
    if path.suffix == ".onnx" and not onnx_installed():
        raise ExportError(MISSING)
    network = copy.deepcopy(network).eval().to("cpu", memory_format=torch.contiguous_format)
    pictures = torch.zeros(2, 3, size, size)  # export takes a batch of 1 for a constant
    batch = torch.export.Dim("batch", min=1)
    with torch.no_grad():
        answer = network(pictures)
        if not isinstance(answer, ConstrainedOutput):
            raise ValueError(
                "the network must return what its ConstrainedLinear does, with logits and constrained outputs, and "
                f"returns {type(answer).__name__}"
            )
        program = torch.export.export(_Both(network), (pictures,), dynamic_shapes=({0: batch},))
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)  # where the sources lie on this machine is nobody's business
    FORMATS[path.suffix](program, path, json.dumps(about or {}, ensure_ascii=False))


def _pt2(program: torch.export.ExportedProgram, path: Path, about: str) -> None:
    torch.export.save(program, path, extra_files={"facts": about})


def _onnx(program: torch.export.ExportedProgram, path: Path, about: str) -> None:
    made = torch.onnx.export(
        program,
        input_names=["pictures"],
        output_names=["logits", "constrained"],
        dynamic_shapes=({0: "batch"},),  # what the dimension is called
        dynamo=True,
        verbose=False,
    )
    made.model.metadata_props["facts"] = about
    for node in made.model.graph:
        node.metadata_props.clear()  # where it came from in the sources
    made.save(path)


FORMATS = {".pt2": _pt2, ".onnx": _onnx}


def onnx_installed() -> bool:
    """Whether the optional extra is there."""
    return all(importlib.util.find_spec(name) for name in ("onnx", "onnxscript"))


def facts(path: str | Path) -> dict:
    """What `save` put into a file about it."""
    if Path(path).suffix == ".onnx":
        import onnx

        return json.loads({p.key: p.value for p in onnx.load(path).metadata_props}["facts"])
    extra = {"facts": ""}
    torch.export.load(path, extra_files=extra)
    return json.loads(extra["facts"])


def _value(parameter: Parameter, text: str | None, labels: Sequence[str]) -> Value:
    """A parameter from the command line: a text as in links, or a JSON list with a value for each class."""
    if text is None:
        return parameter.default
    return parameter.check(json.loads(text), len(labels)) if text.startswith("[") else parameter.read(text, labels)


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m constrained.export", description="Write a constrained ResNet18 as a file."
    )
    parser.add_argument("file", type=Path, help="what to write: a name that ends in .pt2 (torch.export) or .onnx")
    parser.add_argument("method", choices=list(registry.REGISTRY), help="the constraint")
    for parameter in registry.PARAMETERS.values():
        default = "none" if isinstance(parameter, Mask) else f"{parameter.default:g}"
        parser.add_argument(f"--{parameter.key}", help=f"{parameter.help} Default: {default}.")
    parser.add_argument("--model", choices=list(CHECKPOINTS), default=BUNDLED, help=f"the network (default: {BUNDLED})")
    parser.add_argument("--head", type=Path, help="a head trained on the page, in place of the network's last layer")
    parser.add_argument("--leashed", action="store_true", help="give up as soon as the standard input is closed")
    args = parser.parse_args(argv)
    if args.leashed:
        threading.Thread(target=lambda: (os.read(0, 1), os._exit(REFUSED)), daemon=True).start()
    try:
        head = None if args.head is None else heads.load(heads.read(args.head))
        checkpoint = CHECKPOINTS[args.model]()
        labels = head.classes if head else checkpoint.labels
        settings = {p.key: _value(p, getattr(args, p.key), labels) for p in registry.REGISTRY[args.method].parameters}
        network, about = model(checkpoint, args.method, settings, head)
        save(network, args.file, checkpoint.size, about)
    except (ValueError, OSError, CheckpointError, ExportError) as error:
        parser.exit(REFUSED, f"{error}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
