// @ts-check
/** A file in this browser's storage, as the drive of the application has it. */

import { asText, canonical, fingerprint, isBlank } from "./seeding.js";

/** `plain` is the canonical form of `content`. @typedef {{content: any, created: string, plain: any}} Found */

export class DiskFile {
  #drive;
  /** How many writes of ours are under way: the drive reports them as it reports those of others. */
  #writing = 0;

  /** @param {any} drive @param {string} path @param {string} contentType @param {string} format */
  constructor(drive, path, contentType, format) {
    this.#drive = drive;
    this.path = path;
    this.contentType = contentType;
    this.format = format;
  }

  get isWriting() {
    return this.#writing > 0;
  }

  /**
   * @returns {Promise<Found | undefined>} undefined if there is no such file
   * @throws if the file is damaged, or cannot be read: what is in it is not to be written over
   */
  async read() {
    let found;
    try {
      found = await this.#drive.get(this.path, { ...this.#about, content: true });
    } catch (error) {
      if (!(await this.exists(this.path))) return undefined;
      found = await this.#readEmpty();
      if (!found) throw error;
    }
    try {
      return { ...found, plain: canonical(this.contentType, found.content) };
    } catch {
      throw new Error(`${this.path} is damaged: it is no notebook`);
    }
  }

  /**
   * An empty file is no notebook for the drive. People take it for a new one.
   * @returns {Promise<any>} what the drive gives; undefined if the file is not empty
   */
  async #readEmpty() {
    if (this.contentType !== "notebook") return undefined;
    const asText = { type: "file", format: "text", content: true };
    const found = await this.#drive.get(this.path, asText).catch(() => undefined);
    return found?.content === "" ? { ...found, content: { cells: [], metadata: {} } } : undefined;
  }

  /**
   * Write a content into the file, and make its folders where they are missing.
   * @param {any} content
   */
  async create(content) {
    await this.#makeFolders(this.path);
    await this.write(content);
  }

  /** @param {any} content @param {string} [path] */
  async write(content, path = this.path) {
    this.#writing++;
    try {
      await this.#drive.save(path, { ...this.#about, content });
    } finally {
      this.#writing--;
    }
  }

  /**
   * Write a content into a new file beside this one.
   * @param {any} content @returns {Promise<string>} its path
   */
  async writeAside(content) {
    const [, stem, ending] = /^(.*?)(\.[^./]*)?$/.exec(this.path) ?? ["", this.path, ""];
    let path;
    for (let number = 1; ; number++) {
      path = `${stem} (my copy${number === 1 ? "" : ` ${number}`})${ending ?? ""}`;
      if (!(await this.exists(path))) break;
    }
    await this.write(content, path);
    return path;
  }

  /** @param {string} path */
  exists(path) {
    return this.#drive.get(path, { content: false }).then(
      () => true,
      () => false,
    );
  }

  /** @param {string} path whose folders there may not be */
  async rename(path) {
    await this.#makeFolders(path);
    await this.#drive.rename(this.path, path);
  }

  /**
   * Make the missing folders of a file: the drive cannot write into a folder that is not there.
   * @param {string} path
   */
  async #makeFolders(path) {
    const names = path.split("/").slice(0, -1);
    for (let depth = 1; depth <= names.length; depth++) {
      const folder = names.slice(0, depth).join("/");
      if (!(await this.exists(folder)))
        await this.#drive.save(folder, { type: "directory", format: "json" });
    }
  }

  get #about() {
    return { type: this.contentType, format: this.format };
  }
}

/**
 * Describe a content: equal contents have the same name.
 * @param {any} plain canonical
 * @returns {Promise<{name: string, isBlank: boolean}>}
 */
export async function describe(plain) {
  return { name: await fingerprint(asText(plain)), isBlank: isBlank(plain) };
}
