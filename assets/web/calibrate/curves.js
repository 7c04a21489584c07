// NLL and ECE against T: of the setting, and of softmax beside it.

/** @import { Curve } from "./measure.js" */

import { node, say } from "../base/dom.js";
import { phrase, t } from "../base/i18n.js";
import { temperature as TEMPERATURE } from "../base/parameters.js";
import { registry } from "../base/registry.js";
import { lines } from "../plots/lines.js";
import { short } from "../twins/formats.js";
import { TEMPERATURES } from "./measure.js";
import { family, settingKey, state } from "./state.js";

/** @param {Element} host */
const build = (host) => {
  const x = { label: phrase("T"), log: true, low: TEMPERATURES[0], high: TEMPERATURES.at(-1) };
  const nll = node("section", "cal-card cal-half cal-nll", host);
  const nllPlot = lines(nll, { title: phrase("NLL against T"), x, y: { label: phrase("NLL") } });
  const ece = node("section", "cal-card cal-half cal-ece", host);
  const ecePlot = lines(ece, { title: phrase("ECE against T, %"), x, y: { label: phrase("ECE, %") } });
  return {
    nll: { ...nllPlot, legend: node("p", "cal-quiet", nll) },
    ece: { ...ecePlot, legend: node("p", "cal-quiet", ece) },
  };
};

/** @type {ReturnType<typeof build> | null} */
let parts = null;

/** @param {Element} host */
export const mount = (host) => {
  parts = build(host);
};

/** @param {number | undefined} fitted */
const marks = (fitted) => {
  const { temperature } = state.settings;
  const { low, high } = TEMPERATURE;
  const now = { x: temperature, label: `T = ${short(temperature, 3)}`, colour: "var(--ink)", dash: "" };
  if (!fitted || fitted < low || fitted > high) return [now];
  const near = Math.abs(Math.log(fitted / temperature)) < 1; // where two names would lie on each other
  return [now, { x: fitted, label: near ? "" : t("fitted"), colour: "var(--warn)", dash: "2 3" }];
};

/**
 * @param {Curve} curve
 * @param {"nll" | "ece"} key
 * @returns {[number, number][]}
 */
const points = (curve, key) => curve.map(([at, figures]) => [at, figures[key] * (key === "ece" ? 100 : 1)]);

/**
 * What the lines of a plot are, and where the setting's has gaps.
 *
 * @param {Curve | null} curve the setting's
 * @param {number | undefined} fitted
 */
const legends = (curve, fitted) => {
  const title = t(registry.methods[state.method].title);
  const plain = state.method === "softmax";
  const rest = [
    plain ? "" : t("Dashed: softmax."),
    fitted ? t("Dotted: fitted T = {value}.", { value: short(fitted, 3) }) : "",
    curve || plain ? "" : t("The curve for {title} is being computed.", { title }),
  ];
  /** @param {string[]} first */
  const legend = (...first) => [...first, ...rest].filter(Boolean).join(" ");
  const solid = curve && !plain ? t("Solid: {title}.", { title }) : "";
  const ece = legend(solid);
  const infinite = curve?.filter(([, { nll }]) => !Number.isFinite(nll)).length ?? 0;
  if (!infinite) return { ece, nll: ece };
  const nll =
    infinite === curve?.length
      ? legend(
          t("{title} has no line here: its NLL is infinite at every T, because a true class got probability 0.", {
            title,
          }),
        )
      : legend(solid, t("Where the line is missing, the NLL is infinite: a true class got probability 0."));
  return { ece, nll };
};

export const draw = () => {
  if (!parts || !state.after) return;
  const { method, curves } = state;
  // Another constraint's curve is removed at once; one for another setting of this constraint stays, paler, until the new
  // one is there.
  const own = curves.own?.method === method ? curves.own : null;
  const stale = own !== null && own.of !== settingKey();
  const fitted = state.fitted.get(settingKey());
  const text = legends(own?.points ?? null, fitted);
  for (const key of /** @type {const} */ (["nll", "ece"])) {
    const { draw: paint, figure, legend } = parts[key];
    const series = [];
    if (own) {
      const name = t(registry.methods[method].title);
      series.push({ name, points: points(own.points, key), colour: `var(--${family()})` });
    }
    if (method !== "softmax" && curves.raw) {
      series.push({ name: "softmax", points: points(curves.raw, key), colour: "var(--raw)", dash: "5 4" });
    }
    paint({ series, marks: marks(fitted) });
    figure.classList.toggle("cal-stale", stale);
    say(legend, text[key]);
  }
};
