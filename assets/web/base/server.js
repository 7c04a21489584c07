// The connection to the server: what is asked and not yet answered, and what happens to it when the connection breaks.
//
// gradio would say "Connection Lost", deaf to everything until it can load the page anew, without what the visitor had in
// it. Here a question whose answer cannot come ends with a sentence, and the next one is asked as if nothing had been.
//
// gradio's internals that this relies on: its client asks by POST queue/join and run/predict, reads all answers from one
// stream (GET queue/data) until that says close_stream, and takes a process_completed with an error for the end of a
// question. What would spare it: a client that reconnects.

import { config } from "./gradio.js";
import { phrase, t } from "./i18n.js";
import { tell, tells } from "./notices.js";
import { registry } from "./registry.js";

let fetch = null; // the browser's own
const BROKEN = phrase("The connection to the server broke before the answer came: try again.");
const UNREACHED = phrase("The server cannot be reached: check your connection, then try again.");
const READ = 4000; // ms for a sentence
const LATER = 100; // ms after which gradio has shown what came before a break

const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const waiting = new Map(); // id of a question that the server has taken -> what `question` makes of it
const early = new Map(); // id of a question whose answer was faster than the word that it is taken -> what waits for that

// After a break, the server may hold the old stream for open, and send answers into it. So the page goes on under another
// name, which it puts in place of the one that gradio's client gave itself. Nothing is kept by that name (controls.py).
let [given, taken] = [null, null];
const renamed = (text) => (given && taken ? text.replaceAll(given, taken) : text);

// What was asked, where: {event, data, given: its inputs, at: the element that asked, outputs: those that are told,
// number: later questions have higher ones}.
let asks = 0;
const question = (body) => {
  const { dependencies, components } = config();
  const named = (id) => components.find((one) => one.id === id)?.props.elem_id ?? "";
  const asked = dependencies.find((one) => one.id === body.fn_index);
  const [id, event] = asked?.targets[0] ?? [];
  const outputs = asked?.outputs.map(named) ?? [];
  return { event, data: body.event_data, given: body.data, at: named(id), outputs, number: (asks += 1) };
};

// Whoever asked no longer waits. True if they have said why.
const unanswered = (asked, why) =>
  !document.dispatchEvent(new CustomEvent("unanswered", { cancelable: true, detail: { ...asked, why } }));

// Asking -----------------------------------------------------------------------------------------------------------

const json = (body, status) =>
  new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });
const refused = (asked, why) => {
  unanswered(asked, why);
  return json({ error: why, detail: why }, 500); // gradio shows it
};

// A request that gets no answer for as long as a stream may be silent is given up.
const send = async (to, options) => {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), registry.silence);
  options.signal?.addEventListener("abort", () => controller.abort());
  try {
    return await fetch(to, { ...options, signal: controller.signal });
  } finally {
    clearTimeout(timer);
  }
};

// What a visitor has here is no other server's: it is told which one made this page, and another one, after a restart or
// instead of one that died, refuses (constrained/ui/guard.py); then the page loads anew.
const ask = async (to, options) => {
  const body = JSON.parse(options.body);
  given ??= body.session_hash;
  const asked = question(body);
  document.dispatchEvent(new CustomEvent("asked", { detail: asked }));
  const headers = new Headers(options.headers);
  headers.set("x-page", registry.page);
  const name = taken;
  let response;
  try {
    response = await send(to, { ...options, headers, body: renamed(options.body) });
  } catch {
    return refused(asked, t(UNREACHED));
  }
  if (response.status === 409) setTimeout(() => location.reload(), READ);
  if (response.ok && name !== taken) return refused(asked, t(BROKEN)); // its answer goes where nobody listens any more
  if (response.ok) {
    const { event_id: id } = to.includes("queue/join") ? await response.clone().json() : {};
    if (id) waiting.set(id, asked);
    early.get(id)?.();
    return response;
  }
  const said = await response.json().catch(() => ({}));
  return refused(asked, said.detail ?? said.error ?? t(BROKEN));
};

