"""Run benchmarks and put their tables into the documents: python -m tests.benchmarks [NAME ...], all without a name.

A benchmark is a module with `table() -> str`. Each runs in a process of its own, one after another, so that no threads
or memory of one are there during the next. Its table goes between `<!-- table NAME -->` and `<!-- end NAME -->`, in the
document that has these marks.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from tests.documents import DOCUMENTS, ROOT

MODULES = {
    "claims": "tests.benchmarks.claims",
    "slider": "tests.benchmarks.slider",
    "pictures": "tests.benchmarks.pictures",
    "maps": "tests.benchmarks.maps",
    "training": "tests.benchmarks.training",
    "start": "tests.benchmarks.start",
    "load": "tests.load",
    "serve": "tests.benchmarks.serve",  # last: it needs Ray
}
# What a benchmark prints on its way goes to the terminal; its table comes back.
PROGRAM = "import sys; from {} import table; out, sys.stdout = sys.stdout, sys.stderr; print(table(), file=out)"


def placed(text: str, name: str, content: str) -> str:
    """A text with a table put between its two marks, instead of what was there.

    Raises:
        ValueError: if a mark is not there; the message names it.
    """
    opening, closing = f"<!-- table {name} -->", f"<!-- end {name} -->"
    before, opened, rest = text.partition(opening)
    _, closed, after = rest.partition(closing)
    for mark, found in ((opening, opened), (closing, closed)):
        if not found:
            raise ValueError(f"there is no {mark} where it belongs")
    return f"{before}{opening}\n\n{content.strip()}\n\n{closing}{after}"


def holder(name: str, documents: Iterable[Path] = DOCUMENTS) -> Path:
    """The document that has a table.

    Raises:
        ValueError: if none has its mark, or several have.
    """
    mark = f"<!-- table {name} -->"
    found = [path for path in documents if mark in path.read_text("utf-8")]
    if len(found) != 1:
        raise ValueError(f"{mark} is in {len(found)} documents: it belongs in one")
    return found[0]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__.partition("\n\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="of " + ", ".join(MODULES))
    names = parser.parse_args().names or list(MODULES)
    if unknown := set(names) - set(MODULES):
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}; there are {', '.join(MODULES)}")
    for name in names:
        placed(holder(name).read_text("utf-8"), name, "")  # a mark that is missing is told before hours are spent
    for name in names:
        command = [sys.executable, "-X", "utf8", "-c", PROGRAM.format(MODULES[name])]
        done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, encoding="utf-8")
        print(f"{name}\n\n{done.stdout}\n", flush=True)
        document = holder(name)
        document.write_text(placed(document.read_text("utf-8"), name, done.stdout), "utf-8")


if __name__ == "__main__":
    main()
