// Pictures that are dropped, pasted, or chosen in place of another one. They go the way of gradio's own chooser: gradio
// itself would empty a full box first, so that a drop is over before its files are read, and its upload icon opens no
// chooser at all.

import { targetOf } from "../base/dom.js";

const BOX = "#picture";
const INPUT = `${BOX} input[type=file]`;
const UPLOAD = `${BOX} button[aria-label="Upload file"]`;
const FRAMES = 20; // within which gradio shows its file input

const inputOf = () => /** @type {HTMLInputElement | null} */ (document.querySelector(INPUT));

let passing = false; // whether a click on the upload icon is ours, and meant for gradio
/** @param {File | null | undefined} file */
const take = async (file) => {
  if (!file) return;
  if (!inputOf()) {
    passing = true;
    /** @type {HTMLElement | null} */ (document.querySelector(UPLOAD))?.click(); // from the camera, or the clipboard's icon
    passing = false;
    for (let frames = 0; frames < FRAMES && !inputOf(); frames++) await new Promise(requestAnimationFrame);
  }
  const input = inputOf();
  if (!input) return;
  const carried = new DataTransfer();
  carried.items.add(file);
  input.files = carried.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
};

/** @param {DataTransfer | null} transfer */
const filesOf = (transfer) => Array.from(transfer?.files ?? []);
/** @param {File[]} files */
const pictureAmong = (files) => files.find(({ type }) => type.startsWith("image/"));

document.addEventListener("paste", (event) => {
  const file = pictureAmong(filesOf(event.clipboardData));
  if (!file || !document.querySelector(BOX)) return;
  event.preventDefault();
  take(file);
});

document.addEventListener(
  "drop",
  (event) => {
    const files = filesOf(event.dataTransfer);
    if (!targetOf(event)?.closest(BOX) || !files.length) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    take(pictureAmong(files) ?? files[0]); // what is no picture gets its sentence
  },
  true,
);

// Beside every box that takes files, the browser would leave the page for the file.
for (const kind of /** @type {const} */ (["dragover", "drop"])) {
  document.addEventListener(kind, (event) => {
    if (!event.defaultPrevented && event.dataTransfer?.types.includes("Files")) event.preventDefault();
  });
}

const chooser = Object.assign(document.createElement("input"), { type: "file", accept: "image/*" });
chooser.addEventListener("change", () => take(chooser.files?.[0]));

document.addEventListener(
  "click",
  (event) => {
    // In an empty box gradio's own area opens the chooser, and from the camera the icon leads back to it.
    if (passing || !targetOf(event)?.closest(UPLOAD)) return;
    if (!document.querySelector(`${BOX} img[src]:not(.hide)`)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    chooser.value = "";
    chooser.click();
  },
  true,
);
