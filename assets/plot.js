// Line plots and maps for the tabs that show what happens over epochs, over lambda, over T, or over a box.
//
//   const p = plot.lines(host, { title, x, y, pick })     p.draw({ series, marks })
//   const m = plot.map(host, { title, x, y, format, pick })   m.draw({ xs, ys, values, current })
//
// A line plot
//   x, y     { label, log, zero, low, high, skip, format, read }; `format` gives the text of a tick, `read` that of a
//            number that is pointed at. Without low and high the axis fits the data, but for the first `skip` points of
//            each series; `zero` keeps 0 on it. A log axis that is to show 0 has it to the left of its lowest decade.
//   series   [{ name, points: [[x, y], ...], colour, dash, mark, thin }]; a point that is not finite breaks the line,
//            `mark` is a short text at its end. Colour never stands alone: dash, mark or thin tell series apart.
//   marks    [{ x, label, colour, dash }]; vertical lines.
//   pick     called with the x that is pointed at, on a click or Enter.
// Pointing at it, or the arrow keys, show the numbers of all series at the nearest x.
//
// A map is a table of numbers whose cells are buttons; the deeper the colour the larger the number. values[row][column]
// belongs to (xs[column], ys[row]); null is a number that is still to come, undefined one that cannot exist.

(() => {
  "use strict";

  const { minus, niceStep, svgNode, node, put, say, short } = globalThis.page;
  const LEFT = 46;
  const RIGHT = 14;
  const TOP = 14;
  const BOTTOM = 36;
  const GAP = 38; // between 0 and the lowest decade of a log axis

  const finite = (points) => points.filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y));

  // The ends of an axis, and its ticks as [value, text].
  const axis = (values, { log = false, zero = false, low, high, format }, wanted) => {
    const fits = values.filter((v) => Number.isFinite(v) && (!log || v > 0));
    let [from, to] = [low ?? Math.min(...fits, ...(zero && !log ? [0] : [])), high ?? Math.max(...fits)];
    if (!Number.isFinite(from) || !Number.isFinite(to)) [from, to] = log ? [0.1, 10] : [0, 1];
    if (log) {
      const [first, last] = [Math.ceil(Math.log10(from) - 1e-9), Math.floor(Math.log10(to) + 1e-9)];
      const every = Math.max(1, Math.ceil((last - first) / wanted));
      const ticks = [];
      for (let power = first; power <= last; power += every) {
        const v = Number(`1e${power}`);
        ticks.push([v, (format ?? short)(v)]);
      }
      return { from, to: to > from ? to : from * 10, ticks };
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
      return first + Math.min(Math.max(share, -0.02), 1.02) * (end - first);
    };
  };

  const lines = (host, options) => {
    const { title, x: across, y: up, pick = null, height = 190 } = options;
    const figure = node("figure", "plot", host);
    node("figcaption", "", figure, title);
    const frame = node("div", "plot-frame", figure);
    const svg = svgNode("svg", { tabindex: 0, role: "group", "aria-label": title }, frame);
    const tip = node("div", "plot-tip", frame);
    tip.hidden = true;
    const spoken = node("p", "visually-hidden", frame);
    spoken.setAttribute("aria-live", "polite");
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
      const fitted = series.flatMap(({ points }) => (points.length > (up.skip ?? 0) + 1 ? points.slice(up.skip ?? 0) : points));
      const vertical = axis(finite(fitted).map(([, y]) => y), up, 4);
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
      svgNode("text", { x: (LEFT + right) / 2, y: height - 3, "text-anchor": "middle", class: "name" }, grid).textContent =
        across.label;
      for (const { x: value, label, colour, dash = "" } of marks) {
        const line = svgNode("line", { x1: x(value), x2: x(value), y1: TOP, y2: bottom, class: "plot-mark" }, svg);
        put(line, { style: `stroke: ${colour ?? "var(--ink)"}`, "stroke-dasharray": dash });
        const left = x(value) > (LEFT + right) / 2;
        const at = { x: x(value) + (left ? -4 : 4), y: TOP - 3, "text-anchor": left ? "end" : "start", class: "plot-name" };
        svgNode("text", at, svg).textContent = label;
      }
      for (const { points, colour, dash = "", mark = "", thin = false } of series) {
        let path = "";
        let pen = "M";
        let last = null;
        for (const [px, py] of points) {
          if (!Number.isFinite(py)) {
            pen = "M";
            continue;
          }
          path += `${pen}${x(px).toFixed(1)} ${y(py).toFixed(1)}`;
          pen = "L";
          last = [px, py];
        }
        svgNode("path", { d: path, class: thin ? "plot-line thin" : "plot-line", style: `stroke: ${colour}`, "stroke-dasharray": dash }, svg);
        if (finite(points).length <= 16) {
          for (const [px, py] of finite(points)) {
            svgNode("circle", { cx: x(px), cy: y(py), r: 2.5, style: `fill: ${colour}` }, svg);
          }
        }
        if (last && mark) {
          const end = { x: Math.min(x(last[0]) + 4, width - 8), y: y(last[1]) + 4, class: "plot-name" };
          svgNode("text", end, svg).textContent = mark;
        }
      }
      if (all.length && !finite(all).length) {
        const middle = { x: (LEFT + right) / 2, y: (TOP + bottom) / 2, "text-anchor": "middle", class: "plot-name" };
        svgNode("text", middle, svg).textContent = "infinite everywhere";
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
      node("b", "", tip, `${across.label} ${format.x(at)}`);
      const said = [];
      for (const { name, points, colour, dash, thin } of data.series) {
        const found = points.find(([v]) => v === at);
        if (!found) continue;
        const row = node("div", "", tip);
        const swatch = svgNode("svg", { width: 22, height: 8, "aria-hidden": "true" }, row);
        svgNode("line", { x1: 0, x2: 22, y1: 4, y2: 4, class: thin ? "plot-line thin" : "plot-line", style: `stroke: ${colour}`, "stroke-dasharray": dash ?? "" }, swatch);
        const text = `${name} ${format.y(found[1])}`;
        node("span", "", row, text);
        said.push(text);
      }
      const over = x(at) > (LEFT + right) / 2;
      tip.style.left = over ? "auto" : `${x(at) + 10}px`;
      tip.style.right = over ? `${frame.clientWidth - x(at) + 10}px` : "auto";
      if (aloud) say(spoken, `${across.label} ${format.x(at)}: ${said.join(", ")}`);
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

  const map = (host, { title, x: across, y: up, format = short, name, pick }) => {
    const figure = node("figure", "plot map", host);
    node("figcaption", "", figure, title);
    const frame = node("div", "map-frame", figure);
    const table = node("table", "", frame);
    let built = "";
    let cells = [];

    const draw = ({ xs, ys, values, current = [] }) => {
      const key = JSON.stringify([xs, ys]);
      if (built !== key) build(xs, ys);
      built = key;
      const known = values.flat().filter((v) => Number.isFinite(v));
      const [low, high] = [Math.min(...known), Math.max(...known)];
      cells.forEach((row, r) =>
        row.forEach((button, c) => {
          const v = values[r][c];
          button.disabled = v === undefined;
          const share = Number.isFinite(v) && high > low ? (v - low) / (high - low) : 0;
          button.style.setProperty("--share", Number.isFinite(v) ? (0.1 + 0.8 * share).toFixed(3) : 0);
          button.classList.toggle("best", v === high);
          const here = xs[c] === current[0] && ys[r] === current[1];
          put(button, { "aria-pressed": here });
          say(button, v === undefined ? "" : v === null ? "…" : format(v));
          const told = v === undefined ? "not possible" : v === null ? "still to come" : `${name} ${format(v)}`;
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

  globalThis.plot = { lines, map };
})();
