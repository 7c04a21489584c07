"""What the Calibrate tab's server side says, past the page: to good questions and to hostile ones."""

import base64
import json
import math

import gradio as gr
import numpy as np
import pytest
import torch

from constrained import calibration, registry, validation
from constrained.page.tabs import calibrate
from constrained.parameters import Number
from constrained.registry import PARAMETERS


def rows(**values) -> tuple:
    """What the rows of parameters hold, T's among them: defaults, but for these."""
    opening = {key: p.default if isinstance(p, Number) else "" for key, p in PARAMETERS.items()}
    return tuple((opening | values).values())


DEFAULTS = rows(hi=4.0)


def test_the_message_holds_the_part_that_judges_and_no_other():
    shown = calibrate.bundled()
    told = json.loads(calibrate.set_message(shown))
    logits = np.frombuffer(base64.b64decode(told["logits"]), "<f4").reshape(-1, len(told["classes"]))
    np.testing.assert_array_equal(logits, shown.judge[0].numpy())
    np.testing.assert_array_equal(np.frombuffer(base64.b64decode(told["labels"]), "<i4"), shown.judge[1].numpy())
    assert told["fitted"] == pytest.approx(calibration.fit_temperature(*shown.fit).temperature, rel=1e-9)
    assert (len(shown.fit[1]), len(shown.judge[1])) == (6000, 4000)


def test_fit_looks_at_one_part_and_reports_on_the_other(monkeypatch):
    """Other labels to judge by change the report and not T."""
    one = calibrate.bundled()
    other = one._replace(judge=(one.judge[0], one.judge[1].roll(1)))
    answers = []
    for shown in (one, other):
        monkeypatch.setattr(calibrate, "bundled", lambda shown=shown: shown)
        answers.append(calibrate.on_fit("prox_l2", "", *DEFAULTS))
    assert json.loads(answers[0]["board"]) == json.loads(answers[1]["board"])
    assert answers[0]["result"] != answers[1]["result"]


@pytest.mark.parametrize("key", [key for key in registry.REGISTRY if key not in calibrate.SPARSE])
def test_fit_of_every_constraint(key):
    answer = calibrate.on_fit(key, "", *DEFAULTS)
    shown, told = calibrate.bundled(), json.loads(answer["board"])
    settings = {p.key: told["settings"][p.key] or p.default for p in registry.REGISTRY[key].parameters}  # "" opens
    y = calibration.as_logits(registry.build(key, settings), shown.fit[0])
    assert told["temperature"] == calibration.fit_temperature(y, shown.fit[1]).temperature
    assert answer["setting.temperature"] == pytest.approx(told["temperature"], rel=1e-3)
    assert 0 <= answer["slider.temperature"] <= 100
    assert f"T = {told['temperature']:.4g}" in answer["result"]
    assert answer["notice"] == ""


def test_a_temperature_beyond_the_slider_is_said(monkeypatch):
    whole = calibrate.bundled()
    fit, judge = ((1e-4 * logits, labels) for logits, labels in (whole.fit, whole.judge))
    small = whole._replace(fit=fit, judge=judge)
    monkeypatch.setattr(calibrate, "bundled", lambda: small)
    answer = calibrate.on_fit("softmax", "", *DEFAULTS)
    assert json.loads(answer["board"])["temperature"] < 0.05
    assert "outside the slider" in answer["result"]
    assert (answer["slider.temperature"], answer["setting.temperature"]) == (0, 0.05)


@pytest.mark.parametrize("key", ["clamp", "smooth_clamp"])
def test_a_box_without_width_has_no_best_temperature(key):
    answer = calibrate.on_fit(key, "", *rows(lo=1, hi=1))
    assert calibration.EDGES["any"] in answer["result"]
    assert not {"slider.temperature", "setting.temperature"} & answer.keys()


@pytest.mark.parametrize(
    ("method", "numbers"),
    [
        ("clamp", rows(lo=5, hi=-5)),
        ("clamp", rows(lo="1")),
        ("clamp", rows(lo=math.nan)),
        ("clamp", rows(hi=math.inf)),
        ("clamp", rows(lo=None)),
        ("prox_l1", rows(lam=-1)),
        ("project_simplex", rows(radius=0)),
        ("clamp", DEFAULTS[1:]),
        ("__class__", DEFAULTS),
        ([], DEFAULTS),
        (None, DEFAULTS),
    ],
)
def test_hostile_numbers_are_refused(method, numbers):
    with pytest.raises(gr.Error, match="T cannot be fitted"):
        calibrate.on_fit(method, "", *numbers)


def test_a_constraint_is_fitted_whatever_the_rows_of_others_hold():
    answer = calibrate.on_fit("softmax", "", *rows(lo=None, lam=-1))
    assert "fitted on" in answer["result"]


