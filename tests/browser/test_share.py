"""The share link, in both directions: the address follows the setting, and a link puts it back, whatever it says."""

import re
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import pytest
from playwright.sync_api import expect

from constrained import models
from constrained.page.pictures import SAMPLES

from .driver import Explore, picture

STILL = """async () => {
  let [last, since] = ['', performance.now()];
  while (performance.now() - since < 600) {
    const now = share.query() + location.search;
    if (now !== last) [last, since] = [now, performance.now()];
    await new Promise((done) => setTimeout(done, 30));
  }
}"""


def address(page) -> str:
    """Where the page says it is."""
    return page.evaluate("() => location.href")


def asked(page) -> dict[str, str]:
    """What the address says, once it has followed."""
    page.evaluate(STILL)
    return {key: value for key, (value,) in parse_qs(urlparse(address(page)).query, strict_parsing=False).items()}


def told(page) -> str:
    return page.locator("#share-told").inner_text()


@pytest.mark.slow
def test_the_address_follows_and_a_link_puts_everything_back(visit):
    one = visit()
    page, explore = one.page, Explore(one.page)
    assert asked(page) == {}  # nobody has touched anything yet
    before = explore.state()["logits"]
    page.locator("#samples button").nth([path.stem for path in SAMPLES].index("dog")).click()
    explore.new_logits(before)
    explore.type("lo", -1.5)
    explore.method("project_l2_ball")
    explore.type("radius", 2.5)
    explore.method("sparsemax")
    explore.type("temperature", 0.37)
    explore.type("k", 4)
    page.locator("#gradient input").check()
    explore.choose("target", "frog")
    page.wait_for_function("() => explore.state.targetName === 'frog'")
    link = asked(page)
    assert link == {
        **{"image": "dog", "family": "probability", "method": "sparsemax", "regularised": "project_l2_ball"},
        **{"t": "0.37", "lo": "-1.5", "radius": "2.5", "k": "4", "gradient": "1", "target": "frog"},
    }
    state = explore.agree()

    two = visit(urlparse(address(page)).query)
    other = Explore(two.page)
    two.page.wait_for_function("() => explore.state.image === 'dog'")
    opened = other.agree()
    for key in ("model", "logits", "methods", "settings", "k", "target"):
        assert opened[key] == state[key], key
    for key, value in {"lo": "-1.5", "temperature": "0.37", "radius": "2.5", "k": "4"}.items():
        expect(other.box(key)).to_have_value(value)
    expect(two.page.locator("#method-probability input")).to_have_value("Sparsemax")
    expect(two.page.locator("#target input")).to_have_value("frog")
    assert other.slider("temperature").input_value() == pytest.approx(
        explore.slider("temperature").input_value(), abs=0.5
    )
    assert asked(two.page) == link
    assert told(two.page) == ""

    other.button("Reset").click()
    assert asked(two.page).keys() - {"lo", "hi", "t", "lam"} == {"image", "family", "method", "gradient"}


def test_a_link_opens_any_tab_with_its_setting(visit):
    query = (
        "tab=train&train.method=clamp_inward&train.lo=0&train.hi=1&train.penalty=l1&train.weight=0.1&train.noise=0.4"
    )
    one = visit(f"{query}&train.seed=3&train.optimizer=sgd&calibrate.method=sparsemax&calibrate.t=2")
    page = one.page
    assert page.get_by_role("tab", name="Train").get_attribute("aria-selected") == "true"
    boxes = {"lo-slider input[type=number]": "0", "hi-slider input[type=number]": "1", "weight-value input": "0.1"}
    boxes |= {"noise-slider input[type=number]": "40", "method input": "Bounded: Clamp, inward gradient"}
    for where, value in boxes.items():
        page.wait_for_function(f"(value) => document.querySelector('#train-{where}').value === value", arg=value)
    settings = page.evaluate("({ ...train.settings, ...train.settings.settings })")
    told_ = {"method": "clamp_inward", "lo": 0, "hi": 1, "penalty": "l1", "weight": 0.1, "noise": 0.4, "seed": 3}
    assert told_.items() <= settings.items()
    page.get_by_role("tab", name="Calibrate").click()
    page.wait_for_function("() => document.querySelector('#calibrate-temperature-value input')?.value === '2'")
    expect(page.locator("#calibrate-method input")).to_have_value("Probability: Sparsemax")
    link = asked(page)
    assert link["tab"] == "calibrate"
    assert link["train.noise"] == "0.4"
    assert (link["calibrate.method"], link["calibrate.t"]) == ("sparsemax", "2")


