// Lessons, as the rest of the page knows them: a catalogue, the panel beside the live chart, and the teacher's sheet.

/** @import { Pairs } from "../types.js" */

import "./away.js";
import { extend } from "../state.js";
import { go, open, state } from "./steps.js";
import { sheet } from "./tab.js";

export { mountPanel } from "./panel.js";
export { close, open, reveal, state } from "./steps.js";
export { mount, sheet } from "./tab.js";

export const next = () => go(1);
export const back = () => go(-1);

extend({
  pairs: () => {
    /** @type {Pairs} */
    const pairs = [];
    if (state.slug) pairs.push(["lesson", state.slug], ["step", String(state.step)]);
    if (state.teacher) pairs.push(["teacher", "1"]);
    return pairs;
  },
  take: ({ teacher, lesson, step, stays }) => {
    if (teacher !== null) sheet(teacher);
    if (lesson !== null) open(lesson, step, stays);
  },
});
