// @ts-nocheck
/**
 * The labextension, written by hand in the form that JupyterLab loads: a container with a share
 * scope of the application's own packages. It gives each kernel's Worker its host (host.js). It
 * remembers each page's room for the pages that are opened from it. On a page that is in a room, it
 * has the open documents edited together (coediting.js).
 */
{
  const here = (name) => new URL(name, document.currentScript.src).href;
  const [hostUrl, coeditingUrl, clientUrl, engineUrl] = [
    "host.js",
    "coediting.js",
    "engine-client.js",
    "engine.js",
  ].map(here);

  /** The extensions of jupyter-collaboration by which documents are edited together. */
  const FRONT_END = ["@jupyter/docprovider-extension", "@jupyter/collaboration-extension"];
  const USER_MANAGER = "@jupyterlite/services-extension:user-manager";
  const PROVIDER = "@jupyter/docprovider-extension:";
  /** Its plugins that need a Jupyter server, which a site does not have, or that ours replace. */
  const SERVED = [
    "websocket-provider-document-factory",
    "websocket-provider-awareness-factory",
    "statusBarTimeline",
    "forkManager",
    "logger",
    "notebook-cell-executor", // ours asks first if somebody else is running the cell
  ].map((name) => PROVIDER + name);
  /** Its button for a link to a Jupyter server: that link names neither the room nor the document. */
  const SHARE_LINK = "@jupyter/collaboration-extension:shared-link";
  /** The application's own runner of cells; the site's build disables it in favour of theirs. */
  const CELL_EXECUTOR = "@jupyterlab/notebook-extension:cell-executor";
  /** Applications that show documents. */
  const APPS = ["lab", "notebooks", "edit"];

  let shared;
  let coediting;

  /** Load a package of the application, in the version that it has; undefined without it. */
  const load = async (name) => {
    const [version] = Object.values(shared[name] ?? {});
    return version && (await version.get())();
  };

  /**
   * Prepare to edit documents together if this page is in a room; else leave all as without us. This
   * runs before the application reads its configuration, which says which plugins are disabled.
   */
  const begin = async () => {
    if (!shared["@jupyterlite/services"]) return; // JupyterLab with a server has its own way
    const { noteRoom, pageRoom } = await import(hostUrl);
    noteRoom();
    const element = document.getElementById("jupyter-config-data");
    const config = JSON.parse(element.textContent);
    const { collaborative, appUrl, federated_extensions: extensions, disabledExtensions: off = [] } =
      config;
    const change = (changes) => {
      element.textContent = JSON.stringify(Object.assign(config, changes));
    };
    const isTheirs = ({ name }) => FRONT_END.includes(name);
    const isAllowed = [true, "true"].includes(collaborative);
    const isShown = APPS.includes(appUrl.replace(/.*\//, ""));
    const room = isAllowed && isShown ? pageRoom() : "";
    if (!room)
      return change({
        federated_extensions: extensions.filter((extension) => !isTheirs(extension)),
        disabledExtensions: off.filter((id) => id !== CELL_EXECUTOR),
      });
    if (extensions.filter(isTheirs).length < FRONT_END.length)
      return console.info(
        "pyodide-rtc: documents are edited together where the site has jupyter-docprovider and " +
          "jupyter-collaboration-ui, too: pip install 'pyodide-rtc[site]' where it is built",
      );
    const hasOwnUsers = off.includes(USER_MANAGER);
    const users = hasOwnUsers ? [] : [USER_MANAGER];
    change({ disabledExtensions: [...off, ...SERVED, SHARE_LINK, ...users] });
    const { EngineClient } = await import(clientUrl);
    const engine = new EngineClient(engineUrl, config, room);
    coediting = { engine, config, room, hasOwnUsers, load };
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
      const { attachWorker } = await import(hostUrl);
      const isOurs = coediting && !coediting.hasOwnUsers; // then Python names the user by itself
      const getUser = isOurs ? undefined : userOf(serviceManager);
      const attachments = new Map();
      const attach = (kernel) => {
        if (!kernel || attachments.has(kernel)) return;
        // A private name of JupyterLite's kernels. Without it the kernel tries its other routes.
        if (kernel._worker)
          attachments.set(kernel, attachWorker(kernel._worker, "labextension", getUser));
        else if (/python/i.test(kernel.name))
          console.warn(`pyodide-rtc: the ${kernel.name} kernel has no _worker to reach it by`);
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
    init: async (scope) => {
      shared = scope;
      await begin();
    },
    get: async () => {
      const services = await load("@jupyterlite/services");
      const plugins = services ? [plugin(services.IKernelClient)] : [];
      if (coediting) plugins.push(...(await (await import(coeditingUrl)).makePlugins(coediting)));
      return () => ({ __esModule: true, default: plugins });
    },
  };
}
