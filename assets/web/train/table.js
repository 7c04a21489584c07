// The table of runs: their names, final figures and settings, what can be done with each, and all of it as CSV.

/** @import { TrainFigures, Run } from "../types.js" */

import { node, put, svgNode } from "../base/dom.js";
import { csv, save } from "../base/files.js";
import { label, phrase, t } from "../base/i18n.js";
import { percent, short } from "../twins/formats.js";
import { clear, redraw, use } from "./jobs.js";
import { nllOf } from "./reading.js";
import { lookOf, remove, runs } from "./runs.js";
import { flat, inWords, settings, training } from "./setting.js";

/**
 * @typedef {object} Column
 * @property {string} key
 * @property {string} title
 * @property {(run: Run, figures: TrainFigures) => string | number | null} of what it is sorted by
 * @property {(figures: TrainFigures) => string} [text] of a cell with a figure
 * @property {string} [help]
 */

/** @type {Column[]} */
const COLUMNS = [
  { key: "number", title: phrase("Run"), of: (run) => run.label },
  { key: "accuracy", title: phrase("Accuracy"), of: (_, f) => f.accuracy, text: (f) => percent(f.accuracy) },
  {
    key: "nll",
    title: "NLL",
    of: (_, f) => nllOf(f),
    text: (f) => short(nllOf(f), 3),
    help: phrase("negative log-likelihood, in nats; lower is better"),
  },
  {
    key: "ece",
    title: "ECE",
    of: (_, f) => f.ece,
    text: (f) => percent(f.ece),
    help: phrase("expected calibration error, 15 bins; lower is better"),
  },
  { key: "size", title: phrase("Mean |logit|"), of: (_, f) => f.size, text: (f) => short(f.size, 3) },
  {
    key: "dead",
    title: phrase("No gradient"),
    of: (_, f) => f.dead,
    text: (f) => percent(f.dead),
    help: phrase("share of the training set's logits that get no gradient at the end"),
  },
  {
    key: "temperature",
    title: phrase("T"),
    of: (_, f) => f.temperature,
    text: (f) => (f.temperature === null ? "–" : short(f.temperature, 3)),
  },
  { key: "words", title: phrase("Settings"), of: (run) => inWords(run.setting) },
];

let sorted = { by: "number", down: false };
/** @type {HTMLTableElement} */
let table;
/** @type {HTMLElement} */
let frame; // in which the table scrolls
/** @type {HTMLButtonElement} */
let download;

/**
 * @param {Element} parent
 * @param {string} text
 * @param {() => void} action
 * @param {string} name for a screen reader, where the text does not say enough
 */
const button = (parent, text, action, name = "") => {
  const made = node("button", "", parent, text);
  made.type = "button";
  if (name) made.setAttribute("aria-label", name);
  made.addEventListener("click", action);
  return made;
};

/** @param {Element} root */
export const build = (root) => {
  const section = node("section", "", root);
  const head = node("div", "section-head", section);
  label("Runs", node("h3", "", head));
  download = label("Download as CSV", button(head, "", saveAll));
  label("Clear all", button(head, "", clear));
  frame = node("div", "table-scroll", section);
  put(frame, { tabindex: 0, role: "region" });
  label("Runs and their final figures", frame, "aria-label");
  table = node("table", "runs", frame);
  label(
    "Figures are for the {judged} held-out examples, which no run learns from. Six runs are kept; a new one replaces the oldest.",
    node("p", "quiet", section),
    "",
    { judged: training.judged.toLocaleString("en") },
  );
};

export const draw = () => {
  download.disabled = !runs.some(({ points }) => points.length);
  const active = /** @type {HTMLElement | null} */ (document.activeElement);
  const typing = active instanceof HTMLInputElement && active.type === "text" && table.contains(active);
  if (typing) return; // the name must not be taken away
  const focused = active?.dataset?.focus;
  table.replaceChildren();
  drawHead();
  const body = node("tbody", "", table);
  for (const run of inOrder()) drawRun(body, run);
  if (!runs.length) {
    const cell = node("td", "quiet", node("tr", "", body), t("No run yet."));
    cell.colSpan = COLUMNS.length + 1;
  }
  if (focused) /** @type {HTMLElement | null} */ (table.querySelector(`[data-focus="${focused}"]`))?.focus();
};

