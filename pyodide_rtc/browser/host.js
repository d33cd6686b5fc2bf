// @ts-check
/**
 * The page's half of pyodide-rtc. It holds what only a page has (peer connections, localStorage, its
 * own address and configuration) for Python, which runs in a worker or on the page itself.
 *
 * Messages are arrays `[operation, key, ...arguments]`. The key is the number of a peer connection or
 * a question (Python assigns these), or the name of a proxied data channel (assigned here).
 * Absent values travel as `undefined`, which becomes None in Python; null would stay JavaScript's.
 * This file forwards, and decides nothing. Python's half: page_bridge.py, routes.py and direct.py.
 */

/** @typedef {(message: unknown[], transfer?: Transferable[]) => void} Post */
/** @typedef {{postMessage: Post, onmessage: ((event: MessageEvent) => void) | null, close(): void}} Endpoint */
/** @typedef {{pyodideRtc: "hello", nonce: string, lock?: string}} Hello */
/** @typedef {() => {name?: string, color?: string} | undefined} GetUser who sits at the page */
/** @typedef {"agreed" | "local" | "remote"} Side */
/** @typedef {{connection: RTCPeerConnection, tail: Promise<void>, offer?: RTCSessionDescriptionInit, isWanted: boolean}} Peer */

/**
 * The version of the messages between this file and Python. Add one, here and in page_version.py,
 * when one side would not understand the other: a page that was opened before an update has the older
 * file.
 */
const VERSION = 2;

/** How long the displayed script waits for its kernel; after that it counts as saved output. */
const GREETING_MS = 5000;

/** How long a kernel may say nothing before its page asks for a sign of life, for the others. */
const ASK_MS = 2000;
/** The page says of its kernel that it is busy after so long: cells compute for a moment. */
const BUSY_S = 5;
/** How often two pages send each other signs of life. */
const BEAT_S = 0.75;

/** How long after connecting to ask for the path: what a newcomer waits for comes first. */
const PATH_DELAY_MS = 1000;

/** The stream id of the agreed channel is above those of channels that are created in band. */
const AGREED = { negotiated: true, id: 100 };
/** The channel of the signs of life that two pages send each other. Late ones are of no use. */
const BEATS = { negotiated: true, id: 101, ordered: false, maxRetransmits: 0 };

/** Make a name that cannot be guessed: 40 hexadecimal digits, as in stock peers' channel labels. */
const randomName = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(20)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");

/** @param {RTCPeerConnection | undefined} connection @returns the largest message in bytes, once known: an integer */
const messageLimit = (connection) =>
  Math.min(connection?.sctp?.maxMessageSize ?? 0, Number.MAX_SAFE_INTEGER) || undefined;

const configText = () => document.getElementById("jupyter-config-data")?.textContent ?? undefined;

/** The key under which this tab remembers its room: storage is per origin, the key per site. */
function roomKey() {
  try {
    return `pyodide-rtc room ${JSON.parse(configText() ?? "{}").baseUrl ?? ""}`;
  } catch {
    return "pyodide-rtc room "; // Python reads the same text, and reports what is wrong with it
  }
}

/**
 * Run a step that uses localStorage (per origin) or sessionStorage (per tab; copied to tabs that it
 * opens).
 * @template T @param {() => T} step @returns {T | undefined} undefined if the browser forbids it
 */
function ifKept(step) {
  try {
    return step();
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    console.warn("pyodide-rtc: this browser does not let the page keep anything", error);
  }
}

/**
 * Remember `?room=` of the address for pages that are opened from here: JupyterLite opens a notebook
 * without the query of its file browser.
 */
export const noteRoom = () =>
  ifKept(() => {
    const room = addressRoom();
    if (room) sessionStorage.setItem(roomKey(), room);
  });

/** The room in the address, percent-encoded as it is written there. */
const addressRoom = () => /[?&]room=([^&]+)/.exec(location.search)?.[1];

/** Return the room of this page, by its address or by the page that led here; empty if none. */
export function pageRoom() {
  const written = addressRoom() ?? ifKept(() => sessionStorage.getItem(roomKey())) ?? "";
  return (new URLSearchParams(`room=${written}`).get("room") ?? "").trim();
}

/** The key under which this browser keeps the name and colour that a person gave, as JSON. */
export const USER_KEY = "pyodide-rtc user";

/** @typedef {{name?: string, color?: string}} GivenUser what a person gave */

