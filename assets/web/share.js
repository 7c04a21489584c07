// Links: the address follows the setting, a link puts the setting into the page (links.js has the grammar), and the page
// says what it leaves out.

import { node, put as write } from "./base/dom.js";
import { phrase, t } from "./base/i18n.js";
import { FAMILIES, registry } from "./base/registry.js";
import { position } from "./base/scales.js";
import { opening, openings, parse, spell, wrong } from "./links.js";
import { assign, changed, extended, extending, get, open, pin, rearranged, reflecting, subject, tab } from "./state.js";
import { short } from "./twins/formats.js";

const SETTLED = 250; // ms without a change after which the address follows

// What `hide=` can put out of sight: name -> where it is.
const HIDES = {
  header: "#header",
  tabs: "#tabs > .tab-wrapper",
  picture: "#picture, #camera",
  crops: "#seen",
  samples: "#samples",
  model: "#model",
  webcam: "#live",
  classes: "#top-k",
  gradient: "#gradient, #target",
  actions: "#actions",
  panel: "#picture-panel",
  bounded: "#controls-bounded, figure.bounded",
  probability: "#controls-probability, figure.probability",
  regularised: "#controls-regularised, figure.regularised",
  methods: "#grid [id^='method-']",
  formulas: "#chart figcaption",
  badges: "#chart .badges",
  notes: "#chart .note",
  table: "#chart .numbers",
  compare: "#compare, #compare-help",
  download: "#take-home",
};

export { tab };

let facts = null; // what links.js needs to know, and `order`: gradio's components
let send = {};
let told = null;
let hidden = [];
let expected = null; // {model, target, notices} of a link whose model is on its way: only then are its classes known
let begun = false; // whether the link that the page was opened with is in it

const value = (owner, key) => get(owner, key) ?? facts.controls[owner][key].opening;
const model = () => (facts.models.includes(subject().model) ? subject().model : facts.models[0]);

// What each of gradio's components shows, in the order of `facts.order`: "owner.key", or "owner.key@" for a slider's
// position on a logarithmic scale; then the tab.
export const values = () => [
  ...facts.order.map((name) => {
    const [owner, key] = name.split(/\.(.*)/);
    const plain = key.replace(/@$/, "");
    const now = value(owner, plain);
    if (key.endsWith("@")) return position(facts.controls[owner][plain].scale, now);
    return typeof now === "number" ? now * (facts.controls[owner][plain].unit ?? 1) : now;
  }),
  { __type__: "update", selected: tab },
];

// Out: the setting as a query --------------------------------------------------------------------------------------

export const query = () => {
  const { image, a } = subject();
  const extra = extended();
  if (hidden.length) extra.push(["hide", hidden.join(",")]);
  return spell({ tab, image, model: model(), a, extra, get: value }, facts);
};

// Parameters that belong to gradio or to the host of a Space, such as __theme or __sign, stay in front.
const foreign = () =>
  Array.from(new URLSearchParams(location.search))
    .filter(([key]) => key.startsWith("__"))
    .map(([key, value]) => `${key}=${encodeURIComponent(value)}`);

const address = () => {
  if (!begun) return;
  const now = query();
  const wanted = [...foreign(), ...(now === opening(facts) ? [] : [now])].join("&");
  if (wanted === location.search.slice(1)) return;
  history.replaceState(history.state, "", `${location.pathname}${wanted && "?"}${wanted}${location.hash}`);
};

// A slider on a logarithmic scale stands at a position; a screen reader is told the number that it means.
const speak = () => {
  for (const name of facts?.order.filter((one) => one.endsWith("@")) ?? []) {
    const [owner, key] = name.slice(0, -1).split(".");
    const range = document.querySelector(`#${owner}-${key}-slider input[type=range]`);
    if (range)
      write(range, { "aria-valuetext": `${facts.controls[owner][key].scale.symbol} = ${short(value(owner, key))}` });
  }
};

document.addEventListener("focusin", speak, true); // and of those that came up later still

let settling = 0;
document.addEventListener("setting", () => {
  arrive();
  speak();
  clearTimeout(settling);
  settling = setTimeout(() => {
    address();
    speak(); // of sliders that have only just come up
  }, SETTLED);
});

