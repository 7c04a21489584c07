// Present mode, for a projector: the chart and the open lesson fill the screen in big type, and keys do what a hand does.
//
// A key that moves a slider moves gradio's own, with the events that a hand would cause, so that all else follows. The
// size is the largest at which the chart still fits the screen, as a zoom of what is there.

import { node, say } from "./base/dom.js";
import { label, phrase, t } from "./base/i18n.js";
import { registry } from "./base/registry.js";
import { state as explored, redraw, rescale } from "./explore/index.js";
import * as lessons from "./lessons/panel.js";
import { apply } from "./share.js";
import { changed, extend, tab } from "./state.js";
import { short } from "./twins/formats.js";

const WIDE = 900; // px, below which the columns stack: there the page scrolls and keeps its size
const SMALLEST = 1;
const COLUMN = 215; // px that a column needs, before it is made larger
const MARGIN = 6; // px under the chart
const SLACK = 0.15; // of the screen's height, that may stay empty under it
const LOGARITHMIC = 2; // steps of a log slider that a key moves it by; one is nothing to see, and T's clicks into 1
const FAST = 10; // times as far with Shift

export const state = { on: false };
let chosen = null; // the slider that the arrows move: its <input>
let bar = null;
let help = null;

// Sliders ----------------------------------------------------------------------------------------------------------

