// The server: what happens to requests and answers when the connection to it breaks.
//
// gradio would say "Connection Lost" and ignore everything until it can reload the page, which loses what the visitor had
// in it. Here a request whose answer cannot come ends with a sentence, and the next one is sent as usual.
//
// gradio's internals that this relies on: its client asks by POST queue/join and run/predict, reads all answers from one
// stream (GET queue/data) until that says close_stream, and takes a process_completed with an error for the end of a
// request. It would not be needed if the client reconnected.

import { listen } from "./answers.js";
import { ask, upload } from "./asking.js";
import { connect, renamed, send } from "./connection.js";

/** @type {typeof window.fetch} */
const pass = async (to, options = {}) => {
  const address = to instanceof Request ? to.url : String(to);
  const [, what] = address.match(/\/gradio_api\/(queue\/join|queue\/data|run|stream|cancel|reset|upload)\b/) ?? [];
  if (what === "queue/data") return listen(/** @type {Request} */ (to));
  if (what === "queue/join" || what === "run") return ask(address, options);
  if (what === "upload") return upload(to, options);
  if (what && typeof options.body === "string") return send(to, { ...options, body: renamed(options.body) });
  return send(to, options);
};

/**
 * The `fetch` of this page, which handles gradio's questions and passes on everything else.
 *
 * @param {typeof window.fetch} browsers
 */
export const over = (browsers) => {
  connect(browsers);
  return pass;
};
