// @ts-check
/**
 * The documents that the page shows. Each begins with what this browser has, is connected to the
 * engine, and is saved into this browser's storage. The engine decides which lineage it has.
 */

import { AwarenessLink } from "./awareness.js";
import { asText, canonical, fingerprint, isBlank, makeSeed } from "./seeding.js";
import { applyFirst, applyForeign, shareNotebook } from "./trust.js";

/** @typedef {{seed: string, seeded_at: number, placeholder: boolean}} Candidate lineage.py */
/** @typedef {{candidate: Candidate, ydoc: any}} Adopted */

/** A document is saved so long after the last change. */
const SAVE_DELAY_MS = 1500;
/** Edits within this time are sent to the engine together. */
const MERGE_MS = 20;

/**
 * What all documents of the page need.
 * @typedef {object} Surroundings
 * @property {import("./engine-client.js").EngineClient} engine
 * @property {import("./keep.js").Keep} keep
 * @property {any} Y the application's yjs
 * @property {Record<string, new () => any>} models the application's models by content type
 * @property {string} room
 * @property {(file: SharedFile, exchange: () => Promise<string | undefined>) => Promise<void>} reopen
 *   closes the document, calls `exchange`, which replaces the file, and opens the file again
 */

/** A file that is edited together, from its first opening on. It need not be shown all the time. */
export class SharedFile {
  #around;
  #drive;
  /** @type {ShownDocument | undefined} */
  #shown;
  /** @type {Adopted | undefined} what the document begins with when it is opened next */
  #adopted;
  /** @type {Promise<boolean> | undefined} */
  #fetching;
  /** @type {((isFound: boolean) => void) | undefined} */
  #endFetching;
  /** @type {Promise<unknown>} */
  #saving = Promise.resolve();
  /** @type {Promise<unknown>} */
  #exchanging = Promise.resolve();
  /** @type {string} fingerprint of the file as it was read or saved last */
  #onDisk = "";
  /** The date that the application gets for the file: our own saves do not change it. */
  lastModified;

