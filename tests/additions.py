"""Three constraints with parameters of their own, added to a copy of the project as CONTRIBUTING.md says.

`add` touches the files of the recipe "Add a constraint" and no others. tests/page/test_additions.py and
tests/browser/test_additions.py try what comes of it: everything else has to follow by itself.

    python -m tests.additions FOLDER     makes such a copy, to look at
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SKIPPED = (".git", "node_modules", "__pycache__", ".pytest_cache", ".ruff_cache", ".hypothesis", "*.pyi", "build")

FUNCTIONS = '''\
def limit_size(x: Tensor, limit: float | Tensor, *, dim: int = -1) -> Tensor:
    r"""Clamp to a symmetric box: :math:`\\arg\\min_{|y| \\le r} \\tfrac12 \\|y - x\\|_2^2`.

    Args:
        x: ``(..., C, ...)``.
        limit: r > 0, in the unit of x.
        dim: the dimension of the classes.

    Raises:
        ValueError: for ``limit <= 0``, NaN or infinite, or an empty ``dim``.
    """
    limit, (y, _) = positive("limit", limit), _open(x, dim)
    return _clip(y, -limit, limit).to(x.dtype)


def add_offset(x: Tensor, offset: float | Tensor, *, dim: int = -1) -> Tensor:
    r"""Logit adjustment: :math:`x + b`, for classes of different frequency (Menon et al. 2021).

    Args:
        x: ``(..., C, ...)``.
        offset: b, one number or ``(C,)``.
        dim: the dimension of the classes.

    Raises:
        ValueError: for NaN, an infinite ``offset``, or an empty ``dim``.
    """
    offset, (y, dim) = bound("offset", offset, finite=True), _open(x, dim)
    return (y + _parameter("offset", offset, y, dim, signed=True)).to(x.dtype)


def truth(name: str, value: object) -> bool | Tensor:
    """A mask: one truth value for all classes, or a list or tensor with one for each.

    Raises:
        ValueError: for anything else.
    """
    value = torch.as_tensor(value) if isinstance(value, (list, tuple)) else value
    if not (isinstance(value, bool) or (isinstance(value, Tensor) and value.dtype == torch.bool)):
        raise ValueError(f"{name} must be true or false for each class, got {name}={value!r:.50}")
    return value


def leave_out(x: Tensor, excluded: bool | Tensor, *, dim: int = -1) -> Tensor:
    r"""What excludes classes from a map onto the simplex: :math:`-\\infty` for those in the mask.

    Args:
        x: ``(..., C, ...)``.
        excluded: the mask, one truth value or ``(C,)``.
        dim: the dimension of the classes.

    Raises:
        ValueError: for what is no truth value, or an empty ``dim``.
    """
    mask, (_, at) = torch.as_tensor(truth("excluded", excluded), device=x.device), _open(x, dim)
    return x.masked_fill(mask.reshape(-1, *[1] * (x.ndim - 1 - at)), -math.inf)


# Projections -------'''

MODULES = '''\
class LimitSize(Constraint):
    """`functional.limit_size`.

    Args:
        limit: r > 0.
        dim: the dimension of the classes.

    Raises:
        ValueError: for ``limit <= 0``, NaN or infinite.
    """

    elementwise = True
    clips = True
    _CHECKS: ClassVar = {"limit": F.positive}

    def __init__(self, limit: float | Tensor = 1.0, *, dim: int = -1) -> None:
        super().__init__(dim=dim)
        self.limit = limit

    def forward(self, x: Tensor) -> Tensor:
        return F.limit_size(x, self.limit, dim=self.dim)


class AddOffset(Constraint):
    """`functional.add_offset`.

    Args:
        offset: b, a number, or a tensor or list with one for each class.
        dim: the dimension of the classes.

    Raises:
        ValueError: for what is no finite number.
    """

    elementwise = True
    _CHECKS: ClassVar = {"offset": _finite_bound}

    def __init__(self, offset: float | Tensor = 0.0, *, dim: int = -1) -> None:
        super().__init__(dim=dim)
        self.offset = offset

    def forward(self, x: Tensor) -> Tensor:
        return F.add_offset(x, self.offset, dim=self.dim)


class MaskedSoftmax(Softmax):
    """`functional.softmax` over some of the classes.

    Args:
        excluded: the classes that get probability 0: true or false, or a tensor or list with one for each class.
        temperature, learnable, dim: as in `Softmax`.

    Raises:
        ValueError: as `Softmax`, and for what is no truth value.
    """

    sparse = True
    _CHECKS: ClassVar = Softmax._CHECKS | {"excluded": F.truth}

    def __init__(self, excluded: bool | Tensor = False, **more: object) -> None:
        super().__init__(**more)
        self.excluded = excluded

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.leave_out(x, self.excluded, dim=self.dim))

    def as_logits(self, logits: Tensor) -> Tensor:
        """The logits over T, ``-inf`` for a class that is excluded."""
        return super().as_logits(F.leave_out(logits, self.excluded, dim=self.dim))


class ConstrainedOutput('''

PARAMETERS = """\
LIMIT = Number(
    "limit", "r", "r, the limit", "No output is further from 0.", default=2.0, low=0.1, high=20.0, scale="log"
)
OFFSET = Vector("offset", "b", "b, offset", "What is added to each class.", default=0.0, low=-10.0, high=10.0)
EXCLUDED = Mask("excluded", "M", "M, excluded", "Classes that get no probability.")


