import assert from "node:assert/strict";
import { copyFileSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { Instance } from "../../mod.ts";
import { compare, some } from "./compare.ts";
import { eidetica, fewAtOnce, inFolder, Running } from "./process.ts";
import { CASES, listing } from "./transcripts.ts";

const NODE = fileURLToPath(new URL("../vectors/service-node.json", import.meta.url));
const LOCAL = ["serve", "--host", "127.0.0.1", "-p", "0"];

/** Makes an instance with a user `ops` in a folder. */
async function init(cwd: string): Promise<void> {
  const words = ["daemon", "init", "--username", "ops", "--passwordless"];
  assert.equal((await eidetica(words, { cwd })).code, 0);
}

/** The port of a node that runs. */
async function portOf(node: Running): Promise<string> {
  const [, port] = await node.until(/Web Interface: http:\/\/localhost:(\d+)[^]*shutdown\n/);
  return port!;
}

describe("eidetica serve", () => {
  it("12#2, #3, #15, #36: recorded runs, and what stands in the storage afterwards", async () => {
    await inFolder(async (cwd) => {
      await init(cwd);
      for (const at of [123, 124, 125]) {
        const { argv, env, signal } = CASES[at]!;
        const node = new Running(argv, {
          cwd,
          env: { ...env, ...at === 125 && { EIDETICA_DATA_DIR: cwd } },
        });
        const port = await portOf(node);
        assert.equal(statSync(join(cwd, "eidetica.run.json")).mode & 0o777, 0o600);
        compare(at, await node.stop(signal!), { [`:${port}`]: ":<PORT>" });
      }
      assert.deepEqual(listing(cwd), ["eidetica.db"]);
      await fewAtOnce(some(126, 129), async (at) => {
        const { argv, env } = CASES[at]!;
        compare(at, await eidetica(argv, { cwd, env }));
      });
    });
  });
  it("12#3: a flag counts more than its variable", async () => {
    await inFolder(async (cwd) => {
      await init(cwd);
      const node = new Running([...LOCAL], { cwd, env: { EIDETICA_PORT: "1" } });
      await portOf(node);
      assert.equal((await node.stop("SIGTERM")).code, 0);
    });
  });
  it("12#19: health of a node", async () => {
    await inFolder(async (cwd) => {
      await init(cwd);
      const node = new Running(LOCAL, { cwd });
      const port = await portOf(node);
      await fewAtOnce(some(134, 141), async (at) => {
        const { argv, env } = CASES[at]!;
        const words = argv.map((word) => word.replace("<SERVE>", port));
        compare(at, await eidetica(words, { cwd, env }));
      });
      // Without an address it is the port of the environment.
      const outcome = await eidetica(["health"], { cwd, env: { EIDETICA_PORT: port } });
      assert.match(outcome.stdout, /^healthy: /, outcome.stderr);
      await node.stop("SIGTERM");
    });
  });
  it("addresses that it cannot listen at", async () => {
    await inFolder(async (cwd) => {
      await init(cwd);
      const busy = createServer();
      await new Promise<void>((resolve) => busy.listen(0, "127.0.0.1", resolve));
      const { port } = busy.address() as AddressInfo;
      await fewAtOnce(some(130, 132), async (at) => {
        const { argv, env } = CASES[at]!;
        const words = argv.map((word) => word.replace("<BUSY>", String(port)));
        compare(at, await eidetica(words, { cwd, env }));
      });
      busy.close();
    });
  });
  it(
    "it is told with the address that it listens at, where this machine has another name for none",
    {
      skip: process.platform !== "linux" && "only Linux has all of 127.0.0.0/8",
    },
    () =>
      inFolder(async (cwd) => {
        await init(cwd);
        const node = new Running(["serve", "-p", "0", "--host", "127.0.0.2", "--json"], { cwd });
        const [line] = await node.until(/^\{.*"type":"listening"\}$/m);
        const { http } = JSON.parse(line);
        assert.match(http, /^http:\/\/127\.0\.0\.2:\d+$/);
        assert.equal((await fetch(`${http}/health`)).status, 200);
        assert.equal((await node.stop("SIGTERM")).code, 0);
      }),
  );
  it("12#36: what is in memory is kept when it stops", async () => {
    await inFolder(async (cwd) => {
      copyFileSync(NODE, join(cwd, "eidetica.json"));
      const { argv, signal } = CASES[133]!;
      const node = new Running(argv, { cwd });
      const port = await portOf(node);
      compare(133, await node.stop(signal!), { [`:${port}`]: ":<PORT>" });
      const saved = JSON.parse(readFileSync(join(cwd, "eidetica.json"), "utf8"));
      assert.notDeepEqual(saved, JSON.parse(readFileSync(NODE, "utf8")));
      const instance = await Instance.connect(`memory://${join(cwd, "eidetica.json")}`);
      assert.equal(typeof (await instance.backend.getInstanceMetadata())!.sync_db, "string");
      await instance.close();
    });
  });
  it("12#39: it is told by RUST_LOG what to log, on standard error", async () => {
    await inFolder(async (cwd) => {
      await init(cwd);
      const levels = [["", false], ["eidetica=info", true], ["off", false], [
        "eidetica::backend=debug",
        true,
      ]];
      await fewAtOnce(levels, async ([level, isTold]) => {
        const node = new Running(LOCAL, { cwd, env: { RUST_LOG: String(level) } });
        await portOf(node);
        const { stderr, code } = await node.stop("SIGINT");
        assert.equal(code, 0);
        assert.equal(/ INFO eidetica::backend: /.test(stderr), isTold, `${level}: ${stderr}`);
      });
    });
  });
});
