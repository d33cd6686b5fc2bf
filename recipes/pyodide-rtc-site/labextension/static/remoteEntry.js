/** JupyterLab loads a script of each extension. This one has no plugin: it only carries wheels. */
(window._JUPYTERLAB ??= {})["pyodide-rtc-site"] = {
  init: () => {},
  get: async () => () => ({ __esModule: true, default: [] }),
};
