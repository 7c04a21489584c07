"""The Code tab: the setting of the Explore tab as PyTorch, written by `snippets`.

The page (assets/web/code.js) asks for it when the setting has settled, and only while the tab is open.
"""

import gradio as gr

from ... import models, registry, snippets
from ...registry import LAM, PARAMETERS
from ..controls import BROWSER, Island, in_browser, message, question_number
from ..languages import phrase, t
from ..models import YOURS
from . import export
from .explore import Tab

OWN = phrase(
    "You are using your own head, but this code has the bundled model's. To load yours, download it on the Train tab "
    'and write `constrained_resnet18(weights=..., head="head.safetensors")`, as in the README.'
)


def about(script: str, family: str, methods: dict[str, str], lam: float, model: str) -> list[dict]:
    """What a script does and needs, in a sentence or two."""
    if script == "library":
        return [
            phrase("The same numbers with this project's library. Save it in the project's folder and run it there.")
        ]
    if script == "plain":
        what = phrase("From a picture to its constrained outputs, with torch and torchvision alone.")
        weights = models.SCRIPTS[model]().weights
        return [
            what,
            phrase("The button fetches the weights.") if weights else phrase("torchvision fetches the weights."),
        ]
    what = phrase(
        "A step for your own training loop, with torch and torchvision alone; a comment explains what the loss sees."
    )
    regularised = methods["regularised"]
    if family == "regularised" and regularised in snippets.PENALTIES:
        return [
            what,
            phrase(
                "The loss is taken after the proximal step; a comment shows the penalty that can replace that step."
            ),
        ]
    if regularised not in snippets.PENALTIES:
        return [what, phrase("There is no penalty: the Regularised column is a projection, not a proximal step.")]
    if lam == 0:
        return [what, phrase("λ\u00a0=\u00a00 in the Regularised column, so there is no penalty.")]
    penalty = {"norm": snippets.PENALTIES[regularised], "lam": f"{lam:g}"}
    return [
        what,
        phrase(
            "The loss includes the {norm} penalty, with λ\u00a0=\u00a0{lam} from the Regularised column.", **penalty
        ),
    ]


def written(question: dict) -> dict:
    """The script that the page asks for, and what it says about it.

    Raises:
        KeyError, TypeError, ValueError: for anything that the page never asks.
    """
    script, family, model = (str(question[key]) for key in ("script", "family", "model"))
    methods = {name: str(question["methods"][name]) for name in registry.FAMILIES}
    settings = {key: p.check(question["settings"][key]) for key, p in PARAMETERS.items()}
    if script not in snippets.SCRIPTS:
        raise ValueError(f"script must be one of {', '.join(snippets.SCRIPTS)}, got {script!r:.40}")
    if family not in registry.FAMILIES:
        raise ValueError(f"family must be one of {', '.join(registry.FAMILIES)}, got {family!r:.40}")
    for name, method in methods.items():
        if method not in registry.family(name):
            raise ValueError(
                f"the method of {name} must be one of {', '.join(registry.family(name))}, got {method!r:.40}"
            )
    own = model.startswith(YOURS)
    model = models.BUNDLED if own else model
    method = methods[family]
    if script == "training":
        code = snippets.training(method, settings, model, methods["regularised"])
    else:
        code = {"plain": snippets.plain, "library": snippets.library}[script](method, settings, model)
    return {
        "column": registry.FAMILIES[family],
        "method": method,
        "weights": bool(models.SCRIPTS[model]().weights),  # whether they come with the page
        "name": snippets.name(script, method),
        "about": [about(script, family, methods, settings[LAM.key], model), *([[OWN]] if own else [])],
        "code": code,
    }


def on_write(event: gr.EventData) -> str:
    """The page's question, as code.js asks it, to the message with the script."""
    try:
        answer = written(event._data)
    except (KeyError, TypeError, ValueError) as error:
        raise gr.Error(f"The code cannot be written: {error}", print_exception=False) from error
    return message("script", question_number(event), **answer)


def build(explored: Tab) -> None:
    """Lay out the tab inside a `gr.Tab` and wire its events; `export` adds the network as a file."""
    weights = models.bundled().file
    size = f"{weights.stat().st_size / 2**20:.0f} MB"
    with gr.Row(elem_id="code", equal_height=False):
        with gr.Column(elem_classes="setup", scale=0, min_width=270):
            family = gr.Radio(
                [(t(title), key) for key, title in registry.FAMILIES.items()],
                value="bounded",
                label=t("Column of the Explore tab"),
                elem_id="code-family",
            )
            script = gr.Radio(
                [(t(title), key) for key, title in snippets.SCRIPTS.items()],
                value="plain",
                label=t("Script"),
                elem_id="code-script",
            )
            gr.DownloadButton(
                t("Download the weights, {size}", size=size), str(weights), size="sm", elem_id="code-weights"
            )
            export.build(explored)
        with gr.Column(elem_classes="results", scale=1, min_width=0):
            block = Island("code.mount", ("write", "column"), node="code-board", elem_id="code-block")
    block.write(
        on_write,
        None,
        block,
        show_progress="hidden",
        queue=False,
        trigger_mode="multiple",
        api_visibility="private",
    )
    block.column(outputs=family, js=in_browser("explore.state.family"), **BROWSER)
    family.input(inputs=family, js=in_browser("explore.set('family', family)", "family"), **BROWSER)
    script.input(inputs=script, js=in_browser("code.choose(script)", "script"), **BROWSER)
