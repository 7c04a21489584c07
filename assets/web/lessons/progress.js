// Progress: what a visitor has done, kept in their browser alone.

/** @import { Lesson } from "../types.js" */

const KEY = "constrained.lessons"; // localStorage: {slug: {step, done: [step, ...]}}

/** @type {Record<string, {step: number, done: number[]}>} slug of a lesson -> the step that was open last, and those done */
let progress = {};

/** Whether it outlasts the page: an embedded page may be denied its storage. */
export let kept = true;

try {
  const read = JSON.parse(localStorage.getItem(KEY) ?? "{}");
  for (const [slug, one] of Object.entries(read)) {
    if (Number.isInteger(one?.step) && Array.isArray(one.done)) progress[slug] = { step: one.step, done: one.done };
  }
} catch {
  kept = false;
}

const keep = () => {
  try {
    if (Object.keys(progress).length) localStorage.setItem(KEY, JSON.stringify(progress));
    else localStorage.removeItem(KEY);
  } catch {
    kept = false;
  }
};

/** @param {string} slug */
const reached = (slug) => {
  progress[slug] ??= { step: 1, done: [] };
  return progress[slug];
};

/**
 * A step is open.
 *
 * @param {string} slug
 * @param {number} step
 */
export const visit = (slug, step) => {
  reached(slug).step = step;
  keep();
};

/**
 * A step is done once its answer was seen; a step without a question, once it was opened.
 *
 * @param {string} slug
 * @param {number} step
 */
export const finish = (slug, step) => {
  const { done } = reached(slug);
  if (!done.includes(step)) done.push(step);
  keep();
};

export const forget = () => {
  progress = {};
  keep();
};

export const nothingDone = () => Object.keys(progress).length === 0;

/**
 * @param {string} slug
 * @param {number} step
 */
export const isDone = (slug, step) => Boolean(progress[slug]?.done.includes(step));

/** @param {Lesson} lesson */
export const stepsDone = ({ slug, steps }) => steps.filter((_, at) => isDone(slug, at + 1)).length;

/**
 * The step of a lesson that was open last, if any was.
 *
 * @param {string} slug
 */
export const lastStep = (slug) => progress[slug]?.step;
