"""Parsers in processes of their own: what a file does to one costs that file, and nobody else."""

import functools
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
import safetensors.numpy
from gradio.utils import NamedString

from constrained import images, validation, views
from constrained.page import api, pictures
from constrained.page import models as menu
from constrained.page.server import inference, workers
from constrained.page.server.workers import WorkerError, Workers
from constrained.page.tabs import calibrate, explore

ROOT = Path(__file__).parents[2]
CAT = str(pictures.FIRST_SAMPLE)
OWN = pictures.FIRST_SAMPLE.read_bytes()
CUT = functools.partial(views.crops, detail=32)
posix = pytest.mark.skipif(workers.resource is None, reason="this system has no limits for a process")


@pytest.fixture
def two():
    made = Workers(2)
    yield made
    made.close()


def test_what_a_worker_makes_is_what_is_made_here(two):
    for sample in pictures.SAMPLES[:3]:
        here = images.views(str(sample), CUT)
        there = two.run(images.views, sample.read_bytes(), CUT)
        assert [view.tobytes() for view in here] == [view.tobytes() for view in there]


def test_what_a_parser_raises_arrives_as_it_is(two):
    for data in (b"", b"no picture", Path(CAT).read_bytes()[:5000]):
        with pytest.raises(images.PictureError) as here:
            images.views(data, CUT)
        with pytest.raises(images.PictureError) as there:
            two.run(images.views, data, CUT)
        assert str(here.value) == str(there.value)
    with pytest.raises(FileNotFoundError):
        two.run(images.views, "/nowhere/at/all.png", CUT)


@pytest.mark.parametrize("end", ["os.abort()", "os._exit(0)", "os.kill(os.getpid(), 9)", "os.kill(os.getpid(), 11)"])
def test_a_parser_that_dies_costs_one_file(two, end, capfd):
    """Of two workers that are busy at once, one dies; the other one answers, and so does its successor."""
    end = f"exec('import os; {end}')"
    with ThreadPoolExecutor(2) as threads:
        other = threads.submit(two.run, images.views, CAT, CUT)
        lost = threads.submit(two.run, eval, end)
        assert len(other.result()) == len(images.views(CAT, CUT))
        with pytest.raises(WorkerError, match=r"^This file cannot be read .*: save it again, or make it smaller\.$"):
            lost.result()
    assert len(two.run(images.views, CAT, CUT)) == len(images.views(CAT, CUT))
    told = capfd.readouterr()
    assert len(told.out.splitlines()) == 1
    assert "Traceback" not in told.out + told.err


def test_one_that_never_ends_is_ended(two, monkeypatch):
    two.run(int)  # it takes a while to start
    monkeypatch.setattr(workers, "SECONDS", 0.5)
    started = time.monotonic()
    with pytest.raises(WorkerError):
        two.run(time.sleep, 60)
    assert time.monotonic() - started < 15
    monkeypatch.undo()
    assert two.run(int) == 0


@pytest.mark.slow
@posix
def test_one_that_computes_for_ever_is_ended_by_the_system(two):
    with pytest.raises(WorkerError):
        two.run(pow, 3, 10**9)  # one call of C, which nothing in Python can interrupt


@posix
def test_a_gigabyte_is_not_to_be_had(two):
    with pytest.raises(MemoryError):
        two.run(bytearray, workers.MEMORY)
    assert two.run(eval, "len(bytearray(2**29))") == 2**29  # the largest picture takes that much


def test_a_worker_that_was_ended_meanwhile_is_replaced_unnoticed(two):
    os.kill(two.run(os.getpid), 9)
    time.sleep(0.5)
    assert two.run(int) == 0


def test_a_worker_is_renewed_now_and_then(two, monkeypatch):
    monkeypatch.setattr(workers, "FILES", 3)
    seen = [two.run(os.getpid) for _ in range(7)]
    assert len(set(seen)) == 3
    assert seen[0] == seen[2] != seen[3]


def test_who_finds_all_busy_waits_and_is_told_in_the_end(monkeypatch):
    one = Workers(1)
    monkeypatch.setattr(workers, "PATIENCE", 0.3)
    one.run(int)
    holding = threading.Thread(target=one.run, args=(time.sleep, 1))
    holding.start()
    time.sleep(0.1)
    with pytest.raises(WorkerError, match=r"^Too many files .* try again in a minute\.$"):
        one.run(int)
    monkeypatch.setattr(workers, "PATIENCE", 60)
    assert one.run(int) == 0
    holding.join()
    one.close()


