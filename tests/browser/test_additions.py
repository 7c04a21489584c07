"""The page of a copy to which three constraints were added as CONTRIBUTING.md says: every tab works with them."""

import contextlib
import re

import numpy as np
import pytest
import torch
from gradio_client import Client
from playwright.sync_api import expect

from constrained import calibration
from constrained.page.tabs.calibrate import bundled
from tests import additions
from tests.load.server import serving

from .conftest import visiting
from .driver import Explore

pytestmark = pytest.mark.slow
OFFSETS = {"cat": 2.0, "dog": -1.0}
SPELLED = "cat=2; dog=-1"


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The address of the copy's page."""
    folder = tmp_path_factory.mktemp("project") / "copy"
    additions.copy(folder)
    additions.add(folder)
    with serving(folder=folder) as server:
        yield server.url


@pytest.fixture
def opened(browser, copy):
    """Opens the copy's page by a link's query."""
    with contextlib.ExitStack() as stack:
        visits = []

        def open_page(query: str = ""):
            url = f"{copy}/?{query}" if query else copy
            visits.append(stack.enter_context(visiting(browser, url)))
            return visits[-1].page

        yield open_page
        assert [problem for one in visits for problem in one.problems] == []


def numbers(page) -> tuple[torch.Tensor, dict, list[str]]:
    """Raw logits, outputs by family, and labels of the chart."""
    state = Explore(page).state()
    outputs = {family: torch.tensor(one["y"], dtype=torch.float64) for family, one in state["outputs"].items()}
    labels = page.evaluate("explore.state.labels")
    return torch.tensor(state["logits"], dtype=torch.float64), outputs, labels


def offsets(labels: list[str]) -> torch.Tensor:
    return torch.tensor([OFFSETS.get(label, 0.0) for label in labels], dtype=torch.float64)


def write(page, owner: str, text: str, key: str = "offset"):
    """Put a text into the box of a parameter, and leave it; the box."""
    box = page.locator(f"#{owner}-{key}-value textarea, #{owner}-{key}-value input").first
    box.fill(text)
    box.blur()
    return box


def test_a_new_number_has_its_slider_formula_and_badges(opened):
    page = opened()
    explore = Explore(page)
    explore.choose("method-bounded", "Limit the size")
    assert page.locator("#explore-lo-slider").is_hidden()
    assert page.locator("figure.raw .bounds, figure.raw text", has_text="lo").count() == 0
    slider = page.locator("#explore-limit-slider input[type=range]")
    slider.focus()
    for _ in range(6):
        slider.press("ArrowLeft")
    limit = page.evaluate("explore.state.settings.limit")
    assert limit < 2
    z, outputs, _ = numbers(page)
    assert torch.allclose(outputs["bounded"], z.clamp(-limit, limit), rtol=1e-6)
    expect(page.locator("figure.bounded .formula")).to_contain_text(f"−{limit:g}")
    expect(page.locator("figure.bounded .badges")).to_contain_text("pass no gradient")
    page.locator("#gradient input").check()
    page.wait_for_function("() => explore.state.gradients && !explore.state.stale")
    sent = page.evaluate("explore.state.gradients.bounded.gradient")
    assert all((g == 0) == (abs(v) > limit) for g, v in zip(sent, z.tolist(), strict=True))


def test_a_number_for_each_class_is_written_as_a_text(opened):
    page = opened()
    explore = Explore(page)
    explore.choose("method-regularised", "Logit adjustment")
    write(page, "explore", "dog = −1, cat = 2")
    box = page.locator("#explore-offset-value textarea, #explore-offset-value input").first
    expect(box).to_have_value(SPELLED)
    z, outputs, labels = numbers(page)
    assert torch.allclose(outputs["regularised"], z + offsets(labels), rtol=1e-6)
    expect(page.locator("figure.regularised .formula")).to_have_text("y = z + b")
    page.locator("figure.regularised g[data-class]").first.hover()
    expect(page.locator("figure.regularised .example")).to_contain_text("+ 2 =")
    # What cannot be read is told, kept, and changes nothing; a class of another model is told too.
    for text, says in (
        ("cat = two", "Write a class and its number"),
        ("cat = 99", "is not a number from"),
        ("bird2 = 1", "is not one of"),
    ):
        write(page, "explore", text)
        expect(page.locator("#notice")).to_contain_text(says)
        expect(box).to_have_value(text)
    expect(page.locator("figure.regularised .note")).to_contain_text("no such class: bird2")
    write(page, "explore", SPELLED)
    expect(page.locator("#notice")).to_have_text("")
    page.wait_for_function("() => location.search.includes('offset=cat=2;%20dog=-1')")
    # Reset empties it.
    explore.button("Reset").click()
    expect(box).to_have_value("")
    z, outputs, _ = numbers(page)
    assert page.evaluate("explore.state.settings.offset") == ""


