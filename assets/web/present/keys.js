// The keys of present mode: each does what a hand does.

import { find, targetOf } from "../base/dom.js";
import { phrase, t } from "../base/i18n.js";
import { rescale } from "../explore/axes.js";
import { state as explored } from "../explore/state.js";
import * as lessons from "../lessons/index.js";
import * as bar from "./bar.js";
import { refit } from "./fit.js";
import { choose, chosen, move, SLIDERS } from "./sliders.js";

/**
 * @typedef {object} Key
 * @property {string[]} keys as events have them, letters in lower case
 * @property {string} names of them, as the help shows them, two spaces between them
 * @property {string} what they do
 * @property {(event: KeyboardEvent) => void} work
 */

const FAST = 10; // times as far with Shift

/** @type {(() => void) | null} */
let leave = null; // what Escape does; null while keys are left alone
/** @param {(() => void) | null} leaves */
export const listen = (leaves) => {
  leave = leaves;
};

/**
 * @param {string} where
 * @param {number} at which of the elements
 * @returns {HTMLElement | undefined}
 */
const nth = (where, at = 0) => /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(where))[at];

/** @param {() => void} go */
const step = (go) => () => (lessons.state.slug ? go() : bar.tell(t("No lesson is open.")));

/** @param {string} key that chooses a slider */
const take = (key) => {
  choose(key);
  bar.tell();
};

/**
 * @param {number} direction 1 for up, -1 for down
 * @returns {(event: KeyboardEvent) => void}
 */
const moving =
  (direction) =>
  ({ key, shiftKey }) => {
    const fast = shiftKey && key.startsWith("Arrow"); // + is a key with Shift anyway
    move(direction * (fast ? FAST : 1));
    requestAnimationFrame(() => bar.tell());
  };

// One column alone beside the raw one: the one that a control touched last.
const solo = () => {
  const { solo: before } = document.body.dataset;
  if (before) delete document.body.dataset.solo;
  else document.body.dataset.solo = explored.family;
  refit();
  const { ariaLabel: family } = find(`figure.${explored.family}`);
  bar.tell(before ? t("All columns.") : t("Raw and {family}.", { family }));
};

/** @type {Key[]} */
const KEYS = [
  {
    keys: ["ArrowRight", "PageDown", "n"],
    names: "→  Page Down  N",
    what: phrase("next step of the lesson"),
    work: step(() => lessons.next()),
  },
  {
    keys: ["ArrowLeft", "PageUp", "p"],
    names: "←  Page Up  P",
    what: phrase("previous step"),
    work: step(() => lessons.back()),
  },
  {
    keys: ["q"],
    names: "Q",
    what: phrase("go to the step's question"),
    work: () => nth("#lesson :is(.lesson-question input, .lesson-button.main)")?.focus(),
  },
  { keys: ["s"], names: "S", what: phrase("show the answer"), work: () => lessons.reveal() },
  ...SLIDERS.map(({ key, what }) => ({ keys: [key], names: key.toUpperCase(), what, work: () => take(key) })),
  {
    keys: ["ArrowUp", "]", "+"],
    names: "↑  ]  +",
    what: phrase("move the chosen slider up; with Shift, ten steps"),
    work: moving(1),
  },
  { keys: ["ArrowDown", "[", "-"], names: "↓  [  −", what: phrase("move it down"), work: moving(-1) },
  { keys: ["r"], names: "R", what: phrase("rescale the axes"), work: () => rescale() },
  { keys: ["g"], names: "G", what: phrase("gradient on or off"), work: () => nth("#gradient input")?.click() },
  { keys: ["c"], names: "C", what: phrase("one constrained column beside the raw one, or all"), work: solo },
  {
    keys: ["1", "2", "3", "4", "5", "6", "7", "8", "9"],
    names: "1 … 9",
    what: phrase("a sample picture"),
    work: ({ key }) => nth("#samples .thumbnail-item", Number(key) - 1)?.click(),
  },
  { keys: ["d"], names: "D", what: phrase("dark or light"), work: () => nth("#theme")?.click() },
  { keys: ["f"], names: "F", what: phrase("fullscreen"), work: bar.switchFullscreen },
  { keys: ["?"], names: "?", what: phrase("these keys"), work: () => explain() },
  { keys: ["Escape"], names: "Esc", what: phrase("leave"), work: () => leave?.() },
];

export const explain = () => bar.explain(KEYS);

/**
 * Whether a control in focus needs a key for itself.
 *
 * @param {KeyboardEvent} event
 */
const taken = (event) => {
  const target = targetOf(event);
  if (!target) return false;
  if (target.closest("textarea, select, [contenteditable=true], [role=listbox]")) return true;
  const { key } = event;
  const input = target.closest("input");
  const arrows = key.startsWith("Arrow") || key.startsWith("Page");
  if (input?.type === "range") return arrows && Boolean(input.closest("#lesson"));
  if (input?.type === "radio") return arrows;
  if (input && input.type !== "checkbox") return true;
  if (target.closest("g[data-class]")) return key === "ArrowUp" || key === "ArrowDown";
  return arrows && Boolean(target.closest("[role=tab], .table-scroll"));
};

document.addEventListener(
  "keydown",
  (event) => {
    if (!leave || bar.helping() || event.ctrlKey || event.metaKey || event.altKey || taken(event)) return;
    const pressed = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const found = KEYS.find(({ keys }) => keys.includes(pressed));
    if (!found) return;
    if (["ArrowUp", "ArrowDown"].includes(event.key) && !chosen) return; // they scroll
    event.preventDefault();
    event.stopPropagation();
    found.work(event);
  },
  true,
);
