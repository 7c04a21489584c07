// The page's setting as a query that a person can read, in both directions: the address follows the setting, and a link
// puts the setting into the page. Every tab keeps its own numbers; here is only how they are spelled.
//
//   image=cat&family=bounded&method=clamp&lo=-2&hi=4&t=0.5&lam=0.1       the Explore tab
//   tab=train&train.method=clamp_inward&train.lo=0&train.hi=1            the others, behind their own names
//   a=method:clamp,lo:-2,...   lesson=...&step=2   present=1   teacher=1   hide=samples,model
//
// What a link does not say stands where the page opens; the address leaves out what stands there.

(() => {
  "use strict";

  const { FAMILIES, t, node, put: write, short, position, changed } = globalThis.page;
  const SHORT = { temperature: "t" }; // a name in the library -> in a link, where that is shorter
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

  let facts = null; // of the controls: {controls: {owner: {key: {...}}}, images, models, tabs}
  let send = {};
  let told = null;
  let tab = "explore";
  let hidden = [];
  let expected = null; // {model, target, notices} of a link whose model is on its way: only then are its classes known
  let opening = null; // the query of the page as it opens, for which the address has no words

  // A tab's numbers --------------------------------------------------------------------------------------------------

  const owners = {
    explore: {
      get: (key) => {
        const { state } = globalThis.explore;
        if (FAMILIES.includes(key)) return state.methods[key];
        if (key === "k" || key === "family") return state[key];
        if (key === "gradient") return state.gradientOn;
        if (key === "target") return state.targetName ?? facts.controls.explore.target.opening;
        return state.settings[key];
      },
      set: (key, value) => globalThis.explore.set(key, value),
    },
    train: { get: (key) => globalThis.train.settings[key], set: (key, value) => globalThis.train.set(key, value) },
    calibrate: {
      get: (key) => {
        const { method, settings } = globalThis.calibrate.state;
        return key === "method" ? method : settings[key];
      },
      set: (key, value) => globalThis.calibrate.set(key, value),
    },
  };

  const differs = (owner, key) => owners[owner].get(key) !== facts.controls[owner][key].opening;
  const model = () => (facts.models.includes(globalThis.explore.state.model) ? globalThis.explore.state.model : facts.models[0]);

  // Put values into a tab, and its controls where those stand: {owner: {key: value}}. The controls are gradio's: an event
  // of the page asks `values` for all of them.
  const put = (wanted) => {
    for (const [owner, values] of Object.entries(wanted)) {
      for (const [key, value] of Object.entries(values)) owners[owner].set(key, value);
    }
    send.controls({});
  };

  // What each of gradio's components shows, in the order of `facts.order`: "owner.key", or "owner.key@" for a slider's
  // position on a logarithmic scale; then the tab.
  const values = () => [
    ...facts.order.map((name) => {
      const [owner, key] = name.split(/\.(.*)/);
      const plain = key.replace(/@$/, "");
      const value = owners[owner].get(plain);
      if (key.endsWith("@")) return position(facts.controls[owner][plain].scale, value);
      return typeof value === "number" ? value * (facts.controls[owner][plain].unit ?? 1) : value;
    }),
    { __type__: "update", selected: tab },
  ];

  // Out: the setting as a query --------------------------------------------------------------------------------------

  const spelled = (value) => (typeof value === "boolean" ? String(Number(value)) : String(value));

  const exploring = () => {
    const { state } = globalThis.explore;
    const pairs = [];
    const add = (key, value) => pairs.push([key, spelled(value)]);
    add("image", state.image ?? facts.images[0]);
    if (model() !== facts.models[0]) add("model", model());
    add("family", state.family);
    add("method", state.methods[state.family]);
    for (const family of FAMILIES) {
      if (family !== state.family && differs("explore", family)) add(family, state.methods[family]);
    }
    // The numbers of the column in question always, so that a link can be read; the others where they have moved.
    const own = globalThis.registry.methods[state.methods[state.family]].parameters;
    for (const key of Object.keys(globalThis.registry.parameters)) {
      if (own.includes(key) || differs("explore", key)) add(SHORT[key] ?? key, state.settings[key]);
    }
    for (const key of ["k", "gradient", "target"]) if (differs("explore", key)) add(key, owners.explore.get(key));
    if (state.a) {
      const parts = { ...state.a.methods, ...state.a.settings };
      add("a", Object.entries(parts).map(([key, value]) => `${SHORT[key] ?? key}:${value}`).join(","));
    }
    return pairs;
  };

  const query = () => {
    const pairs = tab === "explore" ? [] : [["tab", tab]];
    pairs.push(...exploring());
    for (const owner of ["train", "calibrate"]) {
      for (const key of Object.keys(facts.controls[owner])) {
        if (differs(owner, key)) pairs.push([`${owner}.${SHORT[key] ?? key}`, spelled(owners[owner].get(key))]);
      }
    }
    const lesson = globalThis.lessons.state;
    if (lesson.slug) pairs.push(["lesson", lesson.slug], ["step", String(lesson.step)]);
    if (globalThis.present.state.on) pairs.push(["present", "1"]);
    if (lesson.teacher) pairs.push(["teacher", "1"]);
    if (hidden.length) pairs.push(["hide", hidden.join(",")]);
    // Readable: of what URLSearchParams escapes, these need it not.
    return pairs.map(([key, value]) => `${key}=${encodeURIComponent(value).replace(/%(3A|2C)/g, decodeURIComponent)}`).join("&");
  };

  // Parameters that belong to gradio or to the host of a Space, such as __theme or __sign, stay in front.
  const foreign = () =>
    Array.from(new URLSearchParams(location.search))
      .filter(([key]) => key.startsWith("__"))
      .map(([key, value]) => `${key}=${encodeURIComponent(value)}`);

  const address = () => {
    if (opening === null) return;
    const now = query();
    const wanted = [...foreign(), ...(now === opening ? [] : [now])].join("&");
    if (wanted === location.search.slice(1)) return;
    history.replaceState(history.state, "", `${location.pathname}${wanted && "?"}${wanted}${location.hash}`);
  };

  // A slider on a logarithmic scale stands at a position; a screen reader is told the number that it means.
  const speak = () => {
    for (const name of facts?.order.filter((one) => one.endsWith("@")) ?? []) {
      const [owner, key] = name.slice(0, -1).split(".");
      const range = document.querySelector(`#${owner}-${key}-slider input[type=range]`);
      if (range) write(range, { "aria-valuetext": `${facts.controls[owner][key].scale.symbol} = ${short(owners[owner].get(key))}` });
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

  const sentence = (key, value, wanted) =>
    t("{what} in the link is not {wanted}; it was left out.", { what: `${key}=${value.slice(0, 40)}`, wanted });

  const OFF = ["0", "false", "off"];
  const ON = ["1", "true", "on"];

  const flag = (name, text, notices) => {
    if ([...ON, ...OFF].includes(text)) return ON.includes(text);
    return void notices.push(sentence(name, text, t("0 or 1")));
  };

  // A text as the value of a control, or undefined with a sentence in `notices`.
  const read = (owner, key, name, text, notices) => {
    const control = facts.controls[owner][key];
    const refuse = (wanted) => void notices.push(sentence(name, text, wanted));
    if (control.kind === "flag") return flag(name, text, notices);
    if (control.kind === "choice") {
      const found = control.values.find((value) => String(value) === text);
      return found === undefined ? refuse(t("one of {list}", { list: control.values.filter((v) => v !== "").join(", ") })) : found;
    }
    if (control.kind === "text") return text;
    const value = text.trim() === "" ? NaN : Number(text);
    if (control.whole && !Number.isInteger(value)) return refuse(t("a whole number from {low} to {high}", control));
    if (!(value >= control.low && value <= control.high)) return refuse(t("a number from {low} to {high}", control));
    return value;
  };

  // What a query asks for: {wanted: {owner: {key: value}}, image, model, tab, lesson, step, present, teacher, hide, notices}.
  const parse = (text) => {
    const asked = new URLSearchParams(text);
    const [wanted, notices] = [{}, []];
    const names = ["image", "model", "tab", "method", "family", "lesson", "step", "present", "teacher", "hide", "a"];
    for (const [owner, controls] of Object.entries(facts.controls)) {
      const prefix = owner === "explore" ? "" : `${owner}.`;
      names.push(...Object.keys(controls).map((key) => prefix + (SHORT[key] ?? key)));
    }
    for (const name of new Set(asked.keys())) {
      const [owner] = name.split(".");
      if (names.includes(name)) {
        if (asked.getAll(name).length > 1) notices.push(t("{name} is in the link more than once; the first one counts.", { name }));
      } else if (["train", "calibrate"].includes(owner)) {
        const list = names.filter((one) => one.startsWith(`${owner}.`)).join(", ");
        notices.push(sentence(name, asked.get(name), t("one of {list}", { list })));
      }
    }
    const take = (owner, key, name) => {
      if (!asked.has(name)) return;
      wanted[owner] ??= {};
      const value = read(owner, key, name, asked.get(name).slice(0, 200), notices);
      if (value !== undefined) wanted[owner][key] = value;
    };
    const among = (name, list) => {
      const value = asked.get(name);
      if (value === null || list.includes(value)) return value;
      return void notices.push(sentence(name, value, t("one of {list}", { list: list.join(", ") })));
    };

    for (const family of FAMILIES) take("explore", family, family);
    const methods = globalThis.registry.methods;
    const method = among("method", Object.keys(methods));
    let family = among("family", FAMILIES);
    if (method) {
      if (family && methods[method].family !== family) {
        notices.push(t("method={method} in the link is {own}, not {family}; the method counts.", { method, own: methods[method].family, family }));
      }
      family = methods[method].family;
      wanted.explore = { ...wanted.explore, [family]: method };
    }
    for (const key of Object.keys(globalThis.registry.parameters)) take("explore", key, SHORT[key] ?? key);
    for (const key of ["k", "gradient", "target"]) take("explore", key, key);
    if (family) wanted.explore = { ...wanted.explore, family };
    for (const owner of ["train", "calibrate"]) {
      for (const key of Object.keys(facts.controls[owner])) take(owner, key, `${owner}.${SHORT[key] ?? key}`);
    }
    for (const [owner, given] of Object.entries(wanted)) {
      const { lo, hi } = { ...defaults(owner), ...given };
      if (lo > hi) {
        notices.push(t("lo={lo} in the link is above hi={hi}; both were left out.", { lo, hi }));
        delete given.lo;
        delete given.hi;
      }
    }
    if (["image", "model", "family"].some((key) => asked.has(key))) wanted.explore ??= {};
    const hide = (asked.get("hide") ?? "").split(",").filter(Boolean);
    for (const name of hide) {
      if (!Object.hasOwn(HIDES, name)) notices.push(sentence("hide", name, t("one of {list}", { list: Object.keys(HIDES).join(", ") })));
    }
    const switched = (name) => (asked.has(name) ? flag(name, asked.get(name), notices) ?? null : null);
    if (asked.has("step") && !asked.has("lesson")) {
      notices.push(t("{what} in the link needs a lesson; it was left out.", { what: `step=${asked.get("step").slice(0, 40)}` }));
    }
    return {
      wanted,
      image: among("image", facts.images),
      model: among("model", facts.models),
      tab: among("tab", facts.tabs),
      lesson: asked.get("lesson"),
      step: asked.get("step"),
      present: switched("present"),
      teacher: switched("teacher"),
      hide: asked.has("hide") ? hide.filter((name) => Object.hasOwn(HIDES, name)) : null,
      a: asked.has("a") ? pinned(asked.get("a"), notices) : null,
      notices,
    };
  };

  // The setting A of a comparison: "bounded:clamp,...,lo:-2,...". What is missing stands where the page opens.
  const pinned = (text, notices) => {
    const names = new Map([...FAMILIES, ...Object.keys(globalThis.registry.parameters)].map((key) => [SHORT[key] ?? key, key]));
    const given = {};
    let good = 0;
    for (const part of text.split(",")) {
      const [name, value = ""] = part.split(/:(.*)/);
      const key = names.get(name);
      if (!key) notices.push(sentence("a", part, t("one of {list}", { list: [...names.keys()].map((one) => `${one}:…`).join(", ") })));
      else if (Object.hasOwn(given, key)) notices.push(t("{name} is in the link more than once; the first one counts.", { name: `a=${name}` }));
      else given[key] = read("explore", key, name, value, notices);
      if (key && given[key] !== undefined) good += 1;
    }
    if (!good) return; // nothing of it can be read
    const [methods, settings] = [{}, {}];
    for (const key of names.values()) {
      (FAMILIES.includes(key) ? methods : settings)[key] = given[key] ?? facts.controls.explore[key].opening;
    }
    return settings.lo > settings.hi ? void notices.push(t("In the link, A has lo above hi; it was left out.")) : { methods, settings };
  };

  const defaults = (owner) =>
    Object.fromEntries(Object.entries(facts.controls[owner]).map(([key, { opening }]) => [key, opening]));

  // Put a query into the page. A tab that it says something about takes its opening values for the rest; one that it does
  // not mention stays as it is.
  const apply = (text) => {
    const { wanted, image, model: chosen, notices, ...page } = parse(text);
    if (page.tab) tab = page.tab;
    const whole = {};
    for (const [owner, given] of Object.entries(wanted)) whole[owner] = { ...defaults(owner), ...given };
    if (whole.explore) {
      const { family = FAMILIES[0], ...rest } = whole.explore;
      whole.explore = { ...rest, family }; // last: each of the others makes its own the one in question
    }
    put(whole);
    if (whole.explore) globalThis.explore.pinA(page.a);
    const state = globalThis.explore.state;
    const [otherImage, otherModel] = [image && image !== state.image, chosen && chosen !== state.model];
    const target = wanted.explore?.target ?? owners.explore.get("target");
    expected = { model: otherModel ? chosen : state.model, target: wanted.explore?.target, notices };
    if (otherImage || otherModel) {
      // Classes shown and target go along: the server knows which of them the model has.
      send.picture({ image: image ?? state.image, model: chosen ?? model(), k: owners.explore.get("k"), target });
    }
    if (page.hide) hide(page.hide);
    if (page.teacher !== null) globalThis.lessons.sheet(page.teacher);
    if (page.lesson !== null) globalThis.lessons.open(page.lesson, page.step, Boolean(whole.explore));
    if (page.present !== null) globalThis.present.toggle(page.present);
    if (notices.length) say(notices.join(" "));
    changed();
  };

  // The model of a link is there: has it the class that the link wants?
  const arrive = () => {
    const { labels, model: shown } = globalThis.explore.state;
    if (expected?.model !== shown) return;
    const { target, notices } = expected;
    expected = null;
    if (target === undefined || target === facts.controls.explore.target.opening || labels.includes(target)) return;
    say([...notices, sentence("target", target, t("a class of the model"))].join(" "));
  };

  const hide = (names) => {
    hidden = names;
    document.body.dataset.hide = names.join(" ");
    const columns = FAMILIES.filter((family) => !names.includes(family)).length;
    document.body.style.setProperty("--columns", columns);
    globalThis.explore.redraw();
  };

  // The page's own words about links ---------------------------------------------------------------------------------

  const say = (text, link = null) => {
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

  const copy = async () => {
    const link = `${location.origin}${location.pathname}?${query()}`;
    const { image, model: shown } = globalThis.explore.state;
    const kept = [];
    if (image === null) kept.push(t("Your own picture is not in it: it opens with the sample “{name}” instead.", { name: facts.images[0] }));
    if (!facts.models.includes(shown)) kept.push(t("Your own head is not in it: it opens with the bundled model."));
    try {
      await navigator.clipboard.writeText(link);
      say([t("Link copied."), ...kept].join(" "));
    } catch {
      say([t("The browser did not let the page copy; here is the link."), ...kept].join(" "), link); // an embedded page, say
    }
  };

  const mount = (element, known, sends) => {
    facts = known;
    send = sends;
    told = element.querySelector("#share-told");
    const rules = Object.entries(HIDES).map(([name, where]) =>
      where.split(", ").map((one) => `[data-hide~="${name}"] ${one}`).join(", ") + " { display: none !important; }");
    node("style", "", document.head, rules.join("\n"));
    if (globalThis.explore.state.model === null) document.addEventListener("setting", begin, { once: true });
    else begin();
  };
  const begin = () => {
    const { [FAMILIES[0]]: method, lo, hi } = defaults("explore");
    opening = `image=${facts.images[0]}&family=${FAMILIES[0]}&method=${method}&lo=${lo}&hi=${hi}`;
    if (Array.from(new URLSearchParams(location.search)).some(([key]) => !key.startsWith("__"))) apply(location.search);
    else changed(); // who was faster than this is in the address too
  };

  // A tab was opened, by whomever.
  const at = (name) => {
    if (tab === name) return;
    tab = name;
    changed();
  };

  globalThis.share = { mount, query, apply, put, values, copy, at, say, get tab() { return tab; } };
})();
