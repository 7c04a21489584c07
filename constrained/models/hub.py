"""A file of the Hugging Face hub in the hub's own cache, whole and right or not at all.

huggingface_hub does the transport: mirrors, proxies, an offline mode, a cache that other programs share, and resuming
after a connection broke. It compares sizes alone, so this file compares the SHA-256.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from .checkpoint import CheckpointError, check

SILENCE = 10  # seconds without a byte after which a server counts as gone
LONGEST = 900  # seconds for a whole download
MISSING = "the package huggingface_hub is not installed: run pip install huggingface_hub"


@dataclass(frozen=True)
class HubFile:
    """One file of one commit.

    Attributes:
        repo, commit, file: where it is on the hub.
        bytes, sha256: what it is.
    """

    repo: str
    commit: str
    file: str
    bytes: int
    sha256: str

    @property
    def url(self) -> str:
        """Its address, on the mirror that the variable HF_ENDPOINT names if there is one."""
        hub = os.environ.get("HF_ENDPOINT", "").rstrip("/") or "https://huggingface.co"
        return f"{hub}/{self.repo}/resolve/{self.commit}/{self.file}"

    @property
    def folder(self) -> Path:
        """The repository's place in the hub's cache.

        Raises:
            CheckpointError: if there is no huggingface_hub, which knows where that is.
        """
        try:
            from huggingface_hub import constants
        except ImportError as error:
            raise CheckpointError(MISSING) from error
        except ValueError as error:
            raise CheckpointError("the variable HF_ENDPOINT is not a web address") from error
        return Path(constants.HF_HUB_CACHE, f"models--{self.repo.replace('/', '--')}")

    @property
    def path(self) -> Path:
        """Its place in the hub's cache, whether it is there or not. Raises as ``folder`` does."""
        return self.folder / "snapshots" / self.commit / self.file

    def fetch(self) -> Path:
        """Download the file into the cache, in place of a damaged one if that is there; its path.

        Any number of processes may do this at once, and be killed at any time: one of them downloads, the others wait.

        Raises:
            CheckpointError: if it does not come; the message is no more than the reason.
            OSError: if it cannot be stored.
        """
        for left in self.folder.glob("blobs/*.incomplete"):  # of a process that was killed: nothing resumes it
            with contextlib.suppress(OSError):  # another process may be quicker
                if time.time() - left.stat().st_mtime > LONGEST:
                    left.unlink()
        try:
            check(self.path, self.sha256)
        except FileNotFoundError:
            pass
        except ValueError:
            discard(self.path)  # huggingface_hub would return it as it is
        path = self._transfer()
        try:
            check(path, self.sha256)
        except ValueError as error:
            size = path.stat().st_size
            discard(path)
            if size < self.bytes:
                raise CheckpointError(f"only {size:,} of {self.bytes:,} bytes came") from error
            raise CheckpointError("a different file came, with another SHA-256") from error
        return path

    def _transfer(self) -> Path:
        """Run `transfer` in a process of its own.

        A process can be ended when it takes too long; a thread cannot. And huggingface_hub reads its settings from the
        environment when it is imported, which gradio has already done in this process.
        """
        request = {"repo": self.repo, "file": self.file, "commit": self.commit, "bytes": self.bytes}
        request["cache"] = str(self.folder.parent)
        command = [sys.executable, "-W", "ignore", str(Path(__file__).with_name("transfer.py")), json.dumps(request)]
        end, last = time.monotonic() + LONGEST, {}
        child = subprocess.Popen(command, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        timer = threading.Timer(LONGEST, stop, [child])
        timer.daemon = True
        timer.start()
        try:
            # torch.hub has tqdm, which gradio shows on the page, or a simple one where that is not installed.
            with child.stdout, torch.hub.tqdm(total=self.bytes, unit="B", unit_scale=True) as bar:
                for line in child.stdout:
                    last = json.loads(line)
                    if "bytes" in last:
                        bar.update(last["bytes"])
        finally:
            timer.cancel()
            stop(child)
        match last:
            case {"path": path}:
                return Path(path)
            case {"unstored": [number, reason]}:
                raise OSError(number, reason)
            case {"refused": reason}:
                raise CheckpointError(reason)
        late = time.monotonic() >= end
        raise CheckpointError(f"not finished after {LONGEST // 60} minutes" if late else "the download was stopped")


def environment() -> dict[str, str]:
    """The variables for `transfer`, by which huggingface_hub sends no telemetry and logs no warnings."""
    chosen = {key: value for key, value in os.environ.items() if key != "HF_ENDPOINT" or value}
    return (
        {"HF_HUB_DOWNLOAD_TIMEOUT": str(SILENCE), "HF_HUB_VERBOSITY": "error"}
        | chosen
        | {
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_UPDATE_CHECK": "1",
            "HF_HUB_DISABLE_SYMLINKS_WARNING": "1",
            "HF_HUB_DISABLE_XET": "1",  # a protocol with servers of its own, which a mirror may not have
        }
    )


def stop(child: subprocess.Popen) -> None:
    """End a process, unless it has ended; it gets a moment to delete what it has so far."""
    try:
        child.terminate()
        child.wait(5)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def discard(path: Path) -> None:
    """Delete a file of the cache: the link that has its name, and what that points to."""
    blob = path.resolve()
    path.unlink(missing_ok=True)
    blob.unlink(missing_ok=True)
