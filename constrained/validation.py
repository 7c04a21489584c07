"""Bytes from a stranger -> logits and labels of a validation set, or one sentence that says what is wrong with them.

Two kinds of file are read. A CSV has a header with a column ``label``; every other column holds the logits of one
class, in order, and is named after it. Columns that are numbered, as ``0, 1, 10, 2`` or ``logit_1, logit_2``, are those
of the classes with these numbers, in whatever order they come. A safetensors file has the tensors ``logits`` (N, C),
floating, and ``labels`` (N,), whole numbers. Neither can carry code, and nothing is made from a file before its size is
known.

`parse` needs no torch, so that it can run in a worker (`workers`).
"""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import safetensors

if TYPE_CHECKING:
    from torch import Tensor

MAX_BYTES = 6 * 2**20  # of the file; messages call 2**20 bytes a MB
MIN_ROWS, MAX_ROWS = 20, 50_000
MIN_CLASSES, MAX_CLASSES = 2, 1000
MAX_NUMBERS = 1_000_000  # rows times classes
MAX_SIZE = 1e6  # of a logit
MAX_NAME = 100  # characters of a class
MAX_DIGITS = 64  # of a number; turning a million digits into a float takes seconds
FIT_SHARE = 0.6
SUM = 0.05  # how far from 1 a row of probabilities may be that were written with two or three digits

# What the numbers of a file can be. Probabilities and percentages are read by their logarithm (`logarithms`).
LOGITS, PROBABILITIES, PERCENTAGES = "logits", "probabilities", "percentages"
LOG_PROBABILITIES, SHARES = "log-probabilities", "shares"  # shares: each from 0 to 1, as of one sigmoid for each class

BY_LOGARITHM = (PROBABILITIES, PERCENTAGES)

# Names of columns that people put beside logits.
_BESIDE = frozenset(
    [
        "acc",
        "accuracy",
        "argmax",
        "batch",
        "ce",
        "conf",
        "confidence",
        "confidencepct",
        "crossentropy",
        "date",
        "energy",
        "entropy",
        "epoch",
        "fold",
        "groundtruth",
        "gt",
        "id",
        "idx",
        "imageid",
        "index",
        "logsumexp",
        "loss",
        "lr",
        "lse",
        "margin",
        "maxlogit",
        "maxprob",
        "modelid",
        "nll",
        "pred",
        "predicted",
        "prediction",
        "preds",
        "prob",
        "probability",
        "rank",
        "row",
        "rowid",
        "rownumber",
        "runid",
        "seed",
        "split",
        "step",
        "target",
        "temperature",
        "time",
        "timestamp",
        "top1",
        "top2",
        "trueclass",
        "truelabel",
        "truelogit",
        "trueprob",
        "uncertainty",
        "unnamed0",
        "weight",
        "yhat",
        "ypred",
        "ytrue",
    ]
)

# A number of a safetensors file as numpy has it, least significant byte first. It has no bfloat16, which is the upper
# half of a float32.
_FLOATING = {"F16": "<f2", "BF16": "<u2", "F32": "<f4", "F64": "<f8"}
_WHOLE = {"I8": "i1", "I16": "<i2", "I32": "<i4", "I64": "<i8", "U8": "u1", "U16": "<u2", "U32": "<u4"}
_HOW = "save it as CSV with a column label and one column of logits for each class, or as safetensors"


class ValidationError(ValueError):
    """A file that cannot be used. Its message is one sentence for the visitor: what is wrong, and what to do."""


class ValidationSet(NamedTuple):
    """A classifier's logits on pictures, or anything else, whose right class is known."""

    logits: Tensor  # (N, C), float32, each below `MAX_SIZE`; what `kind` says
    labels: Tensor  # (N,), int64, each in [0, C)
    classes: tuple[str, ...]  # C names

    @property
    def kind(self) -> str:
        """What the numbers look like: `LOGITS`, `PROBABILITIES`, `PERCENTAGES`, `LOG_PROBABILITIES` or `SHARES`."""
        return _kind(self.logits.numpy())


def read(data: bytes, name: str = "") -> ValidationSet:
    """A CSV or safetensors file as tensors; all else as for `parse`.

    Raises:
        ValidationError: for everything that is not such a file or breaks a limit. Nothing else is raised.
    """
    return tensors(*parse(data, name))


