// The picture: its box and the chart are about one and the same, in whatever order answers come, and if none comes.
//
// gradio's box shows a file as soon as it is chosen, long before there are logits for it, and nothing while one is sent.
// Once nothing is on its way any more, it goes to what the chart is about.

/** @import { Question } from "../types.js" */

import { config } from "../base/gradio.js";

/** @typedef {{path: string, url: string}} Picture a file, as gradio has it */

const SETTLED = 100; // ms after which gradio has shown what came before

/** @type {Picture | undefined} */
let charted; // the file that the chart is about
let [asked, answered] = [0, 0]; // the last question about a picture, and the last one that has had its answer
let bring = () => {};

/**
 * Have the box show what the chart is about, unless it does. An empty box was emptied by its visitor, unless something has
 * just failed; with a video in it, they look at that.
 *
 * @param {boolean} failed
 */
const settle = (failed) => {
  setTimeout(() => {
    const box = document.querySelector("#picture");
    if (!box || !charted || asked !== answered) return;
    const image = box.querySelector("img[src]:not(.hide)"); // the webcam keeps one out of sight
    const differs =
      image instanceof HTMLImageElement
        ? image.src !== new URL(charted.url, location.href).href
        : failed && !box.querySelector("video");
    if (differs) bring();
  }, SETTLED);
};

/** @param {Event} event */
const questionOf = (event) => /** @type {CustomEvent<Question>} */ (event).detail;
/** @param {Question} question */
const isOurs = ({ at }) => at === "picture" || at === "samples";

/** @param {any} sent a value of gradio's, or an update of it */
const contentOf = (sent) => (sent?.__type__ === "update" ? sent.value : sent);

const isLive = () => {
  const box = document.querySelector("#live input");
  return box instanceof HTMLInputElement && box.checked;
};

document.addEventListener("asked", (event) => {
  const question = questionOf(event);
  if (isOurs(question)) asked = question.number;
});

document.addEventListener("answer", (event) => {
  const question = questionOf(event);
  const { at, number, given, outputs, data } = question;
  const late = (at === "camera" && !isLive()) || (isOurs(question) && number < answered);
  if (late) {
    event.preventDefault();
    return;
  }
  const logits = contentOf(data?.[outputs.indexOf("chart-block")]);
  const picture = contentOf(data?.[outputs.indexOf("picture")]);
  if (picture?.path) charted = picture;
  else if (at === "picture" && logits) [charted] = given;
  if (!isOurs(question)) return;
  answered = number;
  settle(!logits && given[0] !== null);
});

document.addEventListener("unanswered", (event) => {
  const question = questionOf(event);
  if (!isOurs(question)) return;
  answered = Math.max(answered, question.number);
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
