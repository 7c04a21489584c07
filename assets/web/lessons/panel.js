// The panel beside the chart: the open step of a lesson, and the way to the others.

/** @import { Asks, Lesson, LessonStep, Props, Watch } from "../types.js" */

import { find, node, targetOf } from "../base/dom.js";
import { label, phrase, t } from "../base/i18n.js";
import { receive } from "../base/messages.js";
import { apply } from "../share.js";
import { rearranged } from "../state.js";
import { focus, onceVisible, tell } from "./attention.js";
import { button, called, rich, taken } from "./elements.js";
import { connect as connectExperiments, experiment, tabulate } from "./experiment.js";
import { isDone } from "./progress.js";
import { answer, ask } from "./question.js";
import { close, current, currentStep, go, open, set, state, watch } from "./steps.js";
import { connect as connectTexts, keep } from "./texts.js";

/** @type {HTMLElement | null} */
let panel = null;

/**
 * @param {HTMLElement} element
 * @param {Props} props
 * @param {Watch} listen
 * @param {Asks} asks
 */
export const mountPanel = (element, props, listen, asks) => {
  panel = find("#lesson", element);
  receive(props, listen, { lessons: keep, table: tabulate });
  panel.addEventListener("click", follow);
  draw();
  connectExperiments(asks);
  connectTexts(() => asks.open({}));
};

/**
 * Links of the form ?query are for this page: they are put into it, and the lesson stays.
 *
 * @param {MouseEvent} event
 */
const follow = (event) => {
  const link = targetOf(event)?.closest("a[href^='?']");
  if (!link || !taken(event)) return;
  apply((link.getAttribute("href") ?? "").slice(1));
  find("#lesson .lesson-again").classList.add("wanted");
  tell(
    t("The page now shows “{name}”. Press “Reset the chart” to return to this step.", {
      name: link.textContent,
    }),
  );
};

const draw = () => {
  if (!panel) return;
  panel.replaceChildren();
  const [lesson, step] = [current(), currentStep()];
  document.body.classList.toggle("with-lesson", Boolean(lesson));
  rearranged();
  if (!lesson || !step) return;
  const section = node("section", "lesson", panel);
  section.setAttribute("aria-labelledby", "lesson-step");
  drawHead(section, lesson);
  drawStep(section, lesson, step);
  drawWays(section, lesson);
  node("p", "visually-hidden", section).setAttribute("role", "status");
};

/**
 * Which lesson it is, and all its steps.
 *
 * @param {Element} section
 * @param {Lesson} lesson
 */
const drawHead = (section, lesson) => {
  const head = node("div", "lesson-head", section);
  node("p", "lesson-name", head, lesson.title);
  called("Close the lesson", button(head, "✕", leave, "lesson-close"));
  const dots = node("ol", "lesson-dots", section);
  label("Steps", dots, "aria-label");
  lesson.steps.forEach(({ title }, at) => {
    const [n, done] = [at + 1, isDone(lesson.slug, at + 1)];
    const dot = button(node("li", "", dots), done ? "✓" : String(n), () => open(lesson.slug, n));
    called(done ? phrase("Step {n}: {title}, done") : phrase("Step {n}: {title}"), dot, { n, title });
    if (n === state.step) dot.setAttribute("aria-current", "step");
  });
};

/**
 * @param {Element} section
 * @param {Lesson} lesson
 * @param {LessonStep} step
 */
const drawStep = (section, lesson, step) => {
  const heading = node("h2", "", section, step.title);
  heading.id = "lesson-step";
  heading.tabIndex = -1;
  const place = node("span", "visually-hidden", heading);
  label("Step {n} of {of}:", place, "", { n: state.step, of: lesson.steps.length });
  heading.prepend(place, " ");
  rich("div", "lesson-text", section, step.text);
  if (step.question) ask(section, step);
  node("div", "lesson-answer", section).hidden = true;
  if (step.run && !step.question) experiment(section, step.run);
};

/**
 * The ways back to the step's setting, and to the steps before and after it.
 *
 * @param {Element} section
 * @param {Lesson} lesson
 */
const drawWays = (section, { steps }) => {
  const restore = () => {
    set();
    tell(state.revealed ? t("The chart shows this step's answer.") : t("The chart shows this step's settings."));
  };
  const again = button(section, "↺ ", restore, "lesson-again");
  label("Reset the chart", node("span", "", again));
  label("go back to this step's settings after trying something else", again, "title");

  const nav = node("nav", "lesson-nav", section);
  label("Lesson", nav, "aria-label");
  const back = button(nav, "", () => go(-1));
  label("Back", back).disabled = state.step === 1;
  label("{n} of {of}", node("span", "", nav), "", { n: state.step, of: steps.length });
  const next = button(nav, "", () => go(1), "main");
  label(state.step === steps.length ? phrase("Finish") : phrase("Next"), next);
};

/** Lead the visitor to the open step. */
export const showStep = () =>
  onceVisible(
    () => panel,
    () => {
      const heading = panel?.querySelector("h2");
      if (heading) focus(heading); // unless the lesson was closed on the way
    },
  );

const leave = () => {
  close();
  /** @type {HTMLElement | null} */ (document.querySelector("#tabs [role=tab][data-tab-id=lessons]"))?.focus();
};

watch({
  opened: () => {
    draw();
    showStep();
  },
  closed: draw,
  restored: () => panel?.querySelector(".lesson-again")?.classList.remove("wanted"),
  revealed: () => {
    const dot = find("#lesson .lesson-dots [aria-current]");
    dot.textContent = "✓";
    called("Step {n}: {title}, done", dot, { n: state.step, title: currentStep()?.title });
    answer();
  },
});
