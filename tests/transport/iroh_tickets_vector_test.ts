/** The endpoint tickets that the add-on writes and reads are those of the Rust project (09 §12.2). */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { addon, skip } from "./iroh_bed.ts";

interface Read {
  readonly name: string;
  readonly text: string;
  readonly ok?: { readonly addresses: readonly string[]; readonly endpoint_id: string };
}

const file = new URL("../vectors/tickets.json", import.meta.url);
const { endpoint_read: reads } = JSON.parse(readFileSync(file, "utf8")) as {
  readonly endpoint_read: readonly Read[];
};

const within = (kind: string, addresses: readonly string[]): string[] =>
  addresses.filter((it) => it.startsWith(kind)).map((it) => it.slice(kind.length)).sort();

describe("endpoint tickets", () => {
  for (const { name, text, ok } of reads) {
    it(`09 §12.2: read ${name}`, { skip }, async () => {
      const { EndpointTicket } = await addon();
      if (ok === undefined) return void assert.throws(() => EndpointTicket.fromString(text));
      const address = EndpointTicket.fromString(text).endpointAddr() as unknown as {
        id(): object;
        directAddresses(): string[];
      };
      assert.equal(`${address.id()}`, ok.endpoint_id);
      assert.deepEqual(address.directAddresses().sort(), within("ip:", ok.addresses));
    });
  }
});
