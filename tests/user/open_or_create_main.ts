/**
 * A process of its own that opens or creates a database by its name, and prints its root: URL, name.
 *
 * @module
 */

import process from "node:process";
import { Instance } from "../../mod.ts";

const [url, name] = process.argv.slice(2);
const instance = await Instance.connect(url!);
const user = await instance.loginUser("ada");
const database = await user.openOrCreateDatabase({ name: name! });
console.log(database.rootId.toString());
await instance.close();
