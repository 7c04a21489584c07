"""The page as a Hugging Face Space: what is uploaded, which packages it stands on, and that it starts there."""

import ctypes
import itertools
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from gradio_client import Client, handle_file
from huggingface_hub.utils import filter_repo_objects
from packaging.requirements import Requirement

from constrained.models import imagenet
from tests.load.server import free_port

ROOT = Path(__file__).parents[2]
FRONT = (ROOT / "README.md").read_text(encoding="utf-8").split("---\n")[1]
GUIDE = (ROOT / "constrained" / "page" / "README.md").read_text(encoding="utf-8")
UPLOAD = re.search(r"^hf upload [^`]*", GUIDE, re.MULTILINE)[0].replace("\\\n", " ")


def values(option: str) -> list[str]:
    """What the guide's command gives for an option."""
    words = shlex.split(UPLOAD)
    return [after for word, after in itertools.pairwise(words) if word == option]


def uploaded() -> list[str]:
    """The files that the guide's command uploads, by the rule that it goes by."""
    files = [str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if path.is_file()]
    files = [file for file in files if not file.startswith(".git/")]
    return list(filter_repo_objects(files, allow_patterns=values("--include"), ignore_patterns=values("--exclude")))


# The card and the upload -------------------------------------------------------------------------------------------


