import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { Instance } from "../../mod.ts";
import { COMMAND_LINE, fewAtOnce, inFolder } from "./process.ts";

const fileOf = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const ENTRY = fileOf("deploy/docker/entry.sh");
const skip = process.platform === "win32" && "containers and services begin with a POSIX shell";

/** A folder with a command `eidetica` that notes how it is begun, and runs ours but for the node. */
function prepare(cwd: string): Record<string, string> {
  const bin = join(cwd, "bin");
  mkdirSync(bin);
  const command = [process.execPath, ...COMMAND_LINE].map((word) => `'${word}'`).join(" ");
  const script = [
    "#!/bin/sh",
    'echo "$*" >> calls',
    // A node would go on; what it was begun with is all that matters here.
    'case "${1:-serve}" in serve) echo "password: ${EIDETICA_ADMIN_PASSWORD:-none}"; exit 0;; esac',
    `exec ${command} "$@"`,
  ];
  writeFileSync(join(bin, "eidetica"), script.join("\n"));
  chmodSync(join(bin, "eidetica"), 0o755);
  const { PATH = "", HOME = "" } = process.env;
  return { PATH: `${bin}:${PATH}`, HOME, EIDETICA_ADMIN_PASSWORD_FILE: join(cwd, "secret") };
}

function enter(cwd: string, env: Record<string, string>, ...words: string[]) {
  const { status, stdout, stderr } = spawnSync("sh", [ENTRY, ...words], {
    cwd,
    env,
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

describe("what a container begins with", { skip }, () => {
  it("12#38: without a password nothing is made, and it ends with 1", () =>
    inFolder((cwd) => {
      const env = { ...prepare(cwd), EIDETICA_ADMIN_PASSWORD: "" };
      const { status, stderr } = enter(cwd, env);
      assert.equal(status, 1);
      assert.match(stderr, /no password to make one with/);
      assert.equal(existsSync(join(cwd, "eidetica.db")), false);
      assert.equal(readFileSync(join(cwd, "calls"), "utf8"), "info\n");
      return Promise.resolve();
    }));
  it("12#38: each source makes one instance, the file first; a second start makes none", async () => {
    const sources: readonly (readonly [Record<string, string>, string | undefined, boolean])[] = [
      [{ EIDETICA_ADMIN_PASSWORD: "from env" }, "from file", true],
      [{ EIDETICA_ADMIN_PASSWORD: "from env" }, "from env", false],
      [{ EIDETICA_ALLOW_PASSWORDLESS_ADMIN: "1" }, undefined, false],
    ];
    await fewAtOnce(sources, ([more, password, hasFile]) =>
      inFolder(async (cwd) => {
        const env = { ...prepare(cwd), ...more };
        if (hasFile) writeFileSync(join(cwd, "secret"), "from file\n");
        const first = enter(cwd, env);
        assert.equal(first.status, 0, first.stderr);
        // The node is not given the password, which it has no use for.
        assert.match(first.stdout, /password: none\n$/);
        assert.equal(/Warning: admin has no password/.test(first.stderr), password === undefined);
        assert.equal(enter(cwd, env).status, 0);
        const calls = readFileSync(join(cwd, "calls"), "utf8");
        assert.equal(calls.match(/daemon init/g)!.length, 1, calls);
        const instance = await Instance.connect(`sqlite://${join(cwd, "eidetica.db")}`);
        await (await instance.loginUser("admin", password)).admin();
        await instance.close();
      }));
  });
  it("other words are run as they are, on an empty volume, too", () =>
    inFolder((cwd) => {
      const env = { ...prepare(cwd), EIDETICA_ADMIN_PASSWORD: "secret" };
      const { status, stdout } = enter(cwd, env, "daemon", "init", "--username", "me");
      assert.equal(status, 0);
      assert.match(stdout, /Initial user: me/);
      assert.equal(enter(cwd, env, "--version").status, 0);
      return Promise.resolve();
    }));
  it("files name what is there", () => {
    const docker = readFileSync(fileOf("deploy/docker/Dockerfile"), "utf8");
    const shipped = readFileSync(fileOf(".dockerignore"), "utf8");
    for (const [, names] of docker.matchAll(/^COPY (.+) \S+$/gm)) {
      for (const name of names!.split(" ")) {
        assert.ok(existsSync(fileOf(name)), name);
        assert.ok(shipped.includes(`!${name}\n`), name);
      }
    }
    const service = readFileSync(fileOf("deploy/systemd/eidetica.service"), "utf8");
    for (const [, name] of service.matchAll(/^Environment=(\w+)=/gm)) {
      assert.ok(
        ["EIDETICA_DATA_DIR", "EIDETICA_HOST", "EIDETICA_PORT", "EIDETICA_ADMIN_PASSWORD_FILE"]
          .includes(name!),
      );
    }
  });
});
