"""Constraints with a new number, a number for each class, and a mask, added by the recipe of CONTRIBUTING.md."""

import filecmp
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import additions

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
MADE = {"assets/SHA256SUMS"}  # by the last step of the recipe

# What a person can do with them in the library, in the copy's own interpreter.
LIBRARY = """
import json, math, runpy, sys
import torch
from pathlib import Path
from constrained import LimitSize, AddOffset, MaskedSoftmax, export, heads, models, registry, snippets, training
from constrained.page.course import measures, settings
from constrained.page.tabs import calibrate, export as files

offset = [2.0, -1.0] + [0.0] * 8
excluded = [False] * 8 + [True, True]
cases = {
    "limit_size": {"limit": 1.5},
    "add_offset": {"offset": offset},
    "masked_softmax": {"excluded": excluded, "temperature": 2.0},
}
z = torch.randn(5, 10, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
wanted = {"limit_size": z.clamp(-1.5, 1.5), "add_offset": z + torch.tensor(offset, dtype=torch.float64)}
wanted["masked_softmax"] = torch.cat([torch.softmax(z[:, :8] / 2, 1), torch.zeros(5, 2)], 1)
for key, values in cases.items():
    assert torch.allclose(registry.build(key, values, classes=10)(z), wanted[key], rtol=1e-12)
    setting = training.Setting.read({"method": key, "settings": values, "epochs": 10, "examples": 200})
    *_, (figures, head) = training.fit(setting)
    data = training.data()
    found = heads.load(heads.save(head, key, data.classes, data.network))
    assert found.settings == values and 0.5 < figures.accuracy <= 1
    for script in (snippets.plain, snippets.library, snippets.training):
        with open("script.py", "w") as file:
            file.write(script(key, values))
        if script is not snippets.library:
            assert torch.allclose(runpy.run_path("script.py")["constrain"](z), wanted[key])
    _, about = export.model(models.CHECKPOINTS["cifar10"](), key, values)
    assert about["constraint"]["settings"] == values
for nothing in (False, []):  # no class in the mask, as the page has it before anything is written
    values = {"excluded": nothing or [False] * 10, "temperature": 1.0}
    with open("script.py", "w") as file:
        file.write(snippets.plain("masked_softmax", values))
    assert torch.allclose(runpy.run_path("script.py")["constrain"](z), torch.softmax(z, 1))
made = Path("masked.pt2").resolve()
files.make(made, "masked_softmax", {"excluded": False, "temperature": 1.0}, "cifar10", None)
assert export.facts(made)["constraint"]["settings"] == {"excluded": False, "temperature": 1.0}
question = {"ending": ".pt2", "method": "masked_softmax", "model": "imagenet"}
question["settings"] = {"excluded": [False] * 1000, "temperature": 1.0}
assert len(files.checked(json.dumps(question), None)[2]["excluded"]) == 1000
rows = {key: p.default for key, p in registry.PARAMETERS.items()} | {"offset": "cat=2; dog=-1", "excluded": "cow"}
told = calibrate.on_fit("add_offset", "", *rows.values())["result"]  # what another constraint's row holds is no matter
assert "b: cat=2; dog=-1: T = " in told, told
for bad in ({"offset": [1.0] * 9}, {"offset": "cat=2"}, {"offset": [99.0] * 10}, {}):
    try:
        registry.build("add_offset", bad, classes=10)
    except ValueError as error:
        assert "offset" in str(error)
    else:
        raise AssertionError(bad)
query = settings.setting("image=cat&family=regularised&method=add_offset&offset=cat=2;dog=-1")
found = measures.measure(query)
assert abs(found["regularised"]["cat"] - found["raw"]["cat"] - 2) < 1e-6
print("done")
"""


@pytest.fixture(scope="module")
def added(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("project") / "copy"
    additions.copy(folder)
    additions.add(folder)
    return folder


def differing(comparison: filecmp.dircmp) -> set[str]:
    """Files that are not the same, or on one side alone, by their paths in the copy."""
    names = {str(Path(comparison.right, name)) for name in comparison.diff_files + comparison.right_only}
    return names.union(*(differing(one) for one in comparison.subdirs.values()))


def test_the_recipe_names_the_files_that_are_touched_and_no_others(added):
    recipe = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("\n## Add a constraint\n")[1]
    steps = recipe.split("\n\nThat is all")[0]
    named = set()
    for path in re.findall(r"^\d+\. `([^`]+)`:", steps, re.MULTILINE):
        named |= {str(found.relative_to(ROOT)) for found in ROOT.glob(path)}
    ignored = ["__pycache__", ".git", "node_modules", ".pytest_cache", ".ruff_cache", ".hypothesis", "build"]
    touched = {str(Path(name).relative_to(added)) for name in differing(filecmp.dircmp(ROOT, added, ignored))}
    assert touched - MADE == named
    assert len(named) == 9


def test_the_library_has_them(added):
    ran = subprocess.run([sys.executable, "-c", LIBRARY], cwd=added, capture_output=True, encoding="utf-8")
    assert ran.stdout.strip().endswith("done"), ran.stderr[-2000:]


def test_the_tests_over_the_registry_find_them(added):
    """Parity with the twin, generated code, facts about the modules, translations."""
    files = ["tests/library/test_registry.py", "tests/library/test_snippets.py", "tests/browser/test_parity.py"]
    command = [sys.executable, "-m", "pytest", "-m", "", "-n", "0", "-p", "no:cacheprovider"]
    chosen = "limit_size or add_offset or masked_softmax or every_text_is_translated or every_marker or says_of_its"
    command += ["-k", chosen, *files, "tests/page/test_languages.py"]
    ran = subprocess.run(command, cwd=added, capture_output=True, encoding="utf-8")
    assert ran.returncode == 0, ran.stdout[-3000:]
    assert int(re.search(r"(\d+) passed", ran.stdout)[1]) > 30
