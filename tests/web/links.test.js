// The grammar of links, both ways: what is spelled is read as the same, and what is wrong is left out with a notice.

/** @import { Control, Family, Notice, Setting, Value } from "../../assets/web/types.js" */

import assert from "node:assert/strict";
import { test } from "node:test";

import { opening, openings, parse, spell } from "../../assets/web/links.js";
import { facts } from "./facts.js";
import { pick, uniform } from "./random.js";

const OPENING = "image=cat&family=bounded&method=clamp&lo=-2&hi=1.5";
const LEFT_OUT = "{what} in the link is not {wanted}; it was ignored.";
const REPEATED = "{name} is in the link more than once; the first one was used.";
const PROTOTYPE = ["constructor", "__proto__", "toString", "hasOwnProperty", "valueOf", "prototype"];
const TARGETS = [
  "raw top-1",
  "cat",
  "a, b: c",
  "50 % + 1 & more=less?#x",
  "“ü” 猫 🐈",
  " ",
  "%2C%3A",
  "__proto__",
  "a;b",
];

/**
 * A page with what every owner's controls show.
 *
 * @param {Record<string, Record<string, Value>>} shown owner -> key -> value
 * @param {Partial<Parameters<typeof spell>[0]>} rest
 * @returns {Parameters<typeof spell>[0]}
 */
const pageOf = (shown, rest = {}) => ({
  tab: "explore",
  image: "cat",
  model: "cifar10",
  a: null,
  extra: [],
  get: (owner, key) => shown[owner][key],
  ...rest,
});

const fresh = () => {
  const owners = Object.keys(facts.controls);
  /** @type {Record<string, Record<string, Value>>} */
  const shown = Object.fromEntries(owners.map((owner) => [owner, openings(facts, owner)]));
  shown.explore.family = "bounded";
  return shown;
};

/**
 * @param {() => number} draw
 * @param {Control} control
 * @returns {Value}
 */
const anyValue = (draw, control) => {
  if (control.kind === "flag") return draw() < 0.5;
  if (control.kind === "text") return pick(draw, TARGETS);
  if (control.kind === "choice") return pick(draw, control.values);
  if (control.kind === "vector") return pick(draw, ["", "cat=2", "*=0.5; dog=-1; #3=4", "a & b=1e-3"]);
  if (control.kind === "mask") return pick(draw, ["", "cat", "cat; #3; a:b", "*"]);
  const { low, high, whole } = control;
  if (draw() < 0.2) return draw() < 0.5 ? low : high;
  const value = low + draw() * (high - low);
  if (whole) return Math.round(value);
  return draw() < 0.5 ? value : Math.min(Math.max(Number(value.toPrecision(3)), low), high);
};

/**
 * @param {() => number} draw
 * @param {Record<string, Control>} controls
 */
const anySetting = (draw, controls) => {
  /** @type {Record<string, Value>} */
  const values = {};
  for (const [key, control] of Object.entries(controls))
    values[key] = draw() < 0.4 ? control.opening : anyValue(draw, control);
  if (Number(values.lo) > Number(values.hi)) [values.lo, values.hi] = [values.hi, values.lo];
  return values;
};

/**
 * @param {() => number} draw
 * @returns {Setting}
 */
const anyA = (draw) => {
  const values = anySetting(draw, facts.controls.explore);
  /** @param {string[]} keys */
  const only = (keys) => /** @type {any} */ (Object.fromEntries(keys.map((key) => [key, values[key]])));
  return { methods: only(facts.families), settings: only(Object.keys(facts.parameters)) };
};

/** @param {Notice[]} notices */
const texts = (notices) => notices.map(({ text }) => text);

