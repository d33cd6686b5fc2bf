// @ts-check
/**
 * The monitor as a widget in a notebook: the last part of its script, behind uPlot and monitor.js.
 *
 * To Python: `{shown: VIEW}`, `{gone: VIEW}`.
 */

/* global createMonitor, uPlot */

export default {
  /** @param {{model: any, el: HTMLElement}} view */
  render({ model, el }) {
    const view = `${Math.random()}`;
    const monitor = createMonitor({ uPlot });
    const show = () => monitor.show(model.get("monitor"));
    model.on("change:monitor", show);
    el.append(monitor.node);
    show();
    model.send({ shown: view });
    return () => {
      model.off("change:monitor", show);
      monitor.close();
      model.send({ gone: view });
    };
  },
};
