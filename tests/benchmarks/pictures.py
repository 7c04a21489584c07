"""How fast a picture is, in the network and as a visitor sees it: python -m tests.benchmarks.pictures

First the network alone: torchvision's as it comes, every form of it for a CPU that keeps the logits, and the one that
the app uses (`constrained.models.fused`). All take the same batches in turn, and each answer is compared with
torchvision's.
Two sizes of input: the bundled model's, and the 224 pixels of ImageNet (with random weights; their size is what
counts). Six inputs are one photograph's: two squares and the whole of it, and their mirror images.

Then what a visitor has of it: a photograph of 1600 x 1200 pixels from the file chooser's event to the end of the frame
that paints its chart, in headless Chromium; the webcam that Chromium pretends to have; many pictures at once; and
pictures beside others who train heads. Takes about five minutes.

ONNX Runtime and the compiled form need onnxruntime, onnxscript and a C++ compiler; what is missing is left out.
"""

import functools
import importlib.util
import io
import itertools
import os
import shutil
import statistics
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import PIL.Image
import torch
from playwright.sync_api import Page, sync_playwright
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from app import demo
from constrained import images
from constrained.model import torchvision
from constrained.models import CHECKPOINTS
from constrained.models.cifar10 import checkpoint as bundled
from constrained.models.fused import fused
from constrained.page import models as menu
from constrained.page.server import inference
from constrained.page.tabs import train
from constrained.training import Setting
from tests.browser.conftest import FLAGS, LOADED, WIDE, chromium

BATCHES = (1, 6, 16)
SECONDS = 5  # for each size of batch, all forms together
ROUNDS, PICTURES = 5, 40  # beside fits
TOLERANCE = 1e-4  # of a logit

Form = Callable[[Tensor], Tensor]

# From the file chooser's event to the end of the frame that paints other logits.
WATCH = """() => {
  window.taken = [];
  let started = 0, before = null;
  window.addEventListener('change', (event) => {
    if (event.target.type === 'file') [started, before] = [performance.now(), explore.state.logits[0]];
  }, true);
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {  // a task after the frame's layout and paint
    if (started && explore.state.logits[0] !== before) {
      taken.push(performance.now() - started);
      started = 0;
    }
  };
  const frame = () => { port2.postMessage(0); requestAnimationFrame(frame); };
  frame();
}"""

# How many frames of the webcam reach the chart in so many milliseconds.
COUNT = """async (duration) => {
  let last = null, count = 0;
  const started = performance.now();
  while (performance.now() - started < duration) {
    await new Promise((done) => requestAnimationFrame(done));
    if (explore.state.logits[0] !== last) count += 1;
    last = explore.state.logits[0];
  }
  return 1000 * count / (performance.now() - started);
}"""


def taking_turns(calls: dict[str, Callable[[], object]], rounds: int = 30) -> dict[str, float]:
    """Milliseconds that each call takes, medians."""
    taken = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            started = time.perf_counter()
            call()
            taken[name].append((time.perf_counter() - started) * 1e3)
    return {name: statistics.median(times) for name, times in taken.items()}


# The network alone --------------------------------------------------------------------------------------------------


def folded(model: nn.Module) -> nn.Module:
    """BatchNorm folded into the convolutions, by the public function for that, and channels last."""
    model.conv1, model.bn1 = fuse_conv_bn_eval(model.conv1, model.bn1), nn.Identity()
    for block in itertools.chain(model.layer1, model.layer2, model.layer3, model.layer4):
        block.conv1, block.bn1 = fuse_conv_bn_eval(block.conv1, block.bn1), nn.Identity()
        block.conv2, block.bn2 = fuse_conv_bn_eval(block.conv2, block.bn2), nn.Identity()
        if block.downsample is not None:
            block.downsample = fuse_conv_bn_eval(*block.downsample)
    return model.to(memory_format=torch.channels_last)


def scripted(model: nn.Module, size: int) -> nn.Module:
    traced = torch.jit.trace(model, torch.zeros(1, 3, size, size))
    return torch.jit.optimize_for_inference(torch.jit.freeze(traced))


def compiled(model: nn.Module, size: int) -> Form:
    """Compiled for each size of batch, with frozen weights."""
    import torch._inductor.config

    torch._inductor.config.freezing = True
    result = torch.compile(model.to(memory_format=torch.channels_last), dynamic=False)
    for count in BATCHES:
        result(torch.zeros(count, 3, size, size).to(memory_format=torch.channels_last))
    return result


def onnx_runtime(model: nn.Module, size: int) -> Form:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    # Its threads would look for more work, on the cores of whoever's turn is next.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.onnx")
        shapes = [{0: torch.export.Dim("batch")}]
        torch.onnx.export(model, (torch.zeros(2, 3, size, size),), path, dynamic_shapes=shapes, verbose=False)
        session = onnxruntime.InferenceSession(path, options)
    name = session.get_inputs()[0].name
    return lambda x: torch.from_numpy(session.run(None, {name: x.numpy()})[0])


