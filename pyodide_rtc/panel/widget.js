// @ts-check
/**
 * The panel as a widget in a notebook: the last part of its script, behind uqr and panel.js.
 *
 * To Python: `{shown: VIEW}`, `{gone: VIEW}`, `{do: ACTION, id: N}`. From Python: `{done: N, error}`.
 */

/* global createPanel, encode */

/** @param {any} model of the widget @returns {string | undefined} the notebook that it is in */
const notebookOf = (model) => model.widget_manager?.context?.path;

export default {
  /** @param {{model: any, el: HTMLElement}} view */
  render({ model, el }) {
    const view = `${Math.random()}`;
    let asked = 0;
    /** @type {Map<number, (error: string) => void>} */
    const waiting = new Map();
    const act = (/** @type {string} */ action) =>
      new Promise((/** @type {(error: string) => void} */ resolve) => {
        waiting.set(++asked, resolve);
        model.send({ do: action, view, id: asked });
      });
    const panel = createPanel({ encode, act, path: () => notebookOf(model) });
    const show = () => panel.show(model.get("panel"));
    const hear = (/** @type {any} */ message) => {
      if (message?.view !== view || !waiting.has(message.done)) return;
      waiting.get(message.done)?.(message.error);
      waiting.delete(message.done);
    };
    model.on("change:panel", show);
    model.on("msg:custom", hear);
    el.append(panel.node);
    show();
    model.send({ shown: view });
    return () => {
      model.off("change:panel", show);
      model.off("msg:custom", hear);
      model.send({ gone: view });
    };
  },
};
