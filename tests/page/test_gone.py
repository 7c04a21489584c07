"""A visitor whom the server has forgotten: it keeps nothing of them that an answer could depend on."""

import asyncio
import base64
import io
import json
import types

import gradio as gr
import numpy as np
import pytest
from gradio.state_holder import SessionState
from PIL import Image

import app
from constrained import heads, images, training
from constrained.modules import ConstrainedLinear
from constrained.page import controls, pictures
from constrained.page.server import guard
from constrained.page.server.inference import network
from constrained.page.tabs import calibrate, explore, train
from constrained.parameters import Number
from constrained.registry import PARAMETERS

VALUES = [p.default if isinstance(p, Number) else "" for p in PARAMETERS.values()]  # what the rows hold


def picture(colour) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (50, 40), colour).save(file, "PNG")
    return file.getvalue()


def uploaded(content: bytes, name: str) -> str:
    """A file as gradio stores it; its path."""
    path = guard.folder() / ("0" * 64) / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return str(path)


@pytest.fixture(scope="module")
def head() -> bytes:
    known = training.data()
    return heads.save(ConstrainedLinear(known.width, len(known.classes)), "", known.classes, known.network)


def asked(function, data: list, event: object = None) -> dict:
    """What somebody is answered whom the server does not know, or no longer; by the names of the function's outputs."""
    (fn,) = (fn for fn in app.demo.fns.values() if fn.fn is function)
    event = gr.EventData(None, event)
    answer = app.demo.process_api(fn, data, state=SessionState(app.demo), event_data=event, request=gr.Request())
    return dict(zip(fn.named, asyncio.run(answer)["data"], strict=True))


def test_nothing_is_kept_in_a_session():
    """gradio drops one when a thousand others have come, or an hour after its connection broke."""
    assert not [block for block in app.demo.blocks.values() if isinstance(block, gr.State)]


def test_another_model_is_asked_about_the_picture_that_the_page_shows(head):
    data = picture((30, 90, 200))
    path = uploaded(data, "mine.png")
    held = base64.b64encode(head).decode()
    answer = asked(explore.on_model, ["yours", held, path, "cifar10"])
    chart = json.loads(answer["chart"])
    assert chart["image"] is None
    expected = network("cifar10").logits(images.decode(data), heads.load(head).layer)
    np.testing.assert_allclose(chart["logits"], expected, atol=1e-5)
    assert (answer["picture"]["path"], answer["shown"]) == (path, path), "the answer says what it is about"
    answer = asked(explore.on_model, ["cifar10", held, "dog", "yours"])
    assert (json.loads(answer["chart"])["image"], answer["shown"], answer["current"]) == ("dog", "dog", "cifar10")
    assert answer["picture"]["path"].endswith("dog.jpg")


@pytest.mark.parametrize(
    "path",
    [
        str(guard.folder() / ("1" * 64) / "swept.png"),
        str(guard.folder() / "lock"),
        str(pictures.FIRST_SAMPLE),
        str(controls.ASSETS / "page.png"),
        "/etc/passwd",
        f"{guard.folder()}/{'0' * 64}/../../cat.jpg",
        f"{guard.folder()}/{'0' * 64}/\0",
        "x" * 5000,
        "horse-that-is-none",
        "",
        None,
        7,
    ],
    ids=map(str, range(12)),  # the same in every process that tests run in
)
def test_a_picture_that_is_gone_or_nobodys_is_told(path, head):
    held = base64.b64encode(head).decode()
    told = "The picture is no longer available: choose another one."
    answer = asked(explore.on_model, ["cifar10", held, path, "imagenet"])
    assert told in answer["notice"]
    assert answer["model"] == "imagenet"
    answer = asked(train.on_use, [path, held], {"head": held})
    assert told in answer["train.notice"]
    if path:
        answer = asked(calibrate.on_fit, ["clamp", path, *VALUES])
        assert "Your file is no longer available" in answer["notice"]
        assert "T =" not in str(answer)


def test_a_set_of_ones_own_is_fitted_whoever_asks():
    rows = "\n".join(f"{i % 2},{i % 5},{(i * 7) % 4}" for i in range(60))
    path = uploaded(f"label,a,b\n{rows}\n".encode(), "mine.csv")
    answer = json.dumps(asked(calibrate.on_fit, ["softmax", path, *VALUES]))
    assert "fitted on 36 rows" in answer.replace("{rows}", "36")
    assert "6,000" in json.dumps(asked(calibrate.on_fit, ["softmax", "", *VALUES]))


# Runs ---------------------------------------------------------------------------------------------------------------


def question(session: str, number: int, fn=train.on_run):
    return types.SimpleNamespace(
        session_hash=session,
        fn=types.SimpleNamespace(fn=fn),
        data=types.SimpleNamespace(event_data={"question": number, "axis": "lambda", "setting": {}}),
    )


def test_what_is_halted_ends_and_nothing_that_comes_later(monkeypatch):
    line = [question("ann", 2), question("ann", 3, train.on_sweep), question("ann", 4), question("bob", 1)]
    work = [[question("ann", 1)], None, [question("bob", 2)], [question("ann", 2, explore.on_gradient)]]
    queue = types.SimpleNamespace(
        active_jobs=work,
        event_queue_per_concurrency_id={"fits": types.SimpleNamespace(queue=line)},
    )
    blocks = types.SimpleNamespace(get=lambda: types.SimpleNamespace(_queue=queue))
    monkeypatch.setattr(train, "LocalContext", types.SimpleNamespace(blocks=blocks))
    asyncio.run(train.on_halt(gr.EventData(None, {"question": 3}), types.SimpleNamespace(session_hash="ann")))
    marked = [train.HALTED in one.data.event_data for one in [*line, *(job[0] for job in work if job)]]
    assert marked == [True, True, False, False, True, False, False]
    for one in line[:2]:
        assert list(one.fn.fn(gr.EventData(None, one.data.event_data))) == []
    setting = {"method": "", "epochs": 10}
    later = [json.loads(told) for told in train.on_run(gr.EventData(None, {"question": 5, "setting": setting}))]
    assert later[-1]["state"] == "done"
