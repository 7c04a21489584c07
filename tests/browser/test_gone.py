"""A page that outlives what it talks to: the server that made it, its session there, the connection between them."""

import contextlib
import threading
import time
from collections import OrderedDict
from pathlib import Path
from urllib.parse import urlparse

import httpx
import pytest
import torch
from playwright.sync_api import expect

from constrained import heads, images, training
from constrained.modules import Clamp, ConstrainedLinear
from constrained.page import models as menu
from constrained.page.course import catalogue, experiments
from constrained.page.server import line
from constrained.page.server.inference import network as classifier
from constrained.page.tabs import calibrate, explore, export, train

from .conftest import LOADED, visiting
from .driver import Explore, load, picture
from .network import Network
from .test_own_head import upload

BROKE = "The connection to the server was lost before the answer came: try again."
UNREACHED = "The server cannot be reached: check your connection, then try again."
RED, GREEN = picture((200, 30, 30)), picture((30, 200, 30))


@pytest.mark.slow
def test_another_server_gives_no_answer_and_the_page_loads_anew(browser, server):
    """It knows none of the visitor's pictures, and would say what it sees in its own first one."""
    with visiting(browser, server) as visit:
        explore = Explore(visit.page)
        first = explore.state()["logits"]
        explore.upload(picture((200, 30, 30)))
        red = explore.new_logits(first)
        load(visit.page, "base/registry.js", "facts")
        visit.page.evaluate("facts.registry.page = 'another'")
        with visit.page.expect_navigation():
            explore.upload(picture((30, 200, 30)))
            visit.page.get_by_text("server that made this page is gone").wait_for()
            assert explore.state()["logits"] == red
        visit.page.evaluate(LOADED)
        assert explore.state()["logits"] == first
        explore.upload(picture((200, 30, 30)))
        assert explore.new_logits(first) == red


# The session --------------------------------------------------------------------------------------------------------


@pytest.fixture
def forgotten(server, monkeypatch):
    """A function after which the server knows no session of before: others have come, as many as it keeps."""
    from app import demo

    monkeypatch.setattr(demo.app.state_holder, "capacity", 20)
    (halt,) = (fn._id for fn in demo.fns.values() if fn.fn is train.on_halt)

    def come():
        for number in range(25):
            asked = {"fn_index": halt, "data": [], "event_data": {"question": 1}, "session_hash": f"other {number}"}
            httpx.post(f"{server}/gradio_api/run/predict", json=asked).raise_for_status()
        assert set(demo.app.state_holder.session_data) <= {f"other {number}" for number in range(25)}

    return come


def logits(data: bytes, layer=None) -> list:
    return pytest.approx(classifier("cifar10").logits(images.decode(data), layer).tolist(), abs=2e-6)


@pytest.mark.slow
def test_the_answer_is_about_the_picture_and_the_head_on_the_page(visit, forgotten, monkeypatch):
    """gradio's own state would be the first sample by then, and no head."""
    torch.manual_seed(0)
    layer = ConstrainedLinear(512, 10, constraint=Clamp(5.5, 8.0)).eval()
    known = training.data()
    data = heads.save(layer, "clamp", known.classes, known.network)
    page = visit().page
    here = Explore(page)
    first = here.state()["logits"]
    here.upload(RED)
    red = here.new_logits(first)
    assert red == logits(RED)

    forgotten()
    upload(page, data)
    own = here.new_logits(red)
    assert own == logits(RED, layer)
    forgotten()
    here.choose("model", "CIFAR-10, bundled")
    assert here.new_logits(own) == logits(RED)
    forgotten()
    here.choose("model", "CIFAR-10, your head")
    assert here.new_logits(red) == logits(RED, layer)
    assert here.state()["image"] is None
    forgotten()
    page.locator("#samples button").nth(0).click()
    sample = here.new_logits(own)
    expect(page.locator("#seen")).to_contain_text("Your head", use_inner_text=True)
    assert here.notice() == ""

    looked, look = [], menu.look
    monkeypatch.setattr(explore, "look", lambda source, *rest: looked.append(source) or look(source, *rest))
    here.upload(GREEN)
    green = here.new_logits(sample)
    Path(looked[-1]).unlink()  # as an hour later
    here.choose("model", "CIFAR-10, bundled")
    expect(page.locator("#notice")).to_have_text("The picture is no longer available: choose another one.")
    assert here.state()["logits"] == green == logits(GREEN, layer)
    expect(page.locator("#model input")).to_have_value("CIFAR-10, your head")


