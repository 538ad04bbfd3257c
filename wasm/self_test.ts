/**
 * What an engine must get right before it is used.
 *
 * The signatures were made for this project with chosen torsion, so that they tell verification rules
 * apart while A and R stay ordinary encodings (`acceptance.ts`): a cofactored verifier accepts the two
 * that must be rejected, a verifier that demands torsion-free points rejects the two that must be
 * accepted.
 *
 * @module
 */

import { equalBytes, utf8 } from "../src/util/bytes.ts";
import { fromHex } from "../src/util/hex.ts";
import { acceptanceRule } from "./acceptance.ts";
import { hashesAbcTo } from "./hash_check.ts";
import type { Argon2id, Ed25519Engine } from "./types.ts";

/** A signature with the verdict it must get; bytes as hexadecimal text. */
export interface SelfTestSignature {
  /** What the signature is about. */
  readonly about: string;
  /** The public key. */
  readonly publicKey: string;
  /** The signed text. */
  readonly message: string;
  /** The signature R ‖ S. */
  readonly signature: string;
  /** Whether it must be accepted. */
  readonly accepted: boolean;
}

/** RFC 8032 §7.1, test 3. */
const RFC_8032 = {
  seed: "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
  publicKey: "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
  message: "af82",
  signature: "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac" +
    "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
};

/** [a]B and [a]B + T, [r]B and [r]B + T, where T has order 8. */
const PURE_KEY = "442704e6b459475d34e12d585ba0b9d55f02e511a45682aa0930c6709882eed8";
const MIXED_KEY = "b41d6ae8f79639b4ac74a8782adfe4225bd98de5464ab7139afda3fd836805e5";
const PURE_NONCE = "d69b516c0e304ccd656333b4cbdd1ccff98f08224be9a9c0d91aebc0b78c758e";
const MIXED_NONCE = "c87d055ed716fa0accc9807b664726faddd6fb30648c83d3aa7eb2789b4ce51d";

/** The signatures every engine must judge as listed. */
export const SELF_TEST_SIGNATURES: readonly SelfTestSignature[] = [
  {
    about: "mixed-order key whose torsion vanishes (k divisible by 8)",
    publicKey: MIXED_KEY,
    message: "message 2",
    signature: `${PURE_NONCE}f7e3855da9a94012c734aa9a96fdb217f4a8dbeef9faa14fc75d5aa31f72f609`,
    accepted: true,
  },
  {
    about: "mixed-order key and nonce whose torsions cancel",
    publicKey: MIXED_KEY,
    message: "message 3",
    signature: `${MIXED_NONCE}af40c6ea6e50cb0d8f9d5a2404a66f60d98cb996ad1606384eb36288d030060f`,
    accepted: true,
  },
  {
    about: "mixed-order key that only a cofactored rule accepts",
    publicKey: MIXED_KEY,
    message: "message 0",
    signature: `${PURE_NONCE}e4e5f02d0322e33531ebc5754b9bd263114e7be616168a530c433e5026bc9605`,
    accepted: false,
  },
  {
    about: "mixed-order nonce that only a cofactored rule accepts",
    publicKey: PURE_KEY,
    message: "message",
    signature: `${MIXED_NONCE}9d02bde50b645140b069d80fd77ad36727a16faf642a3c591c14e01996723b06`,
    accepted: false,
  },
];

const SHA512_OF_ABC = "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a" +
  "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";
const ARGON2ID_OF_PASSWORD = "f137f8e186a403a679ccd0606e5ab5dcdafe43c1640855ac8c6e33e9bd63eeb3";

/** What an engine got wrong first, or undefined when it passed. */
export function failedEd25519Test(engine: Ed25519Engine): string | undefined {
  try {
    if (!hashesAbcTo(SHA512_OF_ABC, engine.sha512)) return "it hashed wrongly";
    return failedSigning(engine) ?? failedVerification(engine);
  } catch (error) {
    return `it threw ${error}`;
  }
}

/** Whether an Argon2id derives as it should; costs next to nothing. */
export async function passesArgon2idTest(argon2id: Argon2id): Promise<boolean> {
  const options = { memoryKiB: 8, iterations: 1, parallelism: 1, length: 32 };
  try {
    const key = await argon2id(utf8("password"), utf8("somesalt"), options);
    return equalBytes(key, fromHex(ARGON2ID_OF_PASSWORD));
  } catch {
    return false;
  }
}

function failedSigning(engine: Ed25519Engine): string | undefined {
  const signer = engine.signer(fromHex(RFC_8032.seed));
  const data = fromHex(RFC_8032.message);
  const signature = signer.sign(data);
  const publicKey = fromHex(RFC_8032.publicKey);
  if (!equalBytes(signer.publicKey, publicKey)) return "it derived another public key";
  if (!equalBytes(signature, fromHex(RFC_8032.signature))) return "it made another signature";
  if (!engine.verifyOrdinary(publicKey, data, signature)) return "it rejected a good signature";
  if (engine.verifyOrdinary(publicKey, utf8("other"), signature)) return "it accepted other data";
  return undefined;
}

function failedVerification(engine: Ed25519Engine): string | undefined {
  const verify = acceptanceRule(engine);
  for (const test of SELF_TEST_SIGNATURES) {
    const key = fromHex(test.publicKey);
    const verdict = verify(key, utf8(test.message), fromHex(test.signature));
    if (verdict !== test.accepted) return `wrong verdict on a ${test.about}`;
  }
  return undefined;
}
