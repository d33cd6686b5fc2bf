// @ts-check
/**
 * Provides what jupyter-collaboration's front end needs, by the engine in place of a server: its
 * three tokens; and shows the room to the person at the page. remoteEntry.js loads this file on
 * pages that are in a room.
 */

import { AwarenessLink } from "./awareness.js";
import { SharedFile } from "./documents.js";
import { Keep } from "./keep.js";
import { keepTrustHere } from "./trust.js";

/**
 * @typedef {object} Coediting
 * @property {import("./engine-client.js").EngineClient} engine
 * @property {any} config the merged `jupyter-config-data`
 * @property {string} room
 * @property {boolean} hasOwnUsers whether the site has a user manager of its own
 * @property {(name: string) => Promise<any>} load
 */

/** @param {Coediting} coediting @returns {Promise<any[]>} plugins of JupyterLab */
export async function makePlugins({ engine, config, room, hasOwnUsers, load }) {
  const names = [
    "@jupyter/docprovider",
    "@jupyter/collaborative-drive",
    "@jupyter/ydoc",
    "@jupyterlab/apputils",
    "@jupyterlab/docmanager",
    "@jupyterlab/outputarea",
    "@jupyterlab/services",
    "@jupyterlab/statusbar",
    "@lumino/widgets",
    "yjs",
  ];
  const [
    tokens,
    collaborativeDrive,
    ydoc,
    apputils,
    docmanager,
    outputarea,
    services,
    statusbar,
    widgets,
    Y,
  ] = await Promise.all(names.map(load));
  const named = new URLSearchParams(location.search).get("path"); // the application removes it later
  keepTrustHere(ydoc.YBaseCell, outputarea.OutputAreaModel);

  /** @type {Map<string, SharedFile>} */
  const files = new Map();
  /** The receivers of the engine's messages about the page as a whole, by operation. */
  const page = /** @type {Record<string, (...about: any[]) => void>} */ ({});
  const identity = new Promise((resolve) => {
    page.user = (text) => resolve(JSON.parse(text));
  });

  const around = {
    engine,
    room,
    Y,
    keep: new Keep(config.baseUrl),
    models: { notebook: ydoc.YNotebook, file: ydoc.YFile },
    /** @param {SharedFile} file @param {() => Promise<string | undefined>} exchange */
    reopen: async (file, exchange) => {},
  };

  /** @param {any} options */
  const fileOf = (options) => {
    const key = `${options.contentType}:${options.path}`;
    if (!files.has(key)) files.set(key, new SharedFile(around, options));
    return /** @type {SharedFile} */ (files.get(key));
  };

  const documents = {
    id: "pyodide-rtc:documents",
    description: "Links open documents to the engine",
    provides: tokens.IDocumentProviderFactory,
    activate: () => ({ create: (/** @type {any} */ options) => fileOf(options).show(options) }),
  };

  const presence = {
    id: "pyodide-rtc:presence",
    description: "Tells who is in the room",
    provides: tokens.IAwarenessProviderFactory,
    activate: () => ({
      create({ awareness, user }) {
        const showUser = () => awareness.setLocalStateField("user", user.identity);
        user.ready.then(showUser);
        user.userChanged.connect(showUser);
        const link = new AwarenessLink(awareness, (client, state) =>
          engine.post("presence", "", client, state),
        );
        page.presence = (text) => link.take(text);
        return { awareness, isDisposed: false, dispose: () => link.close() };
      },
    }),
  };

  const user = {
    id: "pyodide-rtc:user",
    description: "Tells who sits at the page",
    provides: services.IUserManager,
    optional: [services.IServerSettings],
    activate(/** @type {null} */ _, serverSettings) {
      const manager = new services.UserManager({
        serverSettings: serverSettings ?? undefined,
        userApiClient: { get: async () => ({ identity: await identity, permissions: {} }) },
      });
      // It reports its first user before it is ready; the menu shows only one reported afterwards.
      const { userChanged } = manager;
      manager.ready.then(() => userChanged.emit({ identity: manager.identity, permissions: {} }));
      return manager;
    },
  };

  const opening = {
    id: "pyodide-rtc:opening",
    description: "Opens what only the room has, and what the room has in another form",
    autoStart: true,
    requires: [collaborativeDrive.ICollaborativeContentProvider, docmanager.IDocumentManager],
    activate({ serviceManager, shell, restored }, provider, documentManager) {
      const { contents } = serviceManager;
      const drive = contents.defaultDrive;
      around.reopen = async (file, exchange) => {
        await nextFrame(); // JupyterLab still updates the cells one frame after they changed
        const activate = shell.currentWidget?.context?.path === file.path;
        await documentManager.closeFile(file.path);
        const copy = await exchange();
        // "_noref" opens it here: the notebook application would open a new tab of the browser.
        const options = { ref: "_noref", activate };
        documentManager.openOrReveal(file.path, undefined, undefined, options);
        tellAdopted(apputils.Notification, file.path, copy);
      };
      answerForFiles(provider, files);
      fetchWhatIsNamed(contents, named, (path) => fileOf({ ...kindOf(path), path, drive }));
      const keepAll = () => files.forEach((file) => file.keepNow());
      window.addEventListener("pagehide", keepAll);
      // If it started earlier, the application would take 1.4 times as long to show (on two cores).
      restored.then(() => engine.start());
    },
  };

  const status = {
    id: "pyodide-rtc:status",
    description: "Shows the room in the status bar",
    autoStart: true,
    optional: [statusbar?.IStatusBar].filter(Boolean),
    activate: ({ shell }, statusBar) => {
      const item = new widgets.Widget();
      item.id = "pyodide-rtc-room";
      item.addClass("jp-StatusBar-TextItem");
      const show = (/** @type {string} */ text, /** @type {string} */ why) => {
        item.node.textContent = text;
        item.node.title = why;
      };
      show(`${room}: starting`, "Editing together begins as soon as the engine has started.");
      page.room = (why, people) => show(`${room}: ${people} ${people === 1 ? "person" : "people"}`, why);
      page.stopped = (reason) => {
        show(`${room}: not shared`, `Nothing is shared with others: ${reason}. Reload the page.`);
        console.error(`pyodide-rtc: the engine has stopped: ${reason}`);
      };
      engine.hear("", (operation, ...about) => page[operation]?.(...about));
      if (statusBar) statusBar.registerStatusItem("pyodide-rtc:room", { item, align: "left", rank: 5 });
      else shell.add(item, "menu", { rank: 900 }); // the notebook application has no status bar
    },
  };
  return [documents, presence, ...(hasOwnUsers ? [] : [user]), opening, status];
}

