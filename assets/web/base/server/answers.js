// Answers: one stream brings them all, and it ends cleanly however it breaks.

/** @import { Pending } from "../../types.js" */

import { t } from "../i18n.js";
import { tell, tells } from "../notices.js";
import { registry } from "../registry.js";
import { renamed, send, takeName } from "./connection.js";
import { BROKEN, early, PATIENCE, unanswered, waiting } from "./pending.js";

/**
 * @typedef {object} StreamMessage of gradio's stream
 * @property {string} msg what it says
 * @property {string} event_id
 * @property {boolean} success
 * @property {any} output
 */

const LATER = 100; // ms after which gradio has shown what came before a break

/** @param {object} message */
const line = (message) => `data: ${JSON.stringify(message)}\n\n`;

// End everything that waits, in a form that gradio understands. gradio shows the first sentence that nothing else shows.
const end = () => {
  const why = t(BROKEN);
  let said = false;
  const messages = Array.from(waiting, ([event_id, pending]) => {
    const explained = unanswered(pending, why);
    if (!explained) setTimeout(tell, LATER, pending.at, why);
    const visible = !explained && !tells(pending.at) && !said;
    said ||= visible;
    return line({
      msg: "process_completed",
      event_id,
      success: false,
      output: { error: why, visible, duration: null },
    });
  });
  waiting.clear();
  early.clear();
  takeName();
  return messages.join("") + line({ msg: "close_stream" });
};

const ANSWERS = ["process_generating", "process_streaming", "process_completed"];
const SKIP = { __type__: "update" };

/**
 * An answer that the page no longer wants changes nothing.
 *
 * @param {StreamMessage} message
 * @returns {Promise<StreamMessage>}
 */
const wanted = async (message) => {
  const id = message.event_id;
  if (!waiting.has(id)) {
    /** @type {Promise<void>} */
    const taken = new Promise((done) => early.set(id, done));
    await Promise.race([taken, new Promise((done) => setTimeout(done, PATIENCE))]);
  }
  early.delete(id);
  const pending = waiting.get(id);
  if (!pending || !message.success) return message;
  const detail = { ...pending, data: message.output.data };
  if (document.dispatchEvent(new CustomEvent("answer", { cancelable: true, detail }))) return message;
  return { ...message, output: { ...message.output, data: pending.outputs.map(() => SKIP) } };
};

/** @param {StreamMessage} message */
const completed = ({ event_id: id, success, output }) => {
  const pending = waiting.get(id);
  waiting.delete(id);
  if (!pending) return;
  if (success) tell(pending.at, "");
  else unanswered(pending, output?.error ?? t(BROKEN));
};

/**
 * Wait, but not for longer than the server may be silent.
 *
 * @template T
 * @param {Promise<T>} reading
 * @returns {Promise<T>}
 */
const inTime = (reading) => {
  /** @type {ReturnType<typeof setTimeout>} */
  let timer;
  /** @type {Promise<never>} */
  const late = new Promise((_, fail) => {
    timer = setTimeout(() => fail(new Error("silence")), registry.silence);
  });
  return Promise.race([reading, late]).finally(() => clearTimeout(timer));
};

/**
 * One stream, message by message.
 *
 * @param {Request} request
 * @param {AbortSignal} signal
 * @returns {AsyncGenerator<StreamMessage, void, void>}
 */
const read = async function* (request, signal) {
  const response = await inTime(send(renamed(request.url), { headers: request.headers, signal }));
  if (!response.body) throw new Error("empty");
  // Of the two types of a decoder, the DOM's takes any bytes and the stream's only those of an ArrayBuffer.
  const decoder = /** @type {TransformStream<Uint8Array<ArrayBuffer>, string>} */ (new TextDecoderStream());
  const reader = response.body.pipeThrough(decoder).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await inTime(reader.read());
    if (done) throw new Error("cut");
    const messages = (text + value).split("\n\n");
    text = messages.pop() ?? "";
    for (const message of messages) yield JSON.parse(message.slice("data: ".length));
  }
};

/**
 * What gradio reads in place of the stream that it asks for.
 *
 * @param {Request} request
 * @returns {AsyncGenerator<string, void, void>}
 */
const answers = async function* (request) {
  const controller = new AbortController();
  const leave = () => controller.abort(); // gradio closes it, since all is answered
  request.signal.addEventListener("abort", leave);
  try {
    for (;;) {
      for await (const message of read(request, controller.signal)) {
        if (message.msg === "unexpected_error") throw new Error("forgotten");
        const answer = ANSWERS.includes(message.msg) ? await wanted(message) : message;
        if (message.msg === "process_completed") completed(message);
        // The server closes once it has answered everything. gradio would wait for ever for a question asked at that moment.
        const closes = message.msg === "close_stream";
        if (closes && waiting.size) break;
        yield line(answer);
        if (closes) return;
      }
    }
  } catch {
    if (!request.signal.aborted) yield end();
  } finally {
    controller.abort();
    request.signal.removeEventListener("abort", leave);
  }
};

/** @param {Request} request for the stream of answers */
export const listen = (request) => {
  const messages = answers(request);
  const encoder = new TextEncoder();
  const body = new ReadableStream({
    pull: async (controller) => {
      const { done, value } = await messages.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
    cancel: async () => {
      await messages.return();
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
};
