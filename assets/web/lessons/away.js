// A lesson that is open while another tab is in view: a bar says so, and leads back.

import { node } from "../base/dom.js";
import { label } from "../base/i18n.js";
import { tab } from "../state.js";
import { button, called } from "./elements.js";
import { showStep } from "./panel.js";
import { close, current, set, state } from "./steps.js";

/** @type {HTMLElement | null} */
let bar = null;

const comeBack = () => {
  set();
  showStep();
};

document.addEventListener("setting", () => {
  const lesson = tab === "explore" ? undefined : current();
  if (Boolean(lesson) === Boolean(bar)) return;
  bar?.remove();
  bar = null;
  if (!lesson) return;
  bar = node("aside", "lesson-away", document.body);
  label("Open lesson", bar, "aria-label");
  label("{title}, step {n}", node("span", "", bar), "", { title: lesson.title, n: state.step });
  label("Back to the lesson", button(bar, "", comeBack, "main"));
  called("Close the lesson", button(bar, "✕", close, "lesson-close"));
});
