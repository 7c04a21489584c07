"""The start and the end: what is wrong with a machine gets a sentence, and however the page ends, nothing stays behind.

Each test that starts ``python app.py`` takes some seconds.
"""

import ast
import contextlib
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import gradio as gr
import httpx
import pytest

import app
from constrained import models, registry, shipped
from constrained.models import cifar10
from constrained.page import controls, languages, pictures
from constrained.page.course import files
from constrained.page.server import guard, web
from constrained.page.tabs import explore, export, lessons, train
from tests.load.server import free_port

ROOT = Path(__file__).parents[2]
LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
POSIX = pytest.mark.skipif(guard.fcntl is None, reason="no such locks on this system")
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def environment(**changes: str) -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith(("GRADIO", "CONSTRAINED"))} | changes


def run(*options: str, root: Path = ROOT, python: tuple[str, ...] = (), **changes: str) -> subprocess.CompletedProcess:
    """``python app.py`` until it ends by itself."""
    command = [sys.executable, *python, root / "app.py", *options]
    told = {"capture_output": True, "encoding": "utf-8", "errors": "replace"}
    return subprocess.run(command, cwd=root, env=environment(**changes), timeout=60, **told)


@contextlib.contextmanager
def started(
    log: Path, *options: str, root: Path = ROOT, python: tuple[str, ...] = (), **changes: str
) -> Iterator[tuple[subprocess.Popen, str]]:
    """``python app.py`` once it listens, and its address; killed in the end."""
    port = free_port()
    command = [sys.executable, *python, root / "app.py", "--port", str(port), *options]
    with log.open("wb") as output:
        env = environment(PYTHONUNBUFFERED="1", **changes)
        process = subprocess.Popen(command, cwd=root, env=env, stdout=output, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 120
        while not (found := re.search(rf"Running on local URL:\s+(http://\S+:{port})", read(log))):
            assert process.poll() is None, read(log)
            assert time.monotonic() < deadline, read(log)
            time.sleep(0.1)
        yield process, found[1]
    finally:
        process.kill()
        process.wait()


def read(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")


# The end --------------------------------------------------------------------------------------------------------------


def join(url: str, function, session: str, data: list, event: object = None) -> None:
    """Ask a question, as the page does, and do not wait for the answer."""
    number = next(fn._id for fn in app.demo.fns.values() if fn.fn is function)
    body = {"data": data, "fn_index": number, "session_hash": session, "event_data": event, "trigger_id": None}
    httpx.post(f"{url}/gradio_api/queue/join", json=body, timeout=30).raise_for_status()


def work(url: str) -> None:
    """Have a server upload, look at pictures, train and write a file, all at once."""
    picture = (ROOT / "assets/samples/dog.jpg").read_bytes()
    httpx.post(f"{url}/gradio_api/upload", files={"files": ("dog.jpg", picture)}, timeout=30).raise_for_status()
    for session in ("one", "two"):
        join(
            url,
            train.on_sweep,
            session,
            [],
            {"question": 1, "axis": "bounds", "setting": {"method": "clamp", "epochs": 500}},
        )
    for session in "abcdefgh":
        join(url, explore.on_sample, session, ["cifar10", None], {"index": "abcdefgh".index(session)})
    settings = {parameter.key: parameter.default for parameter in registry.PARAMETERS.values()}
    question = {"ending": ".pt2", "method": "clamp", "settings": settings, "model": "cifar10"}
    join(url, export.on_make, "export", [json.dumps(question), None])


def children(process: int) -> list[int]:
    return [
        int(one) for one in Path(f"/proc/{process}/task/{process}/children").read_text(encoding="utf-8").split()
    ] + [
        int(one)
        for task in Path(f"/proc/{process}/task").iterdir()
        if task.name != str(process)
        for one in (task / "children").read_text(encoding="utf-8").split()
    ]


def said(process: int) -> str:
    """The module that a process runs; nothing if it runs none."""
    words = Path(f"/proc/{process}/cmdline").read_text(encoding="utf-8").split("\0")
    return words[words.index("-m") + 1] if "-m" in words else ""


def alive(process: int) -> bool:
    with contextlib.suppress(OSError):
        return "(zombie)" not in Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    return False


def gone(process: int) -> bool:
    deadline = time.monotonic() + 5
    while alive(process) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not alive(process)


@pytest.mark.slow
@LINUX
@pytest.mark.parametrize("names", ["SIGTERM", "SIGINT", "SIGHUP", "SIGTERM SIGINT"])
def test_a_signal_in_the_middle_of_work_ends_it_and_leaves_nothing(tmp_path, names):
    """Python's own end would abort: its threads are inside of torch."""
    log, around = tmp_path / "log", tmp_path / "around"
    with started(log, GRADIO_TEMP_DIR=str(around)) as (process, url):
        work(url)
        time.sleep(2)
        made = children(process.pid)
        assert [said(one) for one in made].count("constrained.export") == 1
        assert "loky.backend.popen_loky_posix" in [said(one) for one in made]  # workers
        assert len(list(around.glob("constrained-*/lock"))) == 2
        for name in names.split():
            process.send_signal(getattr(signal, name))
        assert process.wait(6) == 0, read(log)
    assert "terminate" not in read(log)
    assert "Traceback" not in read(log)
    assert all(map(gone, made))
    assert not list(around.glob("constrained-*"))


@pytest.mark.slow
@LINUX
def test_what_a_killed_server_leaves_goes_at_once_or_when_another_starts(tmp_path):
    log, around = tmp_path / "log", tmp_path / "around"
    with started(log, GRADIO_TEMP_DIR=str(around)) as (process, url):
        work(url)
        time.sleep(2)
        made = children(process.pid)
        assert len(made) > 1
        process.kill()
        process.wait()
        assert all(map(gone, made)), "an export, or a worker, goes on without anybody to give it to"
    assert len(list(around.glob("constrained-*"))) == 2
    guard.clear(around)
    assert not list(around.glob("constrained-*"))


@LINUX
@pytest.mark.slow
def test_a_signal_while_it_starts_ends_it(tmp_path):
    process = subprocess.Popen(
        [sys.executable, ROOT / "app.py", "--port", str(free_port())],
        env=environment(GRADIO_TEMP_DIR=str(tmp_path)),
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("constrained-*/lock")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    assert (process.wait(6), process.stderr.read()) == (0, b"")
    assert not list(tmp_path.glob("constrained-*"))


IGNORING = """
import os, signal, sys
signal.signal(signal.SIGHUP, signal.SIG_IGN)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


@pytest.mark.slow
@LINUX
def test_a_signal_that_is_to_be_ignored_is(tmp_path):
    """As nohup has it: the terminal is closed and the page goes on."""
    with started(tmp_path / "log", python=("-c", IGNORING), GRADIO_TEMP_DIR=str(tmp_path / "around")) as (process, url):
        process.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        assert httpx.get(url, timeout=30).status_code == 200


def test_gradio_may_execute_it_again_in_another_thread(monkeypatch):
    """As ``gradio app.py`` does, to exchange the page of a server that runs: no signals there, and no second server."""
    monkeypatch.setattr(sys, "argv", ["app.py"])
    before = signal.getsignal(signal.SIGTERM)
    names = {"__name__": "__main__"}
    with ThreadPoolExecutor(1) as thread:
        thread.submit(exec, (ROOT / "app.py").read_text(encoding="utf-8"), names).result()
    assert isinstance(names["demo"], gr.Blocks)
    assert signal.getsignal(signal.SIGTERM) == before


# Folders for files of strangers ---------------------------------------------------------------------------------------


def folder_of(around: Path, name: str, lock: bytes = guard.SIGNED, mode: int = 0o700) -> Path:
    made = around / f"constrained-{name}"
    made.mkdir()
    (made / "upload").write_bytes(b"somebody's")
    (made / "lock").write_bytes(lock)
    made.chmod(mode)
    return made


@POSIX
@pytest.mark.parametrize(
    "kind", ["unsigned", "open to others", "pipe", "socket", "linked lock", "linked folder", "a folder"]
)
def test_what_only_looks_like_an_old_folder_stays_and_does_not_hang(tmp_path, kind):
    made = folder_of(tmp_path, "odd", b"" if kind == "unsigned" else guard.SIGNED, 0o755 if "open" in kind else 0o700)
    lock = made / "lock"
    if kind in ("pipe", "socket", "linked lock", "a folder"):
        lock.unlink()
    if kind == "pipe":
        os.mkfifo(lock)
    if kind == "socket":
        os.chdir(made)  # its path may only be short
        with socket.socket(socket.AF_UNIX) as one:
            one.bind("lock")
        os.chdir(ROOT)
    if kind == "a folder":
        lock.mkdir()
    if kind == "linked lock":
        (tmp_path / "elsewhere").write_bytes(guard.SIGNED)
        lock.symlink_to(tmp_path / "elsewhere")
    if kind == "linked folder":
        made.rename(tmp_path / "real")
        made.symlink_to(tmp_path / "real")
    began = time.monotonic()
    guard.clear(tmp_path)
    assert time.monotonic() - began < 1
    assert (made / "upload").read_bytes() == b"somebody's"


@POSIX
def test_an_old_folder_goes_and_one_in_use_stays(tmp_path):
    left = folder_of(tmp_path, "left")
    used = guard.private(tmp_path)
    try:
        guard.clear(tmp_path)
        assert not left.exists()
        assert used.stat().st_mode & 0o777 == 0o700
        assert (used / "lock").exists()
    finally:
        guard._made.remove(used)


# Encodings ------------------------------------------------------------------------------------------------------------


def in_text_mode(call: ast.Call) -> bool:
    """Whether a call opens a file as text, or a program, and leaves the encoding to the machine."""
    method = isinstance(call.func, ast.Attribute)
    name = call.func.attr if method else getattr(call.func, "id", "")
    of = ast.unparse(call.func.value) if method else ""
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    if "encoding" in given or None in given:
        return False
    if name in ("read_text", "write_text"):
        return len(call.args) < (1 if name == "read_text" else 2)
    if name in ("run", "Popen", "check_output"):
        return bool({"text", "universal_newlines"} & given.keys())
    if name not in ("open", "fdopen"):
        return False
    place = 0 if method and of not in ("io", "os") else 1  # of the mode
    mode = given.get("mode", call.args[place] if len(call.args) > place else ast.Constant("r"))
    return isinstance(mode, ast.Constant) and re.fullmatch("[rwxat+]+", str(mode.value)) is not None and of != "Image"


SOURCES = [ROOT / "app.py", *sorted((ROOT / "constrained").rglob("*.py"))]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_file_is_read_in_whatever_encoding_the_machine_has(path):
    calls = (node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call))
    assert [f"line {call.lineno}: {ast.unparse(call)}" for call in calls if in_text_mode(call)] == []


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        *((text, True) for text in ("open(p)", "p.read_text()", "p.write_text(x)", "p.open()", "p.open('w')")),
        *((text, True) for text in ("open(p, 'r')", "os.fdopen(f, 'w')", "io.open(p)", "run(c, text=True)")),
        *(
            (text, False)
            for text in ("open(p, 'rb')", "p.read_text(encoding='utf-8')", "p.open('xb')", "Image.open(p)")
        ),
        *((text, False) for text in ("open(p, mode='wb')", "block.open(on_open, None)", "os.open(p, os.O_RDWR)")),
    ],
)
def test_that_would_be_found(text, wrong):
    assert in_text_mode(ast.parse(text, mode="eval").body) == wrong


PAGE = """
import hashlib, json
from constrained.page import languages, layout
from constrained.page.server import guard
from constrained.page.tabs import lessons
page = layout.demo().get_config_file()["components"]
texts = [str(layout.facts()).replace(guard.PAGE, ""), languages.catalogues(), lessons.on_open(), str(page[-1])]
print(*(hashlib.sha256(json.dumps(text).encode()).hexdigest() for text in texts))
"""


@pytest.mark.slow
def test_the_page_is_the_same_where_the_machine_knows_no_utf_8():
    command = [sys.executable, "-c", PAGE]
    here, there = (
        subprocess.run(command, cwd=ROOT, env=environment(**more), capture_output=True, check=True).stdout
        for more in ({}, ASCII)
    )
    assert here == there


def test_a_terminal_that_knows_no_utf_8_ends_nothing(monkeypatch):
    plain = io.TextIOWrapper(io.BytesIO(), "ascii")
    monkeypatch.setattr(sys, "stdout", plain)
    app.prepare()
    print("Zürich …", flush=True)
    assert plain.buffer.getvalue() == b"Z\\xfcrich \\u2026\n"


# Other systems --------------------------------------------------------------------------------------------------------

# What Python does not have on Windows, of what a server might use.
WITHOUT = """
import os, signal, sys
sys.modules |= {"fcntl": None, "resource": None}
for name in ("SIGHUP", "SIGQUIT", "SIGUSR1", "SIGALRM", "SIGKILL", "SIGPIPE"):
    delattr(signal, name)
for name in ("getuid", "geteuid", "fork", "setpriority", "nice", "mkfifo", "O_NONBLOCK", "O_NOFOLLOW", "killpg"):
    delattr(os, name)
import app
app.prepare()
app.listening(None, None)
print(app.demo.title, app.guard.folder().is_dir())
app.leave(0)
"""


@pytest.mark.slow
def test_it_starts_without_what_only_posix_has(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT],
        cwd=ROOT,
        env=environment(GRADIO_TEMP_DIR=str(tmp_path)),
        capture_output=True,
        encoding="utf-8",
    )
    assert done.stdout == "Constrain the output of a ResNet18 True\n", done.stderr
    assert not list(tmp_path.glob("constrained-*"))


@pytest.mark.slow
@LINUX
def test_it_starts_and_exports_without_docstrings(tmp_path):
    """``python -OO`` drops them."""
    with started(tmp_path / "log", python=("-OO",), GRADIO_TEMP_DIR=str(tmp_path / "around")) as (_, url):
        assert httpx.get(url, timeout=30).status_code == 200


# Where it listens -----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def listener(host: str = "127.0.0.1") -> Iterator[int]:
    """Somebody else, who listens on a port."""
    with socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET) as other:
        yield other.getsockname()[1]


def ipv6() -> bool:
    with contextlib.suppress(OSError), listener("::1"):
        return True
    return False


IPV6 = pytest.mark.skipif(not ipv6(), reason="this machine has no IPv6")


def refusal(capsys, host: str | None, port: int | None) -> str:
    with pytest.raises(SystemExit) as ended:
        app.listening(host, port)
    assert ended.value.code
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    return told


@pytest.mark.parametrize("value", ["0", "99999", "-1", "65536", "7860.5", "", "٣", "1e4", "8000 "])
def test_a_port_that_is_none_is_refused(capsys, monkeypatch, value):
    with pytest.raises(SystemExit):
        app.options([f"--port={value}"])
    assert f"--port: must be a whole number from 1 to 65535, got {value!r}" in capsys.readouterr().err
    if value:
        monkeypatch.setenv("GRADIO_SERVER_PORT", value)
        told = refusal(capsys, None, None)
        assert told == f"GRADIO_SERVER_PORT must be a whole number from 1 to 65535, got {value!r}.\n"


@pytest.mark.parametrize(
    "host", ["nonsense.invalid", "10.9.8.7", "...", "a" * 100 + ".b", "[", "", "127.0.0.1:80", "http://x"]
)
def test_a_host_that_is_none_is_refused(capsys, monkeypatch, host):
    told = refusal(capsys, host, None)
    assert told.startswith(f"--host {host!r:.80} is no address of this machine: ")
    monkeypatch.setenv("GRADIO_SERVER_NAME", host)
    assert refusal(capsys, None, free_port()).startswith("GRADIO_SERVER_NAME ")


def test_a_port_in_use_is_named_or_passed_over(capsys, monkeypatch):
    with listener() as taken:
        told = refusal(capsys, None, taken)
        assert (
            told == f"Port {taken} is in use: choose another one with --port, or end the program that listens there.\n"
        )
        monkeypatch.setenv("GRADIO_SERVER_PORT", str(taken))
        host, port = app.listening(None, None)
        assert host == "127.0.0.1"
        assert taken < port < taken + 100
        monkeypatch.setenv("GRADIO_NUM_PORTS", "1")
        assert f"Port {taken} is in use" in refusal(capsys, None, None)


def test_a_port_that_this_user_may_not_have_is_told(capsys, monkeypatch):
    def forbidden(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(app, "claim", forbidden)
    assert refusal(capsys, None, 80).startswith("This user may not listen on port 80: ")


@IPV6
def test_ipv6_can_be_named_with_or_without_brackets(capsys):
    port = free_port()
    assert app.listening("::1", port) == app.listening("[::1]", port) == ("[::1]", port)
    assert app.listening("::", port) == ("[::]", port)
    with listener("::1") as taken:
        assert f"Port {taken} is in use" in refusal(capsys, "::1", taken)


@pytest.mark.slow
@IPV6
@pytest.mark.parametrize("options", [("--host", "::1"), ("--host", "::")])
def test_it_listens_on_ipv6(tmp_path, options):
    around = str(tmp_path / "around")
    with started(tmp_path / "log", *options, GRADIO_TEMP_DIR=around, GRADIO_SERVER_NAME="::1") as (_, url):
        assert httpx.get(url, timeout=30).status_code == 200
        address = f"http://[::1]:{url.rpartition(':')[2]}"
        assert httpx.get(address, timeout=30).status_code == 200
        time.sleep(0.3)
        assert address in read(tmp_path / "log")


# A machine on which it cannot start -----------------------------------------------------------------------------------


def sentence(done: subprocess.CompletedProcess) -> str:
    """What it said before it ended with an error; one line."""
    assert done.returncode not in (0, None)
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


@pytest.mark.slow
@LINUX
@pytest.mark.parametrize("place", ["/proc/nowhere", "/etc/passwd"])
def test_a_folder_that_cannot_be_written_is_named(place):
    assert sentence(run("--port", str(free_port()), GRADIO_TEMP_DIR=place)).startswith(
        f"Uploads cannot be kept in {place} ("
    )


@LINUX
def test_a_full_disk_is_told():
    here = "/nowhere/none"
    told = app.refused(OSError(28, "No space left on device", "cat.jpg"), [], here)
    assert told.startswith(f"There is no room for uploads and samples in {here}: ")


@LINUX
def test_too_little_memory_is_told():
    command = f"ulimit -v 1000000; exec {sys.executable} app.py --port {free_port()}"
    done = subprocess.run(
        ["bash", "-c", command], cwd=ROOT, env=environment(), capture_output=True, encoding="utf-8", timeout=60
    )
    assert sentence(done).startswith("There is not enough memory: raise its limit with ulimit -v ")


# Files that come with the page ----------------------------------------------------------------------------------------


def test_the_list_of_files_is_up_to_date():
    """After a change that is meant: python -m constrained.shipped."""
    assert shipped.SUMS.read_text(encoding="utf-8") == shipped.listing()


def test_everything_that_is_read_is_in_the_list():
    read = {*web.WEB.rglob("*.js"), *web.STYLES.iterdir(), *pictures.SAMPLES}
    for folder in (languages.FOLDER, controls.ASSETS / "lessons", cifar10.FOLDER):
        read |= set(folder.iterdir())
    assert read - {cifar10.FOLDER / "README.md"} == set(shipped.sums())  # the model card is for people


DAMAGE = {
    "missing": lambda data: None,
    "cut": lambda data: data[: len(data) // 2],
    "one byte": lambda data: data[:-60] + bytes([data[-60] ^ 1]) + data[-59:],
    "junk": lambda data: b"\x00\xff\xfe junk " * 9,
}


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """The files that come with the page, where they can be damaged."""
    for path in shipped.sums():
        made = tmp_path / path.relative_to(ROOT)
        made.parent.mkdir(parents=True, exist_ok=True)
        made.symlink_to(path)
    shutil.copy(shipped.SUMS, tmp_path / "assets")
    monkeypatch.setattr(shipped, "ROOT", tmp_path)
    monkeypatch.setattr(shipped, "SUMS", tmp_path / "assets" / "SHA256SUMS")
    monkeypatch.setattr(cifar10, "FOLDER", tmp_path / "checkpoints")
    shipped.sums.cache_clear()
    yield tmp_path
    shipped.sums.cache_clear()


def damage(path: Path, how: str) -> None:
    data = DAMAGE[how](path.read_bytes())
    path.unlink()
    if data is not None:
        path.write_bytes(data)


@pytest.mark.slow
@pytest.mark.parametrize("how", DAMAGE)
def test_damage_to_any_file_is_told(copy, how):
    assert shipped.damaged() == []
    for path in shipped.sums():
        damage(path, how)
        name = path.relative_to(copy).as_posix()
        (told,) = shipped.damaged()
        assert told.startswith(f"{name} is {'missing' if how == 'missing' else 'damaged'}")
        assert f"git checkout {name}" in told
        path.unlink(missing_ok=True)
        path.symlink_to(ROOT / name)


@pytest.mark.parametrize("how", DAMAGE)
def test_damage_to_the_list_itself_is_told(copy, how):
    damage(shipped.SUMS, how)
    shipped.sums.cache_clear()
    assert shipped.damaged()
    assert shipped.intact(cifar10.FOLDER / "resnet18-cifar10.json") or how == "one byte"


def test_line_ends_of_windows_are_no_damage(copy):
    for path in [path for path in shipped.sums() if path.suffix in shipped.TEXT]:
        text = path.read_bytes().replace(b"\n", b"\r\n")
        path.unlink()
        path.write_bytes(text)
    assert shipped.damaged() == []


@pytest.mark.parametrize("how", DAMAGE)
def test_wrong_facts_or_features_are_never_used(copy, how):
    features = cifar10.FOLDER / cifar10.facts()["features"]["file"]
    damage(features, how)
    with pytest.raises(models.CheckpointError, match=f"checkpoints/{features.name} is "):
        cifar10.tested("labels")
    damage(cifar10.FOLDER / "resnet18-cifar10.json", how)
    with pytest.raises(models.CheckpointError, match=r"checkpoints/resnet18-cifar10\.json is "):
        cifar10.facts()


@pytest.mark.parametrize("junk", [b"\xff", b"{", b"[]", b'{"Lessons": 1}'])
def test_a_language_that_cannot_be_read_is_named(tmp_path, monkeypatch, junk):
    monkeypatch.setattr(languages, "FOLDER", tmp_path)
    (tmp_path / "it.json").write_bytes(junk)
    with pytest.raises(shipped.DamagedError, match=r"^it\.json is damaged"):
        languages.read()


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """All of the project that runs, to be damaged."""
    root = tmp_path_factory.mktemp("project")
    shutil.copy(ROOT / "app.py", root)
    for name in ("constrained", "assets", "checkpoints"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    return root


@contextlib.contextmanager
def damaged(root: Path, files: dict[str, str]) -> Iterator[None]:
    for name, how in files.items():
        damage(root / name, how)
    yield
    for name in files:
        shutil.copy(ROOT / name, root / name)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("checkpoints/resnet18-cifar10.safetensors", "missing"),
        ("checkpoints/resnet18-cifar10.json", "cut"),
        ("checkpoints/resnet18-cifar10-features.safetensors", "one byte"),
        ("assets/samples/cat.jpg", "junk"),
        ("assets/web/explore/chart.js", "junk"),
        ("assets/languages/de.json", "cut"),
        ("assets/styles/explore.css", "missing"),
    ],
)
def test_it_does_not_start_without_a_file_and_names_it(checkout, name, how):
    with damaged(checkout, {name: how}):
        done = run("--port", str(free_port()), root=checkout)
    assert done.returncode == 1
    assert done.stderr.startswith(f"{name} is ")
    assert done.stderr.endswith("The page cannot start.\n")
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_it_starts_with_what_it_can_do_without_and_names_it(checkout, tmp_path):
    files = {
        "assets/web/explore/chart.js": "cut",
        "assets/samples/dog.jpg": "junk",
        "assets/lessons/05-zeros.md": "junk",
    }
    with damaged(checkout, files), started(tmp_path / "log", root=checkout) as (_, url):
        assert httpx.get(url, timeout=30).status_code == 200
        for name in files:
            assert f"{name} is damaged" in read(tmp_path / "log")


def test_one_bad_lesson_leaves_the_others(copy, monkeypatch):
    monkeypatch.setattr(files, "FOLDER", copy / "assets" / "lessons")
    damage(copy / "assets" / "lessons" / "05-zeros.md", "junk")
    (copy / "assets" / "lessons" / "08-division.md").write_text(
        (copy / "assets" / "lessons" / "01-bounds.md").read_text(encoding="utf-8").replace("{", "{1 / 0 + ", 1),
        encoding="utf-8",
    )
    found = json.loads(lessons.on_open())["lessons"]
    assert len([lesson for lesson in found if "steps" in lesson]) == 6
    zeros, division = (lesson["trouble"] for lesson in found if "trouble" in lesson)
    assert "assets/lessons/05-zeros.md is damaged" in zeros
    assert division.startswith("08-division.md: ")
    assert str(copy) not in json.dumps(found)
