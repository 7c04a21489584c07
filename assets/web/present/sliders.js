// The slider that the arrow keys move: one of the Explore tab's, chosen by a key. It is gradio's own, and gets the events
// that a hand would cause, so that all else follows.

import { phrase } from "../base/i18n.js";
import { registry } from "../base/registry.js";

const LOGARITHMIC = 2; // steps of a log slider that a key moves it by; one is nothing to see, and T's clicks into 1

/** @type {{key: string, name: string, what: string}[]} keys, the sliders that they choose, and how those are called */
export const SLIDERS = [
  ...Object.values(registry.parameters)
    .filter(({ shortcut }) => shortcut)
    .map(({ shortcut, key, name }) => ({ key: shortcut, name: key, what: name })),
  { key: "k", name: "k", what: phrase("how many classes are shown") },
];

/** @type {HTMLInputElement | null} */
export let chosen = null;

/** @param {string} name of a parameter, or k */
const inputOf = (name) => {
  const where = name === "k" ? "#top-k" : `#explore-${name}-slider`;
  return /** @type {HTMLInputElement | null} */ (document.querySelector(`${where} input[type=range]`));
};

/** @param {string} key of the keyboard: it chooses the first of its sliders that is in view, since a method has one of them */
export const choose = (key) => {
  const found = SLIDERS.filter((slider) => slider.key === key).map(({ name }) => inputOf(name));
  chosen = found.find((input) => input?.offsetParent) ?? found[0] ?? null;
  chosen?.focus({ preventScroll: true });
};

export const release = () => {
  chosen = null;
};

/** The name of the chosen slider; nothing if none is, or if the page has another one in its place. */
export const chosenName = () => chosen && SLIDERS.find(({ name }) => inputOf(name) === chosen)?.name;

/** @param {number} steps up, or down where that is negative */
export const move = (steps) => {
  if (!chosen) return;
  chosen.stepUp(steps * (chosen.closest(".position") ? LOGARITHMIC : 1));
  for (const type of ["input", "change"]) chosen.dispatchEvent(new Event(type, { bubbles: true }));
};
