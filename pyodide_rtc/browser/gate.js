// @ts-check
/**
 * Hears a data channel for Python: messages at once, but those of a flood in bundles. To call
 * Python takes 0.1 ms and more, and while thousands of messages stand in line for that, those of
 * other channels, timers and the user's cells stand behind them.
 * The value of this script is the function; it drops nothing, and keeps the order.
 */
(() => {
  /** The share of time that Python may take for messages at once, and what it may save up for. */
  const SHARE = 0.2;
  const SAVED_MS = 100;

  /** From this size on messages cost their bytes, which bundles would only copy once more. */
  const LARGE_BYTES = 16384;

  /** How long others are gathered, and the bytes from which on they wait no longer. */
  const GATHER_MS = 5;
  const BUNDLE_BYTES = 1024 * 1024;

  /** @param {string | ArrayBuffer} data */
  const toBytes = (data) =>
    typeof data === "string" ? new TextEncoder().encode(data) : new Uint8Array(data);

  /**
   * @param {RTCDataChannel} channel
   * @param {(bytes: Uint8Array, sizes?: number[]) => void} deliver takes a message, or several of
   *   these sizes laid end to end
   */
  return (channel, deliver) => {
    let credit = SAVED_MS;
    let heard = performance.now();
    let size = 0;
    let timer = 0;
    /** @type {Uint8Array[]} */
    let held = [];

    const flush = () => {
      clearTimeout(timer);
      const parts = held.splice(0);
      const whole = new Uint8Array(size);
      size = 0;
      let offset = 0;
      for (const part of parts) {
        whole.set(part, offset);
        offset += part.length;
      }
      if (parts.length) deliver(whole, parts.map((part) => part.length));
    };

    channel.onmessage = ({ data }) => {
      const bytes = toBytes(data);
      const now = performance.now();
      credit = Math.min(SAVED_MS, credit + (now - heard) * SHARE);
      heard = now;
      const isLarge = bytes.length >= LARGE_BYTES;
      if ((credit > 0 || isLarge) && !held.length) {
        deliver(bytes);
        if (!isLarge) credit -= performance.now() - now;
        return;
      }
      size += bytes.length;
      if (held.push(bytes) === 1) timer = setTimeout(flush, GATHER_MS);
      if (size >= BUNDLE_BYTES) flush();
    };
    return {
      flush,
      stop() {
        channel.onmessage = null;
        clearTimeout(timer);
        held = [];
      },
    };
  };
})();
