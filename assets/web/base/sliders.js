// What gradio's sliders and boxes tell a tab.

/** @import { Scale } from "../types.js" */

import { position, STEPS, valueAt } from "./scales.js";

/**
 * The three things that constrained.page.controls.log_slider calls, for a tab that keeps its numbers in `settings`.
 *
 * @param {Record<string, Scale>} parameters
 * @param {Record<string, any>} settings
 * @param {(key: string, value: any) => void} set
 */
export const logSliders = (parameters, settings, set) => ({
  // The slider moved: returns the value for its box. T clicks into 1, where it changes nothing.
  /** @type {(key: string, at: number) => number} */
  slide: (key, at) => {
    const detent = key === "temperature" && Math.abs(at - STEPS / 2) < 1;
    const value = detent ? 1 : valueAt(parameters[key], at);
    set(key, value);
    return value;
  },
  // A value was typed: returns the position for the slider.
  /** @type {(key: string, value: number) => number} */
  type: (key, value) => {
    set(key, value);
    return position(parameters[key], settings[key]);
  },
  // What the box shows once it is left: an emptied one, or one out of range, goes back to what counts.
  /** @type {(key: string) => number} */
  value: (key) => settings[key],
});

// Two bounds that cannot cross: where the other one goes when this one moves. Within one drag or one number typed it
// comes back as this one does: on the way to 12 there is a 1.
/** @type {number | null} */
let stood = null;
/**
 * @param {string} key of the bound that moves, "lo" or "hi"
 * @param {number | null} value
 * @param {number} other
 */
export const follow = (key, value, other) => {
  if (value === null || !Number.isFinite(value)) return other; // an emptied box
  stood ??= other ?? value;
  return key === "lo" ? Math.max(stood, value) : Math.min(stood, value);
};
for (const begin of ["pointerdown", "focusin"]) {
  document.addEventListener(
    begin,
    () => {
      stood = null;
    },
    true,
  );
}
