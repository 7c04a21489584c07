// Scales: ticks of an axis, and positions on a slider whose scale is logarithmic.

/** @import { Scale } from "../types.js" */

export const STEPS = 100; // a log slider goes from 0 to here; as in constrained/page/controls.py

// Ticks on an axis: 1, 2 or 5 times a power of ten.
/** @param {number} raw the least that a step may be */
export const niceStep = (raw) => {
  const power = 10 ** Math.floor(Math.log10(raw));
  return power * ([1, 2, 5].find((f) => f * power >= raw) ?? 10);
};

/**
 * The position of a slider for a value: the twin of constrained.page.controls.position.
 *
 * @param {Scale} scale
 * @param {number} value
 */
export const position = ({ zero, low, high }, value) =>
  zero && value < low ? 0 : (STEPS * Math.log(value / low)) / Math.log(high / low);

/**
 * The value of a slider's position.
 *
 * @param {Scale} scale
 * @param {number} at
 */
export const valueAt = ({ zero, low, high }, at) => {
  if (zero && at === 0) return 0;
  return Number((low * (high / low) ** (at / STEPS)).toPrecision(3));
};

/**
 * @param {Scale} scale
 * @param {number} value
 */
export const inRange = ({ zero, low, high }, value) => Math.min(Math.max(value, zero && value < low ? 0 : low), high);
