// Steps: which lesson and which step of it is open. A step puts its setting into the page as a link does, and its reveal
// after the answer.

/** @import { Lesson, LessonStep } from "../types.js" */

import { t } from "../base/i18n.js";
import { say as announce, apply } from "../share.js";
import { changed, tab } from "../state.js";
import { tell } from "./attention.js";
import { finish, visit } from "./progress.js";
import { fetchLessons, lessons } from "./texts.js";

/**
 * Callbacks for what happens to the open lesson, called in the order in which `watch` was called.
 *
 * @typedef {object} Watcher
 * @property {() => void} [opened] at some step
 * @property {() => void} [closed]
 * @property {() => void} [restored] the chart has the step's setting
 * @property {() => void} [revealed]
 * @property {(lesson: Lesson) => void} [finished] it was closed after its last step
 */

export const state = {
  /** @type {string | null} of the open lesson; in the address */
  slug: null,
  step: 1, // of it, in the address
  revealed: false, // whether its answer is shown
  sheet: false, // whether the tab shows the teacher's sheet in place of the catalogue
  /** Whether the address names the sheet, which it does only while the sheet is in view. */
  get teacher() {
    return this.sheet && tab === "lessons";
  },
};

/** @type {Watcher[]} */
const watchers = [];
/** @param {Watcher} watcher */
export const watch = (watcher) => {
  watchers.push(watcher);
};

/** The open lesson. */
export const current = () => lessons?.find(({ slug }) => slug === state.slug);
/**
 * Its open step.
 *
 * @returns {LessonStep | undefined}
 */
export const currentStep = () => current()?.steps[state.step - 1];

/**
 * Open a lesson at a step.
 *
 * @param {string} slug
 * @param {string | number | null} at the step, from 1
 * @param {boolean} stays whether to keep the page's setting, because the link that leads here has set it
 */
export const open = async (slug, at = 1, stays = false) => {
  const lesson = (await fetchLessons()).find((one) => one.slug === slug);
  if (!lesson) {
    announce(t("There is no lesson “{name}”; the Lessons tab lists them all.", { name: String(slug).slice(0, 40) }));
    return;
  }
  let step = Number(at ?? 1);
  if (!(Number.isInteger(step) && step >= 1 && step <= lesson.steps.length)) {
    announce(t("“{title}” has no step {n}; it starts at step 1.", { title: lesson.title, n: String(at).slice(0, 10) }));
    step = 1;
  }
  Object.assign(state, { slug, step, revealed: false });
  visit(slug, step);
  if (!lesson.steps[step - 1].question) finish(slug, step);
  if (!stays) set();
  else if (tab !== "explore") apply("tab=explore");
  for (const { opened } of watchers) opened?.();
  changed();
};

/** The chart as the open step has it: before or after its reveal. */
export const set = () => {
  const step = currentStep();
  if (!step) return;
  apply(`tab=explore&${state.revealed ? step.reveal : step.setting}`);
  for (const { restored } of watchers) restored?.();
};

export const close = () => {
  state.slug = null;
  for (const { closed } of watchers) closed?.();
  changed();
};

/** @param {number} by how many steps */
export const go = (by) => {
  const lesson = current();
  if (!lesson) return;
  const to = state.step + by;
  if (to < 1) return tell(t("This is the first step."));
  if (to <= lesson.steps.length) return void open(lesson.slug, to);
  close();
  apply("tab=lessons");
  for (const { finished } of watchers) finished?.(lesson);
};

/** Show the answer, whatever the prediction. */
export const reveal = () => {
  const lesson = current();
  if (!lesson || !currentStep()?.question || state.revealed) return;
  state.revealed = true;
  finish(lesson.slug, state.step);
  set();
  for (const { revealed } of watchers) revealed?.();
  changed();
};
