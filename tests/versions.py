"""The library's tests on several versions of torch: ``python -m tests.versions``, or with versions of your choice.

For each, a virtual environment is made below ``--folder`` and kept there, so that a second run needs no downloads; what
fails is named, and the table at the end is that of constrained/README.md.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent
# The release of torchvision that belongs to each of torch.
VISION = {"2.8.0": "0.23.0", "2.11.0": "0.26.0", "2.13.0": "0.28.0", "2.14.1": "0.29.1", "2.15.0": "0.29.2"}
TESTS = ("functional", "modules", "calibration", "heads", "registry", "training", "snippets", "traces", "compiled")


def environment(folder: Path, version: str) -> Path:
    """The Python of an environment with this version of torch; made if it is not there."""
    home = folder / f"torch-{version}"
    python = home / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    if not (home / "ready").exists():
        venv.create(home, with_pip=True, clear=True)
        # All that is pinned, with this torch in place of the pinned one.
        pinned = "".join(
            (ROOT / name).read_text(encoding="utf-8") for name in ("requirements.txt", "tests/requirements.txt")
        )
        others = re.sub(r"^torch(vision)?==.*$", "", pinned, flags=re.MULTILINE)
        wanted = home / "requirements.txt"
        wanted.write_text(f"torch=={version}\ntorchvision=={VISION[version]}\n{others}", encoding="utf-8")
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--requirement", wanted], check=True)
        (home / "ready").touch()
    return python


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.versions", description=__doc__.splitlines()[0])
    parser.add_argument("versions", nargs="*", default=list(VISION), help=f"of torch ({', '.join(VISION)})")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "torch-versions")
    args = parser.parse_args()
    rows, failed = [], False
    for version in args.versions:
        if version not in VISION:
            parser.error(f"which torchvision belongs to torch {version} is not known here: add it to VISION")
        python = environment(args.folder, version)
        files = [*(f"tests/library/test_{name}.py" for name in TESTS), "tests/library/peers"]
        ran = subprocess.run(
            [python, "-m", "pytest", "-m", "", "-p", "no:cacheprovider", *files],
            cwd=ROOT,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
        )
        wrong = re.findall(r"^(?:FAILED|ERROR) (\S+)", ran.stdout, re.MULTILINE)
        last = next(
            (line for line in reversed(ran.stdout.splitlines()) if " in " in line and "passed" in line), "none ran"
        )
        print(f"torch {version}: {last}", *wrong, sep="\n  ", flush=True)
        told = re.sub(r", \d+ warnings?", "", last.split(" in ")[0]).strip("= ")
        rows.append(f"| {version} | {told} |")
        failed |= bool(ran.returncode)
    print("\n| torch | tests |\n|---|---|", *rows, sep="\n")
    sys.exit(failed)


if __name__ == "__main__":
    main()
