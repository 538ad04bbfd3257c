/** A server on Node for two tabs. Prints the ticket, then how it went. */

import process from "node:process";
import { Instance, NewUser } from "eidetica";
import { arrives, put } from "./steps.js";

const { instance, user } = await Instance.connectOrCreate(
  "memory://",
  NewUser.passwordless("home"),
);
const notes = await user.createDatabase({ name: "notes" });
await notes.grant("everyone", "write");
await (await instance.enableSync()).serve({ origins: "*" });
console.log(`${await user.share(notes)}`);

await Promise.all(process.argv.slice(2).map((tab) => arrives(notes, tab, "from a tab")));
await put(notes, "home", "from the server");
console.log("has what the tabs wrote");
