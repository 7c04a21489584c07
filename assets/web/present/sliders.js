// The slider that the arrow keys move: one of the Explore tab's, chosen by a key. It is gradio's own, and gets the events
// that a hand would cause, so that all else follows.

import { phrase } from "../base/i18n.js";

const LOGARITHMIC = 2; // steps of a log slider that a key moves it by; one is nothing to see, and T's clicks into 1

/** Key -> what it chooses: the first of these sliders that is in view, since a method has a weight or a radius. */
export const SLIDERS = {
  l: { what: phrase("choose lo, the lower bound"), names: ["lo"] },
  h: { what: phrase("choose hi, the upper bound"), names: ["hi"] },
  t: { what: phrase("choose T, the temperature"), names: ["temperature"] },
  w: { what: phrase("choose λ, the weight, or r, the radius, whichever the method has"), names: ["lam", "radius"] },
  k: { what: phrase("choose how many classes are shown"), names: ["k"] },
};

/** @type {HTMLInputElement | null} */
export let chosen = null;

/** @param {string} name of a parameter, or k */
const inputOf = (name) => {
  const where = name === "k" ? "#top-k" : `#explore-${name}-slider`;
  return /** @type {HTMLInputElement | null} */ (document.querySelector(`${where} input[type=range]`));
};

/** @param {string[]} names */
export const choose = (names) => {
  const found = names.map(inputOf);
  chosen = found.find((input) => input?.offsetParent) ?? found[0] ?? null;
  chosen?.focus({ preventScroll: true });
};

export const release = () => {
  chosen = null;
};

/** The name of the chosen slider; nothing if none is, or if the page has another one in its place. */
export const chosenName = () =>
  chosen &&
  Object.values(SLIDERS)
    .flatMap(({ names }) => names)
    .find((name) => inputOf(name) === chosen);

/** @param {number} steps up, or down where that is negative */
export const move = (steps) => {
  if (!chosen) return;
  chosen.stepUp(steps * (chosen.closest(".position") ? LOGARITHMIC : 1));
  for (const type of ["input", "change"]) chosen.dispatchEvent(new Event(type, { bubbles: true }));
};