def tensors(logits: np.ndarray, labels: np.ndarray, classes: tuple[str, ...]) -> ValidationSet:
    """What `parse` returns as tensors, which share its memory."""
    import torch

    return ValidationSet(torch.from_numpy(logits), torch.from_numpy(labels), classes)


def logarithms(probabilities: Tensor) -> Tensor:
    """Logits whose softmax is these ``probabilities`` or percentages, (N, C).

    A 0 is what rounding has left of a small number: it is read as half of the smallest one that is there.
    """
    p = probabilities.double().clamp_min(0)
    p = p.where(p > 0, p[p > 0].min() / 2)
    return (p / p.sum(dim=-1, keepdim=True)).log().to(probabilities.dtype)


def parse(data: bytes, name: str = "") -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Reads a CSV or safetensors file: safetensors is what is called so, or begins like one.

    CSV: UTF-8 with or without a byte order mark, comma, semicolon or tab between the columns, any line ends, decimal
    points. At least `MIN_ROWS` and at most `MAX_ROWS` rows, `MIN_CLASSES` to `MAX_CLASSES` classes, `MAX_NUMBERS`
    logits.

    Returns:
        Logits (N, C), float32, labels (N,), int64, and C names.

    Raises:
        ValidationError: for everything that is not such a file or breaks a limit. Nothing else is raised.
    """
    if not data:
        raise ValidationError("This file is empty: choose another one.")
    if len(data) > MAX_BYTES:
        size, limit = -(-len(data) * 10 // 2**20) / 10, MAX_BYTES // 2**20
        raise ValidationError(
            f"This file is {size:g} MB, but the limit is {limit} MB: leave some rows out and try again."
        )
    # A safetensors file begins with the length of its header in 8 bytes, and the header with a brace.
    is_safetensors = name.lower().endswith(".safetensors") or (data[8:9] == b"{" and b"\0" in data[:8])
    logits, labels, classes, where = _read_safetensors(data) if is_safetensors else _read_csv(data)
    numbered = is_safetensors
    if not is_safetensors:
        logits, labels, classes, numbered = _by_number(logits, labels, classes)
    # An infinity that a label gives is as far out of range as any other number.
    _first(~(np.isfinite(logits).all(1)), where, "there is a logit that is not a finite number: leave the row out")
    _first(
        (np.abs(logits) >= MAX_SIZE).any(1),
        where,
        "there is a logit of a million or more: divide all logits by the same number",
    )
    _first(
        (labels < 0) | (labels >= len(classes)) | (labels != np.floor(labels)),
        where,
        f"the label is not a whole number from 0 to {len(classes) - 1}: give the index of the right class",
    )
    if not numbered:
        _check_columns(logits, labels.astype(np.int64), classes)
    if ((logits != 0).sum(1) == 1).all() and (logits.max(1) == 1).all():
        raise ValidationError(
            "Each row of this file is a single 1 among zeros, which is a decision without a confidence: save the "
            "logits behind it."
        )
    for base, name in (
        (1 / np.e, "negative logarithms"),
        (10.0, "logarithms to base 10"),
        (2.0, "logarithms to base 2"),
        (0.1, "negative logarithms to base 10"),
        (0.5, "negative logarithms to base 2"),
    ):
        exponents = logits * np.log(base)
        if exponents.max() <= 1e-3 and (np.abs(np.exp(exponents).sum(1) - 1) <= SUM).all():
            raise ValidationError(
                f"These numbers are {name} of probabilities: save the logits, or the probabilities themselves."
            )
    return logits.astype(np.float32), labels.astype(np.int64), classes


def _kind(x: np.ndarray) -> str:
    """What rows of numbers (N, C) are, by what they look like; one row that does not fit makes them logits."""
    low, high, sums = x.min(), x.max(), x.sum(1, dtype=np.float64)
    if low >= -1e-3 and high <= 1 + 1e-3 and (np.abs(sums - 1) <= SUM).all():
        return PROBABILITIES
    if low >= -1e-6 and high <= 1 + 1e-6:
        return SHARES
    if low >= -1e-4 and high <= 100.001 and (np.abs(sums - 100) <= 100 * SUM).all():
        return PERCENTAGES
    if high <= 1e-6 and (np.abs(np.exp(x.astype(np.float64)).sum(1) - 1) <= SUM).all():
        return LOG_PROBABILITIES
    return LOGITS


def _by_number(x: np.ndarray, labels: np.ndarray, classes: tuple[str, ...]):
    """Logits, labels and names in the order of the numbers in the names, and whether there are such numbers.

    Names that are numbers name their labels. Other names that hold a number, ``logit_3`` or ``3_cat``, are numbered if
    the numbers are 0, 1, ... or 1, 2, ... without a gap, so that ``speed limit 30`` and ``speed limit 50`` are not.

    Raises:
        ValidationError: for a label that names no column, for a column that is named in another way than the others and
            whose label never occurs, and where labels could be counted from 0 or from 1.
    """
    count = len(classes)
    if all(re.fullmatch("[0-9]{1,9}", name) for name in classes):
        numbers = [int(name) for name in classes]
        from_one = sorted(numbers) == list(range(1, count + 1)) and (labels == 0).any()  # columns from 1, labels from 0
        order = np.argsort(numbers)
        known = np.sort(numbers) - from_one
        places = np.searchsorted(known, labels).clip(max=count - 1)
        stray = labels[known[places] != labels]
        if len(stray):
            raise ValidationError(
                f"The columns are named by numbers, but no column is named {stray[0]:g}, which is a label: "
                "name the column of each class by its label."
            )
        return x[:, order], places, tuple(classes[i] for i in order), True
    groups = [re.findall("[0-9]+", name) for name in classes]
    if all(groups):  # by the first number in each name, or by the last
        for place in (0, -1):
            numbers = [int(group[place][:9]) for group in groups]
            if sorted(numbers) in _runs(count):
                return _in_order(x, labels, classes, numbers)
    found = {}  # form of the name -> number -> column
    for i, name in enumerate(classes):
        match = re.fullmatch(r"(.*?)([0-9]{1,4})([^0-9]*)", name)
        if match:
            found.setdefault((match[1], match[3]), {})[int(match[2])] = i
    runs = [columns for columns in found.values() if len(columns) > 1 and sorted(columns) in _runs(len(columns))]
    # With labels of these columns alone, the others are something beside them, such as a second set.
    for columns in runs:
        start = min(columns)
        zero = start == 1 and len(columns) == count - 1 and 0 not in columns.values()  # a class 0 with another name
        if 2 * len(columns) >= count and (labels < start + len(columns)).all() and not zero:
            first, second, *_ = (classes[i] for i in columns.values())
            other = next(name for i, name in enumerate(classes) if i not in columns.values())
            raise ValidationError(
                f"Column {_short(other)} is not numbered like {_short(first)} and {_short(second)}: leave it out, "
                "or number it too if it is a class."
            )
    return x, labels, classes, False


def _in_order(x: np.ndarray, labels: np.ndarray, classes: tuple[str, ...], numbers: list[int]):
    """What `_by_number` returns for names that are numbered from 0 or from 1 on."""
    count = len(classes)
    order = np.argsort(numbers)
    if min(numbers) == 1 and not (labels == 0).any():  # labels are counted from 1 as well
        if not (labels == count).any():
            raise ValidationError(
                f"The columns are numbered from 1, and no label is 0 or {count}, so labels could be counted from 0 or "
                "from 1: number both columns and labels from 0."
            )
        labels = labels - 1
    return x[:, order], labels, tuple(classes[i] for i in order), True


def _runs(count: int) -> tuple[list[int], list[int]]:
    return list(range(count)), list(range(1, count + 1))


def _check_columns(x: np.ndarray, labels: np.ndarray, classes: tuple[str, ...]) -> None:
    """Raises ValidationError for a column that is no class: something that people put beside their logits.

    With such a column the last label, or the first where labels are counted from 1, never occurs; a file in which both
    occur is not looked at, unless it has two columns, of which one may stand for both classes. Rows that are
    probabilities with all their columns have none too many.
    """
    out = "leave it out, so that every column but the label is a class"
    absent = np.ones(len(classes), bool)
    absent[labels] = False
    if not absent[0] and not absent[-1] and len(classes) > 2:
        return
    beside = [re.sub("[^a-z0-9]", "", name.lower()) in _BESIDE for name in classes]
    if any(beside):
        raise ValidationError(
            f"Column {_short(classes[beside.index(True)])} does not sound like a class: leave it out, or rename it "
            "if it is one."
        )
    kind = _kind(x)
    _check_shift(x, labels, classes)
    if kind in (*BY_LOGARITHM, LOG_PROBABILITIES):
        return
    sums = x.sum(1, keepdims=True, dtype=np.float64) - x  # of the others, for each column
    for total in (1, 100):
        for i in np.flatnonzero((np.abs(sums - total) <= total * SUM).all(0))[:3]:
            if len(classes) > 2 and _kind(np.delete(x, i, 1)) in BY_LOGARITHM:
                raise ValidationError(
                    f"Column {_short(classes[i])} is one too many, since the others alone are probabilities: {out}."
                )
    ends = {x.min(), x.max()}  # of a clamp, a ReLU, a probability
    varied = (x != x[0]).any(0)
    for i in np.flatnonzero(~varied & varied.any() & (absent | (np.arange(len(classes)) == 0))):
        others = np.delete(x, i, 1)
        if x[0, i] not in others.min(1) and x[0, i] not in others.max(1):  # no bound of a clamp either
            raise ValidationError(f"Column {_short(classes[i])} holds the same number in every row: {out}.")
    whole = varied & (x == np.floor(x)).all(0)  # (C,)
    if whole.any() and (varied & ~whole).any():
        for i in np.flatnonzero(whole):
            if not set(x[:, i]) <= ends:
                raise ValidationError(
                    f"Column {_short(classes[i])} holds only whole numbers, unlike the others, as predictions or "
                    f"row numbers do: {out}."
                )
    steps = np.diff(x, axis=0)
    for i in np.flatnonzero(absent & ((steps > 0).all(0) | (steps < 0).all(0))):
        raise ValidationError(
            f"Column {_short(classes[i])} only rises or only falls from row to row, like a time or a row number: {out}."
        )
    if len(classes) == 2:
        _check_pair(x, classes)
    if len(classes) < 4:
        return
    few = len(classes) <= 50
    for i in range(len(classes)) if few else (0, 1, *range(len(classes) - 3, len(classes))):
        others = np.delete(x, i, 1)
        if not varied[i]:
            continue
        two = len(np.unique(x[:, i])) > 1 and len(np.unique(others.argmax(1))) > 1
        predicted = two and (x[:, i] == others.argmax(1)).mean() > 0.9
        if predicted or any(_linear(x[:, i], other) for other in _summaries(others, labels)):
            raise ValidationError(f"Column {_short(classes[i])} can be computed from the others in every row: {out}.")


def _check_shift(x: np.ndarray, labels: np.ndarray, classes: tuple[str, ...]) -> None:
    """Raises ValidationError if many more labels were right without one of the columns, or counted from 1.

    A column too many shifts all classes behind it, and a shifted set is right by chance alone.
    """
    rows = len(x)
    order = np.argsort(x, axis=1)
    first, second = order[:, -1], order[:, -2]
    right = (first == labels).sum()
    enough = right + max(rows // 4, 3 * np.sqrt(rows))
    if (labels > 0).all() and (first == labels - 1).sum() > enough:
        raise ValidationError("The labels seem to be counted from 1: count them from 0.")
    if len(classes) < 3:
        return
    hits = {}
    for start in (0, 1):
        for i in range(len(classes)):
            best = np.where(first == i, second, first)
            hits[start, i] = ((best - (best > i)) == labels - start).sum()
    most = max(hits, key=hits.get)
    if hits[most] > enough:
        raise ValidationError(
            f"Many more labels would be right without column {_short(classes[most[1]])}: leave it out, so that every "
            "column but the label is a class, in the order of the labels."
        )


def _check_pair(x: np.ndarray, classes: tuple[str, ...]) -> None:
    """Raises ValidationError for a probability beside the logit of the same class."""
    for i in (0, 1):
        p, other = x[:, i], x[:, 1 - i]
        inside = (p > 0.01) & (p < 0.99)
        if p.min() < 0 or p.max() > 1 or inside.sum() <= 10:
            continue
        if _linear(other[inside], np.log(p[inside] / (1 - p[inside]))):
            raise ValidationError(
                f"Column {_short(classes[i])} is the probability computed from the other column: give one column of "
                "logits, or of probabilities, for each of the two classes."
            )


def _summaries(x: np.ndarray, labels: np.ndarray):
    """What people write beside the logits (or probabilities) ``x`` (N, C) of a row, (N,) each."""
    highest = x.max(1)
    e = np.exp(x - highest[:, None])
    second = np.partition(x, -2, axis=1)[:, -2]
    p = e / e.sum(1, keepdims=True)
    true = np.arange(len(x)), labels.clip(max=x.shape[1] - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        of_probabilities = -(np.where(x > 0, x * np.log(x), 0)).sum(1), np.log(x[true])
    log_sum = highest + np.log(e.sum(1))
    entropy = -(p * np.log(p.clip(1e-300))).sum(1)
    confidence = p.max(1)
    yield from (highest, second, highest - second, log_sum, confidence, np.log(confidence), entropy, *of_probabilities)
    rest = x.copy()
    rest[true] = -np.inf
    yield from (x[true], p[true], log_sum - x[true], x[true] - rest.max(1))
    yield from (x.mean(1), x.std(1), x.min(1), np.linalg.norm(x, axis=1), np.square(p).sum(1), np.square(x).sum(1))
    yield np.square(p).sum(1) - 2 * p[true]  # Brier's score


def _linear(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether ``a`` is ``b`` in another unit, or turned around, but for rounding to three or four digits."""
    if not np.isfinite(b).all() or min(len(np.unique(a)), len(np.unique(b))) < 6:
        return False  # two or three points lie on a line easily
    slope, start = np.polyfit(b, a, 1)
    return bool(np.abs(a - slope * b - start).max() <= 2e-3 * np.ptp(a))


