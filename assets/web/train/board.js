// The Train tab: runs of a head, drawn while they train, and sweeps. The controls call `train.set`; the server is asked
// through the events of the gr.HTML that `train.mount` is given, and answers through its value. Runs, with the heads
// they ended in, stay here, in the visitor's browser.

import { node, put, say, svgNode } from "../base/dom.js";
import { csv, save } from "../base/files.js";
import { label, phrase, t } from "../base/i18n.js";
import { registry } from "../base/registry.js";
import { show as showRows } from "../base/rows.js";
import { inRange } from "../base/scales.js";
import { logSliders } from "../base/sliders.js";
import { words as named } from "../base/words.js";
import * as plot from "../plots/lines.js";
import { assign, changed, register } from "../state.js";
import { percent, short } from "../twins/formats.js";

const { parameters, lambdas, bounds } = registry.training;
const SETTLED = 250; // ms without a change after which a control counts as settled
const RUNS = 6;
const WHOLE = ["epochs", "examples", "seed"];
const DASHES = ["", "7 3", "2 2", "9 3 2 3", "5 2", "1 3"];

export const settings = { ...registry.training.setting };
// { number: of the question to the server, slot: its colour, label: what its lines wear, given: the visitor's name for it,
//   name: that or its own, setting, state, points, head, hidden, live }
export let runs = [];
let started = 0;
let labels = 0;
let told = ""; // the last thing to say that belongs to no run of the table
let live = false;
let running = null; // the number of the run on its way
let sorted = { by: "number", down: false };
export let sweep = { lambda: null, bounds: null, active: null };
let ask = {};
let parts = null;

// The controls ---------------------------------------------------------------------------------------------------

export const set = (key, value) => {
  if (key in parameters) {
    if (value === null || !Number.isFinite(value)) return; // an emptied box
    value = inRange(parameters[key], value);
    if (WHOLE.includes(key)) value = Math.round(value);
  }
  if (settings[key] === value) return;
  settings[key] = value;
  if (key === "lo" && value > settings.hi) settings.hi = value;
  if (key === "hi" && value < settings.lo) settings.lo = value;
  show();
  settle();
  changed();
};

// Only the sliders that the chosen constraint has.
const show = () => {
  const own = registry.methods[settings.method]?.parameters ?? [];
  const has = (key) => (key === "weight" ? settings.penalty : own.includes(key) || !(key in registry.parameters));
  showRows(document.querySelector("#train"), Object.keys(parameters).filter(has));
  const help = document.querySelector("#train-help span");
  if (help) label(registry.methods[settings.method]?.help ?? phrase("The logits go to the loss as they are."), help);
};

let settling = 0;
const settle = () => {
  clearTimeout(settling);
  if (live) settling = setTimeout(() => begin(true), SETTLED);
};
export const goLive = (on) => {
  live = on;
  const last = runs.at(-1);
  if (!last?.live || words(last.setting) !== words(settings)) settle();
};

// A setting in words ---------------------------------------------------------------------------------------------

const penaltyOf = ({ penalty }) => t("{norm} penalty", { norm: penalty.toUpperCase() });

const words = (s) => {
  const method = registry.methods[s.method];
  const learned = s.learned && method?.parameters.includes("temperature");
  const constraint = method ? named(s.method, s) : t("no constraint");
  const list = [learned ? t("{constraint} at first, learned", { constraint }) : constraint];
  if (s.penalty && s.weight) list.push(`${penaltyOf(s)}, λ = ${short(s.weight)}`);
  if (s.noise) list.push(t("{share} % wrong labels", { share: short(s.noise * 100) }));
  if (s.examples !== parameters.examples.high) list.push(t("{n} examples", { n: s.examples }));
  list.push(t("{n} epochs", { n: s.epochs }), t("learning rate {rate}", { rate: short(s.learning_rate) }));
  if (s.batch) list.push(t("batches of {n}", { n: s.batch }));
  if (s.optimizer === "sgd") list.push("SGD");
  if (s.seed) list.push(t("seed {n}", { n: s.seed }));
  return list.join(" · ");
};

