// The connection: the browser's own `fetch`, and the name by which the server knows this page.

import { registry } from "../registry.js";

/** @type {typeof window.fetch} */
let browsers;

/** @param {typeof window.fetch} fetch the browser's own */
export const connect = (fetch) => {
  browsers = fetch;
};

/** @type {typeof window.fetch} */
export const send = (to, options) => browsers(to, options);

/**
 * Give a request up if it gets no answer for as long as a stream may be silent.
 *
 * @param {string} to
 * @param {RequestInit} options
 */
export const sendInTime = async (to, options) => {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), registry.silence);
  options.signal?.addEventListener("abort", () => controller.abort());
  try {
    return await send(to, { ...options, signal: controller.signal });
  } finally {
    clearTimeout(timer);
  }
};

// After a break, the server may take the old stream for open and send answers into it. So the page goes on under another
// name, which it puts in place of the one that gradio's client gave itself. Nothing is kept by that name (controls.py).
/** @type {string | null} */
let given = null;
/** @type {string | null} */
let taken = null;

/** @param {string} name that gradio's client gives itself */
export const introduce = (name) => {
  given ??= name;
};
/** The name that the page has taken, or null as long as it has gradio's. */
export const currentName = () => taken;
export const takeName = () => {
  taken = Math.random().toString(36).slice(2, 13);
};
/**
 * @param {string} text of a request, under gradio's name
 * @returns {string} the same under the page's
 */
export const renamed = (text) => (given && taken ? text.replaceAll(given, taken) : text);
