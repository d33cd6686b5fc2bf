// @ts-check
/**
 * The files that the page edits together with others. Each begins with what this browser has, is
 * connected to the engine, and is saved into this browser's storage. The engine decides which lineage
 * it has.
 */

import { DiskFile, describe } from "./disk.js";
import { withBeginning } from "./own-metadata.js";
import { canonical, makeSeed } from "./seeding.js";
import { ShownDocument, contentOf } from "./shown-document.js";
import { takeInto } from "./taking.js";
import { applyFirst, shareNotebook } from "./trust.js";

/** @typedef {{seed: string, seeded_at: number, placeholder: boolean}} Candidate lineage.py */
/** @typedef {{candidate: Candidate, ydoc: any}} Adopted */

/** What somebody else writes into the file is looked at once nothing was written for so long. */
const NOTICE_MS = 100;

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
 * @property {(text: string) => void} warn shows a sentence to the person at the page
 * @property {(file: SharedFile) => void} forget called when nobody needs the file any more
 * @property {(cause: string, sentence?: string) => void} tell tells a person what is wrong; without
 *   a sentence, that it is over
 */

/** A file that is edited together, from its opening on until its last view is closed. */
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
  /** What saves and exchanges the file; one after the other. @type {Promise<unknown>} */
  #working = Promise.resolve();
  /** The name (disk.js) of the content that the file had when it was read or saved last. */
  #onDisk = "";
  /** The name of the content that somebody else has written last: an opening counts as that. */
  #fromElsewhere = "";
  #noticing = 0;
  #isDeleted = false;
  /** @type {ShownDocument | undefined} the document whose content the application has asked for */
  #answered;
  /** The date that the application gets for the file: our own saves do not change it. */
  lastModified;

  /** @param {Surroundings} around @param {{path: string, contentType: string, format: string, drive: any}} about */
  constructor(around, { path, contentType, format, drive }) {
    this.#around = around;
    this.#drive = drive;
    this.disk = new DiskFile(drive, path, contentType, format);
    /** The file's name in the room. It is another one than here if this browser has that already. */
    this.key = `${contentType}:${path}`;
    around.engine.hear(this.key, this.#receive);
    drive.fileChanged.connect(this.#onFileChanged);
  }

  get path() {
    return this.disk.path;
  }

  get contentType() {
    return this.disk.contentType;
  }

  /**
   * The application asks for the file: answer once the shown document has its content. It asks for
   * the content when it opens a view, and again when it is to go back to what is on the disk.
   * @param {boolean} isContentAsked
   */
  async answer(isContentAsked) {
    const document = this.#shown;
    await document?.ready.catch(() => undefined);
    if (isContentAsked && document === this.#answered) await this.noticeDisk();
    if (isContentAsked) this.#answered = document;
  }

  /** @param {any} options of jupyter-collaboration's factory @returns the document provider for it */
  show(options) {
    this.#shown = new ShownDocument(this, this.#around.Y, options);
    return this.#shown;
  }

  /**
   * Find what the document begins with: an adopted lineage, a kept one, or a new seed of the file.
   * @returns {Promise<{candidate: Candidate, state: Uint8Array, file: any, isAdopted?: boolean}
   *   | undefined>} undefined if neither this browser nor the room has the file
   */
  async begin() {
    await this.#working;
    let found = await this.disk.read();
    if (found === undefined && !this.#adopted && (await this.fetch())) found = await this.disk.read();
    const { Y, keep } = this.#around;
    const file = found?.content;
    if (this.#adopted) {
      const { candidate, ydoc } = this.#adopted;
      this.#adopted = undefined;
      return { candidate, state: Y.encodeStateAsUpdate(ydoc), file, isAdopted: true };
    }
    if (found === undefined) return undefined;
    const { name, isBlank: placeholder } = await describe(found.plain);
    this.#onDisk = this.#fromElsewhere = name;
    const kept = await keep.get(this.#keepKey);
    if (kept?.files?.includes(name)) return { ...kept, file };
    // Two empty files are the same document only if they were made at the same moment.
    const made = placeholder ? found.created : "";
    const { seed, state: bare } = await makeSeed(found.plain, this.#model, Y, made);
    const state = withBeginning(Y, bare, file);
    return { candidate: { seed, seeded_at: Date.now(), placeholder }, state, file };
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
      this.post("open");
      this.#around.engine.start(); // the page may wait for the file that its address names
    });
    return this.#fetching;
  }

  /**
   * Tell the engine something about the document.
   * @param {string} operation @param {unknown[]} about
   */
  post(operation, ...about) {
    // The text of a notebook would be a second document of one file.
    if (this.contentType === "file" && this.path.endsWith(".ipynb")) {
      if (operation === "open" && about.length === 0) this.#endFetching?.(false);
      return;
    }
    this.#around.engine.post(operation, this.key, ...about);
  }

  /**
   * Tell the person at the page what is wrong with the file; without a sentence, that it is over.
   * @param {"save" | "merge here"} cause @param {string} [sentence]
   */
  tell(cause, sentence) {
    this.#around.tell(`${cause} ${this.key}`, sentence);
  }

  /**
   * Save into this browser's storage, after all that is under way.
   * @param {ShownDocument} document
   */
  save(document) {
    return this.#after(() => this.#save(document));
  }

  /** The person at the page goes on editing: the file is wanted, even if it was deleted. */
  edited() {
    this.#isDeleted = false;
  }

  /** Keep unsaved edits at the moment in which the page closes. */
  keepNow() {
    if (this.#shown?.isUnsaved) this.#keep(this.#shown.candidate, this.#shown.state, [this.#onDisk]);
  }

  /** @param {ShownDocument} document that was closed */
  closed(document) {
    if (this.#shown !== document) return;
    this.#shown = undefined;
    if (this.#adopted) return; // it is opened again
    if (document.isUnsaved) this.save(document);
    this.post("close");
    clearTimeout(this.#noticing);
    this.#drive.fileChanged.disconnect(this.#onFileChanged);
    this.#around.engine.unhear(this.key);
    this.#around.forget(this);
  }

  /** Look at the file: something may have been written into it that is not ours. */
  noticeDisk() {
    return this.#after(() => this.#takeFromDisk(false));
  }

  /**
   * Go back to an earlier content.
   * @param {() => Promise<void>} restore writes it into the file
   */
  restore(restore) {
    return this.#after(async () => {
      await restore();
      await this.#takeFromDisk(true);
    });
  }

  /**
   * What somebody else has written into the file becomes an edit of the document. What people have
   * typed goes into a copy.
   * @param {boolean} isAsked whether the person wants it, even if we have written it once
   */
  async #takeFromDisk(isAsked) {
    this.#noticing = 0;
    const document = this.#shown;
    const found = document?.candidate && (await this.disk.read().catch(() => undefined));
    if (!document || !found) return; // a damaged file is written anew by the next save
    const { name } = await describe(found.plain);
    const kept = await this.#around.keep.get(this.#keepKey); // another tab may have saved it
    const isOurs = name === this.#onDisk || kept?.files?.includes(name);
    if (isOurs && !isAsked) return document.saveSoon();
    const before = document.content;
    const was = await this.#describe(before);
    const isEdited = ![name, this.#fromElsewhere].includes(was.name) && !was.isBlank;
    const copy = isEdited ? await this.disk.writeAside(before) : undefined;
    this.#onDisk = this.#fromElsewhere = name;
    document.edit((model) => takeInto(model, this.contentType, found.content));
    if (copy === undefined) return;
    const what = isAsked ? "was set back" : "was written by something else than this editor";
    this.#around.warn(`${this.path} ${what}. What was there before is kept as ${copy}.`);
  }

  get #model() {
    return this.#around.models[this.contentType];
  }

  get #keepKey() {
    return `${this.#around.room}/${this.key}`;
  }

  /** @param {any} content of the document */
  #describe(content) {
    return describe(canonical(this.contentType, content));
  }

  /**
   * Do something with the file, after all that is under way.
   * @param {() => Promise<unknown>} work
   */
  #after(work) {
    this.#working = this.#working.then(work).catch((error) => {
      console.error("pyodide-rtc: a document could not be saved", error);
      const why = error.message ?? error;
      this.tell("save", `${this.path} could not be saved in this browser: ${why}`);
    });
    return this.#working;
  }

  #onFileChanged = (/** @type {any} */ _drive, /** @type {any} */ { type, oldValue, newValue }) => {
    const old = oldValue?.path;
    const isOurs = old !== undefined && (old === this.path || this.path.startsWith(`${old}/`));
    if (type === "rename" && isOurs) {
      this.disk.path = newValue.path + this.path.slice(old.length);
      this.#goOnAs(`${this.contentType}:${this.path}`);
    } else if (type === "delete" && isOurs) {
      this.#isDeleted = true;
    } else if (newValue?.path === this.path && !this.disk.isWriting) {
      this.#isDeleted = false;
      clearTimeout(this.#noticing);
      this.#noticing = setTimeout(() => this.noticeDisk(), NOTICE_MS);
    }
  };

  #receive = (/** @type {string} */ operation, /** @type {any[]} */ ...about) => {
    const { Y } = this.#around;
    if (operation === "adopt") this.#adopt(JSON.parse(about[0]), about[1]);
    else if (operation === "missing") this.#endFetching?.(false);
    else if (operation === "moved") this.#after(() => this.#follow(about[0]));
    else if (operation === "restarted") this.#shareAgain();
    else if (operation === "lineage") this.#shown?.learn(JSON.parse(about[0]));
    else if (operation === "presence") this.#shown?.presence?.take(about[0]);
    else if (operation === "update" && about[0] === this.#adopted?.candidate.seed)
      Y.applyUpdate(this.#adopted.ydoc, about[1]);
    else if (operation === "update" && about[0] === this.#shown?.candidate?.seed)
      this.#shown.take(about[1]);
  };

  /** The engine was started again, and knows nothing. */
  #shareAgain() {
    if (this.#endFetching) this.post("open");
    this.#shown?.share();
  }

  // Another name.

  /**
   * Go on by another name in the room, and take the others along.
   * @param {string} key
   */
  #goOnAs(key) {
    if (key === this.key) return;
    const seed = this.#shown?.candidate?.seed;
    if (seed) this.post("move", seed, key);
    this.post("close");
    this.#around.engine.unhear(this.key);
    this.key = key;
    this.#around.engine.hear(key, this.#receive);
    this.#shown?.share();
  }

  /**
   * The others have renamed it: do the same here, if the name is free.
   * @param {string} key
   */
  async #follow(key) {
    const path = key.slice(this.contentType.length + 1);
    const ending = /\.[^./]*$/.exec(this.path)?.[0] ?? "";
    const isPlain = path.split("/").every((name) => name && name !== "." && name !== "..");
    const isSameType = key.startsWith(`${this.contentType}:`) && path.endsWith(ending);
    if (key === this.key || !isPlain || !isSameType || path.includes(":")) return;
    if (await this.disk.exists(path)) {
      this.#goOnAs(key);
      this.#around.warn(`The others call ${this.path} ${path} now. You have another file of that name.`);
    } else await this.disk.rename(path);
  }

  // Another lineage.

  /**
   * Adopt the lineage of the room in place of ours; adoptions run one after the other.
   * @param {Candidate} candidate @param {Uint8Array} state
   */
  #adopt(candidate, state) {
    const ydoc = new this.#around.Y.Doc();
    this.#around.Y.applyUpdate(ydoc, state);
    this.#adopted = { candidate, ydoc };
    this.#exchanging = this.#exchanging.then(() => this.#exchange());
  }

  /** Not a part of `#working`: closing the document saves it. @type {Promise<unknown>} */
  #exchanging = Promise.resolve();

  /** Write the adopted content to the file, and show it. What only we have goes into a copy. */
  async #exchange() {
    if (!this.#adopted) return; // a document that was opened meanwhile has it already
    if (this.#endFetching) {
      await this.#after(async () => this.#create(await this.#readAdopted()));
      this.#endFetching?.(true);
      return;
    }
    const before = this.#shown;
    await this.#around.reopen(this, async () => {
      let copy;
      await this.#after(async () => {
        const adopted = await this.#readAdopted();
        copy = before?.candidate && (await this.#copyAside(before.content, adopted));
        await this.#create(adopted);
      });
      return copy;
    });
  }

  /** The adopted content, with what is this browser's own. */
  async #readAdopted() {
    const file = (await this.disk.read().catch(() => undefined))?.content;
    const { Y } = this.#around;
    const model = new this.#model();
    if (this.contentType === "notebook") shareNotebook(model);
    applyFirst(model, Y, Y.encodeStateAsUpdate(this.#adopted?.ydoc), this, file);
    const content = contentOf(model, this.contentType);
    model.dispose();
    return content;
  }

  /**
   * @param {any} content of a document that was closed @param {any} adopted
   * @returns {Promise<string | undefined>} the path of the copy, if there was something to lose
   */
  async #copyAside(content, adopted) {
    const { name, isBlank } = await this.#describe(content);
    const isSame = name === (await this.#describe(adopted)).name;
    return isSame || isBlank ? undefined : this.disk.writeAside(content);
  }

  // Saving.

  /** @param {any} content */
  async #create(content) {
    await this.disk.create(content);
    this.#onDisk = (await this.#describe(content)).name;
  }

  /**
   * Save, unless the document could not be read, the file was deleted, or it has something that is to
   * be looked at first.
   * @param {ShownDocument} document
   */
  async #save(document) {
    if (!document.candidate || this.#isDeleted || this.#noticing) return;
    const { state, content } = document;
    const { name, isBlank } = await this.#describe(content);
    if (!isBlank) document.isWritten();
    // Before it is written: if the page ends between the two, the file is ours all the same.
    this.#keep(document.candidate, state, [this.#onDisk, name]);
    document.saving();
    try {
      await this.disk.write(content);
      document.saved(true);
      this.tell("save");
    } catch (error) {
      document.saved(false);
      throw error;
    }
    this.#onDisk = name;
  }

  /** @param {Candidate | undefined} candidate @param {Uint8Array} state @param {string[]} files */
  #keep(candidate, state, files) {
    if (candidate) this.#around.keep.put(this.#keepKey, { files, candidate, state });
  }
}