// Runs -----------------------------------------------------------------------------------------------------------

export const begin = (fromLive = false) => {
  halt();
  started += 1;
  told = "";
  const replaced = fromLive && runs.at(-1)?.live ? runs.pop() : null;
  if (runs.length === RUNS) runs.shift();
  const slot = replaced?.slot ?? [...Array(RUNS).keys()].find((at) => !runs.some((run) => run.slot === at));
  const number = replaced?.label ?? ++labels;
  const setting = { ...settings };
  const shown = { state: "waiting", points: [], head: null, hidden: false, live: fromLive };
  runs.push({
    number: started,
    slot,
    label: number,
    given: "",
    get name() {
      return this.given || t("Run {n}", { n: this.label });
    },
    setting,
    ...shown,
  });
  running = started;
  ask.run({ run: started, setting });
  draw();
};

// What has not begun leaves at once; what is on its way ends at its next report, and keeps what there is.
export const halt = () => {
  if (running === null && !sweep.active) return;
  ask.halt({ run: started });
  const run = runs.find(({ number }) => number === running);
  if (run && run.points.length < 2) {
    told = t("{run} was stopped before it began.", { run: run.name });
    forget(run);
  }
  if (sweep.active && !sweep[sweep.active].done) endSweep("stopped");
  draw();
};

const forget = (run) => {
  if (running === run.number) running = null;
  runs = runs.filter((other) => other !== run);
};

const receive = (message) => {
  if (!message) return;
  const data = JSON.parse(message);
  if (data.sweep) return receiveSweep(data);
  const run = runs.find(({ number }) => number === data.run);
  if (data.state !== "running" && running === data.run) running = null;
  if (!run || run.state === "failed") return; // cleared, or overtaken by a live one, or given up
  run.state = data.state;
  run.seconds = data.seconds;
  run.points = data.points.map((point) => Object.fromEntries(registry.training.figures.map((f, i) => [f, point[i]])));
  run.head = data.head;
  if (data.state === "failed") {
    told = `${t("{run} failed.", { run: run.name })} ${data.why}`;
    if (run.points.length < 2) forget(run);
  }
  draw();
  if (data.state === "done")
    say(
      parts.spoken,
      t("{run} is trained: accuracy {accuracy}", { run: run.name, accuracy: percent(run.points.at(-1).accuracy) }),
    );
};

// No answer will come any more.
const fail = (number, why) => {
  const run = runs.find((one) => one.number === number);
  if (!run) return;
  if (running === number) running = null;
  run.state = "failed";
  told = `${t("{run} failed.", { run: run.name })} ${why}`;
  if (run.points.length < 2) forget(run);
  draw();
};
document.addEventListener("unanswered", (event) => {
  const { at, event: kind, data, why } = event.detail;
  if (at !== "train-block" || !["run", "sweep"].includes(kind)) return;
  event.preventDefault();
  if (kind === "run") fail(data.run, why);
  else if (sweep[data.kind]?.number === data.run && sweep.active === data.kind) {
    endSweep("failed", why);
    draw();
  }
});

