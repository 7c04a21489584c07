"""One network for many visitors: requests are batched, and a picture that was seen is not computed again.

What is remembered of a picture is its features, the input of the last layer. Any head of that width then gives its
logits at once, so a visitor can have one of their own beside everybody else's.

Frames of live webcams come after all pictures, one at a time: there is always another frame, and nobody waits for a
certain one.
"""

import itertools
import queue
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from hashlib import sha256

import numpy as np
import PIL.Image
import torch

from ... import models
from ...models import Checkpoint, CheckpointError
from ...models.fused import fused
from ...modules import ConstrainedLinear

BATCH = 4  # pictures a forward pass; more gains nothing on a CPU and makes the first one wait
CORES = torch.get_num_threads()
REMEMBERED = 512  # pictures whose features are kept
PICTURE, FRAME = 0, 1  # which comes first


class Network:
    """A checkpoint, loaded, with threads that run it.

    Args:
        checkpoint: which one.

    Raises:
        CheckpointError: if its weights cannot be had.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.checkpoint = checkpoint
        self._known: OrderedDict[bytes, Future] = OrderedDict()
        self._lock = threading.Lock()
        self.head = self._start()

    def _start(self) -> torch.nn.Module:
        """Start the threads that answer `_ask`, and return the last layer."""
        state = self.checkpoint.load()
        self._backbone = fused(state)
        # A lone visitor gets all cores at once. In a crowd each core has its own pictures: cores that share a picture
        # would wait for each other, and for whatever else runs here, at each layer.
        self._alone, self._crowd = _Line(), _Line()
        self._arrivals, self._asked = itertools.count(), 0  # how many have no answer yet
        for line, cores in [(self._alone, CORES), *[(self._crowd, 1)] * CORES]:
            name = f"network {self.checkpoint.key}"
            threading.Thread(target=self._run, args=(line, cores), name=name, daemon=True).start()
        head = torch.nn.Linear(*reversed(state["fc.weight"].shape))
        head.load_state_dict({"weight": state["fc.weight"], "bias": state["fc.bias"]})
        return head

    def logits(self, picture: PIL.Image.Image, head: ConstrainedLinear | None = None) -> np.ndarray:
        """Logits ``(C,)``, float32, of a picture of mode RGB: the mean over its views, which is W mean(h) + b.

        With ``head``, that head's, before its constraint, instead of the model's own.
        """
        return self.logits_of(self.checkpoint.views(picture), head)

    @torch.inference_mode()
    def logits_of(
        self, views: list[PIL.Image.Image], head: ConstrainedLinear | None = None, kind: int = PICTURE
    ) -> np.ndarray:
        """The same from the views, for callers that need them too: they are most of the work on a large picture."""
        features = torch.from_numpy(self.features_of(views, kind))
        return (self.head(features) if head is None else head.logits(features)).numpy()

    def features_of(self, views: list[PIL.Image.Image], kind: int = PICTURE) -> np.ndarray:
        """Features ``(F,)``, float32, of a picture: their mean over its views."""
        # What the network sees decides the answer, so that is what is remembered, and not the file.
        key = sha256(b"".join(view.tobytes() for view in views)).digest()
        with self._lock:
            future = self._known.get(key)
            new = future is None
            if new:
                future = self._known[key] = Future()
                while len(self._known) > REMEMBERED:
                    self._known.popitem(last=False)
            self._known.move_to_end(key)
        if new:
            self._ask(views, future, kind)
        try:
            return future.result()
        except Exception:
            with self._lock:
                self._known.pop(key, None)  # a failure is not remembered
            raise

    def _ask(self, views: list[PIL.Image.Image], future: Future, kind: int) -> None:
        """Set ``future`` to the features of a picture, or to the error, once they are there."""
        with self._lock:
            line = self._crowd if self._asked else self._alone
            self._asked += 1
        line.put((kind, next(self._arrivals), views, future))

    def _run(self, line: "_Line", cores: int) -> None:
        torch.set_num_threads(cores)  # for this thread; a new thread starts with the number that was set last
        while True:
            batch = line.take(BATCH)
            self._answer(batch)
            with self._lock:
                self._asked -= len(batch)

    def _answer(self, batch: list[tuple[list[PIL.Image.Image], Future]]) -> None:
        """Set the futures of a batch; if it fails, compute each picture alone, so that one cannot fail another."""
        try:
            results = self.forward([views for views, _ in batch])
        except Exception as error:
            if len(batch) == 1:
                batch[0][1].set_exception(error)
            else:
                for one in batch:
                    self._answer([one])
        else:
            for (_, future), result in zip(batch, results, strict=True):
                future.set_result(result)

    @torch.inference_mode()
    def forward(self, pictures: list[list[PIL.Image.Image]]) -> list[np.ndarray]:
        """Features ``(F,)`` of each picture, given as its views, in one pass of the network."""
        inputs = [self.checkpoint.batch(views) for views in pictures]
        features = self._backbone(torch.cat(inputs).to(memory_format=torch.channels_last))
        return [part.mean(0).numpy() for part in features.split([len(x) for x in inputs])]


class _Line(queue.PriorityQueue):
    """Pictures that wait: ``PICTURE`` or ``FRAME``, a number in the order of arrival, views, and the future to set."""

    def take(self, most: int) -> list[tuple[list[PIL.Image.Image], Future]]:
        """The next picture with those that wait behind it, or a frame alone; nobody waits for a batch to fill."""
        kind, _, *first = self.get()
        taken = [tuple(first)]
        with self.mutex:
            while kind == PICTURE and len(taken) < most and self.queue and self.queue[0][0] == PICTURE:
                taken.append(self._get()[2:])
        return taken


_kind: Callable[[Checkpoint], Network] = Network
_networks: dict[str, Network] = {}
_loading = {key: threading.Lock() for key in models.CHECKPOINTS}
_failures: dict[str, str] = {}  # why the last attempt at a checkpoint failed


def use(kind: Callable[[Checkpoint], Network]) -> None:
    """Have `network` make networks of another kind, for a program in which they are not computed here (`serve`)."""
    global _kind
    _kind = kind


def network(key: str, wait: bool = True) -> Network:
    """The network of a checkpoint, loaded when first asked for and then shared by all.

    Args:
        key: of ``CHECKPOINTS``; from outside it may be anything.
        wait: for somebody else who is loading it, which may take as long as a download.

    Raises:
        CheckpointError: if there is no such model, if its weights cannot be had (asking again tries again), or if it is
            not there yet and nobody shall wait for it.
    """
    if not isinstance(key, str) or key not in models.CHECKPOINTS:
        raise CheckpointError(f"model must be one of {', '.join(models.CHECKPOINTS)}, got {key!r:.40}")
    if key not in _networks:
        first = _loading[key].acquire(blocking=False)
        if not first and not _loading[key].acquire(blocking=wait):
            raise CheckpointError("This model is still being loaded: try again when it is ready.")
        try:
            if key not in _networks and not first and key in _failures:
                raise CheckpointError(_failures[key])  # what who was waited for was told: gradio may ask twice at once
            if key not in _networks:
                _failures.pop(key, None)
                _networks[key] = _kind(models.CHECKPOINTS[key]())
        except CheckpointError as error:
            _failures[key] = str(error)
            raise
        finally:
            _loading[key].release()
    return _networks[key]
