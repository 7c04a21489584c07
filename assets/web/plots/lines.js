// Line plots and maps for the tabs that show what happens over epochs, over lambda, over T, or over a box.
//
//   const p = plot.lines(host, { title, x, y, pick })     p.draw({ series, marks })
//   const m = plot.map(host, { title, x, y, format, pick })   m.draw({ xs, ys, values, current })
//
// A line plot
//   x, y     { label, log, zero, low, high, format, read }; `format` gives the text of a tick, `read` that of a
//            number that is pointed at. Without low and high the axis fits the data; `zero` keeps 0 on
//            it. A log axis that is to show 0 has it to the left of its lowest decade.
//            With `best` (Math.min or Math.max) the best point is marked.
//   series   [{ name, points: [[x, y], ...], colour, dash, mark, thin }]; a point that is not finite breaks the line,
//            `mark` is a short text at its end. Colour never stands alone: dash, mark or thin tell series apart.
//   marks    [{ x, label, colour, dash }]; vertical lines.
//   pick     called with the x that is pointed at, on a click or Enter.
// Pointing at it, or the arrow keys, show the numbers of all series at the nearest x.
//
// Titles, the labels of axes and a map's name are given in English; all else as it is to be seen.
//
// A map is a table of numbers whose cells are buttons; the deeper the colour the larger the number. values[row][column]
// belongs to (xs[column], ys[row]); null is a number that is still to come, undefined one that cannot exist. `best`, a set
// of "row column", says which are underlined, where that are not the largest.

import { node, put, say, svgNode } from "../base/dom.js";
import { label, t } from "../base/i18n.js";
import { niceStep } from "../base/scales.js";
import { minus, short } from "../twins/formats.js";

const LEFT = 46;
const RIGHT = 14;
const TOP = 14;
const BOTTOM = 36;
const LETTER = 6.6; // px of one in a text
const GAP = 38; // between 0 and the lowest decade of a log axis

const finite = (points) => points.filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y));

// The ends of an axis, and its ticks as [value, text].
const axis = (values, { log = false, zero = false, low, high, format }, wanted) => {
  const fits = values.filter((v) => Number.isFinite(v) && (!log || v > 0));
  let [from, to] = [low ?? Math.min(...fits, ...(zero && !log ? [0] : [])), high ?? Math.max(...fits)];
  if (!Number.isFinite(from) || !Number.isFinite(to)) [from, to] = log ? [0.1, 10] : [0, 1];
  if (log) {
    if (from === to) [from, to] = [from / 2, to * 2];
    const decades = Math.log10(to / from);
    const every = Math.max(1, Math.ceil(decades / wanted));
    const ticks = [];
    for (let power = Math.floor(Math.log10(from) + 1e-9); power <= Math.log10(to) + 1e-9; power += every) {
      for (const first of decades < 1.5 ? [1, 2, 5] : [1]) {
        const v = Number(`${first}e${power}`);
        if (v >= from * (1 - 1e-9) && v <= to * (1 + 1e-9)) ticks.push([v, (format ?? short)(v)]);
      }
    }
    return { from, to, ticks };
  }
  if (from === to) [from, to] = [from - (Math.abs(from) || 1) / 2, to + (Math.abs(to) || 1) / 2];
  const step = niceStep((to - from) / wanted);
  if (low === undefined) from = Math.floor(from / step + 1e-9) * step;
  if (high === undefined) to = Math.ceil(to / step - 1e-9) * step;
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9)); // neighbours must not look alike
  const text = format ?? ((v) => minus(v.toFixed(digits)));
  const ticks = [];
  for (let v = Math.ceil(from / step - 1e-9) * step; v <= to + step * 1e-6; v += step) {
    const round = Number(v.toPrecision(12));
    ticks.push([v, text(Math.abs(v) < step * 1e-6 ? 0 : round)]);
  }
  return { from, to, ticks };
};

const scale = ({ from, to }, { log = false }, start, end, zero = false) => {
  const f = log ? Math.log : (v) => v;
  const first = zero ? start + GAP : start;
  return (v) => {
    if (zero && v <= 0) return start + 6;
    const share = (f(v) - f(from)) / (f(to) - f(from));
    return first + Math.min(Math.max(share, -9), 9) * (end - first);
  };
};

// Of some numbers, those that are not far worse than the best: no further off than three times the median is.
const goodPart = (values, best) => {
  const top = best(...values);
  const off = values.map((v) => Math.abs(v - top)).sort((a, b) => a - b);
  const limit = 3 * off[Math.floor(off.length / 2)];
  return values.filter((v) => Math.abs(v - top) <= limit);
};

