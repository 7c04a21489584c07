"""The page's own server, in a process of its own on loopback, and what it costs. Linux, for /proc."""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[2]
START_SECONDS = 120
BACK = 19  # the lowest priority there is


class Server:
    """A running server: its address, process, and log."""

    def __init__(self, process: subprocess.Popen, url: str, log: Path) -> None:
        self.url, self._process, self._log = url, process, log

    def memory(self) -> float:
        """What it holds in memory, in MB."""
        return self._status("VmRSS") / 1024

    def peak(self) -> float:
        """The most that it ever held, in MB."""
        return self._status("VmHWM") / 1024

    def handles(self) -> int:
        """How many files and sockets it has open."""
        return len(os.listdir(f"/proc/{self._process.pid}/fd"))

    def stand_back(self) -> None:
        """Let every other process go first, from now on."""
        for thread in os.listdir(f"/proc/{self._process.pid}/task"):
            os.setpriority(os.PRIO_PROCESS, int(thread), BACK)

    def complaints(self) -> list[str]:
        """The last line of every traceback in its log."""
        blocks = self._log.read_text("utf-8", "replace").split("Traceback (most recent call last):")[1:]
        lines = [[line for line in block.splitlines() if line.strip() and not line.startswith(" ")] for block in blocks]
        return [one[0] if one else "a traceback" for one in lines]

    def _status(self, name: str) -> int:
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="utf-8")
        return int(status.partition(f"{name}:")[2].split()[0])


def free_port() -> int:
    """One on loopback that nobody listens on yet."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def serving(port: int | None = None, folder: Path = ROOT) -> Iterator[Server]:
    """Starts ``python app.py`` on loopback and ends it afterwards.

    Args:
        port: where; a free one without it.
        folder: the project.

    Raises:
        RuntimeError: if it does not answer in time; the message has the end of its log.
    """
    port = port or free_port()
    # Threads as on a server, whatever the tests around this one are limited to.
    environment = {k: v for k, v in os.environ.items() if k not in ("OMP_NUM_THREADS", "CONSTRAINED_MODEL")}
    with tempfile.TemporaryDirectory() as own:
        log = Path(own, "log")
        with log.open("w", encoding="utf-8") as file:
            process = subprocess.Popen(
                [sys.executable, "app.py", "--host", "127.0.0.1", "--port", str(port)],
                cwd=folder,
                env=environment,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        server = Server(process, f"http://127.0.0.1:{port}", log)
        try:
            ends = time.monotonic() + START_SECONDS
            while not _answers(server.url):
                if process.poll() is not None or time.monotonic() > ends:
                    raise RuntimeError(f"the server did not start:\n{log.read_text(encoding='utf-8')[-2000:]}")
                time.sleep(0.2)
            yield server
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=10, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False
