"""A setting as PyTorch that runs on its own: what a person takes home from the page.

Three scripts for every entry of the registry: with torch and torchvision alone, with this library, and a step of
training with the penalty. Each only defines things when it is imported, and does something when it is run, so that
its parts can be taken out of it. tests/library/test_snippets.py runs them all and compares
their numbers with the registry's.

A script is made of pieces of source that stand below as they will be read; only numbers, and names that are known
here, are filled in.
"""

import textwrap

from . import models, registry
from .models.script import TORCHVISION
from .modules import Clamp, Constraint
from .parameters import Mask, Parameter, Value
from .registry import LAM, REGISTRY

SCRIPTS = {"plain": "PyTorch alone", "library": "With this library", "training": "A training step"}
PENALTIES = {key: entry.norm.upper() for key, entry in REGISTRY.items() if entry.norm}
WIDTH = 100  # of a line

# Each entry of the registry as `constrain`, and what it needs before it -------------------------------------------

_LOST = """\
# A row with no class left, or with NaN, has no answer, and sends nothing back, not NaN.
lost = ~z.detach().amax(-1, keepdim=True).isfinite()
z = z.masked_fill(lost, 0)
"""
_LOST_BALL = _LOST.replace("amax(-1", "abs().amax(-1").replace("no class left, or with NaN", "NaN or infinity")

_CONSTRAIN = {
    "clamp": """\
# Not z.clamp: from torch 2.14 on a logit right on a bound would get no gradient.
y = torch.where(z < LO, LO, z)
return torch.where(y > HI, HI, y)""",
    "clamp_straight_through": """\
# Forwards the clamp, backwards the identity. Exactly 0 is added: nothing leaves the box.
return z.detach().clamp(LO, HI) + (z - z.detach()).nan_to_num(0)  # inf - inf would be NaN""",
    "clamp_inward": "return InwardClamp.apply(z)",
    "smooth_clamp": """\
lost = z.isnan()
z = z.masked_fill(lost, 0)  # what comes back through a NaN would be NaN
middle = (LO + HI) / 2
half = (HI - LO) / 2
y = middle + half * torch.tanh((z - middle) / max(half, 1e-30))  # a point is not 0 / 0
y = torch.where(y < LO, LO, y)  # what rounding put outside
return torch.where(y > HI, HI, y).masked_fill(lost, torch.nan)""",
    "scaled_sigmoid": """\
lost = z.isnan()
z = z.masked_fill(lost, 0)  # what comes back through a NaN would be NaN
# Never outside the box, as LO + (HI - LO) * torch.sigmoid(z) may be by rounding.
y = torch.lerp(torch.full_like(z, LO), torch.full_like(z, HI), torch.sigmoid(z))
return y.masked_fill(lost, torch.nan)""",
    "softplus": """\
lost = z.isnan()
z = z.masked_fill(lost, 0)  # what comes back through a NaN would be NaN
y = LO + torch.nn.functional.softplus(BETA * (z - LO), threshold=50) / BETA
return y.masked_fill(lost, torch.nan)""",
    "softplus_upper": """\
lost = z.isnan()
z = z.masked_fill(lost, 0)  # what comes back through a NaN would be NaN
y = HI - torch.nn.functional.softplus(BETA * (HI - z), threshold=50) / BETA
return y.masked_fill(lost, torch.nan)""",
    "softmax": _LOST
    + """\
return torch.softmax(z / T, dim=-1).masked_fill(lost, torch.nan)""",
    "sparsemax": _LOST
    + """\
return project_simplex(z / T, 1.0).masked_fill(lost, torch.nan)""",
    "entmax15": _LOST
    + """\
# p = max(z / 2T - tau, 0)^2, with the tau for which p sums to 1.
z = (z - z.detach().amax(-1, keepdim=True)) / (2 * T)
z = z.clamp_min(-2)  # nothing that is 1 below the largest gets any; -inf stays out of sums
with torch.no_grad():  # which classes are above tau: try 1, 2, ... of the largest
    ordered = z.sort(-1, descending=True).values
    k = torch.arange(1, z.shape[-1] + 1, dtype=z.dtype, device=z.device)
    mean = ordered.cumsum(-1) / k
    spread = (ordered.square().cumsum(-1) / k - mean.square()) * k
    tau = mean - ((1 - spread).clamp_min(0) / k).sqrt()
    last = (tau <= ordered).sum(-1, keepdim=True) - 1
    support = z >= ordered.gather(-1, last)
k = support.sum(-1, keepdim=True)
mean = z.where(support, 0).sum(-1, keepdim=True) / k
spread = (z - mean).where(support, 0).square().sum(-1, keepdim=True)
tau = mean - ((1 - spread).clamp_min(1e-30) / k).sqrt()
return (z - tau).where(support, 0).clamp_min(0).square().masked_fill(lost, torch.nan)""",
    "prox_l1": """\
# Not softshrink, which gives a logit right on the threshold no gradient.
return torch.where(z.abs() < LAM, 0, z - z.sign() * LAM)""",
    "prox_l2": "return z / (1 + 2 * LAM)",
    "project_l1_ball": _LOST_BALL
    + """\
size = z.abs()
inside = size.sum(-1, keepdim=True) <= RADIUS
y = z.where(inside, z.sign() * project_simplex(size, RADIUS))
return y.masked_fill(lost, torch.nan)""",
    "project_l2_ball": _LOST_BALL
    + """\
# Norms in units of the largest: squares of large numbers overflow.
unit = z.detach().abs().amax(-1, keepdim=True).clamp_min(RADIUS)
norm = (z / unit).norm(dim=-1, keepdim=True)
inside = norm.detach() <= RADIUS / unit
y = z * torch.where(inside, 1, RADIUS / unit / norm.where(~inside, 1))  # no 0 / 0 at 0
return y.masked_fill(lost, torch.nan)""",
    "project_simplex": _LOST
    + """\
return project_simplex(z, RADIUS).masked_fill(lost, torch.nan)""",
}