/** @type {string | undefined} where the browser keeps nothing, the page does */
let keptHere;

/** @returns {GivenUser} */
function keptUser() {
  try {
    const text = ifKept(() => localStorage.getItem(USER_KEY)) ?? keptHere;
    return Object(JSON.parse(text ?? "{}"));
  } catch {
    return {}; // something else has written there
  }
}

/**
 * Keep the name and colour that somebody gave, for all pages of this origin in this browser; empty
 * ones are made up again. What the address of this page says no longer holds.
 * @param {GivenUser} user
 */
export function keepUser({ name, color }) {
  keptHere = JSON.stringify({ name: name || undefined, color: color || undefined });
  ifKept(() => localStorage.setItem(USER_KEY, /** @type {string} */ (keptHere)));
  const url = new URL(location.href);
  const before = url.href;
  for (const parameter of ["username", "usercolor"]) url.searchParams.delete(parameter);
  if (url.href !== before) history.replaceState(history.state, "", url);
  // The browser sends this event to all other pages.
  window.dispatchEvent(Object.assign(new Event("storage"), { key: USER_KEY }));
}

/** @returns {string | undefined} what this browser says if it makes no peer connections at all */
function whyBlocked() {
  try {
    new RTCPeerConnection().close();
  } catch (/** @type {any} */ error) {
    return `${error?.name}: ${error?.message}`;
  }
}

/** @param {unknown} value */
const textOf = (value) => (typeof value === "string" ? value : undefined);

/**
 * Serve one Python: hold its peer connections, and answer its questions.
 * @param {Post} post sends a message to Python; may refuse a channel by a DataCloneError
 * @param {GetUser} [getUser]
 */
