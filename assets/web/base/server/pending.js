// Pending requests: gradio's questions to the server that have no answer yet, and how the asker learns that no answer
// will come.

/** @import { Pending } from "../../types.js" */

import { config } from "../gradio.js";
import { phrase } from "../i18n.js";

export const BROKEN = phrase("The connection to the server was lost before the answer came: try again.");
export const UNREACHED = phrase("The server cannot be reached: check your connection, then try again.");

export const PATIENCE = 4000; // ms that it takes to read a sentence, and after which nothing more is expected

/** @type {Map<string, Pending>} id of a request that the server has taken -> the request */
export const waiting = new Map();
/** @type {Map<string, () => void>} id of a request whose answer was faster than the word that it is taken -> what waits for that */
export const early = new Map();

let count = 0;
/**
 * What a request asks, and from which component.
 *
 * @param {{fn_index: number, event_data: unknown, data: unknown[]}} body
 * @returns {Pending}
 */
export const pendingOf = (body) => {
  const { dependencies, components } = config();
  /** @param {number} id */
  const nameOf = (id) => components.find((/** @type {{id: number}} */ one) => one.id === id)?.props.elem_id ?? "";
  const dependency = dependencies.find((/** @type {{id: number}} */ one) => one.id === body.fn_index);
  const [id, event] = dependency?.targets[0] ?? [];
  const outputs = dependency?.outputs.map(nameOf) ?? [];
  count += 1;
  return { event, data: body.event_data, given: body.data, at: nameOf(id), outputs, order: count };
};

/**
 * Stop waiting for an answer.
 *
 * @param {Pending} pending
 * @param {string} why
 * @returns {boolean} whether they have said why
 */
export const unanswered = (pending, why) =>
  !document.dispatchEvent(new CustomEvent("unanswered", { cancelable: true, detail: { ...pending, why } }));
