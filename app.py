"""Start the page: python app.py --help."""

import argparse
import importlib.util
import os
import signal
import socket
import sys
from urllib.parse import urlparse

from constrained.checkpoints import CHECKPOINTS
from constrained.ui import demo as build

EVERYWHERE = "0.0.0.0"  # every network that this machine is in


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
    parser.add_argument("--port", type=int, help="port to listen on (default: the first free one from 7860)")
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


args = options(sys.argv[1:] if __name__ == "__main__" else [])
mark_gpu()
demo = build(args.model)

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # what is to be cleared away at the end is, then too
    demo.launch(server_name=args.host, server_port=args.port, share=args.share, prevent_thread_lock=True)
    if args.host == EVERYWHERE:
        print(f"* For the board: http://{address()}:{urlparse(demo.local_url).port}", flush=True)
    demo.block_thread()