export function createHost(post, getUser = () => undefined) {
  /** @type {Map<number, Peer>} */
  const peers = new Map();
  /** @type {Map<string, {channel: RTCDataChannel, peer?: Peer, tellHeld(): void, takenBytes: number}>} */
  const proxied = new Map();
  let channelCount = 0;
  /** When Python was heard last. */
  let heardMs = 0;
  /** @type {number | undefined} since when a question of ours has no answer */
  let askedMs;

  /** @param {number} id @param {string} operation @param {any} error */
  const report = (id, operation, error) =>
    post(["error", id, operation, `${error.name}: ${error.message}`]);

  /**
   * Run one operation of a peer connection after all earlier ones of that connection.
   * A message for a closed connection is only late, and ignored.
   * @param {number} id @param {string} operation
   * @param {(connection: RTCPeerConnection) => unknown} step
   */
  function enqueue(id, operation, step) {
    const peer = peers.get(id);
    if (!peer) return;
    const isOpen = () => peers.get(id) === peer;
    peer.tail = peer.tail
      .then(async () => void (isOpen() && (await step(peer.connection))))
      .catch((error) => void (isOpen() && report(id, operation, error)));
  }

  /**
   * Open a peer connection, and make its offer if it is to offer. Without ICE servers the offer is
   * set, too, so that candidates are gathered. With ICE servers it is not: that would contact them
   * before the connection is used.
   * @param {number} id @param {RTCConfiguration} config @param {boolean} isOffering
   */
  function open(id, config, isOffering) {
    const connection = new RTCPeerConnection(config);
    /** @type {Peer} */
    const peer = { connection, tail: Promise.resolve(), isWanted: !isOffering };
    peers.set(id, peer);
    connection.onicecandidate = ({ candidate }) => {
      if (!candidate?.candidate) return; // the end of candidates is of no use to the peer
      const { candidate: text, sdpMLineIndex, sdpMid } = candidate;
      // In the queue, so that a candidate comes after the description that it belongs to.
      enqueue(id, "candidate", () =>
        peer.isWanted
          ? post(["candidate", id, text, sdpMLineIndex ?? undefined, sdpMid ?? undefined])
          : post(["prepared", id, connection.localDescription?.sdp]),
      );
    };
    connection.onconnectionstatechange = () => {
      const state = connection.connectionState;
      post(["state", id, state, messageLimit(connection)]);
      if (state === "connected") setTimeout(() => reportPath(id, connection), PATH_DELAY_MS);
    };
    connection.ondatachannel = ({ channel }) => handOver(id, channel, "remote");
    handOver(id, connection.createDataChannel("", AGREED), "agreed");
    if (!isOffering) return;
    enqueue(id, "open", async () => {
      peer.offer = await connection.createOffer();
      post(["prepared", id, peer.offer.sdp]);
      if (!config.iceServers?.length) await connection.setLocalDescription(peer.offer);
    });
  }

  /** @param {number} id @param {RTCPeerConnection} connection */
  async function reportPath(id, connection) {
    const stats = [...(await connection.getStats()).values()];
    const chosen = stats.find((one) => one.type === "transport")?.selectedCandidatePairId;
    const pair = stats.find((one) => one.id === chosen || one.selected); // Firefox has `selected`
    const ends = [pair?.localCandidateId, pair?.remoteCandidateId];
    const isRelayed = stats.some((one) => ends.includes(one.id) && one.candidateType === "relay");
    if (!pair) return;
    post(["path", id, isRelayed]);
    const roundTripS = pair.currentRoundTripTime; // of the checks that the browser makes by itself
    if (roundTripS !== undefined) post(["round-trip", id, roundTripS]);
  }

  /** @param {number} id */
  const measure = (id) => enqueue(id, "measure", (connection) => reportPath(id, connection));

  /**
   * Ask Python for a sign of life if it has said nothing for a while.
   * @param {boolean} canAnswer an older Python does not, and that is no sign of being busy
   * @returns for how many seconds it has not answered, as text; empty while it answers
   */
  function signOfLife(canAnswer) {
    if (!canAnswer) return "";
    const nowMs = performance.now();
    if (askedMs === undefined && nowMs - heardMs >= ASK_MS) {
      askedMs = nowMs;
      post(["ask", "kernel"]);
    }
    const busyS = Math.floor((nowMs - (askedMs ?? nowMs)) / 1000);
    return busyS < BUSY_S ? "" : `${busyS}`;
  }

  /**
   * Send signs of life, which say for how long our kernel has not answered. Report the same of the
   * peer's kernel, when that begins and ends. If signs of its page are missing, its page is asleep
   * (or busy) as long as its browser still answers ours. Report "disconnected" when two in a row are
   * missing and nothing else comes either.
   * @param {number} id @param {boolean} canAnswer whether Python answers our questions
   */
  const watch = (id, canAnswer = false) =>
    enqueue(id, "watch", (connection) => {
      const beats = connection.createDataChannel("", BEATS);
      let [silence, bytes, isSilent, told] = [0, 0, false, ""];
      let busyS = 0; // as the last sign said
      beats.onmessage = ({ data }) => {
        silence = 0;
        busyS = /^\d{1,6}$/.test(data) ? Number(data) : 0;
      };
      const tellQuiet = () => {
        const silentS = silence * BEAT_S;
        const isAsleep = silentS >= BUSY_S;
        const state = isAsleep ? "asleep" : busyS ? "busy" : "";
        if (state === told || isSilent) return; // without a path nothing is known
        told = state;
        post(["quiet", id, busyS + (isAsleep ? silentS : 0), isAsleep]);
      };
      const timer = setInterval(async () => {
        if (beats.readyState === "closed") return clearInterval(timer);
        if (beats.readyState === "open") beats.send(signOfLife(canAnswer));
        const before = { bytes, isSilent };
        const stats = ++silence > 1 ? [...(await connection.getStats()).values()] : [];
        bytes = stats.reduce((sum, one) => sum + (one.bytesReceived ?? 0), 0);
        isSilent = silence > 2 && bytes === before.bytes;
        if (isSilent !== before.isSilent)
          post(["state", id, isSilent ? "disconnected" : connection.connectionState]);
        tellQuiet();
      }, BEAT_S * 1000);
    });

  /** @param {number} id @param {boolean} inBand */
  function offer(id, inBand) {
    const peer = peers.get(id);
    if (!peer) return;
    if (inBand) handOver(id, peer.connection.createDataChannel(randomName()), "local");
    enqueue(id, "offer", (connection) => {
      peer.isWanted = true;
      if (!connection.localDescription) return connection.setLocalDescription(peer.offer);
    });
  }

  /** @param {number} id */
  const restart = (id) =>
    enqueue(id, "restart", async (connection) => {
      connection.restartIce();
      await connection.setLocalDescription();
      post(["description", id, "offer", connection.localDescription?.sdp]);
    });

  /** @param {number} id @param {RTCSdpType} type @param {string} sdp */
  const accept = (id, type, sdp) =>
    enqueue(id, "description", async (connection) => {
      await connection.setRemoteDescription({ type, sdp });
      if (type !== "offer") return;
      const answer = await connection.createAnswer();
      post(["description", id, "answer", answer.sdp]); // sent while it is being set: saves time
      await connection.setLocalDescription(answer);
    });

  /**
   * Transfer a data channel to Python. Only the task that created it can do that. If it cannot be
   * transferred, keep it here as a proxied channel.
   * @param {number} id @param {RTCDataChannel} channel @param {Side} side
   */
  function handOver(id, channel, side) {
    const key = `channel ${++channelCount}`;
    try {
      post(["channel", id, key, side, channel], [channel]);
    } catch (error) {
      if (!(error instanceof DOMException && error.name === "DataCloneError")) throw error;
      post(["channel", id, key, side]);
      proxy(id, key, channel);
    }
  }

  /**
   * Forward the events of a channel that stays here. Messages that come before Python has handled
   * the last ones are sent together: one by one, a flood would keep both threads from other work.
   * @param {number} id @param {string} key @param {RTCDataChannel} channel
   */
  function proxy(id, key, channel) {
    const held = /** @type {(string | ArrayBuffer)[]} */ ([]);
    let isTelling = false;
    const tellHeld = () => {
      isTelling = held.length > 0;
      if (isTelling) post(["messages", key, held.splice(0)]);
    };
    const entry = { channel, peer: peers.get(id), tellHeld, takenBytes: 0 };
    proxied.set(key, entry);
    channel.binaryType = "arraybuffer";
    channel.onopen = () => post(["open", key, messageLimit(entry.peer?.connection)]);
    channel.onmessage = ({ data }) => void (held.push(data), isTelling || tellHeld());
    channel.onbufferedamountlow = () => post(["gone", key, entry.takenBytes]);
    channel.onclose = () => proxied.delete(key) && (tellHeld(), post(["close", key]));
  }

  /** @param {string} key @param {Uint8Array<ArrayBuffer>} data */
  function send(key, data) {
    const entry = proxied.get(key);
    if (!entry) return;
    entry.takenBytes += data.byteLength;
    try {
      entry.channel.send(data);
    } catch (error) {
      // Python has gone on already. It would not notice a lost message, but a closed channel.
      post(["error", key, "send", String(error)]);
      entry.channel.close();
    }
  }

  /** @param {number} id */
  function closePeer(id) {
    const peer = peers.get(id);
    peers.delete(id);
    proxied.forEach((entry, key) => entry.peer === peer && proxied.delete(key));
    peer?.connection.close();
  }

  /** @param {number} question @param {() => unknown} find */
  function answer(question, find) {
    try {
      post(["reply", question, find() ?? undefined]);
    } catch (/** @type {any} */ error) {
      post(["refusal", question, error.name, error.message]);
    }
  }

  /** A random text that this browser keeps; a made-up user name is derived from it. */
  const browserId = () => {
    const key = "pyodide-rtc browser";
    const id = localStorage.getItem(key) ?? randomName();
    localStorage.setItem(key, id);
    return id;
  };

  const facts = () => {
    noteRoom();
    const room = ifKept(() => sessionStorage.getItem(roomKey()) ?? undefined);
    const user = getUser();
    const kept = keptUser();
    const given = [textOf(kept.name), textOf(kept.color)];
    return [location.href, configText(), room, user?.name, user?.color, ifKept(browserId), ...given];
  };

  /** @type {Record<string, (key: any, ...args: any[]) => void>} */
  const operations = {
    open(id, config, isOffering) {
      try {
        open(id, config, isOffering);
      } catch (error) {
        const blocked = peers.size ? undefined : whyBlocked(); // who has some has too many
        if (blocked) post(["blocked", id, blocked]); // first: an older Python knows only the others
        report(id, "open", error);
        post(["state", id, "failed"]);
      }
    },
    offer,
    watch,
    measure,
    restart,
    description: accept,
    candidate: (id, candidate, sdpMLineIndex, sdpMid) =>
      enqueue(id, "candidate", (connection) =>
        connection.addIceCandidate({ candidate, sdpMLineIndex, sdpMid }),
      ),
    close: closePeer,
    "channel-send": send,
    "channel-taken": (key) => proxied.get(key)?.tellHeld(),
    "channel-close": (key) => proxied.get(key)?.channel.close(),
    alive() {}, // `receive` has noted it
    facts: (question) => answer(question, facts),
    "forget-room": () => ifKept(() => sessionStorage.removeItem(roomKey())),
    get: (question, name) => answer(question, () => localStorage.getItem(name)),
    set: (question, name, value) =>
      answer(question, () =>
        name === USER_KEY ? keepUser(JSON.parse(value)) : localStorage.setItem(name, value),
      ),
    remove: (question, name) => answer(question, () => localStorage.removeItem(name)),
  };

  const closePeers = () => [...peers.keys()].forEach(closePeer);
  /** The page is put away (bfcache) or closed. Python, which runs on a moment, is told first. */
  const onHide = () => void (post(["away", "page"]), closePeers());
  const onWake = () => post(["woken", "page"]);
  const listening = new AbortController();
  window.addEventListener("pagehide", onHide, listening);
  for (const event of ["pageshow", "online"]) window.addEventListener(event, onWake, listening);
  document.addEventListener("resume", onWake, listening);
  /** @param {any} event of type StorageEvent */
  const onKept = ({ key }) => void (key === USER_KEY && post(["user", "page"]));
  window.addEventListener("storage", onKept, listening);
  const close = () => {
    listening.abort();
    closePeers();
  };
  /** @param {[string, any, ...any[]]} message */
  const receive = ([operation, key, ...args]) => {
    [heardMs, askedMs] = [performance.now(), undefined];
    operations[operation](key, ...args);
  };
  return { receive, close, operations: Object.keys(operations) };
}

