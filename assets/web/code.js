// The Code tab: the setting of the Explore tab as a script. The server writes it (constrained/snippets.py), once the
// setting has settled and only while the tab is open; here it is asked for, coloured, copied and saved.

import { node, say } from "./base/dom.js";
import { save } from "./base/files.js";
import { label, t } from "./base/i18n.js";
import { words } from "./base/words.js";
import { state as explored } from "./explore/index.js";
import { changed, tab } from "./state.js";

const SETTLED = 200; // ms without a change after which the code follows

export const state = { script: "plain", asked: 0, shown: null }; // asked: how many questions; shown: the answer to the last
let last = ""; // the last question
let column = null; // the one that the tab's own control shows
let parts = null;
let send = {};

// Asking -----------------------------------------------------------------------------------------------------------

const question = () => {
  const { family, methods, settings, model } = explored;
  return { script: state.script, family, methods, settings, model };
};

const follow = () => {
  if (!parts || tab !== "code" || explored.model === null) return;
  const asked = question();
  if (asked.family !== column) {
    column = asked.family;
    send.column();
  }
  const text = JSON.stringify(asked);
  if (text === last) return;
  last = text;
  state.asked += 1;
  send.write({ ...asked, asked: state.asked });
};

let settling = 0;
document.addEventListener("setting", () => {
  clearTimeout(settling);
  settling = setTimeout(follow, SETTLED);
});

document.addEventListener("unanswered", (event) => {
  if (event.detail.at !== "code-block") return;
  event.preventDefault();
  last = ""; // so that it is asked again
  say(parts.told, event.detail.why);
});
addEventListener("online", () => follow());

// Which of the scripts; the column is the Explore tab's.
export const choose = (script) => {
  state.script = script;
  changed();
};

// What the server is asked for when a file is wanted: gradio's components have the rest.
export const exported = (ending, head) => {
  const { family, methods, settings, model } = explored;
  return [JSON.stringify({ ending, method: methods[family], settings, model: String(model) }), head];
};

// Colours ----------------------------------------------------------------------------------------------------------

const KEYWORDS = "and|as|class|def|else|for|from|if|import|in|is|lambda|None|not|or|return|True|False|while|with";
const KINDS = ["comment", "string", "keyword", "name", "number"];
const TOKEN = new RegExp(
  [
    /(#.*)/, // a comment
    /(f?"""[^]*?"""|f?"(?:\\.|[^"\\\n])*")/, // a string
    `(@[\\w.]+|\\b(?:${KEYWORDS})\\b)`,
    /((?<=\b(?:def|class) )\w+)/, // what is defined
    /(\b\d[\d_]*(?:\.\d+)?(?:e[+-]?\d+)?)/, // a number
  ]
    .map((part) => part.source ?? part)
    .join("|"),
  "g",
);

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

const receive = (message) => {
  if (!message) return;
  const shown = JSON.parse(message);
  if (shown.asked !== state.asked) return; // an answer to a question that was overtaken
  state.shown = shown;
  describe();
  say(parts.name, shown.name);
  say(parts.told, "");
  colour(shown.code, parts.code);
  label("The script {name}", parts.code.parentElement, "aria-label", { name: shown.name });
  parts.root.closest("#code").dataset.model = shown.model;
  for (const button of [parts.copy, parts.save]) button.disabled = false;
};

const describe = () => {
  if (!state.shown) return;
  const { column, method, settings, about } = state.shown;
  say(parts.title, `${t(column)}: ${words(method, settings)}`);
  parts.about.replaceChildren();
  for (const sentences of about) {
    const line = node("p", "", parts.about);
    const content = sentences.map(({ text, values }) => t(text, values)).join(" ");
    content.split("`").forEach((part, at) => node(at % 2 ? "code" : "span", "", line, part));
  }
};

const copy = async () => {
  try {
    await navigator.clipboard.writeText(state.shown.code);
    say(parts.told, t("Copied."));
  } catch {
    // An embedded page may not write to the clipboard, but a person may.
    getSelection().selectAllChildren(parts.code);
    say(parts.told, t("The browser did not let the page copy. The script is selected: press Ctrl+C."));
  }
};

export const mount = (element, props, watch, sends) => {
  const root = element.querySelector("#code-board");
  send = sends;
  parts = { root, title: node("h2", "", root, "…"), about: node("div", "code-about", root) };
  const head = node("div", "code-head", root);
  parts.name = node("span", "code-file", head);
  parts.told = node("span", "code-told", head);
  parts.told.setAttribute("role", "status");
  parts.copy = label("Copy", node("button", "", head));
  parts.save = label("Download", node("button", "", head));
  parts.copy.addEventListener("click", copy);
  parts.save.addEventListener("click", () => save(state.shown.name, state.shown.code));
  for (const button of [parts.copy, parts.save]) button.disabled = true;
  const pre = node("pre", "", root);
  pre.tabIndex = 0; // it scrolls sideways
  pre.setAttribute("role", "region");
  label("The script", pre, "aria-label");
  parts.code = node("code", "", pre);
  receive(props.value);
  watch("value", () => receive(props.value));
  document.addEventListener("language", describe);
  follow();
};
