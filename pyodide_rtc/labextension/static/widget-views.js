// @ts-check
/**
 * Keeps widgets in sight where several people run one cell. A widget lives in the kernel that made it,
 * and the output in the document names the one of who ran the cell last. Whoever has run the cell as
 * well sees the widget of the own kernel in its place; whoever has not reads how to get one. What is
 * saved and shared stays as it is.
 */

const VIEW = "application/vnd.jupyter.widget-view+json";
const RUN_IT = "in another kernel: run this cell to have it here.";

/** @typedef {{id: string, kind: string}} View */

/** The widgets that kernels of this page have shown. @type {Set<string>} */
const own = new Set();
/** Those that an output area has shown since the cell was run here. @type {WeakMap<object, View[]>} */
const shown = new WeakMap();
/** Our own widget in the place of somebody else's. @type {Map<string, string>} */
const inPlaceOf = new Map();
/** Models of outputs that show a widget, or stand for one. */
const views = new WeakSet();

/** @param {any} output @returns {View | undefined} */
function viewOf(output) {
  const id = output?.data?.[VIEW]?.model_id;
  if (typeof id !== "string") return undefined;
  const text = [output.data["text/plain"] ?? ""].flat().join("");
  const [, kind] = /^(\w{1,60})\(/.exec(text) ?? ["", "Widget"];
  return { id, kind };
}

/** A cell is run here: what it has shown before counts no longer. @param {object} area */
export function beginViews(area) {
  shown.delete(area);
}

/** A kernel of this page has made an output. @param {object} area @param {any} output */
export function noteView(area, output) {
  const view = viewOf(output);
  if (!view) return;
  own.add(view.id);
  shown.set(area, [...(shown.get(area) ?? []), view]);
}

/**
 * An output of somebody else comes: find the widget here that is its equal, of the same kind and at
 * the same place among the widgets of the cell.
 * @param {any} area OutputAreaModel @param {number} index where it goes @param {any} output
 */
export function meetView(area, index, output) {
  const view = viewOf(output);
  if (!view || own.has(view.id)) return;
  let place = 0;
  for (let at = 0; at < index; at++) if (views.has(area.get(at))) place++;
  const equal = shown.get(area)?.[place];
  if (equal?.kind === view.kind) inPlaceOf.set(view.id, equal.id);
  else inPlaceOf.delete(view.id);
}

/**
 * Make the model of an output, with a stand-in for a widget that is not here.
 * @param {(options: any) => any} create makes a model @param {any} options of it
 */
export function createView(create, options) {
  const view = viewOf(options.value);
  if (!view) return create(options);
  const isHere = own.has(view.id);
  const equal = inPlaceOf.get(view.id);
  // A widget of our own kernel, and nothing beside it: there is nothing in it to be wary of.
  const model = create(isHere ? options : { ...options, trusted: equal !== undefined });
  if (!isHere) {
    const data = equal ? { [VIEW]: { ...options.value.data[VIEW], model_id: equal } }
      : { "text/plain": `${view.kind} ${RUN_IT}` };
    Object.defineProperty(model, "data", { value: data }); // of what is shown, not of what is saved
  }
  views.add(model);
  return model;
}