/** Wait until two frames are drawn, at most 200 ms: a hidden page draws none. */
const nextFrame = () =>
  new Promise((resolve) => {
    requestAnimationFrame(() => requestAnimationFrame(resolve));
    setTimeout(resolve, 200);
  });

/** @param {string} path */
const kindOf = (path) =>
  path.endsWith(".ipynb")
    ? { contentType: "notebook", format: "json" }
    : { contentType: "file", format: "text" };

/**
 * Answer the application's questions about files that are edited together. The answer waits until
 * the document is ready. The date stays the same: what we save ourselves, in this tab or another,
 * is to be no change of the file on the disk.
 * @param {any} provider RtcContentProvider @param {Map<string, SharedFile>} files
 */
function answerForFiles(provider, files) {
  const get = provider.get.bind(provider);
  provider.get = async (/** @type {string} */ path, /** @type {any} */ options) => {
    const file = [...files.values()].find((one) => one.path === path);
    await file?.ready;
    const model = await get(path, options);
    if (!file) return model;
    file.lastModified ??= model.last_modified;
    return { ...model, last_modified: file.lastModified };
  };
}

/**
 * Fetch the file that the address names from the room, if this browser lacks it.
 * @param {any} contents @param {string | null} named its path
 * @param {(path: string) => SharedFile} fileOf
 */
function fetchWhatIsNamed(contents, named, fileOf) {
  const get = contents.get.bind(contents);
  contents.get = async (/** @type {string} */ path, /** @type {any} */ options) => {
    try {
      return await get(path, options);
    } catch (error) {
      if (path !== named || options?.type || !(await fileOf(path).fetch())) throw error;
      return get(path, options);
    }
  };
}

/** @param {any} Notification @param {string} path @param {string | undefined} copy */
function tellAdopted(Notification, path, copy) {
  if (copy === undefined) return;
  Notification.warning(
    `${path}: the room has another version, which you see now. Yours is kept as ${copy}.`,
    { autoClose: false },
  );
}