@pytest.mark.slow
def test_a_set_of_ones_own_is_fitted_though_the_session_is_gone(visit, forgotten):
    page = visit("tab=calibrate").page
    page.wait_for_function("() => calibrate.state.set")
    rows = "\n".join(f"{i % 2},{i % 5},{(i * 7) % 4}" for i in range(60))
    file = {"name": "mine.csv", "mimeType": "text/csv", "buffer": f"label,a,b\n{rows}\n".encode()}
    page.locator("#calibrate-file input[type=file]").set_input_files(file)
    page.wait_for_function("() => calibrate.state.set.name === 'mine.csv'")
    forgotten()
    page.locator("#calibrate-fit").click()
    result = expect(page.locator("#calibrate-result"))
    result.to_contain_text("36 rows", use_inner_text=True)
    page.locator("#calibrate-back").click()
    page.wait_for_function("() => calibrate.state.set.width === 10")
    page.locator("#calibrate-fit").click()
    result.to_contain_text("6,000 rows", use_inner_text=True)


# The connection -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def net(server):
    net = Network(urlparse(server).port)
    yield net
    net.close()


@pytest.fixture
def far(browser, net):
    """A visit over a network that fails when told to."""
    net.up, net.deaf = True, False
    with visiting(browser, f"http://127.0.0.1:{net.port}") as visit:
        yield visit
    errors = [one for one in visit.problems if "uncaught" in one]
    assert errors == []


class Slow:
    """Makes what the server does take as long as it is held up, and counts how often it began."""

    def __init__(self) -> None:
        self.began, self.go = threading.Semaphore(0), threading.Event()

    def __call__(self, does):
        def slowly(*args, **options):
            self.began.release()
            self.go.wait(20)
            return does(*args, **options)

        return slowly

    @contextlib.contextmanager
    def held(self):
        """While what is asked meanwhile is at work."""
        self.go.clear()
        yield
        assert self.began.acquire(timeout=10)


@pytest.fixture
def slow(monkeypatch):
    slow = Slow()
    slow.go.set()
    for module, name in [
        (explore, "look"),
        (explore, "sent_back"),
        (calibrate.calibration, "fit_temperature"),
        (experiments, "run"),
    ]:
        monkeypatch.setattr(module, name, slow(getattr(module, name)))
    monkeypatch.setattr(export, "make", slow(lambda path, *_: path.write_text("a model")))
    monkeypatch.setattr(export, "_made", OrderedDict())
    yield slow
    slow.go.set()


def cut(page, net, slow, do) -> None:
    """Ask something, and have the connection break before the answer comes."""
    while slow.began.acquire(blocking=False):
        pass
    with (
        page.expect_response(lambda response: "queue/join" in response.url) as taken,
        page.expect_response(lambda response: "queue/data" in response.url),
        slow.held(),
    ):
        do()
    taken.value.finished()  # before that, the server could not be reached
    net.cut()


def trained(page, states: list[str]) -> None:
    page.wait_for_function(
        "(states) => JSON.stringify(train.runs.map(({ state }) => state)) === JSON.stringify(states)", arg=states
    )


def open_train(page, epochs: int = 20):
    page.get_by_role("tab", name="Train").click()
    page.locator("#train-actions button").first.wait_for()
    page.evaluate("(epochs) => train.set('epochs', epochs)", epochs)
    return page.locator("#train-actions").get_by_role("button", name="Train", exact=True)


