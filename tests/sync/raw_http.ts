/** HTTP as it stands on the wire: what `fetch` would refuse to send, or would mend, is sent as it is. */

import { Buffer } from "node:buffer";
import { createConnection } from "node:net";

/** What a server answered. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** Sends bytes to `host:port` and reads the answer until the server closes the connection. */
export async function exchangeRaw(
  address: string,
  bytes: readonly Uint8Array[],
): Promise<RawAnswer> {
  const [host, port] = address.split(":");
  const socket = createConnection({ host: host!, port: Number(port) });
  const chunks: Buffer[] = [];
  await new Promise<void>((resolve, reject) => {
    socket.on("data", (chunk) => chunks.push(chunk as Buffer));
    socket.on("close", () => resolve());
    // A server may answer and close before it has read everything.
    socket.on("error", (error) => chunks.length > 0 ? resolve() : reject(error));
    for (const piece of bytes) socket.write(piece);
  });
  return parse(Buffer.concat(chunks));
}

/** The head of a request. */
export function head(
  method: string,
  path: string,
  headers: readonly (readonly [string, string])[],
): Uint8Array {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n`);
}

function parse(bytes: Buffer): RawAnswer {
  const end = bytes.indexOf("\r\n\r\n");
  const [first, ...lines] = bytes.subarray(0, end).toString("latin1").split("\r\n");
  const headers = new Map(lines.map((line) => {
    const at = line.indexOf(":");
    return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()] as const;
  }));
  const rest = bytes.subarray(end + 4);
  const isChunked = headers.get("transfer-encoding")?.toLowerCase() === "chunked";
  const body = isChunked ? unchunked(rest) : rest;
  return { status: Number(first!.split(" ")[1]), headers, body: body.toString("utf8") };
}

function unchunked(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const line = bytes.indexOf("\r\n", at);
    const length = parseInt(bytes.subarray(at, line).toString("latin1"), 16);
    if (!(length > 0)) break;
    parts.push(bytes.subarray(line + 2, line + 2 + length));
    at = line + 2 + length + 2;
  }
  return Buffer.concat(parts);
}
