// @ts-check
/**
 * Keeps on this page what is one person's own in a notebook's metadata: the kernel, and how the cells
 * are shown. It is read from this browser's file, written here, and saved into that file. The shared
 * document has it only once, as a beginning for those who have no file.
 */

/** @typedef {Record<string, any>} Metadata */

/** Widget states are here too: to restore them, JupyterLab runs code that they bring (anywidget). */
const OF_NOTEBOOK = ["kernelspec", "language_info", "widgets"];
const OF_CELL = ["collapsed", "scrolled", "jupyter", "jp-MarkdownHeadingCollapsed"];

/** What of a notebook's own metadata somebody without a file begins with. */
const FOR_OTHERS = ["kernelspec", "language_info"];
/** The map of the shared document that has the beginning. */
const FIRST = "firstMetadata";

/**
 * The own metadata of a shared notebook; that of cells by their ids.
 * @typedef {object} Own
 * @property {Metadata} notebook
 * @property {Map<string, Metadata>} cells
 * @property {WeakMap<object, Metadata>} drafts that of cells that are not in the document yet
 * @property {() => void} changed
 */

/** @type {WeakMap<object, Own>} by YNotebook */
const owned = new WeakMap();

/** @param {any} one @param {any} other */
const isSame = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/** @param {Metadata | undefined} metadata @param {string[]} keys @param {boolean} isIn @returns {Metadata} */
const part = (metadata, keys, isIn) =>
  Object.fromEntries(
    Object.entries(metadata ?? {}).filter(
      ([key, value]) => keys.includes(key) === isIn && value !== undefined,
    ),
  );

/** @param {Metadata | undefined} metadata of a notebook @returns {Metadata} what all share of it */
export const sharedOfNotebook = (metadata) => part(metadata, OF_NOTEBOOK, false);

/** @param {Metadata | undefined} metadata of a cell @returns {Metadata} what all share of it */
export const sharedOfCell = (metadata) => part(metadata, OF_CELL, false);

/**
 * Set or delete a cell's own metadata. As in JupyterLab, hidden outputs have two marks.
 * @param {Metadata} own @param {string} key @param {any} value undefined deletes
 * @returns {Metadata}
 */
export function withOwn(own, key, value) {
  const { [key]: before, ...others } = own;
  /** @type {Metadata} */
  const after = value === undefined ? others : { ...others, [key]: value };
  if (key === "collapsed") {
    const { outputs_hidden, ...jupyter } = after.jupyter ?? {};
    if (value !== undefined) jupyter.outputs_hidden = value;
    if (Object.keys(jupyter).length > 0) after.jupyter = jupyter;
    else delete after.jupyter;
  } else if (key === "jupyter") {
    if (value?.outputs_hidden === undefined) delete after.collapsed;
    else after.collapsed = value.outputs_hidden;
  }
  return after;
}

/** @param {any} file a notebook @returns {[string, Metadata][]} the own metadata of its cells, by id */
const ofCells = (file) =>
  file.cells
    .map((/** @type {any} */ { id, metadata }, /** @type {number} */ index) => [
      id ?? `seed-${index}`, // as in seeding.js
      part(metadata, OF_CELL, true),
    ])
    .filter((/** @type {[string, Metadata]} */ [, metadata]) => Object.keys(metadata).length > 0);

/**
 * Add the beginning for those who have no file. It is no part of the seed, which is the same for
 * people whose files differ in this only.
 * @param {any} Y the application's yjs @param {Uint8Array} state of the seed @param {any} file
 * @returns {Uint8Array}
 */
export function withBeginning(Y, state, file) {
  if (!Array.isArray(file?.cells)) return state;
  const ydoc = new Y.Doc();
  const first = ydoc.getMap(FIRST);
  ydoc.transact(() => {
    const metadata = Object.entries(file.metadata ?? {});
    for (const [key, value] of metadata) if (isForOthers(key, value)) first.set(key, value);
    const cells = ofCells(file);
    if (cells.length > 0) first.set("cells", Object.fromEntries(cells));
  });
  return Y.mergeUpdates([state, Y.encodeStateAsUpdate(ydoc)]);
}

/** @param {string} key @param {any} value JupyterLab gives an unknown kernel or language no name */
const isForOthers = (key, value) => FOR_OTHERS.includes(key) && Boolean(value?.name);

/** @param {any} notebook YNotebook, before anything is in it */
export function ownHere(notebook) {
  const own = { notebook: {}, cells: new Map(), drafts: new WeakMap(), changed: () => {} };
  owned.set(notebook, own);
}

/**
 * Begin with what this browser's file has, or else with what the first person had.
 * @param {any} notebook YNotebook with its first content @param {any} file undefined without one
 */
export function beginOwn(notebook, file) {
  const own = owned.get(notebook);
  if (!own) return;
  if (file) {
    own.notebook = part(file.metadata, OF_NOTEBOOK, true);
    own.cells = new Map(ofCells(file));
    return;
  }
  const first = notebook.ydoc.getMap(FIRST).toJSON();
  const told = notebook.ymeta.get("metadata")?.toJSON?.();
  own.notebook = part({ ...told, ...first }, FOR_OTHERS, true);
  for (const [id, metadata] of Object.entries(first.cells ?? {}))
    own.cells.set(id, part(metadata, OF_CELL, true));
}

