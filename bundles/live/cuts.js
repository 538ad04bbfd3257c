/** Connections to a port of this machine that are cut off. */

import { connect, createServer } from "node:net";

const HOST = "127.0.0.1";

/** Sends the beginning of a request and is gone: at once, or with the first bytes of an answer. */
export async function cutOff(port, request, { isAnswered }) {
  const socket = connect({ host: HOST, port });
  const closed = new Promise((resolve) => socket.on("close", resolve));
  socket.on("error", () => {});
  socket.on("data", () => socket.destroy());
  socket.write(request, () => isAnswered || socket.destroy());
  await closed;
}

/** A way to a port on which everybody can be cut off. */
export async function cuttable(port) {
  const open = new Set();
  const server = createServer((here) => {
    const there = connect({ host: HOST, port });
    for (const [socket, other] of [[here, there], [there, here]]) {
      open.add(socket);
      socket.pipe(other);
      socket.on("error", () => {}).on("close", () => {
        open.delete(socket);
        other.destroy();
      });
    }
  });
  const cut = () => open.forEach((socket) => socket.destroy());
  await new Promise((resolve) => server.listen(0, HOST, resolve));
  return { port: server.address().port, cut, close: () => (server.close(), cut()) };
}
