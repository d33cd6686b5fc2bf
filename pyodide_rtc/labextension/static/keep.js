// @ts-check
/**
 * Keeps the lineages of this browser's files. So a reloaded page goes on with the same document, and
 * merges with those of the others. A record is for the file as we saved it last: if other code has
 * written the file since, the document begins anew. The engine keeps all edits; this is what the page
 * shows while the engine starts.
 */

/**
 * `files` are the names (disk.js) of the contents that the file can have.
 * @typedef {{files: string[], candidate: any, state: Uint8Array}} Kept
 */

const STORE = "lineages";

export class Keep {
  #opened;
  /** @type {IDBDatabase | undefined} */
  #database;

  /** @param {string} site the site's path; each site of this host has a database of its own */
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
   * Keep a document. This awaits nothing, and commits at once: so the document is kept even if the
   * page closes in the same moment.
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
