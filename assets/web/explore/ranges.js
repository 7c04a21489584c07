// Arithmetic of an axis: where it begins and ends, its ticks, and where a number lies along it. Pure: nothing here touches
// the document.

import { niceStep } from "../base/scales.js";
import { max, min } from "../twins/constraints.js";

/**
 * @typedef {[number, number]} Range where an axis begins and ends
 * @typedef {(v: number) => number} Along where a number lies, in pixels
 * @typedef {{step: number, digits: number, room: number}} Ticks how far apart they are, digits of their texts, and the
 *   pixels that the longest of these takes
 */

const PARTS = 4; // what an axis is divided into at least, to find round ends
const FINE = 10; // the same where the axis follows its bars, so that it grows by little
const MARGIN = 1.05; // how much longer an axis is than its longest bar
const DIGIT = 6.2; // px of a tick's text
const APART = 6; // px between two of them
const ROUNDING = 1e-6; // of a step, which sums of steps may be off by

/**
 * An axis from 0 to round numbers that has room for all values.
 *
 * @param {ArrayLike<number> & Iterable<number>} values finite; none at all give an axis as for zeros
 * @param {number} parts
 * @returns {Range}
 */
export const rangeAround = (values, parts = PARTS) => {
  const low = Math.min(0, min(values));
  const high = Math.max(0, max(values)) || (low === 0 ? 1 : 0); // nothing but zeros: any axis will do
  const step = niceStep((high - low) / parts);
  return [Math.floor((low / step) * MARGIN) * step, Math.ceil((high / step) * MARGIN) * step];
};

/**
 * The same axis if it has room for all values, or a longer one that has.
 *
 * @param {Range} range
 * @param {number[]} values finite
 * @returns {Range}
 */
export const grown = (range, values) => {
  const [from, to] = range;
  if (!values.length || (min(values) >= from && max(values) <= to)) return range;
  const [low, high] = rangeAround(values, FINE);
  return [Math.min(low, from), Math.max(high, to)];
};

/**
 * Whether an axis is of no use for values: they leave it, or it is so long that they would be tiny.
 *
 * @param {Range} range
 * @param {ArrayLike<number> & Iterable<number>} values
 */
export const misfits = ([from, to], values) => {
  const [low, high] = rangeAround(values);
  return low < from || high > to || to - from > 2.5 * (high - low);
};

/**
 * Where an axis of probabilities ends that has room for these.
 *
 * @param {number[]} values
 */
export const roundTop = (values) => {
  const top = max(values);
  const step = niceStep(top / PARTS);
  return Math.min(1, Math.ceil(top / step) * step);
};

/**
 * As many ticks as fit without touching, and three at least.
 *
 * @param {Range} range
 * @param {number} room px of the axis
 * @param {{percent?: boolean, letters?: number}} text whether ticks are in percent, and how much larger than usual the
 *   text is
 * @returns {Ticks}
 */
export const ticksFor = ([low, high], room, { percent = false, letters = 1 } = {}) => {
  const unit = percent ? 100 : 1;
  /** @param {number} step */
  const texts = (step) => {
    const digits = Math.max(0, -Math.floor(Math.log10(step * unit) + 1e-9));
    const longest = Math.max(...[low, high].map((v) => (v * unit).toFixed(digits).length)) + (percent ? 1 : 0);
    return { step, digits, room: (longest * DIGIT + APART) * letters };
  };
  /** @param {Ticks} ticks */
  const count = ({ step }) => Math.floor(high / step + ROUNDING) - Math.ceil(low / step - ROUNDING) + 1;
  const steps = [];
  for (let step = niceStep((high - low) / 20); steps.length < 8; step = niceStep(step * 1.1)) steps.push(texts(step));
  const enough = steps.filter((one) => count(one) >= 3);
  return enough.find((one) => (one.step / (high - low)) * room >= one.room) ?? enough[enough.length - 1];
};

/**
 * Where ticks are. What only rounding keeps from 0 is 0.
 *
 * @param {Range} range
 * @param {number} step
 */
export const tickValues = ([low, high], step) => {
  const values = [];
  for (let v = Math.ceil(low / step - 1e-9) * step; v <= high + step * ROUNDING; v += step) {
    values.push(Math.abs(v) < step * ROUNDING ? 0 : v);
  }
  return values;
};

/**
 * Where numbers lie on an axis; those off it lie at its ends.
 *
 * @param {Range} range
 * @param {number} left px, where it begins
 * @param {number} right px, where it ends
 * @returns {Along}
 */
export const along =
  ([low, high], left, right) =>
  (v) =>
    left + ((Math.min(Math.max(v, low), high) - low) / (high - low)) * (right - left);

/**
 * A bar from one number to another: a pixel wide at least, unless both are the same; none where there is no number.
 *
 * @param {Along} x
 * @param {number} from
 * @param {number} to
 */
export const span = (x, from, to) => {
  const [a, b] = [x(Math.min(from, to)), x(Math.max(from, to))];
  if (Number.isNaN(b - a)) return { x: x(0), width: 0 };
  return { x: a, width: Math.max(b - a, from === to ? 0 : 1) };
};
