// The card "What changed": each figure before and after, and what the figures mean.

/** @import { Figures } from "../types.js" */

import { node, put, say } from "../base/dom.js";
import { label, phrase, t } from "../base/i18n.js";
import { registry } from "../base/registry.js";
import { percent } from "../twins/formats.js";
import { FEW } from "./reliability.js";
import { family, state } from "./state.js";
import { COLUMNS, figure, TITLES } from "./wording.js";

/** @param {Element} host */
const build = (host) => {
  const card = node("section", "cal-card cal-figures", host);
  label("What changed", node("h2", "", card));
  const table = node("table", "", card);
  const head = node("tr", "", node("thead", "", table));
  for (const name of ["", phrase("before"), phrase("after"), ""])
    name ? label(name, node("th", "", head)) : node("td", "", head);
  const body = node("tbody", "", table);
  const rows = COLUMNS.map((column) => {
    const row = node("tr", "", body);
    label(TITLES[column], node("th", "", row)).scope = "row";
    return {
      column,
      before: node("td", "cal-b", row),
      after: node("td", "cal-a", row),
      verdict: node("td", "", row),
    };
  });
  const lean = node("p", "cal-lean", card);
  const infinite = node("p", "cal-infinite", card);
  const list = node("dl", "", card);
  for (const [term, text] of [
    [phrase("ECE"), phrase("the mean gap between confidence and accuracy over the bins")],
    [phrase("NLL"), phrase("mean −log p of the true class, which fitting T minimises")],
    [phrase("Brier"), phrase("squared distance from the right answer, 0 to 2")],
    [phrase("p = 0"), phrase("share of rows whose true class got probability 0")],
  ]) {
    label(term, node("dt", "", list));
    label(text, node("dd", "", list));
  }
  label("after", node("dt", "", list));
  const reading = node("dd", "", list);
  label("A tie at the top counts as a guess. Pale bins have fewer than {few} rows.", node("p", "cal-quiet", card), "", {
    few: FEW,
  });
  return { rows, lean, infinite, reading };
};

/** @type {ReturnType<typeof build> | null} */
let parts = null;

/** @param {Element} host */
export const mount = (host) => {
  parts = build(host);
};

/** @param {Figures} figures */
const leaning = ({ confidence, accuracy }) => {
  const gap = 100 * (confidence - accuracy);
  return t("{sure} sure, {right} right, {leaning}", {
    sure: percent(confidence),
    right: percent(accuracy),
    leaning: Math.abs(gap) < 0.5 ? t("well calibrated") : gap > 0 ? t("over-confident") : t("under-confident"),
  });
};

// What the outputs of the chosen constraint are read as.
const reading = () => {
  const { title, sparse } = registry.methods[state.method];
  if (sparse) return t("{method}(z / T), probabilities as they are", { method: t(title).toLowerCase() });
  return family() === "probability" ? "softmax(z / T)" : t("softmax(y / T), y the constrained output");
};

export const draw = () => {
  const { before, after } = state;
  if (!parts || !before || !after) return;
  say(parts.reading, reading());
  for (const { column, ...cells } of parts.rows) {
    const [from, to] = [figure(column, before), figure(column, after)];
    say(cells.before, from);
    say(cells.after, to);
    const better = column === "accuracy" ? after[column] > before[column] : after[column] < before[column];
    const verdict = from === to ? "same" : better ? "better" : "worse"; // as they stand there
    say(cells.verdict, { same: t("same"), better: `▲ ${t("better")}`, worse: `▼ ${t("worse")}` }[verdict]);
    put(cells.verdict, { class: verdict });
  }
  say(
    parts.lean,
    t("On average, before: {before}. After: {after}.", { before: leaning(before), after: leaning(after) }),
  );
  say(
    parts.infinite,
    Number.isFinite(after.nll)
      ? ""
      : t("The NLL is infinite: {share} of the true classes got probability 0, and −log 0 = ∞.", {
          share: percent(after.impossible),
        }),
  );
};
