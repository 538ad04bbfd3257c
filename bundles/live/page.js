/** One of two tabs that join a database by its ticket; each tells the server of the pages how it went. */

import { Instance, NewUser } from "eidetica";
import { DatabaseTicket } from "eidetica/sync";
import { arrives, live, put } from "./steps.js";

const asked = new URLSearchParams(location.search);

async function exchange() {
  const ticket = DatabaseTicket.parse(asked.get("ticket"));
  const { instance, user } = await Instance.connectOrCreate(
    "memory://",
    NewUser.passwordless("ada"),
  );
  const isLive = live(await instance.enableSync(), ticket.databaseId);
  const notes = await user.join(ticket);
  await isLive;
  await put(notes, asked.get("name"), "from a tab");
  await arrives(notes, asked.get("other"), "from a tab");
  // Written when the server had what both tabs wrote: nobody here asks for it.
  await arrives(notes, "home", "from the server");
  await instance.close();
  return "live with the server and the other tab";
}

const tell = (outcome) => {
  const body = JSON.stringify({ [asked.get("name")]: outcome });
  return fetch("/done", { method: "POST", body });
};

exchange().then(tell, (error) => tell(`${error} ${error.stack}`));
