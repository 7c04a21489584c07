"""`constrained.validation`: good files of every kind, and bytes that mean harm."""

import random
import struct
import time

import numpy as np
import pytest
import torch
from safetensors.numpy import save as save_arrays
from safetensors.torch import save

from constrained import validation
from constrained.validation import MAX_BYTES, ValidationError, read


def numbers(rows=25, classes=3):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(rows, classes, generator=generator).round(decimals=4)
    return logits, torch.randint(classes, (rows,), generator=generator)


def text(logits, labels, delimiter=",", end="\n", label_at=0, quote=""):
    names = [f"{quote}class {i}{quote}" for i in range(logits.shape[1])]
    lines = [[*names[:label_at], "label", *names[label_at:]]]
    for row, label in zip(logits.tolist(), labels.tolist(), strict=True):
        cells = [f"{v:.4f}" for v in row]
        lines.append([*cells[:label_at], str(label), *cells[label_at:]])
    return end.join(delimiter.join(line) for line in lines) + end


def told(data: bytes, name: str = "", limit: float = 2.0) -> str:
    """The sentence that a bad file gets, soon, whatever else this machine is doing."""
    started = time.process_time()
    with pytest.raises(ValidationError) as caught:
        read(data, name)
    assert time.process_time() - started < limit
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert len(sentence) < 300
    assert ": " in sentence, "what is wrong, and what to do"
    return sentence


# Good files ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("label_at", [0, 1, 3])
def test_csv(delimiter, end, mark, label_at):
    logits, labels = numbers()
    got = read((mark + text(logits, labels, delimiter, end, label_at)).encode())
    torch.testing.assert_close(got.logits, logits, rtol=0, atol=1e-6)
    assert got.labels.tolist() == labels.tolist()
    assert got.classes == ("class 0", "class 1", "class 2")
    assert (got.logits.dtype, got.labels.dtype) == (torch.float32, torch.int64)


def test_csv_as_other_programs_write_it():
    """Quoted names with a delimiter in them, labels with a decimal point, empty lines, spaces, exponents, no end."""
    lines = ['"café, au lait"; label ;b', *["+1.5e-1; 1.0 ;-2", "", ".5;0;3."] * 10]
    got = read("\r\n".join(lines).encode())
    assert got.classes == ("café, au lait", "b")
    assert got.logits[:2].tolist() == [[pytest.approx(0.15), -2.0], [0.5, 3.0]]
    assert got.labels[:2].tolist() == [1, 0]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("whole", [torch.int64, torch.int32, torch.uint8, torch.int8, torch.uint16])
def test_safetensors(dtype, whole):
    logits, labels = numbers()
    got = read(save({"logits": logits.to(dtype), "labels": labels.to(whole), "more": torch.zeros(2)}))
    assert torch.equal(got.logits, logits.to(dtype).float())
    assert torch.equal(got.labels, labels)
    assert got.classes == ("0", "1", "2")


@pytest.mark.parametrize(("rows", "classes"), [(20, 2), (50_000, 20), (1000, 1000)])
def test_sizes_up_to_the_limits(rows, classes):
    got = read(save({"logits": torch.zeros(rows, classes), "labels": torch.zeros(rows, dtype=torch.int32)}))
    assert got.logits.shape == (rows, classes)


def test_a_large_csv_is_read_in_little_time():
    line = "1," + ",".join(["0.5"] * 20)
    data = ("label," + ",".join(map(str, range(20))) + "\n" + (line + "\n") * 50_000).encode()
    started = time.process_time()
    assert read(data).logits.shape == (50_000, 20)
    assert time.process_time() - started < 5