@pytest.mark.slow
def test_train_works_after_a_break_and_tells_one_in_the_middle(far, net):
    page = far.page
    press, status = open_train(page).click, expect(page.locator(".train-progress span"))
    press()
    trained(page, ["done"])
    net.cut()
    press()
    trained(page, ["done", "done"])

    for breaks in (net.cut, net.lose):
        page.evaluate("train.set('epochs', 500)")
        press()
        page.wait_for_function("train.runs.at(-1).points.length > 1")
        breaks()
        status.to_contain_text(BROKE)
        assert page.evaluate("train.runs.at(-1).state") == "failed"
        page.evaluate("train.set('epochs', 20)")
        press()
        page.wait_for_function("train.runs.at(-1).state === 'done'")
    assert page.evaluate("train.runs.filter(({ head }) => head).length") == 4
    page.get_by_role("button", name="Sweep λ").click()
    page.wait_for_function("train.sweep.lambda?.points.length > 0")
    net.cut()
    status.to_contain_text(f"Sweep failed. {BROKE}")


def test_a_run_that_nobody_hears_of_ends(far, net):
    """Whether the browser is gone for good or back already, its place is free for others."""
    from app import demo

    page = far.page
    press = open_train(page, 500).click
    queue = demo._queue
    for _ in range(3):
        press()
        page.wait_for_function("train.runs.at(-1).points.length > 1")
        net.cut()
        page.wait_for_function("train.runs.at(-1).state === 'failed'")
        ends = time.monotonic() + 5
        while queue.event_queue_per_concurrency_id["fits"].current_concurrency and time.monotonic() < ends:
            time.sleep(0.05)
        assert queue.event_queue_per_concurrency_id["fits"].current_concurrency == 0


@pytest.mark.slow
def test_a_question_that_does_not_arrive_leaves_the_others_alone(far):
    page = far.page
    here = Explore(page)
    first = here.state()["logits"]
    press = open_train(page, 400).click
    press()
    page.wait_for_function("train.runs.at(-1).points.length > 1")
    page.route("**/queue/join*", lambda route: route.abort(), times=1)
    page.get_by_role("tab", name="Explore").click()
    for _ in range(2):
        page.locator("#samples button").nth(0).click()
        expect(page.locator(".toast-body")).to_contain_text(UNREACHED)
    here.new_logits(first)
    trained(page, ["done"])


@pytest.mark.slow
def test_silence_counts_as_a_break(far, net):
    page = far.page
    load(page, "base/registry.js", "facts")
    page.evaluate("facts.registry.silence = 1500")
    press, status = open_train(page, 500).click, expect(page.locator(".train-progress span"))
    press()
    page.wait_for_function("train.runs.at(-1).points.length > 1")
    net.deaf = True
    status.to_contain_text(BROKE)
    page.evaluate("train.set('epochs', 20)")
    press()
    status.to_contain_text(UNREACHED)
    net.deaf = False
    net.cut()
    press()
    page.wait_for_function("train.runs.at(-1).state === 'done'")


@pytest.mark.slow
def test_without_a_network_all_that_is_asked_is_told_and_works_again_with_it(far, net):
    page = far.page
    here = Explore(page)
    first = here.state()["logits"]
    here.upload(RED)
    red = here.new_logits(first)
    net.up = False
    net.cut()
    toast = expect(page.locator(".toast-body").last)
    page.locator("#samples button").nth(2).click()
    toast.to_contain_text(UNREACHED)
    here.upload(GREEN)
    toast.to_contain_text(f"Connection errored out. {UNREACHED}")
    press = open_train(page).click
    press()
    expect(page.locator(".train-progress span")).to_contain_text(f"Run 1 failed. {UNREACHED}")
    page.get_by_role("tab", name="Code").click()
    expect(page.locator(".code-told")).to_contain_text(UNREACHED)
    page.get_by_role("tab", name="Calibrate").click()
    page.wait_for_timeout(300)
    assert here.state()["logits"] == red

    net.up = True
    page.evaluate("dispatchEvent(new Event('online'))")
    page.wait_for_function("() => calibrate.state.set")
    page.get_by_role("tab", name="Code").click()
    expect(page.locator(".code-file")).to_contain_text(".py")
    expect(page.locator(".code-told")).to_have_text("")
    open_train(page)
    press()
    trained(page, ["done"])
    page.get_by_role("tab", name="Explore").click()
    here.upload(GREEN)
    assert here.new_logits(red) == logits(GREEN)


