// The chart as an SVG on its own: without a style sheet, and with all that the page says around it.

/** @import { Column } from "../types.js" */

import { find, put, svgNode } from "../base/dom.js";
import { t } from "../base/i18n.js";
import { words } from "../base/words.js";
import { COLUMNS, figures } from "./columns.js";
import { state } from "./state.js";

const [MARGIN, GAP] = [20, 24]; // px around all columns, and between two
const LEADING = 1.35; // of a line of text, by its size

// Style properties that a picture without a style sheet has to carry itself, with SVG's defaults.
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
/** @param {string} paint */
const isInvisible = (paint) => paint === "none" || paint === "transparent" || /^rgba\(.*, 0\)$/.test(paint);

/**
 * A node as it looks now, by attributes alone; null where there is nothing to see.
 *
 * @param {Element} from
 * @returns {SVGElement | null}
 */
const frozen = (from) => {
  const look = getComputedStyle(from);
  if (from.getAttribute("display") === "none" || look.display === "none") return null;
  const made = svgNode(/** @type {keyof SVGElementTagNameMap} */ (from.tagName));
  for (const { name, value } of from.attributes) if (GEOMETRY.test(name)) made.setAttribute(name, value);
  if (from.tagName === "text") made.textContent = from.textContent;
  else if (from.tagName === "title") {
    made.textContent = from.textContent;
    return made;
  } else made.append(...Array.from(from.children, frozen).filter((child) => child !== null));
  const drawn = !made.children.length;
  if (drawn && !made.textContent && isInvisible(look.fill) && isInvisible(look.stroke)) return null;
  for (const [name, plain] of Object.entries(LOOKS)) {
    const value = look.getPropertyValue(name).replaceAll('"', "");
    const useful = name === "opacity" || (drawn && !(name.startsWith("font") && from.tagName !== "text"));
    if (useful && value !== plain) made.setAttribute(name.replace("-line", ""), value);
  }
  return made;
};

const ruler = document.createElement("canvas").getContext("2d");

/**
 * A text in lines that are no longer than a width.
 *
 * @param {string} content
 * @param {number} width
 */
const linesOf = (content, width) => {
  const lines = [""];
  for (const word of content.split(/(?<= )/)) {
    const line = lines[lines.length - 1];
    const longer = line + word;
    if (line && ruler && ruler.measureText(longer.trimEnd()).width > width) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines;
};

/**
 * Write a text in the look of a node on screen.
 *
 * @param {SVGElement} parent
 * @param {string} content
 * @param {Element} like
 * @param {{x: number, y: number, width: number}} at
 * @returns {number} the y below it
 */
const write = (parent, content, like, { x, y, width }) => {
  if (!content) return y;
  const look = getComputedStyle(like);
  const size = parseFloat(look.fontSize);
  if (ruler) ruler.font = `${look.fontWeight} ${size}px ${look.fontFamily}`;
  const lines = linesOf(content, width);
  const looks = { "font-size": size, "font-weight": look.fontWeight, "font-family": look.fontFamily, fill: look.color };
  const text = svgNode("text", looks, parent);
  for (const [at, line] of lines.entries()) {
    svgNode("tspan", { x, y: y + size + at * size * LEADING }, text).textContent = line;
  }
  return y + lines.length * size * LEADING;
};

/**
 * What is above a column: its name, the constraint, A's, the formula, and the example of a class in question.
 *
 * @param {SVGElement} root
 * @param {Column} column
 * @param {{x: number, y: number, width: number}} at
 * @returns {number} the y below it
 */
const writeCaption = (root, column, { x, y: top, width }) => {
  const { figure, a, formula, example } = figures[column];
  const setting = column === "raw" ? "" : words(state.methods[column], state.settings);
  const lit = (state.over ?? state.pinned) !== null;
  /** @type {[string, Element][]} */
  const lines = [
    [figure.ariaLabel ?? "", find(`#controls-${column} h2`)],
    [setting && state.a ? `B: ${setting}` : setting, a],
    [a.textContent ?? "", a],
    [formula.textContent ?? "", formula],
    [lit ? (example.textContent ?? "") : "", example],
  ];
  let y = top;
  for (const [content, like] of lines) y = write(root, content, like, { x, y, width }) + (content ? 4 : 0);
  return y;
};

/**
 * The bars of a column, its badges and its loss.
 *
 * @param {SVGElement} root
 * @param {Column} column
 * @param {{x: number, y: number, width: number}} at
 * @returns {number} the y below them
 */
const placeBars = (root, column, { x, y: top, width }) => {
  const { figure, svg, badges, note } = figures[column];
  const looks = { transform: `translate(${x} ${top})`, "font-family": getComputedStyle(svg).fontFamily };
  svgNode("g", looks, root).append(...(frozen(svg)?.childNodes ?? []));
  let y = top + Number(svg.getAttribute("height")) + 6;
  for (const badge of badges.children) {
    for (const part of badge.children) y = write(root, part.textContent ?? "", part, { x, y, width });
    y += 6;
  }
  return write(root, figure.dataset.loss ?? "", note, { x, y, width });
};

/** All columns side by side, on a phone too, in the theme that is on. */
export const standalone = () => {
  const title = `ResNet18, ${state.model}: ${state.image ?? t("your picture")}`;
  const root = svgNode("svg", { role: "img", "aria-label": title });
  svgNode("title", {}, root).textContent = title;
  const ground = svgNode("rect", { fill: getComputedStyle(find("#grid")).backgroundColor }, root);
  const start = write(root, title, find("#title h1"), { x: MARGIN, y: MARGIN, width: Infinity }) + 14;

  let x = MARGIN;
  const columns = COLUMNS.filter((column) => figures[column].figure.clientWidth).map((column) => {
    const width = Number(figures[column].svg.getAttribute("width"));
    const place = { column, x, width };
    x += width + GAP;
    return place;
  });
  const captions = columns.map(({ column, ...at }) => writeCaption(root, column, { ...at, y: start }));
  const below = Math.max(0, ...captions) + 6; // the longest one: all bars start there
  const feet = columns.map(({ column, ...at }) => placeBars(root, column, { ...at, y: below }));
  const size = { width: x - GAP + MARGIN, height: Math.ceil(Math.max(below - 6, ...feet) + MARGIN) };
  put(ground, size);
  put(root, { ...size, viewBox: `0 0 ${size.width} ${size.height}` });
  // XML has no room for control characters, and a model's labels may be a stranger's.
  const text = new XMLSerializer().serializeToString(root).replace(/(?![\t\n\r\x7f-\x9f])\p{Cc}/gu, "");
  return { text, ...size };
};