def test_the_card_fits_the_requirements():
    """By https://huggingface.co/docs/hub/spaces-config-reference."""
    card = dict(re.findall(r"^(\w+): *(.+)$", FRONT, re.MULTILINE))
    pins = dict(
        re.findall(r"^([\w-]+)==([\w.]+)", (ROOT / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert card["sdk"] == "gradio"
    assert card["sdk_version"] == pins["gradio"]  # the Space installs this one first
    assert (ROOT / card["app_file"]).is_file()
    assert len(card["short_description"]) <= 60
    assert card["colorFrom"] in card["colorTo"] + "red yellow green blue indigo purple pink gray"
    assert card["license"] == "mit"
    assert (3, 10) <= tuple(int(part) for part in card["python_version"].strip('"').split(".")) <= (3, 13)


def test_the_card_preloads_the_file_that_is_downloaded():
    """`repository file commit`; into huggingface_hub's cache, where the page looks first."""
    lines = re.search(r"^preload_from_hub:\n((?: +- .+\n)+)", FRONT, re.MULTILINE)[1]
    wanted = [imagenet.IMAGENET[key] for key in ("repo", "file", "commit")]
    assert [line.strip("- ").split() for line in lines.splitlines()] == [wanted]
    assert f"models:\n  - {imagenet.IMAGENET['repo']}\n" in FRONT


def test_the_upload_has_what_is_needed_and_nothing_else():
    files = uploaded()
    assert {"app.py", "README.md", "LICENSE", "requirements.txt"} <= set(files)
    assert "checkpoints/resnet18-cifar10.safetensors" in files
    tops = {file.split("/")[0] for file in files}
    assert tops == {"app.py", "README.md", "LICENSE", "requirements.txt", "assets", "checkpoints", "constrained"}
    assert not [file for file in files if file.endswith((".pyc", ".pyi"))]
    assert sum((ROOT / file).stat().st_size for file in files) < 50 * 2**20


def test_the_upload_is_a_command_of_the_client():
    """Without a network it ends with that and not with a complaint about its options."""
    hf = Path(sys.executable).with_name("hf")
    if not hf.exists():
        pytest.skip("huggingface_hub's program is not beside this Python")
    tried = subprocess.run(
        [hf, *shlex.split(UPLOAD)[1:]],
        cwd=ROOT,
        env=os.environ | {"HF_HUB_OFFLINE": "1", "HF_TOKEN": "hf_none"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert tried.returncode not in (0, 2)
    assert "offline" in (tried.stdout + tried.stderr).lower()


# The pins and their lock -------------------------------------------------------------------------------------------

REQUIREMENTS = (ROOT / "requirements.txt").read_text()
LOCK = (ROOT / "requirements.lock").read_text().replace(" \\\n", "")  # one line a package
LOCKED = re.compile(r"^([\w.-]+)==(\S+)(?: +--hash=sha256:[0-9a-f]{64})+$", re.MULTILINE)


def pinned(python: str) -> dict[str, str]:
    """What requirements.txt pins for a version of Python on Linux."""
    machine = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": "linux"}
    lines = [Requirement(line.split("#")[0]) for line in REQUIREMENTS.splitlines() if line.split("#")[0].strip()]
    return {line.name: str(line.specifier) for line in lines if line.marker is None or line.marker.evaluate(machine)}


@pytest.mark.parametrize("python", ["3.10", "3.11", "3.12", "3.13"])
def test_what_the_guard_relies_on_is_pinned(python):
    pins = pinned(python)
    assert {"fastapi", "starlette", "python-multipart", "uvicorn", "h11"} <= pins.keys()
    assert all(re.fullmatch(r"==[\w.]+", version) for version in pins.values()), pins


def test_the_lock_has_every_pin_of_the_space():
    python = re.search(r'^python_version: "(.+)"$', FRONT, re.MULTILINE)[1]
    assert f"--python-version {python} " in LOCK
    locked = {name: f"=={version}" for name, version in LOCKED.findall(LOCK)}
    pins = pinned(python)
    assert {name: locked.get(name) for name in pins} == pins, "run the command at the top of requirements.lock again"


def test_the_lock_has_a_hash_for_everything_and_no_address():
    rest = LOCKED.sub("", LOCK).splitlines()
    assert not [line for line in rest if line and not line.lstrip().startswith("#")]
    assert "://" not in LOCK


def test_actions_are_named_by_commit():
    """A tag can be moved to other code. Behind the commit stands the tag, for people and for Dependabot."""
    workflows = "".join(path.read_text() for path in (ROOT / ".github" / "workflows").glob("*.yml"))
    uses = re.findall(r"uses: *(.+)", workflows)
    assert uses
    assert not [action for action in uses if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)]


# Starting ------------------------------------------------------------------------------------------------------------


def bound_by_modes() -> None:
    """In a child that is about to run a program: take away what lets root write where the modes forbid it."""
    libc = ctypes.CDLL(None)
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        libc.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP


def tree(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in folder.rglob("*")}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """What is uploaded, in a folder that nobody may write to."""
    folder = tmp_path_factory.mktemp("space") / "app"
    for file in uploaded():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, folder / file)
    for path in [folder, *folder.rglob("*")]:
        path.chmod(path.stat().st_mode & ~0o222)
    yield folder
    for path in [folder, *(path for path in folder.rglob("*") if path.is_dir())]:
        path.chmod(0o700)


@pytest.fixture(scope="module")
def started(checkout, tmp_path_factory):
    """The page, started the way a Space does: address, what it wrote, and what was in the checkout before.

    On another kind of system than Linux, or where root keeps its rights all the same, this cannot be had.
    """
    if not sys.platform.startswith("linux"):
        pytest.skip("a Space is a Linux machine")
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    attempt = [sys.executable, "-c", f"open({str(checkout / 'new')!r}, 'w')"]
    if subprocess.run(attempt, preexec_fn=bound_by_modes, stderr=subprocess.DEVNULL).returncode == 0:
        pytest.skip("this user can write to a read-only folder")
    port = free_port()
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("GRADIO", "CONSTRAINED"))}
    environment |= {
        "SYSTEM": "spaces",
        "SPACE_ID": "somebody/constrain-resnet18",
        "SPACE_HOST": "somebody-constrain-resnet18.hf.space",
        "GRADIO_SERVER_NAME": "0.0.0.0",
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_SSR_MODE": "true",  # without Node, gradio goes on without
        "HOME": str(elsewhere),
        "TMPDIR": str(elsewhere),
        "PYTHONUNBUFFERED": "1",
    }
    before = tree(checkout)
    log = elsewhere / "log"
    with log.open("w", encoding="utf-8") as output:
        space = subprocess.Popen(
            [sys.executable, str(checkout / "app.py")],
            cwd=elsewhere,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=bound_by_modes,
            start_new_session=True,  # with Node, if that is there
        )
    url = f"http://127.0.0.1:{port}/"
    deadline = time.monotonic() + 180
    # Printed once everything is in place; with Node in front the port answers before that.
    while "Running on local URL" not in log.read_text(encoding="utf-8"):
        assert space.poll() is None, log.read_text(encoding="utf-8")
        assert time.monotonic() < deadline, log.read_text(encoding="utf-8")
        time.sleep(0.2)
    yield url, log, before
    os.killpg(space.pid, signal.SIGKILL)
    space.wait()


def test_the_page_is_there(started):
    url, log, _ = started
    page = httpx.get(url, timeout=60)
    assert page.status_code == 200
    assert "Constrain the output of a ResNet18" in page.text
    assert "http://0.0.0.0" in log.read_text(encoding="utf-8")
    assert ("with SSR" in log.read_text(encoding="utf-8")) == (shutil.which("node") is not None)


def test_it_knows_that_it_is_a_space(started):
    config = httpx.get(f"{started[0]}config", timeout=60).json()
    assert config["space_id"] == "somebody/constrain-resnet18"
    assert len(config["components"]) > 50


def test_it_classifies(started):
    client = Client(started[0], verbose=False)
    sample = ROOT / "assets" / "samples" / "cat.jpg"
    answer = client.predict(handle_file(str(sample)), "cifar10", api_name="/classify")
    assert answer["labels"][max(range(10), key=answer["logits"].__getitem__)] == "cat"


def test_it_may_stand_in_a_frame(started):
    headers = httpx.get(started[0], timeout=60).headers
    assert "x-frame-options" not in headers
    assert "frame-ancestors" not in headers.get("content-security-policy", "")


def test_nothing_was_written_into_the_checkout(started, checkout):
    """After all of the above: gradio's stubs, byte code, and logs have gone elsewhere or nowhere."""
    assert tree(checkout) == started[2]


# ZeroGPU ------------------------------------------------------------------------------------------------------------

FAKE = """
marked = []

def GPU(function=None, **options):
    marked.append(function)
    return function
"""
ASK = """
import os, sys, types
sys.modules |= {  # the real ones take seconds
    "constrained": types.SimpleNamespace(images=None, shipped=None),
    "constrained.models": types.SimpleNamespace(CHECKPOINTS={"cifar10": None}, CheckpointError=None),
    "constrained.page": types.SimpleNamespace(demo=lambda model: None),
    "constrained.page.server": types.SimpleNamespace(guard=None),
    "gradio.tunneling": types.SimpleNamespace(CURRENT_TUNNELS=[]),
    "gradio": types.SimpleNamespace(Blocks=None),
}
import app
for zero, folder in [("", sys.argv[1]), ("true", "/nowhere"), ("true", sys.argv[1])]:
    os.environ["SPACES_ZERO_GPU"] = zero
    sys.path[0] = folder
    app.mark_gpu()
    print(len(sys.modules["spaces"].marked) if "spaces" in sys.modules else "not asked")
os.environ["SPACES_ZERO_GPU"] = "1"
del sys.modules["app"]
import app
print(len(sys.modules["spaces"].marked))
"""


def test_a_function_is_marked_on_zerogpu_alone(tmp_path):
    """Elsewhere nothing, without the package nothing; and starting the page is enough."""
    (tmp_path / "spaces.py").write_text(FAKE, encoding="utf-8")
    environment = {key: value for key, value in os.environ.items() if key != "SPACES_ZERO_GPU"}
    asked = subprocess.run(
        [sys.executable, "-c", ASK, str(tmp_path)],
        env=environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert asked.stdout.split("\n") == ["not asked", "not asked", "1", "2", ""], asked.stderr