def split(rows: int) -> Tensor:
    """Which rows to fit on, as booleans ``(rows,)``: 60 %, drawn with a fixed seed; the others judge."""
    import torch

    order = torch.randperm(rows, generator=torch.Generator().manual_seed(0))
    fit = torch.zeros(rows, dtype=torch.bool)
    fit[order[: round(FIT_SHARE * rows)]] = True
    return fit


def _first(bad: np.ndarray, where, what: str) -> None:
    """Raise for the first row that is bad, if any."""
    if bad.any():
        raise ValidationError(f"In {where(int(bad.argmax()))} {what}.")


def _check_size(rows: int, classes: int) -> None:
    if not MIN_CLASSES <= classes <= MAX_CLASSES:
        raise ValidationError(
            f"This file has logits for {classes} class{'' if classes == 1 else 'es'}, but must have "
            f"{MIN_CLASSES} to {MAX_CLASSES}: one column each, besides the label."
        )
    if not MIN_ROWS <= rows <= MAX_ROWS:
        # What was read stops soon after the limit, so the number itself is not known.
        have = f"more than {MAX_ROWS:,}" if rows > MAX_ROWS else f"only {rows}" if rows else "no"
        do = "leave some out" if rows > MAX_ROWS else "add more"
        raise ValidationError(
            f"This file has {have} rows with a label, but must have {MIN_ROWS} to {MAX_ROWS:,}: {do}."
        )
    if rows * classes > MAX_NUMBERS:
        raise ValidationError(
            f"This file has {rows:,} rows of {classes:,} logits, but the limit is {MAX_NUMBERS:,} logits in all: "
            "leave some rows out."
        )


