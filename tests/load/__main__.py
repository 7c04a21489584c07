"""The command line: python -m tests.load --help."""

import argparse
import sys

from . import ALL, OPTIONS, __doc__, measure


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="SCENARIO", help=", ".join(ALL))
    parser.add_argument("--url", help="of a running server, for example http://127.0.0.1:8000")
    parser.add_argument("--port", type=int, help="for the server that is started here (default: a free one)")
    parser.add_argument("--tries", type=int, default=1, help="how often a visitor who is cut off loads the page (1)")
    parser.add_argument("--visitors", type=int, nargs="+", default=OPTIONS["crowd"]["visitors"], help="crowd: how many")
    parser.add_argument("--seconds", type=float, default=OPTIONS["poisson"]["seconds"], help="poisson: how long")
    parser.add_argument("--sessions", type=int, default=OPTIONS["sessions"]["count"], help="sessions: how many")
    args = parser.parse_args()
    names = args.names or [name for name in ALL if name != "sessions" or not args.url]
    if unknown := set(names) - set(ALL):
        parser.error(f"no scenario is called {', '.join(sorted(unknown))}; there are {', '.join(ALL)}")
    report = measure(
        names,
        args.url,
        args.port,
        args.tries,
        crowd={"visitors": args.visitors},
        poisson={"seconds": args.seconds},
        sessions={"count": args.sessions},
    )
    print(f"\n{report.markdown()}")
    for failure in report.failures:
        print(f"failed: {failure}")
    return bool(report.failures)


if __name__ == "__main__":
    sys.exit(main())
