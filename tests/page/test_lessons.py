"""Lessons: every claim in them against numbers, what a file may say, and the experiments behind the mistakes."""

import json
import math
import re
from html.parser import HTMLParser
from urllib.parse import parse_qsl

import numpy as np
import pytest
import torch

from constrained import images, registry, training
from constrained.page import formats
from constrained.page import models as menu
from constrained.page.course import catalogue, checks, experiments, expressions, files, measures, settings
from constrained.page.server.inference import network
from constrained.page.tabs import explore

STEPS = [
    pytest.param(step, id=f"{lesson.slug}-{number}")
    for lesson in files.lessons()
    for number, step in enumerate(lesson.steps, 1)
]

# The lessons that come with the page ----------------------------------------------------------------------------------


@pytest.mark.parametrize("step", STEPS)
def test_what_a_lesson_claims_is_so(step):
    """Fails where another checkpoint has made a lesson untrue: the text or its setting is then to be changed."""
    assert checks.unsound(step) == []


@pytest.mark.parametrize("step", STEPS)
def test_no_count_is_typed_without_what_bears_it_out(step):
    assert checks.typed(step) == []


@pytest.mark.parametrize("lesson", files.lessons(), ids=lambda lesson: lesson.slug)
def test_no_count_is_typed_above_the_steps_either(lesson):
    text = " ".join([lesson.title, lesson.summary, lesson.teacher or ""])
    assert checks.uncounted(text, lesson.counts, {"steps": len(lesson.steps)}) == []


@pytest.mark.parametrize(
    ("text", "counts", "wrong"),
    [
        ("Two logits are cut.", "", "'two' is typed"),
        ("Two logits are cut.", "two = bounded.clipped", "'two' is 3"),
        ("Three logits are cut.", "three = bounded.clipped", None),
        ("{bounded.clipped} logits, `x[5]`, [a link](?lo=7) and 0 or 1 of ten.", "", None),
        ("Nine classes.", "nine = classes", "'nine' is 10"),
        ("Add 5 to all.", "5 = given", None),
        ("About 2.30 nats.", "2.30 = most", None),
        ("Dozens of them.", "dozens = bounded.clipped > 24", "'dozens' is False"),
    ],
)
def test_a_typed_count_is_found(text, counts, wrong):
    found = checks.uncounted(text, counts, {"bounded": {"clipped": 3}, "most": math.log(10)})
    assert bool(found) == bool(wrong)
    assert not wrong or found[0].startswith(wrong)


@pytest.mark.parametrize("step", [step for step in STEPS if step.values[0].choices])
def test_every_step_with_choices_is_guarded(step):
    assert step.check or all(choice.check for choice in step.choices)


def test_lessons_make_a_class():
    found = files.lessons()
    assert len(found) >= 7
    assert all(4 <= len(lesson.steps) <= 6 and 5 <= lesson.minutes <= 8 for lesson in found)
    assert all(step.question for lesson in found for step in lesson.steps)
    assert 35 <= sum(lesson.minutes for lesson in found) <= 45
    assert all(lesson.teacher for lesson in found)