def _read_csv(data: bytes):
    if b"\0" in data or data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise ValidationError(f"This is not a text file in UTF-8: {_HOW}.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValidationError(f"This is not a text file in UTF-8: {_HOW}.") from error
    try:
        return _read_rows(text)
    except csv.Error as error:
        raise ValidationError(f"This text cannot be read as CSV ({error}): {_HOW}.") from error


def _read_rows(text: str):
    head = text[: 2**16].lstrip("\r\n")
    found = {}
    for delimiter in ",;\t":
        names = [name.strip() for name in next(csv.reader(io.StringIO(head, newline=""), delimiter=delimiter), [])]
        found[delimiter] = names
    with_label = [delimiter for delimiter, names in found.items() if "label" in names and len(names) > 1]
    delimiter = with_label[0] if with_label else max(found, key=lambda d: len(found[d]))

    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    names = next((row for row in reader if row), [])
    names = [name.strip() for name in names]
    if len(names) > MAX_CLASSES + 1:
        _check_size(MIN_ROWS, len(names) - 1)
    if names.count("label") != 1:
        have = "no column" if "label" not in names else f"{names.count('label')} columns"
        raise ValidationError(f"The header in the first line has {have} called label: {_HOW}.")
    at = names.index("label")
    classes = (*names[:at], *names[at + 1 :])
    if "" in classes:
        raise ValidationError(
            f"Column {names.index('') + 1} has no name: name it after its class, or leave it out if it is a row number."
        )
    if not all(len(name) <= MAX_NAME and name.isprintable() for name in classes):
        raise ValidationError(
            f"A class has a name longer than {MAX_NAME} characters, or one that cannot be printed: rename it."
        )
    repeated = next((name for name in classes if classes.count(name) > 1), None)
    if repeated is not None:
        raise ValidationError(f"Two columns are called {_short(repeated)}: give each class its own name.")

    labels, logits, lines = [], [], []
    for row in reader:
        if not row:  # an empty line
            continue
        line = reader.line_num
        if len(row) != len(names):
            raise ValidationError(
                f"Line {line} has {len(row)} column{'' if len(row) == 1 else 's'}, but the header has {len(names)}: "
                "each line needs a label and a logit for each class."
            )
        values = [_number(cell, line) for cell in row]
        labels.append(values.pop(at))
        logits += values
        lines.append(line)
        if len(lines) > MAX_ROWS or len(logits) > MAX_NUMBERS:
            break
    _check_size(len(lines), len(classes))
    shape = (len(lines), len(classes))
    return np.array(logits).reshape(shape), np.array(labels), classes, lambda row: f"line {lines[row]}"


def _number(cell: str, line: int) -> float:
    try:
        if len(cell) > MAX_DIGITS or "_" in cell:  # Python reads 1_000
            raise ValueError
        return float(cell)
    except ValueError as error:
        do = "write 0.5 and not 0,5" if "," in cell else "write it as 1.5 or -2e-3"
        raise ValidationError(f"Line {line} has {_short(cell)} where a number should be: {do}.") from error


def _short(text: str) -> str:
    text = "".join(c if c.isprintable() else " " for c in text[:40])
    return f"“{text}”" if len(text) < 40 else f"“{text}…”"


def _read_safetensors(data: bytes):
    try:
        tensors = dict(safetensors.deserialize(data))
    except Exception as error:  # the library's own, or one of Python's for a header that is no UTF-8
        raise ValidationError("This safetensors file is damaged: save it again, then try again.") from error
    for name, kinds, dimensions, form in (("logits", _FLOATING, 2, "(N, C)"), ("labels", _WHOLE, 1, "(N,)")):
        if name not in tensors:
            raise ValidationError(f"This safetensors file has no tensor called {name}: it needs logits and labels.")
        dtype, shape = tensors[name]["dtype"], tensors[name]["shape"]
        if len(shape) != dimensions or dtype not in kinds:
            wanted = "floating-point numbers" if kinds is _FLOATING else "integers"
            raise ValidationError(
                f"The tensor {name} is {dtype} of shape {json.dumps(shape)[:40]}: save it as {wanted} of shape {form}."
            )
    rows, classes = tensors["logits"]["shape"]
    if tensors["labels"]["shape"] != [rows]:
        raise ValidationError(
            f"There are {rows} rows of logits and {tensors['labels']['shape'][0]} labels: each row needs one label."
        )
    _check_size(rows, classes)
    logits, labels = (
        np.frombuffer(tensors[name]["data"], kinds[tensors[name]["dtype"]])
        for name, kinds in (("logits", _FLOATING), ("labels", _WHOLE))
    )
    if tensors["logits"]["dtype"] == "BF16":
        logits = (logits.astype("<u4") << 16).view("<f4")
    names = tuple(str(i) for i in range(classes))
    with np.errstate(invalid="ignore"):  # of a signalling NaN, which is refused later
        logits = logits.astype(np.float64)
    return logits.reshape(rows, classes), labels.astype(np.int64), names, lambda row: f"row {row + 1}"