def forms(model: Callable[[], nn.Module], size: int) -> dict[str, Form]:
    """The forms by name, each from a fresh model; torchvision's first, the app's last."""
    last = {"memory_format": torch.channels_last}
    channels_last, fold = model().to(**last), folded(model())
    result = {
        "torchvision": model(),
        "channels last": lambda x: channels_last(x.to(**last)),
        "folded": lambda x: fold(x.to(**last)),
        "TorchScript": scripted(model(), size),
    }
    if shutil.which("g++"):
        frozen = compiled(model(), size)
        result["compiled"] = lambda x: frozen(x.to(**last))
    if importlib.util.find_spec("onnxruntime") and importlib.util.find_spec("onnxscript"):
        result["ONNX Runtime"] = onnx_runtime(model(), size)
    own = nn.Sequential(fused(model().state_dict()), model().fc)
    result["this app"] = lambda x: own(x.to(**last))
    return result


def in_turn(candidates: dict[str, Form], x: Tensor) -> tuple[dict[str, float], float]:
    """Milliseconds that each takes, medians, and how far the last one's logits are from the first one's."""
    answers = {name: [form(x) for _ in range(3)][-1] for name, form in candidates.items()}  # and warm by now
    wanted, *_, got = answers.values()
    for name, answer in answers.items():
        torch.testing.assert_close(answer, wanted, rtol=0, atol=TOLERANCE, msg=name)
    calls = {name: functools.partial(form, x) for name, form in candidates.items()}
    rounds = max(5, round(SECONDS * 1e3 / sum(taking_turns(calls, 1).values())))
    return taking_turns(calls, rounds), (got - wanted).abs().max().item()


def random_model() -> nn.Module:
    """ImageNet's ResNet18 without its training; BatchNorm's numbers keep the logits in a usual range."""
    torch.manual_seed(0)
    return torchvision.models.resnet18().eval()


@torch.inference_mode()
def networks() -> list[str]:
    """The table of forms, with a line about it."""
    lines, distances = [], []
    sources = {bundled().size: bundled().model, CHECKPOINTS["imagenet"]().size: random_model}
    for size, model in sources.items():
        candidates = forms(model, size)
        if not lines:
            names = list(candidates)
            lines += ["| ms | " + " | ".join(names) + " | against the fastest other |", "|---" * (len(names) + 2) + "|"]
        for count in BATCHES:
            x = torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(count))
            times, distance = in_turn(candidates, x)
            distances.append(distance)
            ratio = times["this app"] / min(taken for name, taken in times.items() if name != "this app")
            cells = [f"{taken:.1f}" for taken in times.values()]
            lines.append(f"| {size} px, {count} at once | " + " | ".join(cells) + f" | {ratio:.2f} |")
            print(lines[-1], flush=True)
        torch._dynamo.reset()
    told = f"Logits of the app's form differ from torchvision's by at most {max(distances):.0e} (asserted below 1e-4)."
    return [*lines, "", f"{torch.get_num_threads()} threads, medians of forms taking turns. {told}"]


# A visitor's picture ------------------------------------------------------------------------------------------------


def photographs() -> Iterator[bytes]:
    """JPEG files of 1600 x 1200 pixels that nobody has seen."""
    random = np.random.default_rng(0)
    while True:
        small = PIL.Image.fromarray(random.integers(0, 256, (30, 40, 3), np.uint8))
        file = io.BytesIO()
        small.resize((1600, 1200), PIL.Image.Resampling.BICUBIC).save(file, "JPEG", quality=90)
        yield file.getvalue()


@torch.inference_mode()
def on_server() -> list[tuple[str, str]]:
    """What a photograph costs in this process, without HTTP; rows of the second table."""
    files = photographs()
    net, plain = inference.network("cifar10"), bundled().model()
    views = net.checkpoint.views(images.decode(next(files)))
    x = net.checkpoint.batch(views)
    data = next(files)
    picture = images.decode(data)
    fresh = iter([next(files) for _ in range(30)])
    ms = taking_turns(
        {
            "plain": lambda: plain(x),
            "app": lambda: net.forward([views]),
            "decode": lambda: images.decode(data),
            "crop": lambda: net.checkpoint.views(picture),
            "whole": lambda: menu.look(next(fresh), "cifar10"),
        }
    )

    pictures = [images.decode(next(files)) for _ in range(96)]
    crops = [net.checkpoint.views(picture) for picture in pictures]
    started = time.perf_counter()
    one_by_one = [plain(net.checkpoint.batch(some)).mean(0).numpy() for some in crops]
    plain_rate = len(crops) / (time.perf_counter() - started)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(net.logits_of, [net.checkpoint.views(images.decode(next(files))) for _ in range(32)]))
        started = time.perf_counter()
        at_once = list(pool.map(net.logits_of, crops))
        rate = len(crops) / (time.perf_counter() - started)
    np.testing.assert_allclose(at_once, one_by_one, rtol=0, atol=TOLERANCE)
    return [
        (f"torchvision's forward pass of a photograph's {len(x)} crops", f"{ms['plain']:.1f} ms"),
        (f"the app's, from crops to features ({len(x)} inputs)", f"{ms['app']:.1f} ms"),
        ("decoding the JPEG file; cropping", f"{ms['decode']:.1f} ms; {ms['crop']:.1f} ms"),
        ("file to the page's message and crops, all of it", f"{ms['whole']:.1f} ms"),
        ("pictures a second, torchvision one after another", f"{plain_rate:.0f}"),
        ("pictures a second, the app, 16 at once", f"{rate:.0f}"),
    ]


