"""The lines in which questions wait: no visitor can stop them, fill them for others, or leave something behind."""

import asyncio
import base64
import contextlib
import json
import math
import threading
import time

import httpx
import pytest

import app
from constrained import registry
from constrained.page import api, pictures
from constrained.page.server import guard, line
from constrained.page.tabs import calibrate, explore, lessons, train
from tests.page.test_safety import JSON, SETTING, Server

NUMBERS = {fn.fn: fn._id for fn in app.demo.fns.values() if fn.fn}
SWEEP = {"question": 1, "axis": "bounds", "setting": SETTING | {"method": "clamp", "epochs": 500}}
CONSTRAIN = [[2.0, -1.0], "softmax", *(parameter.default for parameter in registry.PARAMETERS.values())]
RUN = {"question": 1, "setting": SETTING | {"epochs": 500}}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    started = Server(tmp_path_factory.mktemp("around") / "uploads")
    yield started
    started.process.kill()
    started.process.wait()


def question(function, session: object, event: object = None, data: list | None = None) -> dict:
    return {"data": data or [], "fn_index": NUMBERS[function], "session_hash": session, "event_data": event}


@pytest.fixture
def asked(server):
    """Asks; what a test leaves in line or at work is ended when it is over."""
    sessions, client = set(), httpx.Client(base_url=f"{server.url}/gradio_api", timeout=60)

    def ask(function, session: object, event: object = None, data: list | None = None) -> httpx.Response:
        sessions.add(session)
        return client.post("/queue/join", json=question(function, session, event, data))

    yield ask
    for session in sessions:  # to listen once, and to go, is to leave
        with (
            contextlib.suppress(httpx.HTTPError),
            client.stream("GET", "/queue/data", params={"session_hash": session}, timeout=0.2) as stream,
        ):
            next(stream.iter_lines(), None)
    client.close()


def works(server, session: str = "somebody") -> None:
    """Others get their answers."""
    answer = server.ask(api.constrain, CONSTRAIN, session)
    assert answer["data"][0]["method"] == "softmax"


# Names --------------------------------------------------------------------------------------------------------------

NO_NAMES = ["", "x" * 101, "x" * 60_000, "a/b", "a\nb", "\0", "é", "<b>", 7, True, [], {}, ["a"]]


@pytest.mark.parametrize("name", NO_NAMES, ids=lambda name: repr(name)[:12])
def test_what_is_no_name_is_refused_wherever_one_stands(server, name):
    """gradio takes an empty session for none, and waits in vain for whom it belongs to; long ones it keeps for ever."""
    client = httpx.Client(base_url=f"{server.url}/gradio_api", timeout=30)
    bodies = {
        "/queue/join": question(train.on_run, name, RUN),
        "/run/predict": question(train.on_halt, name, {"question": 1}),
        "/call/constrain": {"data": [[1.0, 2.0], "softmax"], "session_hash": name},
        "/cancel": {"session_hash": name, "fn_index": 1, "event_id": "1"},
    }
    bodies |= {"/reset": {"event_id": name}, "/stream/1": {"data": [], "session_hash": name}}
    for path, body in bodies.items():
        answer = client.post(path, json=body)
        assert answer.status_code in (413, 422), path
        assert answer.json()["error"].endswith("."), path
    if isinstance(name, str) and len(name) < 1000:
        for path, key in (("/queue/data", "session_hash"), ("/upload_progress", "upload_id")):
            assert client.get(path, params={key: name}).status_code == 422
        assert client.post("/upload", params={"upload_id": name}, files={"files": ("a", b"a")}).status_code == 422
        if name:
            assert client.get(f"/heartbeat/{httpx.URL('/', params={'a': name}).query.decode()[2:]}").status_code == 404
    works(server)


def test_names_that_programs_use_are_names(server):
    for name in ("x", "0.ab1c2", "visitor 1", "3f2b8a1e-9c4d-4e0f-8a7b-0123456789ab", "x" * 100):
        works(server, name)