/** @param {any} notebook YNotebook @param {() => void} changed is called when the own metadata changes */
export function hearOwn(notebook, changed) {
  const own = owned.get(notebook);
  if (own) own.changed = changed;
}

/**
 * Patch the application. Call this once, before the first document is made.
 * @param {any} ydoc @jupyter/ydoc
 */
export function keepMetadataHere({ YNotebook, YBaseCell }) {
  patch(YNotebook.prototype, OF_NOTEBOOK, ofNotebook, true);
  patch(YBaseCell.prototype, OF_CELL, ofCell, false);
  const { updateMetadata } = YNotebook.prototype;
  YNotebook.prototype.updateMetadata = function (/** @type {Metadata} */ metadata) {
    const access = ofNotebook(this);
    if (!access) return updateMetadata.call(this, metadata);
    for (const [key, value] of Object.entries(part(metadata, OF_NOTEBOOK, true)))
      access.set(key, value);
    const others = sharedOfNotebook(metadata);
    if (Object.keys(others).length > 0) updateMetadata.call(this, others);
  };
}

/** @typedef {{get: () => Metadata, set: (key: string, value: any) => void}} Access */

/**
 * @param {any} prototype @param {string[]} keys
 * @param {(model: any) => Access | undefined} accessOf undefined for what is not shared
 * @param {boolean} isWhole whether setting all metadata deletes what is not in it
 */
function patch(prototype, keys, accessOf, isWhole) {
  const { getMetadata, setMetadata, deleteMetadata } = prototype;

  /** @param {any} model @param {string} [key] A peer may have put something else in its place. */
  const getShared = (model, key) => {
    try {
      return getMetadata.call(model, key);
    } catch {
      return key === undefined ? {} : undefined;
    }
  };

  prototype.getMetadata = function (/** @type {string | undefined} */ key) {
    const access = accessOf(this);
    if (!access) return getMetadata.call(this, key);
    if (key !== undefined)
      return keys.includes(key) ? structuredClone(access.get()[key]) : getShared(this, key);
    const found = getShared(this);
    return found && { ...part(found, keys, false), ...structuredClone(access.get()) };
  };

  prototype.setMetadata = function (/** @type {any} */ metadata, /** @type {any} */ value) {
    const access = accessOf(this);
    if (!access) return setMetadata.call(this, metadata, value);
    if (typeof metadata === "string")
      return keys.includes(metadata)
        ? access.set(metadata, value)
        : setMetadata.call(this, metadata, value);
    const own = part(metadata, keys, true);
    for (const key of keys) if (isWhole || key in own) access.set(key, own[key]);
    const before = part(getShared(this), keys, false);
    const others = Object.entries(part(metadata, keys, false));
    const changed = others.filter(([key, inner]) => !isSame(before[key], inner));
    if (!isWhole && changed.length > 0) setMetadata.call(this, Object.fromEntries(changed));
    else if (isWhole && !isSame(before, Object.fromEntries(others)))
      setMetadata.call(this, Object.fromEntries(others));
  };

  prototype.deleteMetadata = function (/** @type {string} */ key) {
    const access = keys.includes(key) && accessOf(this);
    return access ? access.set(key, undefined) : deleteMetadata.call(this, key);
  };
}

/** @param {any} notebook @returns {Access | undefined} */
function ofNotebook(notebook) {
  const own = owned.get(notebook);
  if (!own) return undefined;
  return {
    get: () => own.notebook,
    set(key, value) {
      const before = own.notebook;
      if (isSame(before[key], value)) return;
      const { [key]: _, ...others } = before;
      own.notebook = value === undefined ? others : { ...others, [key]: structuredClone(value) };
      const first = notebook.ydoc.getMap(FIRST);
      if (isForOthers(key, value) && !first.has(key)) first.set(key, value);
      tell(notebook, key, before[key], value);
      own.changed();
    },
  };
}

/** @param {any} cell @returns {Access | undefined} */
function ofCell(cell) {
  const own = cell.notebook && owned.get(cell.notebook);
  if (!own) return undefined;
  const { drafts, cells } = own;
  const { ymodel } = cell;
  if (!ymodel.doc)
    return {
      get: () => drafts.get(ymodel) ?? {},
      set: (key, value) => void drafts.set(ymodel, withOwn(drafts.get(ymodel) ?? {}, key, value)),
    };
  const id = cell.getId();
  const draft = drafts.get(ymodel);
  if (draft) {
    drafts.delete(ymodel);
    cells.set(id, draft);
  }
  return {
    get: () => cells.get(id) ?? {},
    set(key, value) {
      const before = cells.get(id) ?? {};
      const after = structuredClone(withOwn(before, key, value));
      if (isSame(before, after)) return;
      cells.set(id, after);
      // JupyterLab changes its marks one after the other: told in between, it would undo the first.
      queueMicrotask(() => {
        if (cell.isDisposed) return;
        for (const one of OF_CELL)
          if (!isSame(before[one], after[one])) tell(cell, one, before[one], after[one]);
      });
      own.changed();
    },
  };
}

/** @param {any} model @param {string} key @param {any} oldValue @param {any} newValue */
function tell(model, key, oldValue, newValue) {
  const [type, action] =
    newValue === undefined
      ? ["remove", "delete"]
      : oldValue === undefined
        ? ["add", "add"]
        : ["change", "update"];
  model.metadataChanged.emit({ key, type, oldValue, newValue });
  model.changed.emit({ metadataChange: new Map([[key, { action, oldValue }]]) });
}