def test_log_sliders_speak_the_number_and_not_the_position(explore):
    page = explore.page
    page.evaluate(
        "(query) => share.apply(query)",
        "tab=explore&t=0.5&radius=20&regularised=project_l2_ball&train.weight=0.1&train.penalty=l1",
    )
    expect(explore.slider("radius")).to_be_visible()
    said = "(where) => document.querySelector(where + ' input[type=range]').getAttribute('aria-valuetext')"
    explore.slider("temperature").focus()
    assert page.evaluate(said, "#explore-temperature-slider") == "T = 0.5"
    assert page.evaluate(said, "#explore-radius-slider") == "r = 20"
    explore.slider("temperature").press("ArrowRight")
    value = explore.state()["settings"]["temperature"]
    assert value > 0.5
    page.wait_for_function(f"(text) => ({said})('#explore-temperature-slider') === text", arg=f"T = {value:.4g}")
    page.get_by_role("tab", name="Train").click()
    page.locator("#train-weight-slider input[type=range]").focus()
    assert page.evaluate(said, "#train-weight-slider") == "λ = 0.1"
    page.get_by_role("tab", name="Explore").click()


@pytest.fixture(scope="module")
def as_opened(shared_visit):
    """One page for many bad links, and the state in which it opened."""
    explore = Explore(shared_visit.page)
    explore.reset(shared_visit.opened)
    yield explore, explore.state()
    assert shared_visit.problems == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("t=0", "t=0 in the link is not a number from 0.05 to 20; it was ignored."),
        ("t=NaN", "t=NaN in the link is not a number"),
        ("lo=", "lo= in the link is not a number from -20 to 20"),
        ("lo=5&hi=2", "lo=5 in the link is above hi=2; both were ignored."),
        ("hi=1e999", "hi=1e999 in the link is not a number"),
        ("method=constructor", "method=constructor in the link is not one of clamp, "),
        ("family=__proto__", "family=__proto__ in the link is not one of bounded, probability, regularised"),
        (
            "family=bounded&method=softmax",
            "method=softmax in the link is probability, not bounded; the method was used.",
        ),
        ("image=..%2F..%2Fetc%2Fpasswd", "image=../../etc/passwd in the link is not one of cat, "),
        (
            "image=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E",
            "image=<img src=x onerror=alert(1)> in the link is not one of",
        ),
        ("model=resnet152", "model=resnet152 in the link is not one of cifar10, imagenet"),
        ("tab=admin", "tab=admin in the link is not one of explore, train, calibrate"),
        ("gradient=maybe", "gradient=maybe in the link is not 0 or 1"),
        ("k=999", "k=999 in the link is not a number from 2 to 10"),
        ("train.epochs=-4", "train.epochs=-4 in the link is not a number"),
        ("train.penalty=l7", "train.penalty=l7 in the link is not one of"),
        ("hide=everything", "hide=everything in the link is not one of header, tabs"),
        ("a=lo:9,hi:1", "In the link, A has lo above hi; A was ignored."),
        ("a=", "a= in the link is not one of bounded:…, "),
        ("a=nonsense", "a=nonsense in the link is not one of bounded:…, "),
        ("a=constructor:1,__proto__:2", "a=__proto__:2 in the link is not one of bounded:…, "),
        ("a=lo:x", "lo=x in the link is not a number from -20 to 20"),
        ("a=bounded:constructor", "bounded=constructor in the link is not one of clamp, "),
        *(
            (f"{name}={value}", f"{name}={value} in the link is not {wanted}")
            for value in ("constructor", "toString", "__proto__", "hasOwnProperty")
            for name, wanted in {
                **{"hide": "one of header, ", "method": "one of clamp, ", "family": "one of bounded, "},
                **{"image": "one of cat, ", "model": "one of cifar10, ", "tab": "one of explore, "},
                **{"bounded": "one of clamp, ", "gradient": "0 or 1", "present": "0 or 1", "teacher": "0 or 1"},
                **{"k": "a whole number from 2 to 10", "t": "a number from 0.05 to 20"},
                **{"target": "a class of the model", "train.method": "one of ", "train.penalty": "one of "},
                **{"calibrate.method": "one of ", f"train.{value}": "one of train.method, "},
            }.items()
        ),
        ("k=5.5", "k=5.5 in the link is not a whole number from 2 to 10"),
        ("train.epochs=50.5", "train.epochs=50.5 in the link is not a whole number from 10 to 500"),
        ("train.seed=0.1", "train.seed=0.1 in the link is not a whole number"),
        ("target=unicorn", "target=unicorn in the link is not a class of the model; it was ignored."),
        ("target=", "target= in the link is not a class of the model; it was ignored."),
        ("present=yes", "present=yes in the link is not 0 or 1"),
        ("teacher=", "teacher= in the link is not 0 or 1"),
        ("step=2", "step=2 in the link needs a lesson; it was ignored."),
        ("lesson=", "There is no lesson “”; the Lessons tab lists them all."),
        ("lesson=constructor", "There is no lesson “constructor”; the Lessons tab lists them all."),
        ("t=1&t=2", "t is in the link more than once; the first one was used."),
        ("calibrate.temperature=2", "calibrate.temperature=2 in the link is not one of calibrate.method, "),
    ],
)
def test_what_cannot_be_falls_back_with_a_sentence(as_opened, query, words):
    explore, opened = as_opened
    explore.page.evaluate("(query) => share.apply(query)", query)
    expect(explore.page.locator("#share-told")).to_contain_text(words)
    state = explore.agree()
    assert state["settings"] == opened["settings"]
    assert (state["k"], state["logits"], state["target"]) == (opened["k"], opened["logits"], opened["target"])
    assert explore.page.evaluate("() => [explore.state.a, present.state.on, lessons.state.slug]") == [None, False, None]
    assert not {"a", "hide", "present", "teacher", "lesson", "step", "target"} & set(asked(explore.page))
    explore.page.get_by_role("button", name="Close this message").click()
    assert told(explore.page) == ""


