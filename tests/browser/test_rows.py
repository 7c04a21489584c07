"""Which parameters have their rows in view: those of the chosen constraint, on every tab, and no others."""

import pytest
from playwright.sync_api import Page

from constrained import registry

SEEN = """(within) => [...new Set([...document.querySelectorAll(`${within} .parameter`)]
  .filter((e) => e.checkVisibility())
  .map((e) => [...e.classList].find((name) => name.startsWith('parameter-')).slice('parameter-'.length)))].sort()"""


def shows(page: Page, query: str, within: str, keys: set[str]) -> None:
    page.evaluate("(query) => share.apply(query)", query)
    seen = f"([within, keys]) => String(({SEEN})(within)) === keys"
    page.wait_for_function(seen, arg=[within, ",".join(sorted(keys))])


@pytest.mark.slow
def test_a_constraint_shows_the_rows_that_it_has(visit):
    page, training = visit().page, {"learning_rate", "epochs", "examples"}
    for key, entry in registry.REGISTRY.items():
        own = {parameter.key for parameter in entry.parameters}
        shows(page, f"tab=explore&family={entry.family}&method={key}", f"#controls-{entry.family}", own)
    for key, entry in registry.REGISTRY.items():
        own = {parameter.key for parameter in entry.parameters}
        shows(page, f"tab=train&train.method={key}", "#train", own | training)
        shows(page, f"tab=calibrate&calibrate.method={key}", "#calibrate", own | {"temperature"})
    shows(page, "tab=train&train.penalty=l1", "#train", training | {"weight"})
