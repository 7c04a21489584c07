// What a visitor takes home from the Explore tab: the chart as a picture that stands alone, and its numbers with the
// setting in them. All of it is made here, from what is on screen; the server is not asked.

import { put, svgNode } from "../base/dom.js";
import { save, csv as spelled } from "../base/files.js";
import { t } from "../base/i18n.js";
import { FAMILIES, registry } from "../base/registry.js";
import { words } from "../base/words.js";
import { state } from "./chart.js";

const [MARGIN, GAP] = [20, 24];

const image = () => state.image ?? "your picture";
const named = (what, ending) => `constrained-${state.model}-${image()}-${what}.${ending}`.replace(/[^\w.-]+/g, "-");

// The numbers ----------------------------------------------------------------------------------------------------

// A setting and what it makes of the logits.
const side = ({ methods, settings }, outputs) => ({
  methods: { ...methods },
  settings: { ...settings },
  words: Object.fromEntries(FAMILIES.map((family) => [family, words(methods[family], settings, (english) => english)])),
  outputs: Object.fromEntries(FAMILIES.map((family) => [family, Array.from(outputs[family].y)])),
  no_gradient: Object.fromEntries(FAMILIES.map((family) => [family, Array.from(outputs[family].dead, Boolean)])),
});

// All classes in the model's order, every number with all its digits.
const numbers = () => {
  const { model, labels, logits } = state;
  const data = { model, image: image(), classes: labels, logits: Array.from(logits), ...side(state, state.outputs) };
  return state.a ? { ...data, a: side(state.a, state.aOutputs) } : data;
};

export const json = () => save(named("numbers", "json"), JSON.stringify(numbers(), null, 1) + "\n");

// One row a class. The setting stands in every row, so that any program reads the file as the plain table it is.
const table = () => {
  const data = numbers();
  const sides = [["", data], ...(data.a ? [["a_", data.a]] : [])];
  const columns = [
    ["class", (i) => data.classes[i]],
    ["raw", (i) => data.logits[i]],
  ];
  for (const [prefix, { outputs, no_gradient: none }] of sides) {
    for (const family of FAMILIES) {
      columns.push([prefix + family, (i) => outputs[family][i]]);
      columns.push([`${prefix}${family}_no_gradient`, (i) => Number(none[family][i])]);
    }
  }
  columns.push(["model", () => data.model], ["image", () => data.image]);
  for (const [prefix, { methods, settings }] of sides) {
    for (const family of FAMILIES) columns.push([`${prefix}${family}_method`, () => methods[family]]);
    for (const key of Object.keys(registry.parameters)) columns.push([prefix + key, () => settings[key]]);
  }
  return [columns.map(([name]) => name), ...data.classes.map((_, i) => columns.map(([, of]) => of(i)))];
};

// The chart ------------------------------------------------------------------------------------------------------

// Looks that a picture without a style sheet has to carry itself, and what SVG takes them to be.
const LOOKS = {
  fill: "rgb(0, 0, 0)",
  stroke: "none",
  "stroke-width": "1px",
  "stroke-dasharray": "none",
  opacity: "1",
  "font-size": "",
  "font-weight": "400",
  "text-decoration-line": "none",
};
const GEOMETRY = /^(x|y|x1|x2|y1|y2|width|height|rx|d|transform|text-anchor|id|patternUnits|patternTransform)$/;
const nothing = (paint) => paint === "none" || paint === "transparent" || /^rgba\(.*, 0\)$/.test(paint);

// A node as it looks now, by attributes alone; null where there is nothing to see.
const frozen = (from) => {
  const look = getComputedStyle(from);
  if (from.getAttribute("display") === "none" || look.display === "none") return null;
  const made = svgNode(from.tagName);
  for (const { name, value } of from.attributes) if (GEOMETRY.test(name)) made.setAttribute(name, value);
  if (from.tagName === "text") made.textContent = from.textContent;
  else if (from.tagName === "title") {
    made.textContent = from.textContent;
    return made;
  } else made.append(...Array.from(from.children, frozen).filter(Boolean));
  const drawn = !made.children.length;
  if (drawn && !made.textContent && nothing(look.fill) && nothing(look.stroke)) return null;
  for (const [name, plain] of Object.entries(LOOKS)) {
    const value = look.getPropertyValue(name).replaceAll('"', "");
    const useful = name === "opacity" || (drawn && !(name.startsWith("font") && from.tagName !== "text"));
    if (useful && value !== plain) made.setAttribute(name.replace("-line", ""), value);
  }
  return made;
};