_PROJECT_SIMPLEX = '''\
def project_simplex(z, radius):
    """The nearest point with y >= 0 and sum y = radius: y = max(z - tau, 0)."""
    z = z - z.detach().amax(-1, keepdim=True)  # changes nothing but the rounding
    # Nothing that is the radius below the largest is above tau; -inf stays out of sums.
    ordered = z.clamp_min(-2 * radius).sort(-1, descending=True).values
    k = torch.arange(1, z.shape[-1] + 1, dtype=z.dtype, device=z.device)
    excess = ordered.cumsum(-1) - radius
    size = (k * ordered >= excess).sum(-1, keepdim=True)  # how many classes are above tau
    tau = excess.gather(-1, size - 1) / size
    return torch.where(z < tau, 0, z - tau)'''

_INWARD_CLAMP = '''\
class InwardClamp(torch.autograd.Function):
    """A clamp; outside the box only a gradient passes whose step leads back into it."""

    @staticmethod
    def forward(ctx, z):
        ctx.save_for_backward(z)
        return z.clamp(LO, HI)

    @staticmethod
    def backward(ctx, grad):
        (z,) = ctx.saved_tensors
        # Descent moves z against its gradient: down where grad > 0, up where grad < 0.
        passes = ((z <= HI) | (grad > 0)) & ((z >= LO) | (grad < 0))
        return grad.where(passes, 0)'''

_NEEDED = {
    "clamp_inward": _INWARD_CLAMP,
    "sparsemax": _PROJECT_SIMPLEX,
    "project_l1_ball": _PROJECT_SIMPLEX,
    "project_simplex": _PROJECT_SIMPLEX,
}

for _key, _entry in REGISTRY.items():  # what a script left out would be silently wrong
    for _parameter in _entry.parameters:
        if _parameter.constant not in _CONSTRAIN.get(_key, "") + _NEEDED.get(_key, ""):
            raise ValueError(f"the script of {_key} does not use {_parameter.constant}: write it in _CONSTRAIN")

# What the loss sees: twins of `Constraint.loss` -----------------------------------------------------------------------

_FENCHEL_YOUNG = """\
# The loss sees the logits: this one (Fenchel-Young, Blondel et al. 2020) belongs to {title}.
# It is finite where -log p is not, and its gradient in z / T is p minus the one-hot label.
u, p = z / T, constrain(z).detach()  # p is a maximiser: its own derivative does not count
negentropy = {negentropy}
reached = (p * u.where(p > 0, 0)).sum(-1)  # a class that is excluded has the logit -inf
return (reached - negentropy - u.gather(-1, labels[:, None])[:, 0]).mean()"""

