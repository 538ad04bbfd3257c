import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import fc from "fast-check";
import { ID, ready } from "../../mod.ts";
import { type Address, DatabaseTicket, MAX_TICKET_LENGTH } from "./parts.ts";
import { anyId, rawId } from "../entry/helpers.ts";
import { errorOf, hasCode, vector } from "./wire_bed.ts";

type Pair = readonly [type: string, address: string];

interface Ticket {
  readonly database: string;
  readonly addresses: readonly Pair[];
  readonly text: string;
}

interface Refusal {
  readonly module: string;
  readonly variant: string;
}

const recorded = vector<{
  readonly written: readonly (Ticket & {
    readonly name: string;
    readonly json: string;
    readonly reads_back: Ticket;
    readonly reads_back_equal: boolean;
  })[];
  readonly read: readonly { name: string; text: string; ok?: Ticket; error?: Refusal }[];
  readonly json_read: readonly { json: string; verdict: { ok?: Ticket; error?: string } }[];
}>("tickets.json");

function addressOf([transportType, address]: Pair): Address {
  return { transportType, address };
}

function same(ticket: DatabaseTicket, wanted: Ticket, name: string): void {
  assert.equal(ticket.databaseId.toString(), wanted.database, name);
  assert.deepEqual(ticket.addresses, wanted.addresses.map(addressOf), name);
  assert.equal(ticket.toString(), wanted.text, name);
}

before(async () => {
  await ready();
});

describe("recorded tickets", () => {
  it("09#47 are written letter by letter, as text and as JSON", () => {
    assert.equal(recorded.written.length, 25);
    for (const one of recorded.written) {
      const ticket = new DatabaseTicket(ID.parse(one.database), one.addresses.map(addressOf));
      assert.equal(ticket.toString(), one.text, one.name);
      assert.equal(JSON.stringify(ticket), one.json, one.name);
      const again = DatabaseTicket.parse(one.text);
      same(again, one.reads_back, one.name);
      assert.equal(again.equals(ticket), one.reads_back_equal, one.name);
    }
  });

  it("09#48,#49 are read or refused as the reference does", async () => {
    assert.equal(recorded.read.length, 78);
    for (const { name, text, ok, error } of recorded.read) {
      if (ok !== undefined) same(DatabaseTicket.parse(text), ok, name);
      else {
        const refusal = await errorOf(() => DatabaseTicket.parse(text));
        assert.deepEqual([refusal.module, refusal.code], [error!.module, error!.variant], name);
      }
    }
  });

  it("09 §14 their JSON form is a text", () => {
    for (const { json, verdict: { ok } } of recorded.json_read) {
      const read = () => DatabaseTicket.fromJSON(JSON.parse(json));
      if (ok === undefined) assert.throws(read, hasCode("InvalidAddress"), json);
      else same(read(), ok, json);
    }
  });
});

describe("tickets", () => {
  it("law: whatever the addresses are, a ticket reads back equal unless a type has a colon", () => {
    const text = fc.string({ unit: "binary", maxLength: 20 }).filter((one) => one.isWellFormed());
    const address = fc.record({
      transportType: text.map((type) => type.replaceAll(":", "")),
      address: text,
    });
    fc.assert(
      fc.property(anyId, fc.array(address, { maxLength: 4 }), fc.boolean(), (id, all, native) => {
        const ticket = new DatabaseTicket(id, all, { native });
        const again = DatabaseTicket.parse(ticket.toString());
        assert.ok(again.equals(ticket), ticket.toString());
        assert.equal(again.native, native);
        const encoded = ticket.toString().replace(/[^&=]/g, (letter, at: number) => {
          return at < "eidetica:?".length
            ? letter
            : encodeURIComponent(letter.isWellFormed() ? letter : "x");
        });
        if (/^[\x20-\x7e]*$/.test(ticket.toString())) {
          assert.ok(DatabaseTicket.parse(encoded).equals(ticket), encoded);
        }
      }),
      { numRuns: 100 },
    );
  });

  it("fuzz: any text is a ticket or one of two errors", () => {
    const text = fc.string({ unit: "binary", maxLength: 60 });
    fc.assert(
      fc.property(text, fc.boolean(), (tail, hasId) => {
        try {
          DatabaseTicket.parse(`eidetica:?${hasId ? `db=${rawId("x")}` : ""}${tail}`);
        } catch (error) {
          assert.ok(
            hasCode("InvalidAddress")(error) || hasCode("InvalidFormat")(error),
            String(error),
          );
        }
      }),
      { numRuns: 200 },
    );
  });

  it("the native hint is written last, and read as 1 only", () => {
    const ticket = new DatabaseTicket(rawId("x"), [], { native: true });
    assert.equal(ticket.toString(), `eidetica:?db=${rawId("x")}&native=1`);
    for (
      const [value, native] of [["1", true], ["0", false], ["", false], ["true", false]] as const
    ) {
      const text = `eidetica:?native=${value}&db=${rawId("x")}`;
      assert.equal(DatabaseTicket.parse(text).native, native, value);
    }
    assert.ok(ticket.equals(new DatabaseTicket(rawId("x"))));
  });

  it("is immutable, and keeps copies of the addresses", () => {
    const given = { transportType: "http", address: "a:1" };
    const ticket = new DatabaseTicket(rawId("x"), [given]);
    given.address = "b:2";
    assert.equal(ticket.addresses[0]!.address, "a:1");
    assert.ok(Object.isFrozen(ticket.addresses) && Object.isFrozen(ticket.addresses[0]));
    assert.ok(!ticket.equals(new DatabaseTicket(rawId("x"), [given])));
    assert.ok(!ticket.equals(new DatabaseTicket(rawId("y"), ticket.addresses)));
  });

  it("MAX_TICKET_LENGTH, and what is no text", () => {
    const text = `eidetica:?db=${rawId("x")}&pr=http:`.padEnd(MAX_TICKET_LENGTH, "a");
    assert.equal(DatabaseTicket.parse(text).addresses.length, 1);
    assert.throws(() => DatabaseTicket.parse(`${text}a`), hasCode("InvalidAddress"));
    for (const none of [undefined, null, 5, {}, []]) {
      assert.throws(
        () => DatabaseTicket.parse(none as unknown as string),
        hasCode("InvalidAddress"),
      );
    }
    assert.throws(() => new DatabaseTicket("x" as unknown as ID), hasCode("InvalidAddress"));
    for (
      const [transportType, address] of [
        ["http", "\ud800"],
        ["http", "a".repeat(MAX_TICKET_LENGTH)],
      ] as const
    ) {
      assert.throws(
        () => new DatabaseTicket(rawId("x"), [{ transportType, address }]),
        hasCode("InvalidAddress"),
        "what could not be read again",
      );
    }
    const odd = { transportType: 5, address: "x" } as unknown as Address;
    assert.throws(() => new DatabaseTicket(rawId("x"), [odd]), hasCode("InvalidAddress"));
  });
});
