// The page's browser code, as gradio's components and events call it (constrained/page/controls.py): they wait for these
// exports. The same names are global, for whoever tries something in the browser's console; nothing else is.

import "./base/commas.js";
import "./base/uploads.js";
import "./explore/paste.js";
import { speaks } from "./base/notices.js";
import { over } from "./base/server/index.js";
import { follow } from "./base/sliders.js";
import * as calibrate from "./calibrate/index.js";
import * as code from "./code.js";
import * as explore from "./explore/index.js";
import * as picture from "./explore/picture.js";
import * as takehome from "./explore/take_home.js";
import * as lessons from "./lessons/index.js";
import * as present from "./present/index.js";
import * as share from "./share.js";
import { open } from "./state.js";
import * as theme from "./theme.js";
import * as train from "./train/index.js";

/** All components are there (gradio's load event). */
const start = () => {
  theme.mount();
  share.begin();
};

export {
  calibrate,
  code,
  explore,
  follow,
  lessons,
  open,
  picture,
  present,
  share,
  speaks,
  start,
  takehome,
  theme,
  train,
};

globalThis.fetch = over(globalThis.fetch);
Object.assign(globalThis, { calibrate, code, explore, lessons, picture, present, share, takehome, theme, train });