// What the figures of a run say, in words. Thresholds are where the point can be seen in the plots.
const reading = (run) => {
  const last = run?.points.at(-1);
  if (!last || run.state === "failed") return "";
  const { method, penalty, weight, learned } = run.setting;
  const noise = Math.round(run.setting.noise * run.setting.examples) / run.setting.examples; // as many as there are
  const [size, dead] = [short(last.size, 3), percent(last.dead)];
  const pulled = penalty && weight; // then the penalty reaches every logit, whatever the constraint does
  const list = [];
  const { lo, hi } = run.setting;
  if (method === "clamp_straight_through" && last.size > 10 && last.size > 2 * Math.max(Math.abs(lo), Math.abs(hi))) {
    list.push(
      t(
        "Nothing holds a clipped logit back: mean |logit| has run away to {size}. A straight-through gradient lets logits learn, but it is no cure.",
        { size },
      ),
    );
  } else if (method === "clamp_inward" && last.dead > 0.3) {
    list.push(
      t(
        "{share} of the logits rest at a bound that the loss would push them beyond; the others, and all that must come back, still learn.",
        { share: dead },
      ),
    );
  } else if (["sparsemax", "entmax15"].includes(method) && last.dead > 0.3) {
    list.push(
      t("{share} of the logits get no gradient: their probability is exactly what the label asks for, 0 or 1.", {
        share: dead,
      }),
    );
  } else if (registry.methods[method]?.zeros && last.dead > 0.3) {
    list.push(
      t(
        "{share} of the logits get no gradient: the map is flat there, at exact zeros or for a class that is alone above the threshold.",
        { share: dead },
      ),
    );
  } else if (["clamp", "smooth_clamp"].includes(method) && lo === hi && last.dead > 0.3) {
    list.push(t("{share} of the logits get no gradient: the box is a single point.", { share: dead }));
  } else if (method === "smooth_clamp" && last.dead > 0.3) {
    list.push(
      t("{share} of the logits get no gradient: so far outside, the tanh is flat for a float.", { share: dead }),
    );
  } else if (method === "clamp" && last.dead > 0.3) {
    list.push(
      t("{share} of the logits are clipped and get no gradient: they cannot learn, whatever the label says.", {
        share: dead,
      }),
    );
  }
  if (last.impossible)
    list.push(
      t("NLL is infinite: {share} of the true classes got probability 0.", { share: percent(last.impossible) }),
    );
  if (last.temperature !== null && learned)
    list.push(
      t("T went from {from} to {to}; it is learned as log T, so it stays positive.", {
        from: short(run.setting.temperature),
        to: short(last.temperature, 3),
      }),
    );
  // More agree than are right: some of the wrong ones are among them.
  if (noise && last.train_accuracy > 1 - noise + 0.001)
    list.push(
      t("It agrees with {accuracy} of its labels, of which {share} % are wrong: it has learned wrong ones by heart.", {
        accuracy: percent(last.train_accuracy),
        share: short(100 * noise),
      }),
    );
  else if (noise)
    list.push(
      t(
        "It is right on {accuracy} of the judged examples, although {share} % of the labels it learned from are wrong.",
        { accuracy: percent(last.accuracy), share: short(100 * noise) },
      ),
    );
  if (pulled && registry.methods[method])
    list.push(t("“No gradient” counts the penalty's gradient too, which no constraint stops."));
  if (pulled)
    list.push(
      t("The penalty is λ {norm}, averaged over the batch; mean |logit| is {size}.", {
        norm: penalty === "l1" ? "‖z‖₁" : "‖z‖₂²",
        size,
      }),
    );
  return list.join(" ");
};

// JSON has no infinity: a null NLL is one.
const nllOf = (figures) => figures.nll ?? Infinity;

const COLUMNS = [
  { key: "number", title: phrase("Run"), of: (run) => run.label },
  { key: "accuracy", title: phrase("Accuracy"), of: (_, f) => f.accuracy, text: percent },
  {
    key: "nll",
    title: "NLL",
    of: (_, f) => nllOf(f),
    text: (v) => short(v, 3),
    help: phrase("negative log-likelihood, in nats; lower is better"),
  },
  {
    key: "ece",
    title: "ECE",
    of: (_, f) => f.ece,
    text: percent,
    help: phrase("expected calibration error, 15 bins; lower is better"),
  },
  { key: "size", title: phrase("Mean |logit|"), of: (_, f) => f.size, text: (v) => short(v, 3) },
  {
    key: "dead",
    title: phrase("No gradient"),
    of: (_, f) => f.dead,
    text: percent,
    help: phrase("share of the training set's logits that get no gradient at the end"),
  },
  {
    key: "temperature",
    title: phrase("T"),
    of: (_, f) => f.temperature,
    text: (v) => (v === null ? "–" : short(v, 3)),
  },
  { key: "words", title: phrase("Setting"), of: (run) => words(run.setting) },
];

