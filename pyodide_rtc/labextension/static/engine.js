// @ts-check
/**
 * The engine's worker: it runs Pyodide's core with the site's own wheels, and in it
 * pyodide_rtc.engine, which shares the page's open documents. No IPython, no package index.
 * Started by engine-client.js.
 */

/** @typedef {{pyodide: string, indexes: string[], room: string, port: MessagePort}} Start */

/** The packages that the engine needs. The site has the wheel of each, also for notebooks. */
const PACKAGES = ["pyodide-rtc", "pycrdt", "anyio", "idna", "typing-extensions"];

/** @param {string} url */
async function get(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return response;
}

/**
 * Find the wheels in the site's own indexes, which its build has made from its `pypi` folder.
 * @param {string[]} indexes addresses of `all.json` files
 */
async function findWheels(indexes) {
  const urls = /** @type {Map<string, string>} */ (new Map());
  for (const index of indexes) {
    const packages = await (await get(index)).json();
    for (const name of PACKAGES) {
      const [file] = Object.values(packages[name]?.releases ?? {}).at(-1) ?? [];
      if (file && !urls.has(name)) urls.set(name, new URL(file.url, index).href);
    }
    if (urls.size === PACKAGES.length) return [...urls.values()];
  }
  const missing = PACKAGES.filter((name) => !urls.has(name));
  throw new Error(`the site has no wheel of ${missing.join(", ")}: put it into its pypi folder`);
}

/** @param {string[]} indexes */
async function fetchWheels(indexes) {
  const urls = await findWheels(indexes);
  return Promise.all(urls.map(async (url) => (await get(url)).arrayBuffer()));
}

/** @param {Start} start */
async function run({ pyodide, indexes, room, port }) {
  const wheels = fetchWheels(indexes);
  const { loadPyodide } = await import(pyodide);
  const python = await loadPyodide({ indexURL: new URL(".", pyodide).href });
  for (const wheel of await wheels) python.unpackArchive(wheel, "whl");
  python.pyimport("pyodide_rtc.engine").start(port, room);
}

self.addEventListener("message", ({ data }) => {
  if (data?.pyodideRtc !== "engine") return; // other messages are for Python
  run(data.start).catch((error) => data.start.port.postMessage(["stopped", "", `${error}`]));
});
