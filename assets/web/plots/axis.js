// Axes: where one begins and ends, its ticks, and where a number lies on it. Nothing here touches the document.

import { niceStep } from "../base/scales.js";
import { minus, short } from "../twins/formats.js";

const GAP = 38; // px between 0 and the lowest decade of a log axis
const ZERO = 6; // px between the end of the axis and that 0
const ROUNDING = 1e-9; // of a step, that arithmetic may add or lose

/**
 * @typedef {(v: number) => string} Format
 *
 * @typedef {object} AxisOptions
 * @property {boolean} [log]
 * @property {boolean} [zero] whether 0 is on it; on a log axis that is a place of its own, see `scale`
 * @property {number} [low] its ends; without them it fits the data
 * @property {number} [high]
 * @property {Format} [format] of a tick
 *
 * @typedef {[value: number, text: string]} Tick
 * @typedef {{from: number, to: number, ticks: Tick[]}} Axis
 */

/**
 * The ticks of a log axis: powers of ten, and between them 2 and 5 where there are few.
 *
 * @param {number} from
 * @param {number} to
 * @param {Format} format
 * @param {number} wanted
 */
const powers = (from, to, format, wanted) => {
  const decades = Math.log10(to / from);
  const every = Math.max(1, Math.ceil(decades / wanted));
  /** @type {Tick[]} */
  const ticks = [];
  for (let power = Math.floor(Math.log10(from) + ROUNDING); power <= Math.log10(to) + ROUNDING; power += every) {
    for (const first of decades < 1.5 ? [1, 2, 5] : [1]) {
      const v = Number(`${first}e${power}`);
      if (v >= from * (1 - ROUNDING) && v <= to * (1 + ROUNDING)) ticks.push([v, format(v)]);
    }
  }
  return ticks;
};

/**
 * The ends of an axis, and its ticks.
 *
 * @param {number[]} values that it is to show; what is not finite, or not positive on a log axis, does not count
 * @param {AxisOptions} options
 * @param {number} wanted about how many ticks
 * @returns {Axis}
 */
export const axis = (values, { log = false, zero = false, low, high, format }, wanted) => {
  const fits = values.filter((v) => Number.isFinite(v) && (!log || v > 0));
  let [from, to] = [low ?? Math.min(...fits, ...(zero && !log ? [0] : [])), high ?? Math.max(...fits)];
  if (!Number.isFinite(from) || !Number.isFinite(to)) [from, to] = log ? [0.1, 10] : [0, 1];
  if (log && from === to) [from, to] = [from / 2, to * 2];
  if (log) return { from, to, ticks: powers(from, to, format ?? short, wanted) };
  if (from === to) [from, to] = [from - (Math.abs(from) || 1) / 2, to + (Math.abs(to) || 1) / 2];
  const step = niceStep((to - from) / wanted);
  if (low === undefined) from = Math.floor(from / step + ROUNDING) * step;
  if (high === undefined) to = Math.ceil(to / step - ROUNDING) * step;
  const digits = Math.max(0, -Math.floor(Math.log10(step) + ROUNDING)); // neighbours must not look alike
  const text = format ?? ((v) => minus(v.toFixed(digits)));
  /** @type {Tick[]} */
  const ticks = [];
  for (let v = Math.ceil(from / step - ROUNDING) * step; v <= to + step * 1e-6; v += step) {
    const round = Number(v.toPrecision(12));
    ticks.push([v, text(Math.abs(v) < step * 1e-6 ? 0 : round)]);
  }
  return { from, to, ticks };
};

/**
 * Where numbers lie on an axis, in px.
 *
 * @param {{from: number, to: number}} ends of the axis
 * @param {{log?: boolean}} options
 * @param {number} start where the axis begins
 * @param {number} end where it ends
 * @param {boolean} zero whether a log axis shows 0, left of its lowest decade
 * @returns {(v: number) => number}
 */
export const scale = ({ from, to }, { log = false }, start, end, zero = false) => {
  const f = log ? Math.log : (/** @type {number} */ v) => v;
  const first = zero ? start + GAP : start;
  return (v) => {
    if (zero && v <= 0) return start + ZERO;
    const share = (f(v) - f(from)) / (f(to) - f(from));
    return first + Math.min(Math.max(share, -9), 9) * (end - first); // what lies far outside stays a number
  };
};
