// Usage: node precompile.mjs PYODIDE FOLDER. Runs precompile.py on the archives in FOLDER, in the
// Pyodide of the other folder; both may be one.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [home, folder] = process.argv.slice(2);
const { loadPyodide } = await import(new URL("pyodide.mjs", pathToFileURL(`${home}/`)));
const pyodide = await loadPyodide();
pyodide.mountNodeFS("/archives", folder);
pyodide.runPython(readFileSync(new URL("precompile.py", import.meta.url), "utf8"));
