"""The page's texts in other languages, through gradio's i18n. English is what the code says, and the key to the others.

A language is a file, ``assets/languages/{code}.json``: ``{"English text": "translation"}``, where names in braces stand
for what is filled in. The browser chooses: its own language, or what the visitor has set in gradio's Settings. What
has no translation there stays English. Class names, code, files and the sentences of errors are not translated.
"""

import html
import json

from .. import shipped

FOLDER = shipped.ROOT / "assets" / "languages"

_filled: dict[str, tuple[str, dict[str, str]]] = {}  # a text of `t` as it is in English -> what it was made from


def read() -> dict[str, dict[str, str]]:
    """Every language's file: code to translations.

    Raises:
        DamagedError: for a file that is no such table.
    """
    languages = {}
    for path in sorted(FOLDER.glob("*.json")):
        try:
            texts = json.loads(shipped.text(path))
        except ValueError as error:
            raise shipped.DamagedError(shipped.sentence(path)) from error
        if not isinstance(texts, dict) or not all(isinstance(text, str) for text in texts.values()):
            raise shipped.DamagedError(shipped.sentence(path))
        languages[path.stem] = texts
    return languages


def t(text: str, **values: str) -> str:
    """A text for a component of gradio: a label, a choice, a button, an info.

    Whatever is filled in is translated too, where it can be: gradio knows whole texts alone, so they are put together
    here, in each language.
    """
    key = text.format(**values) if values else text
    if values:
        _filled[key] = text, values
    # As `gr.I18nData` writes itself, which ends at the first closing brace.
    return f"__i18n__{json.dumps({'__type__': 'translation_metadata', 'key': key})}"


def phrase(text: str, **values: object) -> dict:
    """A text for a script, which shows it by ``page.t(text, values)``."""
    return {"text": text, "values": values}


def said(text: str, **values: object) -> str:
    """A text as HTML, with numbers and names filled in that are not to be translated; assets/web does the rest."""
    shown = text.format(**values) if values else text
    filled = f" data-values='{html.escape(json.dumps(values))}'" if values else ""
    return f'<span data-t="{html.escape(text)}"{filled}>{html.escape(shown)}</span>'


def catalogues() -> dict[str, dict[str, str]]:
    """What `gr.I18n` takes, once the page is built: each language's texts, and English's, which are their own."""
    languages = read()
    for texts in languages.values():
        for key, (text, values) in _filled.items():
            parts = {name: texts.get(value, value) for name, value in values.items()}
            texts[key] = texts.get(text, text).format(**parts)
    english = dict.fromkeys(key for texts in languages.values() for key in texts)
    return {"en": {key: key for key in english}} | languages
