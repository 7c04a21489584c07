// The Explore tab, as gradio's events, the other tabs and the browser's console call it.

export { rescale } from "./axes.js";
export { receive, set } from "./changes.js";
export { mount } from "./chart.js";
export { pinA, reset, swap, unpinA } from "./compare.js";
export { hear, slide, type, value, write } from "./fast_path.js";
export { redraw, state } from "./state.js";
