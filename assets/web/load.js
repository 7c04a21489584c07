// How the modules reach a browser: all in one file, which it keeps, instead of a request each. Each module becomes a blob
// of its own, whose imports name the blobs of others, so that it is loaded, run and debugged as a module.
//
// Measured with 97 modules and 40 ms to the server: the chart is there 0.9 s sooner than with a request each.

const IMPORT = /^((?:import|export)\b[^"]*?|\} from )"(\.{1,2}\/[^"]+)"/gm;

/** @type {Record<string, string>} name within assets/web -> address of its blob */
const addresses = {};
/** @type {Record<string, string>} name -> source */
let sources = {};

/**
 * @param {string} name of a module within assets/web
 * @returns {string} its address for import
 */
export const addressOf = (name) => {
  addresses[name] ??= URL.createObjectURL(new Blob([linked(name)], { type: "text/javascript" }));
  return addresses[name];
};

/** @param {string} name */
const linked = (name) => {
  const named = new URL(name, "file:///");
  const text = sources[name].replace(
    IMPORT,
    (/** @type {string} */ _, /** @type {string} */ before, /** @type {string} */ path) =>
      `${before}"${addressOf(new URL(path, named).pathname.slice(1))}"`,
  );
  return `${text}\n//# sourceURL=${new URL(`web/${name}`, document.baseURI)}`;
};

/**
 * Load all modules, and run `main`.
 *
 * @param {string} address of a JSON with the sources
 * @param {string} main
 */
export const load = async (address, main) => {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`The page's scripts did not come: ${answer.status}.`);
  sources = await answer.json();
  return import(addressOf(main));
};
