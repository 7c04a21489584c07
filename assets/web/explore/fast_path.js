// A slider is drawn in the frame in which it moves. gradio passes its event on a frame or two later, so the chart follows
// the event itself, and hears what gradio says of sliders once they rest: in a drag that is a step back.

import { targetOf } from "../base/dom.js";
import { partnerOf } from "../base/parameters.js";
import { registry } from "../base/registry.js";
import { follow, logSliders } from "../base/sliders.js";
import { texts } from "../base/texts.js";
import { set } from "./changes.js";
import { SETTLED } from "./drags.js";
import { state } from "./state.js";

let moved = -Infinity; // when a slider last did
/** @type {Record<string, number>} */
const waiting = {}; // key -> the timer of what gradio said meanwhile

/**
 * Take a control's value from gradio.
 *
 * @param {string} key
 * @param {any} value
 */
export const hear = (key, value) => {
  clearTimeout(waiting[key]);
  const left = key in registry.parameters ? moved + SETTLED - performance.now() : 0;
  if (left > 0) waiting[key] = window.setTimeout(hear, left, key, value);
  else set(key, value);
};

/** @param {string} key */
const current = (key) => state.settings[key];
const direct = logSliders(registry.parameters, current, set);
/** A box's value from gradio counts at once; a slider's counts once the slider rests. */
export const { type, value } = direct;
export const { slide } = logSliders(registry.parameters, current, hear);
export const { write } = texts("explore", set, () => state.labels);

const [BEFORE, AFTER] = ["explore-", "-slider"]; // of a parameter's key in the id of its slider

document.addEventListener(
  "input",
  (event) => {
    const range = targetOf(event);
    if (!(range instanceof HTMLInputElement) || range.type !== "range") return;
    const id = range.closest(`[id^=${BEFORE}][id$=${AFTER}]`)?.id ?? "";
    const key = id.slice(BEFORE.length, -AFTER.length);
    if (!(key in registry.parameters)) return;
    moved = performance.now();
    const at = Number(range.value);
    const other = partnerOf(key);
    if (range.closest(".position")) direct.slide(key, at);
    else if (other) {
      const there = follow(key, at, state.settings[other]);
      set(key, at);
      set(other, there);
    } else set(key, at);
  },
  true,
);
