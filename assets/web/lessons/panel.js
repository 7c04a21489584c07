// Lessons: a catalogue, the panel beside the live chart, and the teacher's sheet.
//
// The texts come from our own files, as HTML, once, when they are first needed; the numbers in them are PyTorch's. A step
// puts its setting into the page as a link does (share.apply), waits for a prediction, and puts its reveal there. What a
// visitor has done is kept in the browser alone.

import { node, put, say } from "../base/dom.js";
import { label, phrase, t } from "../base/i18n.js";
import { niceStep } from "../base/scales.js";
import { say as announce, apply } from "../share.js";
import { changed, extend, rearranged, tab } from "../state.js";
import { short } from "../twins/formats.js";

const EDGE = 12; // px over what is brought into view
const KEPT = "constrained.lessons"; // localStorage: {slug: {step, done: [step, ...]}}
const HINTS = {
  right: phrase("As you predicted."),
  table: phrase("The table says otherwise. Here is why."),
  text: phrase("Not so. Here is why."),
  near: 0.05, // of a slider's range: so close that it counts as right
};

// `slug` and `step` (from 1) are in the address; a sheet that is not in view is not.
export const state = {
  slug: null,
  step: 1,
  get teacher() {
    return sheeted && tab === "lessons";
  },
};
let sheeted = false; // whether the tab shows the teacher's sheet in place of the catalogue
let lessons = null;
let troubles = []; // what is wrong with lessons that cannot be shown
let ask = null; // what the server is asked for: {open, run}
let panel = null;
let board = null; // of the Lessons tab
let away = null; // the way back from another tab
let own = null; // the prediction for this step: the number of a choice, a slider's number, or null
let revealed = false;
let runs = 0; // experiments asked for; an answer names its question

const current = () => lessons?.find(({ slug }) => slug === state.slug);
const step = () => current()?.steps[state.step - 1];

// The texts --------------------------------------------------------------------------------------------------------

let arrived = null;
const fetched = new Promise((done) => (arrived = done));
let mounted = null;
const there = new Promise((done) => (mounted = done));
let asked = false;
const texts = async () => {
  await there;
  if (!asked) ask.open({});
  asked = true;
  await fetched;
};

const receive = (message) => {
  if (!message) return;
  const data = JSON.parse(message);
  if (data.lessons && !lessons) {
    lessons = data.lessons.filter(({ trouble }) => !trouble);
    troubles = data.lessons.flatMap(({ trouble }) => trouble ?? []);
    arrived();
  } else if (data.run === runs) tabulate(data);
};

// Progress ---------------------------------------------------------------------------------------------------------

// An embedded page may be denied its storage: then this lasts as long as the page.
let progress = {};
let kept = true;
try {
  const read = JSON.parse(localStorage.getItem(KEPT) ?? "{}");
  for (const [slug, one] of Object.entries(read)) {
    if (Number.isInteger(one?.step) && Array.isArray(one.done)) progress[slug] = { step: one.step, done: one.done };
  }
} catch {
  kept = false;
}
const keep = () => {
  try {
    if (Object.keys(progress).length) localStorage.setItem(KEPT, JSON.stringify(progress));
    else localStorage.removeItem(KEPT);
  } catch {
    kept = false;
  }
};
const reached = (slug) => (progress[slug] ??= { step: 1, done: [] });
const done = ({ slug, steps }) => steps.filter((_, at) => progress[slug]?.done.includes(at + 1)).length;

// A step counts once its answer was seen; one without a question, once it was.
const finish = () => {
  const list = reached(state.slug).done;
  if (!list.includes(state.step)) list.push(state.step);
  keep();
};

const forget = () => {
  progress = {};
  keep();
  catalogue();
  say(board.querySelector(".lesson-told"), t("Progress is forgotten."));
  board.querySelector("h2").focus();
};

// Opening and closing ----------------------------------------------------------------------------------------------

