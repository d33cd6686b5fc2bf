// @ts-check
/**
 * Keeps the logs of `ports.Store` in IndexedDB. Each operation is one transaction, and one call from
 * Python. It is used in Python's own thread: a worker, or the page.
 * The value of this script is the function that opens the store.
 *
 * The database has two object stores. "logs": name of the log to a `Log`. "records": [name, number]
 * to a `Kept`.
 * @typedef {{life: string, next: number, records: number, bytes: number, changed: number}} Log
 * @typedef {{number: number, bytes: Uint8Array}} Kept
 */
((/** @type {string} */ name) => {
  const VERSION = 1;

  /** So long another tab can keep us from opening the database. */
  const PATIENCE_MS = 5000;

  /** What a browser says when it has closed the connection behind our back; iOS does it to tabs. */
  const LOST = ["InvalidStateError", "AbortError", "UnknownError"];

  /** @type {Promise<IDBDatabase> | undefined} */
  let opening;

  /** @type {IDBDatabase | undefined} */
  let connection;

  /** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
  const done = (request) =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });

  /** @param {IDBDatabase} db */
  const forget = (db) => {
    if (db === connection) opening = connection = undefined;
    db.close();
  };

  /** @returns {Promise<IDBDatabase>} */
  const open = () =>
    new Promise((resolve, reject) => {
      const request = globalThis.indexedDB.open(name, VERSION);
      const tooLate = (/** @type {string} */ why) => {
        reject(new DOMException(why, "TimeoutError"));
        request.onsuccess = () => request.result.close();
      };
      const patience = setTimeout(tooLate, PATIENCE_MS, "the database did not open in 5 s");
      request.onupgradeneeded = () => {
        request.result.createObjectStore("logs");
        request.result.createObjectStore("records");
      };
      request.onblocked = () => tooLate("another tab holds the database open");
      request.onerror = () => {
        clearTimeout(patience);
        reject(request.error);
      };
      request.onsuccess = () => {
        clearTimeout(patience);
        const db = request.result;
        db.onclose = db.onversionchange = () => forget(db); // so that deleting it waits for nobody
        resolve((connection = db));
      };
    });

  const connect = () => {
    if (!opening) {
      opening = open();
      opening.catch(() => (opening = undefined));
    }
    return opening;
  };

  /**
   * Do one step in a transaction of its own; it fails as a whole.
   * @template T @param {IDBDatabase} db @param {IDBTransactionMode} mode
   * @param {(logs: IDBObjectStore, records: IDBObjectStore) => Promise<T>} step @returns {Promise<T>}
   */
  const transact = (db, mode, step) =>
    new Promise((resolve, reject) => {
      const transaction = db.transaction(["logs", "records"], mode);
      const result = step(transaction.objectStore("logs"), transaction.objectStore("records"));
      let isOver = false;
      transaction.oncomplete = () => resolve(result);
      transaction.onabort = () => {
        isOver = true;
        // Without an error of its own it was aborted by its step, or by the end of the connection.
        const why = (/** @type {unknown} */ error) => reject(transaction.error ?? error);
        result.then(() => why(new DOMException("the connection was lost", "AbortError")), why);
      };
      result.catch(() => isOver || transaction.abort());
    });

  /**
   * The same, and once more if the connection turns out to be closed.
   * @template T @param {IDBTransactionMode} mode
   * @param {(logs: IDBObjectStore, records: IDBObjectStore) => Promise<T>} step
   */
  const attempt = async (mode, step) => {
    const db = await connect();
    try {
      return await transact(db, mode, step);
    } catch (/** @type {any} */ error) {
      if (!LOST.includes(error.name)) throw error;
      forget(db);
      return transact(await connect(), mode, step);
    }
  };

  /**
   * Throw an error that Pyodide can raise: for a `QuotaExceededError` of Chromium, which is no plain
   * DOMException, its `await` would never end.
   * @param {{name: string, message: string}} error
   */
  const fail = ({ name, message }) => {
    throw Object.assign(new Error(message), { name });
  };

  /** @type {typeof attempt} */
  const run = (mode, step) => attempt(mode, step).catch(fail);

  /** @param {string} log */
  const all = (log) => IDBKeyRange.bound([log], [log, []]);

  /** @returns {Log} */
  const born = () => {
    const life = crypto.getRandomValues(new Uint8Array(12)).join(".");
    return { life, next: 1, records: 0, bytes: 0, changed: 0 };
  };

  /**
   * Add records to a log, or begin it.
   * @param {IDBObjectStore} logs @param {IDBObjectStore} records
   * @param {string} log @param {Log} about @param {Uint8Array[]} added
   */
  const add = async (logs, records, log, about, added) => {
    for (const bytes of added) {
      const number = about.next++;
      records.put({ number, bytes }, [log, number]);
      about.records += 1;
      about.bytes += bytes.length;
    }
    about.changed = Date.now() / 1000;
    await done(logs.put(about, log));
    return describe(about);
  };

  /**
   * Take records out of a log; undefined if one of them is gone.
   * @param {IDBObjectStore} records @param {string} log @param {Log} about @param {number[]} numbers
   */
  const take = async (records, log, about, numbers) => {
    const kept = await Promise.all(numbers.map((number) => done(records.get([log, number]))));
    if (kept.includes(undefined)) return undefined;
    const taken = kept.map(({ bytes }) => bytes);
    for (const number of numbers) records.delete([log, number]);
    about.records -= taken.length;
    about.bytes -= taken.reduce((sum, { length }) => sum + length, 0);
    return taken;
  };

  /** @param {Log} about */
  const describe = ({ life, records, bytes, changed }) => [life, records, bytes, changed];

  /** @param {Kept[]} kept @returns {[Uint32Array, Uint8Array]} number and length of each; bytes */
  const lay = (kept) => {
    const index = Uint32Array.from(kept.flatMap(({ number, bytes }) => [number, bytes.length]));
    const whole = new Uint8Array(kept.reduce((sum, { bytes }) => sum + bytes.length, 0));
    let offset = 0;
    for (const { bytes } of kept) {
      whole.set(bytes, offset);
      offset += bytes.length;
    }
    return [index, whole];
  };

  return {
    /** Open the database; it fails where the browser has none for us. */
    open: () => connect().then(() => {}, fail),

    /** @param {string} log */
    read: (log) =>
      run("readonly", async (logs, records) => {
        const [about, kept] = await Promise.all([done(logs.get(log)), done(records.getAll(all(log)))]);
        return [about?.life ?? "", ...lay(kept)];
      }),

    /** @param {string} log @param {Uint8Array} record @param {string} life */
    append: (log, record, life) =>
      run("readwrite", async (logs, records) => {
        const about = await done(logs.get(log));
        if (life && about?.life !== life) return undefined;
        return add(logs, records, log, about ?? born(), [record]);
      }),

    /** @param {string} log @param {string} life @param {number[]} numbers @param {Uint8Array} record */
    replace: (log, life, numbers, record) =>
      run("readwrite", async (logs, records) => {
        const about = await done(logs.get(log));
        if (about?.life !== life || !(await take(records, log, about, numbers))) return undefined;
        return add(logs, records, log, about, [record]);
      }),

    /** @param {string} log @param {string} life @param {number[]} numbers @param {string} to */
    move: (log, life, numbers, to) =>
      run("readwrite", async (logs, records) => {
        const about = await done(logs.get(log));
        const taken = about?.life === life && (await take(records, log, about, numbers));
        if (!taken) return false;
        const other = (await done(logs.get(to))) ?? born();
        await add(logs, records, to, other, taken);
        await done(about.records ? logs.put(about, log) : logs.delete(log));
        return true;
      }),

    /** @param {string} log */
    remove: (log) =>
      run("readwrite", async (logs, records) => {
        records.delete(all(log));
        await done(logs.delete(log));
      }),

    logs: () =>
      run("readonly", async (logs) => {
        const [names, abouts] = await Promise.all([done(logs.getAllKeys()), done(logs.getAll())]);
        return names.map((log, i) => [log, ...describe(abouts[i])]);
      }),

    close() {
      opening?.then(forget, () => {}); // who opened it was told of the failure
    },
  };
})
