// Loads a module of the labextension: its files are modules by name, which Node has to be told.

import { cpSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const source = new URL("../../pyodide_rtc/labextension/static/", import.meta.url);
const folder = mkdtempSync(join(tmpdir(), "labextension-"));
cpSync(source, folder, { recursive: true });
writeFileSync(join(folder, "package.json"), '{"type": "module"}');

export const labextension = (name) => import(pathToFileURL(join(folder, name)).href);
