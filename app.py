"""Start the page: python app.py --help."""

import argparse
import importlib.util
import os
import sys

from constrained.checkpoints import CHECKPOINTS
from constrained.ui import demo as build


def options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python app.py", description="Constrain the output of a ResNet18, live.")
    parser.add_argument("--host", help="address to listen on (default: 127.0.0.1, this machine alone)")
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


args = options(sys.argv[1:] if __name__ == "__main__" else [])
mark_gpu()
demo = build(args.model)

if __name__ == "__main__":
    demo.launch(server_name=args.host, server_port=args.port, share=args.share)
