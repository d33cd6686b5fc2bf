// @ts-check
/** Keeps what a person reads where it is on the screen, while others insert and print above it. */

/**
 * JupyterLab lets the browser hold the active cell in its place, and no other: what one changes
 * oneself is there. What others change is anywhere. So in a room the browser holds what is in sight.
 */
export function keepPlace() {
  const style = document.createElement("style");
  style.textContent = ".jp-Notebook .jp-Cell.jp-Cell { overflow-anchor: auto; }";
  document.head.append(style);
}
