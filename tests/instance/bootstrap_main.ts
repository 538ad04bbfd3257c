/**
 * A process of its own that opens or creates an instance: URL. Prints its ID and whether it created it.
 *
 * @module
 */

import process from "node:process";
import { Instance, NewUser } from "../../mod.ts";

const { instance, user } = await Instance.connectOrCreate(
  process.argv[2]!,
  NewUser.passwordless("ada"),
);
const session = user ?? await instance.loginUser("ada");
if (!await session.isAdmin()) throw new Error("the first user administers the instance");
console.log(JSON.stringify({ id: instance.id.toString(), created: user !== undefined }));
await instance.close();
