// A data channel without anything above it, between two pages: what there is to be had.
// The sender keeps the browser's buffer from running empty and from running full.
const FULL_BYTES = 4 * 1024 * 1024;
const LOW_BYTES = 1024 * 1024;
let connection, channel;

const described = async () => {
  while (connection.iceGatheringState !== "complete") await new Promise((r) => setTimeout(r, 5));
  return connection.localDescription.sdp;
};
const next = (target, event) => new Promise((r) => target.addEventListener(event, r, { once: true }));

window.bare_offer = async () => {
  connection = new RTCPeerConnection();
  channel = connection.createDataChannel("bare");
  channel.bufferedAmountLowThreshold = LOW_BYTES;
  await connection.setLocalDescription();
  return described();
};
window.bare_answer = async (sdp) => {
  connection = new RTCPeerConnection();
  connection.ondatachannel = ({ channel }) => {
    let missing = 0;
    channel.binaryType = "arraybuffer";
    channel.onmessage = ({ data }) => {
      if (typeof data === "string") missing = Number(data);
      else if ((missing -= data.byteLength) === 0) channel.send("all");
    };
  };
  await connection.setRemoteDescription({ type: "offer", sdp });
  await connection.setLocalDescription();
  return described();
};
window.bare_accept = async (sdp) => {
  const open = next(channel, "open");
  await connection.setRemoteDescription({ type: "answer", sdp });
  await open;
};
/** Gives the milliseconds until the other has all. */
window.bare_send = async (bytes, messageBytes) => {
  const message = new Uint8Array(messageBytes);
  const all = next(channel, "message");
  const start = performance.now();
  channel.send(String(bytes));
  for (let gone = 0; gone < bytes; gone += messageBytes) {
    if (channel.bufferedAmount > FULL_BYTES) await next(channel, "bufferedamountlow");
    channel.send(message.subarray(0, bytes - gone));
  }
  await all;
  return performance.now() - start;
};
window.bare_close = async () => connection.close();
