// The size of the chart in present mode: the largest at which it still fits the screen, as a zoom of what is there.

import { find } from "../base/dom.js";
import { redraw } from "../explore/state.js";

const WIDE = 900; // px, below which the columns stack: there the page scrolls and keeps its size
const SMALLEST = 1;
const COLUMN = 215; // px that a column needs, before it is made larger
const MARGIN = 6; // px under the chart
const SLACK = 0.15; // of the screen's height, that may stay empty under it

let fitting = false;
let size = SMALLEST;
let fitted = { around: "", height: 0 }; // what the size was found for
let pending = 0;

/**
 * How much of the screen is left under the chart; below 0 it does not fit.
 *
 * @param {HTMLElement} grid
 */
const free = (grid) => {
  // The grid's own top would be in its own, larger pixels.
  const top = /** @type {HTMLElement} */ (grid.parentElement).getBoundingClientRect().top;
  return innerHeight - MARGIN - (top + scrollY) - grid.offsetHeight * size;
};

/** @param {HTMLElement} grid */
const fit = (grid) => {
  /** @param {number} wanted */
  const fitsAt = (wanted) => {
    size = wanted;
    document.body.style.setProperty("--present", String(size));
    redraw();
    return free(grid) >= 0;
  };
  const columns = document.body.dataset.solo ? 2 : 4;
  const widest = (grid.offsetWidth * size) / (columns * COLUMN);
  let [low, high] = [SMALLEST, innerWidth > WIDE ? Math.max(widest, SMALLEST) : SMALLEST];
  if (fitsAt(high)) low = high;
  while (high - low > 0.02) {
    const middle = (low + high) / 2;
    if (fitsAt(middle)) low = middle;
    else high = middle;
  }
  fitsAt(low);
  fitted = { around: around(), height: grid.offsetHeight };
};

const around = () => [innerWidth, innerHeight, document.body.className, document.body.dataset.solo].join(" ");

/**
 * Find the size again, after a change that needs room or leaves much of it. A slider that is moved, and a formula that gets
 * longer on the way, should not make the chart jump.
 */
export const refit = () => {
  cancelAnimationFrame(pending);
  pending = requestAnimationFrame(() => {
    const grid = /** @type {HTMLElement | null} */ (document.querySelector("#grid"));
    if (!fitting || !grid?.offsetParent) return;
    if (fitted.around === around()) {
      const left = free(grid);
      if (grid.offsetHeight === fitted.height || (left >= 0 && left < SLACK * innerHeight)) return;
    }
    fit(grid);
  });
};
addEventListener("resize", refit);
const sizer = new ResizeObserver(refit);

export const start = () => {
  fitting = true;
  sizer.observe(find("#grid"));
  refit();
};

/** The chart gets its usual size back. */
export const stop = () => {
  fitting = false;
  sizer.disconnect();
  document.body.style.removeProperty("--present");
  redraw();
};
