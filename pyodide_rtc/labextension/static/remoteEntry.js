// @ts-nocheck
/**
 * The labextension, written by hand in the form that JupyterLab loads: a container with a share
 * scope of the application's own packages. It gives each kernel's Worker its host, host.js beside
 * this file, has every page note its room for the pages that are opened from it, and decides
 * nothing.
 */
{
  const hostUrl = new URL("host.js", document.currentScript.src).href;
  let shared;

  /** Load a package of the application, in the version that it has; undefined without it. */
  const load = async (name) => {
    const [version] = Object.values(shared[name] ?? {});
    return version && (await version.get())();
  };

  /** Read the application's own user: JupyterLite has none, unless the site adds one. */
  const userOf = ({ user }) => () => {
    if (!user?.identity) return undefined;
    const { name, display_name, username, color = "" } = user.identity;
    const [, variable] = /^var\((--[\w-]+)\)$/.exec(color) ?? []; // so JupyterLab gives colours
    const style = getComputedStyle(document.body);
    return {
      name: display_name || name || username || undefined,
      color: variable ? style.getPropertyValue(variable).trim() : color,
    };
  };

  const plugin = (IKernelClient) => ({
    id: "pyodide-rtc:host",
    description: "Gives the kernels of JupyterLite their port to the page",
    autoStart: true,
    optional: [IKernelClient],
    async activate({ serviceManager }, kernelClient) {
      if (!kernelClient) return; // JupyterLab with a server: its kernels are no workers
      const { attachWorker, noteRoom } = await import(hostUrl);
      noteRoom();
      const getUser = userOf(serviceManager);
      const attachments = new Map();
      const attach = (kernel) => {
        if (!kernel || attachments.has(kernel)) return;
        // A private name of JupyterLite's kernels. Without it the kernel tries its other routes.
        if (kernel._worker)
          attachments.set(kernel, attachWorker(kernel._worker, "labextension", getUser));
        else console.warn(`pyodide-rtc: the ${kernel.name} kernel has no _worker to reach it by`);
      };
      const detach = (kernel) => {
        attachments.get(kernel)?.close();
        attachments.delete(kernel);
      };
      kernelClient.changed.connect((_client, { oldValue, newValue }) => {
        detach(oldValue);
        attach(newValue);
      });
      const models = await kernelClient.listRunning();
      (await Promise.all(models.map(({ id }) => kernelClient.getModel(id)))).forEach(attach);
    },
  });

  (window._JUPYTERLAB ??= {})["pyodide-rtc"] = {
    init: (scope) => void (shared = scope),
    get: async () => {
      const services = await load("@jupyterlite/services");
      const plugins = services ? [plugin(services.IKernelClient)] : [];
      return () => ({ __esModule: true, default: plugins });
    },
  };
}