/**
 * Put a host at the end of a port or BroadcastChannel.
 * A terminated worker cannot say so. But it holds a lock, which the browser then gives to us.
 * @param {Endpoint} endpoint @param {string | undefined} lock @param {GetUser} [getUser]
 * @returns {{end(): void, operations: string[]}} what ends it, and the messages that it knows
 */
function serve(endpoint, lock, getUser) {
  const host = createHost((message, transfer) => {
    // A BroadcastChannel ignores `transfer`: in Chromium the channel would then arrive as null.
    if (transfer && endpoint instanceof BroadcastChannel)
      throw new DOMException("a BroadcastChannel transfers nothing", "DataCloneError");
    endpoint.postMessage(message, transfer);
  }, getUser);
  const end = () => {
    host.close();
    endpoint.close();
  };
  endpoint.onmessage = ({ data }) => (data[0] === "end" ? end() : host.receive(data));
  if (lock) navigator.locks.request(lock, end);
  return { end, operations: host.operations };
}

/**
 * Answer the hello of a worker with a port.
 * @param {Worker} worker @param {Hello} hello @param {string} route for people to read
 * @param {GetUser} [getUser]
 */
export function givePort(worker, { nonce, lock }, route, getUser) {
  const { port1, port2 } = new MessageChannel();
  const { end, operations } = serve(/** @type {Endpoint} */ (port1), lock, getUser);
  const about = { nonce, route, version: VERSION, operations };
  worker.postMessage({ pyodideRtc: "port", ...about, port: port2 }, [port2]);
  return end;
}

