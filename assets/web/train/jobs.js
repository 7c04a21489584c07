// What the server trains for this page: runs and sweeps. A new one halts what is on its way.

/** @import { Asks } from "../types.js" */

import * as messages from "../base/messages.js";

/**
 * @typedef {object} Kind of job: runs, or sweeps
 * @property {() => boolean} busy whether one is on its way
 * @property {() => void} stop one that has not begun; one that has ends by itself, at its next report
 * @property {() => void} clear all of them
 */

/** @type {Kind[]} */
const kinds = [];
/** @type {Asks} */
let asks = {};
let last = 0; // the last question, by its number
let draw = () => {};

/** The last message of the page that is not about a run in the table. */
export let notice = "";
/** @param {string} text */
export const announce = (text) => {
  notice = text;
};

/** @param {Kind} kind */
export const addKind = (kind) => kinds.push(kind);

/**
 * @param {Asks} server
 * @param {() => void} draws the tab
 */
export const connect = (server, draws) => {
  asks = server;
  draw = draws;
};

/** Draw the tab, once, in the next frame. */
export const redraw = () => draw();

/**
 * Have the server train, and halt what it trains now.
 *
 * @param {"run" | "sweep"} event
 * @param {object} data
 * @returns {number} the question's number
 */
export const ask = (event, data) => {
  halt();
  notice = "";
  last = messages.ask(asks, event, data);
  return last;
};

/** @param {string} head the file of a run's, which goes to the Explore tab */
export const use = (head) => asks.use({ head });

/** A job that has not begun is removed at once; a running one ends at its next report and keeps its results so far. */
export const halt = () => {
  if (!kinds.some(({ busy }) => busy())) return;
  asks.halt({ question: last });
  for (const { stop } of kinds) stop();
  draw();
};

export const clear = () => {
  halt();
  for (const kind of kinds) kind.clear();
  notice = "";
  draw();
};

/**
 * Call a function for each question that will get no answer.
 *
 * @param {"run" | "sweep"} kind of question
 * @param {(question: any, why: string) => void} work
 */
export const whenUnanswered = (kind, work) =>
  document.addEventListener("unanswered", (event) => {
    const { at, event: name, data, why } = /** @type {CustomEvent} */ (event).detail;
    if (at !== "train-block" || name !== kind) return;
    event.preventDefault();
    work(data, why);
  });