// Open a lesson at a step. `stays`: the page already has a setting that is not to be touched, because the link that leads
// here says it.
export const open = async (slug, at = 1, stays = false) => {
  await texts();
  const lesson = lessons.find((one) => one.slug === slug);
  if (!lesson) {
    announce(t("There is no lesson “{name}”; the tab Lessons has all of them.", { name: String(slug).slice(0, 40) }));
    return;
  }
  let wanted = Number(at ?? 1);
  if (!(Number.isInteger(wanted) && wanted >= 1 && wanted <= lesson.steps.length)) {
    announce(
      t("“{title}” has no step {n}; it begins at its first.", { title: lesson.title, n: String(at).slice(0, 10) }),
    );
    wanted = 1;
  }
  Object.assign(state, { slug, step: wanted });
  own = null;
  revealed = false;
  reached(slug).step = wanted;
  if (!step().question) finish();
  keep();
  if (!stays) set();
  else if (tab !== "explore") apply("tab=explore");
  render();
  catalogue();
  changed();
  seen(panel, () => focus(panel.querySelector("h2")));
};

// The chart as this step has it: before or after its reveal.
const set = () => {
  const { setting, reveal } = step();
  apply(`tab=explore&${revealed ? reveal : setting}`);
  panel.querySelector(".lesson-again")?.classList.remove("wanted");
};

export const close = () => {
  state.slug = null;
  render();
  catalogue();
  changed();
};

const go = (by) => {
  const lesson = current();
  if (!lesson) return;
  const to = state.step + by;
  if (to >= 1 && to <= lesson.steps.length) return void open(state.slug, to);
  if (to < 1) return tell(t("This is the first step."));
  const title = lesson.title;
  close();
  apply("tab=lessons");
  seen(
    () => board?.querySelector(".lesson-cards"),
    () => {
      say(board.querySelector(".lesson-told"), t("“{title}” is finished.", { title }));
      focus(board.querySelector("h2"));
    },
  );
};

// Tabs open over several frames. What is to be done once a node can be seen, unless it never can.
const seen = (target, work, frames = 90) => {
  const found = typeof target === "function" ? target() : target;
  if (found?.offsetParent) work();
  else if (frames) requestAnimationFrame(() => seen(target, work, frames - 1));
};

// Focus, and bring into view: in the panel, where that scrolls by itself (present mode), else in the page. Not by
// scrollIntoView, which also moves what gradio has clipped.
const focus = (target) => {
  target.focus({ preventScroll: true });
  const { top } = target.getBoundingClientRect();
  const inside = target.closest("#lesson");
  if (inside && inside.scrollHeight > inside.clientHeight + 1) {
    const first = target.matches("h2"); // a step begins at the very top
    inside.scrollTop = first ? 0 : inside.scrollTop + top - inside.getBoundingClientRect().top - EDGE;
  } else if (top < 0 || top > innerHeight * 0.8)
    scrollBy(0, top - EDGE - (document.querySelector(".present-bar")?.offsetHeight ?? 0));
};

const tell = (text) => say(panel.querySelector("[role=status]"), text);

// The panel --------------------------------------------------------------------------------------------------------

export const mountPanel = (element, props, watch, asks) => {
  panel = element.querySelector("#lesson");
  ask = asks;
  watch("value", () => receive(props.value));
  panel.addEventListener("click", follow);
  render();
  mounted();
};

// Whether a click on a link is for this page, and not for another tab or window; then the browser leaves it alone.
const taken = (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return false;
  event.preventDefault();
  return true;
};

// Links of the form ?query are for this page: they are put into it, and the lesson stays.
const follow = (event) => {
  const link = event.target.closest("a[href^='?']");
  if (!link || !taken(event)) return;
  apply(link.getAttribute("href").slice(1));
  panel.querySelector(".lesson-again").classList.add("wanted");
  tell(
    t("The page shows “{name}” now. The button “Set the chart again” leads back to this step.", {
      name: link.textContent,
    }),
  );
};

const button = (parent, name, work, kind = "") => {
  const made = node("button", `lesson-button ${kind}`.trim(), parent, name);
  made.type = "button";
  made.addEventListener("click", work);
  return made;
};

// What a button with a sign for a text is called.
const called = (text, target, values = null) => label(text, label(text, target, "aria-label", values), "title");

const rich = (name, className, parent, html) => {
  const made = node(name, className, parent);
  made.innerHTML = html; // our own files' Markdown
  return made;
};