// Building the page's nodes ---------------------------------------------------------------------------------------

const button = (parent, text, action, name = "") => {
  const made = node("button", "", parent, text);
  made.type = "button";
  if (name) made.setAttribute("aria-label", name);
  made.addEventListener("click", action);
  return made;
};

const tick = (v) => `${short(100 * v)} %`;

export const mount = (element, props, watch, asks) => {
  const root = element.querySelector("#train-chart");
  ask = asks;
  parts = {};
  const bar = node("div", "train-progress", root);
  parts.status = node("span", "", bar);
  parts.bar = node("progress", "", bar);
  label("Progress", parts.bar, "aria-label");
  parts.spoken = node("p", "visually-hidden", root);
  parts.spoken.setAttribute("aria-live", "polite");

  parts.reading = node("p", "reading", root);
  const judged = registry.training.judged.toLocaleString("en");
  label(
    "Thick lines: the {judged} examples that no run learns from. Thin lines: the training set, with the labels it has.",
    node("p", "quiet", root),
    "",
    { judged },
  );
  const grid = node("div", "plots", root);
  const x = { label: phrase("epoch"), low: 0 };
  const share = { format: tick, read: percent };
  const chart = (key, title, y = {}) => (parts[key] = plot.lines(grid, { title, x, y }));
  chart("accuracy", phrase("Accuracy"), share);
  chart("loss", phrase("Loss, as each run has it"));
  chart("size", phrase("Mean |logit|"), { log: true });
  chart("dead", phrase("No gradient, share of logits"), { ...share, low: 0, high: 1 });
  chart("temperature", phrase("T, learned"), { zero: true });

  const section = node("section", "", root);
  const head = node("div", "section-head", section);
  label("Runs", node("h3", "", head));
  parts.csv = label("Download as CSV", button(head, "", download));
  const clear = button(head, "", () => {
    halt();
    runs = [];
    running = null;
    told = "";
    sweep = { lambda: null, bounds: null, active: null };
    draw();
  });
  label("Clear all", clear);
  const holder = node("div", "table-scroll", section);
  put(holder, { tabindex: 0, role: "region" });
  label("Runs and their final figures", holder, "aria-label");
  parts.table = node("table", "runs", holder);
  label(
    "Figures are of the {judged} examples that no run learns from. Six runs stay; the oldest makes room.",
    node("p", "quiet", section),
    "",
    { judged },
  );

  const sweeps = node("section", "", root);
  const sweepHead = node("div", "section-head", sweeps);
  label("Sweeps", node("h3", "", sweepHead));
  label(
    "Sweep λ",
    button(sweepHead, "", () => beginSweep("lambda")),
  );
  label(
    "Sweep lo and hi",
    button(sweepHead, "", () => beginSweep("bounds")),
  );
  label(
    "The setting on the left, trained again for many λ or many boxes. Choose a point to take it over.",
    node("p", "quiet", sweeps),
  );
  parts.lambdaWords = node("p", "swept", sweeps);
  parts.sweepGrid = node("div", "plots", sweeps);
  const lam = {
    label: phrase("λ, weight of the penalty"),
    log: true,
    zero: true,
    low: lambdas[1],
    high: lambdas.at(-1),
  };
  const line = (key, title, y) =>
    (parts[`sweep-${key}`] = plot.lines(parts.sweepGrid, {
      title,
      x: lam,
      y,
      height: 170,
      pick: (v) => take({ ...sweep.lambda.setting, weight: v }),
    }));
  line("accuracy", phrase("Accuracy against λ"), { ...share, best: Math.max });
  line("nll", phrase("NLL against λ"), { best: Math.min });
  line("ece", phrase("ECE against λ"), { ...share, best: Math.min });
  parts.boundsWords = node("p", "swept", sweeps);
  parts.map = plot.map(sweeps, {
    title: phrase("Accuracy for boxes from lo to hi, in per cent: deeper is better, the best is underlined"),
    x: { label: phrase("hi") },
    y: { label: phrase("lo") },
    name: phrase("accuracy"),
    format: (v) => (100 * v).toFixed(1),
    pick: (hi, lo) => take({ ...sweep.bounds.setting, lo, hi }),
  });
  watch("value", () => receive(props.value));
  document.addEventListener("language", draw);
  const waits = document.querySelector("#train-line");
  new MutationObserver(drawStatus).observe(waits, { subtree: true, childList: true, characterData: true });
  show();
  draw();
};

