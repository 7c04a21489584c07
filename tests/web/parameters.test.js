// What differs by class, as a text that a person reads and writes.

/** @import { EachClass } from "../../assets/web/types.js" */

import assert from "node:assert/strict";
import { test } from "node:test";
import { complaint } from "../../assets/web/base/complaint.js";
import { parse, resolve, spell } from "../../assets/web/twins/parameters.js";
import { excluded, offset } from "./facts.js";

const LABELS = ["cat", "dog", "a, b", "twin", "twin"];

/** @type {(text: string, parameter?: EachClass) => unknown} */
const read = (text, parameter = offset) => resolve(parameter, text, LABELS).value;

test("classes get numbers by name or by index, and the others theirs", () => {
  assert.equal(read(""), 0);
  assert.deepEqual(read("cat=2; dog = −1"), [2, -1, 0, 0, 0]);
  assert.deepEqual(read("*=0.5, #2=1e-3\n#4=.25"), [0.5, 0.5, 0.001, 0.5, 0.25]);
});

test("numbers alone are one for all, or one for each", () => {
  assert.equal(read("0.5"), 0.5);
  assert.deepEqual(read("1, 2, 3, 4, 5"), [1, 2, 3, 4, 5]);
  assert.deepEqual(parse(offset, "1, 2, 3", 5).error, { part: "1", why: "form" });
});

test("a mask is a list of classes", () => {
  assert.equal(read("", excluded), false);
  assert.deepEqual(read("dog; #2", excluded), [false, true, true, false, false]);
  assert.equal(spell(excluded, "#1; cat", LABELS), "cat; dog");
  assert.equal(spell(excluded, "dog; *", LABELS), "*");
});

test("names that are no class, two classes, or there twice are told apart and change nothing", () => {
  const found = resolve(offset, "cat=1; bird=2; twin=3; #9=4; cat=5", LABELS);
  assert.deepEqual(found, { value: [1, 0, 0, 0, 0], unknown: ["bird", "twin", "#9"], repeated: ["cat"] });
});

test("what is no number, or out of range, is named", () => {
  for (const text of ["cat", "cat=", "cat=two", "cat=0x10", "cat=Infinity", "cat=1e999", "==", "=1", " = 1; cat=2"]) {
    const { error } = parse(offset, text, 5);
    assert.ok(error, text);
  }
  assert.deepEqual(parse(offset, "cat=9", 5).error, { part: "cat=9", why: "range" });
  assert.deepEqual(complaint(offset, { part: "cat=9", why: "range" }), {
    text: "“{part}” is not a number from {low} to {high}.",
    values: { part: "cat=9", low: -5, high: 5 },
  });
});

test("a text has one form, which says the same and keeps what the model does not have", () => {
  assert.equal(spell(offset, "dog=-1,cat=2", LABELS), "cat=2; dog=-1");
  assert.equal(spell(offset, "1,1,1,2,1", LABELS), "*=1; #3=2");
  assert.equal(spell(offset, "#2=1; bird=2", LABELS), "#2=1; bird=2");
  for (const text of ["", "cat=2; dog=-1", "*=1; #3=2", "#2=1", "0.25", "cat=0", "*=3; cat=0"]) {
    const spelled = spell(offset, text, LABELS);
    assert.deepEqual(read(spelled), text === "cat=0" ? 0 : read(text), text);
    assert.equal(spell(offset, spelled, LABELS), spelled);
  }
});