/**
 * Serve each Python in a worker that says hello. Call this before the worker opens its host.
 * @param {Worker} worker @param {string} [route] for people to read @param {GetUser} [getUser]
 * @returns {{close(): void}} to be closed when the worker is gone, for browsers without locks
 */
export function attachWorker(worker, route = "page", getUser = undefined) {
  /** @type {(() => void)[]} */
  const ends = [];
  const listen = (/** @type {MessageEvent} */ { data }) => {
    if (data?.pyodideRtc === "hello") ends.push(givePort(worker, data, route, getUser));
  };
  worker.addEventListener("message", listen);
  return {
    close() {
      worker.removeEventListener("message", listen);
      ends.forEach((end) => end());
    },
  };
}

/**
 * Serve a kernel over a BroadcastChannel. If this script runs from saved output, no kernel answers;
 * if it is shown twice, the kernel chooses one. In both cases the others close their channel.
 * @param {string} name of the channel; only the kernel knows it
 */
export function attachBroadcast(name) {
  const endpoint = /** @type {Endpoint} */ (new BroadcastChannel(name));
  const self = randomName();
  const patience = setTimeout(() => endpoint.close(), GREETING_MS);
  endpoint.onmessage = ({ data: [operation, chosen, lock] }) => {
    if (operation !== "chosen") return;
    clearTimeout(patience);
    chosen === self ? serve(endpoint, lock) : endpoint.close();
  };
  endpoint.postMessage(["greeting", self]);
}
