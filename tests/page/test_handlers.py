"""Handlers that return by name: what they leave out stays as it is, and a name that is none is an error."""

import asyncio

import gradio as gr
import pytest
from gradio.state_holder import SessionState

from constrained.page import layout
from constrained.page.controls import handle

STAYS = gr.skip()


def answers(handler, *names, inputs=(), event=None):
    """What a page sends back: all that a handler of outputs with these names returns, or yields, in their order."""
    with layout.Demo() as page:
        given = [gr.Textbox() for _ in inputs]
        handle(gr.Button().click, handler, given, {name: gr.Textbox() for name in names})
    (fn,) = page.fns.values()
    assert fn.fn is handler
    told, iterator, generating = [], None, True
    while generating:
        asked = {"state": SessionState(page), "event_data": gr.EventData(None, event), "iterator": iterator}
        answer = asyncio.run(page.process_api(fn, list(inputs), request=gr.Request(), **asked))
        told.append(answer["data"])
        iterator, generating = answer["iterator"], answer["is_generating"]
    return told


@pytest.mark.parametrize(
    ("returned", "sent"),
    [
        ({"c": "3", "a": "1"}, ["1", STAYS, "3"]),
        ({"a": "1", "b": None, "c": ""}, ["1", None, ""]),
        ({"b": gr.skip()}, [STAYS] * 3),
        ({}, [STAYS] * 3),
    ],
)
def test_what_is_left_out_stays_as_it_is(returned, sent):
    assert answers(lambda: returned, "a", "b", "c") == [sent]


@pytest.mark.parametrize(("returned", "sent"), [({"a": "1"}, "1"), ({"a": None}, None), ({}, STAYS)])
def test_one_output_is_like_several(returned, sent):
    assert answers(lambda: returned, "a") == [[sent]]


def test_updates_are_sent_as_updates():
    ((sent, _),) = answers(lambda: {"a": gr.Textbox(value="1", visible=False)}, "a", "b")
    assert (sent["value"], sent["visible"], sent["__type__"]) == ("1", False, "update")


@pytest.mark.parametrize("names", ["a", "ab"])
def test_a_generators_parts_are_read_by_name_until_it_ends(names):
    def handler():
        yield {"a": "1"}
        yield {}
        yield {"a": "2"}

    told = [parts[0] for parts in answers(handler, *names)]
    assert told[:3] == ["1", STAYS, "2"]


def test_arguments_are_as_gradio_passes_them():
    def handler(text: str, event: gr.EventData, request: gr.Request) -> dict:
        return {"a": f"{text} {event._data['run']} {type(request).__name__}"}

    assert answers(handler, "a", "b", inputs=["x"], event={"run": 7}) == [["x 7 Request", STAYS]]


@pytest.mark.parametrize("names", ["a", "ab"])
@pytest.mark.parametrize("returned", [{"c": "3"}, {"a": "1", "c": "3"}, gr.skip()])
def test_a_name_that_is_none_is_an_error(names, returned):
    with pytest.raises(gr.Error) as told:
        answers(lambda: returned, *names)
    assert isinstance(told.value.__cause__, ValueError)
    assert "but its outputs are" in str(told.value.__cause__)