@dataclass(frozen=True)
class Entry:"""

ENTRIES = """\
        Entry(
            key="limit_size",
            family="bounded",
            title="Limit the size",
            parameters=(LIMIT,),
            formula="y = min(max(z, −{limit}), {limit})",
            example="min(max({z}, −{limit}), {limit}) = {y}",
            build=modules.LimitSize,
            help="A clamp with the same limit on both sides of 0.",
        ),
        Entry(
            key="add_offset",
            family="regularised",
            title="Logit adjustment",
            parameters=(OFFSET,),
            formula="y = z + {offset}",
            example="{z} + {offset} = {y}",
            build=modules.AddOffset,
            help="Rare classes get a head start, or frequent ones a handicap.",
        ),
        Entry(
            key="masked_softmax",
            family="probability",
            title="Masked softmax",
            parameters=(EXCLUDED, TEMPERATURE),
            formula="p = exp(z / {temperature}) / Σ exp(z / {temperature}), 0 in {excluded}",
            example="p = {y}",
            build=modules.MaskedSoftmax,
            help="A softmax over the classes that are left.",
            zeros=True,
        ),
    )
}

FAMILIES = """

TWINS = """\
  limit_size: (z, { limit }) => ({
    y: map(z, (v) => Math.min(Math.max(v, -limit), limit)),
    dead: where(z, (v) => Math.abs(v) > limit),
    named: {},
  }),

  add_offset: (z, { offset }) => ({
    y: Float64Array.from(z, (v, i) => v + (Array.isArray(offset) ? offset[i] : offset)),
    dead: where(z, () => false),
    named: {},
  }),

  masked_softmax: (z, { temperature, excluded }) => {
    const left = Float64Array.from(z, (v, i) => ((Array.isArray(excluded) ? excluded[i] : excluded) ? -Infinity : v));
    return { ...methods.softmax(left, { temperature }), named: {} };
  },

  softmax: ("""

SNIPPETS = '''\
_CONSTRAIN = {
    "limit_size": """\\
y = torch.where(z < -LIMIT, -LIMIT, z)
return torch.where(y > LIMIT, LIMIT, y)""",
    "add_offset": """\\
offset = torch.as_tensor(OFFSET, dtype=z.dtype, device=z.device)
return z + offset""",
    "masked_softmax": "z = z.masked_fill(EXCLUDED, -torch.inf)\\n"
    + _LOST
    + "return torch.softmax(z / T, dim=-1).masked_fill(lost, torch.nan)",
'''
LOSSES = """\
_LOSSES = {
    "masked_softmax": "return F.cross_entropy(z.masked_fill(EXCLUDED, -torch.inf) / T, labels)",
"""

TRANSLATIONS = {
    "Limit the size": ("Größe begrenzen", "Limiter la taille", "Limitar el tamaño"),
    "r, the limit": ("r, die Grenze", "r, la limite", "r, el límite"),
    "A clamp with the same limit on both sides of 0.": (
        "Ein Clamp mit derselben Grenze auf beiden Seiten von 0.",
        "Un clamp avec la même limite des deux côtés de 0.",
        "Un clamp con el mismo límite a ambos lados de 0.",
    ),
    "Masked softmax": ("Softmax mit Maske", "Softmax masqué", "Softmax con máscara"),
    "M, excluded": ("M, ausgeschlossen", "M, exclues", "M, excluidas"),
    "A softmax over the classes that are left.": (
        "Ein Softmax über die übrigen Klassen.",
        "Un softmax sur les classes restantes.",
        "Un softmax sobre las clases restantes.",
    ),
    "Logit adjustment": ("Logit-Verschiebung", "Décalage des logits", "Ajuste de logits"),
    "b, offset": ("b, Verschiebung", "b, décalage", "b, desplazamiento"),
    "Rare classes get a head start, or frequent ones a handicap.": (
        "Seltene Klassen bekommen einen Vorsprung, oder häufige ein Handicap.",
        "Les classes rares reçoivent une avance, ou les fréquentes un handicap.",
        "Las clases raras reciben ventaja, o las frecuentes un hándicap.",
    ),
}

# File -> what is put in the place of a piece of it, which is found at its end.
EDITS = {
    "constrained/functional.py": {
        "__all__ = [\n": '__all__ = [\n    "add_offset",\n    "leave_out",\n    "limit_size",\n',
        "# Projections -------": FUNCTIONS,
    },
    "constrained/modules.py": {"class ConstrainedOutput(": MODULES},
    "constrained/__init__.py": {
        "    from .modules import (\n": "    from .modules import (\n        AddOffset,\n",
        "        Entmax15,\n": "        Entmax15,\n        LimitSize,\n        MaskedSoftmax,\n",
        "__all__ = [\n": '__all__ = [\n    "AddOffset",\n',
        '    "Entmax15",\n': '    "Entmax15",\n    "LimitSize",\n    "MaskedSoftmax",\n',
    },
    "constrained/registry.py": {
        "import Number, Parameter, Value\n": "import Mask, Number, Parameter, Value, Vector\n",
        "@dataclass(frozen=True)\nclass Entry:": PARAMETERS,
        "    )\n}\n\nFAMILIES = ": ENTRIES,
    },
    "assets/web/twins/constraints.js": {"  softmax: (": TWINS},
    "constrained/snippets.py": {"_CONSTRAIN = {\n": SNIPPETS, "_LOSSES = {\n": LOSSES},
}
LANGUAGES = ("de", "fr", "es")


def copy(folder: Path) -> None:
    """The project as it is, without what tools leave behind."""
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*SKIPPED))


def add(folder: Path) -> None:
    """Follow the recipe in a copy of the project.

    Raises:
        ValueError: if a place that the recipe needs is no longer there once.
    """
    for name, edits in EDITS.items():
        text = (folder / name).read_text(encoding="utf-8")
        for place, new in edits.items():
            if text.count(place) != 1:
                raise ValueError(f"{name} has {place!r} {text.count(place)} times: mend tests/additions.py")
            text = text.replace(place, new)
        (folder / name).write_text(text, encoding="utf-8")
    for at, language in enumerate(LANGUAGES):
        path = folder / "assets" / "languages" / f"{language}.json"
        texts = json.loads(path.read_text(encoding="utf-8"))
        texts |= {english: translations[at] for english, translations in TRANSLATIONS.items()}
        path.write_text(json.dumps(texts, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    subprocess.run([sys.executable, "-m", "constrained.shipped"], cwd=folder, check=True)


if __name__ == "__main__":
    copy(Path(sys.argv[1]))
    add(Path(sys.argv[1]))
