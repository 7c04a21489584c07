// The question of a step: choices or a number to predict, and the answer beside the prediction.

/** @import { Guess, LessonStep } from "../types.js" */

import { find, node } from "../base/dom.js";
import { label, phrase, t } from "../base/i18n.js";
import { niceStep } from "../base/scales.js";
import { short } from "../twins/formats.js";
import { focus, tell } from "./attention.js";
import { button, rich } from "./elements.js";
import { experiment } from "./experiment.js";
import { currentStep, reveal } from "./steps.js";

const VERDICTS = {
  right: phrase("As you predicted."),
  table: phrase("The table says otherwise. Here is why."),
  text: phrase("Not so. Here is why."),
};
const NEAR = 0.05; // of a slider's range: so close that it counts as right

/** @type {number | null} the prediction for this step: the number of a choice, or a slider's number */
let prediction = null;

/**
 * The question, and where to answer it.
 *
 * @param {Element} section
 * @param {LessonStep} step
 */
export const ask = (section, { question, choices, slider }) => {
  prediction = null;
  const form = node("form", "lesson-question", section);
  const fields = node("fieldset", "", form);
  rich("legend", "", fields, question ?? "");
  const actions = node("p", "lesson-actions", form);
  const show = label("Reveal", button(actions, "", reveal, "main"));
  show.disabled = true;
  /** @param {number | null} value */
  const predict = (value) => {
    prediction = value;
    show.disabled = value === null;
  };
  if (slider) gauge(fields, slider, predict);
  choices?.forEach((text, at) => {
    const choice = node("label", "lesson-choice", fields);
    const radio = node("input", "", choice);
    Object.assign(radio, { type: "radio", name: "lesson-choice", value: String(at) });
    radio.addEventListener("change", () => predict(at));
    rich("span", "", choice, text);
  });
  const give = button(actions, "", () => {
    prediction = null;
    reveal();
  });
  label("without a prediction", label("Show me", give), "title");
  form.addEventListener("submit", (event) => {
    event.preventDefault(); // Enter in the number's box
    if (prediction !== null) reveal();
  });
};

/**
 * A prediction in numbers: a slider and a box, empty until one of them is touched.
 *
 * @param {Element} fields
 * @param {Guess} guess
 * @param {(value: number | null) => void} predict
 */
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
  range.setAttribute("aria-valuetext", t("no prediction yet"));
  label(unit ? phrase("Your prediction, in {unit}") : phrase("Your prediction"), box, "aria-label", { unit });
  if (unit) node("span", "", row, unit);
  /** @param {number} value */
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

/**
 * Whether a unit counts things, as in "of 10": answers are whole numbers then.
 *
 * @param {string} unit
 */
const counted = (unit) => unit.startsWith("of ");
/**
 * @param {number} value
 * @param {string} unit
 */
const measure = (value, unit) => `${short(value)}${unit && ` ${unit}`}`;

/** What happens, beside the prediction, and why: in the panel, once the step is revealed. */
export const answer = () => {
  const step = currentStep();
  if (!step) return;
  const form = find("#lesson .lesson-question");
  /** @type {HTMLFieldSetElement} */ (find("fieldset", form)).disabled = true;
  find(".lesson-actions", form).remove();
  const place = find("#lesson .lesson-answer");
  place.hidden = false;
  const heading = label("What happens", node("h3", "", place));
  heading.tabIndex = -1;
  const pair = node("dl", "lesson-pair", place);
  /** @type {(name: string, kind: string) => HTMLElement} */
  const cell = (name, kind) => {
    const group = node("div", kind, pair);
    label(name, node("dt", "", group));
    return node("dd", "", group);
  };
  const truth = cell(phrase("The answer"), "it");
  const guess = cell(phrase("Your prediction"), "own");
  if (step.slider) compareNumbers(step.slider, truth, guess);
  else compareChoices(step, truth, guess, form);
  if (prediction === null) label("none, this time", guess);
  const verdict = prediction === null ? "" : judge(step, prediction);
  if (verdict) node("p", "lesson-verdict", place, verdict);
  if (step.run) experiment(place, step.run).click(); // its table is what the text below speaks of
  rich("div", "lesson-text", place, step.why);
  tell(`${t("The answer")}: ${truth.textContent}. ${t("Your prediction")}: ${guess.textContent}. ${verdict}`);
  focus(heading);
};

/**
 * @param {Guess} slider
 * @param {HTMLElement} truth
 * @param {HTMLElement} guess
 */
const compareNumbers = ({ shown, unit }, truth, guess) => {
  truth.textContent = shown;
  if (prediction !== null) guess.textContent = measure(prediction, unit);
};

/**
 * @param {LessonStep} step
 * @param {HTMLElement} truth
 * @param {HTMLElement} guess
 * @param {HTMLElement} form whose choices are marked
 */
const compareChoices = ({ choices, right }, truth, guess, form) => {
  if (!choices) return;
  truth.innerHTML = right.map((at) => choices[at]).join("<br>\n"); // a screen reader reads the text
  if (prediction !== null) guess.innerHTML = choices[prediction];
  form.querySelectorAll(".lesson-choice").forEach((choice, at) => {
    const marks = [right.includes(at) && `✓ ${t("the answer")}`, prediction === at && `● ${t("yours")}`];
    if (marks.some(Boolean)) node("b", "lesson-mark", choice, marks.filter(Boolean).join("  "));
  });
};

/**
 * How good a prediction was.
 *
 * @param {LessonStep} step
 * @param {number} predicted
 */
const judge = ({ slider, right, run }, predicted) => {
  if (!slider) return t(VERDICTS[right.includes(predicted) ? "right" : run ? "table" : "text"]);
  const distance = Math.abs(predicted - slider.answer);
  if (distance <= NEAR * (slider.high - slider.low)) return t("Very close.");
  const unit = slider.unit === "%" ? t("points") : counted(slider.unit) ? "" : slider.unit;
  return t("Off by {distance}.", { distance: measure(Number(distance.toPrecision(2)), unit) });
};