const render = () => {
  if (!panel) return;
  panel.replaceChildren();
  document.body.classList.toggle("with-lesson", Boolean(current()));
  rearranged();
  const lesson = current();
  if (!lesson) return;
  const { title, text, question } = step();
  const section = node("section", "lesson", panel);
  section.setAttribute("aria-labelledby", "lesson-step");

  const head = node("div", "lesson-head", section);
  node("p", "lesson-name", head, lesson.title);
  called(
    "Close the lesson",
    button(head, "✕", () => leave(), "lesson-close"),
  );

  const dots = node("ol", "lesson-dots", section);
  label("Steps", dots, "aria-label");
  lesson.steps.forEach((one, at) => {
    const seenIt = progress[lesson.slug]?.done.includes(at + 1);
    const dot = button(node("li", "", dots), seenIt ? "✓" : String(at + 1), () => open(lesson.slug, at + 1));
    called(seenIt ? phrase("Step {n}: {title}, done") : phrase("Step {n}: {title}"), dot, {
      n: at + 1,
      title: one.title,
    });
    if (at + 1 === state.step) dot.setAttribute("aria-current", "step");
  });

  const heading = node("h2", "", section, title);
  heading.id = "lesson-step";
  heading.tabIndex = -1;
  const place = node("span", "visually-hidden", heading);
  label("Step {n} of {of}:", place, "", { n: state.step, of: lesson.steps.length });
  heading.prepend(place, " ");
  rich("div", "lesson-text", section, text);
  if (question) inquire(section);
  const answer = node("div", "lesson-answer", section);
  answer.hidden = true;
  if (step().run && !question) experiment(section);

  const again = button(
    section,
    "↺ ",
    () => {
      set();
      tell(revealed ? t("The chart shows the answer of this step.") : t("The chart shows the setting of this step."));
    },
    "lesson-again",
  );
  label("Set the chart again", node("span", "", again));
  label("back to what this step is about, after you have tried something else", again, "title");

  const nav = node("nav", "lesson-nav", section);
  label("Lesson", nav, "aria-label");
  label(
    "Back",
    button(nav, "", () => go(-1)),
  ).disabled = state.step === 1;
  label("{n} of {of}", node("span", "", nav), "", { n: state.step, of: lesson.steps.length });
  label(
    state.step === lesson.steps.length ? phrase("Finish") : phrase("Next"),
    button(nav, "", () => go(1), "main"),
  );
  node("p", "visually-hidden", section).setAttribute("role", "status");
};

const leave = () => {
  close();
  document.querySelector("#tabs [role=tab][data-tab-id=lessons]")?.focus();
};

// The question, and where to answer it.
const inquire = (section) => {
  const { question, choices, slider } = step();
  const form = node("form", "lesson-question", section);
  const fields = node("fieldset", "", form);
  rich("legend", "", fields, question);
  const actions = node("p", "lesson-actions", form);
  const show = label(
    "Reveal",
    button(actions, "", () => reveal(), "main"),
  );
  show.disabled = true;
  const predict = (value) => {
    own = value;
    show.disabled = own === null;
  };
  if (choices) {
    choices.forEach((text, at) => {
      const choice = node("label", "lesson-choice", fields);
      const radio = node("input", "", choice);
      Object.assign(radio, { type: "radio", name: "lesson-choice", value: String(at) });
      radio.addEventListener("change", () => predict(at));
      rich("span", "", choice, text);
    });
  } else gauge(fields, slider, predict);
  const give = button(actions, "", () => {
    own = null;
    reveal();
  });
  label("without a prediction", label("Show me", give), "title");
  form.addEventListener("submit", (event) => {
    event.preventDefault(); // Enter in the number's box
    if (own !== null) reveal();
  });
};

// A prediction in numbers: a slider and a box, empty until one of them is touched.
const gauge = (fields, { low, high, unit }, predict) => {
  const row = node("div", "lesson-gauge", fields);
  const step = counted(unit) ? 1 : niceStep((high - low) / 200);
  const track = node("div", "", row);
  const range = node("input", "", track);
  const scale = node("div", "lesson-scale", track);
  scale.ariaHidden = "true";
  for (const end of [low, high]) node("span", "", scale, measure(end, unit));
  const box = node("input", "", row);
  const ends = { min: String(low), max: String(high) };
  Object.assign(range, { type: "range", step: String(step), value: String((low + high) / 2), ...ends });
  Object.assign(box, { type: "number", step: counted(unit) ? "1" : "any", placeholder: "?", ...ends });
  label("Your prediction", range, "aria-label");
  range.setAttribute("aria-valuetext", t("nothing predicted yet"));
  label(unit ? phrase("Your prediction, in {unit}") : phrase("Your prediction"), box, "aria-label", { unit });
  if (unit) node("span", "", row, unit);
  const take = (value) => {
    range.setAttribute("aria-valuetext", measure(value, unit));
    predict(value);
  };
  range.addEventListener("input", () => {
    box.value = range.value;
    take(Number(range.value));
  });
  box.addEventListener("input", () => {
    const value = box.value === "" ? NaN : Number(box.value);
    if (!(value >= low && value <= high) || (counted(unit) && value % 1)) return predict(null);
    range.value = box.value;
    take(value);
  });
};

