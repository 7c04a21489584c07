// What the Train tab shows of its runs: a line about the last one, its figures in words, and a plot for each figure.

/** @import { Asks, TrainFigures, Props, Run, Watch } from "../types.js" */
/** @import { Report } from "./runs.js" */
/** @import { Plot } from "./sweeps.js" */

import { find, node, put, say } from "../base/dom.js";
import { label, phrase, t } from "../base/i18n.js";
import { receive } from "../base/messages.js";
import { registry } from "../base/registry.js";
import { lines } from "../plots/lines.js";
import { percent, short } from "../twins/formats.js";
import { connect, notice } from "./jobs.js";
import { reading } from "./reading.js";
import * as runner from "./runs.js";
import { showSliders, training } from "./setting.js";
import * as sweeps from "./sweeps.js";
import * as table from "./table.js";

/**
 * @typedef {Record<"accuracy" | "loss" | "size" | "dead" | "temperature", Plot>} Plots
 * @typedef {object} Parts of the tab
 * @property {HTMLElement} status
 * @property {HTMLProgressElement} bar
 * @property {HTMLElement} spoken by a screen reader
 * @property {HTMLElement} reading
 * @property {Plots} plots
 */
/** @type {Parts} */
let parts;

/**
 * @param {Element} element
 * @param {Props} props
 * @param {Watch} watch
 * @param {Asks} asks
 */
export const mount = (element, props, watch, asks) => {
  const root = find("#train-chart", element);
  const head = node("div", "train-progress", root);
  const status = node("span", "", head);
  const bar = label("Progress", node("progress", "", head), "aria-label");
  const spoken = node("p", "visually-hidden", root);
  spoken.setAttribute("aria-live", "polite");
  parts = { status, bar, spoken, reading: node("p", "reading", root), plots: buildPlots(root) };
  table.build(root);
  sweeps.build(root);
  connect(asks, draw);
  receive(props, watch, { run: hear, sweep: sweeps.receive });
  document.addEventListener("language", draw);
  const line = find("#train-line");
  new MutationObserver(drawStatus).observe(line, { subtree: true, childList: true, characterData: true });
  showSliders();
  draw();
};

/** @type {(root: Element) => Plots} */
const buildPlots = (root) => {
  label(
    "Thick lines: the {judged} held-out examples, which no run learns from. Thin lines: the training set, label noise included.",
    node("p", "quiet", root),
    "",
    { judged: training.judged.toLocaleString("en") },
  );
  const grid = node("div", "plots", root);
  const x = { label: phrase("epoch"), low: 0 };
  const share = { format: (/** @type {number} */ v) => `${short(100 * v)} %`, read: percent };
  return {
    accuracy: lines(grid, { title: phrase("Accuracy"), x, y: share }),
    loss: lines(grid, { title: phrase("Loss, as each run defines it"), x, y: {} }),
    size: lines(grid, { title: phrase("Mean |logit|"), x, y: { log: true } }),
    dead: lines(grid, { title: phrase("No gradient, share of logits"), x, y: { ...share, low: 0, high: 1 } }),
    temperature: lines(grid, { title: phrase("Learned T"), x, y: { zero: true } }),
  };
};

/** @param {Report} report */
const hear = (report) => {
  const run = runner.receive(report);
  const last = run?.points.at(-1);
  if (run?.state === "done" && last) {
    const accuracy = percent(last.accuracy);
    say(parts.spoken, t("{run} is finished: accuracy {accuracy}", { run: run.name, accuracy }));
  }
};

// Drawing ----------------------------------------------------------------------------------------------------------

let drawing = 0;
const draw = () => {
  cancelAnimationFrame(drawing);
  drawing = requestAnimationFrame(() => {
    const { accuracy, loss, size, dead, temperature } = parts.plots;
    accuracy.draw({ series: series("accuracy", "train_accuracy") });
    loss.draw({ series: series("loss", "train_loss") });
    size.draw({ series: series("size") });
    dead.draw({ series: series("dead") });
    const learned = series("temperature", null, ({ setting, points }) => {
      return setting.learned && points[0].temperature !== null;
    });
    temperature.figure.hidden = !learned.length;
    temperature.draw({ series: learned });
    drawStatus();
    drawReading();
    table.draw();
    sweeps.draw();
  });
};

/**
 * A figure of all visible runs, as lines over their epochs.
 *
 * @param {keyof TrainFigures} key
 * @param {keyof TrainFigures | null} thin the same figure of the training set, whose line is thin
 * @param {(run: Run) => boolean} wanted
 */
const series = (key, thin = null, wanted = () => true) =>
  runner.runs
    .filter((run) => !run.hidden && run.points.length && wanted(run))
    .flatMap((run) => {
      const look = runner.lookOf(run);
      /** @param {keyof TrainFigures} name */
      const points = (name) => run.points.map((figures) => [figures.epoch, figures[name]]);
      const main = { ...look, name: run.name, points: points(key), mark: String(run.label) };
      return thin ? [main, { ...look, name: t("training"), points: points(thin), thin: true }] : [main];
    });

const drawReading = () => {
  const run = runner.runs.at(-1);
  const sentences = run ? reading(run, registry.methods[run.setting.method]) : [];
  say(parts.reading, sentences.map(([text, values]) => t(text, values)).join(" "));
};

// gradio shows a place in the queue as "queue: 2/3"; the page says it in words.
const place = () => {
  const [, at, of] = document.querySelector("#train-line")?.textContent?.match(/queue: (\d+)\/(\d+)/) ?? [];
  return at ? t("waiting: place {at} of {of} in the queue", { at, of }) : t("waiting for its turn");
};

/** @param {Run} run */
const progress = ({ state, points, seconds = 0, setting }) => {
  const at = points.at(-1)?.epoch ?? 0;
  if (state === "waiting") return place();
  if (state === "running") return t("epoch {at} of {of}", { at, of: setting.epochs });
  if (state === "done") return t("trained, {n} epochs in {seconds} s", { n: at, seconds: short(seconds, 2) });
  return state === "stopped" ? t("stopped after epoch {at}", { at }) : t("failed");
};

const drawStatus = () => {
  const { status, bar } = parts;
  const run = runner.current();
  const sweep = sweeps.active();
  if (sweep) {
    const { done, of } = sweep;
    say(
      status,
      done ? t("Sweep: {done} of {of} heads trained", { done, of }) : t("Sweep, {place}", { place: place() }),
    );
    put(bar, { max: of, value: done });
  } else if (notice || !run) {
    say(status, notice || t("Press Train to train a head on the network's features."));
    put(bar, { max: 1, value: 0 });
  } else {
    say(status, `${run.name}: ${progress(run)}`);
    put(bar, { max: run.setting.epochs, value: run.points.at(-1)?.epoch ?? 0 });
  }
};