test("many random settings are read as they were spelled", () => {
  const draw = uniform(1);
  for (let round = 0; round < 2000; round++) {
    /** @type {Record<string, Record<string, Value>>} */
    const shown = {};
    for (const [owner, controls] of Object.entries(facts.controls)) shown[owner] = anySetting(draw, controls);
    shown.explore.family = pick(draw, facts.families);
    const [image, model, tab] = [pick(draw, facts.images), pick(draw, facts.models), pick(draw, facts.tabs)];
    const a = draw() < 0.5 ? anyA(draw) : null;
    const query = spell(pageOf(shown, { image, model, tab, a }), facts);
    const link = parse(query, facts);
    assert.deepEqual(link.notices, [], query);
    assert.equal(link.image, image, query);
    assert.equal(link.model ?? facts.models[0], model, query);
    assert.equal(link.tab ?? "explore", tab, query);
    assert.deepEqual(link.a, a, query);
    /** @type {typeof shown} */
    const read = {};
    for (const owner of Object.keys(facts.controls)) read[owner] = { ...openings(facts, owner), ...link.wanted[owner] };
    assert.deepEqual(read, shown, query);
    assert.equal(spell(pageOf(read, { image, model, tab, a }), facts), query);
  }
});

test("the page as it opens has the shortest query", () => {
  assert.equal(spell(pageOf(fresh()), facts), OPENING);
  assert.equal(opening(facts), OPENING);
});

test("a visitor's own picture and head are spelled as the page's first", () => {
  assert.equal(spell(pageOf(fresh(), { image: null }), facts), OPENING);
});

test("the numbers of the method are always there, the others only where they have moved", () => {
  const shown = fresh();
  shown.explore.family = "probability";
  assert.equal(spell(pageOf(shown), facts), "image=cat&family=probability&method=softmax&t=1");
  Object.assign(shown.explore, { lam: 0, gradient: true, k: 3 });
  shown.train.batch = 64;
  shown.train.temperature = 2;
  assert.equal(
    spell(pageOf(shown, { tab: "train" }), facts),
    "tab=train&image=cat&family=probability&method=softmax&t=1&lam=0&k=3&gradient=1&train.t=2&train.batch=64",
  );
});

test("a query stays readable, and whatever else is in a value is escaped", () => {
  const shown = fresh();
  shown.explore.target = "a, b: c & d=e + 1%";
  const query = spell(pageOf(shown, { extra: [["hide", "header,table"]] }), facts);
  assert.match(query, /&target=a,%20b:%20c%20%26%20d=e%20%2B%201%25&hide=header,table$/);
});

test("A is spelled with the names of links and read back", () => {
  /** @type {Setting} */
  const a = {
    methods: { bounded: "smooth_clamp", probability: "entmax15", regularised: "prox_l2" },
    settings: {
      ...{ lo: -1.25, hi: 1e-7, temperature: 0.05, lam: 0, radius: 100 },
      ...{ offset: "a & b=2; #3=-1", excluded: "cat" },
    },
  };
  const query = spell(pageOf(fresh(), { a }), facts);
  const spelled =
    "a=bounded:smooth_clamp,probability:entmax15,regularised:prox_l2,lo:-1.25,hi:1e-7,t:0.05,lam:0,radius:100," +
    "offset:a%20%26%20b=2;%20%233=-1,without:cat";
  assert.ok(query.endsWith(`&${spelled}`), query);
  assert.deepEqual(parse(query, facts).a, a);
});

test("a text about classes with commas stays one part of A", () => {
  /** @type {any} */
  const a = { methods: {}, settings: { offset: "bird2=1, cat=2" } };
  const query = spell(pageOf(fresh(), { a }), facts);
  const read = parse(query, facts);
  assert.deepEqual(read.notices, []);
  assert.equal(read.a?.settings.offset, "bird2=1; cat=2");
});

test("what A does not say has its default", () => {
  const { a, notices } = parse("a=t:2", facts);
  assert.deepEqual(notices, []);
  assert.deepEqual(a, {
    methods: { bounded: "clamp", probability: "softmax", regularised: "prox_l1" },
    settings: { lo: -2, hi: 1.5, temperature: 2, lam: 0.5, radius: 3, offset: "", excluded: "" },
  });
});