_LOSSES = {
    "softmax": """\
# The loss sees z / T: cross_entropy takes the softmax itself. Given constrain(z), it would take
# a second one, and with ten classes could never fall below 1.46.
return F.cross_entropy(z / T, labels)""",
    "sparsemax": _FENCHEL_YOUNG.format(title="sparsemax", negentropy="(p.square().sum(-1) - 1) / 2"),
    "entmax15": _FENCHEL_YOUNG.format(title="1.5-entmax", negentropy="(p.pow(1.5).sum(-1) - 1) * 4 / 3"),
    "prox_l1": """\
# The loss sees what the step makes of the logits, as with any map: one within LAM of 0 gets no
# gradient. If too few learn, or to keep z small, use the penalty in place of the step:
# F.cross_entropy(z, labels) + LAM * z.abs().sum(-1).mean(), with LAM = 0.01 to begin with.
return F.cross_entropy(constrain(z), labels)""",
    "prox_l2": """\
# The loss sees what the step makes of the logits, as with any map: the weights grow by as much
# as it shrinks. To keep z small, use the penalty in place of the step:
# F.cross_entropy(z, labels) + LAM * z.square().sum(-1).mean(), with LAM = 0.01 to begin with.
return F.cross_entropy(constrain(z), labels)""",
}
_LOSS = """\
# The loss sees the constrained outputs and reads them as logits.
return F.cross_entropy(constrain(z), labels)"""

_TERMS = {
    "prox_l1": "return LAM * z.abs().sum(-1).mean()  # LAM ‖z‖₁",
    "prox_l2": "return LAM * z.square().sum(-1).mean()  # LAM ‖z‖₂²",
}

# A picture, a model, logits -------------------------------------------------------------------------------------------

_LOAD = '''\
def load(path):
    """A picture as the page takes it: upright, on white where it is transparent, RGB."""
    picture = Image.open(path)
    picture.draft(None, (1024, 1024))  # a JPEG of twice that is decoded at a half, or less
    picture = ImageOps.exif_transpose(picture).convert("RGBA")
    white = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(white, picture).convert("RGB")'''

_MAIN = """\
if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("picture")
    args = parser.parse_args()
    z = logits(load(args.picture)).double()  # constrained in float64, as on the page
    y = constrain(z)
    for i in z.argsort(descending=True)[:10].tolist():
        print(f"{LABELS[i]:>24} {z[i].item():12.6f} {y[i].item():14.8g}")"""

# The same with this library -------------------------------------------------------------------------------------------

_LIBRARY_IMPORTS = """\
import argparse
from pathlib import Path

import torch

from constrained import {kind}, constrained_resnet18
from constrained.images import decode
from constrained.models import CHECKPOINTS"""

_LIBRARY = """\
checkpoint = CHECKPOINTS["{model}"]()
constraint = {kind}({arguments})
model = constrained_resnet18(weights=checkpoint.load(), constraint=constraint).eval()
# The head by itself, in float64: what the crops of a picture give is averaged before it.
head, model.fc = model.fc.double(), torch.nn.Identity()"""

_LIBRARY_OUTPUTS = '''\
@torch.inference_mode()
def outputs(path):
    """A picture's logits z = W h + b and its constrained outputs, each (C,)."""
    views = checkpoint.views(decode(Path(path).read_bytes()))
    h = model(checkpoint.batch(views)).mean(0).double()  # (F,)
    out = head(h)
    return out.logits, out.constrained'''

_LIBRARY_STEP = '''\
def step(optimizer, pictures, labels):
    """One step of training on a batch (B, 3, S, S) and its classes (B,); the loss before it."""
    z = head.logits(model.train()(pictures).double())
    loss = head.loss(z, labels)  # the one that fits the constraint, and the penalty if there is one
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()'''

_LIBRARY_MAIN = """\
if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("picture")
    z, y = outputs(parser.parse_args().picture)
    for i in z.argsort(descending=True)[:10].tolist():
        print(f"{checkpoint.labels[i]:>24} {z[i].item():12.6f} {y[i].item():14.8g}")"""