class Words(HTMLParser):
    """Tags, links and text of a piece of HTML."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.links, self.text = set(), [], ""
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.links += [value for key, value in attributes if key == "href"]

    def handle_data(self, data):
        self.text += data


def every_html():
    for lesson in catalogue.catalogue():
        yield f"{lesson['slug']} teacher", lesson["teacher"]
        for number, step in enumerate(lesson["steps"], 1):
            for part in ("text", "question", "why"):
                yield f"{lesson['slug']} {number} {part}", step[part]
            for choice in step["choices"] or []:
                yield f"{lesson['slug']} {number} choice", choice


def test_the_page_gets_safe_html_without_a_gap():
    for where, html in every_html():
        words = Words(html)
        assert words.tags <= {"p", "em", "strong", "code", "a", "ul", "ol", "li"}, where
        assert words.text.strip(), where
        assert not re.search(r"[{}]|\*\*|\bnan\b", words.text), (where, words.text)
        if "choice" in where or "question" in where:
            assert "p" not in words.tags, where


def test_links_in_lessons_lead_somewhere():
    links = [link for _, html in every_html() for link in Words(html).links]
    assert len(links) >= 4
    for link in links:
        assert link.startswith("?")
        asked = dict(parse_qsl(link[1:], strict_parsing=True))
        tab = asked.pop("tab", "explore")
        if tab == "explore":
            settings.setting(link[1:])
            continue
        assert tab in ("train", "calibrate")
        values = {}
        for key, text in asked.items():
            owner, _, name = key.partition(".")
            assert owner == tab
            value = text if name in ("method", "penalty") else int(text) if name == "epochs" else float(text)
            values["temperature" if name == "t" else name] = value
        if tab == "train":
            numbers = {key: values.pop(key) for key in registry.PARAMETERS if key in values}
            training.Setting.read(values | {"settings": numbers})
        else:
            assert set(values) <= {*registry.PARAMETERS, "method"}


def test_catalogue_is_what_the_page_takes():
    lessons = catalogue.catalogue()
    assert json.loads(json.dumps(lessons)) == lessons
    assert [lesson["slug"] for lesson in lessons] == [lesson.slug for lesson in files.lessons()]
    for lesson in lessons:
        assert set(lesson) == {"slug", "title", "minutes", "summary", "teacher", "steps"}
        for step in lesson["steps"]:
            assert set(step) == {
                *("title", "setting", "text", "question", "choices", "right", "slider", "reveal", "why", "run")
            }
            assert (step["choices"] is None) != (step["slider"] is None)
            if step["choices"]:
                assert step["right"]
                assert len(set(step["choices"])) == len(step["choices"])
                assert all(0 <= right < len(step["choices"]) for right in step["right"])
                assert len(step["right"]) < len(step["choices"])
            else:
                slider = step["slider"]
                assert slider["low"] <= slider["answer"] <= slider["high"]
                assert slider["shown"]
            for query in (step["setting"], step["reveal"]):
                asked = dict(parse_qsl(query, strict_parsing=True))
                assert {"image", "model", "family", "method"} <= set(asked)
                assert asked["model"] == "cifar10"
                assert settings.setting(query.replace("model=cifar10&", "")) == query  # in full, and in one order


def test_a_guess_is_not_given_away():
    """What is asked for is not on the chart yet: the reveal changes something, or an experiment does."""
    for lesson in files.lessons():
        for step in lesson.steps:
            if step.slider:
                assert expressions.value(step.slider.answer, measures.measure(step.setting)) != expressions.value(
                    step.slider.answer, checks.names(step)
                )


# Measures -------------------------------------------------------------------------------------------------------------

SETTINGS = [
    "image=cat&family=bounded&method=clamp&lo=-2&hi=4&target=dog",
    "image=dog&family=bounded&method=clamp_straight_through&lo=-2&hi=4&target=cat&probability=sparsemax&t=3",
    "image=dog&family=bounded&method=clamp_inward&lo=-2&hi=4&target=cat&probability=entmax15&t=2",
    "image=coffee&family=regularised&method=project_l1_ball&radius=5&target=ship&t=0.5",
]


def of(column):
    """The values of the classes, in order."""
    return np.array([column[name] for name in settings.labels()])


@pytest.mark.parametrize("query", SETTINGS)
def test_gradients_are_those_of_the_chart(query):
    found = measures.measure(settings.setting(query))
    asked = dict(parse_qsl(query))
    methods = {
        family: asked.get(family, settings.FIRST[family]) if family != asked["family"] else asked["method"]
        for family in registry.FAMILIES
    }
    numbers = {p.key: float(asked.get(key, p.default)) for key, p in settings.NAMES.items()}
    target = settings.labels().index(asked["target"])
    expected = explore.sent_back(measures.logits(asked["image"]), methods, numbers, target)
    for column, told in expected.items():
        np.testing.assert_allclose(of(found[column]["gradient"]), told["gradient"], atol=1e-12)
        assert found[column]["gradient"]["loss"] == pytest.approx(told["loss"])
        assert found[column]["gradient"]["stopped"] == sum(v == 0 for v in told["gradient"])


def test_measures_by_hand():
    found = measures.measure(settings.setting("image=cat&family=bounded&method=clamp&lo=-2&hi=4&lam=1&t=0.5"))
    z = of(found["raw"])
    picture = images.decode(settings.samples()["cat"].read_bytes())
    np.testing.assert_allclose(z, network("cifar10").logits(picture), atol=1e-6)
    y = np.clip(z, -2, 4)
    p = np.exp(z / 0.5) / np.exp(z / 0.5).sum()
    shrunk = np.sign(z) * np.maximum(np.abs(z) - 1, 0)
    for family, values in {"bounded": y, "probability": p, "regularised": shrunk}.items():
        column = found[family]
        np.testing.assert_allclose(of(column), values, rtol=1e-12)
        assert column["max"] == pytest.approx(values.max())
        assert column["next"] == pytest.approx(np.sort(values)[-2])
        assert column["min"] == pytest.approx(values.min())
        assert column["tied"] == (values == values.max()).sum()
        assert column["zeros"] == (values == 0).sum()
        assert column["moved"] == pytest.approx(np.linalg.norm(values - z))
        assert column["norm1"] == pytest.approx(np.abs(values).sum())
        assert column["sum"] == pytest.approx(values.sum(), abs=1e-6)
    assert found["bounded"]["dead"] == found["bounded"]["clipped"] == ((z < -2) | (z > 4)).sum()
    assert found["regularised"]["dead"] == (np.abs(z) < 1).sum()
    assert found["probability"]["entropy"] == pytest.approx(-(p * np.log(p)).sum())
    assert (found["lo"], found["hi"], found["t"], found["lam"]) == (-2, 4, 0.5, 1)


def test_places_and_ties():
    raw = measures.measure(settings.setting("image=cat&family=bounded&method=clamp&lo=-20&hi=20"))["bounded"]
    order = [settings.labels()[i] for i in np.argsort(-of(raw))]
    assert (raw["top"], raw["second"], raw["last"], raw["kept"]) == (order[0], order[1], order[-1], True)
    same = measures.measure(settings.setting("image=cat&family=bounded&method=clamp&lo=-20&hi=-20"))["bounded"]
    assert (same["tied"], same["kept"], same["top"], same["argmax"]) == (10, False, order[0], settings.labels()[0])


def test_an_inward_gradient_is_not_dead():
    clamped = {
        method: measures.measure(settings.setting(f"image=cat&family=bounded&method={method}&lo=0&hi=0.1"))["bounded"]
        for method in ("clamp", "clamp_straight_through", "clamp_inward")
    }
    assert [clamped[method]["dead"] for method in clamped] == [clamped["clamp"]["clipped"], 0, 0]


def test_lessons_know_what_the_page_opens_with():
    assert settings.FIRST == menu.METHODS


# Settings -------------------------------------------------------------------------------------------------------------


def test_a_reveal_is_laid_over():
    opening = "image=cat&family=bounded&method=clamp&lo=-2&hi=2&t=4"
    assert settings.setting(opening, "method=smooth_clamp&hi=3") == (
        "image=cat&model=cifar10&family=bounded&method=smooth_clamp&lo=-2&hi=3&t=4"
    )
    # Another family keeps the method of the one before it.
    over = settings.setting("image=cat&family=bounded&method=clamp_inward", "family=probability&method=sparsemax")
    assert over == "image=cat&model=cifar10&family=probability&method=sparsemax&bounded=clamp_inward"
    assert settings.setting("image=cat&family=probability").endswith("family=probability&method=softmax")


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("family=bounded", "image="),
        ("image=cat", "family="),
        ("image=cow&family=bounded", "image=cow"),
        ("image=cat&family=bound", "family=bound"),
        ("image=cat&family=bounded&method=softmax", "method=softmax"),
        ("image=cat&family=bounded&method=clam", "method=clam"),
        ("image=cat&family=bounded&lo=3&hi=2", "lo=3 is above hi=2"),
        ("image=cat&family=bounded&lo=-200", "lo must be from"),
        ("image=cat&family=bounded&lo=low", "low"),
        ("image=cat&family=bounded&t=0", "temperature"),
        ("image=cat&family=bounded&t=nan", "temperature"),
        ("image=cat&family=bounded&temperature=2", "temperature=2"),
        ("image=cat&family=bounded&target=cow", "target=cow"),
        ("image=cat&family=bounded&gradient=2", "gradient=2"),
        ("image=cat&family=bounded&k=11", "k=11"),
        ("image=cat&family=bounded&lo=1&lo=2", "twice"),
        ("image=cat&family=bounded&tab=train", "tab=train"),
        ("nonsense", "nonsense"),
    ],
)
def test_a_setting_that_the_page_would_refuse(query, wrong):
    with pytest.raises(ValueError, match=re.escape(wrong)):
        settings.setting(query)


# Expressions ----------------------------------------------------------------------------------------------------------

NAMES = {"a": {"max": measures.Logit(5.25), "top": "cat", "kept": True}, "p": measures.Share(0.125), "n": 3}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a.max - 5", 0.25),
        ("10 - n", 7),
        ("-p * 8 / 2", -0.5),
        ("a.top == 'cat' and not n > 3", True),
        ("a.kept or nothing", True),
        ("1 < n <= 3", True),
        ("1 < n < 3", False),
        ("a.max -\n  a.max", 0),
    ],
)
def test_expressions(expression, expected):
    assert expressions.value(expression, NAMES) == expected


@pytest.mark.parametrize(
    "expression",
    [
        *(
            "a.min",
            "nothing",
            "a.max.real",
            "a.__class__",
            "p.real",
            "print(1)",
            "a['max']",
            "[1]",
            "lambda: 1",
            "1 if n else 2",
        ),
        *(
            "n is 3",
            "n in (3,)",
            "2 ** 99",
            "f'{n}'",
            "n := 2",
            "n +",
            "",
            "a.top - 1",
            "a.max; n",
            "None",
            "b'x'",
            "1j",
        ),
    ],
)
def test_nothing_else_is_an_expression(expression):
    with pytest.raises(ValueError, match=r"is no measure|cannot be read"):
        expressions.value(expression, NAMES)


def test_measures_as_text():
    told = expressions.filled("{a.top} {a.max} {p} {n} {a.max - 5} {0 - n}", NAMES)
    assert told == "cat +5.25 12.5 % 3 0.25 −3"
    for refused in ("{a.kept}", "{a}", "{a.top == 'cat'}"):
        with pytest.raises(ValueError, match="no number to show"):
            expressions.filled(refused, NAMES)


@pytest.mark.parametrize(
    ("write", "value", "expected"),
    [
        (formats.logit, 5.2, "+5.20"),
        (formats.logit, -0.04567, "−0.046"),
        (formats.logit, 0.05, "+0.050"),
        (formats.logit, -0.0, "0"),
        (formats.logit, 123456.0, "+1.2e+5"),
        (formats.logit, -0.00001, "−1.0e−5"),
        (formats.logit, math.inf, "∞"),
        (formats.short, 1.50649, "1.506"),
        (formats.short, -20.0, "−20"),
        (formats.short, 99999.9, "100000"),
        (formats.short, 0.000123456, "1.235e−4"),
        (formats.short, 2e5, "2e+5"),
        (formats.short, -math.inf, "−∞"),
        (formats.short, math.nan, "NaN"),
        (formats.percent, 0.852, "85.2 %"),
        (formats.percent, 0.00123, "0.12 %"),
        (formats.percent, 0.9999612, "99.996 %"),
        (formats.percent, 1 - 1e-14, "100 % − 1.0e-12"),
        (formats.percent, 1 - 1e-16, "100 % − 1.1e-14"),
        (formats.percent, 0.000034, "0.0034 %"),
        (formats.percent, 3.4e-7, "0.000034 %"),
        (formats.percent, 1.0, "100 %"),
        (formats.percent, 0.0, "0 %"),
        (formats.percent, 3e-9, "3.0e−7 %"),
    ],
)
def test_numbers_are_never_rounded_to_something_false(write, value, expected):
    assert write(value) == expected


# Files ----------------------------------------------------------------------------------------------------------------

HEADER = ["title: A title", "minutes: 5", "summary: A sentence.", ""]
STEP = ["# A step", "setting: image=cat&family=bounded&method=clamp&lo=-20&hi=20", "", "The {raw.top}.", ""]
QUESTION = ["? Who?", "* This", "  check: bounded.kept", "- That", "  check: bounded.tied > 1"]
WHY = ["reveal: hi=19", "check: bounded.clipped == 0", "", "> Because of {bounded.max}", ">", "> and so on."]


def written(folder, lines, name="01-a-title.md"):
    path = folder / name
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_a_file_is_read(tmp_path):
    lesson = files.read(written(tmp_path, [*HEADER, *STEP, *QUESTION, *WHY, "", *STEP[:-1], "- a list", "- of two"]))
    assert (lesson.slug, lesson.title, lesson.minutes, lesson.summary) == ("a-title", "A title", 5, "A sentence.")
    assert lesson.teacher is None
    first, second = lesson.steps
    assert [(choice.text, choice.right) for choice in first.choices] == [("This", True), ("That", False)]
    assert first.where == "01-a-title.md:5"
    assert first.why == "Because of {bounded.max}\n\nand so on."
    assert first.reveal.endswith("lo=-20&hi=19")
    assert first.setting.endswith("lo=-20&hi=20")
    assert checks.unsound(first) == []
    assert (second.question, second.choices, second.why) == (None, (), "")
    assert second.text == "The {raw.top}.\n- a list\n- of two"


def test_a_false_claim_is_found(tmp_path):
    other = [line.replace("* This", "- This").replace("- That", "* That") for line in QUESTION]
    (step,) = files.read(written(tmp_path, [*HEADER, *STEP, *other, *WHY])).steps
    assert len(checks.unsound(step)) == 2
    wrong = [line.replace("clipped == 0", "clipped == 1") for line in WHY]
    (step,) = files.read(written(tmp_path, [*HEADER, *STEP, *QUESTION, *wrong])).steps
    assert checks.unsound(step) == ["01-a-title.md:5: not bounded.clipped == 1"]
    sliding = ["? How many?", "slider: 5 to 10 classes", "answer: bounded.zeros"]
    (step,) = files.read(written(tmp_path, [*HEADER, *STEP, *sliding, *WHY])).steps
    assert checks.unsound(step) == ["01-a-title.md:5: the answer is outside of the slider"]


def test_a_slider_in_percent(tmp_path):
    lines = [*HEADER, *STEP, "? How sure?", "slider: 0 to 100 %", "answer: probability.max", *WHY]
    (step,) = files.read(written(tmp_path, lines)).steps
    slider = catalogue._told(step)["slider"]
    top = torch.softmax(measures.logits("cat"), 0).max().item()
    assert slider["answer"] == pytest.approx(100 * top)
    assert (slider["low"], slider["high"], slider["unit"]) == (0, 100, "%")
    assert slider["shown"] == formats.percent(top)


@pytest.mark.parametrize(
    ("lines", "line", "wrong"),
    [
        (["title: a", "minutes: 5", "", *STEP], 1, "lacks summary:"),
        (["title: a", "colour: red", *STEP], 2, "expected one of title"),
        (["title: a", "title: b", *STEP], 2, "each once"),
        ([*HEADER[:1], "minutes: five", *HEADER[2:], *STEP], 1, "whole number"),
        (HEADER, 1, "no step"),
        ([*HEADER, "# A step", "text"], 5, "image="),
        ([*HEADER, "# A step", STEP[1]], 5, "a title and a text"),
        ([*HEADER, *STEP, *QUESTION], 5, "needs an answer"),
        ([*HEADER, *STEP, *WHY], 5, "need a question"),
        ([*HEADER, *STEP, "? Who?", *WHY], 5, "choices, or slider"),
        ([*HEADER, *STEP, *QUESTION, "slider: 0 to 1", "answer: lo", *WHY], 5, "choices, or slider"),
        ([*HEADER, *STEP, "? Who?", "slider: 0 to 1", *WHY], 5, "slider: and answer:"),
        ([*HEADER, *STEP, "? Who?", "slider: 1 to 0", "answer: lo", *WHY], 5, "slider: is written"),
        ([*HEADER, *STEP, "? Who?", "* This", *WHY], 5, "two choices"),
        ([*HEADER, *STEP, "? Who?", "- This", "- That", *WHY], 5, "two choices"),
        ([*HEADER, *STEP, *QUESTION[:-1], *WHY], 5, "every choice has a check"),
        ([*HEADER, *STEP, *QUESTION, "? Again?", *WHY], 15, "one question"),
        ([*HEADER, *STEP, *QUESTION, *WHY, "More text"], 21, "does not belong here"),
        ([*HEADER, *STEP, *QUESTION, *WHY, "reveal: hi=2"], 21, "twice"),
        ([*HEADER, *STEP, *QUESTION, "reveal: hi=-30", *WHY[1:]], 5, "hi must be from"),
        ([*HEADER, *STEP, *QUESTION, "run: away", *WHY], 5, "run: must be one of"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path, lines, line, wrong):
    with pytest.raises(ValueError, match=re.escape(wrong)) as caught:
        files.read(written(tmp_path, lines))
    assert str(caught.value).startswith(f"01-a-title.md:{line}: ")


def test_a_lesson_has_a_number_and_a_name(tmp_path):
    with pytest.raises(ValueError, match="NN-slug"):
        files.read(written(tmp_path, [*HEADER, *STEP], "title.md"))


def test_html_in_a_lesson_stays_text(tmp_path):
    lines = [*HEADER, *STEP[:-1], "<script>alert(1)</script> [x](javascript:alert(1))"]
    (step,) = files.read(written(tmp_path, lines)).steps
    words = Words(catalogue._told(step)["text"])
    assert words.tags == {"p"}
    assert "<script>" in words.text


# Experiments ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", experiments.EXPERIMENTS)
def test_an_experiment_is_a_table(key):
    table = experiments.run(key)
    assert set(table) == {"caption", "columns", "rows"}
    assert json.loads(json.dumps(table)) == table
    assert len(table["rows"]) >= 2
    assert all(len(row) == len(table["columns"]) for row in table["rows"])
    assert all(isinstance(cell, str) and cell for row in table["rows"] for cell in row)
    assert len({row[0] for row in table["rows"]}) == len(table["rows"])


def test_every_experiment_is_in_a_lesson():
    used = {step.run for lesson in files.lessons() for step in lesson.steps if step.run}
    assert used == set(experiments.EXPERIMENTS)


def test_an_experiment_depends_on_nothing_around_it():
    """The same figures again, whatever was drawn before, and nothing drawn for others."""
    torch.manual_seed(5)
    state = torch.get_rng_state()
    again = {row: numbers for row, _, numbers in experiments.EXPERIMENTS["double_softmax"].rows()}
    assert again == experiments.figures("double_softmax")
    assert torch.equal(torch.get_rng_state(), state)


def test_an_extra_layer_gains_nothing_and_undoes_a_clamp():
    rows = experiments.figures("extra_layer")
    assert abs(rows["one"]["accuracy"] - rows["two"]["accuracy"]) < 0.01
    assert rows["product"]["accuracy"] == rows["two"]["accuracy"]
    assert rows["product"]["largest"] == pytest.approx(rows["two"]["largest"], rel=1e-5)
    assert rows["bounded"]["largest"] == 2
    assert rows["undone"]["largest"] > 2.5


def test_the_loss_of_a_double_softmax_has_a_floor():
    rows = experiments.figures("double_softmax")
    floor = math.log(1 + 9 / math.e)
    assert rows["floor"]["loss"] == pytest.approx(floor)
    assert rows["twice"]["loss"] > floor > 4 * rows["once"]["loss"]
    assert rows["twice"]["ece"] > 1.5 * rows["once"]["ece"]
    assert rows["twice"]["nll"] > rows["once"]["nll"]


def test_a_raw_temperature_crosses_zero():
    rows = experiments.figures("raw_temperature")
    assert rows["raw"]["temperature"] < 0
    assert rows["raw"]["accuracy"] < 0.05
    assert rows["raw"]["nll"] > math.log(10)
    assert rows["log"]["temperature"] == pytest.approx(rows["search"]["temperature"], rel=1e-2)
    assert rows["log"]["accuracy"] == rows["one"]["accuracy"] > 0.8


def test_a_summed_penalty_grows_with_the_batch():
    rows = experiments.figures("penalty_sum")
    assert rows["sum16"]["size"] > 5 * rows["sum1024"]["size"]
    assert 0.5 < rows["mean16"]["size"] / rows["mean1024"]["size"] < 2
    assert rows["sum1024"]["nll"] > 3 * rows["mean1024"]["nll"]


def test_a_penalty_alone_forgets_everything():
    rows = experiments.figures("penalty_alone")
    assert rows["alone"]["loss"] < 0.01 < rows["both"]["loss"]
    assert rows["alone"]["accuracy"] < 0.3
    assert rows["both"]["accuracy"] > 0.8


def test_what_three_gradients_do_to_a_clamp():
    rows = experiments.figures("clamp_gradients")
    assert rows["zero"]["accuracy"] < rows["through"]["accuracy"] < rows["inward"]["accuracy"]
    assert rows["inward"]["accuracy"] > rows["plain"]["accuracy"] - 0.03
    assert rows["zero"]["dead"] > 0.9
    assert rows["through"]["dead"] == 0
    assert rows["through"]["size"] > 3 * rows["plain"]["size"]


def test_temperature_moves_confidence_and_no_answer():
    rows = experiments.figures("temperatures")
    assert len({row["accuracy"] for row in rows.values()}) == 1
    assert rows["cold"]["confidence"] > rows["one"]["confidence"] > rows["hot"]["confidence"]
    assert rows["best"]["nll"] == min(row["nll"] for row in rows.values())


def test_penalty_step_and_projection_are_three_things():
    rows = experiments.figures("three_things")
    assert rows["penalty"]["norm"] < rows["step"]["norm"] / 3
    assert rows["plain"]["norm"] - rows["step"]["norm"] <= 10 * 0.1 + 1e-6
    assert rows["ball"]["longest"] == pytest.approx(10)
    assert rows["penalty"]["longest"] > 1.5 * rows["penalty"]["norm"]


def test_sparsemax_calls_right_classes_impossible():
    rows = experiments.figures("exact_zeros")
    assert rows["sparsemax"]["impossible"] > 0.01
    assert rows["sparsemax"]["nll"] == math.inf
    assert rows["softmax"]["impossible"] == 0
    assert rows["softmax"]["classes"] == 10
    assert 1 <= rows["sparsemax"]["classes"] < 2
