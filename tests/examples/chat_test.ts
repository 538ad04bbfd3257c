import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { afterEach, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { Instance, NewUser, Table } from "../../mod.ts";

const MAIN = fileURLToPath(new URL("../../examples/chat/main.ts", import.meta.url));
const BEFORE = "Deno" in globalThis ? ["run", "-A", "--no-lock"] : [];

/** Who talks now. */
const talkers: Talker[] = [];

/** Somebody who talks, in a process. */
class Talker {
  readonly child: ChildProcess;
  text = "";

  constructor(...words: string[]) {
    this.child = spawn(process.execPath, [...BEFORE, MAIN, ...words], { stdio: "pipe" });
    talkers.push(this);
    const take = (part: string) => this.text += part;
    this.child.stdout!.setEncoding("utf8").on("data", take);
    this.child.stderr!.setEncoding("utf8").on("data", take);
  }

  say(line: string): void {
    this.child.stdin!.write(`${line}\n`);
  }

  /** Waits until a text shows. */
  async sees(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.text);
      if (found !== null) return found;
      if (this.child.exitCode !== null) {
        throw new Error(`It has ended without ${pattern}\n${this.text}`);
      }
      const { stdout, stderr } = this.child;
      await Promise.race(
        [stdout!, stderr!].map((stream) => once(stream, "data")).concat(this.#end()),
      );
    }
  }

  async #end(): Promise<unknown[]> {
    return await once(this.child, "exit");
  }

  /** Ends standard input, and waits for the end. */
  async leave(): Promise<number> {
    const closed = once(this.child, "close") as Promise<[number]>;
    this.child.stdin!.end();
    return (await closed)[0];
  }
}

describe("the chat example", () => {
  // A test that has failed leaves them behind.
  afterEach(() => talkers.splice(0).forEach(({ child }) => child.kill("SIGKILL")));
  it("12#40, #42: who makes a room and who joins see each other's messages, later ones all", async () => {
    const ada = new Talker("-u", "ada");
    const [, ticket] = await ada.sees(/Address: +(eidetica:\S+)/);
    const bob = new Talker("-u", "bob", ticket!);
    await bob.sees(/Room: +Chat Room - \d{4}-/);
    ada.say("hello\x1b[2J");
    await bob.sees(/\[\d\d:\d\d:\d\d\] ada: hello�\[2J/);
    bob.say("   ");
    bob.say("  hi  ");
    await ada.sees(/bob: hi\n/);
    const cyd = new Talker("-u", "cyd", ticket!);
    await cyd.sees(/ada: hello[^]*bob: hi\n/);
    cyd.say("all of it");
    await Promise.all([ada, bob].map((one) => one.sees(/cyd: all of it/)));
    assert.equal(ada.text.match(/bob: /g)!.length, 1, "a blank line was sent");
    // What they have written is what the Rust project's chat reads.
    const { instance, user } = await Instance.connectOrCreate(
      "memory://",
      NewUser.passwordless("dan"),
    );
    await instance.enableSync();
    const rows = await (await user!.join(ticket!)).getStoreViewer(Table, "messages");
    const [[, row]] = await rows.search((row) => row.author === "bob") as [[string, object]];
    assert.deepEqual(Object.keys(row), ["id", "author", "content", "timestamp"]);
    await instance.close();
    assert.deepEqual(await Promise.all([bob, cyd, ada].map((one) => one.leave())), [0, 0, 0]);
  });
  it("the name of a room moves no cursor", async () => {
    const { instance, user } = await Instance.connectOrCreate(
      "memory://",
      NewUser.passwordless("eve"),
    );
    await (await instance.enableSync()).serve();
    const room = await user!.createDatabase({ name: "evil\x1b[2J\u202e" });
    await room.grant("everyone", "write:0");
    const bob = new Talker("-u", "bob", String(await user!.share(room)));
    await bob.sees(/Room: +evil�\[2J�\n/);
    assert.equal(await bob.leave(), 0);
    await instance.close();
  });
  it("12#41: a transport that is none, and a ticket that is none, fail before anything is opened", async () => {
    for (const words of [["--transport", "pigeon"], ["--transport", "IROH"], ["nonsense"]]) {
      const talker = new Talker(...words);
      await talker.sees(/^Error: .*\n/);
      assert.equal(await talker.leave(), 1);
    }
  });
});