def test_a_worker_needs_neither_torch_nor_the_page(two):
    loaded = set(two.run(eval, "list(__import__('sys').modules)"))
    assert {"PIL", "constrained.images", "constrained.validation", "safetensors"} <= loaded
    assert not {"torch", "torchvision", "gradio", "constrained.modules", "constrained.page.layout"} & loaded


def test_a_file_that_was_uploaded_loads_nothing_of_the_page_there(tmp_path, monkeypatch):
    """gradio calls a path by a type of its own, which can only be read where gradio is."""
    path = tmp_path / "set.csv"
    path.write_text("label,a,b\n" + "0,1,2\n" * 30, encoding="utf-8")
    mine = Workers(1)
    monkeypatch.setattr(calibrate, "WORKERS", mine)
    assert calibrate.own(NamedString(str(path))).classes == ("a", "b")
    assert "gradio" not in mine.run(eval, "list(__import__('sys').modules)")
    mine.close()


@posix
def test_workers_end_with_a_server_that_was_killed(tmp_path):
    script = (
        "import os\nfrom constrained.page.server.workers import WORKERS\n"
        "print(WORKERS.run(os.getpid), flush=True)\ninput()"
    )
    program = [sys.executable, "-W", "ignore", "-c", script]
    server = subprocess.Popen(
        program, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    worker = int(server.stdout.readline())
    server.kill()
    server.wait()
    ends = time.monotonic() + 10
    while _runs(worker):
        assert time.monotonic() < ends
        time.sleep(0.1)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{process}/status")
    return not status.exists() or "State:\tZ" not in status.read_text()  # a zombie that nobody has buried


# Every way that a stranger's file comes in ---------------------------------------------------------------------------


@pytest.fixture
def dying(monkeypatch):
    """Workers die of whatever they are given."""
    mine, asked = Workers(1), []
    real = mine.run

    def run(parser, *args):
        asked.append(parser)
        return real(os.abort)

    monkeypatch.setattr(mine, "run", run)
    for module in (pictures, menu, calibrate):
        monkeypatch.setattr(module, "WORKERS", mine)
    yield asked
    mine.close()


def test_a_picture_that_kills_its_decoder_ends_in_a_sentence(dying, tmp_path):
    inference.network("cifar10")
    told = explore.on_picture(OWN, "cifar10", None)
    assert "This file cannot be read within the limits" in told["notice"]
    assert "This file cannot be read within the limits" in explore.on_frame(b"x", "cifar10", None)["notice"]
    with pytest.raises(gr.Error, match="within the limits"):
        api.classify(OWN, "cifar10")
    assert dying == [images.views] * 3


def test_a_head_or_a_set_that_kills_its_parser_ends_in_a_sentence(dying, tmp_path):
    tensors = {"weight": np.zeros((10, 512), np.float32), "bias": np.zeros(10, np.float32)}
    told = menu.adopt(safetensors.numpy.save(tensors, {"format": "constrained head"}), CAT)[1]
    assert "within the limits" in told
    path = tmp_path / "set.csv"
    path.write_text("label,a,b\n0,1,2\n", encoding="utf-8")
    assert "within the limits" in calibrate.on_upload(str(path))["notice"]
    assert dying == [safetensors.deserialize, validation.parse]


def test_large_pictures_leave_workers_to_small_ones(monkeypatch):
    """However many of them come at once."""
    busy, most, lock = [], [], threading.Lock()

    def run(parser, source, cut, large=True):
        if not large:
            raise images.LargePictureError
        with lock:
            busy.append(source)
            most.append(len(busy))
        time.sleep(0.02)
        busy.pop()
        return []

    def look(_) -> str:
        try:
            pictures.views(b"", inference.network("cifar10").checkpoint)
        except WorkerError as error:
            return str(error)
        return ""

    monkeypatch.setattr(pictures.WORKERS, "run", run)
    with ThreadPoolExecutor(12) as threads:
        told = list(threads.map(look, range(12)))
    assert told.count("") >= 6  # nor do they take all places of the line of pictures
    assert set(told) == {"", "Too many large pictures at the moment: make yours smaller, or try again."}
    assert explore.NETWORK["concurrency_limit"] > 12
    assert max(most) == 2 < workers.PLACES
