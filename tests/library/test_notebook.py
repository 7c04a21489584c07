"""The page and the library from a notebook: the cells of the library's guide, run as a kernel runs them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "constrained" / "README.md").read_text(encoding="utf-8")
SECTION = GUIDE[GUIDE.index("## In a notebook") :]
CELLS = re.findall(r"```python\n(.*?)```", SECTION.split("\n## ")[0], re.DOTALL)
KERNEL = """
import sys
sys.argv = ["/opt/ipykernel_launcher.py", "-f", "/tmp/kernel-1.json"]
sys.path.insert(0, {root!r})
import app
# It and torch's compiler, which it imports, are a third of the start; whoever needs them asks for them.
print("needless:", *{{"torchvision", "torch._dynamo"}} & set(sys.modules))
"""
ASK = """
import httpx
first = app.demo.local_url
assert httpx.get(first, timeout=60).status_code == 200
assert "clamp" in httpx.get(first + "config", timeout=60).text
app.demo.launch(prevent_thread_lock=True, quiet=True)  # the cell again
assert httpx.get(app.demo.local_url, timeout=60).status_code == 200
app.demo.close(verbose=False)
app.demo.launch(prevent_thread_lock=True, quiet=True)
assert httpx.get(app.demo.local_url, timeout=60).status_code == 200
app.demo.close(verbose=False)
print("all cells ran")
"""


@pytest.mark.slow
def test_the_guides_cells_run_in_a_kernel_in_another_directory(tmp_path):
    """Interactive, as a kernel is: `launch` then comes back at once."""
    assert "app.demo.launch()" in CELLS[0]
    assert "from constrained import" in CELLS[1]
    code = "\n".join([KERNEL.format(root=str(ROOT)), *CELLS, ASK])
    ran = subprocess.run(
        [sys.executable, "-i", "-c", code],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert "all cells ran" in ran.stdout, ran.stderr
    assert "needless:\n" in ran.stdout, ran.stdout
    assert "usage:" not in ran.stderr
