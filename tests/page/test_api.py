"""What a program can call, over the wire, with gradio's own client."""

import math
import threading

import gradio as gr
import httpx
import pytest
import torch
from gradio_client import Client, handle_file

from constrained import images, models, registry
from constrained.page import models as menu
from constrained.page import pictures
from constrained.page.server import inference
from constrained.page.tabs import explore

DEFAULTS = {key: parameter.default for key, parameter in registry.PARAMETERS.items()}


@pytest.fixture(scope="module")
def client():
    from app import demo

    _, url, _ = demo.launch(server_name="127.0.0.1", prevent_thread_lock=True, quiet=True)
    yield Client(url, verbose=False)
    demo.close(verbose=False)


def test_exactly_two_endpoints_are_named(client):
    assert set(client.view_api(return_format="dict", print_info=False)["named_endpoints"]) == {
        "/classify",
        "/constrain",
    }


def test_the_examples_that_the_page_shows_run_as_they_stand(client):
    """What "Use via API" in the footer shows; gradio's own for a picture is an address, which nobody fetches here."""
    for name, endpoint in client.view_api(return_format="dict", print_info=False)["named_endpoints"].items():
        given = {one["parameter_name"]: one["example_input"] for one in endpoint["parameters"]}
        answer = client.predict(**given, api_name=name)
        assert answer["outputs" if name == "/constrain" else "logits"]
        for parameter in endpoint["parameters"]:
            assert parameter["python_type"]["description"], parameter["parameter_name"]
    constrain = client.view_api(return_format="dict", print_info=False)["named_endpoints"]["/constrain"]["parameters"]
    assert constrain[1]["type"]["enum"] == list(registry.REGISTRY)


def test_classify_gives_the_networks_logits(client):
    answer = client.predict(handle_file(str(pictures.FIRST_SAMPLE)), "cifar10", api_name="/classify")
    picture = images.decode(pictures.FIRST_SAMPLE.read_bytes())
    assert answer["logits"] == pytest.approx(inference.network("cifar10").logits(picture).tolist(), abs=1e-5)
    assert answer["labels"] == list(inference.network("cifar10").checkpoint.labels)


@pytest.mark.parametrize("key", registry.REGISTRY)
def test_constrain_gives_the_librarys_outputs(client, key):
    logits = [3.5, -1.25, 0.0, 7.0, -6.0]
    answer = client.predict(logits, key, api_name="/constrain")
    expected = registry.build(key, DEFAULTS)(torch.tensor(logits, dtype=torch.float64))
    assert answer == {"method": key, "outputs": pytest.approx(expected.tolist(), abs=1e-12)}


def test_parameters_arrive(client):
    answer = client.predict([5.0, -5.0], "clamp", lo=-1, hi=2.5, api_name="/constrain")
    assert answer["outputs"] == [2.5, -1.0]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"method": "relu"}, "method must be one of"),
        ({"method": "clamp", "lo": 3, "hi": 1}, "lo must not be greater than hi"),
        ({"temperature": 0}, "temperature must be from 0.05 to 20"),
        ({"logits": []}, "1 to 1000 numbers"),
        ({"logits": [0.5] * 1001}, "1 to 1000 numbers"),
        ({"logits": "12"}, "1 to 1000 numbers"),
        ({"logits": [1.0, True]}, "finite numbers below a million"),
        ({"logits": [1.0, 10**400]}, "finite numbers below a million"),
        ({"temperature": 10**400}, "temperature must be from 0.05 to 20"),
        ({"method": ["softmax"]}, "method must be one of"),
        ({"temperature": {"path": "/etc/passwd"}}, "not in the cache folder"),
        ({"temperature": {"a": 1}}, "temperature must be a number from 0.05 to 20"),
    ],
)
def test_wrong_arguments_get_a_sentence(client, arguments, told):
    with pytest.raises(Exception, match=told) as caught:
        client.predict(**{"logits": [1.0, 2.0], "method": "softmax"} | arguments, api_name="/constrain")
    assert "Traceback" not in str(caught.value)


def test_a_file_that_is_no_picture_gets_a_sentence(client, tmp_path):
    path = tmp_path / "cat.png"
    path.write_text("meow", encoding="utf-8")
    with pytest.raises(Exception, match="This is a text file"):
        client.predict(handle_file(str(path)), "cifar10", api_name="/classify")