ARRIVES = """(labels) => explore.receive(JSON.stringify(
  { kind: 'logits', model: 'imagenet', image: 'cat', labels, logits: labels.map((_, i) => -i) }))"""


@pytest.mark.parametrize("target", ["goldfish", "unicorn"])
def test_a_class_of_a_model_that_is_on_its_way_is_looked_for_when_it_is_there(visit, target, monkeypatch):
    def unreachable():
        raise models.CheckpointError("It does not come.")

    monkeypatch.setitem(models.CHECKPOINTS, "imagenet", unreachable)
    page = visit(f"model=imagenet&target={target}&gradient=maybe").page
    expect(page.locator("#notice")).to_contain_text("It does not come.")
    words = "gradient=maybe in the link is not 0 or 1; it was ignored."
    assert told(page).strip("✕\n") == words
    page.evaluate(ARRIVES, ["tench", "goldfish"])
    more = " target=unicorn in the link is not a class of the model; it was ignored."
    assert told(page).strip("✕\n") == words + (more if target == "unicorn" else "")


def test_the_links_of_the_guide_say_nothing_wrong(explore):
    guide = (Path(__file__).parents[2] / "assets" / "README.md").read_text(encoding="utf-8")
    links = re.findall(r"`\??([a-z.]+=[^`…\s]+)`", guide)
    assert "tab=train&train.method=clamp_inward&train.lo=0" in links
    assert "image=cat&family=probability&method=sparsemax&t=0.5&lo=-2&hi=1" in links
    for link in links:
        explore.page.evaluate("(query) => share.apply(query)", link)
        assert told(explore.page) == "", link
        explore.page.evaluate("() => share.apply('tab=explore&image=cat&hide=&present=0&teacher=0')")


def test_copy_link(explore):
    page = explore.page
    explore.type("hi", 2)
    page.wait_for_function("() => explore.state.settings.hi === 2")
    page.get_by_role("button", name="Copy link").click()
    page.wait_for_function("() => document.querySelector('#share-told').textContent.includes('Link copied.')")
    copied = page.evaluate("() => navigator.clipboard.readText()")
    asked(page)
    assert copied == address(page)
    assert parse_qs(urlparse(copied).query)["hi"] == ["2"]


def test_where_the_browser_does_not_let_it_copy_the_link_can_be_taken_by_hand(explore):
    page = explore.page
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no')); }")
    page.get_by_role("button", name="Copy link").click()
    field = page.get_by_label("The link, to copy by hand")
    assert parse_qs(urlparse(field.input_value()).query)["method"] == ["clamp"]
    page.evaluate("() => { delete navigator.clipboard.writeText; }")  # the browser's own is there again


def test_a_picture_of_ones_own_is_not_shared_silently(explore):
    page = explore.page
    before = explore.state()["logits"]
    explore.upload(picture("red"))
    explore.new_logits(before)
    page.get_by_role("button", name="Copy link").click()
    words = "Link copied. A link cannot carry your own picture: this one opens the sample “cat” instead."
    expect(page.locator("#share-told")).to_contain_text(words)
    assert parse_qs(urlparse(page.evaluate("() => navigator.clipboard.readText()")).query)["image"] == ["cat"]


def test_what_a_teacher_hides_is_out_of_sight_and_parameters_of_others_stay(visit):
    one = visit("hide=samples,model,probability,badges&__theme=dark&utm_source=mail&__sign=a%26b")
    page, explore = one.page, Explore(one.page)
    assert told(page) == ""
    for gone in ("#samples", "#model", "#controls-probability", "figure.probability", "figure.raw .badges"):
        assert not page.locator(gone).is_visible(), gone
    for there in ("#picture", "#controls-bounded", "figure.regularised svg"):
        assert page.locator(there).first.is_visible(), there
    right = page.locator("#grid").bounding_box()
    last = page.locator("figure.regularised").bounding_box()
    assert right["x"] + right["width"] - (last["x"] + last["width"]) < 30, "two columns fill the grid"
    explore.type("hi", 3)
    page.wait_for_function("() => explore.state.settings.hi === 3")
    link = asked(page)
    assert (link["hide"], link["hi"]) == ("samples,model,probability,badges", "3")
    assert (link["__theme"], link["__sign"]) == ("dark", "a&b")
    assert "utm_source" not in link
