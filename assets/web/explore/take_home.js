// What a visitor takes home from the Explore tab: the chart as a picture on its own, and its numbers with the
// setting in them. All of it is made here, from what is on screen; the server is not asked.

/** @import { Family, Setting } from "../types.js" */
/** @import { Result } from "./state.js" */

import { save, csv as spelled } from "../base/files.js";
import { FAMILIES, registry } from "../base/registry.js";
import { words } from "../base/words.js";
import { standalone } from "./standalone.js";
import { state } from "./state.js";

const imageName = () => state.image ?? "your picture";
/** @type {(content: string, ending: string) => string} */
const fileName = (content, ending) =>
  `constrained-${state.model}-${imageName()}-${content}.${ending}`.replace(/[^\w.-]+/g, "-");

/**
 * @template T
 * @param {(family: Family) => T} of
 */
const eachFamily = (of) => Object.fromEntries(FAMILIES.map((family) => [family, of(family)]));

/**
 * A setting and what it makes of the logits.
 *
 * @param {Setting} setting
 * @param {Partial<Record<Family, Result>>} outputs
 */
const sideOf = ({ methods, settings }, outputs) => ({
  methods: { ...methods },
  settings: { ...settings },
  words: eachFamily((family) => words(methods[family], settings, (english) => english)),
  outputs: eachFamily((family) => Array.from(outputs[family]?.y ?? [])),
  no_gradient: eachFamily((family) => Array.from(outputs[family]?.dead ?? [], Boolean)),
});

/** All classes in the model's order, every number with all its digits. */
const numbers = () => {
  const { model, labels, logits, a } = state;
  const data = {
    model,
    image: imageName(),
    classes: labels,
    logits: Array.from(logits),
    ...sideOf(state, state.outputs),
  };
  return { ...data, ...(a ? { a: sideOf(a, state.aOutputs) } : {}) };
};

export const json = () => save(fileName("numbers", "json"), `${JSON.stringify(numbers(), null, 1)}\n`);

/** One row per class. Every row has the setting, so that any program reads the file as a plain table. */
const table = () => {
  const data = numbers();
  /** @type {[string, ReturnType<typeof sideOf>][]} */
  const sides = [["", data]];
  if (data.a) sides.push(["a_", data.a]);
  /** @type {[string, (i: number) => unknown][]} */
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

export const csv = () => save(fileName("numbers", "csv"), spelled(table()));

export const svg = () => save(fileName("chart", "svg"), standalone().text);

/** At twice its size, for slides and high-resolution screens. */
export const png = async () => {
  const { text, width, height } = standalone();
  const picture = new Image();
  picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  await picture.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [2 * width, 2 * height];
  canvas.getContext("2d")?.drawImage(picture, 0, 0, canvas.width, canvas.height);
  /** @type {Blob | null} */
  const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
  if (blob) save(fileName("chart", "png"), blob);
};
