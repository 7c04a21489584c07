// A drag is one change: what a column showed before it is kept for as long as it lasts, and what waits for controls to
// rest waits for its end.

/** @import { Family } from "../types.js" */

import { state } from "./state.js";

/** ms without a change after which a control counts as settled. */
export const SETTLED = 200;

let pressed = Infinity; // when the pointer that is still down went down
document.addEventListener(
  "pointerdown",
  () => {
    pressed = performance.now();
  },
  true,
);
for (const end of ["pointerup", "pointercancel"]) {
  document.addEventListener(
    end,
    () => {
      pressed = Infinity;
    },
    true,
  );
}

export const isPressed = () => pressed < Infinity;

/**
 * Keep what a family shows before it changes, unless its last change belongs to the same drag or is only a moment ago.
 *
 * @param {Family} family
 */
export const remember = (family) => {
  const now = performance.now();
  const last = state.changed[family] ?? -Infinity;
  const dragged = last > pressed; // in the same drag, however long it has paused
  if (!dragged && now - last > SETTLED) state.before[family] = state.outputs[family];
  state.changed[family] = now;
};

/** Forget what was shown before, because the picture is another one. */
export const forget = () => {
  state.before = {};
  state.changed = {};
};
