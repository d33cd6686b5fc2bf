// @ts-check
/**
 * Provides what jupyter-collaboration's front end needs, by the engine in place of a server: its
 * three tokens; and shows the room to the person at the page. remoteEntry.js loads this file on
 * pages that are in a room.
 */

import { AwarenessLink } from "./awareness.js";
import { tameCharts } from "./charts.js";
import { SharedFile } from "./documents.js";
import { Keep } from "./keep.js";
import { keepPlace } from "./reading.js";
import { keepRunsHere, runnerPlugin } from "./running.js";
import { Status } from "./status.js";
import { keepCursors } from "./taking.js";
import { keepTrustHere } from "./trust.js";
import { PageUser, userPlugins } from "./user.js";

/** A page that shows no document so long after it was restored starts the engine without one. */
const NO_DOCUMENT_MS = 3000;

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
    "@jupyter/collaboration",
    "@jupyter/docprovider",
    "@jupyter/collaborative-drive",
    "@jupyter/ydoc",
    "@jupyterlab/apputils",
    "@jupyterlab/docmanager",
    "@jupyterlab/notebook",
    "@jupyterlab/outputarea",
    "@jupyterlab/rendermime",
    "@jupyterlab/services",
    "@jupyterlab/statusbar",
    "@lumino/widgets",
    "yjs",
  ];
  const [
    collaboration,
    tokens,
    collaborativeDrive,
    ydoc,
    apputils,
    docmanager,
    notebook,
    outputarea,
    rendermime,
    services,
    statusbar,
    widgets,
    Y,
  ] = await Promise.all(names.map(load));
  const named = new URLSearchParams(location.search).get("path"); // the application removes it later
  keepTrustHere(ydoc, outputarea.OutputAreaModel);
  keepRunsHere(ydoc.YCodeCell);
  keepCursors(ydoc.YBaseCell);
  tameCharts(rendermime.RenderMimeRegistry);
  keepPlace();

  /** @type {Set<SharedFile>} */
  const files = new Set();
  /** The receivers of the engine's messages about the page as a whole, by operation. */
  const page = /** @type {Record<string, (...about: any[]) => void>} */ ({});
  const person = new PageUser();
  page.user = (text) => person.take(text);
  const shown = new Status(room, { apputils, widgets });

  const around = {
    engine,
    room,
    Y,
    keep: new Keep(config.baseUrl),
    models: { notebook: ydoc.YNotebook, file: ydoc.YFile },
    /** @param {SharedFile} file @param {() => Promise<string | undefined>} exchange */
    reopen: async (file, exchange) => {},
    warn: (/** @type {string} */ text) =>
      void apputils.Notification.warning(text, { autoClose: false }),
    forget: (/** @type {SharedFile} */ file) => void files.delete(file),
    /** @param {string} cause @param {string} [sentence] */
    tell: (cause, sentence) => shown.note(cause, sentence),
  };

  /** @param {any} options */
  const fileOf = (options) => {
    const isIt = (/** @type {SharedFile} */ one) =>
      one.path === options.path && one.contentType === options.contentType;
    const file = [...files].find(isIt) ?? new SharedFile(around, options);
    files.add(file);
    return file;
  };

  const documents = {
    id: "pyodide-rtc:documents",
    description: "Links open documents to the engine",
    provides: tokens.IDocumentProviderFactory,
    activate: () => ({
      create(/** @type {any} */ options) {
        const { contentType, path } = options;
        if (!(contentType in around.models)) // an extension has brought a shared model of its own
          around.warn(`${path} cannot be opened in a room: only notebooks and text files can.`);
        const document = fileOf(options).show(options);
        const settled = document.ready.catch(() => undefined); // the application tells of an error
        settled.then(nextFrame).then(() => engine.start());
        return document;
      },
    }),
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
        page.restarted = () => link.showAgain();
        return { awareness, isDisposed: false, dispose: () => link.close() };
      },
    }),
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
        if (copy !== undefined)
          around.warn(
            `${file.path}: the room has another version, which you see now. Yours is kept as ${copy}.`,
          );
      };
      answerForFiles(provider, drive, files);
      fetchWhatIsNamed(contents, named, (path) => fileOf({ ...kindOf(path), path, drive }));
      const keepAll = () => files.forEach((file) => file.keepNow());
      window.addEventListener("pagehide", keepAll);
      // The first document that is shown starts the engine: an engine that starts earlier takes the
      // processor from it (0.4 s on two cores). A page without documents shows who is here.
      restored.then(() => setTimeout(() => engine.start(), NO_DOCUMENT_MS));
    },
  };

  const status = {
    id: "pyodide-rtc:status",
    description: "Shows the room in the status bar",
    autoStart: true,
    optional: [statusbar?.IStatusBar].filter(Boolean),
    activate: (app, statusBar) => {
      const { item } = shown;
      shown.attach(
        app,
        (path) => [...files].find((file) => file.path === path)?.key,
        (isShown) => engine.post("panel", "", isShown),
      );
      engine.hear("", (operation, ...about) => {
        shown.take(operation, about);
        page[operation]?.(...about);
      });
      if (statusBar)
        statusBar.registerStatusItem("pyodide-rtc:room", { item, align: "left", rank: -1, priority: 1 });
      else app.shell.add(item, "menu", { rank: 900 }); // the notebook application has no status bar
    },
  };
  const users = hasOwnUsers ? [] : userPlugins(person, { services, apputils, collaboration, widgets });
  const runner = runnerPlugin(notebook, apputils, widgets);
  return [documents, presence, ...users, opening, status, runner];
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
 * @param {any} provider RtcContentProvider @param {any} drive @param {Set<SharedFile>} files
 */
function answerForFiles(provider, drive, files) {
  const find = (/** @type {string} */ path, /** @type {string | undefined} */ type) =>
    [...files].find((one) => one.path === path && one.contentType === (type ?? one.contentType));
  const get = provider.get.bind(provider);
  provider.get = async (/** @type {string} */ path, /** @type {any} */ options) => {
    const file = find(path, options?.type);
    await file?.answer(options?.content !== false);
    const model = await get(path, options);
    if (!file) return model;
    file.lastModified ??= model.last_modified;
    return { ...model, last_modified: file.lastModified };
  };
  const restore = drive.restoreCheckpoint.bind(drive);
  drive.restoreCheckpoint = async (/** @type {string} */ path, /** @type {string} */ id) => {
    const file = find(path, undefined);
    await (file ? file.restore(() => restore(path, id)) : restore(path, id));
  };
}

/**
 * Fetch the file that the address names from the room, if this browser lacks it.
 * @param {any} contents @param {string | null} named its path
 * @param {(path: string) => SharedFile} fileOf
 */
function fetchWhatIsNamed(contents, named, fileOf) {
  const get = contents.get.bind(contents);
  let wanted = named;
  contents.get = async (/** @type {string} */ path, /** @type {any} */ options) => {
    try {
      const model = await get(path, options);
      if (path === wanted) wanted = null; // who deletes it later does not want it back
      return model;
    } catch (error) {
      if (path !== wanted || options?.type || !(await fileOf(path).fetch())) throw error;
      return get(path, options);
    }
  };
}
