// The Train tab: runs of a head, drawn while they train, and sweeps. The controls call `set`; the server is asked through
// the events of the gr.HTML that `mount` is given, and answers through its value. Runs, with the heads that they ended in,
// stay here, in the visitor's browser.

export { mount } from "./board.js";
export { halt } from "./jobs.js";
export { begin, goLive, runs } from "./runs.js";
export { set, settings, slide, type, value, write } from "./setting.js";
export { sweep } from "./sweeps.js";
