"""What a generated script with torch and torchvision alone needs for a network: source text, as it will be read."""

from typing import NamedTuple


class Script(NamedTuple):
    """The parts of a script that depend on the network.

    Attributes:
        imports: the import statements; they bring ``torch``, ``torchvision``, ``Image`` and ``ImageOps``.
        network: definitions of ``LABELS`` and ``logits(picture)``, or ``logits(picture, weights)``, a piece each.
        weights: the file that the script is given, or ``""`` where torchvision fetches it.
        start: the arguments of ``torchvision.models.resnet18`` with which training starts.
        classes: how many there are.
    """

    imports: str
    network: tuple[str, ...]
    weights: str
    start: str
    classes: int


TORCHVISION = """\
try:
    import torchvision
except RuntimeError:  # a CPU build of torch cannot load what PyPI's torchvision has compiled
    for operator in ("nms", "qnms"):  # a ResNet18 uses neither: that they are declared is enough
        schema = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
        torch.library.define(f"torchvision::{operator}", schema)
    import torchvision"""
