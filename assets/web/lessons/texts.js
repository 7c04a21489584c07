// The lessons' texts: fetched once, when they are first needed. They come from this project's own files, as HTML; the
// numbers in them are PyTorch's.

/** @import { Lesson, Pending } from "../types.js" */

import { say as announce } from "../share.js";

/** @type {Lesson[] | null} null until they are here */
export let lessons = null;
/** @type {string[]} what is wrong with lessons that cannot be shown */
export let troubles = [];

/** @type {(ask: () => void) => void} */
let connected;
/** @type {Promise<() => void>} */
const connection = new Promise((done) => (connected = done));
/** @type {(all: Lesson[]) => void} */
let arrived;
/** @type {Promise<Lesson[]>} */
const arrival = new Promise((done) => (arrived = done));
let asked = false;

/** @param {() => void} ask asks the server for the lessons */
export const connect = (ask) => connected(ask);

/** All lessons that can be shown. */
export const fetchLessons = async () => {
  const ask = await connection;
  if (!asked) ask();
  asked = true;
  return arrival;
};

/** @param {{lessons: (Lesson | {trouble: string})[]}} message with all lessons, or why one cannot be shown */
export const keep = ({ lessons: all }) => {
  if (lessons) return;
  const sound = all.flatMap((one) => ("trouble" in one ? [] : one));
  lessons = sound;
  troubles = all.flatMap((one) => ("trouble" in one ? one.trouble : []));
  arrived(sound);
};

document.addEventListener("unanswered", (event) => {
  const { at, event: kind, why } = /** @type {CustomEvent<Pending & {why: string}>} */ (event).detail;
  if (at !== "lesson-block" || kind !== "open") return;
  event.preventDefault();
  asked = false; // the next visit to the tab asks again
  announce(why);
});