# A step of training ---------------------------------------------------------------------------------------------------

_TRAINING_IMPORTS = """\
import torch
{functional}
""" + TORCHVISION.replace("{operator}", "{{operator}}")

_LOSS_OF = "def loss_of(z, labels):  # logits (B, C), classes (B,) -> a scalar\n"
_PENALTY = """\
def penalty(z):  # (B, C) -> a scalar
    # A mean over the batch: a sum would grow with it. LAM is the page's; in a loss start with 0.01.
"""

_STEP = '''\
def step(model, optimizer, pictures, labels):
    """One step on a batch (B, 3, H, W) and its classes (B,); the loss before it."""
    z = model.train()(pictures)  # the model gives logits; the constraint comes after it
    z, labels = z[labels != -100], labels[labels != -100]  # -100: a row that does not count
    loss = loss_of(z, labels) + penalty(z)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()'''

_PREDICT = '''\
@torch.inference_mode()
def predict(model, pictures):
    """The constrained outputs, for use: (B, 3, H, W) -> (B, C)."""
    return constrain(model.eval()(pictures))'''

_TRAINING_MAIN = """\
if __name__ == "__main__":
    torch.manual_seed(0)
    model = torchvision.models.resnet18({start})
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, nesterov=True)
    pictures, labels = torch.randn(8, 3, 32, 32), torch.randint({classes}, (8,))  # yours here
    for _ in range(3):
        print(f"loss {{step(model, optimizer, pictures, labels):.6f}}")
    print(predict(model, pictures)[0, :10])"""

# Putting them together ------------------------------------------------------------------------------------------------


def name(script: str, key: str) -> str:
    """What a script's file is called: a key of ``SCRIPTS``, and one of the registry."""
    return f"{key}.py" if script == "plain" else f"{key}_{script}.py"


def plain(key: str, settings: dict[str, Value], model: str = models.BUNDLED) -> str:
    """A script with torch and torchvision alone: picture, ResNet18, logits, constrained outputs.

    Args:
        key: an entry of the registry.
        settings: at least its parameters.
        model: a key of ``models.CHECKPOINTS``.

    Raises:
        ValueError: for an unknown key or model, or a parameter that is missing or outside its range.
    """
    _check(key, settings, model)
    about = f"The output of a ResNet18, constrained with torch and torchvision alone: {REGISTRY[key].title}."
    usage = f"python {name('plain', key)} picture.jpg"
    own, main = models.SCRIPTS[model](), _MAIN
    if own.weights:
        usage += f" --weights {own.weights}"
        argument = f'    parser.add_argument("--weights", default="{own.weights}")\n'
        main = main.replace("    args =", argument + "    args =").replace("picture))", "picture), args.weights)")
    first = [_docstring(about, key, usage), own.imports, _constants(key, settings)]
    return _joined("\n\n".join(first), *_constraint(key), _LOAD, *own.network, main)


def library(key: str, settings: dict[str, Value], model: str = models.BUNDLED) -> str:
    """The same with this library; arguments and errors as for `plain`."""
    constraint = _check(key, settings, model)
    kind = type(constraint).__name__
    values = {p: settings[p.key] for p in REGISTRY[key].parameters}
    written = {p.key: p.constant if isinstance(v, list) else repr(p.plain(v)) for p, v in values.items()}
    arguments = [f"{name}={value}" for name, value in written.items()]
    if isinstance(constraint, Clamp) and constraint.gradient != "zero":
        arguments.append(f'gradient="{constraint.gradient}"')
    about = f"The output of a ResNet18, constrained with this project's library: {REGISTRY[key].title}."
    first = [
        _docstring(about, key, f"python {name('library', key)} picture.jpg  (in the project's folder)"),
        _LIBRARY_IMPORTS.format(kind=kind),
        *(_constant(p, v) for p, v in values.items() if isinstance(v, list)),
        _LIBRARY.format(kind=kind, arguments=", ".join(arguments), model=model),
    ]
    return _joined("\n\n".join(first), _LIBRARY_OUTPUTS, _LIBRARY_STEP, _LIBRARY_MAIN)