def test_a_mask_is_written_as_names(opened):
    page = opened("image=cat&family=probability&method=masked_softmax")
    for text, spelled, left in (
        ("dog , cat", "cat; dog", {"cat", "dog"}),
        ("#3", "cat", {"cat"}),
        ("cat; cat", "cat; cat", {"cat"}),
        ("", "", set()),
    ):
        expect(write(page, "explore", text, "excluded")).to_have_value(spelled)
        z, outputs, labels = numbers(page)
        out = torch.tensor([label in left for label in labels])
        assert torch.allclose(outputs["probability"], torch.softmax(z.masked_fill(out, -torch.inf), 0), rtol=1e-6)
        if "; cat" not in text:
            expect(page.locator("#notice")).to_have_text("")
            continue
        expect(page.locator("#notice")).to_contain_text("is named twice")
        expect(page.locator("figure.probability .note")).not_to_contain_text("no such class")
    # All of them: nothing is left to draw, and the page's drawing says so without an error.
    expect(write(page, "explore", "*", "excluded")).to_have_value("*")
    expect(page.locator("figure.probability .badges")).to_contain_text("entropy NaN")
    # In present mode its row is a line like those of the sliders.
    write(page, "explore", "cat", "excluded")
    page.get_by_role("button", name="Present").click()
    row = page.locator("#explore-excluded-value")
    expect(row.locator(".info-text")).to_be_hidden()
    assert row.bounding_box()["height"] < 60


def test_a_wrong_text_is_told_on_every_tab(opened):
    for tab in ("train", "calibrate"):
        page = opened(f"tab={tab}&{tab}.method=add_offset&{tab}.offset=cow=2,cat=1")
        if tab == "train":
            expect(page.locator("#train-help")).to_contain_text("no such class: cow")
        box = page.locator(f"#{tab}-offset-value textarea, #{tab}-offset-value input").first
        expect(box).to_have_value("cow=2,cat=1")
        page.wait_for_function("(tab) => globalThis[tab]", arg=tab)
        write(page, tab, "cat = two")
        expect(page.locator(f"#{tab}-notice")).to_contain_text("Write a class and its number")
        expect(write(page, tab, "dog=-1,cat=2")).to_have_value(SPELLED)
        expect(page.locator(f"#{tab}-notice")).to_have_text("")
        if tab == "train":
            expect(page.locator("#train-help")).not_to_contain_text("no such class")


def test_a_link_opens_with_both(opened):
    page = opened(
        f"image=dog&family=regularised&method=add_offset&offset={SPELLED}&bounded=limit_size&limit=0.5&a=lo:-1,offset:cat=1"
    )
    z, outputs, labels = numbers(page)
    assert torch.allclose(outputs["regularised"], z + offsets(labels), rtol=1e-6)
    assert torch.allclose(outputs["bounded"], z.clamp(-0.5, 0.5), rtol=1e-6)
    expect(page.locator("#explore-offset-value textarea, #explore-offset-value input").first).to_have_value(SPELLED)
    expect(page.locator("#explore-limit-value input")).to_have_value("0.5")
    assert page.evaluate("explore.state.a.settings.offset") == "cat=1"
    told = opened("image=cat&family=regularised&method=add_offset&offset=cat=two&limit=99").locator("#share-told")
    expect(told).to_contain_text("offset in the link was ignored")
    expect(told).to_contain_text("limit=99 in the link is not a number from 0.1 to 20")


