// Where a text goes beside a point: of several places around it inside the plot, the one that lines cross least.

/**
 * @typedef {[x: number, y: number]} Point in px
 * @typedef {"start" | "end" | "middle"} Anchor of a text
 * @typedef {{anchor: Anchor, dy: number, from: number}} Place `from` is the left end of the text
 * @typedef {{left: number, right: number, top: number, bottom: number}} Room
 */

const HEIGHT = 12; // of a text
const ABOVE = 8; // that it may stand out of the plot at the top

/** @type {Record<Anchor, number>} */
const OFFSET = { start: 9, end: -9, middle: 0 };
const ANCHORS = /** @type {Anchor[]} */ (Object.keys(OFFSET));

/**
 * @param {Point} point
 * @param {number} width
 * @param {Room} room
 */
const placesAround = ([px, py], width, room) => {
  /** @type {Record<Anchor, number>} */
  const left = { start: px + OFFSET.start, end: px + OFFSET.end - width, middle: px - width / 2 };
  /** @type {Place[]} */
  const places = [];
  for (const dy of [0, -15, 15, -28, 28]) {
    for (const anchor of ANCHORS) {
      if (anchor === "middle" && !dy) continue; // on the point itself
      const from = left[anchor];
      const [top, bottom] = [py + dy - HEIGHT / 2, py + dy + HEIGHT / 2];
      if (from < room.left || from + width > room.right || top < room.top - ABOVE || bottom > room.bottom) continue;
      places.push({ anchor, dy, from });
    }
  }
  return places;
};

/**
 * How much of the lines runs through a text.
 *
 * @param {number} from its left end
 * @param {number} middle its height
 * @param {number} width
 * @param {Point[][]} lines
 */
const crossings = (from, middle, width, lines) => {
  let hits = 0;
  for (const points of lines) {
    for (let i = 1; i < points.length; i++) {
      const [[ax, ay], [bx, by]] = [points[i - 1], points[i]];
      for (let s = 0; s <= 1; s += 0.05) {
        const [x, y] = [ax + s * (bx - ax), ay + s * (by - ay)];
        if (x > from - 2 && x < from + width + 2 && Math.abs(y - middle) < HEIGHT / 2 + 2) hits += 1;
      }
    }
  }
  return hits;
};

/**
 * @param {Point} point
 * @param {number} width of the text
 * @param {Room} room the plot
 * @param {Point[][]} lines
 * @returns {{x: number, y: number, "text-anchor": Anchor}} attributes of the text
 */
export const beside = (point, width, room, lines) => {
  const [px, py] = point;
  let best = { anchor: /** @type {Anchor} */ ("start"), dy: 0 };
  let least = Infinity;
  for (const { anchor, dy, from } of placesAround(point, width, room)) {
    const hits = crossings(from, py + dy, width, lines);
    if (hits < least) [best, least] = [{ anchor, dy }, hits];
  }
  return { x: px + OFFSET[best.anchor], y: py + best.dy + 4, "text-anchor": best.anchor };
};