def training(key: str, settings: dict[str, Value], model: str = models.BUNDLED, penalty: str = "") -> str:
    """A training step with torch and torchvision alone: what the loss sees of the constraint, and the penalty.

    Args:
        key, settings: as for `plain`.
        model: its classes, and for ImageNet the weights that training starts from.
        penalty: ``"prox_l1"`` or ``"prox_l2"`` for the penalty with the same norm, weighed by ``settings["lam"]``; any
            other entry, or a weight of 0, for none. For a proximal step as ``key`` there is none: the loss goes
            through the step, as `Constraint.loss` does, and would count lambda twice.

    Raises:
        ValueError: as `plain`, and for a weight of the penalty outside its range.
    """
    _check(key, settings, model)
    weighed = key not in PENALTIES and penalty in PENALTIES and LAM.check(settings.get("lam")) > 0
    about = f"A training step of a ResNet18 with a constrained output: {REGISTRY[key].title}"
    about += f", and an {PENALTIES[penalty]} penalty on the logits." if weighed else "."
    loss = _LOSSES.get(key, _LOSS)
    functional = "import torch.nn.functional as F\n" if "F." in loss else ""
    first = [
        _docstring(about, key, f"python {name('training', key)}"),
        _TRAINING_IMPORTS.format(functional=functional),
        _constants(key, settings, *((LAM,) if weighed else ())),
    ]
    terms = [_PENALTY + _indented(_TERMS[penalty])] if weighed else []
    step = _STEP if weighed else _STEP.replace(" + penalty(z)", "")
    own = models.SCRIPTS[model]()
    main = _TRAINING_MAIN.format(start=own.start, classes=own.classes)
    return _joined("\n\n".join(first), *_constraint(key), _LOSS_OF + _indented(loss), *terms, step, _PREDICT, main)


def _check(key: str, settings: dict[str, Value], model: str) -> Constraint:
    """The entry's module, or ``ValueError``."""
    if model not in models.CHECKPOINTS:
        raise ValueError(f"model must be one of {', '.join(models.CHECKPOINTS)}, got {model!r:.40}")
    return registry.build(key, settings, classes=models.SCRIPTS[model]().classes)


def _docstring(about: str, key: str, usage: str) -> str:
    about, help = (textwrap.fill(text, WIDTH) for text in (f'"""{about}', REGISTRY[key].help))
    return f'{about}\n\n{help}\n\n    {usage}\n"""'


def _constants(key: str, settings: dict[str, Value], *more: Parameter) -> str:
    """A setting's values, each exactly: Python reads a float's repr back as the same float."""
    parameters = dict.fromkeys([*REGISTRY[key].parameters, *more])
    return "\n".join(_constant(p, settings[p.key]) for p in parameters)


def _constant(parameter: Parameter, value: Value) -> str:
    """One of them: a number, or a tensor with a value for each class. A mask is a tensor always, as torch wants it."""
    if not isinstance(value, list):
        plain = repr(parameter.plain(value))
        return f"{parameter.constant} = {f'torch.tensor({plain})' if isinstance(parameter, Mask) else plain}"
    common = max(dict.fromkeys(value), key=value.count)
    kind = "torch.bool" if isinstance(parameter, Mask) else "torch.float64"
    lines = [f"{parameter.constant} = torch.full(({len(value)},), {common!r}, dtype={kind})  # one for each class"]
    for other in dict.fromkeys(v for v in value if v != common):
        places = ", ".join(str(i) for i, v in enumerate(value) if v == other)
        text = f"{parameter.constant}[[{places}]]\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{other!r}"  # no line ends in =
        text = textwrap.fill(text, WIDTH, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)
        lines.append(text.replace("\N{NO-BREAK SPACE}", " "))
    return "\n".join(lines)


def _constraint(key: str) -> list[str]:
    needed = [_NEEDED[key]] if key in _NEEDED else []
    return [*needed, "def constrain(z):  # (..., C) -> (..., C)\n" + _indented(_CONSTRAIN[key])]


def _indented(text: str) -> str:
    return textwrap.indent(text, "    ")


def _joined(*parts: str) -> str:
    return "\n\n\n".join(parts) + "\n"
