"""The networks that a person can choose, each in a file of its own that has ``KEY``, ``TITLE`` and ``checkpoint()``."""

from collections.abc import Callable

from . import cifar10, imagenet
from .checkpoint import Checkpoint, CheckpointError

__all__ = ["BUNDLED", "CHECKPOINTS", "TITLES", "Checkpoint", "CheckpointError"]

_MODELS = (cifar10, imagenet)
BUNDLED = cifar10.KEY  # comes with the project
TITLES: dict[str, str] = {model.KEY: model.TITLE for model in _MODELS}  # for a menu, which needs no more of them
CHECKPOINTS: dict[str, Callable[[], Checkpoint]] = {model.KEY: model.checkpoint for model in _MODELS}
