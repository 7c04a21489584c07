"""Start the page: python app.py --help."""

import argparse
import contextlib
import errno
import importlib.util
import os
import signal
import socket
import sys
import threading
import traceback
from typing import NoReturn

try:
    import resource
except ImportError:  # Windows
    resource = None

HOST, PORT, PORTS = "127.0.0.1", 7860, 100  # gradio's own: this machine alone, and how many ports are tried
EVERYWHERE = "0.0.0.0"  # every network that this machine is in
# Limits that a server of its size does not live under: option of ulimit -> (name, bytes). An idle one has 1.4 GB of
# addresses, most of them the libraries' (measured).
MEMORY = {"-v": ("RLIMIT_AS", 2 * 10**9), "-d": ("RLIMIT_DATA", 10**9)}
SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")  # no system has all of them
PATIENCE = 4  # seconds after which the end is over in any case
ELSEWHERE = "name another folder in the variable GRADIO_TEMP_DIR"


def stop(sentence: str, code: int = 1) -> NoReturn:
    """End before the page is there, with what is wrong and what to do."""
    print(sentence, file=sys.stderr)
    sys.exit(code)


def whole(name: str, least: int, most: int, default: int) -> int:
    """A whole number from an environment variable."""
    text = os.environ.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
        stop(f"{name} must be a whole number from {least} to {most}, got {text!r:.40}.", 2)
    return int(text)


def prepare() -> None:
    """What comes before torch and gradio, which read the environment and take most of the memory."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a terminal may not know every character
    whole("GRADIO_SERVER_PORT", 1, 65535, PORT)
    whole("GRADIO_NUM_PORTS", 1, 65535, PORTS)
    if resource:
        for option, (name, needed) in MEMORY.items():
            allowed, _ = resource.getrlimit(getattr(resource, name))
            if allowed != resource.RLIM_INFINITY and allowed < needed:
                stop(f"There is not enough memory: raise its limit with ulimit {option} {needed // 1024}, or lift it.")


# `gradio app.py` executes this file again, in another thread, once it is being served.
STARTING = __name__ == "__main__" and threading.current_thread() is threading.main_thread()
if STARTING:
    prepare()

try:
    import gradio as gr
    import httpx
    from gradio.tunneling import CURRENT_TUNNELS

    from constrained import images, shipped
    from constrained.models import CHECKPOINTS, CheckpointError
    from constrained.page import demo as build
    from constrained.page.server import guard
except ModuleNotFoundError as error:
    if not STARTING:
        raise
    stop(f"The package {error.name} is not installed: run pip install -r requirements.txt.")


def port(text: str) -> int:
    """The value of ``--port``."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to 65535, got {text!r:.40}")
    return int(text)


def options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python app.py", description="Constrain the output of a ResNet18, live.")
    listen = parser.add_mutually_exclusive_group()
    listen.add_argument("--host", help="address to listen on (default: 127.0.0.1, this machine alone)")
    listen.add_argument(
        "--classroom",
        dest="host",
        action="store_const",
        const=EVERYWHERE,
        help=f"let others in the same network in (--host {EVERYWHERE}), and print the address for the board",
    )
    parser.add_argument("--port", type=port, help="port to listen on (default: the first free one from 7860)")
    parser.add_argument("--share", action="store_true", help="ask gradio for a public link")
    parser.add_argument(
        "--model",
        choices=list(CHECKPOINTS),
        default=os.environ.get("CONSTRAINED_MODEL", "cifar10"),
        help="the model to start with (default: the variable CONSTRAINED_MODEL, or cifar10)",
    )
    args = parser.parse_args(argv)
    if args.model not in CHECKPOINTS:  # argparse does not check a default
        parser.error(f"CONSTRAINED_MODEL must be one of {', '.join(CHECKPOINTS)}, got {args.model!r}")
    return args


def mark_gpu() -> None:
    """On ZeroGPU, mark a function with `spaces.GPU`, as every Space there must; elsewhere do nothing.

    The function is never called. ZeroGPU lends a GPU for one call, in line behind others and off the visitor's daily
    minutes; a picture takes the processor less time than the asking, and a live webcam would use the minutes up.
    """
    if os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true") and importlib.util.find_spec("spaces"):
        import spaces

        spaces.GPU(lambda: None)