const ruler = document.createElement("canvas").getContext("2d");

// Text in lines of a width, in the look of a node on screen; returns the y below it.
const write = (parent, content, like, x, y, width, more = {}) => {
  if (!content) return y;
  const look = getComputedStyle(like);
  const size = parseFloat(look.fontSize);
  ruler.font = `${look.fontWeight} ${size}px ${look.fontFamily}`;
  const lines = [""];
  for (const word of content.split(/(?<= )/)) {
    const longer = lines.at(-1) + word;
    if (lines.at(-1) && ruler.measureText(longer.trimEnd()).width > width) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  const looks = { "font-size": size, "font-weight": look.fontWeight, "font-family": look.fontFamily, fill: look.color };
  const text = svgNode("text", { ...looks, ...more }, parent);
  lines.forEach((line, at) => (svgNode("tspan", { x, y: y + size + at * size * 1.35 }, text).textContent = line));
  return y + lines.length * size * 1.35;
};

// All four columns side by side, on a phone too, in the theme that is on.
const drawing = () => {
  const chart = document.querySelector("#chart");
  const title = `ResNet18, ${state.model}: ${state.image ?? t("your picture")}`;
  const root = svgNode("svg", { role: "img", "aria-label": title });
  svgNode("title", {}, root).textContent = title;
  const ground = svgNode("rect", { fill: getComputedStyle(document.querySelector("#grid")).backgroundColor }, root);
  const figures = ["raw", ...FAMILIES].map((column) => [column, chart.querySelector(`figure.${column}`)]);
  const columns = figures
    .filter(([, figure]) => figure.clientWidth)
    .map(([column, figure]) => {
      const part = (selector) => figure.querySelector(selector);
      return { column, figure, part, svg: part("svg"), width: Number(part("svg").getAttribute("width")) };
    });
  const start = write(root, title, document.querySelector("#title h1"), MARGIN, MARGIN, Infinity) + 14;

  let x = MARGIN;
  let below = 0; // the foot of the longest caption: all bars start there
  for (const one of columns) {
    const { column, part, width, figure } = one;
    one.x = x;
    let y = start;
    const line = (content, like) => (y = write(root, content, like, one.x, y, width) + (content ? 4 : 0));
    line(figure.ariaLabel, document.querySelector(`#controls-${column} h2`));
    const b = column === "raw" ? "" : words(state.methods[column], state.settings);
    line(b && state.a ? `B: ${b}` : b, part(".a-words"));
    line(part(".a-words").textContent, part(".a-words"));
    line(part(".formula").textContent, part(".formula"));
    if ((state.over ?? state.pinned) !== null) line(part(".example").textContent, part(".example"));
    below = Math.max(below, y);
    x += width + GAP;
  }
  let foot = below;
  for (const { column, figure, part, svg, width, x: left } of columns) {
    const bars = frozen(svg);
    for (const name of ["width", "height"]) bars.removeAttribute(name);
    const group = svgNode(
      "g",
      { transform: `translate(${left} ${below + 6})`, "font-family": getComputedStyle(svg).fontFamily },
      root,
    );
    group.append(...bars.childNodes);
    let y = below + 6 + Number(svg.getAttribute("height")) + 6;
    for (const badge of part(".badges").children) {
      for (const said of badge.children) y = write(root, said.textContent, said, left, y, width);
      y += 6;
    }
    y = write(root, figure.dataset.loss, part(".note"), left, y, width);
    foot = Math.max(foot, y);
  }
  const size = { width: x - GAP + MARGIN, height: Math.ceil(foot + MARGIN) };
  put(ground, size);
  put(root, { ...size, viewBox: `0 0 ${size.width} ${size.height}` });
  // XML has no room for control characters, and a model's labels may be a stranger's.
  const text = new XMLSerializer().serializeToString(root).replace(/[\x00-\x08\x0b\x0c\x0e-\x1f]/g, "");
  return { text, ...size };
};

export const svg = () => save(named("chart", "svg"), drawing().text);

// At twice its size, for slides and high-resolution screens.
export const png = async () => {
  const { text, width, height } = drawing();
  const picture = new Image();
  picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  await picture.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [2 * width, 2 * height];
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  save(named("chart", "png"), await new Promise((done) => canvas.toBlob(done, "image/png")));
};

export const csv = () => save(named("numbers", "csv"), spelled(table()));