// Where a text stands beside a point: of eight places around it, the one that lines cross least, inside of the plot.
const beside = (px, py, width, room, lines) => {
  const height = 12;
  const places = [];
  for (const dy of [0, -15, 15, -28, 28]) {
    for (const anchor of ["start", "end", "middle"]) {
      if (anchor === "middle" && !dy) continue;
      const from = { start: px + 9, end: px - 9 - width, middle: px - width / 2 }[anchor];
      if (
        from < room.left ||
        from + width > room.right ||
        py + dy - height / 2 < room.top - 8 ||
        py + dy + height / 2 > room.bottom
      )
        continue;
      places.push({ anchor, dy, from });
    }
  }
  const crossed = ({ from, dy }) => {
    let hits = 0;
    for (const points of lines) {
      for (let i = 1; i < points.length; i++) {
        const [[ax, ay], [bx, by]] = [points[i - 1], points[i]];
        for (let s = 0; s <= 1; s += 0.05) {
          const [lx, ly] = [ax + s * (bx - ax), ay + s * (by - ay)];
          if (lx > from - 2 && lx < from + width + 2 && Math.abs(ly - py - dy) < height / 2 + 2) hits += 1;
        }
      }
    }
    return hits;
  };
  const best = places.map((place) => [crossed(place), place]).sort((a, b) => a[0] - b[0])[0]?.[1] ?? {
    anchor: "start",
    dy: 0,
  };
  return { x: px + { start: 9, end: -9, middle: 0 }[best.anchor], y: py + best.dy + 4, "text-anchor": best.anchor };
};

