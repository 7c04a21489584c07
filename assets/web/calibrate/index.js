// The Calibrate tab, as main.js offers it: gradio calls `mount`, `set` and what its sliders and boxes do; tests and people in
// the browser's console read the rest.

export { mount } from "./board.js";
export { measure } from "./measure.js";
export { set, slide, state, type, value, write } from "./state.js";
export { jobs } from "./work.js";
