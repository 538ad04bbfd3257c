/**
 * Checkpoints: materialised states of stores, written down so that another process need not fold the
 * whole history. All integers are big-endian; IDs and ID lists as in `records.ts`.
 *
 * ```text
 * head   format u8 = 1 · version u32 · entries u64 · weight u64 · height u64 · last ID · tips ·
 *        length u64 · BLAKE3 of the body, 32 bytes
 * body   per piece: length u32 · payload, as the state's type serializes it
 * name   the first 16 bytes of the BLAKE3 of key prefix ‖ head; the end of both keys
 * ```
 *
 * `version` is that of the type's states; `height` and `last ID` are the place of the last entry that
 * was folded in. The pieces, folded in order, give the state.
 *
 * A checkpoint is a cache: losing it is always safe. It names the tree, the store, the reading and the
 * tips that it is the state of, and a state depends on nothing else: entries never change, and a
 * verdict that does decides which tips are asked for, never what their state is. So no demotion and no
 * later entry makes a checkpoint wrong. The name covers the head and the head covers the body: what is
 * damaged, cut short, moved to another store or written in another format is not taken for one.
 *
 * `FORMAT` is also the version of the fold itself. It goes up when the same entries give another state.
 *
 * @module
 */

import { core } from "../../../wasm/mod.ts";
import type { ID } from "../../entry/id.ts";
import { concat, equalBytes } from "../../util/bytes.ts";
import { damagedRecord, RecordReader, RecordWriter } from "../records/record_bytes.ts";
import type { Place } from "./state_family.ts";

const FORMAT = 1;
const NAME_BYTES = 16;
const DIGEST_BYTES = 32;

/** What is known of a checkpoint without reading the state. */
export interface CheckpointHead {
  /** Version of the type's states. */
  readonly version: number;
  /** How many entries were folded in. */
  readonly entries: number;
  /** Weight of these entries. */
  readonly weight: number;
  /** Place of the last of them. */
  readonly last: Place;
  /** The store tips that it is the state of. */
  readonly tips: readonly ID[];
  /** Length of the body, in bytes. */
  readonly length: number;
  /** BLAKE3 of the body. */
  readonly digest: Uint8Array;
}

/** Writes the head of a checkpoint. */
export function encodeCheckpointHead(head: CheckpointHead): Uint8Array {
  return new RecordWriter().integer(FORMAT, 1).integer(head.version, 4).integer(head.entries, 8)
    .integer(head.weight, 8).integer(head.last.height, 8).id(head.last.id).ids(head.tips)
    .integer(head.length, 8).bytes(head.digest).done();
}

/** Reads the head of a checkpoint. */
export function decodeCheckpointHead(bytes: Uint8Array): CheckpointHead {
  const reader = new RecordReader(bytes);
  reader.format(FORMAT);
  const version = reader.integer(4);
  const entries = reader.integer(8);
  const weight = reader.integer(8);
  const last = { height: reader.integer(8), id: reader.id() };
  const tips = reader.ids();
  if (tips === undefined || tips.length === 0) throw damagedRecord("a checkpoint without tips");
  const length = reader.integer(8);
  return {
    version,
    entries,
    weight,
    last,
    tips,
    length,
    digest: reader.bytes(DIGEST_BYTES).slice(),
  };
}

/** The name of a checkpoint, by the key prefix of its heads and by its head. */
export function checkpointName(prefix: Uint8Array, head: Uint8Array): Uint8Array {
  return core().blake3(concat(prefix, head)).slice(0, NAME_BYTES);
}

/** Joins the pieces of a state to a body. */
export function joinPieces(pieces: readonly Uint8Array[]): Uint8Array {
  const writer = new RecordWriter();
  for (const piece of pieces) writer.integer(piece.length, 4).bytes(piece);
  return writer.done();
}

/** The pieces of a body, not copied. Fails unless it is the body of `head`. */
export function splitPieces(head: CheckpointHead, body: Uint8Array): Uint8Array[] {
  if (body.length !== head.length || !equalBytes(digestOf(body), head.digest)) {
    throw damagedRecord("the body of a checkpoint is not the one its head describes");
  }
  const reader = new RecordReader(body);
  const pieces: Uint8Array[] = [];
  while (!reader.isAtEnd) pieces.push(reader.bytes(reader.integer(4)));
  return pieces;
}

/** What the head of a checkpoint says of its body. */
export function digestOf(body: Uint8Array): Uint8Array {
  return core().blake3(body);
}
