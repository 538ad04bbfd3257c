/**
 * EDGE: the add-on of Iroh, the npm package `@number0/iroh`, which is loaded when it is needed; and the part of it that
 * is used, as types of our own, so that nobody needs the package to check theirs.
 *
 * @module
 */

import { SyncError } from "../../util/errors.ts";
import { permissionProblem } from "../../util/permission.ts";
import { lineOf } from "../errors.ts";

/** Bytes as the add-on takes them: lists of numbers until it takes arrays of bytes. */
export type AddonBytes = number[] | Uint8Array;

/** Sends into a stream. */
export interface AddonSend {
  writeAll(bytes: AddonBytes): Promise<void>;
  finish(): Promise<void>;
  reset(code: bigint): Promise<void>;
  /** Resolves when the other side's machine has everything. */
  stopped(): Promise<unknown>;
}

/** Reads from a stream. */
export interface AddonReceive {
  /** Up to so many bytes; none at the end. */
  read(limit: number): Promise<AddonBytes>;
  stop(code: bigint): Promise<void>;
}

/** Both directions of a stream. */
export interface AddonStream {
  readonly send: AddonSend;
  readonly recv: AddonReceive;
}

/** The name of an endpoint, its public key. */
export interface AddonId {
  toString(): string;
}

/** A connection between two endpoints. */
export interface AddonConnection {
  alpn(): AddonBytes;
  remoteId(): AddonId;
  openBi(): Promise<AddonStream>;
  acceptBi(): Promise<AddonStream>;
  /** Resolves when it is over. */
  closed(): Promise<unknown>;
  close(code: bigint, reason: AddonBytes): void;
  setMaxConcurrentBiStreams(count: bigint): void;
  setMaxConcurrentUniStreams(count: bigint): void;
}

/** Somebody who wants to connect. */
export interface AddonIncoming {
  accept(): Promise<{ connect(): Promise<AddonConnection> }>;
  refuse(): Promise<void>;
  remoteAddr(): Promise<{ readonly kind: string; readonly addr?: string }>;
}

/** Where an endpoint is. */
export interface AddonAddress {
  id(): AddonId;
  relayUrl(): string | null;
}

/** An endpoint of this process. */
export interface AddonEndpoint {
  addr(): AddonAddress;
  setAlpns(alpns: AddonBytes[]): void;
  connect(address: AddonAddress, alpn: AddonBytes): Promise<AddonConnection>;
  acceptNext(): Promise<AddonIncoming | null>;
  close(): Promise<void>;
}

/** What makes an endpoint. */
export interface AddonBuilder {
  applyN0(): void;
  applyMinimal(): void;
  secretKey(bytes: AddonBytes): void;
  relayMode(mode: object): void;
  bindAddr(address: string): void;
  bind(): Promise<AddonEndpoint>;
}

/** The add-on. */
export interface Addon {
  readonly Endpoint: { builder(): AddonBuilder };
  readonly EndpointTicket: {
    fromAddr(address: AddonAddress): { toString(): string };
    fromString(text: string): { endpointAddr(): AddonAddress };
  };
  readonly RelayMode: {
    disabled(): object;
    defaultMode(): object;
    staging(): object;
    customFromUrls(urls: string[]): object;
  };
  readonly SecretKey: { fromBytes(bytes: AddonBytes): { public(): AddonId } };
}

/** The name of the package. */
const PACKAGE = "@number0/iroh";

/** Loads the add-on; `TransportInit` when it is missing, or there is none for this platform. */
export async function loadAddon(): Promise<Addon> {
  try {
    // The name is not in the import, so that no bundler asks those for it who do not need it.
    const name = PACKAGE;
    const module = await import(name) as { readonly default?: Addon } & Addon;
    return module.default ?? module;
  } catch (cause) {
    throw new SyncError("TransportInit", `Cannot use Iroh: ${problemOf(cause)}`, { cause });
  }
}

/** What is wrong and what helps. */
export function problemOf(cause: unknown): string {
  const inner = (cause as { readonly cause?: unknown } | null)?.cause;
  const permission = permissionProblem(cause) ?? permissionProblem(inner);
  if (permission !== undefined) return permission;
  const isMissing = String((cause as { code?: unknown } | null)?.code).endsWith("MODULE_NOT_FOUND");
  if (isMissing) {
    return `the npm package "${PACKAGE}" is missing; install it: npm install ${PACKAGE}`;
  }
  return `the npm package "${PACKAGE}" has no add-on that loads on this platform (${
    lineOf(inner ?? cause)
  }); ` + `install it again: npm install ${PACKAGE}, or use another transport`;
}

/** How bytes go over the border of the add-on. */
export type ToAddon = (bytes: Uint8Array) => AddonBytes;

/** As arrays of bytes where the add-on takes these; else as lists of numbers, which cost 0.05 µs a byte on each side. */
export function borderOf({ SecretKey }: Pick<Addon, "SecretKey">): ToAddon {
  try {
    SecretKey.fromBytes(new Uint8Array(32));
    return (bytes) => bytes;
  } catch {
    return numbersOf;
  }
}

function numbersOf(bytes: Uint8Array): number[] {
  const numbers = new Array<number>(bytes.length);
  for (let at = 0; at < bytes.length; at++) numbers[at] = bytes[at]!;
  return numbers;
}

/** Bytes that came from the add-on. */
export function bytesOf(given: AddonBytes): Uint8Array {
  return given instanceof Uint8Array ? given : new Uint8Array(given);
}

/** What an error of the add-on says: its innermost cause, without traces and places in its source. */
export function reasonOf(error: unknown): string {
  const text = String(error instanceof Error ? error.message : error).split(
    /\n\s*Stack backtrace/,
  )[0]!;
  const lines = text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  return (lines.at(-1) ?? "no reason was given").replace(/\s*\((?:\/|[A-Za-z]:\\)[^)]*\)$/, "");
}

/** An error of the add-on as others see it. */
export function plainError(error: unknown): Error {
  return new Error(reasonOf(error));
}
