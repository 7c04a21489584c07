// Messages of the server and questions to it, for all tabs alike. A message is JSON that names its kind; message() of
// constrained/page/controls.py writes it. A question has a number, which each answer to it brings back: so an answer that
// comes after the page has moved on can be told from the one that it waits for.

/** @import { Asks, Message, Props, Readers, Watch } from "../types.js" */

let count = 0; // questions of all tabs

/** @type {Map<string, number>} kind of message -> the last question that such a message can no longer answer */
const overtaken = new Map();

/**
 * Ask the server.
 *
 * @param {Asks} asks
 * @param {string} event whose handler answers
 * @param {object} [data] what the question says
 * @returns {number} the question's number; later questions have higher ones
 */
export const ask = (asks, event, data) => {
  count += 1;
  asks[event]({ ...data, question: count });
  return count;
};

/**
 * Ignore the questions so far: messages of this kind count only if they answer a later one.
 *
 * @param {string} kind
 */
export const overtake = (kind) => {
  overtaken.set(kind, count);
};

/**
 * @param {string} kind of message
 * @param {number | undefined} question undefined for a message that answers no question
 */
export const isOvertaken = (kind, question) => question !== undefined && question <= (overtaken.get(kind) ?? 0);

/**
 * Hand a message to whoever reads its kind, unless it answers a question that was overtaken.
 *
 * @param {string} text a message as it is sent; "" before the first one
 * @param {Readers} readers
 */
export const read = (text, readers) => {
  if (!text) return;
  /** @type {Message} */
  const message = JSON.parse(text);
  const { kind, question } = message;
  if (!Object.hasOwn(readers, kind)) throw new Error(`Nobody here reads messages of the kind "${kind}".`);
  if (!isOvertaken(kind, question)) readers[kind](message);
};

/**
 * Read each message that comes from now on.
 *
 * @param {Props} props whose value is the last message
 * @param {Watch} watch
 * @param {Readers} readers
 */
export const receive = (props, watch, readers) => watch("value", () => read(props.value, readers));