// Drawing --------------------------------------------------------------------------------------------------------

const colour = ({ slot }) => `var(--run-${slot + 1})`;

const series = (key, training = null, wanted = () => true) =>
  runs
    .filter((run) => !run.hidden && run.points.length && wanted(run))
    .flatMap((run) => {
      const own = { colour: colour(run), dash: DASHES[run.slot] };
      const points = (name) => run.points.map((f) => [f.epoch, f[name]]);
      const list = [{ ...own, name: run.name, points: points(key), mark: String(run.label) }];
      if (training) list.push({ ...own, name: t("training"), points: points(training), thin: true });
      return list;
    });

let drawing = 0;
const draw = () => {
  if (!parts) return;
  cancelAnimationFrame(drawing);
  drawing = requestAnimationFrame(() => {
    parts.accuracy.draw({ series: series("accuracy", "train_accuracy") });
    parts.loss.draw({ series: series("loss", "train_loss") });
    parts.size.draw({ series: series("size") });
    parts.dead.draw({ series: series("dead") });
    const learned = series(
      "temperature",
      null,
      ({ setting, points }) => setting.learned && points[0].temperature !== null,
    );
    parts.temperature.figure.hidden = !learned.length;
    parts.temperature.draw({ series: learned });
    drawStatus();
    say(parts.reading, reading(runs.at(-1)));
    drawTable();
    drawSweeps();
  });
};

// gradio tells a place in line as "queue: 2/3"; the page says it in words.
const place = () => {
  const [, at, of] = document.querySelector("#train-line")?.textContent.match(/queue: (\d+)\/(\d+)/) ?? [];
  return at ? t("waiting: place {at} of {of} in line", { at, of }) : t("waiting for its turn");
};

const drawStatus = () => {
  const run = runs.find(({ number }) => number === running) ?? runs.at(-1);
  const at = run?.points.at(-1)?.epoch ?? 0;
  if (sweep.active) {
    const { done, of } = sweep[sweep.active];
    say(
      parts.status,
      done ? t("Sweep: {done} of {of} heads trained", { done, of }) : t("Sweep, {place}", { place: place() }),
    );
    put(parts.bar, { max: of, value: done });
  } else if (told || !run) {
    say(parts.status, told || t("Press Train: a head is trained on the network's features, here and now."));
    put(parts.bar, { max: 1, value: 0 });
  } else {
    const words = {
      waiting: place(),
      running: t("epoch {at} of {of}", { at, of: run.setting.epochs }),
      done: t("trained, {n} epochs in {seconds} s", { n: at, seconds: short(run.seconds ?? 0, 2) }),
      stopped: t("stopped after epoch {at}", { at }),
      failed: t("failed"),
    };
    say(parts.status, `${run.name}: ${words[run.state]}`);
    put(parts.bar, { max: run.setting.epochs, value: at });
  }
  parts.csv.disabled = !runs.some(({ points }) => points.length);
};