test("of an A with something wrong in it, the rest counts", () => {
  const link = parse("a=lo:-3,hi:99,bounded:softmax,nothing:1,temperature:2,lo:-4", facts);
  assert.deepEqual(link.a?.settings, {
    ...{ lo: -3, hi: 1.5, temperature: 1, lam: 0.5, radius: 3, offset: "", excluded: "" },
  });
  assert.equal(link.a?.methods.bounded, "clamp");
  assert.deepEqual(texts(link.notices), [LEFT_OUT, LEFT_OUT, LEFT_OUT, LEFT_OUT, REPEATED]);
  const repeated = link.notices.at(-1);
  assert.deepEqual(repeated?.values, { name: "a=lo" });
});

test("an A of which nothing can be read is left out", () => {
  for (const text of ["", "lo", "lo:", "lo:x", ":", ",,,", "constructor:1", "__proto__:clamp", "toString"]) {
    const { a, notices } = parse(`a=${text}`, facts);
    assert.equal(a, undefined, text);
    assert.ok(notices.length > 0, text);
  }
  const crossed = parse("a=lo:3,hi:2", facts);
  assert.equal(crossed.a, undefined);
  assert.deepEqual(texts(crossed.notices), ["In the link, A has {lower} above {upper}; A was ignored."]);
});

test("an empty query asks for nothing", () => {
  assert.deepEqual(parse("", facts), {
    ...{ wanted: {}, image: null, model: null, tab: null, lesson: null, step: null, present: null, teacher: null },
    ...{ hide: null, a: null, notices: [] },
  });
});

/** @type {[name: string, text: string, wanted: string][]} a query's name, a value that is wrong, and what it should be */
const WRONG = [
  ["lo", "", "a number from {low} to {high}"],
  ["lo", " ", "a number from {low} to {high}"],
  ["lo", "x", "a number from {low} to {high}"],
  ["lo", "-20.01", "a number from {low} to {high}"],
  ["lo", "1,5", "a number from {low} to {high}"],
  ["hi", "20.01", "a number from {low} to {high}"],
  ["hi", "NaN", "a number from {low} to {high}"],
  ["hi", "Infinity", "a number from {low} to {high}"],
  ["hi", "-Infinity", "a number from {low} to {high}"],
  ["hi", "1e999", "a number from {low} to {high}"],
  ["t", "0", "a number from {low} to {high}"],
  ["k", "2.5", "a whole number from {low} to {high}"],
  ["k", "1", "a number from {low} to {high}"],
  ["k", "", "a whole number from {low} to {high}"],
  ["gradient", "yes", "0 or 1"],
  ["gradient", "", "0 or 1"],
  ["bounded", "softmax", "one of {list}"],
  ["probability", "", "one of {list}"],
  ["family", "raw", "one of {list}"],
  ["method", "relu", "one of {list}"],
  ["image", "unicorn", "one of {list}"],
  ["model", "resnet152", "one of {list}"],
  ["tab", "settings", "one of {list}"],
  ["present", "2", "0 or 1"],
  ["teacher", "yes", "0 or 1"],
  ["hide", "everything", "one of {list}"],
  ["train.method", "relu", "one of {list}"],
  ["train.batch", "63", "one of {list}"],
  ["train.learned", "2", "0 or 1"],
  ["train.epochs", "9", "a number from {low} to {high}"],
  ["train.epochs", "99.5", "a whole number from {low} to {high}"],
  ["train.noise", "0.61", "a number from {low} to {high}"],
  ["calibrate.t", "21", "a number from {low} to {high}"],
  ["calibrate.method", "", "one of {list}"],
  ["train.nothing", "1", "one of {list}"],
  ["train.temperature", "1", "one of {list}"],
  ["train", "1", "one of {list}"],
];

for (const [name, text, wanted] of WRONG) {
  test(`${name}=${text} gives its notice and is left out`, () => {
    const link = parse(new URLSearchParams([[name, text]]).toString(), facts);
    assert.deepEqual(texts(link.notices), [LEFT_OUT]);
    const [{ values }] = link.notices;
    assert.equal(values?.what, `${name}=${text}`);
    assert.deepEqual(texts([/** @type {Notice} */ (values?.wanted)]), [wanted]);
    for (const given of Object.values(link.wanted)) assert.deepEqual(given, {});
    for (const part of [link.image, link.model, link.tab, link.present, link.teacher, link.a])
      assert.equal(part ?? null, null);
    assert.deepEqual(link.hide ?? [], []);
  });
}

