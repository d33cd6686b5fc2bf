// @ts-check
/**
 * Receives the messages of a data channel, and passes all that have come on to Python as one bundle.
 * To call Python takes 0.1 ms and more. With one call for each of thousands of messages, other
 * channels, timers and the user's cells would wait behind them all.
 * A gate drops nothing, and keeps the order.
 * The value of this script is the function that makes a gate, and the one that makes bundles.
 */
(() => {
  /** A message from this size on goes by itself: to copy it into a bundle costs more than a call. */
  const LARGE_BYTES = 16384;

  /** A bundle from this size on goes at once: it is copied as a whole, here and in Python. */
  const BUNDLE_BYTES = 1024 * 1024;

  /** @param {string | ArrayBuffer} data */
  const toBytes = (data) =>
    typeof data === "string" ? new TextEncoder().encode(data) : new Uint8Array(data);

  /**
   * Lay messages end to end.
   * @param {(string | ArrayBuffer)[]} messages one or more
   * @returns {[bytes: Uint8Array, sizes?: number[]]} without sizes for a single message
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
   * Make the gate of a channel. The browser delivers each message in a task of its own. The first
   * message of a bundle posts a task that delivers the bundle; that task runs after those of all
   * messages that have come by then. (No timer is used: browsers slow down those of hidden pages.)
   * @param {RTCDataChannel} channel @param {(...bundle: ReturnType<typeof join>) => void} deliver
   */
  const makeGate = (channel, deliver) => {
    const { port1, port2 } = new MessageChannel();
    /** @type {(string | ArrayBuffer)[]} */
    let held = [];
    let size = 0;

    const flush = () => {
      if (!held.length) return;
      const messages = held;
      held = [];
      size = 0;
      deliver(...join(messages));
    };

    port1.onmessage = flush;
    channel.onmessage = ({ data }) => {
      const added = typeof data === "string" ? data.length : data.byteLength;
      if (added >= LARGE_BYTES) {
        flush();
        return deliver(...join([data]));
      }
      size += added;
      if (held.push(data) === 1) port2.postMessage(null);
      if (size >= BUNDLE_BYTES) flush();
    };
    return {
      flush,
      stop() {
        channel.onmessage = null;
        port1.close();
        held = [];
      },
    };
  };

  return { join, makeGate };
})();
