"""The networks that a person can choose, each in a file of its own that has ``KEY``, ``TITLE``,
``checkpoint()``, and ``script()`` for generated code."""

import functools
from collections.abc import Callable

from . import cifar10, imagenet
from .checkpoint import Checkpoint, CheckpointError
from .script import Script

__all__ = ["BUNDLED", "CHECKPOINTS", "SCRIPTS", "TITLES", "Checkpoint", "CheckpointError", "Script", "bundled"]

_MODELS = (cifar10, imagenet)
BUNDLED = cifar10.KEY  # comes with the project, and with a labelled set
TITLES: dict[str, str] = {model.KEY: model.TITLE for model in _MODELS}  # for a menu, which needs no more of them
CHECKPOINTS: dict[str, Callable[[], Checkpoint]] = {model.KEY: model.checkpoint for model in _MODELS}
SCRIPTS: dict[str, Callable[[], Script]] = {model.KEY: model.script for model in _MODELS}


@functools.cache
def bundled() -> Checkpoint:
    """The network that comes with the project.

    Raises:
        CheckpointError: if it is missing or damaged.
    """
    return CHECKPOINTS[BUNDLED]()
