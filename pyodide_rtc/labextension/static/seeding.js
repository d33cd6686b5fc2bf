// @ts-check
/**
 * First content: a file becomes a Yjs document in the same way everywhere. So people who begin with
 * equal files begin with the same document. All functions are pure, apart from the application's
 * models that they use.
 */

import { sharedOfCell, sharedOfNotebook } from "./own-metadata.js";

/** Part of each seed. Raise it when equal files would give other bytes than before. */
const VERSION = "2";

const MARKDOWN_OR_RAW = ["markdown", "raw"];

/** @param {any} value @returns {any} with the keys of all objects in order, and no undefined ones */
function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  entries.sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}

/** @param {string | string[] | undefined} text as nbformat allows it */
const joined = (text) => (Array.isArray(text) ? text.join("") : (text ?? ""));

/** @param {any} output */
const canonicalOutput = (output) =>
  output.output_type === "stream" ? { ...output, text: joined(output.text) } : output;

/** @param {any[]} outputs of a cell @returns {string} the same for equal outputs */
export const outputsText = (outputs) => JSON.stringify(sorted(outputs.map(canonicalOutput)));

/** @param {any} cell @param {number} index */
function canonicalCell(cell, index) {
  const { trusted, ...metadata } = sharedOfCell(cell.metadata); // trust never travels
  const type = MARKDOWN_OR_RAW.includes(cell.cell_type) ? cell.cell_type : "code";
  const common = { id: cell.id ?? `seed-${index}`, cell_type: type, source: joined(cell.source) };
  if (type !== "code") return { ...common, metadata, attachments: cell.attachments };
  const outputs = (cell.outputs ?? []).map(canonicalOutput);
  return { ...common, metadata, outputs, execution_count: cell.execution_count ?? null };
}

/** @param {any} value */
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** @param {any} content as the drive gives it @returns {boolean} */
const isNotebook = (content) =>
  isObject(content) && Array.isArray(content.cells ?? []) && (content.cells ?? []).every(isObject);

/**
 * Return the canonical form of a notebook: equal notebooks have the same text. As in JupyterLab, an
 * empty notebook gets a cell, and an old format becomes the current one. What is one person's own is
 * left out: whoever differs in that only has the same notebook.
 * @param {any} notebook
 * @throws {TypeError} if it is no notebook
 */
function canonicalNotebook(notebook) {
  if (!isNotebook(notebook)) throw new TypeError("no notebook");
  const cells = notebook.cells?.length ? notebook.cells : [{ cell_type: "code" }];
  const { orig_nbformat, ...metadata } = sharedOfNotebook(notebook.metadata);
  return sorted({
    cells: cells.map(canonicalCell),
    metadata,
    nbformat: 4,
    nbformat_minor: Math.max(notebook.nbformat === 4 ? (notebook.nbformat_minor ?? 0) : 0, 5),
  });
}

/**
 * Return the canonical content of a file.
 * @param {string} contentType "notebook" or "file" @param {any} content as the drive gives it
 * @throws {TypeError} if a notebook is none
 */
export const canonical = (contentType, content) =>
  contentType === "notebook" ? canonicalNotebook(content) : joined(content).replace(/\r\n?/g, "\n");

/** @param {any} content canonical @returns {string} */
export const asText = (content) => (typeof content === "string" ? content : JSON.stringify(content));

/** @param {any} content canonical @returns {boolean} whether nobody has written anything into it */
export const isBlank = (content) =>
  typeof content === "string"
    ? content === ""
    : content.cells.every((/** @type {any} */ { source, outputs }) => !source && !outputs?.length);

/**
 * Return a short name of a text: its SHA-256, as 64 hexadecimal digits. On a page without
 * cryptography (one that came by `http:` from another machine) it is the text itself.
 * @param {string} text
 */
export async function fingerprint(text) {
  if (!crypto.subtle) return text;
  const bytes = new TextEncoder().encode(text);
  return asHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

/** @param {Uint8Array} bytes */
const asHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/**
 * Make the document of a canonical content.
 * @param {any} content
 * @param {new () => any} Model YNotebook or YFile of the application
 * @param {any} Y the application's yjs
 * @param {string} made when the file was made, if equal files made at other moments are others
 * @returns {Promise<{seed: string, state: Uint8Array}>} its name and its state. Without cryptography
 *   the name is another one each time, and so equal files count as different.
 */
export async function makeSeed(content, Model, Y, made) {
  const named = crypto.subtle && (await fingerprint(`${VERSION} ${made} ${asText(content)}`));
  const seed = named || asHex(crypto.getRandomValues(new Uint8Array(32)));
  const model = new Model();
  model.ydoc.clientID = parseInt(seed.slice(0, 13), 16); // 52 bits: client ids have 53
  Object.defineProperty(model, "dirty", { set() {} }); // else the mark would be in the document
  model.ydoc.transact(() =>
    typeof content === "string" ? model.setSource(content) : model.fromJSON(structuredClone(content)),
  );
  const state = Y.encodeStateAsUpdate(model.ydoc);
  model.dispose();
  return { seed, state };
}