@pytest.mark.slow
def test_whatever_waits_when_the_connection_breaks_ends_with_a_sentence(far, net, slow):
    page = far.page
    here = Explore(page)
    notice = expect(page.locator("#notice"))
    now = here.state()["logits"]
    sample = page.locator("#samples button").nth
    for ask, again in [
        (lambda: here.upload(RED), lambda: here.upload(GREEN)),
        (lambda: sample(3).click(), lambda: sample(2).click()),
    ]:
        cut(page, net, slow, ask)
        notice.to_contain_text(BROKE)
        slow.go.set()
        assert here.state()["logits"] == now
        again()
        now = here.new_logits(now)
        notice.to_have_text("")

    cut(page, net, slow, page.locator("#gradient input").check)
    notice.to_contain_text(BROKE)
    slow.go.set()
    here.type("lo", -1)
    page.wait_for_function("() => explore.state.gradients && !explore.state.stale")
    notice.to_have_text("")

    page.get_by_role("tab", name="Calibrate").click()
    page.wait_for_function("() => calibrate.state.set")
    notice = expect(page.locator("#calibrate-notice"))
    cut(page, net, slow, page.locator("#calibrate-fit").click)
    notice.to_contain_text(BROKE)
    slow.go.set()
    page.locator("#calibrate-fit").click()
    expect(page.locator("#calibrate-result")).to_contain_text("T =")
    notice.to_have_text("")

    page.get_by_role("tab", name="Code").click()
    notice = expect(page.locator("#export-told"))
    cut(page, net, slow, page.locator("#export-pt2").click)
    notice.to_contain_text(BROKE)
    slow.go.set()
    with page.expect_download():
        page.locator("#export-pt2").click()

    lesson = next(lesson for lesson in catalogue.catalogue() if lesson["slug"] == "mistakes")
    number = next(number for number, step in enumerate(lesson["steps"], 1) if step["run"])
    page.evaluate("(step) => lessons.open('mistakes', step)", number)
    load(page, "base/server/pending.js", "pending")
    page.wait_for_function("() => pending.waiting.size === 0")  # the step has its picture, whose stream is closed
    panel = page.locator("#lesson")
    cut(page, net, slow, panel.get_by_role("button", name="Show me").click)
    told = panel.locator(".lesson-table")
    expect(told.get_by_role("alert")).to_have_text(BROKE)
    slow.go.set()
    panel.get_by_role("button", name="Run it again").click()
    expect(told.locator(".lesson-caption")).to_be_visible(timeout=60_000)


# The line -----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(("limit", "sentence"), [("EACH", line.YOURS_FULL), ("LONGEST", line.FULL)])
def test_a_line_that_is_full_is_told_and_nothing_waits(browser, server, monkeypatch, limit, sentence):
    with visiting(browser, server) as visit:
        page = visit.page
        press, status = open_train(page).click, expect(page.locator(".train-progress span"))
        press()
        trained(page, ["done"])
        with monkeypatch.context() as patch:
            patch.setattr(line, limit, 0)
            press()
            status.to_contain_text(f"Run 2 failed. {sentence}")
            expect(page.locator(".toast-body")).to_contain_text(sentence)
            trained(page, ["done"])
        press()
        trained(page, ["done", "done"])