const drawTable = () => {
  // A name that is being typed must not be taken away.
  if (
    parts.table.contains(document.activeElement) &&
    document.activeElement.tagName === "INPUT" &&
    document.activeElement.type === "text"
  )
    return;
  const focused = document.activeElement?.dataset?.focus;
  parts.table.replaceChildren();
  const head = node("tr", "", node("thead", "", parts.table));
  node("th", "", head, t("Show")).scope = "col";
  for (const { key, title, help } of COLUMNS) {
    const cell = node("th", "", head);
    cell.scope = "col";
    const by = sorted.by === key;
    cell.setAttribute("aria-sort", by ? (sorted.down ? "descending" : "ascending") : "none");
    const sorter = button(cell, `${t(title)}${by ? (sorted.down ? " ↓" : " ↑") : ""}`, () => {
      sorted = { by: key, down: by && !sorted.down };
      draw();
    });
    sorter.dataset.focus = `sort-${key}`;
    if (help) sorter.title = t(help);
  }
  const body = node("tbody", "", parts.table);
  const { of } = COLUMNS.find(({ key }) => key === sorted.by);
  const value = (run) => (run.points.length ? (of(run, run.points.at(-1)) ?? -Infinity) : -Infinity);
  const order = [...runs].sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    return (x < y ? -1 : x > y ? 1 : a.number - b.number) * (sorted.down ? -1 : 1);
  });
  for (const run of order) drawRun(body, run);
  if (!runs.length) {
    const cell = node("td", "quiet", node("tr", "", body), t("No run yet."));
    cell.colSpan = COLUMNS.length + 1;
  }
  if (focused) parts.table.querySelector(`[data-focus="${focused}"]`)?.focus();
};

const drawRun = (body, run) => {
  const row = node("tr", "", body);
  const box = node("input", "", node("td", "", row));
  box.type = "checkbox";
  box.checked = !run.hidden;
  box.dataset.focus = `show-${run.number}`;
  box.setAttribute("aria-label", t("Show {run}", { run: run.name }));
  box.addEventListener("change", () => {
    run.hidden = !box.checked;
    draw();
  });
  const last = run.points.at(-1);
  for (const { key, of, text } of COLUMNS) {
    const cell = node(key === "number" ? "th" : "td", key, row);
    if (key === "number") {
      cell.scope = "row";
      const swatch = svgNode("svg", { width: 30, height: 10, "aria-hidden": "true" }, cell);
      svgNode(
        "line",
        {
          x1: 0,
          x2: 30,
          y1: 5,
          y2: 5,
          class: "plot-line",
          style: `stroke: ${colour(run)}`,
          "stroke-dasharray": DASHES[run.slot],
        },
        swatch,
      );
      const name = node("input", "run-name", cell);
      name.type = "text";
      name.value = run.name;
      name.maxLength = 40;
      name.setAttribute("aria-label", t("Name of run {n}", { n: run.label }));
      name.title = run.name;
      name.addEventListener("input", () => {
        run.given = name.value;
        run.live = false; // what has a name of its own is kept
      });
      name.addEventListener("blur", () => {
        run.given = run.given.trim();
        draw();
      });
      name.addEventListener("keydown", (event) => event.key === "Enter" && name.blur());
      drawActions(node("div", "actions", cell), run);
    } else if (key === "words") {
      const at = { at: last?.epoch };
      const ends = { stopped: () => t("stopped after epoch {at}", at), failed: () => t("failed after epoch {at}", at) };
      cell.textContent = [ends[run.state]?.(), words(run.setting)].filter(Boolean).join(" · ");
    } else cell.textContent = last ? text(of(run, last)) : "…";
    if (key === "nll" && last?.impossible)
      cell.title = t("{share} of the true classes got probability 0", { share: percent(last.impossible) });
  }
};

const drawActions = (actions, run) => {
  if (run.head) {
    button(
      actions,
      t("Use"),
      () => ask.use({ head: run.head }),
      t("Use the head of {run} on the Explore page", { run: run.name }),
    ).dataset.focus = `use-${run.number}`;
    button(
      actions,
      t("Download"),
      () => save(`head-${run.label}.safetensors`, bytes(run.head)),
      t("Download the head of {run}", { run: run.name }),
    ).dataset.focus = `save-${run.number}`;
  }
  button(
    actions,
    "✕",
    () => {
      if (running === run.number) halt();
      forget(run);
      parts.table.parentElement.focus();
      draw();
    },
    t("Remove {run}", { run: run.name }),
  );
};

const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

