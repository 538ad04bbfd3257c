// daemon_main.ts: serves a new instance for every line of its input, and ends with its input.
import process from "node:process";
import { createInterface } from "node:readline";
import { Instance, NewUser } from "../../mod.ts";
import { serveSocket } from "../../src/service/edge/mod.ts";

for await (const line of createInterface({ input: process.stdin })) {
  const { path, username, password } = JSON.parse(line);
  const user = password === undefined
    ? NewUser.passwordless(username)
    : NewUser.withPassword(username, password);
  try {
    const { instance } = await Instance.connectOrCreate("memory://", user);
    await serveSocket(instance, { path });
    console.log("serving");
  } catch (error) {
    console.log(String(error));
  }
}
process.exit(0);
