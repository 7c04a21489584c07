"""The program that brings a file from the Hugging Face hub into the hub's cache; `hub` starts it, and can end it.

It does without torch. It prints one line of JSON for each event: ``{"bytes": received}``, and at the end one of
``{"path": in the cache}``, ``{"refused": why it did not come}`` and ``{"unstored": [errno, why it was not stored]}``.
"""

import contextlib
import http
import json
import os
import signal
import sys
from pathlib import Path


class WrongFileError(Exception):
    """What the server sends cannot be the file."""


class Received:
    """How many bytes are here, of how many."""

    def __init__(self, size: int) -> None:
        self.size, self.count, self.started = size, 0, False

    def add(self, count: int) -> None:
        if count < 0:  # the server cannot resume, and starts at the first byte again
            raise WrongFileError(self.shortfall())
        self.count, self.started = self.count + count, True
        if self.count > self.size:
            raise WrongFileError("a different file came, with another SHA-256")
        emit(bytes=count)

    def shortfall(self) -> str:
        return f"only {self.count:,} of {self.size:,} bytes came"


def emit(**event: object) -> None:
    """Tell `hub`. If that has ended, end too; huggingface_hub then deletes what it has so far."""
    try:
        os.write(1, json.dumps(event).encode() + b"\n")
    except BrokenPipeError:
        sys.exit(1)


def transfer(repo: str, file: str, commit: str, cache: str, received: Received) -> str:
    """Download the file unless the cache has it; its path there."""
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_download, hf_hub_url
    from huggingface_hub.utils import tqdm

    # As it arrives. The default is 10 MB at a time: a bar would jump, and a broken connection would lose as much.
    constants.DOWNLOAD_CHUNK_SIZE = None
    silence = constants.HF_HUB_DOWNLOAD_TIMEOUT

    class Bar(tqdm):
        """Draws nothing: `hub` has a bar."""

        def __init__(self, *args: object, **options: object) -> None:
            super().__init__(*args, **options | {"disable": True})

        def update(self, n: int = 1) -> None:
            received.add(n)

    # hf_hub_download asks for this too, but tries for minutes where nobody answers, and a person is waiting.
    # A public file needs no token, and a mirror must not get one.
    metadata = get_hf_file_metadata(hf_hub_url(repo, file, revision=commit), token=False, timeout=silence)
    if metadata.commit_hash != commit:
        raise WrongFileError("the server is not a Hugging Face hub")
    return hf_hub_download(
        repo, file, revision=commit, cache_dir=cache, token=False, etag_timeout=silence, tqdm_class=Bar
    )


def outcome(error: Exception, received: Received) -> dict[str, object]:
    """The last event after an error.

    huggingface_hub has changed its HTTP library twice, so errors are told apart by their names and attributes.
    """
    if type(error) is WrongFileError and not error.__context__:
        return {"refused": str(error)}
    chain = [error]
    while (earlier := chain[-1].__cause__ or chain[-1].__context__) and earlier not in chain:
        chain.append(earlier)
    names = {kind.__name__ for one in chain for kind in type(one).__mro__}
    if type(error).__module__ == "builtins" and isinstance(error, OSError) and error.errno:
        return {"unstored": [error.errno, error.strerror]}
    if "OfflineModeIsEnabled" in names:
        return {"refused": "the variable HF_HUB_OFFLINE is set"}
    for one in chain:
        if (response := getattr(one, "response", None)) is not None:
            status = response.status_code
            with contextlib.suppress(ValueError):  # a status of the server's own
                status = f"{status}: {http.HTTPStatus(status).phrase}"
            return {"refused": f"HTTP Error {status}"}
    if any("Timeout" in name for name in names):
        return {"refused": "timed out"}
    for one in chain:
        if isinstance(one, OSError) and one.strerror:
            return {"refused": one.strerror}
    if received.started:
        return {"refused": received.shortfall()}
    if os.environ.get("HF_ENDPOINT") and names & {"ValueError", "UnsupportedProtocol", "InvalidURL"}:
        return {"refused": "the variable HF_ENDPOINT is not a web address"}
    return {"refused": type(error).__name__}


def main() -> None:
    for name in ("SIGINT", "SIGTERM"):
        signal.signal(getattr(signal, name), lambda *_: sys.exit(1))
    with contextlib.suppress(ValueError):
        sys.path.remove(str(Path(__file__).parent))  # a script's folder comes first, and has names of its own
    request = json.loads(sys.argv[1])
    received = Received(request.pop("bytes"))
    try:
        with contextlib.redirect_stdout(None):  # huggingface_hub prints some errors
            path = transfer(**request, received=received)
        emit(path=path)
    except Exception as error:
        emit(**outcome(error, received))


if __name__ == "__main__":
    main()
