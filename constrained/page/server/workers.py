"""Parsers of strangers' files, each in a process of its own: what a file does to its parser, it does to no one else.

Pillow, safetensors and Python's CSV reader are native code, and a file can be made to corrupt the memory of the process
that reads it, to keep it busy for ever, or to fill it. So they run in a few worker processes with limits. A worker that
dies or takes too long costs the one file that it was reading; another one takes its place.

Each worker is an executor of loky with one process. One executor with several would fail all that it was asked when one
of them dies, and the standard library's own runs the program's main module again in each, which may start a server.
Only the modules that the parsers need are loaded there, so one takes 37 MB (measured).
"""

import contextlib
import os
import queue
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import BrokenExecutor
from concurrent.futures import TimeoutError as TooLongError  # the builtin one only from Python 3.11 on

from loky.process_executor import ProcessPoolExecutor

try:
    import resource
except ImportError:  # Windows, where workers have the limit of time alone
    resource = None

PLACES = 4
SECONDS = 10  # of wall-clock time for a file
PROCESSOR_SECONDS = 4  # for a file; the slowest picture that is allowed takes 0.8 (measured)
MEMORY = 2**30  # bytes of a worker; the largest picture that is allowed takes half
FILES = 500  # after which a worker is replaced, in case something has piled up in it
PATIENCE = 60  # seconds that a file waits for a worker


class WorkerError(RuntimeError):
    """A file killed its parser; the message is a sentence for the visitor."""


_NOT_SURVIVED = "This file cannot be read within the limits of this page: save it again, or make it smaller."
_BUSY = "Too many files are being read at the moment: try again in a minute."


class Workers:
    """Processes that parse.

    Args:
        places: how many at most; each starts when it is first needed.
    """

    def __init__(self, places: int = PLACES) -> None:
        # The last one used is taken first, so that no more are started than are busy at once.
        self._free: queue.LifoQueue[Worker | None] = queue.LifoQueue()
        for _ in range(places):
            self._free.put(None)

    def run(self, parser: Callable, *args) -> object:
        """What ``parser(*args)`` returns or raises; the parser is a function of a module, and all of it can be pickled.

        Raises:
            WorkerError: if it died or took too long, or if no worker was free in time.
        """
        try:
            worker = self._free.get(timeout=PATIENCE)
        except queue.Empty as error:
            raise WorkerError(_BUSY) from error
        try:
            if worker is None or not worker.lives():
                worker = Worker()
            return worker.run(parser, args)
        finally:
            if worker is not None and worker.spent:
                worker.end()
                worker = None
            self._free.put(worker)

    def start(self) -> None:
        """Have all workers there, so that the first visitors do not wait for one."""
        for _ in range(self._free.qsize()):
            threading.Thread(target=self.run, args=(time.sleep, 0.5), daemon=True).start()

    def close(self) -> None:
        """End those that have nothing to do; who asks for one afterwards gets a new one."""
        workers = []
        with contextlib.suppress(queue.Empty):
            while True:
                workers.append(self._free.get_nowait())
        for worker in workers:
            if worker is not None:
                worker.end(wait=True)
            self._free.put(None)


class Worker:
    """A process that parses one file after another.

    Attributes:
        spent: whether it is to be used no more.
    """

    def __init__(self) -> None:
        self.spent, self._files = False, 0
        self._executor = ProcessPoolExecutor(1, timeout=None, initializer=_begin, initargs=(os.getpid(),))
        self._executor.submit(int)  # starts it

    def lives(self) -> bool:
        """Whether it can be asked; something else may have ended it meanwhile."""
        try:
            self._executor.submit(int)
        except BrokenExecutor:
            return False
        return True

    def run(self, parser: Callable, args: tuple) -> object:
        """What ``parser(*args)`` returns or raises, or `WorkerError`."""
        self._files += 1
        self.spent = True
        try:
            result = self._executor.submit(_limited, parser, args).result(SECONDS)
        except (BrokenExecutor, TooLongError) as error:
            print(f"A worker was lost over a file ({type(error).__name__}); another one takes its place.", flush=True)
            raise WorkerError(_NOT_SURVIVED) from error
        except Exception:
            self.spent = self._files >= FILES  # the parser's own error
            raise
        self.spent = self._files >= FILES
        return result

    def end(self, wait: bool = False) -> None:
        """Kill it, and, if so asked, wait until all that it had is given back."""
        self._executor.shutdown(wait=wait, kill_workers=True)


# In the worker ------------------------------------------------------------------------------------------------------


def _begin(parent: int) -> None:
    """Limits that hold as long as the worker lives, and an end when its parent's comes."""
    from ... import images, validation, views  # noqa: F401, what the parsers need is there before the first file

    sys.stdout.flush()
    nothing = os.open(os.devnull, os.O_WRONLY)
    for output in (1, 2):  # a stranger's file is not to write the server's log
        os.dup2(nothing, output)
    if resource:
        for limit, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CORE, 0)):
            with contextlib.suppress(ValueError, OSError):  # a system may allow less already
                resource.setrlimit(limit, (most, most))
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    """End with the parent, even if that was killed."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def _limited(parser: Callable, args: tuple) -> object:
    """Run a parser; the system kills this process once it has used more of the processor than a file may take."""
    if resource:
        used = resource.getrusage(resource.RUSAGE_SELF)
        _, most = resource.getrlimit(resource.RLIMIT_CPU)
        allowed = int(used.ru_utime + used.ru_stime) + 1 + PROCESSOR_SECONDS
        resource.setrlimit(resource.RLIMIT_CPU, (allowed if most < 0 else min(allowed, most), most))  # < 0: no limit
    return parser(*args)


WORKERS = Workers()