# The split ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [20, 21, 999, 50_000])
def test_split_is_60_to_40_and_always_the_same(rows):
    fit = validation.split(rows)
    assert fit.sum() == round(0.6 * rows)
    assert torch.equal(fit, validation.split(rows))
    if rows > 100:
        parts = [fit[: rows // 2].double().mean().item(), fit[rows // 2 :].double().mean().item()]
        assert parts == pytest.approx([0.6, 0.6], abs=0.06), "not the first rows: files may be sorted"


def test_split_leaves_the_callers_random_numbers_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    validation.split(100)
    assert torch.equal(torch.rand(3), expected)


# Bad files ----------------------------------------------------------------------------------------------------------

GOOD = text(*numbers())
LINES = GOOD.splitlines()


def changed(line: int, new: str) -> bytes:
    """The good file with another line, counted from 1."""
    return "\n".join([*LINES[: line - 1], new, *LINES[line:]]).encode()


NAMES = b",".join(b"%d" % i for i in range(800_000))
BAD_TEXT = {
    "empty": (b"", "empty"),
    "too large": (b"0" * (MAX_BYTES + 1), "6.1 MB, but the limit is 6"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, "not a text file"),
    "a picture without a NUL": (b"\xff\xd8\xff\xe0" + bytes(range(1, 256)) * 20, "not a text file"),
    "UTF-16": (GOOD.encode("utf-16"), "not a text file in UTF-8"),
    "Latin-1": (GOOD.replace("class 0", "café").encode("latin-1"), "not a text file in UTF-8"),
    "NUL bytes": (GOOD.encode() + b"\0", "not a text file"),
    "prose": (b"meow\n" * 50, "no column called label"),
    "blank": (b"\n\n\n", "no column called label"),
    "no label": (GOOD.replace("label", "target").encode(), "no column called label"),
    "two labels": (GOOD.replace("class 1", "label").encode(), "2 columns called label"),
    "label alone": (b"label\n" + b"1\n" * 30, "logits for 0 classes"),
    "one class": (b"label,a\n" + b"0,1\n" * 30, "logits for 1 class,"),
    "a name twice": (GOOD.replace("class 1", "class 0").encode(), "called “class 0”"),
    "row numbers": ("\n".join(f"{',' if not i else f'{i},'}{row}" for i, row in enumerate(LINES)).encode(), "Column 1"),
    "header alone": (LINES[0].encode(), "has no rows"),
    "19 rows": ("\n".join(LINES[:20]).encode(), "only 19 rows"),
    "50,001 rows": (b"label,a,b\n" + b"0,1,2\n" * 50_001, "more than 50,000"),
    "a million numbers": (
        b"label," + NAMES[: NAMES.index(b",999,")] + b"\n" + (b"0" + b",1" * 999 + b"\n") * 1002,
        "limit is 1,000,000",
    ),
    "a million columns": (b"label," + NAMES + b"\n1\n", "logits for 800000 classes"),
    "a line too short": (changed(7, "1,2.5,1"), "Line 7 has 3 columns, but the header has 4"),
    "a line too long": (changed(9, "1,2.5,1,1,1"), "Line 9 has 5 columns"),
    "an empty cell": (changed(5, "1,,1,1"), "Line 5"),
    "a word": (changed(5, "1,high,1,1"), "Line 5 has “high”"),
    "a decimal comma": (GOOD.replace(",", ";").replace(".", ",").encode(), "write 0.5 and not 0,5"),
    "an underscore": (changed(5, "1,1_0,1,1"), "Line 5 has “1_0”"),
    "hexadecimal": (changed(5, "1,0x10,1,1"), "Line 5 has “0x10”"),
    "nan": (changed(6, "1,nan,1,1"), "line 6 there is a logit that is not a finite number"),
    "inf": (changed(6, "1,-inf,1,1"), "line 6 there is a logit that is not a finite number"),
    "beyond a float": (changed(6, "1,1e999,1,1"), "line 6 there is a logit that is not a finite number"),
    "a million": (changed(6, "1,1e6,1,1"), "line 6 there is a logit of a million"),
    "label nan": (changed(8, "nan,1,1,1"), "line 8 the label is not a whole number from 0 to 2"),
    "label inf": (changed(8, "inf,1,1,1"), "line 8 the label"),
    "label 3 of 3": (changed(8, "3,1,1,1"), "line 8 the label"),
    "label -1": (changed(8, "-1,1,1,1"), "line 8 the label"),
    "label 1.5": (changed(8, "1.5,1,1,1"), "line 8 the label"),
    "label as a name": (changed(8, "class 1,1,1,1"), "Line 8 has “class 1”"),
    "a thousand digits": (changed(5, f"1,{'9' * 1000},1,1"), "Line 5 has “999"),
    "a million digits": (changed(5, f"1,{'9' * 1_000_000},1,1"), "cannot be read as CSV"),
    "many long numbers": (changed(5, ",".join(["9" * 130_000] * 4)), "Line 5 has “999"),
    "an open quote": (changed(5, '1,"1,1,1'), "cannot be read as CSV (unexpected end of data)"),
    "a name of a million letters": (b"label," + b"a" * 1_000_000 + b",b\n0,1,2\n", "cannot be read as CSV"),
    "markup": (changed(5, "1,<script>alert(1)</script>,1,1"), "Line 5"),
    "control characters": (changed(5, "1,\x1b[31m\x07,1,1"), "Line 5"),
}


@pytest.mark.parametrize("name", BAD_TEXT)
def test_bad_text(name):
    data, what = BAD_TEXT[name]
    assert what in told(data)


def raw(header: bytes, data: bytes = b"", length: int | None = None) -> bytes:
    return struct.pack("<Q", len(header) if length is None else length) + header + data


LOGITS, LABELS = numbers()


def second(labels: str, data: int) -> bytes:
    """A file with the logits as they should be, and other claims about the labels."""
    first = '"logits":{"dtype":"F32","shape":[25,3],"data_offsets":[0,300]}'
    return raw(f'{{{first},"labels":{{{labels}}}}}'.encode(), bytes(data))


def zeros(rows: int, classes: int) -> bytes:
    return save({"logits": torch.zeros(rows, classes).half(), "labels": torch.zeros(rows).int()})


EMPTY_TENSORS = b",".join(b'"%d":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}' % i for i in range(100_000))
BAD_TENSORS = {
    "header longer than the file": (raw(b"{}", length=2**40), "damaged"),
    "header as long as can be": (raw(b"{}", length=2**62), "damaged"),
    "no JSON": (raw(b"{" * 1000), "damaged"),
    "deep JSON": (raw(b'{"a":' * 100_000), "damaged"),
    "no tensors": (raw(b"{}"), "no tensor called logits"),
    "no labels": (save({"logits": LOGITS}), "no tensor called labels"),
    "wrong names": (save({"z": LOGITS, "y": LABELS}), "no tensor called logits"),
    "whole logits": (save({"logits": LOGITS.long(), "labels": LABELS}), "as floating-point numbers of shape (N, C)"),
    "flat logits": (save({"logits": LOGITS.flatten(), "labels": LABELS}), "of shape (N, C)"),
    "floating labels": (save({"logits": LOGITS, "labels": LABELS.float()}), "as integers of shape (N,)"),
    "truth values": (save({"logits": LOGITS, "labels": LABELS.bool()}), "as integers of shape (N,)"),
    "one-hot labels": (save({"logits": LOGITS, "labels": torch.eye(3).long()[LABELS]}), "of shape (N,)"),
    "fewer labels": (save({"logits": LOGITS, "labels": LABELS[:-1].clone()}), "25 rows of logits and 24 labels"),
    "nan": (save({"logits": LOGITS.where(LOGITS < 1, torch.nan), "labels": LABELS}), "not a finite number"),
    "inf": (save({"logits": LOGITS.where(LOGITS < 1, torch.inf), "labels": LABELS}), "not a finite number"),
    "label too large": (save({"logits": LOGITS, "labels": LABELS + 1}), "from 0 to 2"),
    "label far too large": (save({"logits": LOGITS, "labels": LABELS + 2**62}), "from 0 to 2"),
    "label below 0": (save({"logits": LOGITS, "labels": LABELS - 1}), "from 0 to 2"),
    "no rows": (save({"logits": LOGITS[:0], "labels": LABELS[:0]}), "no rows"),
    "one class": (save({"logits": LOGITS[:, :1].clone(), "labels": LABELS * 0}), "1 class"),
    "1001 classes": (zeros(20, 1001), "1001 classes"),
    "50,001 rows": (zeros(50_001, 2), "50,000"),
    "too many numbers": (zeros(1001, 1000), "1,000,000"),
    "offsets beyond the end": (second('"dtype":"I64","shape":[25],"data_offsets":[300,500]', 310), "damaged"),
    "offsets that overlap": (second('"dtype":"I64","shape":[25],"data_offsets":[100,300]', 300), "damaged"),
    "a shape beyond 64 bits": (
        second('"dtype":"I64","shape":[9%s],"data_offsets":[300,500]' % ("9" * 30), 500),
        "damaged",
    ),
    "a negative shape": (second('"dtype":"I64","shape":[-25],"data_offsets":[300,500]', 500), "damaged"),
    "an unknown dtype": (second('"dtype":"C128","shape":[25],"data_offsets":[300,700]', 700), "damaged"),
    "a hundred thousand tensors": (raw(b"{%s}" % EMPTY_TENSORS), "no tensor called logits"),
}


@pytest.mark.parametrize("data", [b"junk", b"\0" * 40, GOOD.encode(), save({"logits": LOGITS, "labels": LABELS})[:-9]])
def test_what_is_called_safetensors_is_judged_as_that(data):
    assert told(data, "/tmp/set.SafeTensors") == "This safetensors file is damaged: save it again, then try again."


def test_safetensors_are_known_without_their_name():
    assert torch.equal(read(save({"logits": LOGITS, "labels": LABELS}), "set.csv").logits, LOGITS)


@pytest.mark.parametrize("name", BAD_TENSORS)
def test_bad_safetensors(name):
    data, what = BAD_TENSORS[name]
    assert what in told(data)


def test_a_pickle_is_not_opened(tmp_path):
    torch.save({"logits": LOGITS, "labels": LABELS}, tmp_path / "set.pt")
    assert "not a text file" in told((tmp_path / "set.pt").read_bytes())


PARTS = [b"\n", b",", b";", b'"', b"\r", b"nan", b"\0", b"1e400", b"{", b"[", b" ", "７".encode()]


@pytest.mark.parametrize("seed", range(12))
def test_mutations_are_read_or_refused_and_nothing_else(seed):
    """Bytes changed, cut, repeated and inserted, in both kinds of file."""
    rng = random.Random(seed)
    sources = [GOOD.encode(), text(*numbers(), delimiter=";").encode(), save({"logits": LOGITS, "labels": LABELS})]
    refused = 0
    for _ in range(60):
        data = bytearray(rng.choice(sources))
        for _ in range(rng.randint(1, 3)):
            at = rng.randrange(len(data) or 1)
            way = rng.randrange(5)
            if way == 0:
                data[at : at + 1] = bytes([rng.randrange(256)])
            elif way == 1:
                del data[at : at + rng.randint(1, 40)]
            elif way == 2:
                data[at:at] = data[: rng.randint(1, 200)]
            elif way == 3:
                data[at:at] = rng.choice(PARTS)
            else:
                data = data.replace(b"%d" % rng.randrange(10), b"%d" % rng.randrange(10))
        try:
            got = read(bytes(data))
        except ValidationError:  # and nothing else
            refused += 1
            continue
        assert got.logits.shape == (len(got.labels), len(got.classes))
        assert got.logits.isfinite().all()
        assert got.labels.min() >= 0
        assert got.labels.max() < len(got.classes)
    assert 0 < refused < 60


@pytest.mark.parametrize("seed", range(3))
def test_noise_is_refused(seed):
    rng = np.random.default_rng(seed)
    for size in (1, 7, 8, 9, 16, 100, 10_000):
        told(rng.bytes(size))
        told(bytes(rng.integers(32, 127, size, dtype=np.uint8)))
        told(struct.pack("<Q", size) + b"{" + rng.bytes(size))


@pytest.mark.parametrize("name", ["x" * 101, "a\x01b", "\x01" * 130_000, "a\u202eb"])
def test_a_class_is_named_by_a_name(name):
    """In the page's JSON, a control character takes six times its room."""
    rows = "".join(f"{i % 2},1,2\n" for i in range(30))
    with pytest.raises(ValidationError, match="rename it"):
        read(f"label,a,{name}\n{rows}".encode())


# What the numbers are -----------------------------------------------------------------------------------------------


def drawn(rows=40, classes=4, seed=0):
    return np.random.default_rng(seed).normal(size=(rows, classes)) * 3


def written(x, names=None, extra=None):
    """A CSV of logits and labels, and of further columns: name -> values."""
    names = [f"c{i}" for i in range(x.shape[1])] if names is None else names
    columns = {"label": np.arange(len(x)) % x.shape[1], **dict(zip(names, x.T, strict=True)), **(extra or {})}
    lines = [",".join(columns), *(",".join(repr(v.item()) for v in row) for row in zip(*columns.values(), strict=True))]
    return "\n".join(lines).encode()


def softmax(x):
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


KINDS = {
    "logits": (drawn(), validation.LOGITS),
    "logits of a network with ReLU": (np.abs(drawn()), validation.LOGITS),
    "probabilities": (softmax(drawn()), validation.PROBABILITIES),
    "probabilities with two digits": (softmax(drawn()).round(2), validation.PROBABILITIES),
    "percentages": (100 * softmax(drawn()), validation.PERCENTAGES),
    "log-probabilities": (np.log(softmax(drawn())), validation.LOG_PROBABILITIES),
    "sigmoids": (1 / (1 + np.exp(-drawn())), validation.SHARES),
}


@pytest.mark.parametrize(("x", "kind"), KINDS.values(), ids=KINDS)
def test_what_the_numbers_are_is_told(x, kind):
    for data in (written(x), save_arrays({"logits": x.astype("f4"), "labels": np.arange(40) % 4})):
        found = validation.read(data)
        assert found.kind == kind
        np.testing.assert_allclose(found.logits.numpy(), x, rtol=1e-6)
    if kind in validation.BY_LOGARITHM:
        p = validation.logarithms(found.logits).softmax(-1).numpy()
        np.testing.assert_allclose(p, x / x.sum(1, keepdims=True), atol=0.02 if 0 in x else 1e-6)


def test_decisions_are_refused():
    one_hot = np.eye(4)[np.arange(40) % 4]
    with pytest.raises(ValidationError, match="a decision without a confidence"):
        validation.read(written(one_hot))
    assert validation.read(written(5 * one_hot)).kind == validation.LOGITS


X = drawn()
BESIDE = {
    "a prediction": {"guess": X.argmax(1).astype(float)},
    "a row number": {"nr": np.arange(40.0)},
    "right or wrong": {"hit": (X.argmax(1) == np.arange(40) % 4).astype(float)},
    "a prediction by its name": {"Pred": X[:, 0] / 2},
    "how sure, by its name": {"confidence": X[:, 1] / 2},
    "a loss": {"loss": np.abs(X[:, 1])},
    "the largest": {"top": X.max(1)},
    "how sure": {"sure": softmax(X).max(1).round(4)},
}


@pytest.mark.parametrize("extra", BESIDE.values(), ids=BESIDE)
def test_a_column_beside_the_logits_is_never_a_class(extra):
    with pytest.raises(ValidationError, match=f"Column “{next(iter(extra))}” .*leave it out"):
        validation.read(written(X, extra=extra))


@pytest.mark.parametrize("x", [X.round(), softmax(X).round(1), X.round(1), np.pad(X, ((0, 0), (0, 1)))])
def test_whole_and_constant_columns_can_be_classes(x):
    """Votes are whole numbers in every column; a class that is never seen has one number in all rows."""
    assert validation.read(written(x)).logits.shape == x.shape


LETTERS = ["airplane", "car", "bird", "cat"]
SUMS = np.log(np.exp(X).sum(1))
TRUE = X[np.arange(40), np.arange(40) % 4]
MORE = {
    "a seed": np.full(40, 42.0),
    "a weight": np.ones(40),
    "a zero": np.zeros(40),
    "a time": 1.7e5 + 0.37 * np.arange(40),
    "rows counted backwards": -np.arange(40.0),
    "right or wrong": np.where(X.argmax(1) == np.arange(40) % 4, 1.0, -1.0),
    "a prediction from -1 on": X.argmax(1) - 1.0,
    "the second": np.sort(X, 1)[:, -2],
    "the lead": np.ptp(np.sort(X, 1)[:, -2:], 1),
    "a free energy": -SUMS,
    "a share in percent": (100 * softmax(X).max(1)).round(2),
    "a doubt": 1 - softmax(X).max(1).round(4),
    "a loss of the label": (SUMS - TRUE).round(4),
    "a logit of the label": TRUE.round(4),
}


@pytest.mark.parametrize("names", [LETTERS, [f"c{i}" for i in range(4)], ["3", "0", "1", "2"]], ids=str)
@pytest.mark.parametrize("values", MORE.values(), ids=MORE)
def test_what_is_computed_from_logits_is_no_class_whatever_it_is_called(values, names):
    assert validation.read(written(X, names=names)).logits.shape == X.shape
    with pytest.raises(ValidationError, match=r"Column “something” .*leave it out"):
        validation.read(written(X, names=names, extra={"something": values}))


@pytest.mark.parametrize("extra", [np.full(40, 42.0), np.random.default_rng(1).random(40) * 9])
def test_a_column_beside_probabilities_is_no_class(extra):
    with pytest.raises(ValidationError, match=r"Column “something” .*leave it out"):
        validation.read(written(softmax(X), names=LETTERS, extra={"something": extra}))


def test_numbered_columns_are_the_classes_with_these_numbers():
    x = drawn(60, 12)
    for form in ("{}", "logit_{}", "class {} (p)"):
        for order in (range(12), sorted(range(12), key=str), [*range(11, -1, -1)]):
            lines = [",".join(["label", *(form.format(i) for i in order)])]
            lines += [",".join([str(row % 12), *(repr(x[row, i].item()) for i in order)]) for row in range(60)]
            found = validation.read("\n".join(lines).encode())
            np.testing.assert_allclose(found.logits.numpy(), x, rtol=1e-6)
            assert found.classes == tuple(form.format(i) for i in range(12))


def counted(labels, form="{}"):
    x = drawn(40, 5)
    lines = [",".join(["label", *(form.format(i + 1) for i in range(5))])]
    lines += [",".join([str(labels[row % len(labels)]), *map(repr, x[row].tolist())]) for row in range(40)]
    return validation.read("\n".join(lines).encode()).labels[: len(labels)].tolist()


def test_columns_counted_from_1_have_labels_that_say_how_they_are_counted():
    assert counted([1, 2, 3, 4, 5]) == [0, 1, 2, 3, 4]
    assert counted([0, 1, 2, 3, 4]) == [0, 1, 2, 3, 4]
    assert counted([1, 2, 3, 4]) == [0, 1, 2, 3], "the column called 1 is the one of label 1"
    assert counted([5, 1, 2], "class_{}") == [4, 0, 1]
    assert counted([0, 1, 2], "class_{}") == [0, 1, 2]
    with pytest.raises(ValidationError, match="counted from 0 or from 1"):
        counted([1, 2, 3, 4], "class_{}")


def test_numbers_in_names_of_things_are_no_order():
    names = ["speed limit 30", "speed limit 50", "stop", "yield"]
    assert validation.read(written(X, names=names)).classes == tuple(names)
    assert validation.read(written(X, names=["player 1", "player 2", "ball", "net"])).logits.shape == (40, 4)
    both = {f"c{i}": X[:, i] for i in range(4)}
    with pytest.raises(ValidationError, match="Column “p0” is not numbered like “c0” and “c1”"):
        validation.read(written(X, extra={name.replace("c", "p"): column for name, column in both.items()}))


@pytest.mark.parametrize("scale", [-1.0, np.log10(np.e), np.log2(np.e)])
def test_logarithms_of_another_kind_are_told(scale):
    for names in (None, LETTERS):
        with pytest.raises(ValidationError, match="logarithms"):
            validation.read(written((scale * np.log(softmax(X))).round(5), names=names))


def test_a_probability_beside_its_own_logit_is_told():
    p = softmax(drawn(40, 2))[:, 0]
    with pytest.raises(ValidationError, match="computed from the other column"):
        validation.read(written(np.stack([p, np.log(p / (1 - p))], 1), names=["p", "z"]))


def test_probabilities_may_be_a_rounding_below_zero():
    p = softmax(X).round(2)
    assert validation.read(written(np.where(p == 0, -1e-5, p))).kind == validation.PROBABILITIES


# Files as they are: nothing that is a class is refused, nothing else is taken -----------------------------------------

NAMED = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


def predicted(rows, classes=10, accuracy=0.9, absent=(), seed=0):
    """Logits and labels of a model that is right as often as that, on a set without some of the classes."""
    rng = np.random.default_rng(seed)
    labels = rng.choice([i for i in range(classes) if i not in absent], rows)
    guess = np.where(rng.random(rows) < accuracy, labels, rng.integers(0, classes, rows))
    z = rng.normal(size=(rows, classes)) * 1.5
    z[np.arange(rows), guess] += 4
    return z, labels


def labelled(x, labels, names, form="%.4f"):
    lines = [",".join(["label", *names])]
    lines += [",".join([str(label), *(form % v for v in row)]) for label, row in zip(labels, x, strict=True)]
    return "\n".join(lines).encode()


MAPS = {
    "logits": (lambda z: z, "%.4f"),
    "two digits": (softmax, "%.2f"),
    "percent": (lambda z: 100 * softmax(z), "%.1f"),
    "log-probabilities": (lambda z: np.log(softmax(z)), "%.4f"),
    "clamp to [0, 1]": (lambda z: z.clip(0, 1), "%.4f"),
    "clamp to [-2, 3]": (lambda z: z.clip(-2, 3), "%.4f"),
    "ReLU": (lambda z: np.maximum(z, 0), "%.4f"),
    "sigmoids": (lambda z: 1 / (1 + np.exp(-z)), "%.2f"),
}


@pytest.mark.parametrize("absent", [(), (9,), (2,), (0,), (0, 9)], ids=str)
@pytest.mark.parametrize("name", MAPS)
def test_no_class_is_refused(name, absent):
    function, form = MAPS[name]
    for rows in (20, 50, 200):
        for accuracy in (0.9, 0.3):
            z, labels = predicted(rows, accuracy=accuracy, absent=absent, seed=rows)
            found = validation.read(labelled(function(z), labels, NAMED, form))
            assert found.classes == tuple(NAMED)
            assert found.labels.tolist() == labels.tolist()


@pytest.mark.parametrize(
    "names",
    [
        ["No DR", "grade 1", "grade 2", "grade 3", "grade 4"],
        ["none", "type 1 diabetes", "type 2 diabetes"],
        ["-1", "0", "1"],
        ["G0", "G1", "G2", "G3", "unknown"],
        ["benign 1", "benign 2", "malignant 1", "malignant 2"],
        ["T1", "T2", "T3", "T4", "N0", "N1"],
        ["time", "date", "energy"],
        ["correct", "incorrect"],
    ],
    ids=" ".join,
)
def test_names_of_classes_are_taken(names):
    z, labels = predicted(100, len(names), seed=3)
    assert validation.read(labelled(z, labels, names)).classes == tuple(names)


def test_sorted_unsure_confused_and_rare_classes_are_taken():
    z, labels = predicted(100, absent=(2,))
    order = z[:, 3].argsort()
    validation.read(labelled(z[order], labels[order], NAMED))
    validation.read(labelled(softmax(z), np.full(100, 3), NAMED))
    p = np.random.default_rng(0).uniform(0.45, 0.55, 100)
    validation.read(labelled(np.stack([p, 1 - p], 1), np.arange(100) % 2, ["benign", "malignant"]))
    rare = np.random.default_rng(2).dirichlet([50, 0.5, 0.5], 200)
    validation.read(labelled(rare, (np.arange(200) % 25 == 0).astype(int), ["normal", "scratch", "crack"], "%.2f"))


Z, RIGHT = predicted(200, seed=11)
P = softmax(Z)
ROWS = np.arange(200)
ALONG = {
    "lead": np.ptp(np.sort(Z, 1)[:, -2:], 1),
    "loss": -np.log(P[ROWS, RIGHT]),
    "largest": Z.max(1),
    "length": np.linalg.norm(Z, axis=1),
    "mean": Z.mean(1),
    "spread": Z.std(1),
    "smallest": Z.min(1),
    "Gini": 1 - (P**2).sum(1),
    "Brier": ((P - np.eye(10)[RIGHT]) ** 2).sum(1),
    "clock": ROWS * 0.37,
    "constant": np.full(200, 3.0),
    "entropy": -(P * np.log(P)).sum(1),
    "hit": (Z.argmax(1) == RIGHT) * 1.0,
    "guess": Z.argmax(1) * 1.0,
    "percent": 100 * P.max(1),
}


@pytest.mark.parametrize("at", [0, 5, 10])
@pytest.mark.parametrize("name", ALONG)
def test_a_column_too_many_is_found_wherever_it_stands(name, at):
    for x in (Z, P):
        for names in (NAMED, [f"n{1000 + 7 * i}" for i in range(10)], [f"c{i}" for i in range(10)]):
            for called in ("zz", "z5"):
                with pytest.raises(ValidationError, match=r"[Cc]olumn “z.”?.*(leave it out|number it)"):
                    validation.read(
                        labelled(np.insert(x, at, ALONG[name], 1), RIGHT, [*names[:at], called, *names[at:]], "%.6f")
                    )


@pytest.mark.parametrize(
    "form", ["{}", "{}.0", "{}_{word}", "{word}{}", "logit_{}_fp16", "class {}: {word}", "p{}of12", "r18_{}", "{} (p)"]
)
def test_numbers_anywhere_in_the_names_order_the_columns(form):
    z, labels = predicted(60, 12, accuracy=1.0, seed=7)
    words = ["ant", "bee", "cow", "dog", "elk", "fox", "gnu", "hen", "imp", "jay", "kid", "lynx"]
    names = [form.format(i, word=words[i]) for i in range(12)]
    for order in (sorted(range(12), key=names.__getitem__), [*range(11, -1, -1)]):
        found = validation.read(labelled(z[:, order], labels, [names[i] for i in order]))
        np.testing.assert_allclose(found.logits.numpy(), z, atol=1e-4)
        assert found.classes == tuple(names)


def test_columns_called_by_numbers_are_those_of_the_labels():
    z, labels = predicted(60, 4, accuracy=1.0, seed=7)
    for numbers in ([0, 1, 10, 2], [3, 5, 10, 999], [7, 6, 5, 4]):
        found = validation.read(labelled(z, np.array(numbers)[labels], map(str, numbers)))
        assert found.classes == tuple(map(str, sorted(numbers)))
        assert [int(found.classes[i]) for i in found.labels] == [numbers[i] for i in labels]
        np.testing.assert_allclose(found.logits.numpy(), z[:, np.argsort(numbers)], atol=1e-4)
    with pytest.raises(ValidationError, match="no column is named 3,"):
        validation.read(labelled(z, labels, ["0", "1", "10", "2"]))


def test_labels_counted_from_1_beside_names_are_told():
    z, labels = predicted(60, 5, absent=(4,), seed=2)
    with pytest.raises(ValidationError, match="counted from 1"):
        validation.read(labelled(z, labels + 1, ["ant", "bee", "cow", "dog", "elk"]))
