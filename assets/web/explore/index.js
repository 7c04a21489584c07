// The Explore tab, as gradio's events, the other tabs and the browser's console call it.

import { read } from "../base/messages.js";
import { readers } from "./changes.js";

export { rescale } from "./axes.js";
export { set } from "./changes.js";
export { mount } from "./chart.js";
export { pinA, reset, swap, unpinA } from "./compare.js";
export { hear, slide, type, value, write } from "./fast_path.js";
export { redraw, state } from "./state.js";

/** @param {string} message as the server sends it, for whoever wants to see other logits than those of a picture */
export const receive = (message) => read(message, readers);