@pytest.mark.parametrize("number", [None, "1", 1.0, True, [1], -1, 10**6, 2**70])
def test_what_is_no_question_of_this_page_never_reaches_the_queue(server, number):
    for path in ("queue/join", "run/predict"):
        body = question(train.on_run, "s") | {"fn_index": number}
        answer = httpx.post(f"{server.url}/gradio_api/{path}", json=body, timeout=30)
        assert answer.status_code in (422, 500)
        assert answer.json()["error"].endswith(".")
    assert "Traceback" not in server.log.read_text(encoding="utf-8")


# Places -------------------------------------------------------------------------------------------------------------


def test_a_visitor_has_some_places_and_fills_no_line(server, asked):
    """A thousand questions of one visitor, who then gets a sentence, while others go on."""
    answers = [asked(train.on_sweep, "greedy", SWEEP) for _ in range(40)]
    assert [answer.status_code for answer in answers] == [200] * line.EACH + [503] * (40 - line.EACH)
    assert answers[-1].json()["detail"] == line.YOURS_FULL
    works(server)
    assert asked(train.on_run, "modest", RUN).status_code == 200
    assert asked(explore.on_gradient, "greedy", {}).status_code == 200  # another kind of work


@pytest.mark.slow
def test_a_full_line_fills_no_other(server, asked):
    """Of one address it is half of a line that can be full; of all of them, the whole."""
    told = None
    for number in range(line.LONGEST):
        answer = asked(train.on_run, f"crowd-{number}", RUN)
        if answer.status_code != 200:
            told = answer
            break
    assert told.status_code == 503
    assert told.json()["detail"] == line.FULL
    assert line.LONGEST // 2 <= number <= line.LONGEST // 2 + 3  # two are at work
    works(server)
    answer = server.ask(explore.on_sample, ["cifar10", None], "looking", {"index": 0})
    assert json.loads(answer["named"]["chart"])["image"] == pictures.SAMPLES[0].stem


def test_a_question_of_lists_takes_no_memory_that_it_does_not_have(server):
    """A line full of them, each as large as it may be, in all that is nested."""
    before = server.memory("VmRSS")
    for event in ([{}] * 80_000, [[]] * 30_000, {"a": [{}] * 201}):
        body = json.dumps(question(train.on_sweep, "lists", event)).encode()
        answer = httpx.post(f"{server.url}/gradio_api/queue/join", content=body, headers=JSON, timeout=30)
        assert answer.status_code == 413
    assert server.memory("VmRSS") - before < 20


@pytest.mark.parametrize("function", [function for function in NUMBERS if function.__name__ != "<lambda>"])
def test_only_frames_and_heads_may_be_large(server, function):
    body = question(function, "large", {"text": "x" * (guard.BODY + 1)})
    answer = httpx.post(f"{server.url}/gradio_api/queue/join", json=body, timeout=30)
    large = function in (explore.on_frame, train.on_use)
    assert answer.status_code == (200 if large else 413)
    body["event_data"]["text"] *= 4
    assert httpx.post(f"{server.url}/gradio_api/queue/join", json=body, timeout=30).status_code == 413


# Who does not listen ------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_answers_that_nobody_fetches_are_not_made(server, asked):
    """One may be, before the visitor has begun to listen."""
    before = server.memory("VmRSS")
    for _ in range(300):
        asked(calibrate.on_bundled, "deaf")
    time.sleep(2)
    assert server.memory("VmRSS") - before < 20
    works(server)


@pytest.mark.slow
def test_of_many_who_fetch_nothing_little_is_kept(server, asked, monkeypatch):
    before = server.memory("VmRSS")
    for number in range(2 * line.UNHEARD):
        asked(calibrate.on_bundled, f"deaf-{number}")
    time.sleep(5)
    assert server.memory("VmRSS") - before < 150  # 0.4 MB an answer
    works(server)


def test_visitors_who_come_while_somebody_waits_push_nobody_out(launched):
    """gradio remembers 2,000, and its loop ends with an error when it tells a place in line to one who came before."""

    class Waiting:
        alive, session_hash, _id = True, "first", "1"

    def come():
        sessions = launched.pending_messages_per_session
        for session in ("first", *map(str, range(5000))):
            sessions[session] = asyncio.Queue()
        launched.send_message(Waiting, line.EstimationMessage(queue_size=1))
        told = sessions["first"].qsize()
        sessions.clear()
        return told

    assert on_loop(come) == 1


