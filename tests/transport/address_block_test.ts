import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { addressBlock, isOwnMachine } from "../../src/transport/address_block.ts";

const BLOCKS: Readonly<Record<string, readonly string[]>> = {
  "192.0.2.1": [
    "192.0.2.1",
    "192.0.2.1:443",
    "::ffff:192.0.2.1",
    "[::ffff:192.0.2.1]:443",
    "::FFFF:c000:201",
    "0:0:0:0:0:ffff:192.0.2.1",
  ],
  "2001:db8:0:7::/64": [
    "2001:db8:0:7::1",
    "[2001:db8:0:7::1]:443",
    "[2001:DB8:0:7::]",
    "2001:0db8:0000:0007:1:2:3:4",
    "2001:db8:0:7:1:2:192.0.2.1",
    "2001:db8:0:7::1%eth0",
    "[2001:db8:0:7::1%eth0]:443",
  ],
  "fe80:0:0:0::/64": ["fe80::1", "fe80::1:2:3:4"],
  "0:0:0:0::/64": ["::", "::2"],
  "::1": ["::1", "[::1]:80", "0:0:0:0:0:0:0:1"],
  "example.org": ["example.org", "example.org:443"],
};

describe("the owner of an address", () => {
  for (const [block, addresses] of Object.entries(BLOCKS)) {
    it(`is ${block}`, () => {
      for (const address of addresses) assert.equal(addressBlock(address), block, address);
      assert.equal(addressBlock(block), block);
    });
  }

  it("is what was told, where that is no address", () => {
    for (
      const text of ["1::2::3", "1:2:3", "1:2:3:4:5:6:7:8::", "12345::", "::1%", "::1.2.3.999"]
    ) {
      const block = addressBlock(text);
      assert.ok(!block.endsWith("::/64") && text.startsWith(block), text);
    }
  });

  it("is this machine, however it is written", () => {
    for (const own of ["127.0.0.1:80", "127.9.9.9", "::ffff:127.0.0.1", "[::1]:80", "unix"]) {
      assert.ok(isOwnMachine(own), own);
    }
    for (const other of ["192.0.2.1", "::2", "[fe80::1]:80", "::ffff:10.0.0.1"]) {
      assert.ok(!isOwnMachine(other), other);
    }
  });
});
