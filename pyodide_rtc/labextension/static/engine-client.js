// @ts-check
/**
 * The page's side of the engine: it starts the worker, and passes the engine's messages on to the
 * documents that they are for. pyodide_rtc/engine/port.py describes the messages.
 */

// @ts-expect-error: it is beside this file once it is installed; its source is in browser/
import { attachWorker } from "./host.js";

/** @typedef {(operation: string, ...about: any[]) => void} Receiver */

const KERNEL = "@jupyterlite/pyodide-kernel-extension:kernel";

/**
 * Return where the site has Pyodide and wheels: the engine uses those of the site's kernels.
 * @param {any} config the merged `jupyter-config-data`
 */
function siteFiles(config) {
  const settings = config.litePluginSettings?.[KERNEL] ?? {};
  const absolute = (/** @type {string} */ url) => new URL(url, location.href).href;
  if (!settings.pyodideUrl || !settings.pipliteUrls?.length)
    throw new Error("the site needs its own Pyodide (static/pyodide) and wheels (pypi)");
  return {
    pyodide: absolute(settings.pyodideUrl),
    indexes: settings.pipliteUrls.map(absolute),
  };
}

export class EngineClient {
  /** @type {Map<string, Receiver>} */
  #receivers = new Map();
  /** @type {any[]} */
  #early = [];
  #channel = new MessageChannel();
  #script;
  #about;
  /** @type {Worker | undefined} */
  #worker;

  /**
   * @param {URL} script engine.js
   * @param {any} config the merged `jupyter-config-data`
   * @param {string} room its name
   */
  constructor(script, config, room) {
    this.#script = script;
    this.#about = { ...siteFiles(config), room };
    this.#channel.port1.onmessage = ({ data }) => this.#receive(data);
  }

  /** Start the engine, if it is not started yet. Messages that were posted before wait for it. */
  start() {
    if (this.#worker) return;
    const worker = new Worker(this.#script, { type: "module", name: "pyodide-rtc engine" });
    worker.onerror = ({ message }) => this.#receive(["stopped", "", message]);
    attachWorker(worker, "page");
    const port = this.#channel.port2;
    worker.postMessage({ pyodideRtc: "engine", start: { ...this.#about, port } }, [port]);
    this.#worker = worker;
  }

  /**
   * Pass the engine's messages about a document to `receiver`; the empty name is the page itself.
   * @param {string} document @param {Receiver} receiver @returns {() => void} ends it
   */
  hear(document, receiver) {
    this.#receivers.set(document, receiver);
    const early = this.#early.filter(([, name]) => name === document);
    this.#early = this.#early.filter(([, name]) => name !== document);
    early.forEach((message) => this.#receive(message));
    return () => void (this.#receivers.get(document) === receiver && this.#receivers.delete(document));
  }

  /** @param {string} operation @param {string} document @param {unknown[]} about */
  post(operation, document, ...about) {
    this.#channel.port1.postMessage([operation, document, ...about]);
  }

  /** @param {any[]} message */
  #receive([operation, document, ...about]) {
    if (operation === "fault") return console.warn(`pyodide-rtc: ${document}: ${about[0]}`);
    const receiver = this.#receivers.get(document);
    if (receiver) receiver(operation, ...about);
    else if (document === "") this.#early.push([operation, document, ...about]); // for a later plugin
  }
}
