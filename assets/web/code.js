// The Code tab: the setting of the Explore tab as a script. The server writes it (constrained/snippets.py), once the
// setting has settled and only while the tab is open; here it is asked for, coloured, copied and saved.

/** @import { Asks, Props, Readers, Settings, Watch } from "./types.js" */

import { find, node, say } from "./base/dom.js";
import { save } from "./base/files.js";
import { label, t } from "./base/i18n.js";
import { ask, overtake, read, receive } from "./base/messages.js";
import { allValues } from "./base/parameters.js";
import { words } from "./base/words.js";
import { state as explored } from "./explore/index.js";
import { changed, tab } from "./state.js";

/**
 * @typedef {object} Script as the server writes it
 * @property {string} name of the file
 * @property {string} code
 * @property {{text: string, values?: Record<string, unknown>}[][]} about it: paragraphs of sentences, code between `
 * @property {string} column
 * @property {string} method
 * @property {boolean} weights whether they come with the page
 *
 * @typedef {object} Parts of the tab
 * @property {HTMLElement} root
 * @property {HTMLElement} title
 * @property {HTMLElement} about
 * @property {HTMLElement} file its name
 * @property {HTMLElement} status
 * @property {HTMLButtonElement[]} buttons
 * @property {HTMLElement} frame in which the code scrolls
 * @property {HTMLElement} code
 */

const SETTLED = 200; // ms without a change after which the code follows

/** The kind of script that is wanted, the script that is visible, and the settings that the last question was about. */
export const state = {
  script: "plain",
  settings: /** @type {Settings} */ ({}),
  visible: /** @type {Script | null} */ (null),
};
let last = ""; // the last question
/** @type {string | null} */
let column = null; // the one that the tab's own control shows
/** @type {Parts | null} */
let parts = null;
/** @type {Asks} */
let asks = {};

// Asking -----------------------------------------------------------------------------------------------------------

const follow = () => {
  const { family, methods, settings, model } = explored;
  if (!parts || tab !== "code" || model === null) return;
  if (family !== column) {
    column = family;
    asks.column();
  }
  const question = { script: state.script, family, methods, settings: allValues(settings, explored.labels), model };
  const text = JSON.stringify(question);
  if (text === last) return;
  last = text;
  state.settings = { ...settings };
  overtake("script");
  ask(asks, "write", question);
};

/** @type {ReturnType<typeof setTimeout> | undefined} */
let settling;
document.addEventListener("setting", () => {
  clearTimeout(settling);
  settling = setTimeout(follow, SETTLED);
});

document.addEventListener("unanswered", (event) => {
  const { at, why } = /** @type {CustomEvent} */ (event).detail;
  if (at !== "code-block") return;
  event.preventDefault();
  last = ""; // so that it is asked again
  if (parts) say(parts.status, why);
});
addEventListener("online", follow);

/**
 * Choose a kind of script; the column is the Explore tab's.
 *
 * @param {string} script
 */
export const choose = (script) => {
  state.script = script;
  changed();
};

/**
 * What to ask the server for when a file is wanted; gradio's components hold the rest.
 *
 * @param {string} ending of the file
 * @param {unknown} head the visitor's own
 */
export const exported = (ending, head) => {
  const { family, methods, model } = explored;
  const settings = allValues(explored.settings, explored.labels);
  return [JSON.stringify({ ending, method: methods[family], settings, model: String(model) }), head];
};

// Colours ----------------------------------------------------------------------------------------------------------

const KEYWORDS = "and|as|class|def|else|for|from|if|import|in|is|lambda|None|not|or|return|True|False|while|with";
const TOKENS = {
  comment: /(#.*)/,
  string: /(f?"""[\s\S]*?"""|f?"(?:\\.|[^"\\\n])*")/,
  keyword: new RegExp(`(@[\\w.]+|\\b(?:${KEYWORDS})\\b)`),
  name: /((?<=\b(?:def|class) )\w+)/, // what is defined
  number: /(\b\d[\d_]*(?:\.\d+)?(?:e[+-]?\d+)?)/,
};
const KINDS = Object.keys(TOKENS);
const TOKEN = new RegExp(
  Object.values(TOKENS)
    .map(({ source }) => source)
    .join("|"),
  "g",
);

/**
 * @param {string} code
 * @param {Element} into
 */
const colour = (code, into) => {
  into.replaceChildren();
  let at = 0;
  for (const found of code.matchAll(TOKEN)) {
    into.append(code.slice(at, found.index));
    node("span", `code-${KINDS[found.slice(1).findIndex((part) => part !== undefined)]}`, into, found[0]);
    at = found.index + found[0].length;
  }
  into.append(code.slice(at));
};

// Showing ----------------------------------------------------------------------------------------------------------

/** @param {Script} script */
const show = (script) => {
  if (!parts) return;
  state.visible = script;
  describe();
  say(parts.file, script.name);
  say(parts.status, "");
  colour(script.code, parts.code);
  label("The script {name}", parts.frame, "aria-label", { name: script.name });
  const panel = /** @type {HTMLElement | null} */ (parts.root.closest("#code"));
  panel?.toggleAttribute("data-weights", script.weights);
  for (const button of parts.buttons) button.disabled = false;
};

/** @type {Readers} */
const readers = { script: show };

const describe = () => {
  if (!state.visible || !parts) return;
  const { column, method, about } = state.visible;
  say(parts.title, `${t(column)}: ${words(method, state.settings)}`);
  parts.about.replaceChildren();
  for (const sentences of about) {
    const line = node("p", "", parts.about);
    const content = sentences.map(({ text, values }) => t(text, values)).join(" ");
    for (const [at, part] of content.split("`").entries()) node(at % 2 ? "code" : "span", "", line, part);
  }
};

const copy = async () => {
  if (!state.visible || !parts) return;
  try {
    await navigator.clipboard.writeText(state.visible.code);
    say(parts.status, t("Copied."));
  } catch {
    // An embedded page may not write to the clipboard, but a person may.
    getSelection()?.selectAllChildren(parts.code);
    say(parts.status, t("The browser did not allow copying. The script is selected: press Ctrl+C."));
  }
};

/**
 * @param {Element} element
 * @param {Props} props
 * @param {Watch} watch
 * @param {Asks} server
 */
export const mount = (element, props, watch, server) => {
  asks = server;
  const root = find("#code-board", element);
  const title = node("h2", "", root, "…");
  const about = node("div", "code-about", root);
  const head = node("div", "code-head", root);
  const file = node("span", "code-file", head);
  const status = node("span", "code-told", head);
  status.setAttribute("role", "status");
  const buttons = [label("Copy", node("button", "", head)), label("Download", node("button", "", head))];
  buttons[0].addEventListener("click", copy);
  buttons[1].addEventListener("click", () => state.visible && save(state.visible.name, state.visible.code));
  for (const button of buttons) button.disabled = true;
  const frame = node("pre", "", root);
  frame.tabIndex = 0; // it scrolls sideways
  frame.setAttribute("role", "region");
  label("The script", frame, "aria-label");
  parts = { root, title, about, file, status, buttons, frame, code: node("code", "", frame) };
  read(props.value, readers);
  receive(props, watch, readers);
  document.addEventListener("language", describe);
  follow();
};
