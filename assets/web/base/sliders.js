// What gradio's sliders and boxes tell a tab.

/** @import { RangeParameter } from "../types.js" */

import { isUpper } from "./parameters.js";
import { position, valueAt } from "./scales.js";

/**
 * What constrained.page.controls.rows calls for a slider on a logarithmic scale.
 *
 * @param {Record<string, any>} parameters
 * @param {(key: string) => any} get
 * @param {(key: string, value: any) => void} set
 */
export const logSliders = (parameters, get, set) => ({
  // The slider moved: returns the value for its box. It snaps to the value that changes nothing, such as T = 1.
  /** @type {(key: string, at: number) => number} */
  slide: (key, at) => {
    /** @type {RangeParameter} */
    const parameter = parameters[key];
    const { neutral } = parameter;
    const clicks = neutral !== null && Math.abs(at - position(parameter, neutral)) < 1;
    const value = clicks ? neutral : valueAt(parameter, at);
    set(key, value);
    return value;
  },
  // A value was typed: returns the position for the slider.
  /** @type {(key: string, value: number) => number} */
  type: (key, value) => {
    set(key, value);
    return position(parameters[key], get(key));
  },
  // What the box shows once it is left: an emptied one, or one out of range, goes back to what counts.
  /** @type {(key: string) => number} */
  value: (key) => get(key),
});

// Two numbers that cannot cross: where the other one goes when this one moves. Within one drag, or while one number is
// typed, it also comes back: typing 12 passes through 1.
/** @type {number | null} */
let stood = null;
/**
 * @param {string} key of the one that moves
 * @param {number | null} value
 * @param {number} other
 */
export const follow = (key, value, other) => {
  if (value === null || !Number.isFinite(value)) return other; // an emptied box
  stood ??= other ?? value;
  return isUpper(key) ? Math.min(stood, value) : Math.max(stood, value);
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
