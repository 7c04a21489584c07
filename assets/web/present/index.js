// Present mode, for a projector: the chart and the open lesson fill the screen in big type, and keys do what a hand does.

import { find } from "../base/dom.js";
import { t } from "../base/i18n.js";
import * as lessons from "../lessons/index.js";
import { apply } from "../share.js";
import { changed, extend, tab } from "../state.js";
import * as bar from "./bar.js";
import * as fit from "./fit.js";
import { explain, listen } from "./keys.js";
import { release } from "./sliders.js";

export const state = { on: false };

export const toggle = (on = !state.on) => {
  if (on === state.on) return;
  state.on = on;
  document.body.classList.toggle("presenting", on);
  if (on) enter();
  else leave();
  changed();
};

const enter = () => {
  bar.open({ explain, leave: () => toggle(false) });
  listen(() => toggle(false));
  bar.tell(t("Present mode. Press ? for all keys, Escape to leave."));
  if (tab === "lessons" && !lessons.state.teacher) apply("tab=explore");
  fit.start();
};

const leave = () => {
  listen(null);
  bar.close();
  release();
  delete document.body.dataset.solo;
  document.body.classList.remove("presenting-chart");
  fit.stop();
  if (document.fullscreenElement) document.exitFullscreen();
  find("#present").focus();
};

document.addEventListener("setting", () => {
  if (!state.on) return;
  document.body.classList.toggle("presenting-chart", tab === "explore"); // the others keep their tabs
  fit.refit();
  bar.tell();
});

extend({
  pairs: () => (state.on ? [["present", "1"]] : []),
  take: (/** @type {{present: boolean | null}} */ { present }) => {
    if (present !== null) toggle(present);
  },
});