// gradio shows why one could not be sent.
const upload = async (to, options) => {
  const unsent = () => document.dispatchEvent(new Event("unsent"));
  try {
    const response = await fetch(to, options);
    if (!response.ok) unsent();
    return response;
  } catch {
    unsent();
    throw new Error(t(UNREACHED));
  }
};

// Answers ----------------------------------------------------------------------------------------------------------

const line = (message) => `data: ${JSON.stringify(message)}\n\n`;

// The end of everything that waits, as gradio takes it. The first sentence that nobody else says, gradio does.
const end = () => {
  const why = t(BROKEN);
  let said = false;
  const messages = Array.from(waiting, ([event_id, asked]) => {
    const told = unanswered(asked, why);
    if (!told) setTimeout(tell, LATER, asked.at, why);
    const visible = !told && !tells(asked.at) && !said;
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
  taken = Math.random().toString(36).slice(2, 13);
  return messages.join("") + line({ msg: "close_stream" });
};

// An answer that somebody on the page does not want leaves everything as it is.
const ANSWERS = ["process_generating", "process_streaming", "process_completed"];
const SKIP = { __type__: "update" };
const wanted = async (message) => {
  const id = message.event_id;
  if (!waiting.has(id)) await Promise.race([new Promise((known) => early.set(id, known)), pause(READ)]);
  early.delete(id);
  const asked = waiting.get(id);
  if (!asked || !message.success) return message;
  const detail = { ...asked, data: message.output.data };
  if (document.dispatchEvent(new CustomEvent("answer", { cancelable: true, detail }))) return message;
  return { ...message, output: { ...message.output, data: asked.outputs.map(() => SKIP) } };
};

const completed = ({ event_id: id, success, output }) => {
  const asked = waiting.get(id);
  if (!waiting.delete(id)) return;
  if (success) tell(asked.at, "");
  else unanswered(asked, output?.error ?? t(BROKEN));
};

const silent = (reading) => {
  let timer;
  const over = new Promise((_, fail) => (timer = setTimeout(() => fail(new Error("silence")), registry.silence)));
  return Promise.race([reading, over]).finally(() => clearTimeout(timer));
};

// The stream of answers, message by message. However it breaks, it ends in order.
const answers = async function* (request) {
  const controller = new AbortController();
  const leave = () => controller.abort(); // gradio closes it, since all is answered
  request.signal.addEventListener("abort", leave);
  const read = async function* () {
    const response = await silent(fetch(renamed(request.url), { headers: request.headers, signal: controller.signal }));
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { done, value } = await silent(reader.read());
      if (done) throw new Error("cut");
      const messages = (text + value).split("\n\n");
      text = messages.pop();
      for (const message of messages) yield JSON.parse(message.slice("data: ".length));
    }
  };
  try {
    for (;;) {
      for await (const message of read()) {
        if (message.msg === "unexpected_error") throw new Error("forgotten");
        const heard = ANSWERS.includes(message.msg) ? await wanted(message) : message;
        if (message.msg === "process_completed") completed(message);
        // The server closes when all is answered that it has; what it was asked right then, gradio would wait for.
        const closes = message.msg === "close_stream";
        if (closes && waiting.size) break;
        yield line(heard);
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

const listen = (request) => {
  const messages = answers(request);
  const encoder = new TextEncoder();
  const body = new ReadableStream({
    pull: async (controller) => {
      const { done, value } = await messages.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
    cancel: () => messages.return(),
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
};

/**
 * The `fetch` of this page: gradio's questions go through it, all else as before.
 *
 * @param {typeof window.fetch} browsers
 */
export const over = (browsers) => {
  fetch = browsers;
  return pass;
};
const pass = (to, options = {}) => {
  const address = to instanceof Request ? to.url : String(to);
  const [, what] = address.match(/\/gradio_api\/(queue\/join|queue\/data|run|stream|cancel|reset|upload)\b/) ?? [];
  if (what === "queue/data") return listen(to);
  if (what === "queue/join" || what === "run") return ask(address, options);
  if (what === "upload") return upload(to, options);
  return what ? fetch(to, { ...options, body: renamed(options.body) }) : fetch(to, options);
};
