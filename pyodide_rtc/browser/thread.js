// @ts-check
/**
 * Opens what Python's own thread has of the browser, each by one call that also sets all handlers:
 * from Python, each single handler would take a tenth of a millisecond.
 * The value of this script is a function that returns these openers. `tell` is Python's callback.
 */
/** @typedef {(channel: RTCDataChannel, deliver: Function) => {flush(): void, stop(): void}} MakeGate */
/** @param {{join(messages: unknown[]): unknown[], makeGate: MakeGate}} gates of gate.js */
(({ join, makeGate }) => ({
  /**
   * Receive from host.js at the other end of a port; returns the function that sends to it.
   * @param {MessagePort | BroadcastChannel} endpoint @param {(...message: unknown[]) => void} tell
   */
  hearPage(endpoint, tell) {
    endpoint.onmessage = ({ data }) => {
      const [operation, key, messages] = data;
      if (operation !== "messages") return tell(...data);
      endpoint.postMessage(["channel-taken", key]);
      tell(operation, key, ...join(messages));
    };
    /** @param {unknown[]} message */
    return (...message) => endpoint.postMessage(message);
  },

  /**
   * Handle the events of a data channel; returns the function that ends this.
   * @param {RTCDataChannel} channel @param {number} lowBytes
   * @param {(event: "open" | "message" | "drain" | "close", ...about: unknown[]) => void} tell
   */
  hearChannel(channel, lowBytes, tell) {
    /** @param {unknown[]} about */
    const deliver = (...about) => tell("message", ...about);
    const gate = makeGate(channel, deliver);
    channel.binaryType = "arraybuffer";
    channel.bufferedAmountLowThreshold = lowBytes;
    channel.onopen = () => tell("open");
    channel.onbufferedamountlow = () => tell("drain");
    channel.onclose = () => {
      gate.flush();
      tell("close");
    };
    return () => {
      channel.onopen = channel.onbufferedamountlow = channel.onclose = null;
      gate.stop();
    };
  },

  /**
   * Open a WebSocket. Some signaling servers pass text on in binary frames.
   * @param {string} url @param {(event: "open" | "text" | "close", about?: string) => void} tell
   */
  openSocket(url, tell) {
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => tell("open");
    socket.onmessage = ({ data }) =>
      tell("text", typeof data === "string" ? data : new TextDecoder().decode(data));
    // 1006 without a reason is what browsers say of everything that they do not tell a page.
    socket.onclose = ({ code, reason }) =>
      tell("close", code === 1006 && !reason ? "" : `closed with code ${code} ${reason}`.trim());
    return {
      /** @param {string} text */
      send(text) {
        if (socket.readyState === WebSocket.OPEN) socket.send(text);
      },
      close() {
        socket.onopen = socket.onmessage = socket.onclose = null;
        socket.close();
      },
    };
  },

  /**
   * Derive a key for AES-GCM by PBKDF2; calls before it is there wait for it.
   * @param {BufferSource} password @param {BufferSource} salt @param {number} iterations
   * @param {(number: number, event: "done" | "refused" | "keyless", about: unknown) => void} tell
   */
  openKey(password, salt, iterations, tell) {
    const { subtle } = crypto;
    const name = "AES-GCM";
    let isOpen = true;
    const derive = async () => {
      const secret = await subtle.importKey("raw", password, "PBKDF2", false, ["deriveKey"]);
      const how = { name: "PBKDF2", salt, iterations, hash: "SHA-256" };
      return subtle.deriveKey(how, secret, { name, length: 256 }, false, ["encrypt", "decrypt"]);
    };
    const deriving = derive();
    deriving.catch(() => {}); // a failure is reported by each call that needs the key
    /** @param {number} number @param {(key: CryptoKey) => Promise<Uint8Array>} step */
    const run = (number, step) => {
      /** @param {"done" | "refused" | "keyless"} event @returns {(about: any) => void} */
      const told = (event) => (about) =>
        isOpen &&
        tell(number, event, event === "done" ? about : `${about.name}: ${about.message}`);
      deriving.then((key) => step(key).then(told("done"), told("refused")), told("keyless"));
    };
    return {
      /**
       * Encrypt with a fresh iv; the result is the iv and then the ciphertext.
       * @param {number} number @param {BufferSource} plain
       */
      encrypt(number, plain) {
        run(number, async (key) => {
          const iv = crypto.getRandomValues(new Uint8Array(12));
          const sealed = await subtle.encrypt({ name, iv }, key, plain);
          const both = new Uint8Array(iv.length + sealed.byteLength);
          both.set(iv);
          both.set(new Uint8Array(sealed), iv.length);
          return both;
        });
      },
      /** @param {number} number @param {BufferSource} iv @param {BufferSource} sealed */
      decrypt(number, iv, sealed) {
        const open = async (/** @type {CryptoKey} */ key) =>
          new Uint8Array(await subtle.decrypt({ name, iv }, key, sealed));
        run(number, open);
      },
      close() {
        isOpen = false;
      },
    };
  },

  /**
   * Join a tab channel; a message that is not binary is passed on as undefined.
   * @param {string} name @param {(data?: Uint8Array | ArrayBuffer) => void} tell
   */
  openTabs(name, tell) {
    const channel = new BroadcastChannel(name);
    channel.onmessage = ({ data }) =>
      tell(ArrayBuffer.isView(data) || data instanceof ArrayBuffer ? data : undefined);
    return channel;
  },

  /**
   * Request a lock, and hold it until the returned function is called. That also withdraws a request
   * that still waits.
   * @param {string} name @param {() => void} tell
   */
  holdLock(name, tell) {
    const abort = new AbortController();
    const { signal } = abort;
    const held = new Promise((resolve) => signal.addEventListener("abort", resolve));
    navigator.locks
      .request(name, { signal }, () => signal.aborted || (tell(), held))
      .catch((error) => signal.aborted || console.error(error));
    return () => abort.abort();
  },
}))
