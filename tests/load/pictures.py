"""Pictures of visitors, each with its right answer: seeded, all different, so that no cache answers for the network.

Answers come from the plain model, one forward pass over the crops of each picture, and not through the code that the
server batches with.
"""

import io
import statistics
import time
import zlib
from dataclasses import dataclass

import numpy as np
import PIL.Image
import torch

from constrained import images
from constrained.models import Checkpoint
from constrained.models.cifar10 import checkpoint as bundled
from constrained.page.pictures import SAMPLES

NEAR = 1e-3  # logits that differ by less are the same; two pictures differ by far more
SHAPES = ((640, 480), (480, 640), (600, 400), (512, 512))
BATCH = 16


@dataclass(frozen=True)
class File:
    """What a visitor uploads: a name, the bytes, and the right logits ``(C,)``; None where there are none."""

    name: str
    data: bytes
    logits: np.ndarray | None = None


class Model:
    """The bundled checkpoint as anybody would run it, in batches and nothing else."""

    def __init__(self) -> None:
        self.checkpoint: Checkpoint = bundled()
        self._model = self.checkpoint.model()

    @torch.inference_mode()
    def logits(self, views: list[list[PIL.Image.Image]]) -> list[np.ndarray]:
        """Logits ``(C,)`` of pictures, of which ``views`` are the crops."""
        inputs = [self.checkpoint.batch(one) for one in views]
        logits = self._model(torch.cat(inputs).to(memory_format=torch.channels_last))
        return [part.mean(0).numpy() for part in logits.split([len(one) for one in inputs])]

    def answers(self, files: list[bytes]) -> list[np.ndarray]:
        """The right answers for picture files."""
        views = [self.checkpoint.views(images.decode(data)) for data in files]
        return [answer for i in range(0, len(views), BATCH) for answer in self.logits(views[i : i + BATCH])]

    def speed(self, files: list[File], repeat: int = 3) -> float:
        """Pictures per second of the bare network: the crops are there, and nothing else happens; a median."""
        views = [self.checkpoint.views(images.decode(file.data)) for file in files[: 3 * BATCH]]
        self.logits(views[:BATCH])
        taken = []
        for _ in range(repeat):
            started = time.perf_counter()
            for i in range(0, len(views), BATCH):
                self.logits(views[i : i + BATCH])
            taken.append(time.perf_counter() - started)
        return len(views) / statistics.median(taken)


class Pictures:
    """Ever new pictures: a part of a bundled sample, brighter or darker, with noise of its own, as a JPEG.

    Args:
        seed: of the first one; the same seed gives the same pictures.
        model: what knows the right answers.
    """

    def __init__(self, model: Model, seed: int = 0) -> None:
        self.model, self._random = model, np.random.default_rng(seed)
        self._samples = [PIL.Image.open(path).convert("RGB") for path in SAMPLES]

    def _picture(self) -> PIL.Image.Image:
        random = self._random
        sample = self._samples[random.integers(len(self._samples))]
        size = SHAPES[random.integers(len(SHAPES))]
        scale = random.uniform(0.5, 1) * min(sample.width / size[0], sample.height / size[1])
        width, height = scale * size[0], scale * size[1]
        left, top = random.uniform(0, sample.width - width), random.uniform(0, sample.height - height)
        part = sample.resize(size, box=(left, top, left + width, top + height))
        coarse = random.normal(0, 30, (6, 6, 3))  # noise that a network sees, however much the picture is shrunk
        coarse = [np.asarray(PIL.Image.fromarray(c.astype(np.float32)).resize(size)) for c in np.moveaxis(coarse, 2, 0)]
        fine = random.integers(-8, 9, (size[1], size[0], 1))
        noisy = np.asarray(part, dtype=np.float32) * random.uniform(0.7, 1.2) + np.stack(coarse, axis=2) + fine
        return PIL.Image.fromarray(noisy.clip(0, 255).astype(np.uint8))

    def take(self, count: int) -> list[File]:
        """So many more pictures, with their answers."""
        files = [encoded(self._picture(), "JPEG", quality=85) for _ in range(count)]
        return [
            File(f"{i}.jpg", data, logits)
            for i, (data, logits) in enumerate(zip(files, self.model.answers(files), strict=True))
        ]

    def odd(self) -> list[File]:
        """Pictures of rare kinds that have a right answer all the same."""
        cmyk, grey, alpha, palette = (self._picture().convert(mode) for mode in ("CMYK", "L", "RGBA", "P"))
        alpha.putalpha(grey.resize(alpha.size))
        deep = PIL.Image.fromarray(np.asarray(self._picture().convert("L"), dtype=np.uint16) * 257)
        line = self._picture().resize((900, 10))
        frames = [self._picture() for _ in range(3)]
        files = {
            "cmyk.jpg": encoded(cmyk, "JPEG"),
            "grey.webp": encoded(grey, "WEBP"),
            "alpha.png": encoded(alpha, "PNG"),
            "palette.gif": encoded(palette, "GIF"),
            "deep.png": encoded(deep, "PNG"),
            "line.bmp": encoded(line, "BMP"),
            "moves.gif": encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]),
        }
        return [File(*one) for one in zip(files, files.values(), self.model.answers([*files.values()]), strict=True)]

    def bad(self) -> list[File]:
        """Files that are no pictures, or no longer."""
        data = encoded(self._picture(), "JPEG")
        broken = bytearray(data)
        broken[2:600] = self._random.bytes(598)
        return [
            File("cut.jpg", data[: len(data) // 2]),
            File("broken.jpg", bytes(broken)),
            File("text.jpg", b"meow " * 1000),
            File("noise.png", self._random.bytes(50_000)),
            File("document.png", b"%PDF-1.7\n" + data),
        ]

    def bombs(self) -> list[File]:
        """Small files that claim to be, or are, enormous."""
        comment = _chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(60_000_000)))
        head = b"\x89PNG\r\n\x1a\n"
        large = _chunk(b"IHDR", (20_000).to_bytes(4, "big") * 2 + b"\1\0\0\0\0")
        pixels = _chunk(b"IDAT", zlib.compress(bytes(2501 * 20_000)))  # 400 megapixels of one bit
        return [
            File("large.png", head + large + pixels + _chunk(b"IEND", b"")),
            File("large-comment.png", head + large + comment + pixels + _chunk(b"IEND", b"")),
        ]


def same(answer: np.ndarray, right: np.ndarray) -> bool:
    """Whether logits are the right ones."""
    return answer.shape == right.shape and bool(np.abs(answer - right).max() < NEAR)


def encoded(picture: PIL.Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def _chunk(name: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")
