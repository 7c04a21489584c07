// Asking: a request of gradio's leaves the page, and the server takes it or a sentence says why not.

/** @import { Pending } from "../../types.js" */

import { t } from "../i18n.js";
import { registry } from "../registry.js";
import { currentName, introduce, renamed, send, sendInTime } from "./connection.js";
import { BROKEN, early, PATIENCE, pendingOf, UNREACHED, unanswered, waiting } from "./pending.js";

/**
 * gradio shows why.
 *
 * @param {Pending} pending
 * @param {string} why
 */
const refused = (pending, why) => {
  unanswered(pending, why);
  const body = JSON.stringify({ error: why, detail: why });
  return new Response(body, { status: 500, headers: { "content-type": "application/json" } });
};

/**
 * Another server does not have what a visitor has here. So each request says which server made this page. Another one,
 * after a restart or in place of one that died, refuses it (constrained/page/server/guard.py); then the page reloads.
 *
 * @param {string} to
 * @param {RequestInit} options
 */
export const ask = async (to, options) => {
  const text = String(options.body);
  const body = JSON.parse(text);
  introduce(body.session_hash);
  const pending = pendingOf(body);
  document.dispatchEvent(new CustomEvent("asked", { detail: pending }));
  const headers = new Headers(options.headers);
  headers.set("x-page", registry.page);
  const name = currentName();
  let response;
  try {
    response = await sendInTime(to, { ...options, headers, body: renamed(text) });
  } catch {
    return refused(pending, t(UNREACHED));
  }
  if (response.status === 409) setTimeout(() => location.reload(), PATIENCE);
  if (response.ok && name !== currentName()) return refused(pending, t(BROKEN)); // nobody listens where its answer goes
  if (response.ok) {
    const { event_id: id } = to.includes("queue/join") ? await response.clone().json() : {};
    if (id) waiting.set(id, pending);
    early.get(id)?.();
    return response;
  }
  const reply = await response.json().catch(() => ({}));
  return refused(pending, reply.detail ?? reply.error ?? t(BROKEN));
};

/**
 * gradio shows why a file could not be sent.
 *
 * @type {typeof window.fetch}
 */
export const upload = async (to, options) => {
  const unsent = () => document.dispatchEvent(new Event("unsent"));
  try {
    const response = await send(to, options);
    if (!response.ok) unsent();
    return response;
  } catch {
    unsent();
    throw new Error(t(UNREACHED));
  }
};
