"""`training.fit` against the loop that people write, over the same work in one run: python -m tests.benchmarks.training

Both fit a plain head to the 6,000 bundled features by AdamW at the same learning rate, for as many epochs in batches
of the same size. The loop draws them from a `DataLoader` over a `TensorDataset`, shuffled, in this process (workers
would only send 2 KB pictures between processes), and its optimiser is AdamW as it comes. Neither is evaluated on the
way; both are before the first epoch and after the last. The two take turns, so that a busy machine is busy for both.

What `training.fit` saves is the loader's work, which is the same however large the batches are, and part of each step.
Two matrix products and the optimiser's step remain, so the ratio is largest for one step an epoch and falls as there
are more of them.
"""

import time
from dataclasses import replace

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from constrained import training
from constrained.training import Setting
from tests.benchmarks import spread

EPOCHS, REPETITIONS, BATCHES = 100, 5, (0, 1024, 256)  # epochs as the page opens with


def plain(setting: Setting) -> float:
    """The loop that people write; the accuracy at the end."""
    torch.manual_seed(setting.seed)
    data = training.data()
    loader = DataLoader(TensorDataset(*data.fit), batch_size=setting.batch or len(data.fit[0]), shuffle=True)
    head = nn.Linear(data.width, len(data.classes))
    optimizer = torch.optim.AdamW(head.parameters(), lr=setting.learning_rate, weight_decay=0.0)

    def accuracy(x: torch.Tensor, labels: torch.Tensor) -> float:
        head.eval()
        with torch.no_grad():
            return (head(x).argmax(1) == labels).double().mean().item()

    accuracy(*data.judge)
    for _ in range(setting.epochs):
        head.train()
        for x, labels in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(head(x), labels).backward()
            optimizer.step()
    return accuracy(*data.judge)


def ours(setting: Setting) -> float:
    """`training.fit`; the accuracy at the end."""
    *_, (figures, _) = training.fit(setting, reports=1)
    return figures.accuracy


def table() -> str:
    """The table, in Markdown. Takes about two minutes."""
    training.data()  # read once, before anything is timed
    lines = ["| batch | `DataLoader` loop, seconds | `training.fit`, seconds | ratio |", "|---|---|---|---|"]
    for batch in BATCHES:
        setting = Setting(batch=batch, epochs=EPOCHS)
        times = {plain: [], ours: []}
        for fit in times:
            fit(replace(setting, epochs=10))  # warm up
        for _ in range(REPETITIONS):
            accuracies = []
            for fit, taken in times.items():
                started = time.perf_counter()
                accuracies.append(fit(setting))
                taken.append(time.perf_counter() - started)
            assert abs(accuracies[0] - accuracies[1]) < 0.01, accuracies
        ratios = [a / b for a, b in zip(times[plain], times[ours], strict=True)]
        told = [*map(spread, times.values()), spread(ratios, ".1f")]
        lines.append("| " + " | ".join([f"{batch:,}" if batch else "all 6,000", *told]) + " |")
    lines += [
        "",
        f"{EPOCHS} epochs, threads: {torch.get_num_threads()}; medians and ranges of {REPETITIONS} repetitions.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
