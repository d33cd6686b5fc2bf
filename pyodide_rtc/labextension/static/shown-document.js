// @ts-check
/** A document in a view of the application: a document provider of jupyter-collaboration. */

import { AwarenessLink } from "./awareness.js";
import { dropDoubles } from "./doubles.js";
import { hearOwn } from "./own-metadata.js";
import { showRuns } from "./running.js";
import { applyFirst, shareNotebook } from "./trust.js";

/** @typedef {import("./documents.js").Candidate} Candidate */

/** A document is saved so long after the last change. */
const SAVE_DELAY_MS = 1500;
/** Edits within this time are sent to the engine together. */
const MERGE_MS = 20;

/** @param {any} model @param {string} contentType */
export const contentOf = (model, contentType) =>
  contentType === "notebook" ? model.toJSON() : model.getSource();

export class ShownDocument {
  isDisposed = false;
  /** Whether the document has edits that the file does not have. */
  isUnsaved = false;
  /** Whether the last attempt to save it has failed. */
  #isRefused = false;
  /** @type {Candidate | undefined} */
  candidate;
  /** @type {AwarenessLink | undefined} */
  presence;
  /** @type {Uint8Array[]} */
  #updates = [];
  #sentAt = 0;
  #sending = 0;
  #saving = 0;
  #file;
  #Y;
  #model;
  #lineEnding = "\n";

  /** @param {import("./documents.js").SharedFile} file @param {any} Y the application's yjs @param {any} options */
  constructor(file, Y, { model, format, user }) {
    this.#file = file;
    this.#Y = Y;
    this.#model = model;
    this.contentType = file.contentType;
    this.format = format;
    // "dirty" is about this browser only. In the shared document it would apply to everybody. Edits
    // are saved by themselves: what a person has to know is that they could not be.
    Object.defineProperty(model, "dirty", { get: () => this.#isRefused, set() {} });
    if (file.contentType === "notebook") {
      shareNotebook(model);
      showRuns(model);
    }
    const showUser = () => model.awareness.setLocalStateField("user", user.identity);
    user.ready.then(showUser);
    user.userChanged.connect(showUser);
    this.ready = this.#begin();
  }

  /** The document's content in the form in which it is saved. */
  get content() {
    const content = contentOf(this.#model, this.contentType);
    return typeof content === "string" ? content.replaceAll("\n", this.#lineEnding) : content;
  }

  get state() {
    return this.#Y.encodeStateAsUpdate(this.#model.ydoc);
  }

  async save() {
    clearTimeout(this.#saving);
    await this.#file.save(this);
  }

  dispose() {
    if (this.isDisposed) return;
    this.isDisposed = true;
    clearTimeout(this.#saving);
    clearTimeout(this.#sending);
    this.#send();
    this.presence?.close();
    this.#file.tell("merge here");
    this.#file.closed(this);
  }

  /** Part of the provider's interface; forks of documents need jupyter-collaboration's server. */
  async connectToForkDoc() {}
  async reconnect() {}

  /** @param {Uint8Array} update that others have made */
  take(update) {
    try {
      this.#Y.applyUpdate(this.#model.ydoc, update, this);
      if (this.contentType === "notebook") dropDoubles(this.#model);
    } catch (error) {
      const { path } = this.#file;
      console.warn(`pyodide-rtc: ${path} shows not all that others have edited`, error);
      const said = `${path} does not show all that others have edited. Close it and open it again.`;
      this.#file.tell("merge here", said);
    }
  }

  /**
   * Edit the document as the person at the page does.
   * @param {(model: any) => void} change
   */
  edit(change) {
    if (!this.isDisposed) this.#model.transact(() => change(this.#model));
  }

  /** Share the document, with the engine that runs now. */
  share() {
    if (!this.candidate || this.isDisposed) return;
    this.#updates.length = 0; // the state has them
    this.#file.post("open", JSON.stringify(this.candidate), this.state);
    this.presence?.close();
    this.presence = new AwarenessLink(this.#model.awareness, (client, state) =>
      this.#file.post("presence", client, state),
    );
  }

  /** @param {Candidate} candidate what the engine knows of a lineage */
  learn(candidate) {
    if (this.candidate?.seed === candidate.seed) this.candidate = candidate;
  }

  /** The document has something in it. */
  isWritten() {
    if (!this.candidate?.placeholder) return;
    this.candidate = { ...this.candidate, placeholder: false };
    this.#file.post("lineage", JSON.stringify(this.candidate));
  }

  saving() {
    this.isUnsaved = false;
  }

  /** @param {boolean} isSaved whether the browser has taken it */
  saved(isSaved) {
    if (!isSaved) this.isUnsaved = true;
    if (this.#isRefused === !isSaved) return;
    this.#isRefused = !isSaved;
    const change = { name: "dirty", oldValue: isSaved, newValue: !isSaved };
    if (!this.isDisposed) this.#model.changed.emit({ stateChange: [change] });
  }

  async #begin() {
    const first = await this.#file.begin();
    if (!first || this.isDisposed) return; // the application then says that there is no such file
    const { ydoc } = this.#model;
    if (typeof first.file === "string") this.#lineEnding = /\r\n?/.exec(first.file)?.[0] ?? "\n";
    applyFirst(this.#model, this.#Y, first.state, this, first.file);
    hearOwn(this.#model, () => this.#onEdited());
    this.candidate = first.candidate;
    ydoc.on("update", this.#onUpdate);
    if (first.isAdopted) this.#onEdited(); // others may have edited it since it was written
    this.share();
  }

  /** Save, if there is something to save. */
  saveSoon() {
    clearTimeout(this.#saving);
    if (this.isUnsaved && !this.isDisposed)
      this.#saving = setTimeout(() => this.#file.save(this), SAVE_DELAY_MS);
  }

  #onEdited() {
    this.isUnsaved = true;
    this.saveSoon();
  }

  #onUpdate = (/** @type {Uint8Array} */ update, /** @type {unknown} */ origin) => {
    this.#onEdited();
    if (origin === this) return;
    this.#file.edited();
    this.#updates.push(update);
    if (this.#updates.length > 1) return;
    const wait = Math.max(0, this.#sentAt + MERGE_MS - performance.now());
    if (wait === 0) queueMicrotask(() => this.#send());
    else this.#sending = setTimeout(() => this.#send(), wait);
  };

  #send() {
    if (this.#updates.length === 0) return;
    const update = this.#Y.mergeUpdates(this.#updates.splice(0));
    this.#sentAt = performance.now();
    this.#file.post("update", this.candidate?.seed, update);
  }
}
