"""The lines in which questions wait: gradio's queue, with limits for each visitor, and without the ways to stop it.

gradio's own has one limit for all that wait, keeps answers until somebody fetches them, and forgets the oldest visitors
once 2,000 have come; the loop that starts its work then ends with a KeyError, and nothing is answered any more. Here

- a visitor has at most `EACH` questions of a kind in line or at work, half of the places at work, and one address has
  half of a line; a free place goes to the address that has fewest at work and has waited longest;
- a line of a kind has `LONGEST` places, and one that is full fills no other; what waits in all of them has `HELD`
  bytes, one address half of it;
- a visitor who does not listen gets no second answer of a kind, and is forgotten after `DEAF` seconds with all their
  questions;
- a cancelled question frees its place when the work on it is done, and not before;
- a message to a visitor who is gone is dropped, and a loop that ends before the server does is restarted.

gradio's internals that this relies on: `Queue.push`, `get_events`, `send_message`, `broadcast_estimations`,
`process_events`, `clean_events` and `start`, and its dictionaries by session. It would not be needed if gradio limited
the events of a session and dropped messages to unknown sessions.
"""

import asyncio
import contextlib
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator

from fastapi import Request
from gradio.queueing import Event, EventQueue, Queue
from gradio.server_messages import EstimationMessage, EventMessage, ProcessCompletedMessage, ProcessGeneratingMessage

LONGEST = 500  # questions of a kind in line
EACH = 10  # of a visitor, of a kind, in line and at work
HELD = 2**25  # bytes of all questions in line; in memory a question can take twelve times as much
DEAF = 30.0  # seconds after which a visitor who does not listen is forgotten
UNHEARD = 200  # at most so many visitors who do not listen have their answers kept
UNREAD = 2  # answers that a visitor may leave unread and still be given another one
ADDRESSES = 1000  # whose last turn is remembered
MESSAGES = 500  # unread, of whatever kind, after which a visitor counts as gone
SILENCE = 5.0  # seconds without a frame after which a webcam loses its place
TURN = 30.0  # seconds after which a webcam gives way to one that waits
_TIDY = 0.5  # seconds between two rounds of tidying up

FULL = "Too many people are asking this at the moment: try again in a minute."
YOURS_FULL = f"You have {EACH} of these in the queue already: wait for an answer, then ask again."


class Sessions(dict):
    """What is kept of each visitor, by session.

    gradio deletes an entry when a stream of answers breaks. By then the entry may be gone already, or another stream of
    the same visitor may need it.

    Args:
        listening: how many streams of a session are open.
    """

    def __init__(self, listening: Counter[str]) -> None:
        super().__init__()
        self._listening = listening

    def __delitem__(self, session: str) -> None:
        if self._listening[session] <= 1:
            self.pop(session, None)