test("a wrong value leaves its neighbours", () => {
  const link = parse("image=dog&lo=x&hi=3&hide=header,everything,table&train.epochs=1&train.lo=0", facts);
  assert.equal(link.image, "dog");
  assert.deepEqual(link.wanted, { explore: { hi: 3 }, train: { lo: 0 } });
  assert.deepEqual(link.hide, ["header", "table"]);
  assert.equal(link.notices.length, 3);
});

test("a notice repeats no more than a few letters of a long value", () => {
  const link = parse(`image=${"x".repeat(10_000)}&lo=${"9".repeat(10_000)}&a=${"y".repeat(10_000)}`, facts);
  assert.equal(link.notices.length, 3);
  for (const { values } of link.notices) assert.ok(String(values?.what).length <= "image=".length + 40);
});

test("of repeated names the first one counts", () => {
  const link = parse(
    "lo=-3&lo=-4&image=dog&image=ship&train.epochs=20&train.epochs=30&a=t:2&a=t:3&hide=table&hide=model",
    facts,
  );
  assert.deepEqual(link.wanted, { explore: { lo: -3 }, train: { epochs: 20 } });
  assert.deepEqual([link.image, link.a?.settings.temperature, link.hide], ["dog", 2, ["table"]]);
  assert.deepEqual(texts(link.notices), Array(5).fill(REPEATED));
  assert.deepEqual(
    link.notices.map(({ values }) => values?.name),
    ["lo", "image", "train.epochs", "a", "hide"],
  );
  // Even if the first one is wrong.
  assert.deepEqual(parse("lo=x&lo=-4", facts).wanted, { explore: {} });
});

test("lo above hi leaves out both, beside each other or beside a default", () => {
  for (const [query, ends] of /** @type {const} */ ([
    ["lo=3&hi=2", { low: "lo=3", high: "hi=2" }],
    ["lo=2", { low: "lo=2", high: "hi=1.5" }],
    ["hi=-3", { low: "lo=-2", high: "hi=-3" }],
  ])) {
    const link = parse(`${query}&k=4`, facts);
    assert.deepEqual(link.wanted, { explore: { k: 4 } }, query);
    assert.deepEqual(texts(link.notices), ["{low} in the link is above {high}; both were ignored."]);
    assert.deepEqual(link.notices[0].values, ends);
  }
  assert.deepEqual(parse("train.lo=2&calibrate.lo=1&lo=1.5", facts).wanted, {
    explore: { lo: 1.5 },
    train: {},
    calibrate: { lo: 1 },
  });
});

test("a method brings its family, and counts where the two disagree", () => {
  assert.deepEqual(parse("method=sparsemax", facts).wanted.explore, {
    probability: "sparsemax",
    family: "probability",
  });
  const link = parse("family=bounded&method=prox_l2&probability=entmax15", facts);
  assert.deepEqual(link.wanted.explore, { probability: "entmax15", regularised: "prox_l2", family: "regularised" });
  assert.deepEqual(texts(link.notices), ["method={method} in the link is {own}, not {family}; the method was used."]);
  assert.equal(Object.keys(parse("method=clamp&k=3", facts).wanted.explore).at(-1), "family"); // others select one, too
});

test("a picture or a model alone is about the Explore tab", () => {
  for (const query of ["image=dog", "model=imagenet", "image=nothing"])
    assert.deepEqual(parse(query, facts).wanted, { explore: {} });
  assert.deepEqual(parse("tab=train", facts).wanted, {});
});

test("numbers are read as they are written anywhere", () => {
  for (const [text, value] of /** @type {const} */ ([
    ["-2.50", -2.5],
    ["1e0", 1],
    [".5", 0.5],
    ["%201%20", 1],
    ["%2B1", 1],
    ["-0", -0],
    ["-20", -20],
  ]))
    assert.deepEqual(parse(`lo=${text}&hi=20`, facts).wanted.explore, { lo: value, hi: 20 }, text);
});

