import type { Database } from "../../mod.ts";
import { YDoc } from "../../src/store/ydoc.ts";

/** Stores of Yjs documents, and the map in each. */
const PROFILE = { store: "user_info", map: "user_info" };
const PREFERENCES = { store: "user_prefs", map: "preferences" };

type Fields = Readonly<Record<string, string | undefined>>;

async function write(db: Database, { store, map }: typeof PROFILE, fields: Fields): Promise<void> {
  await db.withTransaction(async (tx) => {
    await (await tx.getStore(YDoc, store)).withDocMut((doc) => {
      const values = doc.getMap(map);
      for (const [key, value] of Object.entries(fields)) {
        if (value !== undefined) values.set(key, value);
      }
    });
  });
}

async function read(db: Database, { store, map }: typeof PROFILE): Promise<Map<string, unknown>> {
  const viewer = await db.getStoreViewer(YDoc, store);
  return await viewer.withDoc((doc) => new Map(doc.getMap(map).entries()));
}

/** Changes those fields of the profile that are given; the others stay. */
export async function setProfile(db: Database, { name, email, bio }: Fields): Promise<void> {
  await write(db, PROFILE, { name, email, bio });
  console.log("✓ User information updated");
}

/** Prints the profile. */
export async function showProfile(db: Database): Promise<void> {
  const values = await read(db, PROFILE);
  console.log("User Information:");
  for (const [key, title] of [["name", "Name"], ["email", "Email"], ["bio", "Bio"]] as const) {
    if (values.has(key)) console.log(`${title}: ${values.get(key)}`);
  }
}

/** Sets a preference. */
export async function setPreference(db: Database, key: string, value: string): Promise<void> {
  await write(db, PREFERENCES, { [key]: value });
  console.log("✓ User preference set");
}

/** Prints all preferences. */
export async function showPreferences(db: Database): Promise<void> {
  console.log("User Preferences:");
  for (const [key, value] of await read(db, PREFERENCES)) console.log(`${key}: ${value}`);
}
