"""The picture's box and the chart are about one picture: whichever answer is late, and if there is none."""

import re
import threading
import time
from pathlib import Path

import pytest
from playwright.sync_api import expect

from constrained import images
from constrained.page import models as menu
from constrained.page import pictures
from constrained.page.server.inference import network
from constrained.page.tabs import explore

from .driver import Explore, picture

RED, GREEN = picture((200, 30, 30)), picture((30, 200, 30))
SAMPLE = pictures.SAMPLES[2]


class Late:
    """Answers about some pictures wait until they are let go."""

    def __init__(self, look) -> None:
        self._look, self.go, self.began, self.late = look, threading.Event(), threading.Event(), lambda source: False

    def __call__(self, source, *rest):
        if self.late(source):
            self.began.set()
            self.go.wait(20)
        return self._look(source, *rest)


@pytest.fixture
def late(monkeypatch):
    late = Late(menu.look)
    monkeypatch.setattr(explore, "look", late)
    yield late
    late.go.set()


@pytest.fixture
def opened(visit):
    return visit()


@pytest.fixture
def page(opened):
    return Explore(opened.page)


def logits(data: bytes) -> list:
    return pytest.approx(network("cifar10").logits(images.decode(data)).tolist(), abs=2e-6)


def box(page) -> str:
    return page.page.locator("#picture img").get_attribute("src")


def both_show(page, name: str, data: bytes) -> None:
    """Wait until the box has a file of that name and the chart its logits, and both stay."""
    expect(page.page.locator("#picture img")).to_have_attribute("src", re.compile(name))
    wanted, ends = logits(data), time.monotonic() + 10
    while page.state()["logits"] != wanted and time.monotonic() < ends:
        page.page.wait_for_timeout(50)
    page.page.wait_for_timeout(400)
    assert name in box(page)
    assert page.state()["logits"] == logits(data)
    assert page.notice() == ""


@pytest.mark.parametrize("first", ["sample", "upload"])
def test_the_later_of_two_choices_stays_whichever_answer_comes_first(page, late, first):
    sample = page.page.locator("#samples button").nth(2)
    late.late = lambda source: pictures.is_sample(source) == (first == "sample")
    start = page.state()["logits"]
    if first == "sample":
        sample.click()
        assert late.began.wait(10)
        page.upload(RED, "red.png")
        page.new_logits(start)
    else:
        page.upload(RED, "red.png")
        assert late.began.wait(10)
        sample.click()
        page.new_logits(start)
    late.go.set()
    both_show(page, *(("red", RED) if first == "sample" else (SAMPLE.stem, SAMPLE.read_bytes())))
    # Nor has what is kept of the picture gone back: another model would be asked about it.
    kept = page.page.evaluate("picture.value().path")
    assert ("red" if first == "sample" else SAMPLE.stem) in kept


@pytest.mark.parametrize("wait", [0, 10, 25, 50])
def test_a_sample_right_after_an_upload(page, wait):
    page.upload(RED, "red.png")
    page.page.wait_for_timeout(wait)
    page.page.locator("#samples button").nth(2).click()
    page.page.wait_for_timeout(600)
    shown = page.state()
    source = RED if "red" in box(page) else SAMPLE.read_bytes()
    assert shown["logits"] == logits(source)


def test_a_bad_file_brings_back_what_the_chart_is_about_by_then(page, late):
    """The good one was still on its way when the bad one was chosen."""
    start = page.state()["logits"]
    late.late = lambda source: "bad" in str(source)
    page.upload(RED, "red.png")
    page.upload(b"nothing of the kind " * 50, "bad.png")
    if late.began.wait(3):
        page.page.wait_for_timeout(300)
        late.go.set()
    expect(page.page.locator("#notice")).to_contain_text("text file")
    page.page.wait_for_timeout(500)
    shown = page.state()["logits"]
    assert ("red" in box(page), shown != start) in ((True, True), (False, False))
    assert shown in (logits(RED), start)


def test_a_file_that_cannot_be_sent_leaves_the_picture_of_the_chart(page, opened):
    start = page.state()["logits"]
    page.upload(RED, "red.png")
    page.new_logits(start)
    before = box(page)
    page.page.route("**/gradio_api/upload*", lambda route: route.abort())
    page.upload(GREEN, "green.png")
    expect(page.page.locator(".toast-body").last).to_contain_text("cannot be reached")
    expect(page.page.locator("#picture img")).to_have_attribute("src", before)
    page.page.unroute("**/gradio_api/upload*")
    page.upload(GREEN, "green.png")
    both_show(page, "green", GREEN)
    opened.problems[:] = [p for p in opened.problems if "ERR_FAILED" not in p and "Failed to fetch" not in p]


@pytest.mark.slow
def test_the_chart_comes_back_to_the_picture_when_the_webcam_goes_off(visit):
    one = visit(permissions=["camera"])
    page = Explore(one.page)
    start = page.state()["logits"]
    camera = one.page.locator("#camera")
    one.page.locator("#live input").check()
    camera.get_by_text("Access Webcam").click()
    camera.get_by_text("Record").click()
    page.new_logits(start)
    one.page.locator("#live input").uncheck()  # while frames are on their way
    one.page.locator("#picture img").wait_for()
    both_show(page, Path(pictures.FIRST_SAMPLE).stem, pictures.FIRST_SAMPLE.read_bytes())
    one.page.wait_for_timeout(1000)
    assert page.state()["logits"] == start
