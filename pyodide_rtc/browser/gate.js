// @ts-check
/**
 * Hears a data channel for Python: messages at once, but those of a flood in bundles. To call
 * Python takes 0.1 ms and more, and while thousands of messages stand in line for that, those of
 * other channels, timers and the user's cells stand behind them.
 * It drops nothing, and keeps the order.
 * The value of this script is the function that makes such a gate, and the one that makes bundles.
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
   * Lay messages end to end.
   * @param {(string | ArrayBuffer)[]} messages one or more
   * @returns {[bytes: Uint8Array, sizes?: number[]]} without sizes if it is one
   */
  const join = (messages) => {
    const parts = messages.map(toBytes);
    if (parts.length === 1) return [parts[0]];
    const sizes = parts.map(({ length }) => length);
    const whole = new Uint8Array(sizes.reduce((sum, size) => sum + size));
    let offset = 0;
    for (const part of parts) {
      whole.set(part, offset);
      offset += part.length;
    }
    return [whole, sizes];
  };

  /**
   * Hear a channel.
   * @param {RTCDataChannel} channel @param {(...bundle: ReturnType<typeof join>) => void} deliver
   */
  const makeGate = (channel, deliver) => {
    let credit = SAVED_MS;
    let heard = performance.now();
    let size = 0;
    let timer = 0;
    /** @type {(string | ArrayBuffer)[]} */
    let held = [];

    const flush = () => {
      clearTimeout(timer);
      size = 0;
      if (held.length) deliver(...join(held.splice(0)));
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
      if (held.push(data) === 1) timer = setTimeout(flush, GATHER_MS);
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

  return { join, makeGate };
})();