def test_a_stream_of_nobody_is_told_so_without_a_word_in_the_log(server):
    before = server.log.read_text(encoding="utf-8")
    answer = server.get("/gradio_api/queue/data?session_hash=nobody")
    assert json.loads(answer.text.removeprefix("data: "))["session_not_found"] is True
    for version in ("", "v2/"):
        assert "event: error" in server.get(f"/gradio_api/call/{version}classify/nobody").text
    assert server.log.read_text(encoding="utf-8") == before


@pytest.mark.slow
def test_a_program_may_fetch_its_answer_later(server):
    with httpx.Client(base_url=f"{server.url}/gradio_api/call/constrain", timeout=30) as client:
        event = client.post("", json={"data": CONSTRAIN}).json()["event_id"]
        time.sleep(3)
        assert "event: complete" in client.get(f"/{event}").text
        assert "event: error" in client.get(f"/{event}").text  # once


# The line itself, with a clock of the test's own --------------------------------------------------------------------


@pytest.fixture
def launched():
    """The page in this process, and its line."""
    app.demo.launch(prevent_thread_lock=True, quiet=True)
    yield app.demo._queue
    app.demo.close(verbose=False)


def on_loop(work) -> object:
    """Run a function in the server's event loop."""
    (loop,) = {task.get_loop() for task in app.demo._queue._loops}
    done = threading.Event()
    answer = []

    def run():
        try:
            answer.append(work())
        finally:
            done.set()

    loop.call_soon_threadsafe(run)
    assert done.wait(10)
    return answer[0]


def ask_here(session: str) -> str:
    """A question to the page in this process: what its stream says."""
    url = f"{app.demo.local_url}gradio_api"
    httpx.post(f"{url}/queue/join", json=question(lessons.on_open, session), timeout=30).raise_for_status()
    return httpx.get(f"{url}/queue/data", params={"session_hash": session}, timeout=60).text