// Of so many: a whole number.
const counted = (unit) => unit.startsWith("of ");
const measure = (value, unit) => `${short(value)}${unit && ` ${unit}`}`;

export const reveal = () => {
  if (!step()?.question || revealed) return;
  const { choices, right, slider, why, run } = step();
  revealed = true;
  finish();
  set();
  const form = panel.querySelector(".lesson-question");
  form.querySelector("fieldset").disabled = true;
  form.querySelector(".lesson-actions").remove();
  const answer = panel.querySelector(".lesson-answer");
  answer.hidden = false;
  const heading = label("What happens", node("h3", "", answer));
  heading.tabIndex = -1;
  const pair = node("dl", "lesson-pair", answer);
  const cell = (name, kind) => {
    const group = node("div", kind, pair);
    label(name, node("dt", "", group));
    return node("dd", "", group);
  };
  const it = cell(phrase("The answer"), "it");
  const said = cell(phrase("Your prediction"), "own");
  let verdict = "";
  if (choices) {
    it.innerHTML = right.map((at) => choices[at]).join("<br>");
    if (own !== null) {
      said.innerHTML = choices[own];
      verdict = t(HINTS[right.includes(own) ? "right" : run ? "table" : "text"]);
    }
    form.querySelectorAll(".lesson-choice").forEach((choice, at) => {
      const marks = [right.includes(at) && `✓ ${t("the answer")}`, own === at && `● ${t("yours")}`].filter(Boolean);
      if (marks.length) node("b", "lesson-mark", choice, marks.join("  "));
    });
  } else {
    it.textContent = slider.shown;
    if (own !== null) {
      said.textContent = measure(own, slider.unit);
      const off = Math.abs(own - slider.answer);
      const unit = slider.unit === "%" ? t("points") : counted(slider.unit) ? "" : slider.unit;
      const near = off <= HINTS.near * (slider.high - slider.low);
      verdict = near
        ? t("Very close.")
        : t("{distance} apart.", { distance: measure(Number(off.toPrecision(2)), unit) });
    }
  }
  if (own === null) label("none, this time", said);
  if (verdict) node("p", "lesson-verdict", answer, verdict);
  if (run) experiment(answer).click(); // its table is what the text below speaks of
  rich("div", "lesson-text", answer, why);
  const dot = panel.querySelector(".lesson-dots [aria-current]");
  dot.textContent = "✓";
  called("Step {n}: {title}, done", dot, { n: state.step, title: step().title });
  catalogue();
  changed();
  tell(`${t("The answer")}: ${it.innerText}. ${t("Your prediction")}: ${said.innerText}. ${verdict}`);
  focus(heading);
};

// An experiment: the server does it, for real, and a table says what came of it.
const experiment = (parent) => {
  const holder = node("div", "lesson-run", parent);
  const start = button(
    holder,
    "",
    () => {
      start.disabled = true;
      label("Running…", start);
      runs += 1;
      ask.run({ key: step().run, run: runs });
    },
    "main",
  );
  label("Run it", start);
  node("div", "lesson-table", holder);
  return start;
};

document.addEventListener("unanswered", (event) => {
  const { at, event: kind, data, why } = event.detail;
  if (at !== "lesson-block") return;
  event.preventDefault();
  if (kind === "open") {
    asked = false; // the next visit to the tab asks again
    announce(why);
  } else if (data?.run === runs && panel.querySelector(".lesson-run")) {
    const start = panel.querySelector(".lesson-run button");
    start.disabled = false;
    label("Run it again", start);
    const into = panel.querySelector(".lesson-table");
    into.replaceChildren();
    node("p", "", into, why).setAttribute("role", "alert");
  }
});