test("switches have several names", () => {
  for (const text of ["1", "true", "on"])
    assert.deepEqual(parse(`gradient=${text}&present=${text}`, facts).present, true);
  for (const text of ["0", "false", "off"]) assert.deepEqual(parse(`teacher=${text}`, facts).teacher, false);
  assert.deepEqual(parse("gradient=on&train.learned=true", facts).wanted, {
    explore: { gradient: true },
    train: { learned: true },
  });
});

test("a choice of numbers is read as numbers", () => {
  assert.deepEqual(parse("train.batch=256", facts).wanted, { train: { batch: 256 } });
  assert.deepEqual(parse("train.method=", facts).wanted, { train: { method: "" } }); // none is a choice
});

test("a lesson and its step are handed on as they are; a step needs one", () => {
  const link = parse("lesson=bounds&step=2", facts);
  assert.deepEqual([link.lesson, link.step, link.notices], ["bounds", "2", []]);
  const alone = parse("step=2", facts);
  assert.deepEqual(texts(alone.notices), ["{what} in the link needs a lesson; it was ignored."]);
  assert.deepEqual(alone.notices[0].values, { what: "step=2" });
});

test("names that are somebody else's are left alone", () => {
  const link = parse("__theme=dark&__sign=abc&utm_source=x&gclid=1&Lo=3&lo.x=1", facts);
  assert.deepEqual([link.wanted, link.notices], [{}, []]);
});

test("words of every object's prototype are words like any other", () => {
  for (const word of PROTOTYPE) {
    const named = parse(`${word}=1&${word}.lo=1&${word}.${word}=1`, facts);
    assert.deepEqual([named.wanted, named.notices], [{}, []], word);
    for (const name of [
      "image",
      "model",
      "tab",
      "method",
      "family",
      "bounded",
      "lo",
      "gradient",
      "hide",
      "a",
      "train.method",
    ]) {
      const link = parse(`${name}=${word}`, facts);
      assert.equal(link.notices.length, 1, `${name}=${word}`);
      for (const given of Object.values(link.wanted)) assert.deepEqual(given, {}, `${name}=${word}`);
    }
    const own = parse(`train.${word}=1`, facts);
    assert.deepEqual([own.wanted, texts(own.notices)], [{}, [LEFT_OUT]]);
    assert.equal(parse(`target=${word}`, facts).wanted.explore.target, word); // a class may have any name
    assert.deepEqual(parse(`a=${word}:1,lo:-3`, facts).a?.settings.lo, -3);
  }
  assert.equal(Object.hasOwn(Object.prototype, "1"), false);
});

test("whatever a query says, reading it ends, and every value is one that its control takes", () => {
  const draw = uniform(2);
  const names = Object.entries(facts.controls).flatMap(([owner, controls]) =>
    Object.keys(controls).map((key) => (owner === "explore" ? key : `${owner}.${key}`).replace("temperature", "t")),
  );
  const values = [
    "",
    "1",
    "-1e9",
    "0x10",
    "clamp",
    "softmax",
    "%",
    "%zz",
    "&&",
    "=",
    "a:b,c",
    "\u0000",
    "𝟙",
    ...PROTOTYPE,
  ];
  for (let round = 0; round < 3000; round++) {
    const parts = Array.from(
      { length: 6 },
      () => `${pick(draw, [...names, "a", "hide", "method"])}=${pick(draw, values)}`,
    );
    const { wanted } = parse(parts.join("&"), facts);
    for (const [owner, given] of Object.entries(wanted)) {
      for (const [key, value] of Object.entries(given)) {
        if (owner === "explore" && key === "family") {
          assert.ok(facts.families.includes(/** @type {Family} */ (value)));
          continue;
        }
        const control = facts.controls[owner][key];
        if (control.kind === "flag") assert.equal(typeof value, "boolean");
        else if (control.kind === "text") assert.equal(typeof value, "string");
        else if (control.kind === "choice") assert.ok(control.values.includes(/** @type {string | number} */ (value)));
        else if (control.kind !== "number") assert.equal(typeof value, "string");
        else assert.ok(Number(value) >= control.low && Number(value) <= control.high);
      }
    }
  }
});
