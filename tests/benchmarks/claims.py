"""What is commonly said of each constraint, as figures on the bundled features: python -m tests.benchmarks.claims

tests/library/test_training.py holds the same claims as inequalities.
"""

from constrained import training
from constrained.page import formats
from constrained.training import Figures, Setting

BOX = {"settings": {"lo": 0.0, "hi": 1.0}}
FEW = {"examples": 600, "epochs": 300}
NOISE = {"noise": 0.4}
ROWS = {
    "plain logits": Setting(),
    "clamp to [0, 1], torch's own gradient": Setting(method="clamp", **BOX),
    "clamp to [0, 1], inward gradient": Setting(method="clamp_inward", **BOX),
    "clamp to [0, 1], straight-through": Setting(method="clamp_straight_through", **BOX),
    "the same, 300 epochs": Setting(method="clamp_straight_through", **BOX, epochs=300),
    "smooth clamp to [0, 1]": Setting(method="smooth_clamp", **BOX),
    "clamp to [−2, 2], torch's own gradient": Setting(method="clamp", settings={"lo": -2.0, "hi": 2.0}),
    "softmax, T learned from 5": Setting(method="softmax", settings={"temperature": 5.0}, learned=True),
    "sparsemax": Setting(method="sparsemax"),
    "L1 penalty, λ = 0.01": Setting(penalty="l1", weight=0.01),
    "L1 penalty, λ = 0.1": Setting(penalty="l1", weight=0.1),
    "L2 penalty, λ = 0.01": Setting(penalty="l2", weight=0.01),
    "L2 penalty, λ = 0.1": Setting(penalty="l2", weight=0.1),
    "600 examples, 300 epochs": Setting(**FEW),
    "the same, L1 penalty, λ = 0.01": Setting(**FEW, penalty="l1", weight=0.01),
    "the same, L2 penalty, λ = 0.001": Setting(**FEW, penalty="l2", weight=0.001),
    "40 % wrong labels": Setting(**NOISE),
    "the same, L1 penalty, λ = 0.1": Setting(**NOISE, penalty="l1", weight=0.1),
    "40 % wrong labels, 600 examples": Setting(**NOISE, examples=600),
    "again with that penalty": Setting(**NOISE, examples=600, penalty="l1", weight=0.1),
}


def row(name: str, figures: Figures) -> str:
    """A line of the table."""
    temperature = "" if figures.temperature in (None, 1.0) else f"; T = {figures.temperature:.2f}"
    cells = (
        name + temperature,
        formats.percent(figures.accuracy),
        f"{figures.nll:.3f}".replace("inf", "∞"),
        formats.percent(figures.ece),
        f"{figures.size:.2f}",
        f"{100 * figures.dead:.0f} %",
    )
    return "| " + " | ".join(cells) + " |"


def table() -> str:
    """The table, in Markdown. Takes about a minute."""
    lines = ["| AdamW, learning rate 0.01, 100 epochs | accuracy | NLL | ECE | mean \\|logit\\| | no gradient |"]
    lines.append("|---|---|---|---|---|---|")
    for name, setting in ROWS.items():
        *_, (figures, _) = training.fit(setting, reports=1)
        lines.append(row(name, figures))
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
