/** What the tests of JavaScript have in the place of a browser. */
import { readFileSync } from "node:fs";
import { webcrypto } from "node:crypto";

/** Read a file of pyodide_rtc/browser. */
export const source = (name) =>
  readFileSync(new URL(`../../pyodide_rtc/browser/${name}`, import.meta.url), "utf8");

/** Put something in the place of a global, of one that Node has as well. */
export const replace = (name, value) =>
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });

replace("crypto", webcrypto); // Node 18 has it on demand only

/** Let all go on that waits for promises alone. */
export const settle = async () => {
  for (let i = 0; i < 20; i++) await null;
};

/** A promise that somebody else fulfils. */
export function later() {
  let done, fail;
  const promise = new Promise((resolve, reject) => ([done, fail] = [resolve, reject]));
  return { promise, done, fail };
}

/** A clock that is turned by hand, for all timers. */
export class Clock {
  #now = 0;
  #timers = new Map();
  #count = 0;

  constructor() {
    replace("performance", { now: () => this.#now });
    replace("setTimeout", (step, ms) => this.#add(step, ms));
    replace("setInterval", (step, ms) => this.#add(step, ms, true));
    for (const name of ["clearTimeout", "clearInterval"])
      replace(name, (id) => void this.#timers.delete(id));
  }

  #add(step, ms, isRepeated = false) {
    this.#timers.set(++this.#count, { step, due: this.#now + ms, ms, isRepeated });
    return this.#count;
  }

  /** How many timers run. */
  get size() {
    return this.#timers.size;
  }

  /** Let time pass. */
  async pass(ms) {
    const end = this.#now + ms;
    for (;;) {
      const due = [...this.#timers].filter(([, timer]) => timer.due <= end);
      if (!due.length) break;
      const [id, timer] = due.reduce((one, other) => (other[1].due < one[1].due ? other : one));
      this.#now = timer.due;
      if (timer.isRepeated) timer.due += timer.ms;
      else this.#timers.delete(id);
      timer.step();
      await settle();
    }
    this.#now = end;
  }
}

/** Web Locks of one browser. */
export class Locks {
  #tails = new Map();

  async request(name, options, step) {
    const [{ signal } = {}, work] = step ? [options, step] : [undefined, options];
    const before = this.#tails.get(name) ?? Promise.resolve();
    const given = before.then(() => {
      if (signal?.aborted) throw new DOMException("taken back", "AbortError");
      return work({ name });
    });
    this.#tails.set(name, given.catch(() => {}));
    return given;
  }
}

/** A data channel whose events the test makes. */
export class Channel {
  sent = [];
  readyState = "connecting";
  isClosed = false;

  constructor(label = "", options = {}) {
    Object.assign(this, { label, options });
  }

  send(data) {
    if (this.failure) throw this.failure;
    this.sent.push(data);
  }

  close() {
    this.isClosed = true;
  }
}