// Every number as it is, and the whole setting.
const download = () => {
  const keys = Object.keys(settings);
  const figures = registry.training.figures;
  const table = [["name", "state", ...keys, ...figures]];
  for (const run of runs.filter(({ points }) => points.length)) {
    const last = { ...run.points.at(-1) };
    last.nll = nllOf(last) === Infinity ? "inf" : last.nll;
    table.push([run.name, run.state, ...keys.map((key) => run.setting[key]), ...figures.map((key) => last[key])]);
  }
  save("runs.csv", csv(table));
};

// Sweeps ---------------------------------------------------------------------------------------------------------

const beginSweep = (kind) => {
  halt();
  started += 1;
  told = "";
  const setting = { ...settings };
  if (kind === "lambda" && !setting.penalty) setting.penalty = "l1";
  if (kind === "bounds" && !registry.methods[setting.method]?.parameters.includes("lo")) setting.method = "clamp";
  const of = kind === "lambda" ? lambdas.length : bounds.lo.length * bounds.hi.length;
  sweep = { ...sweep, active: kind, [kind]: { number: started, setting, points: [], done: 0, of } };
  ask.sweep({ run: started, kind, setting });
  draw();
};

const endSweep = (state, why = "") => {
  const { done, of } = sweep[sweep.active];
  told =
    {
      done: t("Sweep: {n} heads trained.", { n: done }),
      stopped: t("Sweep stopped: {done} of {of} heads trained.", { done, of }),
    }[state] ?? `${t("Sweep failed.")} ${why}`;
  if (!done) sweep[sweep.active] = null;
  sweep.active = null;
};

const receiveSweep = (data) => {
  if (sweep[data.sweep]?.number !== data.run) return;
  sweep[data.sweep].points = data.points;
  sweep[data.sweep].done = data.points.length;
  if (data.state !== "running" && sweep.active === data.sweep) endSweep(data.state, data.why);
  draw();
};

const drawSweeps = () => {
  parts.sweepGrid.hidden = !sweep.lambda;
  if (!sweep.lambda) say(parts.lambdaWords, "");
  if (!sweep.bounds) say(parts.boundsWords, "");
  if (sweep.lambda) {
    say(
      parts.lambdaWords,
      `${t("{penalty} of any λ", { penalty: penaltyOf(sweep.lambda.setting) })} · ${words({ ...sweep.lambda.setting, penalty: "" })}`,
    );
    const mark =
      settings.penalty === sweep.lambda.setting.penalty ? [{ x: settings.weight, label: t("now"), dash: "3 2" }] : [];
    for (const key of ["accuracy", "nll", "ece"]) {
      const points = sweep.lambda.points.map((p) => [p.weight, key === "nll" ? nllOf(p) : p[key]]);
      parts[`sweep-${key}`].draw({
        series: [{ name: penaltyOf(sweep.lambda.setting), points, colour: "var(--regularised)" }],
        marks: mark,
      });
    }
  }
  parts.map.figure.hidden = !sweep.bounds;
  if (sweep.bounds) {
    const { method } = sweep.bounds.setting;
    say(
      parts.boundsWords,
      `${t("{constraint} to any box", { constraint: t(registry.methods[method].title) })}${words(sweep.bounds.setting).replace(/^[^·]*/, " ")}`,
    );
    const found = new Map(sweep.bounds.points.map((p) => [`${p.lo} ${p.hi}`, p.accuracy]));
    const values = bounds.lo.map((lo) => bounds.hi.map((hi) => found.get(`${lo} ${hi}`) ?? null));
    const here = settings.method === method ? [settings.hi, settings.lo] : [];
    parts.map.draw({ xs: bounds.hi, ys: bounds.lo, values, current: here });
  }
};

// A point of a sweep, with all else that was swept, becomes the setting.
const take = (values) => {
  assign({ train: values });
  draw();
};

const sliders = logSliders(parameters, settings, set);
register("train", { get: (key) => settings[key], set });
export const { slide, type, value } = sliders;