def test_train_and_back_to_explore(opened):
    page = opened(f"tab=train&train.method=add_offset&train.offset={SPELLED}&train.epochs=20")
    page.wait_for_selector("#train-chart .runs")
    page.locator("#train-actions").get_by_role("button", name="Train").click()
    page.wait_for_function("() => train.runs.at(-1)?.state === 'done'")
    run = page.evaluate("(({ setting, points }) => ({ setting, accuracy: points.at(-1).accuracy }))(train.runs.at(-1))")
    assert run["setting"]["settings"]["offset"] == SPELLED
    assert run["accuracy"] > 0.85
    expect(page.locator("#train-block table.runs")).to_contain_text(f"Logit adjustment, b: {SPELLED}")
    page.get_by_role("button", name="Use the head of").click()
    page.wait_for_function("() => explore.state.methods.regularised === 'add_offset'")
    expect(page.locator("#explore-offset-value textarea, #explore-offset-value input").first).to_have_value(SPELLED)
    z, outputs, labels = numbers(page)
    assert torch.allclose(outputs["regularised"], z + offsets(labels), rtol=1e-6)


def test_calibrate_measures_and_fits(opened):
    page = opened(f"tab=calibrate&calibrate.method=add_offset&calibrate.offset={SPELLED}&calibrate.t=2")
    page.wait_for_function("() => calibrate.state.after && calibrate.state.settings.temperature === 2")
    shown = bundled()
    y = shown.judge[0].double() + offsets(shown.classes)
    wanted = calibration.figures(y / 2, shown.judge[1])
    page.wait_for_function("() => calibrate.state.method === 'add_offset'")
    found = page.evaluate("(({ nll, ece }) => [nll, ece])(calibrate.state.after)")
    np.testing.assert_allclose(found, [wanted.nll, wanted.ece], rtol=1e-6)
    page.locator("#calibrate-fit").click()
    fit = calibration.fit_temperature(shown.fit[0].double() + offsets(shown.classes), shown.fit[1])
    expect(page.locator("#calibrate-result")).to_contain_text(f"T = {fit.temperature:.4g}")
    page.wait_for_function("() => calibrate.state.fitted.size === 2")


def test_code_that_runs(opened, tmp_path):
    page = opened(f"tab=code&image=cat&family=regularised&method=add_offset&offset={SPELLED}")
    page.wait_for_function("() => code.state.visible?.method === 'add_offset'")
    source = page.evaluate("code.state.visible.code")
    assert re.search(r"^OFFSET\[\[3\]\] = 2\.0$", source, re.MULTILINE), source
    space = {"__name__": "script"}
    exec(compile(source, "script.py", "exec"), space)
    z, _, labels = numbers(page)
    assert torch.allclose(space["constrain"](z), z + offsets(labels))
    expect(page.locator("#code-board h2")).to_have_text(f"Regularised: Logit adjustment, b: {SPELLED}")
    for script in ("library", "training"):
        page.evaluate("(script) => code.choose(script)", script)
        page.wait_for_function("(script) => code.state.visible.name.includes(script)", arg=script)
        assert "OFFSET" in page.evaluate("code.state.visible.code")


def test_programs_can_ask_for_them(copy):
    client = Client(copy, verbose=False)
    found = client.predict([3.0, -3.0], "limit_size", limit=1.5, api_name="/constrain")
    assert found["outputs"] == [1.5, -1.5]
    found = client.predict([1.0, 2.0], "add_offset", offset=[0.5, -0.5], api_name="/constrain")
    assert found["outputs"] == [1.5, 1.5]
    assert client.predict([1.0, 2.0], "add_offset", offset=3, api_name="/constrain")["outputs"] == [4.0, 5.0]
    with pytest.raises(Exception, match="offset must have 2, one for each class, got 3"):
        client.predict([1.0, 2.0], "add_offset", offset=[1, 2, 3], api_name="/constrain")
    names = [
        p["parameter_name"]
        for p in client.view_api(return_format="dict")["named_endpoints"]["/constrain"]["parameters"]
    ]
    assert {"limit", "offset", "excluded"} <= {*names}
    found = client.predict([1.0, 2.0], "masked_softmax", excluded=[True, False], api_name="/constrain")
    assert found["outputs"] == [0.0, 1.0]
    with pytest.raises(Exception, match="excluded must be true or false for each class, got 'cat'"):
        client.predict([1.0, 2.0], "masked_softmax", excluded="cat", api_name="/constrain")
