// @ts-check
/**
 * The page's side of the engine: it starts the worker, starts it again if it dies, and passes the
 * engine's messages on to the documents that they are for. pyodide_rtc/engine/port.py describes the
 * messages.
 */

// @ts-expect-error: it is beside this file once it is installed; its source is in browser/
import { attachWorker } from "./host.js";

/** @typedef {(operation: string, ...about: any[]) => void} Receiver */

const KERNEL = "@jupyterlite/pyodide-kernel-extension:kernel";

/** How often the engine is asked whether it is alive. */
const PING_MS = 5000;
/** An engine that answers none of so many questions in a row is dead; twice as many each time. */
const UNANSWERED = 4;
/** How long to wait before each further try to start the engine. Then we give up. */
const WAITS_MS = [0, 2000, 8000, 30000];

/**
 * Return where the site has wheels, and Pyodide if it has its own: the engine uses what the site's
 * kernels use.
 * @param {any} config the merged `jupyter-config-data`
 */
function siteFiles(config) {
  const settings = config.litePluginSettings?.[KERNEL] ?? {};
  const absolute = (/** @type {string} */ url) => new URL(url, location.href).href;
  return {
    pyodide: settings.pyodideUrl && absolute(settings.pyodideUrl),
    indexes: (settings.pipliteUrls ?? []).map(absolute),
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
  /** @type {{worker: Worker, attachment: {close(): void}} | undefined} */
  #running;
  #isWanted = false;
  /** How often the engine has died since it worked last, and in all. */
  #failures = 0;
  #restarts = 0;
  #unanswered = 0;
  #asking = 0;

  /**
   * @param {URL} script engine.js
   * @param {any} config the merged `jupyter-config-data`
   * @param {string} room its name
   */
  constructor(script, config, room) {
    this.#script = script;
    this.#about = { ...siteFiles(config), room };
    this.#listen();
  }

  /** Start the engine, if it is not started yet. Messages that were posted before wait for it. */
  start() {
    if (this.#isWanted) return;
    this.#isWanted = true;
    this.#launch();
  }

  /**
   * Pass the engine's messages about a document to `receiver`; the empty name is the page itself.
   * After a "restarted" the receiver tells the engine all that it has to know.
   * @param {string} document @param {Receiver} receiver
   */
  hear(document, receiver) {
    this.#receivers.set(document, receiver);
    const early = this.#early.filter(([, name]) => name === document);
    this.#early = this.#early.filter(([, name]) => name !== document);
    early.forEach((message) => this.#receive(message));
  }

  /** @param {string} document */
  unhear(document) {
    this.#receivers.delete(document);
  }

  /** @param {string} operation @param {string} document @param {unknown[]} about */
  post(operation, document, ...about) {
    this.#channel.port1.postMessage([operation, document, ...about]);
  }

  #listen() {
    this.#channel.port1.onmessage = ({ data }) => this.#receive(data);
  }

  #launch() {
    const worker = new Worker(this.#script, { type: "module", name: "pyodide-rtc engine" });
    worker.onerror = ({ message }) => this.#onDeath(message || "its worker could not be loaded");
    const attachment = attachWorker(worker, "page");
    const port = this.#channel.port2;
    worker.postMessage({ pyodideRtc: "engine", start: { ...this.#about, port } }, [port]);
    this.#running = { worker, attachment };
  }

  /** @param {any[]} message */
  #receive([operation, document, ...about]) {
    if (operation === "fault") return console.warn(`pyodide-rtc: ${document}: ${about[0]}`);
    if (operation === "stopped") return this.#onDeath(about[0]);
    if (operation === "pong") this.#unanswered = 0;
    if (operation === "user") this.#onStarted();
    const receiver = this.#receivers.get(document);
    if (receiver) receiver(operation, ...about);
    else if (document === "") this.#early.push([operation, document, ...about]); // for a later plugin
  }

  #onStarted() {
    this.#failures = this.#unanswered = 0;
    clearInterval(this.#asking);
    this.#asking = setInterval(() => this.#ask(), PING_MS);
  }

  /** Ask the engine whether it is alive. We count questions: a page that was asleep has asked none. */
  #ask() {
    if (this.#unanswered >= UNANSWERED * 2 ** this.#restarts) return this.#onDeath("it does not answer");
    this.#unanswered++;
    this.post("ping", "");
  }

  /**
   * The engine is dead. The page has all documents: start another one, and tell it everything.
   * @param {string} reason
   */
  #onDeath(reason) {
    if (!this.#running) return;
    clearInterval(this.#asking);
    this.#running.worker.terminate();
    this.#running.attachment.close();
    this.#running = undefined;
    const wait = WAITS_MS[this.#failures++];
    if (wait === undefined) return this.#receivers.get("")?.("stopped", reason);
    console.warn(`pyodide-rtc: the engine has stopped and is started again: ${reason}`);
    this.#restarts++;
    this.#receivers.get("")?.("restarting", reason);
    setTimeout(() => this.#restart(), wait);
  }

  #restart() {
    this.#channel.port1.close();
    this.#channel = new MessageChannel();
    this.#listen();
    for (const receive of [...this.#receivers.values()]) receive("restarted");
    this.#launch();
  }
}
