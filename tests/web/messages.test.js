// Messages: who reads them, and which answers come too late.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, isOvertaken, overtake, read, receive } from "../../assets/web/base/messages.js";

/** Readers of some kinds, which keep what they were handed. */
const kept = (/** @type {string[]} */ ...kinds) => {
  /** @type {object[]} */
  const messages = [];
  const keep = (/** @type {object} */ message) => messages.push(message);
  return { messages, readers: Object.fromEntries(kinds.map((kind) => [kind, keep])) };
};

/** Asks for a script; the number of the question. */
const question = () => ask({ write: () => {} }, "write");

const answer = (/** @type {string} */ kind, /** @type {number} */ number) => JSON.stringify({ kind, question: number });

test("a message goes to the reader of its kind, whole", () => {
  /** @type {unknown[]} */
  const heard = [];
  const readers = {
    logits: (/** @type {object} */ message) => heard.push(["logits", message]),
    set: (/** @type {object} */ message) => heard.push(["set", message]),
  };
  read('{"kind": "set", "name": "mine"}', readers);
  read('{"kind": "logits", "logits": [1, 2]}', readers);
  assert.deepEqual(heard, [
    ["set", { kind: "set", name: "mine" }],
    ["logits", { kind: "logits", logits: [1, 2] }],
  ]);
});

test("before the first message there is nothing to read", () => {
  const { messages, readers } = kept("set");
  read("", readers);
  assert.deepEqual(messages, []);
});

test("a kind that nobody reads is an error that names it", () => {
  for (const kind of ["weather", "constructor"]) {
    assert.throws(() => read(JSON.stringify({ kind }), kept("set").readers), new RegExp(`"${kind}"`));
  }
  assert.throws(() => read("{}", kept("set").readers), /"undefined"/);
});

test("a question says what it says, and has a number; later ones have higher numbers", () => {
  /** @type {any[]} */
  const questions = [];
  const asks = { write: (/** @type {unknown} */ data) => questions.push(data) };
  const data = { script: "plain" };
  const numbers = [ask(asks, "write", data), ask(asks, "write")];
  assert.deepEqual(questions, [{ script: "plain", question: numbers[0] }, { question: numbers[1] }]);
  assert.ok(numbers[1] > numbers[0]);
  assert.deepEqual(data, { script: "plain" });
});

test("what answers a question that was overtaken is not read, whichever answer comes first", () => {
  const { messages, readers } = kept("script");
  const first = question();
  overtake("script");
  const second = question();
  for (const number of [first, second, first]) read(answer("script", number), readers);
  assert.deepEqual(messages, [{ kind: "script", question: second }]);
});

test("a question can be overtaken without a new one", () => {
  const { messages, readers } = kept("script");
  const number = question();
  read(answer("script", number), readers);
  overtake("script");
  read(answer("script", number), readers);
  assert.equal(messages.length, 1);
  assert.deepEqual([isOvertaken("script", number), isOvertaken("script", question())], [true, false]);
});

test("other kinds go on, and so does what answers no question", () => {
  const { messages, readers } = kept("run", "script");
  const numbers = [question(), question()];
  overtake("script");
  for (const number of numbers) read(answer("run", number), readers);
  read('{"kind": "script"}', readers);
  assert.equal(messages.length, 3);
});

test("each new value is read, and the one before is not read again", () => {
  const { messages, readers } = kept("set");
  const props = { value: '{"kind": "set", "name": "first"}' };
  let changed = () => {};
  const watch = (/** @type {string | string[]} */ what, /** @type {() => void} */ work) => {
    assert.equal(what, "value");
    changed = work;
  };
  receive(props, watch, readers);
  assert.deepEqual(messages, []);
  props.value = '{"kind": "set", "name": "second"}';
  changed();
  assert.deepEqual(messages, [{ kind: "set", name: "second" }]);
});
