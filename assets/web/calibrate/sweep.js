// The card "Which bounds?": a map of boxes for each metric, and which box the rows advise.

/** @import { LabelledLogits } from "../types.js" */
/** @import { Metric } from "./boxes.js" */
/** @import { Sweep } from "./state.js" */

import { find, node, say } from "../base/dom.js";
import { label, phrase, t } from "../base/i18n.js";
import { registry } from "../base/registry.js";
import { map } from "../plots/map.js";
import { assign } from "../state.js";
import { minus, percent, short } from "../twins/formats.js";
import { bestBox, HIS, LOS, newSweep, SIGN, sweeping, sweepKey } from "./boxes.js";
import { state } from "./state.js";
import { fixed } from "./wording.js";
import { later } from "./work.js";

const LOST = 0.005; // accuracy that a box may cost before the advice mentions it

// A cell has room for four characters, and only 100 % itself is written as 100.
/** @param {number} v */
const share = (v) => (v === 1 ? "100" : Math.min(100 * v, 99.9).toFixed(1));

/** @type {Record<Metric, {name: string, title: string, format: (v: number) => string}>} */
const METRICS = {
  accuracy: { name: phrase("accuracy"), title: phrase("Accuracy, %"), format: share },
  nll: {
    name: phrase("NLL"),
    title: phrase("NLL, nats"),
    format: (v) => (Number.isFinite(v) ? fixed(v, v < 10 ? 3 : v < 100 ? 2 : 0) : "∞"),
  },
  ece: { name: phrase("ECE"), title: phrase("ECE, %"), format: share },
};
const KEYS = /** @type {Metric[]} */ (Object.keys(METRICS));

/** @type {Metric} */
let metric = "accuracy"; // the one that the map shows

/** Start a new sweep with the current setting. */
export const sweep = () => {
  if (!state.set) return;
  state.sweep = newSweep();
  later("sweep", sweeping(state.set, state.sweep, draw), draw);
  draw();
};

/**
 * @param {number} hi
 * @param {number} lo
 */
const pick = (hi, lo) => {
  if (state.sweep) assign({ calibrate: { method: state.sweep.method, lo, hi } });
};

/** @param {Element} host */
const addMetrics = (host) => {
  const choices = node("div", "cal-choice", host);
  choices.setAttribute("role", "radiogroup");
  label("What the map shows", choices, "aria-label");
  for (const key of KEYS) {
    const choice = node("label", "", choices);
    const radio = node("input", "", choice);
    Object.assign(radio, { type: "radio", name: "cal-metric", value: key, checked: key === metric });
    radio.addEventListener("change", () => {
      metric = key;
      draw();
    });
    label(METRICS[key].title, node("span", "", choice));
  }
};

/**
 * @param {Element} host
 * @param {Metric} key
 */
const addMap = (host, key) => {
  const { name, title, format } = METRICS[key];
  const added = map(host, {
    title,
    x: { label: phrase("hi") },
    y: { label: phrase("lo") },
    format: (v) => minus(format(SIGN[key] * v)),
    name,
    pick,
  });
  label("scroll sideways for larger hi", find("figcaption", added.figure), "data-more");
  return added;
};

/** @param {Element} host */
const build = (host) => {
  const card = node("section", "cal-card cal-half cal-sweep", host);
  const bar = node("div", "cal-bar-row", card);
  label("Which bounds?", node("h2", "", bar));
  const button = label("Sweep the bounds", node("button", "cal-button", bar));
  button.type = "button";
  button.addEventListener("click", sweep);
  addMetrics(bar);
  const progress = label("Sweep", node("progress", "", card), "aria-label");
  const note = node("p", "cal-quiet", card);
  const advice = node("p", "cal-quiet", card);
  const around = node("div", "", card);
  const maps = KEYS.map((key) => ({ key, ...addMap(around, key) }));
  return { progress, note, advice, around, maps };
};

/** @type {ReturnType<typeof build> | null} */
let parts = null;

/** @param {Element} host */
export const mount = (host) => {
  parts = build(host);
  draw();
};

/**
 * What the best box by the metric comes to, in words.
 *
 * @param {LabelledLogits} set
 * @param {Sweep} done
 */
const advice = (set, done) => {
  const { name, format } = METRICS[metric];
  const { lo, hi, box, plain, idle, edge } = bestBox(set, done, metric);
  const sentences = [
    t(
      "On one half of the rows, the best box is lo = {lo}, hi = {hi}. On the other half it gives {name} {value}; without bounds, {plain}.",
      { lo: short(lo), hi: short(hi), name: t(name), value: format(box[metric]), plain: format(plain[metric]) },
    ),
  ];
  if (box.accuracy < plain.accuracy - LOST) {
    const values = { value: percent(box.accuracy), plain: percent(plain.accuracy) };
    sentences.push(t("It costs accuracy: {value} instead of {plain}.", values));
  }
  const level = format(box[metric]) === format(plain[metric]);
  if (level || SIGN[metric] * box[metric] < SIGN[metric] * plain[metric]) {
    sentences.push(t("Bounds do not help here."));
  }
  if (idle) sentences.push(t("It clips nothing."));
  else if (edge) sentences.push(t("It is at the edge of the map: a better box may lie beyond."));
  return sentences.join(" ");
};

export const draw = () => {
  if (!parts) return;
  const { set, sweep: found, method, settings } = state;
  const busy = found !== null && found.done < found.total;
  parts.progress.hidden = !busy;
  parts.around.hidden = !found;
  if (!found || !set) return;
  parts.progress.value = found.done / found.total;
  const boxes = t("{done} of {total} boxes", found);
  parts.progress.setAttribute("aria-valuetext", boxes);
  for (const { key, figure, draw: paint } of parts.maps) {
    figure.hidden = key !== metric;
    if (key !== metric) continue;
    const values = found.cells.map((row) => row.map((cell) => (cell ? SIGN[key] * cell[key] : cell)));
    const current = method === found.method ? [settings.hi, settings.lo] : [];
    paint({ xs: HIS, ys: LOS, values, current, best: busy ? null : bestBox(set, found, key).all });
  }
  const stale = !busy && found.of !== sweepKey();
  parts.around.classList.toggle("cal-stale", stale);
  const what = t("{title} at T = {value}", {
    title: t(registry.methods[found.method].title),
    value: short(found.settings.temperature),
  });
  say(
    parts.note,
    busy
      ? boxes
      : stale
        ? t("This map was computed for {what}. Sweep again to update it.", { what })
        : t(
            "{what}. Deeper colours are better over all rows; the best box, chosen on one half of them, is underlined. Click a box to use it.",
            { what },
          ),
  );
  say(parts.advice, busy || stale ? "" : advice(set, found));
};
