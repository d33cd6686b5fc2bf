// A stock page: nothing of pyodide-rtc in it. The tests drive it from outside.
import * as Y from "yjs";
import { IndexeddbPersistence } from "y-indexeddb";
import { WebrtcProvider } from "y-webrtc";

/** Join a room as any JavaScript page does; no STUN server, since the tests reach none. */
window.joinStock = (topic, signaling, password, doc = new Y.Doc()) => {
  const options = { signaling, password, peerOpts: { config: { iceServers: [] } } };
  const provider = new WebrtcProvider(topic, doc, options);
  return { doc, provider, map: doc.getMap("state"), text: doc.getText("text"), array: doc.getArray("list") };
};
window.Y = Y;
window.IndexeddbPersistence = IndexeddbPersistence; // for the figures of what is kept
