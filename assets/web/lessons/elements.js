// Elements that the panel, the catalogue and the teacher's sheet have in common.

import { node } from "../base/dom.js";
import { label } from "../base/i18n.js";

/**
 * @param {Element} parent
 * @param {string} name
 * @param {() => void} work
 * @param {string} kind a class of its own
 */
export const button = (parent, name, work, kind = "") => {
  const made = node("button", `lesson-button ${kind}`.trim(), parent, name);
  made.type = "button";
  made.addEventListener("click", work);
  return made;
};

/**
 * Name a button whose text is only a sign.
 *
 * @param {string} text in English
 * @param {HTMLElement} target
 * @param {Record<string, unknown> | null} values
 */
export const called = (text, target, values = null) => label(text, label(text, target, "aria-label", values), "title");

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} name
 * @param {string} className
 * @param {Element} parent
 * @param {string} html from our own files' Markdown
 */
export const rich = (name, className, parent, html) => {
  const made = node(name, className, parent);
  made.innerHTML = html;
  return made;
};

/**
 * Whether a click on a link is for this page, and not for another tab or window; then the browser leaves it alone.
 *
 * @param {MouseEvent} event
 */
export const taken = (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return false;
  event.preventDefault();
  return true;
};

/**
 * A link that this page follows itself, unless it is opened in another tab or window.
 *
 * @param {Element} parent
 * @param {string} text
 * @param {string} href
 * @param {() => void} work
 */
export const link = (parent, text, href, work) => {
  const made = node("a", "", parent, text);
  made.href = href;
  made.addEventListener("click", (event) => {
    if (taken(event)) work();
  });
  return made;
};
