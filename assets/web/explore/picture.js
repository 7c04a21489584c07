// The picture: its box and the chart are about one and the same, in whatever order answers come, and if none comes.
//
// gradio's box shows a file as soon as it is chosen, long before there are logits for it, and nothing while one is sent.
// Once nothing is on its way any more, it goes to what the chart is about.

import { config } from "../base/gradio.js";

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

// A file that is dropped, pasted or chosen goes the way of gradio's own chooser. gradio itself would empty a full box
// first, of which a drop is over before its files are read, and the upload icon opens no chooser at all.
const IN = "#picture input[type=file]";
const UPLOAD = '#picture button[aria-label="Upload file"]';
let passing = false; // whether a click on the upload icon is ours, and meant for gradio
const take = async (file) => {
  if (!file) return;
  if (!document.querySelector(IN)) {
    passing = true;
    document.querySelector(UPLOAD)?.click(); // from the camera, or from the clipboard's icon
    passing = false;
    for (let frames = 0; frames < 20 && !document.querySelector(IN); frames++) await new Promise(requestAnimationFrame);
  }
  const input = document.querySelector(IN);
  if (!input) return;
  const carried = new DataTransfer();
  carried.items.add(file);
  input.files = carried.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
};
const files = (transfer) => Array.from(transfer?.files ?? []);
const picture = (transfer) => files(transfer).find(({ type }) => type.startsWith("image/")) ?? null;
const within = ({ target }) => target.closest?.("#picture");

document.addEventListener("paste", (event) => {
  const file = picture(event.clipboardData);
  if (!file || !document.querySelector("#picture")) return;
  event.preventDefault();
  take(file);
});
document.addEventListener(
  "drop",
  (event) => {
    if (!within(event) || !files(event.dataTransfer).length) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    take(picture(event.dataTransfer) ?? files(event.dataTransfer)[0]); // what is no picture gets its sentence
  },
  true,
);
// Beside every box that takes files, the browser would leave the page for the file.
for (const kind of ["dragover", "drop"]) {
  document.addEventListener(kind, (event) => {
    if (!event.defaultPrevented && event.dataTransfer?.types.includes("Files")) event.preventDefault();
  });
}
const chooser = Object.assign(document.createElement("input"), { type: "file", accept: "image/*" });
chooser.addEventListener("change", () => take(chooser.files[0]));
document.addEventListener(
  "click",
  (event) => {
    const icon = event.target.closest?.(UPLOAD);
    // In an empty box gradio's own area opens the chooser, and from the camera the icon leads back to it.
    if (!icon || passing || !document.querySelector("#picture img[src]:not(.hide)")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    chooser.value = "";
    chooser.click();
  },
  true,
);

// `ask` has gradio put what `value` gives into the box.
export const follow = (ask) => {
  good ??= config().components.find(({ props }) => props.elem_id === "picture").props.value;
  bring = ask;
};

export const value = () => good;