def in_browser(page: Page, url: str) -> list[tuple[str, str]]:
    """What it is in the page; rows of the second table."""
    files = photographs()
    page.goto(url)
    page.evaluate(LOADED)
    page.evaluate(WATCH)
    for count in range(30):
        page.locator("#picture input[type=file]").set_input_files(
            {"name": f"{count}.jpg", "mimeType": "image/jpeg", "buffer": next(files)}
        )
        page.wait_for_function("count => taken.length > count", arg=count)
        page.wait_for_timeout(200)
    taken = sorted(page.evaluate("taken")[5:])
    page.locator("#live input").check()
    page.locator("#camera").get_by_text("Access Webcam").click()
    page.locator("#camera").get_by_text("Record").click()
    page.wait_for_timeout(2000)
    frames = page.evaluate(COUNT, 8000)
    page.locator("#camera").get_by_text("Stop").click()
    return [
        (
            "file chooser to painted chart in Chromium, median and 95th percentile",
            f"{statistics.median(taken):.0f} and {taken[int(0.95 * len(taken))]:.0f} ms",
        ),
        ("webcam in Chromium, charts a second", f"{frames:.1f}"),
    ]


@torch.inference_mode()
def webcam() -> tuple[str, str]:
    """How many frames of 224 pixels the network itself manages, one at a time."""
    form = fused(random_model().state_dict())
    x = torch.randn(1, 3, 224, 224).to(memory_format=torch.channels_last)
    ms = taking_turns({"frame": lambda: form(x)})["frame"]
    return "frames a second of the network alone, 224 pixels, one at a time", f"{1e3 / ms:.0f}"


def fit(stop: threading.Event) -> None:
    """Fit heads until told to stop."""
    while not stop.is_set():
        for _ in train.fits(Setting(epochs=500)):
            if stop.is_set():
                return


def waits(pictures: list[PIL.Image.Image]) -> list[float]:
    """Milliseconds that each picture took."""
    result = []
    for picture in pictures:
        started = time.perf_counter()
        inference.network("cifar10").logits(picture)
        result.append((time.perf_counter() - started) * 1e3)
    return result


def beside_fits() -> tuple[str, str]:
    """How long a picture takes alone, and beside as many fits as the Train tab lets run at once; they take turns."""
    random = np.random.default_rng(0)
    noise = (PIL.Image.fromarray(random.integers(0, 256, (300, 400, 3), np.uint8)) for _ in itertools.count())
    waits([next(noise) for _ in range(PICTURES)])  # warm up
    count = train.FITS["concurrency_limit"]
    taken = {0: [], count: []}
    for _ in range(ROUNDS):
        for running, times in taken.items():
            stop = threading.Event()
            fits = [threading.Thread(target=fit, args=(stop,)) for _ in range(running)]
            for thread in fits:
                thread.start()
            times += waits([next(noise) for _ in range(PICTURES)])
            stop.set()
            for thread in fits:
                thread.join()
    alone, beside = (statistics.median(times) for times in taken.values())
    return f"a picture alone, and beside {count} fits", f"{alone:.0f} and {beside:.0f} ms"


def table() -> str:
    """Both tables, as Markdown, each with its conditions."""
    warnings.filterwarnings("ignore", category=DeprecationWarning)  # TorchScript's, which is here to be compared with
    lines = networks()
    rows = on_server()
    _, url, _ = demo.launch(prevent_thread_lock=True, quiet=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        page = browser.new_context(viewport=WIDE, permissions=["camera"]).new_page()
        rows += in_browser(page, url)
        browser.close()
    demo.close(verbose=False)
    rows += [webcam(), beside_fits()]
    lines += ["", "| bundled model, photograph of 1600 × 1200 pixels | |", "|---|---|"]
    lines += [f"| {name} | {value} |" for name, value in rows]
    lines += ["", "Chromium takes its share of the same cores; nobody had seen a picture before."]
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