class Line(Queue):
    """A `gradio.queueing.Queue` that strangers cannot block."""

    def __init__(self, *args, **options) -> None:
        super().__init__(*args, **options)
        self._listening: Counter[str] = Counter()
        self.pending_messages_per_session = Sessions(self._listening)
        self.pending_event_ids_session = Sessions(self._listening)
        self._heard: dict[str, float] = {}  # session -> when it last asked or listened; the oldest first
        self._told: dict[str, float] = {}  # kind of work -> when its line was last sent its places
        self._served: dict[tuple, float] = {}  # (kind of work, address) -> when it had a place last; the oldest first
        self._stirred = True  # whether something may start that could not before
        self._looked = 0.0
        self._closed = False

    # Coming in --------------------------------------------------------------------------------------------------------

    async def push(self, body, request, username):
        """As in gradio, but a line that is full, for all or for this visitor, gives a sentence and no exception."""
        self._stirred = True
        fn = self.blocks.fns[body.fn_index]
        self.create_event_queue_for_fn(fn)
        session, line = body.session_hash, self.event_queue_per_concurrency_id[fn.concurrency_id]
        theirs = [
            event for event in [*line.queue, *self._at_work(line.concurrency_id)] if event.session_hash == session
        ]
        if len(theirs) >= EACH:
            return False, YOURS_FULL, "queue_full"
        address = _address(request)
        near = sum(_address(event.request) == address for event in line.queue)
        if len(line.queue) >= LONGEST or near >= LONGEST // 2:
            return False, FULL, "queue_full"
        waiting = self._waiting()
        near = sum(_size(event.request) for event in waiting if _address(event.request) == address)
        if sum(_size(event.request) for event in waiting) >= HELD or near >= HELD // 2:
            return False, FULL, "queue_full"
        answer = await super().push(body, request, username)
        self._hear(body.session_hash)
        return answer

    def _waiting(self) -> list[Event]:
        """What is in line, of all kinds."""
        return [event for line in self.event_queue_per_concurrency_id.values() for event in line.queue]

    def _at_work(self, kind: str | None = None) -> list[Event]:
        """What is being answered, of one kind or of all."""
        events = [event for job in self.active_jobs if job is not None for event in job]
        return [event for event in events if kind in (None, event.concurrency_id)]

    # Listening --------------------------------------------------------------------------------------------------------

    def session_of(self, event_id: str) -> str | None:
        """The session that asked a question; None if the question is unknown or forgotten."""
        if event_id in self.event_ids_to_events:
            return self.event_ids_to_events[event_id].session_hash
        return next((session for session, ids in self.pending_event_ids_session.items() if event_id in ids), None)

    @contextlib.contextmanager
    def listening(self, session: str) -> Iterator[None]:
        """While a visitor's stream of answers is open."""
        self._listening[session] += 1
        self._stirred = True
        try:
            yield
        finally:
            self._listening[session] -= 1
            if not self._listening[session]:
                del self._listening[session]
            self._hear(session)
            if session not in self._listening and not self.pending_event_ids_session.get(session):
                self._forget(session)  # has had all answers

    async def clean_events(self, *, session_hash: str | None = None, event_id: str | None = None) -> None:
        """As in gradio, which calls it when a stream breaks, but not while the visitor has another one open."""
        if self._listening[session_hash] <= 1:
            await super().clean_events(session_hash=session_hash, event_id=event_id)

    def _hear(self, session: str) -> None:
        self._heard.pop(session, None)
        self._heard[session] = time.monotonic()

    def cancel(self, session: str | None, event_id: str | None) -> None:
        """Take a question back, for the visitor who asked it.

        gradio itself ends the task that waits for the answer. A question that has not begun then keeps its place for
        good, and any other gives it back while the work goes on. Here a place is free when the work has ended: a run
        ends at its next report, a webcam at once.
        """
        event = self.event_ids_to_events.get(event_id)
        if event is None or event.session_hash != session or not event.alive:
            return
        self._drop(event)
        self.send_message(event, ProcessCompletedMessage(output={}, success=True))
        event.alive = False
        if event.streaming:
            _end(event)

    def _drop(self, event: Event) -> None:
        """Remove a question from its line, if it is still there."""
        line = self.event_queue_per_concurrency_id.get(event.concurrency_id)
        if line is not None and event in line.queue:
            line.queue.remove(event)
            self.event_ids_to_events.pop(event._id, None)
            self._stirred = True

    def _forget(self, session: str) -> None:
        """Drop a visitor's questions and the answers that they have not read."""
        for event in [event for event in self._waiting() if event.session_hash == session]:
            self._drop(event)
        for event in self._at_work():
            if event.session_hash == session:
                event.alive = False  # a run ends at its next report
                if event.streaming:
                    _end(event)
        for kept in (self.pending_messages_per_session, self.pending_event_ids_session, self._heard):
            kept.pop(session, None)

    # Going out --------------------------------------------------------------------------------------------------------

    def send_message(self, event: Event, event_message: EventMessage) -> None:
        """As in gradio, but messages that nobody will read are dropped."""
        messages = self.pending_messages_per_session.get(event.session_hash)
        if messages is None or not event.alive:
            return
        if messages.qsize() >= MESSAGES:
            event.alive = False
            return
        if isinstance(event_message, EstimationMessage) and messages.qsize() >= MESSAGES // 10:
            return  # the next one says the same
        if isinstance(event_message, ProcessGeneratingMessage) and event.streaming:
            event.answered = time.monotonic()  # the next frame may come
        super().send_message(event, event_message)

    def broadcast_estimations(self, concurrency_id: str, after: int | None = None) -> None:
        """As in gradio, but in a long line visitors hear their places once a second at most."""
        if after is None:
            now, line = time.monotonic(), self.event_queue_per_concurrency_id[concurrency_id]
            if len(line.queue) > LONGEST // 10 and now - self._told.get(concurrency_id, 0.0) < 1:
                return
            self._told[concurrency_id] = now
        super().broadcast_estimations(concurrency_id, after)

    # At work ----------------------------------------------------------------------------------------------------------

    def get_events(self) -> tuple[list[Event], bool, str] | None:
        """As in gradio, but visitors who do not listen are passed over."""
        now = time.monotonic()
        if not self._stirred and now - self._looked < 0.05:  # gradio asks a thousand times a second
            return None
        self._looked = now
        for concurrency_id, line in self._by_turns():
            if line.concurrency_limit is not None and line.current_concurrency >= line.concurrency_limit:
                continue
            working = self._at_work(concurrency_id)
            at_work = Counter(event.session_hash for event in working)
            most = max(1, (line.concurrency_limit or 2) // 2)  # of the places, for one visitor
            able = [
                e for e in line.queue if at_work[e.session_hash] < most and self._may_start(e, at_work[e.session_hash])
            ]
            if able:
                near = Counter(_address(event.request) for event in working)
                turns = []
                for place, event in enumerate(able):
                    address = _address(event.request)
                    served = self._served.get((concurrency_id, address), 0.0)
                    turns.append((near[address], served, at_work[event.session_hash], place))
                event = able[min(turns)[-1]]
                self._serve(concurrency_id, _address(event.request), now)
                line.queue.remove(event)
                return [event], False, concurrency_id
        self._stirred = False
        return None

    def _serve(self, kind: str, address: str | None, now: float) -> None:
        self._served.pop((kind, address), None)
        self._served[kind, address] = now
        if len(self._served) > ADDRESSES:
            del self._served[next(iter(self._served))]

    def _by_turns(self) -> list[tuple[str, EventQueue]]:
        """The lines, the one last served last."""
        lines = sorted(self.event_queue_per_concurrency_id.items(), key=lambda item: getattr(item[1], "served", 0.0))
        return [item for item in lines if item[1].queue]

    def _may_start(self, event: Event, at_work: int) -> bool:
        """Whether a visitor who has ``at_work`` questions of this kind at work would hear another answer."""
        messages = self.pending_messages_per_session.get(event.session_hash)
        if messages is None:
            return False  # forgotten; `_tidy` clears it away
        unread = sum(isinstance(message, ProcessCompletedMessage) for message in messages._queue)
        if event.session_hash in self._listening:
            return unread < UNREAD
        return not unread and not at_work

    async def process_events(self, events, batch, begin_time, fn) -> None:
        """As in gradio."""
        self.event_queue_per_concurrency_id[fn.concurrency_id].served = time.monotonic()
        try:
            await super().process_events(events, batch, begin_time, fn)
        finally:
            self._stirred = True

    def frame(self, event_id: str) -> bool:
        """Note that a webcam sent another picture; returns whether there is such a webcam."""
        event = self.event_ids_to_events.get(event_id)
        if event is None or not event.streaming:
            return False
        event.answered = None
        return True

    async def _tidy_on(self) -> None:
        while not self._closed:
            await asyncio.sleep(_TIDY)
            self._tidy(time.monotonic())

    def _tidy(self, now: float) -> None:
        """Forget those who do not listen, and end webcams that are silent or have had their turn."""
        deaf = [session for session in self._heard if session not in self._listening]
        unheard = len(deaf) - UNHEARD
        for i, session in enumerate(deaf):
            waits = any(e in self.event_ids_to_events for e in self.pending_event_ids_session.get(session, ()))
            if now - self._heard[session] > DEAF or (i < unheard and not waits):
                self._forget(session)
        for event in self._waiting():
            if event.session_hash not in self.pending_messages_per_session:
                self._drop(event)
        webcams = [event for event in self._at_work() if event.streaming and not event.closed]
        for event in webcams:
            answered = getattr(event, "answered", None)
            if answered is not None and now - answered > SILENCE:
                _end(event)
        for kind in {event.concurrency_id for event in webcams}:
            if any(event.alive for event in self.event_queue_per_concurrency_id[kind].queue):
                longest = max((e for e in webcams if e.concurrency_id == kind), key=lambda event: event.run_time)
                if longest.run_time > TURN:
                    _end(longest)

    # For as long as the server runs -----------------------------------------------------------------------------------

    def start(self) -> None:
        """As in gradio, but a loop that ends is restarted."""
        self._closed = False
        self.active_jobs = [None] * self.max_thread_count
        loops = [self.start_processing, self.start_progress_updates, self._tidy_on]
        for loop in loops if self.live_updates else [*loops, self.notify_clients]:
            self._keep_going(loop)

    def _keep_going(self, loop: Callable[[], Coroutine]) -> None:
        task = asyncio.get_running_loop().create_task(loop())
        self._loops = [one for one in getattr(self, "_loops", []) if not one.done()] + [task]

        def again(ended: asyncio.Task) -> None:
            if self._closed or asyncio.get_running_loop().is_closed():
                return
            error = None if ended.cancelled() else ended.exception()
            print(f"The queue's {loop.__name__} ended and is started again.", file=sys.stderr)
            if error is not None:
                traceback.print_exception(error)
            self.stopped = False
            self._keep_going(loop)

        task.add_done_callback(again)

    def _cancel_asyncio_tasks(self) -> None:
        if self._closed:  # not when `start_processing` ends and is started again
            super()._cancel_asyncio_tasks()

    def close(self) -> None:
        """As in gradio."""
        self._closed = True
        super().close()


def _address(request: Request) -> str | None:
    return request.client.host if request.client else None


def _size(request: Request | None) -> int:
    """The bytes of a question as the guard received it."""
    return int(request.headers.get("content-length", 0)) if request else 0


def _end(event: Event) -> None:
    """End a webcam's turn with the last answer that it got."""
    event.closed = True
    event.signal.set()