def test_an_unknown_model_gets_a_sentence(client):
    with pytest.raises(Exception, match="model must be one of cifar10, imagenet"):
        client.predict(handle_file(str(pictures.FIRST_SAMPLE)), "vgg", api_name="/classify")


@pytest.mark.slow
def test_a_model_on_its_way_holds_nobody_up(client, monkeypatch):
    """More visitors choose it than there are places for pictures, and look at a sample with it meanwhile."""
    from app import demo

    arrived = threading.Event()

    def slow():
        arrived.wait(60)
        raise models.CheckpointError("This is not fetched in a test.")

    monkeypatch.delitem(inference._networks, "imagenet", raising=False)
    monkeypatch.setitem(models.CHECKPOINTS, "imagenet", slow)
    numbers = {fn.fn: fn._id for fn in demo.fns.values()}
    visitors = [f"visitor {number}" for number in range(explore.NETWORK["concurrency_limit"] + 2)]
    asked = {explore.on_model: ["imagenet", None, None, None], explore.on_sample: ["imagenet", None]}
    try:
        for function, data in asked.items():
            for visitor in visitors:
                body = {
                    "data": data,
                    "fn_index": numbers[function],
                    "session_hash": visitor,
                    "event_data": {"index": 0},
                }
                httpx.post(f"{client.src}gradio_api/queue/join", json=body).raise_for_status()
        question = client.submit(handle_file(str(pictures.FIRST_SAMPLE)), "cifar10", api_name="/classify")
        assert question.result(timeout=30)["model"] == "cifar10"
    finally:
        arrived.set()
        told = [httpx.get(f"{client.src}gradio_api/queue/data?session_hash={v}", timeout=60).text for v in visitors]
    assert all("This is not fetched in a test." in one for one in told)
    assert sum("This model is still being loaded" in one for one in told) >= len(told) - 1


@pytest.mark.parametrize("path", ["/etc/passwd", "app.py", "/proc/self/environ"])
def test_files_of_the_server_cannot_be_classified(client, path):
    """A path that this visitor did not upload is refused before anything reads it."""
    for picture in ({"path": path, "meta": {"_type": "gradio.FileData"}}, {"path": path}):
        body = {"data": [picture, "cifar10"]}
        event = httpx.post(f"{client.src}gradio_api/call/classify", json=body).json()["event_id"]
        told = httpx.get(f"{client.src}gradio_api/call/classify/{event}", timeout=30).text
        assert told.startswith("event: error")
        assert "text file" not in told  # what the decoder would say of its content


def ask(**changes):
    """The gradient event as the chart sends it."""
    question = {
        "logits": [2.0, -1.0, 0.5],
        "methods": dict(menu.METHODS),
        "settings": dict(DEFAULTS),
        "target": 0,
        "question": 1,
    }
    return gr.EventData(None, question | changes)


def test_gradients_need_no_more_than_was_asked():
    assert '"question": 1' in explore.on_gradient(ask())


@pytest.mark.parametrize("number", [None, True, 1.5, "1", [], {}])
def test_a_question_has_a_whole_number(number):
    with pytest.raises(gr.Error, match="question must be a whole number"):
        explore.on_gradient(ask(question=number))


@pytest.mark.parametrize(
    "changes",
    [
        {"logits": [1.0]},
        {"logits": [1.0] * 1001},
        {"logits": [math.nan, 1.0, 2.0]},
        {"logits": [10**400, 1.0, 2.0]},
        {"logits": [1e6, 1.0, 2.0]},
        {"logits": "abc"},
        {"target": 3},
        {"target": -1},
        {"target": "0"},
        {"methods": {}},
        {"methods": None},
        {"methods": {"bounded": "eval", "probability": "softmax", "regularised": "prox_l1"}},
        {"settings": DEFAULTS | {"temperature": 0}},
        {"settings": DEFAULTS | {"lam": math.inf}},
        {"settings": []},
    ],
)
def test_hostile_questions_for_gradients_are_refused(changes):
    with pytest.raises(gr.Error, match="The gradient cannot be computed"):
        explore.on_gradient(ask(**changes))
