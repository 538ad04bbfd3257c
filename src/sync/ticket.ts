/**
 * Tickets: a database and hints where it can be had, as a link that people pass on (09 §14).
 *
 * ```text
 * ticket = "eidetica:?db=" id ( "&pr=" type ":" address )* [ "&native=1" ]
 * ```
 *
 * Values are percent-encoded where they hold one of `% & = # +`, and read as the fields of a web form. Names that
 * are not known are passed over, so that later versions may add some.
 *
 * @module
 */

import { setInspection } from "#inspect";
import { ID } from "../entry/id.ts";
import { optionsOf } from "../util/arguments.ts";
import { SyncError } from "../util/errors.ts";
import { type Address, addressText, isSameAddress } from "./address.ts";

/** Longest ticket that is read, in characters. */
export const MAX_TICKET_LENGTH: number = 64 * 1024;

const PREFIX = "eidetica:?";
/** How many characters of another text an error shows. */
const SHOWN = 20;
const RESERVED = /[%&=#+]/g;

/** What a ticket may say besides the database and addresses. */
export interface TicketOptions {
  /** Whether the addresses are those of nodes that understand the native protocol as well. */
  readonly native?: boolean;
}

/** A database and where it can be had. Immutable. */
export class DatabaseTicket {
  /** Root of the database. */
  readonly databaseId: ID;
  /** Where to ask for it, in this order. There may be none. */
  readonly addresses: readonly Address[];
  /** A hint that the native protocol is worth a try; never a promise. */
  readonly native: boolean;

  /** A ticket for a database. Throws `SyncError` `InvalidAddress` for what could not be read again. */
  constructor(
    databaseId: ID,
    addresses: Iterable<Address> = [],
    { native = false }: TicketOptions = {},
  ) {
    if (!(databaseId instanceof ID)) throw invalidAddress("a ticket names a database by its ID");
    this.databaseId = databaseId;
    this.addresses = Object.freeze(Array.from(addresses, copyOf));
    this.native = native === true;
    requireShort(this.toString());
  }

  /** Reads a ticket. Throws `SyncError` `InvalidAddress`, or `IdError` `InvalidFormat`. */
  static parse(text: string): DatabaseTicket {
    const fields = new URLSearchParams(`&${fieldsOf(text)}`);
    // Each one is read, also those that do not count: a broken one spoils the ticket.
    const id = fields.getAll("db").map(ID.parse).at(-1);
    if (id === undefined) throw invalidAddress("Ticket URL missing 'db' parameter");
    const native = fields.get("native") === "1";
    return new DatabaseTicket(id, fields.getAll("pr").flatMap(hint), { native });
  }

  /** Reads the JSON form: the text. */
  static fromJSON(json: unknown): DatabaseTicket {
    return DatabaseTicket.parse(json as string);
  }

  /** Whether both name the same database and the same addresses in the same order. */
  equals(other: DatabaseTicket): boolean {
    return other instanceof DatabaseTicket && this.databaseId.equals(other.databaseId) &&
      this.addresses.length === other.addresses.length &&
      this.addresses.every((address, at) => isSameAddress(address, other.addresses[at]!));
  }

  /** The ticket as text. */
  toString(): string {
    const hints = this.addresses.map((address) => `&pr=${encode(addressText(address))}`);
    const native = this.native ? "&native=1" : "";
    return `${PREFIX}db=${encode(this.databaseId.toString())}${hints.join("")}${native}`;
  }

  /** The JSON form: the text. */
  toJSON(): string {
    return this.toString();
  }

  static {
    setInspection(DatabaseTicket, "DatabaseTicket", (ticket) => [ticket]);
  }
}

/** What stands behind the prefix. */
function fieldsOf(text: string): string {
  if (typeof text !== "string") throw invalidAddress(`a ticket is a text, not ${typeof text}`);
  requireShort(text);
  if (text.startsWith(PREFIX)) return text.slice(PREFIX.length);
  throw invalidAddress(
    `Expected '${PREFIX}' prefix, got: ${[...text.slice(0, 2 * SHOWN)].slice(0, SHOWN).join("")}`,
  );
}

/** The address that a `pr` field names; without a colon it names none. */
function hint(value: string): Address[] {
  const colon = value.indexOf(":");
  if (colon < 0) return [];
  return [{ transportType: value.slice(0, colon), address: value.slice(colon + 1) }];
}

function copyOf(given: Address): Address {
  const { transportType, address } = optionsOf(given, "make a ticket");
  if (typeof transportType !== "string" || typeof address !== "string") {
    throw invalidAddress("the type of the transport and the address must be texts");
  }
  if (!(transportType.isWellFormed() && address.isWellFormed())) {
    throw invalidAddress("half of a surrogate pair cannot be written into a ticket");
  }
  return Object.freeze({ transportType, address });
}

function requireShort(text: string): void {
  if (text.length <= MAX_TICKET_LENGTH) return;
  throw invalidAddress(`a ticket has at most ${MAX_TICKET_LENGTH} characters`);
}

function encode(value: string): string {
  return value.replace(RESERVED, (character) => {
    return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
  });
}

/** The error for an address or a ticket that cannot be used. */
function invalidAddress(reason: string): SyncError {
  return new SyncError("InvalidAddress", `Invalid address: ${reason}`, { fields: { reason } });
}