let clips = 0;
export const lines = (host, options) => {
  const { title, x: across, y: up, pick = null, height = 190 } = options;
  const figure = node("figure", "plot", host);
  label(title, node("figcaption", "", figure));
  const frame = node("div", "plot-frame", figure);
  const svg = label(title, svgNode("svg", { tabindex: 0, role: "group" }, frame), "aria-label");
  const tip = node("div", "plot-tip", frame);
  tip.hidden = true;
  const spoken = node("p", "visually-hidden", frame);
  spoken.setAttribute("aria-live", "polite");
  const clip = `plot-clip-${clips++}`;
  let data = { series: [], marks: [] };
  let placed = null; // what the pointer needs: the scale and the x of all points
  let at = null; // the x that is pointed at

  const draw = (next = data) => {
    data = next;
    const width = Math.floor(frame.clientWidth);
    if (!width) return; // on a hidden tab; the ResizeObserver comes back
    svg.replaceChildren();
    put(svg, { width, height, viewBox: `0 0 ${width} ${height}` });
    const { series, marks = [] } = data;
    const all = series.flatMap(({ points }) => points);
    const horizontal = axis([...all.map(([x]) => x), ...marks.map(({ x }) => x)], across, Math.max(2, width / 70));
    const heights = finite(all).map(([, y]) => y);
    const vertical = axis(heights, up, 4);
    const hasZero = Boolean(across.log && across.zero);
    const [right, bottom] = [width - RIGHT, height - BOTTOM];
    const x = scale(horizontal, across, LEFT, right, hasZero);
    const y = scale(vertical, up, bottom, TOP);
    const grid = svgNode("g", { class: "plot-axis", "aria-hidden": "true" }, svg);
    for (const [v, text] of vertical.ticks) {
      svgNode("line", { x1: LEFT, x2: right, y1: y(v), y2: y(v) }, grid);
      svgNode("text", { x: LEFT - 6, y: y(v) + 4, "text-anchor": "end" }, grid).textContent = text;
    }
    const below = hasZero ? [[0, "0"], ...horizontal.ticks] : horizontal.ticks;
    for (const [v, text] of below) {
      svgNode("line", { x1: x(v), x2: x(v), y1: bottom, y2: bottom + 4, class: "tick" }, grid);
      svgNode("text", { x: x(v), y: bottom + 16, "text-anchor": "middle" }, grid).textContent = text;
    }
    svgNode(
      "text",
      { x: (LEFT + right) / 2, y: height - 3, "text-anchor": "middle", class: "name" },
      grid,
    ).textContent = t(across.label);
    for (const { x: value, label: name, colour, dash = "" } of marks) {
      const line = svgNode("line", { x1: x(value), x2: x(value), y1: TOP, y2: bottom, class: "plot-mark" }, svg);
      put(line, { style: `stroke: ${colour ?? "var(--ink)"}`, "stroke-dasharray": dash });
      const left = x(value) > (LEFT + right) / 2;
      const at = {
        x: x(value) + (left ? -4 : 4),
        y: TOP - 3,
        "text-anchor": left ? "end" : "start",
        class: "plot-name",
      };
      svgNode("text", at, svg).textContent = name;
    }
    svgNode(
      "rect",
      { x: LEFT, y: TOP - 4, width: right - LEFT + 4, height: bottom - TOP + 8 },
      svgNode("clipPath", { id: clip }, svg),
    );
    const inside = svgNode("g", { "clip-path": `url(#${clip})` }, svg);
    const ends = [];
    for (const { points, colour, dash = "", mark = "", thin = false } of series) {
      let path = "";
      let pen = "M";
      for (const [px, py] of points) {
        if (Number.isFinite(py)) path += `${pen}${x(px).toFixed(1)} ${y(py).toFixed(1)}`;
        pen = Number.isFinite(py) ? "L" : "M";
      }
      const look = {
        class: thin ? "plot-line thin" : "plot-line",
        style: `stroke: ${colour}`,
        "stroke-dasharray": dash,
      };
      svgNode("path", { d: path, ...look }, inside);
      const known = finite(points);
      if (!known.length) continue;
      if (known.length <= 16) {
        for (const [px, py] of known)
          svgNode("circle", { cx: x(px), cy: y(py), r: 2.5, style: `fill: ${colour}` }, inside);
      }
      const [lastX, lastY] = known.at(-1);
      if (mark)
        ends.push({ mark, x: Math.min(x(lastX) + 4, width - 8), y: Math.min(Math.max(y(lastY), TOP), bottom) + 4 });
      if (!up.best) continue;
      const [bestX, bestY] = known.reduce((a, b) => (up.best(a[1], b[1]) === a[1] ? a : b));
      svgNode("circle", { cx: x(bestX), cy: y(bestY), r: 6, class: "plot-best" }, svg);
      const said = t("best {value}", { value: (up.read ?? up.format ?? short)(bestY) });
      const room = { left: LEFT, right, top: TOP, bottom };
      const lines = series.map((one) => finite(one.points).map(([px, py]) => [x(px), y(py)]));
      svgNode(
        "text",
        { ...beside(x(bestX), y(bestY), said.length * LETTER, room, lines), class: "plot-name" },
        svg,
      ).textContent = said;
    }
    // Marks that would lie on each other move apart, the lower ones down.
    ends.sort((a, b) => a.y - b.y);
    ends.forEach((end, i) => {
      if (i && end.y < ends[i - 1].y + 11) end.y = ends[i - 1].y + 11;
    });
    const over = Math.max(0, (ends.at(-1)?.y ?? 0) - (bottom + 8));
    for (const { mark, ...end } of ends)
      svgNode("text", { ...end, y: end.y - over, class: "plot-name" }, svg).textContent = mark;
    if (all.length && !finite(all).length) {
      const middle = { x: (LEFT + right) / 2, y: (TOP + bottom) / 2, "text-anchor": "middle", class: "plot-name" };
      svgNode("text", middle, svg).textContent = t("infinite everywhere");
    }
    placed = { x, right, bottom, xs: [...new Set(all.map(([v]) => v))].sort((a, b) => a - b) };
    point(at, false);
  };

  // Show the numbers at the x nearest to a value; null hides them.
  const point = (value, aloud) => {
    svg.querySelector(".plot-cross")?.remove();
    at = value;
    tip.hidden = value === null || !placed?.xs.length;
    if (tip.hidden) return;
    const { x, right, bottom, xs } = placed;
    at = xs.reduce((best, v) => (Math.abs(x(v) - x(value)) < Math.abs(x(best) - x(value)) ? v : best));
    svgNode("line", { x1: x(at), x2: x(at), y1: TOP, y2: bottom, class: "plot-cross" }, svg);
    const format = { x: across.format ?? short, y: up.read ?? up.format ?? short };
    tip.replaceChildren();
    node("b", "", tip, `${t(across.label)} ${format.x(at)}`);
    const said = [];
    let row = null;
    for (const { name, points, colour, dash, thin } of data.series) {
      const found = points.find(([v]) => v === at);
      if (!found) continue;
      const text = format.y(found[1]);
      said.push(`${name} ${text}`);
      if (thin && row) {
        row.children[1].textContent += ` (${name} ${text})`; // belongs to the line before it
        continue;
      }
      row = node("div", "", tip);
      const swatch = svgNode("svg", { width: 22, height: 8, "aria-hidden": "true" }, row);
      svgNode(
        "line",
        { x1: 0, x2: 22, y1: 4, y2: 4, class: "plot-line", style: `stroke: ${colour}`, "stroke-dasharray": dash ?? "" },
        swatch,
      );
      node("strong", "", row, text);
      node("span", "", row, name);
    }
    const over = x(at) > (LEFT + right) / 2;
    tip.style.left = over ? "auto" : `${x(at) + 10}px`;
    tip.style.right = over ? `${frame.clientWidth - x(at) + 10}px` : "auto";
    if (aloud) say(spoken, `${t(across.label)} ${format.x(at)}: ${said.join(", ")}`);
  };

  const under = (event) => {
    if (!placed?.xs.length) return null;
    const from = event.clientX - svg.getBoundingClientRect().left;
    return placed.xs.reduce((best, v) => (Math.abs(placed.x(v) - from) < Math.abs(placed.x(best) - from) ? v : best));
  };
  svg.addEventListener("pointermove", (event) => point(under(event), false));
  svg.addEventListener("pointerleave", () => point(null, false));
  svg.addEventListener("blur", () => point(null, false));
  svg.addEventListener("keydown", (event) => {
    const { xs } = placed ?? { xs: [] };
    if (!xs.length) return;
    const now = xs.indexOf(at);
    const moves = { ArrowLeft: now < 0 ? xs.length - 1 : now - 1, ArrowRight: now + 1, Home: 0, End: xs.length - 1 };
    if (event.key in moves) point(xs[Math.min(Math.max(moves[event.key], 0), xs.length - 1)], true);
    else if (event.key === "Escape") point(null, false);
    else if ((event.key === "Enter" || event.key === " ") && pick && at !== null) pick(at);
    else return;
    event.preventDefault();
  });
  if (pick) {
    svg.classList.add("plot-pick");
    svg.addEventListener("click", (event) => {
      const value = under(event);
      if (value !== null) pick(value);
    });
  }
  new ResizeObserver(() => draw()).observe(frame);
  return { draw, figure };
};

