// @ts-check
/**
 * Tells a person at once what stands in the way: one notice for each cause. It is changed instead of
 * repeated, and closed when it is over. Whoever has closed it is not told again.
 */

/** Notices of what is good news when it is over: what is said then. */
const OVER = /** @type {Record<string, string>} */ ({
  signaling: "A signaling server is reached again.",
  stopped: "Your documents are shared again.",
});
const OVER_MS = 5000;

const SERIOUS = /^(failed|stopped|merge\b.*)$/;

export class Notices {
  #Notification;
  #details;
  /** @type {Map<string, {id: string, sentence: string}>} */
  #shown = new Map();

  /**
   * @param {any} Notification of @jupyterlab/apputils: it shows text, cut to 140 characters
   * @param {() => void} details shows the whole
   */
  constructor(Notification, details) {
    this.#Notification = Notification;
    this.#details = details;
  }

  /** @param {Iterable<[string, string]>} troubles all that there are: causes and sentences */
  show(troubles) {
    const told = new Map(troubles);
    for (const [cause, { id }] of this.#shown) if (!told.has(cause)) this.#end(cause, id);
    for (const [cause, sentence] of told) this.#tell(cause, sentence);
  }

  /** @param {string} cause @param {string} sentence */
  #tell(cause, sentence) {
    const shown = this.#shown.get(cause);
    if (shown?.sentence === sentence) return;
    if (shown) {
      shown.sentence = sentence;
      this.#Notification.update({ id: shown.id, message: sentence }); // nothing, if it was closed
      return;
    }
    const actions = [{ label: "Details", callback: this.#details }];
    const type = SERIOUS.test(cause) ? "error" : "warning";
    const id = this.#Notification.emit(sentence, type, { autoClose: false, actions });
    this.#shown.set(cause, { id, sentence });
  }

  /** @param {string} cause @param {string} id */
  #end(cause, id) {
    this.#shown.delete(cause);
    const message = OVER[cause];
    if (message)
      this.#Notification.update({ id, message, type: "success", autoClose: OVER_MS, actions: [] });
    else this.#Notification.dismiss(id);
  }
}