const tabulate = ({ caption, columns, rows }) => {
  const holder = panel.querySelector(".lesson-run");
  if (!holder) return; // the visitor went on
  const start = holder.querySelector("button");
  const into = holder.querySelector(".lesson-table");
  start.disabled = false;
  label("Run it again", start);
  tell(t("The table is there: {caption}", { caption }));
  const scroll = document.createElement("div");
  scroll.className = "table-scroll";
  put(scroll, { tabindex: 0, role: "region", "aria-label": caption });
  const table = node("table", "", scroll);
  const names = node("tr", "", node("thead", "", table));
  for (const name of columns) node("th", "", names, name).scope = "col";
  const body = node("tbody", "", table);
  for (const cells of rows) {
    const row = node("tr", "", body);
    cells.forEach((cell, at) => (node(at ? "td" : "th", "", row, String(cell)).scope = at ? "" : "row"));
  }
  into.replaceChildren(scroll);
  into.prepend(node("p", "lesson-caption", into, caption)); // beside what scrolls, so that it can be read whole
};

// A lesson that is open while another tab is in view: a bar says so, and leads back.
document.addEventListener("setting", () => {
  const lost = Boolean(current()) && tab !== "explore";
  if (lost === Boolean(away)) return;
  away?.remove();
  away = null;
  if (!lost) return;
  away = node("aside", "lesson-away", document.body);
  label("Open lesson", away, "aria-label");
  label("{title}, step {n}", node("span", "", away), "", { title: current().title, n: state.step });
  const back = button(
    away,
    "",
    () => {
      set();
      seen(panel, () => focus(panel.querySelector("h2")));
    },
    "main",
  );
  label("Back to the lesson", back);
  called("Close the lesson", button(away, "✕", close, "lesson-close"));
});

// The catalogue ----------------------------------------------------------------------------------------------------

export const mount = async (element) => {
  board = element.querySelector("#lessons");
  label("The lessons are on their way…", node("p", "lesson-quiet", board));
  await texts();
  if (sheeted) poster();
  else catalogue();
  document.addEventListener("language", () => (sheeted ? poster() : catalogue()));
};

const catalogue = () => {
  if (!board || !lessons || sheeted) return;
  board.replaceChildren();
  const heading = node("h2", "", board, t("Lessons"));
  heading.tabIndex = -1;
  node(
    "p",
    "lesson-quiet",
    board,
    t("Each one opens beside the live chart: a setting, a question, your own prediction, then what happens and why."),
  );
  const told = node("p", "lesson-told", board);
  told.setAttribute("role", "status");
  const list = node("ul", "lesson-cards", board);
  for (const lesson of lessons) {
    const card = node("li", "lesson-card", list);
    const title = node("h3", "", card, lesson.title);
    title.id = `lesson-${lesson.slug}`;
    node(
      "p",
      "lesson-quiet",
      card,
      t("{minutes} minutes, {steps} steps", { minutes: lesson.minutes, steps: lesson.steps.length }),
    );
    node("p", "", card, lesson.summary);
    const [count, total] = [done(lesson), lesson.steps.length];
    const bar = node("div", "lesson-progress", card);
    const meter = node("progress", "", bar);
    Object.assign(meter, { max: total, value: count });
    meter.setAttribute("aria-labelledby", title.id);
    node(
      "span",
      "",
      bar,
      count === 0
        ? t("not begun")
        : count === total
          ? `✓ ${t("all steps done")}`
          : t("{count} of {total} steps done", { count, total }),
    );
    const at = progress[lesson.slug]?.step ?? 1;
    const goOn = count < total && progress[lesson.slug];
    const name = goOn ? t("Continue at step {n}", { n: at }) : count === total ? t("Once more") : t("Start");
    const start = button(card, name, () => open(lesson.slug, goOn ? at : 1), "main");
    start.setAttribute("aria-describedby", title.id);
  }
  for (const trouble of troubles)
    node("li", "lesson-card", list, t("This lesson cannot be shown. {trouble}", { trouble }));
  const foot = node("p", "lesson-foot", board);
  const link = node("a", "", foot, t("Teacher's sheet"));
  link.href = "?teacher=1";
  link.addEventListener("click", (event) => taken(event) && sheet(true));
  node("span", "lesson-quiet", foot, t("timing, links and answers for a class, to print"));
  button(foot, t("Forget my progress"), forget).disabled = Object.keys(progress).length === 0;
  node(
    "span",
    "lesson-quiet",
    foot,
    kept
      ? t("it is kept in this browser alone")
      : t("this browser keeps nothing here: it lasts until the page is closed"),
  );
};