const drawHead = () => {
  const head = node("tr", "", node("thead", "", table));
  node("th", "", head, t("Show")).scope = "col";
  for (const { key, title, help } of COLUMNS) {
    const cell = node("th", "", head);
    cell.scope = "col";
    const by = sorted.by === key;
    cell.setAttribute("aria-sort", by ? (sorted.down ? "descending" : "ascending") : "none");
    const sorter = button(cell, `${t(title)}${by ? (sorted.down ? " ↓" : " ↑") : ""}`, () => {
      sorted = { by: key, down: by && !sorted.down };
      redraw();
    });
    sorter.dataset.focus = `sort-${key}`;
    if (help) sorter.title = t(help);
  }
};

const inOrder = () => {
  const column = COLUMNS.find(({ key }) => key === sorted.by);
  /** @param {Run} run */
  const value = (run) => {
    const last = run.points.at(-1);
    return (last && column?.of(run, last)) ?? -Infinity;
  };
  return [...runs].sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    return (x < y ? -1 : x > y ? 1 : a.question - b.question) * (sorted.down ? -1 : 1);
  });
};

/**
 * @param {Element} body
 * @param {Run} run
 */
const drawRun = (body, run) => {
  const row = node("tr", "", body);
  const box = node("input", "", node("td", "", row));
  box.type = "checkbox";
  box.checked = !run.hidden;
  box.dataset.focus = `show-${run.question}`;
  box.setAttribute("aria-label", t("Show {run}", { run: run.name }));
  box.addEventListener("change", () => {
    run.hidden = !box.checked;
    redraw();
  });
  const last = run.points.at(-1);
  for (const { key, text } of COLUMNS) {
    const cell = node(key === "number" ? "th" : "td", key, row);
    if (key === "number") drawName(cell, run);
    else if (key === "words") cell.textContent = [ending(run), inWords(run.setting)].filter(Boolean).join(" · ");
    else cell.textContent = last && text ? text(last) : "…";
    if (key === "nll" && last?.impossible)
      cell.title = t("{share} of the true classes got probability 0", { share: percent(last.impossible) });
  }
};

/**
 * How a run ended, where that was before its last epoch.
 *
 * @param {Run} run
 */
const ending = ({ state, points }) => {
  const at = points.at(-1)?.epoch;
  if (state === "stopped") return t("stopped after epoch {at}", { at });
  return state === "failed" ? t("failed after epoch {at}", { at }) : "";
};

/**
 * @param {HTMLTableCellElement} cell
 * @param {Run} run
 */
const drawName = (cell, run) => {
  cell.scope = "row";
  const { colour, dash } = lookOf(run);
  const swatch = svgNode("svg", { width: 30, height: 10, "aria-hidden": "true" }, cell);
  const line = { x1: 0, x2: 30, y1: 5, y2: 5, class: "plot-line" };
  svgNode("line", { ...line, style: `stroke: ${colour}`, "stroke-dasharray": dash }, swatch);
  const name = node("input", "run-name", cell);
  name.type = "text";
  name.value = run.name;
  name.maxLength = 40;
  name.setAttribute("aria-label", t("Name of run {n}", { n: run.label }));
  name.title = run.name;
  name.addEventListener("input", () => {
    run.given = name.value;
    run.live = false; // a run with a name of its own is kept
  });
  name.addEventListener("blur", () => {
    run.given = run.given.trim();
    redraw();
  });
  name.addEventListener("keydown", (event) => event.key === "Enter" && name.blur());
  drawActions(node("div", "actions", cell), run);
};

/**
 * @param {Element} actions
 * @param {Run} run
 */
const drawActions = (actions, run) => {
  const { head, name, question } = run;
  if (head) {
    const keep = () => save(`head-${run.label}.safetensors`, bytesOf(head));
    const useName = t("Use the head of {run} on the Explore page", { run: name });
    const keepName = t("Download the head of {run}", { run: name });
    button(actions, t("Use"), () => use(head), useName).dataset.focus = `use-${question}`;
    button(actions, t("Download"), keep, keepName).dataset.focus = `save-${question}`;
  }
  const drop = () => {
    remove(run);
    frame.focus();
  };
  button(actions, "✕", drop, t("Remove {run}", { run: name }));
};

/** @param {string} text in base64 */
const bytesOf = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

// Every number as it is, and the whole setting.
const saveAll = () => {
  const keys = Object.keys(flat(settings));
  const { figures } = training;
  /** @type {unknown[][]} */
  const rows = [["name", "state", ...keys, ...figures]];
  for (const { name, state, setting, points } of runs) {
    const last = points.at(-1);
    if (!last) continue;
    const numbers = { ...last, nll: last.nll ?? "inf" };
    rows.push([name, state, ...keys.map((key) => flat(setting)[key]), ...figures.map((key) => numbers[key])]);
  }
  save("runs.csv", csv(rows));
};