export const map = (host, { title, x: across, y: up, format = short, name, pick }) => {
  const figure = node("figure", "plot map", host);
  label(title, node("figcaption", "", figure));
  const frame = node("div", "map-frame", figure);
  const table = node("table", "", frame);
  let built = "";
  let cells = [];

  const draw = ({ xs, ys, values, current = [], best = null }) => {
    const key = JSON.stringify([xs, ys]);
    if (built !== key) build(xs, ys);
    built = key;
    const known = values.flat().filter((v) => Number.isFinite(v));
    const high = Math.max(...known);
    const low = Math.min(...goodPart(known, Math.max)); // far worse ones share the palest cell
    cells.forEach((row, r) =>
      row.forEach((button, c) => {
        const v = values[r][c];
        button.disabled = v === undefined;
        const share = Number.isFinite(v) && high > low ? Math.max(v - low, 0) / (high - low) : 0;
        button.style.setProperty("--share", Number.isFinite(v) ? (0.1 + 0.8 * share).toFixed(3) : 0);
        button.classList.toggle("best", best ? best.has(`${r} ${c}`) : v === high);
        const here = xs[c] === current[0] && ys[r] === current[1];
        put(button, { "aria-pressed": here });
        say(button, v === undefined ? "" : v === null ? "…" : format(v));
        const told = v === undefined ? t("not possible") : v === null ? t("still to come") : `${t(name)} ${format(v)}`;
        button.setAttribute("aria-label", `${up.label} ${short(ys[r])}, ${across.label} ${short(xs[c])}: ${told}`);
      }),
    );
  };

  const build = (xs, ys) => {
    table.replaceChildren();
    const head = node("tr", "", node("thead", "", table));
    node("th", "corner", head, `${up.label} ↓ ${across.label} →`).scope = "col";
    for (const x of xs) node("th", "", head, minus(String(x))).scope = "col";
    const body = node("tbody", "", table);
    cells = ys.map((y) => {
      const row = node("tr", "", body);
      node("th", "", row, minus(String(y))).scope = "row";
      return xs.map((x) => {
        const button = node("button", "", node("td", "", row));
        button.type = "button";
        button.tabIndex = -1;
        button.addEventListener("click", () => pick(x, y));
        return button;
      });
    });
    if (cells[0]?.[0]) cells[0][0].tabIndex = 0;
  };

  // One stop of the tab key; the arrows move inside.
  table.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    const row = cells.findIndex((list) => list.includes(event.target));
    if (!step || row < 0) return;
    const column = cells[row].indexOf(event.target);
    const next = cells[row + step[0]]?.[column + step[1]];
    if (next) {
      event.target.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    }
    event.preventDefault();
  });
  return { draw, figure };
};
