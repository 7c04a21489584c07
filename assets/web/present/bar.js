// The bar of present mode, which says what the chart is about and which slider is in hand, and the help with all keys.

import { find, node, say } from "../base/dom.js";
import { label, phrase, t } from "../base/i18n.js";
import { registry } from "../base/registry.js";
import { state as explored } from "../explore/state.js";
import { short } from "../twins/formats.js";
import { chosenName } from "./sliders.js";

/**
 * @typedef {object} Parts of the bar
 * @property {HTMLElement} root
 * @property {HTMLImageElement} picture
 * @property {HTMLElement} title
 * @property {HTMLElement} slider
 * @property {HTMLElement} status for a screen reader
 */
/** @type {Parts | null} */
let bar = null;
/** @type {HTMLDialogElement | null} */
let help = null;

// The bar shows the panel's picture as soon as it arrives.
const watcher = new MutationObserver(() => tell());

/** @param {{explain: () => void, leave: () => void}} actions */
export const open = ({ explain, leave }) => {
  const root = node("div", "present-bar", document.body);
  root.setAttribute("role", "toolbar");
  label("Present mode", root, "aria-label");
  document.body.prepend(root);
  const picture = node("img", "", root);
  picture.alt = "";
  const title = node("b", "present-title", root);
  const slider = node("span", "present-slider", root);
  const status = node("span", "visually-hidden", root);
  status.setAttribute("role", "status");
  bar = { root, picture, title, slider, status };
  /** @type {(name: string, about: string, work: () => void) => void} */
  const button = (name, about, work) => {
    const made = label(about, label(name, node("button", "", root)), "title");
    made.type = "button";
    made.addEventListener("click", work);
  };
  button(phrase("Keys"), phrase("all keys: ?"), explain);
  button(phrase("Fullscreen"), phrase("F"), switchFullscreen);
  button(phrase("Leave"), phrase("Escape"), leave);
  watcher.observe(find("#picture-panel"), { subtree: true, childList: true, attributeFilter: ["src"] });
};

export const close = () => {
  watcher.disconnect();
  bar?.root.remove();
  bar = null;
};

/**
 * Have the bar show the picture and the slider in hand as they are now.
 *
 * @param {string | null} message for a screen reader; the last one stays without it
 */
export const tell = (message = null) => {
  if (!bar) return;
  const picture = /** @type {HTMLImageElement | null} */ (document.querySelector("#picture img, #camera img"));
  const source = picture?.src ?? "";
  bar.picture.hidden = !source;
  if (bar.picture.src !== source && source) bar.picture.src = source;
  say(bar.title, explored.image ?? t("your picture"));
  say(bar.slider, sliderText());
  if (message !== null) say(bar.status, message);
};

const sliderText = () => {
  const name = chosenName();
  if (name === "k") return `${t("classes")} = ${explored.k}`;
  return name ? `${registry.parameters[name].symbol} = ${short(explored.settings[name])}` : "";
};

export const switchFullscreen = async () => {
  try {
    if (document.fullscreenElement) await document.exitFullscreen();
    else await document.documentElement.requestFullscreen();
  } catch {
    tell(t("The browser did not allow fullscreen."));
  }
};

// Help -------------------------------------------------------------------------------------------------------------

/** Whether the help is open, which then has all keys to itself. */
export const helping = () => Boolean(help?.open);

/** @param {{names: string, what: string}[]} keys with their names as shown, two spaces between them, and what they do */
export const explain = (keys) => {
  help ??= buildHelp(keys);
  help.showModal();
  find("button", help).focus();
};

/** @param {{names: string, what: string}[]} keys */
const buildHelp = (keys) => {
  const dialog = node("dialog", "present-help", document.body);
  dialog.setAttribute("aria-labelledby", "present-keys");
  label("Keys in present mode", node("h2", "", dialog)).id = "present-keys";
  const table = node("table", "", dialog);
  const head = node("tr", "", node("thead", "visually-hidden", table));
  for (const name of [phrase("Key"), phrase("What it does")]) label(name, node("th", "", head)).scope = "col";
  const body = node("tbody", "", table);
  for (const { names, what } of keys) {
    const row = node("tr", "", body);
    const cell = node("th", "", row);
    cell.scope = "row";
    for (const name of names.split("  ")) node("kbd", "", cell, name);
    label(what, node("td", "", row));
  }
  label("Keys do nothing while you type in a box.", node("p", "", dialog));
  const shut = label("Close", node("button", "", dialog));
  shut.type = "button";
  shut.addEventListener("click", () => dialog.close());
  // The button is the only thing to focus in it: Tab does not lead out of a dialog.
  dialog.addEventListener("keydown", (event) => event.key === "Tab" && event.preventDefault());
  return dialog;
};