// In their order, the first one in view counts: a method has a weight or a radius.
const SLIDERS = {
  l: { what: phrase("choose lo, the lower bound"), keys: ["lo"] },
  h: { what: phrase("choose hi, the upper bound"), keys: ["hi"] },
  t: { what: phrase("choose T, the temperature"), keys: ["temperature"] },
  w: { what: phrase("choose λ, the weight, or r, the radius, whichever the method has"), keys: ["lam", "radius"] },
  k: { what: phrase("choose how many classes are shown"), keys: ["k"] },
};
const ranges = (key) =>
  document.querySelector(`${key === "k" ? "#top-k" : `#explore-${key}-slider`} input[type=range]`);

const choose = ({ keys }) => {
  const found = keys.map(ranges);
  chosen = found.find((range) => range?.offsetParent) ?? found[0] ?? null;
  chosen?.focus({ preventScroll: true });
  tell();
};

const move = (steps) => {
  if (!chosen) return;
  chosen.stepUp(steps * (chosen.closest(".position") ? LOGARITHMIC : 1)); // down, where that is negative
  for (const type of ["input", "change"]) chosen.dispatchEvent(new Event(type, { bubbles: true }));
  requestAnimationFrame(tell);
};

// Keys -------------------------------------------------------------------------------------------------------------

const click = (where) => document.querySelector(where)?.click();
const sample = (at) => document.querySelectorAll("#samples .thumbnail-item")[at]?.click();
const fullscreen = async () => {
  try {
    if (document.fullscreenElement) await document.exitFullscreen();
    else await document.documentElement.requestFullscreen();
  } catch {
    say(bar.querySelector("[role=status]"), t("The browser did not allow fullscreen."));
  }
};

const fast = ({ key, shiftKey }) => (shiftKey && key.startsWith("Arrow") ? FAST : 1); // + is a key with Shift anyway

// What the help shows and what is done: [keys, as shown, what it does, work].
const step = (by) => () => (lessons.state.slug ? lessons[by]() : tell(t("No lesson is open.")));
const KEYS = [
  [["ArrowRight", "PageDown", "n"], "→  Page Down  N", phrase("next step of the lesson"), step("next")],
  [["ArrowLeft", "PageUp", "p"], "←  Page Up  P", phrase("previous step"), step("back")],
  [["q"], "Q", phrase("to the question of the step"), () => question()],
  [["s"], "S", phrase("show the answer"), () => lessons.reveal()],
  ...Object.entries(SLIDERS).map(([key, slider]) => [[key], key.toUpperCase(), slider.what, () => choose(slider)]),
  [
    ["ArrowUp", "]", "+"],
    "↑  ]  +",
    phrase("move the chosen slider up; with Shift ten steps"),
    (event) => move(fast(event)),
  ],
  [["ArrowDown", "[", "-"], "↓  [  −", phrase("move it down"), (event) => move(-fast(event))],
  [["r"], "R", phrase("rescale the axes"), () => rescale()],
  [["g"], "G", phrase("gradient on or off"), () => click("#gradient input")],
  [["c"], "C", phrase("one constrained column beside the raw one, or all"), () => solo()],
  [
    ["1", "2", "3", "4", "5", "6", "7", "8", "9"],
    "1 … 9",
    phrase("a sample picture"),
    (event) => sample(Number(event.key) - 1),
  ],
  [["d"], "D", phrase("dark or light"), () => click("#theme")],
  [["f"], "F", phrase("fullscreen"), fullscreen],
  [["?"], "?", phrase("these keys"), () => explain()],
  [["Escape"], "Esc", phrase("leave"), () => toggle(false)],
];

const question = () => document.querySelector("#lesson :is(.lesson-question input, .lesson-button.main)")?.focus();

// Keys that a control in focus needs for itself are its own.
const taken = ({ key, target }) => {
  if (target.closest("textarea, select, [contenteditable=true], [role=listbox]")) return true;
  const input = target.closest("input");
  const arrows = key.startsWith("Arrow") || key.startsWith("Page");
  if (input?.type === "range") return arrows && Boolean(input.closest("#lesson"));
  if (input?.type === "radio") return arrows;
  if (input && input.type !== "checkbox") return true;
  if (target.closest("g[data-class]")) return key === "ArrowUp" || key === "ArrowDown";
  return arrows && Boolean(target.closest("[role=tab], .table-scroll"));
};

document.addEventListener(
  "keydown",
  (event) => {
    if (!state.on || help?.open || event.ctrlKey || event.metaKey || event.altKey || taken(event)) return;
    const found = KEYS.find(([keys]) => keys.includes(event.key.length === 1 ? event.key.toLowerCase() : event.key));
    if (!found) return;
    const idle = ["ArrowUp", "ArrowDown"].includes(event.key) && !chosen; // they scroll
    if (idle) return;
    event.preventDefault();
    event.stopPropagation();
    found[3](event);
  },
  true,
);

// One column alone -------------------------------------------------------------------------------------------------

const solo = () => {
  const { solo: now } = document.body.dataset;
  if (now) delete document.body.dataset.solo;
  else document.body.dataset.solo = explored.family;
  refit();
  tell(
    now
      ? t("All columns.")
      : t("Raw and {family}.", { family: document.querySelector(`figure.${explored.family}`).ariaLabel }),
  );
};

// The bar and the help ---------------------------------------------------------------------------------------------

const build = () => {
  bar = node("div", "present-bar", document.body);
  bar.setAttribute("role", "toolbar");
  label("Present mode", bar, "aria-label");
  document.body.prepend(bar);
  node("img", "", bar).alt = "";
  node("b", "present-title", bar);
  node("span", "present-slider", bar);
  node("span", "visually-hidden", bar).setAttribute("role", "status");
  const make = (name, title, work) => {
    const made = label(title, label(name, node("button", "", bar)), "title");
    made.type = "button";
    made.addEventListener("click", work);
  };
  make(phrase("Keys"), phrase("all keys: ?"), () => explain());
  make(phrase("Fullscreen"), phrase("F"), fullscreen);
  make(phrase("Leave"), phrase("Escape"), () => toggle(false));
};

// What the bar says: the picture, the lesson, the slider in hand.
const tell = (text = null) => {
  if (!bar) return;
  const picture = document.querySelector("#picture img, #camera img")?.src ?? "";
  const thumb = bar.querySelector("img");
  thumb.hidden = !picture;
  if (thumb.src !== picture && picture) thumb.src = picture;
  const { image, settings, k } = explored;
  say(bar.querySelector(".present-title"), image ?? t("own picture"));
  const { parameters } = registry;
  const key = Object.keys(parameters).find((one) => chosen && ranges(one) === chosen);
  const classes = chosen && ranges("k") === chosen ? `${t("classes")} = ${k}` : "";
  say(bar.querySelector(".present-slider"), key ? `${parameters[key].symbol} = ${short(settings[key])}` : classes);
  if (text !== null) say(bar.querySelector("[role=status]"), text);
};

const explain = () => {
  if (!help) {
    help = node("dialog", "present-help", document.body);
    help.setAttribute("aria-labelledby", "present-keys");
    label("Keys in present mode", node("h2", "", help)).id = "present-keys";
    const table = node("table", "", help);
    const names = node("tr", "", node("thead", "visually-hidden", table));
    for (const name of [phrase("Key"), phrase("What it does")]) label(name, node("th", "", names)).scope = "col";
    const body = node("tbody", "", table);
    for (const [, keys, what] of KEYS) {
      const row = node("tr", "", body);
      const cell = node("th", "", row);
      cell.scope = "row";
      for (const key of keys.split("  ")) node("kbd", "", cell, key);
      label(what, node("td", "", row));
    }
    label("Keys do nothing while you type in a box.", node("p", "", help));
    const shut = label("Close", node("button", "", help));
    shut.type = "button";
    shut.addEventListener("click", () => help.close());
    // The only thing to focus in it: Tab does not lead out of a dialog.
    help.addEventListener("keydown", (event) => event.key === "Tab" && event.preventDefault());
  }
  help.showModal();
  help.querySelector("button").focus();
};

// Size -------------------------------------------------------------------------------------------------------------

// How much of the screen is left under the chart; below 0 it does not fit.
const free = (grid) => {
  const { top } = grid.parentElement.getBoundingClientRect(); // of the grid itself it is in the grid's own, larger pixels
  return innerHeight - MARGIN - (top + scrollY) - grid.offsetHeight * size;
};

// The largest size at which the chart fits the screen.
const fit = (grid) => {
  const at = (wanted) => {
    size = wanted;
    document.body.style.setProperty("--present", size);
    redraw();
    return free(grid) >= 0;
  };
  const columns = document.body.dataset.solo ? 2 : 4;
  const widest = (grid.offsetWidth * size) / (columns * COLUMN);
  let [low, high] = [SMALLEST, innerWidth > WIDE ? Math.max(widest, SMALLEST) : SMALLEST];
  if (at(high)) low = high;
  while (high - low > 0.02) {
    const middle = (low + high) / 2;
    if (at(middle)) low = middle;
    else high = middle;
  }
  at(low);
  fitted = { around: around(), height: grid.offsetHeight };
};

// Again after a change that needs room or leaves much of it. A slider that is moved, and a formula that gets longer on the
// way, should not make the chart jump.
const around = () => [innerWidth, innerHeight, document.body.className, document.body.dataset.solo].join(" ");
let fitted = { around: "", height: 0 };
let pending = 0;
let size = SMALLEST;
const refit = () => {
  cancelAnimationFrame(pending);
  pending = requestAnimationFrame(() => {
    const grid = document.querySelector("#grid");
    if (!state.on || !grid?.offsetParent) return;
    if (fitted.around === around()) {
      const left = free(grid);
      if (grid.offsetHeight === fitted.height || (left >= 0 && left < SLACK * innerHeight)) return;
    }
    fit(grid);
  });
};
addEventListener("resize", refit);
document.addEventListener("setting", () => {
  if (!state.on) return;
  document.body.classList.toggle("presenting-chart", tab === "explore"); // the others keep their tabs
  refit();
  tell();
});

// The picture in the bar is the one in the panel, whenever that comes.
const watcher = new MutationObserver(() => tell());
const sizer = new ResizeObserver(() => refit());

export const toggle = (on = !state.on) => {
  if (on === state.on) return;
  state.on = on;
  document.body.classList.toggle("presenting", on);
  if (on) {
    build();
    tell(t("Present mode. The key ? shows all keys, Escape leaves."));
    if (tab === "lessons" && !lessons.state.teacher) apply("tab=explore");
    watcher.observe(document.querySelector("#picture-panel"), {
      subtree: true,
      childList: true,
      attributeFilter: ["src"],
    });
    sizer.observe(document.querySelector("#grid"));
    refit();
  } else {
    for (const observer of [watcher, sizer]) observer.disconnect();
    bar.remove();
    bar = chosen = null;
    delete document.body.dataset.solo;
    document.body.style.removeProperty("--present");
    document.body.classList.remove("presenting-chart");
    if (document.fullscreenElement) document.exitFullscreen();
    redraw();
    document.querySelector("#present")?.focus();
  }
  changed();
};

extend({
  pairs: () => (state.on ? [["present", "1"]] : []),
  take: ({ present }) => {
    if (present !== null) toggle(present);
  },
});