def address() -> str:
    """This machine's address in its network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing, and has the system choose the way that it would take
            return probe.getsockname()[0]
        except OSError:  # no network
            return socket.gethostname()


def listening(host: str | None, port: int | None) -> tuple[str, int]:
    """Where to listen, as gradio takes it: a host, in brackets if it is an IPv6 address, and a port that is free.

    Without a host or a port the variables GRADIO_SERVER_NAME and GRADIO_SERVER_PORT count, the latter as the first of
    several ports. gradio looks at the port of 127.0.0.1 whatever the host is, so it has to be free there as well.
    """
    named = "--host" if host is not None else "GRADIO_SERVER_NAME"
    host = os.environ.get(named, HOST) if host is None else host
    plain = host.removeprefix("[").removesuffix("]")
    first = port or whole("GRADIO_SERVER_PORT", 1, 65535, PORT)
    last = port or min(first + whole("GRADIO_NUM_PORTS", 1, 65535, PORTS) - 1, 65535)
    for one in range(first, last + 1):
        try:
            if not plain:
                raise OSError("no host")
            for at in (plain, HOST):
                claim(at, one)
        except (OSError, UnicodeError) as error:
            code = getattr(error, "errno", None)
            if code == errno.EADDRINUSE:
                continue
            if code == errno.EACCES:
                stop(f"This user may not listen on port {one}: choose one from 1024 on with --port, or another user.")
            stop(
                f"{named} {host!r:.80} is no address of this machine: leave it out to listen on this machine alone, or "
                "use --classroom to let the network in."
            )
        return (f"[{plain}]" if ":" in plain else plain), one
    if first == last:
        stop(f"Port {first} is in use: choose another one with --port, or end the program that listens there.")
    stop(f"The ports from {first} to {last} are in use: choose another one with --port.")


def claim(host: str, port: int) -> None:
    """Listen on every address of a host for a moment.

    Raises:
        OSError, UnicodeError: where that cannot be done.
    """
    for family, kind, protocol, _, at in socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    ):
        with socket.socket(family, kind, protocol) as probe:
            if os.name == "posix":  # as the server does; elsewhere it would share the port with another program
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind(at)
            probe.listen()


def leave(code: int) -> NoReturn:
    """Clear away and end, without Python's own end.

    That would end threads wherever they are; one that is inside of torch then aborts the process, and another may keep
    it alive.
    """
    guard.leave()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError, ValueError):  # the terminal is closed
            stream.flush()
    os._exit(code)


def end(pages: list[gr.Blocks]) -> NoReturn:
    """What a signal does; ``pages`` is the page, if it is there."""
    for name in SIGNALS:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    late = threading.Timer(PATIENCE, os._exit, [0])
    late.daemon = True
    late.start()
    for tunnel in CURRENT_TUNNELS:
        tunnel.kill()
    for page in pages:
        if not page.is_running:
            continue
        if page.node_process:
            page.node_process.terminate()
        page.server.should_exit = True
        page.server.thread.join(1)  # from here on nobody can connect
    leave(0)


def refused(error: Exception, damaged: list[str], kept: str) -> str:
    """Why the page cannot start and what to do, as far as that is known, else a traceback.

    Args:
        error: what was raised.
        damaged: what has been said of files.
        kept: where uploads go.
    """
    match error:
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            return f"There is no room for uploads and samples in {kept}: make some, or {ELSEWHERE}."
        case shipped.DamagedError() | CheckpointError() if str(error) not in damaged:
            return str(error)
        case shipped.DamagedError() | CheckpointError():
            return "The page cannot start."
        case images.PictureError() | OSError(filename=str()) if damaged:
            return "The page cannot start."
        case httpx.HTTPError():
            return f"The page cannot reach itself ({error}): if a proxy is set here, name this machine in NO_PROXY."
        case MemoryError() | RuntimeError() if isinstance(error, MemoryError) or "allocate memory" in str(error):
            return "There is not enough memory: end other programs, or lift a limit (ulimit -a lists them)."
    return traceback.format_exc().strip()


def main() -> None:
    """Build the page, launch it, and wait for a signal."""
    global demo
    pages: list[gr.Blocks] = []
    for name in SIGNALS:
        # Whoever starts this may have a signal ignored, as nohup does.
        if hasattr(signal, name) and signal.getsignal(getattr(signal, name)) != signal.SIG_IGN:
            signal.signal(getattr(signal, name), lambda *_: end(pages))
    listening(args.host, args.port)
    damaged = shipped.damaged()
    for sentence in damaged:
        print(sentence, file=sys.stderr)
    kept = os.environ.get("GRADIO_TEMP_DIR") or "the folder for temporary files"
    try:
        guard.folder()
    except OSError as error:
        stop(f"Uploads cannot be kept in {kept} ({error.strerror}): let this user write there, or {ELSEWHERE}.")
    try:
        page = demo = build(args.model)
        pages.append(page)
        host, port = listening(args.host, args.port)  # again: that took seconds
        os.environ.pop("GRADIO_SERVER_NAME", None)  # gradio would look for a free port there, which fails for IPv6
        page.launch(server_name=host, server_port=port, share=args.share, prevent_thread_lock=True)
    except Exception as error:
        print(refused(error, damaged, kept), file=sys.stderr)
        leave(1)
    if host == "[::]":
        print(f"* On this machine: http://[::1]:{port}", flush=True)
    if args.host == EVERYWHERE:
        print(f"* For the board: http://{address()}:{port}", flush=True)
    page.block_thread()


args = options(sys.argv[1:] if __name__ == "__main__" else [])
mark_gpu()
demo = None if STARTING else build(args.model)

if STARTING:
    main()