  /** @param {Surroundings} around @param {{path: string, contentType: string, format: string, drive: any}} about */
  constructor(around, { path, contentType, format, drive }) {
    this.#around = around;
    this.#drive = drive;
    this.path = path;
    this.contentType = contentType;
    this.format = format;
    this.key = `${contentType}:${path}`;
    around.engine.hear(this.key, (operation, ...about) => this.#receive(operation, about));
    drive.fileChanged.connect(this.#onFileChanged);
  }

  /** Resolves when the shown document has its content. */
  get ready() {
    return this.#shown?.ready.catch(() => undefined);
  }

  /** @param {any} options of jupyter-collaboration's factory @returns the document provider for it */
  show(options) {
    this.#shown = new ShownDocument(this, this.#around, options);
    return this.#shown;
  }

  /**
   * Find what the document begins with: an adopted lineage, a kept one, or a new seed of the file.
   * @returns {Promise<{candidate: Candidate, state: Uint8Array, file: any, isAdopted?: boolean}
   *   | undefined>} undefined if neither this browser nor the room has the file
   */
  async begin() {
    await this.#saving;
    let file = await this.#read();
    if (file === undefined && !this.#adopted && (await this.fetch())) file = await this.#read();
    const { Y, keep } = this.#around;
    if (this.#adopted) {
      const { candidate, ydoc } = this.#adopted;
      this.#adopted = undefined;
      return { candidate, state: Y.encodeStateAsUpdate(ydoc), file, isAdopted: true };
    }
    if (file === undefined) return undefined;
    const content = canonical(this.contentType, file);
    this.#onDisk = await fingerprint(asText(content));
    const kept = await keep.get(this.#keepKey);
    if (kept?.file === this.#onDisk) return { ...kept, file };
    const { seed, state } = await makeSeed(content, this.#model, Y);
    return { candidate: { seed, seeded_at: Date.now(), placeholder: isBlank(content) }, state, file };
  }

  /**
   * Fetch a file that this browser lacks from the room.
   * @returns {Promise<boolean>} whether somebody has it
   */
  fetch() {
    this.#fetching ??= new Promise((resolve) => {
      this.#endFetching = (isFound) => {
        this.#fetching = this.#endFetching = undefined;
        resolve(isFound);
      };
      this.#around.engine.post("open", this.key);
      this.#around.engine.start(); // the page may wait for the file that its address names
    });
    return this.#fetching;
  }

  /**
   * Save into this browser's storage, after all earlier saves.
   * @param {ShownDocument} document
   */
  save(document) {
    this.#saving = this.#saving.then(() => this.#save(document)).catch(tellFailure);
    return this.#saving;
  }

  /** Keep unsaved edits at the moment in which the page closes. */
  keepNow() {
    if (this.#shown?.isUnsaved) this.#keep(this.#shown.candidate, this.#shown.state);
  }

  /** @param {ShownDocument} document that was closed */
  closed(document) {
    if (this.#shown !== document) return;
    this.#shown = undefined;
    if (this.#adopted) return; // it is opened again
    if (document.isUnsaved) this.save(document);
    this.#around.engine.post("close", this.key);
  }

  /** Follow a file that is renamed here; for the other people it keeps the old name. */
  #onFileChanged = (/** @type {any} */ _drive, /** @type {any} */ { type, oldValue, newValue }) => {
    if (type === "rename" && oldValue.path === this.path) this.path = newValue.path;
  };

  get #model() {
    return this.#around.models[this.contentType];
  }

  get #keepKey() {
    return `${this.#around.room}/${this.key}`;
  }

  /** @param {string} operation @param {any[]} about */
  #receive(operation, about) {
    if (operation === "adopt") this.#adopt(JSON.parse(about[0]), about[1]);
    else if (operation === "missing") this.#endFetching?.(false);
    else if (operation === "presence") this.#shown?.presence?.take(about[0]);
    else if (operation === "update" && about[0] === this.#adopted?.candidate.seed)
      this.#around.Y.applyUpdate(this.#adopted.ydoc, about[1]);
    else if (operation === "update" && about[0] === this.#shown?.candidate?.seed)
      this.#shown.take(about[1]);
  }

  /**
   * Adopt the lineage of the room in place of ours; adoptions run one after the other.
   * @param {Candidate} candidate @param {Uint8Array} state
   */
  #adopt(candidate, state) {
    const ydoc = new this.#around.Y.Doc();
    this.#around.Y.applyUpdate(ydoc, state);
    this.#adopted = { candidate, ydoc };
    this.#exchanging = this.#exchanging.then(() => this.#exchange()).catch(tellFailure);
  }

  /** Write the adopted content to the file, and show it. What only we have goes into a copy. */
  async #exchange() {
    if (!this.#adopted) return; // a document that was opened meanwhile has it already
    if (this.#endFetching) {
      await this.#makeFolders();
      await this.#writeAdopted();
      this.#endFetching(true);
      return;
    }
    const before = this.#shown;
    await this.#around.reopen(this, async () => {
      const copy = before?.candidate && (await this.#copyAside(before));
      await this.#writeAdopted();
      return copy;
    });
  }

  get #adoptedContent() {
    return this.#contentOf(this.#around.Y.encodeStateAsUpdate(this.#adopted?.ydoc));
  }

  async #writeAdopted() {
    await this.#write(this.#adoptedContent);
  }

  /**
   * @param {ShownDocument} document that was closed
   * @returns {Promise<string | undefined>} the path of the copy, if there was something to lose
   */
  async #copyAside(document) {
    const content = canonical(this.contentType, document.content);
    const isSame = asText(content) === asText(canonical(this.contentType, this.#adoptedContent));
    if (isSame || isBlank(content)) return undefined;
    const path = await this.#freePath();
    await this.#drive.save(path, { ...this.#about, content: document.content });
    return path;
  }

  /** Find a free name beside the file. */
  async #freePath() {
    const [, stem, ending] = /^(.*?)(\.[^./]*)?$/.exec(this.path) ?? ["", this.path, ""];
    for (let number = 1; ; number++) {
      const path = `${stem} (my copy${number === 1 ? "" : ` ${number}`})${ending ?? ""}`;
      const isFree = await this.#drive.get(path, { content: false }).then(
        () => false,
        () => true,
      );
      if (isFree) return path;
    }
  }

  get #about() {
    return { type: this.contentType, format: this.format };
  }

  /** @returns {Promise<any>} the file's content; undefined if there is no file */
  async #read() {
    try {
      const options = { ...this.#about, content: true };
      return (await this.#drive.get(this.path, options)).content;
    } catch {
      return undefined; // the application shows the error, if the room does not have it either
    }
  }

  /** Make the missing folders of the file: the drive cannot write into a folder that is not there. */
  async #makeFolders() {
    const names = this.path.split("/").slice(0, -1);
    for (let depth = 1; depth <= names.length; depth++) {
      const folder = names.slice(0, depth).join("/");
      await this.#drive
        .get(folder, { content: false })
        .catch(() => this.#drive.save(folder, { type: "directory", format: "json" }));
    }
  }

  /** @param {any} content */
  async #write(content) {
    await this.#drive.save(this.path, { ...this.#about, content });
    this.#onDisk = await fingerprint(asText(canonical(this.contentType, content)));
  }

  /** @param {ShownDocument} document */
  async #save(document) {
    const { candidate, state, content } = document;
    document.isUnsaved = false;
    try {
      await this.#write(content);
    } catch (error) {
      document.isUnsaved = true;
      throw error;
    }
    this.#keep(candidate, state);
  }

  /** @param {Candidate} candidate @param {Uint8Array} state */
  #keep(candidate, state) {
    this.#around.keep.put(this.#keepKey, { file: this.#onDisk, candidate, state });
  }

  /** @param {Uint8Array} state */
  #contentOf(state) {
    const model = new this.#model();
    if (this.contentType === "notebook") shareNotebook(model);
    this.#around.Y.applyUpdate(model.ydoc, state);
    const content = contentOf(model, this.contentType);
    model.dispose();
    return content;
  }
}

