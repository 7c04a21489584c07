// Languages: every text of the page, kept in the page's language for as long as it is shown.

import { put, say } from "./dom.js";
import { config } from "./gradio.js";

export { phrase } from "./phrase.js";

// A text is written in English, which is the key to its translations (constrained/page/languages.py). gradio chooses the
// language, the browser's or the one of its Settings, and tells the document. Numbers are the same in all of them, with a
// decimal point, as formulas, links and files have them.
/**
 * A text in the language of the page.
 *
 * @param {string} text in English, with names in braces
 * @param {Record<string, any>} values for the names
 * @returns {string}
 */
export const t = (text, values = {}) => {
  const texts = config()?.i18n_translations?.[document.documentElement.lang.split("-")[0]];
  return (texts?.[text] ?? text).replace(
    /\{(\w+)\}/g,
    (/** @type {string} */ whole, /** @type {string} */ name) => values[name] ?? whole,
  );
};

/**
 * Keep a text translated for as long as its node exists, as its content or as one of its attributes. The node remembers
 * the text, as the HTML of `languages.said` does.
 *
 * @template {HTMLElement | SVGElement} E
 * @param {string} text in English
 * @param {E} target
 * @param {string} attribute
 * @param {Record<string, any> | null} values
 * @returns {E} the target
 */
export const label = (text, target, attribute = "", values = null) => {
  if (values) target.dataset.values = JSON.stringify(values);
  target.setAttribute(attribute ? `data-t-${attribute}` : "data-t", text);
  translate(target);
  return target;
};
const LABELLED = ["", "-aria-label", "-title", "-data-more"].map((attribute) => `[data-t${attribute}]`).join(", ");
/** @param {Element} target */
const translate = (target) => {
  const values = JSON.parse(target.getAttribute("data-values") ?? "{}");
  for (const { name, value } of [...target.attributes]) {
    if (name === "data-t") say(target, t(value, values));
    else if (name.startsWith("data-t-")) put(target, { [name.slice("data-t-".length)]: t(value, values) });
  }
};

// Translate what gradio puts into the page or overwrites, and everything when the language changes.
new MutationObserver((changes) => {
  for (const { target, addedNodes } of changes) {
    const around = target instanceof Element ? target : target.parentElement;
    if (around?.matches(LABELLED)) translate(around);
    for (const added of addedNodes) {
      if (!(added instanceof Element)) continue;
      if (added.matches(LABELLED)) translate(added);
      added.querySelectorAll(LABELLED).forEach(translate);
    }
  }
}).observe(document, { subtree: true, childList: true, characterData: true });
new MutationObserver(() => {
  document.querySelectorAll(LABELLED).forEach(translate);
  document.dispatchEvent(new Event("language")); // code that draws texts draws them again
}).observe(document.documentElement, { attributeFilter: ["lang"] });