// In: a query into the page ----------------------------------------------------------------------------------------

const inWords = ({ text, values = {} }) =>
  t(text, Object.fromEntries(Object.entries(values).map(([name, one]) => [name, one?.text ? inWords(one) : one])));

// Put a query into the page. A tab that it says something about takes its defaults for the rest; one that it does not
// mention stays as it is.
export const apply = (text) => {
  const { wanted, image, model: chosen, notices, ...page } = parse(text, facts);
  if (page.tab) open(page.tab);
  const whole = {};
  for (const [owner, given] of Object.entries(wanted)) whole[owner] = { ...openings(facts, owner), ...given };
  if (whole.explore) {
    const { family = FAMILIES[0], ...rest } = whole.explore;
    whole.explore = { ...rest, family }; // last: setting any other key also selects its family
  }
  assign(whole);
  if (whole.explore) pin(page.a);
  const shown = subject();
  const [otherImage, otherModel] = [image && image !== shown.image, chosen && chosen !== shown.model];
  const target = wanted.explore?.target ?? value("explore", "target");
  expected = { model: otherModel ? chosen : shown.model, target: wanted.explore?.target, notices };
  if (otherImage || otherModel) {
    // Classes shown and target go along: the server knows which of them the model has.
    send.picture({ image: image ?? shown.image, model: chosen ?? model(), k: value("explore", "k"), target });
  }
  if (page.hide) hide(page.hide);
  extending({ ...page, stays: Boolean(whole.explore) });
  if (notices.length) say(notices.map(inWords).join(" "));
  changed();
};

// The model of a link is there: has it the class that the link wants?
const arrive = () => {
  const { labels, model: shown } = subject();
  if (expected?.model !== shown) return;
  const { target, notices } = expected;
  expected = null;
  if (target === undefined || target === facts.controls.explore.target.opening || labels.includes(target)) return;
  say([...notices, wrong("target", target, { text: phrase("a class of the model") })].map(inWords).join(" "));
};

const hide = (names) => {
  hidden = names;
  document.body.dataset.hide = names.join(" ");
  const columns = FAMILIES.filter((family) => !names.includes(family)).length;
  document.body.style.setProperty("--columns", columns);
  rearranged();
};

// The page's own words about links ---------------------------------------------------------------------------------

export const say = (text, link = null) => {
  told.replaceChildren();
  node("p", "", told, text);
  if (link) {
    const field = node("input", "", told);
    field.readOnly = true;
    field.value = link;
    field.setAttribute("aria-label", t("The link, to copy by hand"));
    field.select();
  }
  const close = node("button", "", told, "✕");
  close.ariaLabel = t("Close this message");
  close.addEventListener("click", () => told.replaceChildren());
};

export const copy = async () => {
  const link = `${location.origin}${location.pathname}?${query()}`;
  const { image, model: shown } = subject();
  const kept = [];
  if (image === null)
    kept.push(
      t("Your own picture is not in it: it opens with the sample “{name}” instead.", { name: facts.images[0] }),
    );
  if (!facts.models.includes(shown)) kept.push(t("Your own head is not in it: it opens with the bundled model."));
  try {
    await navigator.clipboard.writeText(link);
    say([t("Link copied."), ...kept].join(" "));
  } catch {
    say([t("The browser did not let the page copy; here is the link."), ...kept].join(" "), link); // an embedded page, say
  }
};

export const mount = (element, props, watch, sends, known) => {
  facts = { ...registry, families: FAMILIES, hides: Object.keys(HIDES), ...known };
  send = sends;
  told = element.querySelector("#share-told");
  reflecting(() => send.controls({}));
  const rules = Object.entries(HIDES).map(
    ([name, where]) =>
      where
        .split(", ")
        .map((one) => `[data-hide~="${name}"] ${one}`)
        .join(", ") + " { display: none !important; }",
  );
  node("style", "", document.head, rules.join("\n"));
  if (subject().model === null) document.addEventListener("setting", begin, { once: true });
  else begin();
};
const begin = () => {
  begun = true;
  if (Array.from(new URLSearchParams(location.search)).some(([key]) => !key.startsWith("__"))) apply(location.search);
  else changed(); // who was faster than this is in the address too
};
