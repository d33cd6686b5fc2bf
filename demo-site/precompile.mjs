// Usage: node precompile.mjs FOLDER, which holds a Pyodide. Runs precompile.py on its archives.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [folder] = process.argv.slice(2);
const { loadPyodide } = await import(new URL("pyodide.mjs", pathToFileURL(`${folder}/`)));
const pyodide = await loadPyodide();
pyodide.mountNodeFS("/archives", folder);
pyodide.runPython(readFileSync(new URL("precompile.py", import.meta.url), "utf8"));
