// The picture: its box and the chart show the same one, whatever order answers come in, and even if none comes.
//
// gradio's box shows a file as soon as it is chosen, long before there are logits for it, and nothing while one is sent.
// Once no answer is pending, the box returns to the picture of the chart.

/** @import { Pending } from "../types.js" */

import { config } from "../base/gradio.js";

/** @typedef {{path: string, url: string}} Picture a file, as gradio has it */

const SETTLED = 100; // ms after which gradio has shown what came before

/** @type {Picture | undefined} */
let charted; // the file that the chart is about
let [sent, answered] = [0, 0]; // the last request about a picture, and the last one that has had its answer
let bring = () => {};

/**
 * Have the box show the chart's picture, unless it does. An empty box was emptied by the visitor, unless something has just
 * failed; a box with a video is in use.
 *
 * @param {boolean} failed
 */
const settle = (failed) => {
  setTimeout(() => {
    const box = document.querySelector("#picture");
    if (!box || !charted || sent !== answered) return;
    const image = box.querySelector("img[src]:not(.hide)"); // the webcam keeps one out of sight
    const differs =
      image instanceof HTMLImageElement
        ? image.src !== new URL(charted.url, location.href).href
        : failed && !box.querySelector("video");
    if (differs) bring();
  }, SETTLED);
};

/** @param {Event} event */
const pendingOf = (event) => /** @type {CustomEvent<Pending>} */ (event).detail;
/** @param {Pending} pending */
const isOurs = ({ at }) => at === "picture" || at === "samples";

/** @param {any} output a value of gradio's, or an update of it */
const contentOf = (output) => (output?.__type__ === "update" ? output.value : output);

const isLive = () => {
  const box = document.querySelector("#live input");
  return box instanceof HTMLInputElement && box.checked;
};

document.addEventListener("asked", (event) => {
  const pending = pendingOf(event);
  if (isOurs(pending)) sent = pending.order;
});

document.addEventListener("answer", (event) => {
  const pending = pendingOf(event);
  const { at, order, given, outputs, data } = pending;
  const late = (at === "camera" && !isLive()) || (isOurs(pending) && order < answered);
  if (late) {
    event.preventDefault();
    return;
  }
  const logits = contentOf(data?.[outputs.indexOf("chart-block")]);
  const picture = contentOf(data?.[outputs.indexOf("picture")]);
  if (picture?.path) charted = picture;
  else if (at === "picture" && logits) [charted] = given;
  if (!isOurs(pending)) return;
  answered = order;
  settle(!logits && given[0] !== null);
});

document.addEventListener("unanswered", (event) => {
  const pending = pendingOf(event);
  if (!isOurs(pending)) return;
  answered = Math.max(answered, pending.order);
  settle(true);
});

document.addEventListener("unsent", () => settle(true));

/** @param {() => void} asks gradio to put `value()` into the box */
export const follow = (asks) => {
  /** @type {{props: {elem_id?: string, value: Picture}}[]} */
  const components = config().components;
  charted ??= components.find(({ props }) => props.elem_id === "picture")?.props.value;
  bring = asks;
};

export const value = () => charted;
