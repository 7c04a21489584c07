// Runs: a setting that the server trains, its figures as they come, and the head at its end.

/** @import { Run, TrainFigures } from "../types.js" */

import { t } from "../base/i18n.js";
import { addKind, announce, ask, halt, redraw, whenUnanswered } from "./jobs.js";
import { copy, inWords, requestOf, settings, training, whenSet } from "./setting.js";

const SETTLED = 250; // ms without a change after which a control counts as settled
const MOST = 6;
const DASHES = ["", "7 3", "2 2", "9 3 2 3", "5 2", "1 3"];

/** @type {Run[]} */
export let runs = [];
let labels = 0; // given so far
/** @type {number | null} */
let running = null; // the question whose run is on its way
let live = false; // whether a setting is trained as soon as it has settled

/**
 * How a run's lines look.
 *
 * @param {Run} run
 */
export const lookOf = ({ slot }) => ({ colour: `var(--run-${slot + 1})`, dash: DASHES[slot] });

/** The run on its way, or else the last one. */
export const current = () => runs.find(({ question }) => question === running) ?? runs.at(-1);

/** @param {boolean} fromLive whether it takes the place of the last live run */
export const begin = (fromLive = false) => {
  const setting = copy();
  const question = ask("run", { setting: requestOf(setting) });
  const replaced = fromLive && runs.at(-1)?.live ? runs.pop() : null;
  if (runs.length === MOST) runs.shift();
  const free = [...DASHES.keys()].find((slot) => !runs.some((run) => run.slot === slot)) ?? 0;
  runs.push({
    question,
    slot: replaced?.slot ?? free,
    label: replaced?.label ?? ++labels,
    given: "",
    get name() {
      return this.given || t("Run {n}", { n: this.label });
    },
    setting,
    state: "waiting",
    points: [],
    head: null,
    hidden: false,
    live: fromLive,
  });
  running = question;
  redraw();
};

/** @param {Run} run */
const forget = (run) => {
  if (running === run.question) running = null;
  runs = runs.filter((other) => other !== run);
};

/** @param {Run} run */
export const remove = (run) => {
  if (running === run.question) halt();
  forget(run);
  redraw();
};

addKind({
  busy: () => running !== null,
  stop: () => {
    const run = runs.find(({ question }) => question === running);
    if (!run || run.points.length >= 2) return;
    announce(t("{run} was stopped before it began.", { run: run.name }));
    forget(run);
  },
  clear: () => {
    runs = [];
    running = null;
  },
});

// Answers ----------------------------------------------------------------------------------------------------------

/** @type {(point: (number | null)[]) => TrainFigures} */
const figuresOf = (point) =>
  /** @type {any} */ (Object.fromEntries(training.figures.map((name, i) => [name, point[i]])));

/**
 * @typedef {object} Report of the server on a run
 * @property {number} question
 * @property {Run["state"]} state
 * @property {(number | null)[][]} points
 * @property {string | null} head
 * @property {string} why it failed
 * @property {number} [seconds]
 */

/**
 * Returns the run, unless it is gone or has ended.
 *
 * @param {Report} report
 */
export const receive = (report) => {
  const run = runs.find(({ question }) => question === report.question);
  if (report.state !== "running" && running === report.question) running = null;
  if (!run || run.state === "failed") return; // cleared, or overtaken by a live one, or given up
  run.state = report.state;
  run.seconds = report.seconds;
  run.points = report.points.map(figuresOf);
  run.head = report.head;
  if (report.state === "failed") giveUp(run, report.why);
  redraw();
  return run;
};

/**
 * A run without two points has nothing to show.
 *
 * @param {Run} run
 * @param {string} why it failed
 */
const giveUp = (run, why) => {
  announce(`${t("{run} failed.", { run: run.name })} ${why}`);
  if (run.points.length < 2) forget(run);
};

whenUnanswered("run", ({ question }, why) => {
  const run = runs.find((one) => one.question === question);
  if (!run) return;
  if (running === question) running = null;
  run.state = "failed";
  giveUp(run, why);
  redraw();
});

// Live training ----------------------------------------------------------------------------------------------------

/** @type {ReturnType<typeof setTimeout> | undefined} */
let settling;
const settle = () => {
  clearTimeout(settling);
  if (live) settling = setTimeout(() => begin(true), SETTLED);
};
whenSet(settle);

/** @param {boolean} on */
export const goLive = (on) => {
  live = on;
  const last = runs.at(-1);
  if (!last?.live || inWords(last.setting) !== inWords(settings)) settle();
};
