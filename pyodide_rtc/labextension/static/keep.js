// @ts-check
/**
 * Keeps the lineages of this browser's files, so that a page that is reloaded goes on with the same
 * document, and merges with the others' instead of standing beside it. A record belongs to a file as
 * it was saved last: a file that was written by other means is a new beginning.
 */

/** @typedef {{file: string, candidate: object, state: Uint8Array}} Kept */

const STORE = "lineages";

export class Keep {
  #opened;
  /** @type {IDBDatabase | undefined} */
  #database;

  /** @param {string} site where the site is: other sites of this host keep theirs apart */
  constructor(site) {
    this.#opened = this.#open(`pyodide-rtc ${site}`).catch((error) =>
      console.warn("pyodide-rtc: this browser does not let the page keep documents", error),
    );
  }

  /** @param {string} key @returns {Promise<Kept | undefined>} */
  async get(key) {
    await this.#opened;
    const reading = this.#store("readonly")?.get(key);
    return reading && settled(reading);
  }

  /**
   * Keep a document. Nothing is awaited before the browser has it, and it is told that no more is to
   * come: then it is kept even if the page goes away in the same moment.
   * @param {string} key @param {Kept} kept
   */
  put(key, kept) {
    const store = this.#store("readwrite");
    store?.put(kept, key);
    store?.transaction.commit();
  }

  /** @param {IDBTransactionMode} mode */
  #store(mode) {
    return this.#database?.transaction(STORE, mode, { durability: "relaxed" }).objectStore(STORE);
  }

  /** @param {string} name */
  async #open(name) {
    const opening = indexedDB.open(name, 1);
    opening.onupgradeneeded = () => void opening.result.createObjectStore(STORE);
    this.#database = await settled(opening);
  }
}

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
const settled = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
