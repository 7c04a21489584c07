// The picture: its box and the chart are about one and the same, in whatever order answers come, and if none comes.
//
// gradio's box shows a file as soon as it is chosen, long before there are logits for it, and nothing while one is sent.
// Once nothing is on its way any more, it goes to what the chart is about.

(() => {
  "use strict";

  const SHOWN = 100; // ms after which gradio has shown what came before

  let good; // the file that the chart is about
  let [asked, answered] = [0, 0]; // the last question about a picture, and the last one that has had its answer
  let bring = () => {};

  // An empty box was emptied by its visitor, unless something has just failed; with a video in it, they look at that.
  const settle = (failed) =>
    setTimeout(() => {
      const box = document.querySelector("#picture");
      const image = box?.querySelector("img[src]:not(.hide)"); // the webcam keeps one out of sight
      if (!box || asked !== answered) return;
      const differs = image ? image.src !== new URL(good.url, location.href).href : failed && !box.querySelector("video");
      if (differs) bring();
    }, SHOWN);

  const file = (told) => (told?.__type__ === "update" ? told.value : told);
  const ours = ({ at }) => at === "picture" || at === "samples";

  document.addEventListener("asked", ({ detail }) => {
    if (ours(detail)) asked = detail.number;
  });
  document.addEventListener("answer", (event) => {
    const { at, number, given, outputs, data } = event.detail;
    if (at === "camera" && !document.querySelector("#live input")?.checked) return event.preventDefault(); // too late
    if (ours(event.detail) && number < answered) return event.preventDefault();
    const charted = file(data?.[outputs.indexOf("chart-block")]);
    const told = file(data?.[outputs.indexOf("picture")]);
    if (told?.path) good = told;
    else if (at === "picture" && charted) [good] = given;
    if (!ours(event.detail)) return;
    answered = number;
    settle(!charted && given[0] !== null);
  });
  document.addEventListener("unanswered", ({ detail }) => {
    if (!ours(detail)) return;
    answered = Math.max(answered, detail.number);
    settle(true);
  });
  document.addEventListener("unsent", () => settle(true));

  // `ask` has gradio put what `value` gives into the box.
  const mount = (ask) => {
    good ??= globalThis.gradio_config.components.find(({ props }) => props.elem_id === "picture").props.value;
    bring = ask;
  };

  globalThis.picture = { mount, value: () => good };
})();
