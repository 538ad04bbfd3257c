import { bed, commitOne, type Place } from "../workloads.ts";
import { change, ownVersion, type Peer } from "./peer.ts";

function eidetica(place: Place, name: string, keeps: string): Peer {
  return {
    name,
    version: ownVersion(),
    signs: true,
    keeps,
    does: "entry in a DAG: encodes, hashes, signs, checks permissions, merges",
    async prepare() {
      const { database, remove } = await bed(place);
      return {
        step(number) {
          const { key, value } = change(number);
          return commitOne(database, key, value);
        },
        end: remove,
      };
    },
  };
}

export const EIDETICA: readonly Peer[] = [
  eidetica("memory", "Eidetica", "memory"),
  eidetica("sqlite", "Eidetica, SQLite", "SQLite, WAL, synchronous=NORMAL"),
];
