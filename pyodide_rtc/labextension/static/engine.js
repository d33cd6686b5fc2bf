// @ts-check
/**
 * The engine's worker: it runs Pyodide's core, from where the site's kernels have it, with the site's
 * own wheels, and in it pyodide_rtc.engine, which shares the page's open documents. No IPython, no
 * package index. Started by engine-client.js.
 */

/** @typedef {{pyodide?: string, indexes: string[], room: string, port: MessagePort}} Start */

/** The packages that the engine needs. The site has the wheel of each, also for notebooks. */
const PACKAGES = ["pyodide-rtc", "pycrdt", "anyio", "idna"];
/** Says by its default where the kernels have Pyodide from if the site does not say it. */
const KERNEL_SETTINGS = new URL(
  "../../@jupyterlite/pyodide-kernel-extension/static/schema/kernel.v0.schema.json",
  import.meta.url,
);

/** @param {string} url */
async function get(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return response;
}

/** @param {string} url */
async function getJson(url) {
  return (await get(url)).json();
}

/**
 * Read a list of wheels; one that is not there is empty, as for the site's kernels.
 * @param {string} index
 */
async function readIndex(index) {
  try {
    return { index, packages: await getJson(index) };
  } catch (error) {
    console.warn(`pyodide-rtc: no list of wheels at ${index}: ${error}`);
    return { index, packages: {} };
  }
}

/**
 * Find the wheels in the site's own indexes: those of its extensions and of its `pypi` folder. The
 * index that has pyodide-rtc comes first, since what it has beside it fits.
 * @param {string[]} indexes addresses of `all.json` files
 */
async function findWheels(indexes) {
  const urls = /** @type {Map<string, string>} */ (new Map());
  const found = await Promise.all(indexes.map(readIndex));
  const hasOurs = found.filter(({ packages }) => "pyodide-rtc" in packages);
  for (const { index, packages } of [...hasOurs, ...found])
    for (const name of PACKAGES) {
      const [file] = Object.values(packages[name]?.releases ?? {}).at(-1) ?? [];
      if (file && !urls.has(name)) urls.set(name, new URL(file.url, index).href);
    }
  const missing = PACKAGES.filter((name) => !urls.has(name));
  if (missing.length)
    throw new Error(
      `the site has no wheel of ${missing.join(", ")}: its owner runs ` +
        "pip install 'pyodide-rtc[site]' where the site is built",
    );
  return [...urls.values()];
}

/** @param {string[]} indexes */
async function fetchWheels(indexes) {
  const urls = await findWheels(indexes);
  return Promise.all(urls.map(async (url) => (await get(url)).arrayBuffer()));
}

/** @param {Start} start */
async function run({ pyodide, indexes, room, port }) {
  const wheels = fetchWheels(indexes);
  const address = pyodide ?? (await getJson(KERNEL_SETTINGS.href)).properties.pyodideUrl.default;
  const { loadPyodide } = await import(address);
  const python = await loadPyodide({ indexURL: new URL(".", address).href });
  for (const wheel of await wheels) python.unpackArchive(wheel, "whl");
  python.pyimport("pyodide_rtc.engine").start(port, room);
}

self.addEventListener("message", ({ data }) => {
  if (data?.pyodideRtc !== "engine") return; // other messages are for Python
  run(data.start).catch((error) => data.start.port.postMessage(["stopped", "", `${error}`]));
});