// The teacher's sheet ----------------------------------------------------------------------------------------------

export const sheet = async (on) => {
  sheeted = on;
  if (on) apply("tab=lessons");
  await texts();
  if (!board) return; // its tab is about to open
  if (on) poster();
  else catalogue();
  changed();
  if (on) seen(board, () => focus(board.querySelector("h2")));
};

const clock = (minutes) => `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}`;

const poster = () => {
  board.replaceChildren();
  const page = node("section", "lesson-sheet", board);
  const total = lessons.reduce((all, { minutes }) => all + minutes, 0);
  const heading = node("h2", "", page, t("Teacher's sheet: a class of {total} minutes", { total }));
  heading.tabIndex = -1;
  const actions = node("p", "lesson-actions", page);
  button(actions, t("Print"), () => print(), "main");
  button(actions, t("Back to the lessons"), async () => {
    await sheet(false);
    focus(board.querySelector("h2"));
  });
  node(
    "p",
    "",
    page,
    [
      t("Each step is the same: read its text aloud, let everybody predict, count hands, then reveal."),
      t("Let somebody who was surprised say why before you do."),
      t(
        "On a projector press Present in the header; there N and P go through the steps, S shows the answer, and ? lists all keys.",
      ),
      t("All numbers are those of the bundled model."),
    ].join(" "),
  );
  const plan = node("table", "lesson-plan", node("div", "table-scroll", page));
  node("caption", "visually-hidden", plan, t("Timing"));
  const names = node("tr", "", node("thead", "", plan));
  for (const name of [t("Clock"), t("Lesson"), t("Minutes"), t("Steps")]) node("th", "", names, name).scope = "col";
  const rows = node("tbody", "", plan);
  let at = 0;
  for (const lesson of lessons) {
    const row = node("tr", "", rows);
    const span = `${clock(at)} – ${clock(at + lesson.minutes)}`;
    node("td", "", row, span);
    const name = node("th", "", row);
    name.scope = "row";
    link(name, lesson.title, lesson.slug, 1);
    node("td", "", row, String(lesson.minutes));
    node("td", "", row, String(lesson.steps.length));
    describe(page, lesson, span);
    at += lesson.minutes;
  }
};

const link = (parent, text, slug, at) => {
  const made = node("a", "", parent, text);
  made.href = `?lesson=${slug}&step=${at}`;
  made.addEventListener("click", (event) => taken(event) && open(slug, at));
  return made;
};

const describe = (page, lesson, span) => {
  const part = node("section", "lesson-part", page);
  node("h3", "", part, `${span}  ${lesson.title}`);
  node("p", "lesson-quiet", part, lesson.summary);
  if (lesson.teacher) rich("p", "", part, lesson.teacher);
  lesson.steps.forEach(({ title, question, choices, right, slider, why, text, run }, at) => {
    const one = node("article", "lesson-item", part);
    const name = node("h4", "", one);
    link(name, `${at + 1}. ${title}`, lesson.slug, at + 1);
    if (!question) {
      rich("div", "lesson-text", one, text);
      if (run) node("p", "", one, t("The table comes with the answer, after a second or two."));
      return;
    }
    rich("p", "lesson-asked", one, `<b>${t("Question.")}</b> ${question}`);
    const others = choices?.filter((_, i) => !right.includes(i)) ?? [];
    rich("p", "", one, `<b>${t("Answer.")}</b> ${choices ? right.map((i) => choices[i]).join("; ") : slider.shown}`);
    if (others.length) rich("p", "lesson-quiet", one, `<b>${t("Not:")}</b> ${others.join("; ")}`);
    rich("div", "lesson-text", one, why);
  });
};

export const next = () => go(1);
export const back = () => go(-1);

extend({
  pairs: () => [
    ...(state.slug
      ? [
          ["lesson", state.slug],
          ["step", String(state.step)],
        ]
      : []),
    ...(state.teacher ? [["teacher", "1"]] : []),
  ],
  take: ({ teacher, lesson, step, stays }) => {
    if (teacher !== null) sheet(teacher);
    if (lesson !== null) open(lesson, step, stays);
  },
});