def test_a_file_that_is_gone_is_a_sentence(tmp_path):
    gone = str(tmp_path / "gone.csv")
    assert calibrate.GONE.split(":")[0] in calibrate.on_fit("clamp", gone, *DEFAULTS)["notice"]
    answer = calibrate.on_open(gone)
    assert calibrate.GONE.split(":")[0] in answer.pop("notice")
    shown = calibrate.bundled()
    assert answer == {"board": calibrate.set_message(shown), "set": "", "description": calibrate.described(shown)}
    for path in (None, "", str(tmp_path)):
        answer = calibrate.on_upload(path)
        assert answer["file"] is None
        assert "no longer available" in answer["notice"]
        assert answer.keys() == {"file", "notice"}


def test_another_set_opens_at_temperature_1(tmp_path):
    """What was fitted on the last set says nothing about this one."""
    file = tmp_path / "own.csv"
    file.write_text("label,a,b\n" + "0,1,2\n1,0,3\n" * 15, encoding="utf-8")
    for answer in (calibrate.on_upload(str(file)), calibrate.on_bundled()):
        assert (answer["slider.temperature"], answer["setting.temperature"]) == (50, 1)


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0 %"), (0.0002, "0.02 %"), (0.0094, "0.94 %"), (0.0394, "3.9 %"), (0.2488, "24.9 %")]
)
def test_shares_are_written_as_in_the_tables(share, text):
    assert calibrate.percent(share) == text


def test_names_from_a_file_are_text_and_not_markup():
    part = (torch.zeros(30, 2), torch.zeros(30).long())
    html = calibrate.described(calibrate.Parts("<b>x</b>.csv", ("<img src=x>", "b"), part, part))
    assert "<img" not in html
    assert "<b>x" not in html
    assert "&lt;img" in html


# Probabilities in place of logits -----------------------------------------------------------------------------------


@pytest.fixture
def probabilities(tmp_path):
    """An over-confident model's probabilities, as people save them; the path of the file, and the set."""
    generator = torch.Generator().manual_seed(0)
    logits = 6 * torch.randn(400, 3, generator=generator)
    labels = (logits / 4 + 2 * torch.randn(400, 3, generator=generator)).argmax(-1)
    p = logits.softmax(-1).numpy().round(6)
    lines = ["label,a,b,c", *(f"{label},{x},{y},{z}" for label, (x, y, z) in zip(labels.tolist(), p, strict=True))]
    path = tmp_path / "set.csv"
    path.write_text("\n".join(lines))
    return str(path), logits, labels


def test_probabilities_are_read_as_such_and_said(probabilities):
    path, logits, labels = probabilities
    answer = calibrate.on_upload(path)
    assert (answer["notice"], answer["set"]) == ("", path)
    assert "look like probabilities" in answer["description"]
    assert "read as probabilities" in answer["description"]
    wanted = calibration.fit_temperature(logits[validation.split(400)], labels[validation.split(400)])
    assert json.loads(answer["board"])["fitted"] == pytest.approx(wanted.temperature, rel=0.1)
    assert json.loads(answer["board"])["fitted"] > 1, "over-confident, and not the other way round"
    found = json.loads(calibrate.on_fit("softmax", path, *DEFAULTS)["board"])
    assert found["temperature"] == pytest.approx(wanted.temperature, rel=0.1)


def test_they_can_be_taken_for_logits_all_the_same_and_back(probabilities):
    path, _, _ = probabilities
    answer = calibrate.on_read(path)
    assert (answer["notice"], answer["result"]) == ("", "")
    assert "treated as logits anyway" in answer["description"]
    assert json.loads(answer["board"])["fitted"] < 1
    assert answer.items() >= calibrate.UNFITTED.items()
    kept = answer["set"]
    assert json.loads(calibrate.on_fit("softmax", kept, *DEFAULTS)["board"])["temperature"] < 1
    answer = calibrate.on_read(kept)
    assert answer["set"] == path
    assert "read as probabilities" in answer["description"]
    assert json.loads(answer["board"])["fitted"] > 1
    assert calibrate.on_read("")["set"] == ""


def test_what_else_numbers_can_be_is_said(tmp_path):
    path = tmp_path / "set.csv"
    rows = torch.rand(40, 3, generator=torch.Generator().manual_seed(0))
    for numbers, says in ((rows, "one sigmoid for each class"), (rows.log_softmax(-1), "logarithms of probabilities")):
        lines = ["label,a,b,c", *(f"{i % 3},{x},{y},{z}" for i, (x, y, z) in enumerate(numbers.tolist()))]
        path.write_text("\n".join(lines))
        about = calibrate.on_upload(str(path))["description"]
        assert says in about
        assert "cal-read-as" not in about
    assert "probabilities" not in calibrate.on_bundled()["description"]
