// Random numbers that are the same in every run.

/**
 * @param {number} seed
 * @returns {() => number} draws from 0 to 1 (mulberry32)
 */
export const uniform = (seed) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
};

/**
 * @param {() => number} draw
 * @returns {() => number} draws from a normal distribution (Box and Muller)
 */
export const normal = (draw) => () => Math.sqrt(-2 * Math.log(1 - draw())) * Math.cos(2 * Math.PI * draw());

/**
 * @template T
 * @param {() => number} draw
 * @param {readonly T[]} list
 */
export const pick = (draw, list) => list[Math.floor(draw() * list.length)];