/** @param {any} model @param {string} contentType */
const contentOf = (model, contentType) =>
  contentType === "notebook" ? model.toJSON() : model.getSource();

/** @param {unknown} error */
const tellFailure = (error) => console.error("pyodide-rtc: a document could not be saved", error);

/** A document in a view of the application: a document provider of jupyter-collaboration. */
class ShownDocument {
  isDisposed = false;
  /** Whether the document has edits that the file does not have. */
  isUnsaved = false;
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
  #around;
  #model;
  #lineEnding = "\n";

  /** @param {SharedFile} file @param {Surroundings} around @param {any} options */
  constructor(file, around, { model, user }) {
    this.#file = file;
    this.#around = around;
    this.#model = model;
    this.contentType = file.contentType;
    this.format = file.format;
    // "dirty" is about this browser only. In the shared document it would apply to everybody.
    Object.defineProperty(model, "dirty", { get: () => false, set() {} });
    if (file.contentType === "notebook") shareNotebook(model);
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
    return this.#around.Y.encodeStateAsUpdate(this.#model.ydoc);
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
    this.#file.closed(this);
  }

  /** Part of the provider's interface; forks of documents need jupyter-collaboration's server. */
  async connectToForkDoc() {}
  async reconnect() {}

  /** @param {Uint8Array} update that others have made */
  take(update) {
    try {
      applyForeign(this.#model.ydoc, this.#around.Y, update, this);
    } catch (error) {
      console.warn(`pyodide-rtc: ${this.#file.path} shows not all that others have edited`, error);
    }
  }

  async #begin() {
    const first = await this.#file.begin();
    if (!first || this.isDisposed) return; // the application then says that there is no such file
    const { engine, Y } = this.#around;
    const { ydoc, awareness } = this.#model;
    if (typeof first.file === "string") this.#lineEnding = /\r\n?/.exec(first.file)?.[0] ?? "\n";
    applyFirst(ydoc, Y, first.state, this, first.file, (outputs) => asText(outputs));
    this.candidate = first.candidate;
    ydoc.on("update", this.#onUpdate);
    if (first.isAdopted) this.#saveSoon(); // others may have edited it since it was written
    engine.post("open", this.#file.key, JSON.stringify(first.candidate), first.state);
    this.presence = new AwarenessLink(awareness, (client, state) =>
      engine.post("presence", this.#file.key, client, state),
    );
  }

  #saveSoon() {
    this.isUnsaved = true;
    clearTimeout(this.#saving);
    this.#saving = setTimeout(() => this.#file.save(this), SAVE_DELAY_MS);
  }

  #onUpdate = (/** @type {Uint8Array} */ update, /** @type {unknown} */ origin) => {
    this.#saveSoon();
    if (origin === this) return;
    this.#updates.push(update);
    if (this.#updates.length > 1) return;
    const wait = Math.max(0, this.#sentAt + MERGE_MS - performance.now());
    if (wait === 0) queueMicrotask(() => this.#send());
    else this.#sending = setTimeout(() => this.#send(), wait);
  };

  #send() {
    if (this.#updates.length === 0) return;
    const update = this.#around.Y.mergeUpdates(this.#updates.splice(0));
    this.#sentAt = performance.now();
    this.#around.engine.post("update", this.#file.key, this.candidate?.seed, update);
  }
}