def test_what_waits_has_so_many_bytes(launched, monkeypatch):
    """A line of large questions is a full one, long before it has so many places."""
    monkeypatch.setattr(launched, "get_events", lambda: None)  # nothing is begun
    monkeypatch.setattr(line, "HELD", 40_000)
    url = f"{app.demo.local_url}gradio_api/queue/join"
    size = len(json.dumps(question(train.on_use, "large-0", {"head": "x" * 3000})))

    def statuses(function, event: dict) -> list[int]:
        return [httpx.post(url, json=question(function, f"large-{n}", event), timeout=30).status_code for n in range(9)]

    taken = statuses(train.on_use, {"head": "x" * 3000}).count(200)
    assert taken == -(-line.HELD // 2 // size)  # the half of one address
    assert statuses(train.on_sweep, {"text": "x" * 3000}) == [503] * 9  # of another kind: it is memory that is full
    on_loop(lambda: [launched._forget(f"large-{n}") for n in range(9)])
    assert statuses(train.on_run, RUN) == [200] * 9
    on_loop(lambda: [launched._forget(f"large-{n}") for n in range(9)])


def test_a_place_goes_to_the_address_that_had_none(launched, monkeypatch):
    """However many visitors one address pretends to be, another one waits for a single turn of theirs."""
    begin = launched.get_events
    monkeypatch.setattr(launched, "get_events", lambda: None)
    url = f"{app.demo.local_url}gradio_api/queue/join"

    def ask(session: str, address: str) -> None:
        headers = {"X-Forwarded-For": address}
        httpx.post(url, json=question(train.on_run, session, RUN), headers=headers, timeout=30).raise_for_status()

    sessions = [f"many-{n}" for n in range(20)]
    for session in sessions:
        ask(session, "10.0.0.1")
    for session in ("one", "another"):
        ask(session, "10.0.0.2")
    begun = on_loop(lambda: [begin()[0][0] for _ in range(6)])
    assert [event.session_hash for event in begun] == ["many-0", "one", "many-1", "another", "many-2", "many-3"]
    on_loop(lambda: [launched._forget(session) for session in [*sessions, "one", "another"]])
    for event in begun:
        del launched.event_ids_to_events[event._id]


def test_an_upload_is_remembered_by_its_address(launched):
    url = f"{app.demo.local_url}gradio_api/upload"
    (path,) = httpx.post(url, files={"files": ("a.png", b"a")}, headers={"X-Forwarded-For": "10.0.0.3"}).json()
    assert guard.owners[path] == "10.0.0.3"


def test_a_loop_that_ends_is_started_again(launched, monkeypatch, capfd):
    assert "process_completed" in ask_here("before")
    for round_ in range(2):
        assert on_loop(lambda: [task.cancel() for task in launched._loops if not task.done()]) == [True] * 3
        time.sleep(0.2)
        assert not launched.stopped
        assert "process_completed" in ask_here(f"after-{round_}")

    def fails():
        monkeypatch.undo()
        raise KeyError("w4")

    monkeypatch.setattr(launched, "get_events", fails)
    assert "process_completed" in ask_here("last")
    assert "is started again" in capfd.readouterr().err


@pytest.mark.slow
def test_nothing_is_left_of_who_has_gone(launched):
    for number in range(50):
        ask_here(f"visitor-{number}")
    time.sleep(0.5)
    for kept in (launched.pending_messages_per_session, launched.pending_event_ids_session, launched._heard):
        assert not [session for session in kept if session.startswith("visitor-")]
    assert not launched.event_ids_to_events


def test_who_does_not_listen_is_forgotten_in_time(launched, monkeypatch):
    monkeypatch.setattr(line, "DEAF", 0.5)
    url = f"{app.demo.local_url}gradio_api"
    for number in range(4):
        body = question(train.on_run, f"deaf-{number}", RUN)
        httpx.post(f"{url}/queue/join", json=body, timeout=30).raise_for_status()
    ends = time.monotonic() + 10
    while launched.pending_messages_per_session or launched.event_ids_to_events or any(launched.active_jobs):
        assert time.monotonic() < ends, "runs that nobody listens to go on"
        time.sleep(0.1)
    assert not launched._heard


def test_a_message_to_who_is_gone_is_dropped(launched):
    class Gone:
        alive, session_hash, _id = True, "gone", "1"

    on_loop(lambda: launched.send_message(Gone(), line.EstimationMessage(queue_size=1)))
    assert "gone" not in launched.pending_messages_per_session


def test_unread_messages_have_a_limit(launched):
    class Listener:
        alive, session_hash, _id = True, "slow", "1"

    def send():
        launched.pending_messages_per_session["slow"] = messages = asyncio.Queue()
        for _ in range(2 * line.MESSAGES):
            launched.send_message(Listener, line.EstimationMessage(queue_size=1))
        places = messages.qsize()
        for _ in range(2 * line.MESSAGES):
            launched.send_message(Listener, line.ProcessCompletedMessage(output={}, success=True))
        del launched.pending_messages_per_session["slow"]
        return places, messages.qsize()

    assert on_loop(send) == (line.MESSAGES // 10, line.MESSAGES)
    assert not Listener.alive  # the run that sent them ends


# Webcams ------------------------------------------------------------------------------------------------------------

FRAME = {"url": "data:image/jpeg;base64," + base64.b64encode(pictures.FIRST_SAMPLE.read_bytes()).decode(), "path": None}


async def film(client: httpx.AsyncClient, session: str, seen: list[str], frames: float = math.inf) -> None:
    """A live webcam that sends so many frames, and then is silent; ``seen`` gets the kinds of its messages."""
    body = question(explore.on_frame, session, None, [FRAME, "cifar10", None])
    event = (await client.post("/queue/join", json=body)).raise_for_status().json()["event_id"]
    async with client.stream("GET", "/queue/data", params={"session_hash": session}) as stream:
        async for text in stream.aiter_lines():
            message = json.loads(text.removeprefix("data:")) if text else {}
            if message.get("msg") in ("process_streaming", "process_completed"):
                seen.append(message["msg"])
            if message.get("msg") == "process_completed":
                return
            if message.get("msg") == "process_streaming" and len(seen) < frames:
                await client.post(f"/stream/{event}", json=body)


@contextlib.asynccontextmanager
async def filming(count: int, frames: float = math.inf):
    """So many webcams at once, and the kinds of messages that each has got."""
    seen = [[] for _ in range(count)]
    async with httpx.AsyncClient(base_url=f"{app.demo.local_url}gradio_api", timeout=60) as client:
        tasks = [asyncio.create_task(film(client, f"camera-{i}", seen[i], frames)) for i in range(count)]
        try:
            yield client, seen
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def until(true) -> None:
    ends = time.monotonic() + 30
    while not true():
        assert time.monotonic() < ends
        await asyncio.sleep(0.05)


def test_sixteen_webcams_leave_places_for_pictures(launched):
    async def look() -> str:
        async with filming(explore.CAMERA["concurrency_limit"]) as (client, seen):
            await until(lambda: all(seen))  # all have their place
            for number, function in enumerate((explore.on_sample, explore.on_gradient, lessons.on_open)):
                body = question(function, f"looks-{number}", {"index": 0}, [] if number else ["cifar10", None])
                (await client.post("/queue/join", json=body)).raise_for_status()
                told = (await client.get("/queue/data", params={"session_hash": f"looks-{number}"})).text
                assert "process_completed" in told

    asyncio.run(look())


@pytest.mark.slow
def test_a_webcam_that_is_silent_loses_its_place(launched, monkeypatch):
    monkeypatch.setattr(line, "SILENCE", 0.5)

    async def look() -> None:
        async with filming(explore.CAMERA["concurrency_limit"] + 2, frames=1) as (_, seen):
            await until(lambda: all("process_completed" in one for one in seen))  # the last two as well

    asyncio.run(look())


@pytest.mark.slow
def test_a_webcam_gives_way_to_one_that_waits_and_to_nobody_else(launched, monkeypatch):
    monkeypatch.setattr(line, "TURN", 1.0)
    launched.create_event_queue_for_fn(next(fn for fn in app.demo.fns.values() if fn.fn is explore.on_frame))
    monkeypatch.setattr(launched.event_queue_per_concurrency_id["camera"], "concurrency_limit", 1)

    async def look() -> None:
        async with filming(1) as (_, (alone,)):
            await asyncio.sleep(2.5)
            assert len(alone) > 2
            assert "process_completed" not in alone
        async with filming(2) as (_, seen):
            await until(lambda: any("process_completed" in one for one in seen))
            await until(lambda: all("process_streaming" in one for one in seen))

    asyncio.run(look())


# Questions that are taken back --------------------------------------------------------------------------------------


def places(queue: line.Line) -> dict:
    """What is taken, of each line, and what is at work in truth."""
    return {
        kind: (one.current_concurrency, len(queue._at_work(kind)))
        for kind, one in queue.event_queue_per_concurrency_id.items()
    }


async def rest(queue: line.Line) -> None:
    await until(lambda: not queue._waiting() and not any(map(any, places(queue).values())))


def test_questions_taken_back_at_once_leave_no_place_taken(launched):
    """gradio ends the task that waits for an answer; one that had not begun kept its place for ever."""

    async def storm() -> None:
        url = f"{app.demo.local_url}gradio_api"
        async with httpx.AsyncClient(base_url=url, timeout=60) as client:
            for turn in range(40):
                session = f"takes-back-{turn}"
                body = question(api.constrain, session, {}, CONSTRAIN)
                wrong = {"session_hash": session, "fn_index": NUMBERS[api.constrain], "event_id": "x"}
                joined, *_ = await asyncio.gather(
                    client.post("/queue/join", json=body), *(client.post("/cancel", json=wrong) for _ in range(4))
                )
                answer = await client.post("/cancel", json=wrong | {"event_id": joined.json()["event_id"]})
                assert answer.json() == {"success": True}
            await rest(launched)

            def kept() -> list:
                return [e for e in launched.event_ids_to_events.values() if e.session_hash.startswith("takes-back")]

            await until(lambda: not kept())  # gradio forgets them a moment after their place is free

    asyncio.run(storm())
    assert "process_completed" in ask_here("afterwards")


@pytest.mark.slow
def test_a_place_is_free_when_its_work_has_ended_and_not_before(launched):
    async def look() -> None:
        url = f"{app.demo.local_url}gradio_api"
        async with httpx.AsyncClient(base_url=url, timeout=60) as client:
            most = next(fn for fn in app.demo.fns.values() if fn.fn is train.on_sweep).concurrency_limit
            working, before = [], threading.active_count()
            for turn in range(8):
                session = f"sweeps-{turn}"
                body = question(train.on_sweep, session, SWEEP)
                joined = (await client.post("/queue/join", json=body)).json()
                await asyncio.sleep(0.2)
                said = {"session_hash": session, "fn_index": NUMBERS[train.on_sweep], "event_id": joined["event_id"]}
                await client.post("/cancel", json=said)
                working.append(sum(event.fn.fn is train.on_sweep for event in launched._at_work()))
            assert max(working) <= most
            assert threading.active_count() <= before + most + 8
            await rest(launched)

    asyncio.run(look())


def test_what_is_taken_back_is_answered_once_and_by_its_own_visitor_alone(launched):
    url = f"{app.demo.local_url}gradio_api"
    with httpx.Client(base_url=url, timeout=60) as client:
        body = question(api.constrain, "owner", {}, CONSTRAIN)
        event = client.post("/queue/join", json=body).json()["event_id"]
        for session in ("stranger", "owner"):
            for _ in range(300):
                said = {"session_hash": session, "fn_index": NUMBERS[api.constrain], "event_id": event}
                assert client.post("/cancel", json=said).status_code == 200
        messages = on_loop(lambda: list(launched.pending_messages_per_session["owner"]._queue))
        assert sum(type(message).__name__ == "ProcessCompletedMessage" for message in messages) == 1
        assert "stranger" not in launched.pending_messages_per_session


def test_to_ask_for_a_streams_head_is_not_to_listen(launched):
    url = f"{app.demo.local_url}gradio_api"
    httpx.post(f"{url}/queue/join", json=question(api.constrain, "head", {}, CONSTRAIN)).raise_for_status()
    heard = on_loop(lambda: launched._heard["head"])
    assert httpx.head(f"{url}/queue/data", params={"session_hash": "head"}).status_code == 404
    assert on_loop(lambda: launched._heard["head"]) == heard
    assert httpx.head(app.demo.local_url).status_code == 200


def test_a_frame_that_cannot_be_read_is_no_frame(launched, monkeypatch):
    monkeypatch.setattr(line, "SILENCE", 0.5)

    async def look() -> None:
        async with filming(1, frames=1) as (client, (seen,)):
            await until(lambda: "process_streaming" in seen)
            event = on_loop(lambda: next(e._id for e in launched._at_work() if e.streaming))
            for _ in range(100):
                if "process_completed" in seen:
                    return
                refused = await client.post(f"/stream/{event}", json={"data": [], "fn_index": "x"})
                assert refused.status_code in (404, 422)
                await asyncio.sleep(0.1)
            raise AssertionError("it still has its place")

    asyncio.run(look())


@pytest.mark.parametrize("data", [pictures.FIRST_SAMPLE.read_bytes(), b"\xff\xfe\x00 no text"], ids=["picture", "none"])
def test_a_picture_that_is_called_svg_is_like_any_other(server, data):
    path = server.upload(data, "cat.svg")
    before = len(server.log.read_text().splitlines())
    answer = server.ask(explore.on_model, ["cifar10", None, path, "x"], f"svg-{len(data)}")
    if data.startswith(b"\xff\xd8"):
        assert answer["named"]["picture"]["path"] == path
    assert len(server.log.read_text().splitlines()) <= before + 1
