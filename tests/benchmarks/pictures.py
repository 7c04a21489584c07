"""How long a picture waits while other visitors train heads: python -m tests.benchmarks.pictures

Pictures that the network has not seen go through it one after another, as one visitor's would; first with nothing else
going on, then beside as many fits as the Train tab lets run at once, in threads of the same process, as in the app.
The two take turns in one run.
"""

import itertools
import statistics
import threading
import time

import numpy as np
import PIL.Image

from constrained.inference import network
from constrained.training import Setting
from constrained.ui import train

ROUNDS, PICTURES = 5, 40


def fit(stop: threading.Event) -> None:
    """Fit heads until told to stop."""
    while not stop.is_set():
        for _ in train.fits(Setting(epochs=500)):
            if stop.is_set():
                return


def waits(pictures: list[PIL.Image.Image]) -> list[float]:
    """Milliseconds that each picture took."""
    result = []
    for picture in pictures:
        started = time.perf_counter()
        network("cifar10").logits(picture)
        result.append((time.perf_counter() - started) * 1e3)
    return result


def main() -> None:
    random = np.random.default_rng(0)
    noise = (PIL.Image.fromarray(random.integers(0, 256, (300, 400, 3), np.uint8)) for _ in itertools.count())
    waits([next(noise) for _ in range(PICTURES)])  # warm up
    taken = {"alone": [], f"beside {train.FITS['concurrency_limit']} fits": []}
    for _ in range(ROUNDS):
        for name, times in taken.items():
            stop = threading.Event()
            count = 0 if name == "alone" else train.FITS["concurrency_limit"]
            fits = [threading.Thread(target=fit, args=(stop,)) for _ in range(count)]
            for thread in fits:
                thread.start()
            times += waits([next(noise) for _ in range(PICTURES)])
            stop.set()
            for thread in fits:
                thread.join()
    for name, times in taken.items():
        ordered = sorted(times)
        late = ordered[int(0.95 * len(ordered))]
        print(
            f"{name}: median {statistics.median(ordered):.1f} ms, 95th percentile {late:.1f} ms, "
            f"longest {ordered[-1]:.1f} ms, of {len(ordered)} pictures"
        )


if __name__ == "__main__":
    main()
