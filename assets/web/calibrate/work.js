// Work that can wait: generators that run one after the other, a few milliseconds at a time, so that a slider always gets
// its frame.

const SLICE = 8; // ms

/** @typedef {{steps: Iterator<unknown, any>, done: (result: any) => void}} Job */

/** @type {Map<string, Job>} by name, in the order in which they run */
export const jobs = new Map();

let working = false;

const work = () => {
  const until = performance.now() + SLICE;
  while (jobs.size && performance.now() < until) {
    const [[name, { steps, done }]] = jobs;
    const result = steps.next();
    if (!result.done) continue;
    jobs.delete(name);
    done(result.value);
  }
  working = jobs.size > 0;
  if (working) setTimeout(work, 0);
};

/**
 * Run a generator when there is time. A job of the same name that has not ended is dropped; the new one runs last.
 *
 * @template R
 * @param {string} name
 * @param {Iterator<unknown, R>} steps
 * @param {(result: R) => void} done
 */
export const later = (name, steps, done) => {
  jobs.delete(name);
  jobs.set(name, { steps, done });
  if (!working) setTimeout(work, 0);
  working = true;
};

/**
 * Run a generator to its end.
 *
 * @template R
 * @param {Iterator<unknown, R>} steps
 * @returns {R}
 */
export const atOnce = (steps) => {
  for (;;) {
    const result = steps.next();
    if (result.done) return result.value;
  }
};
