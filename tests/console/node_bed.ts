/** A node with two users, and browsers of sorts that keep their cookies. */

import { Instance, NewUser, type User } from "../../mod.ts";
import { type NodeHandler, nodeHandler, type NodeOptions } from "../../src/console/mod.ts";
import type { StorageDriver } from "../../src/storage/driver.ts";
import { memoryStorage } from "../../src/storage/memory.ts";
import { FixedClock } from "../../src/testing/mod.ts";
import { csrfOf } from "./page_facts.ts";

/** A browser: a cookie jar for one host. */
export class Browser {
  readonly #node: NodeHandler;
  /** The cookie that it sends. */
  cookie = "";

  /** A browser that knows one node. */
  constructor(node: NodeHandler) {
    this.#node = node;
  }

  /** Sends a request from an address. */
  async send(
    path: string,
    init: RequestInit = {},
    remoteAddress = "192.0.2.7:4711",
  ): Promise<Response> {
    const headers = new Headers(init.headers);
    if (this.cookie !== "") headers.set("cookie", this.cookie);
    const url = path.includes("://") ? path : `http://node.example${path}`;
    const response = await this.#node.fetch(new Request(url, { ...init, headers }), {
      remoteAddress,
    });
    const [cookie] = response.headers.getSetCookie();
    if (cookie !== undefined) this.cookie = cookie.slice(0, cookie.indexOf(";"));
    return response;
  }

  /** Loads a page. */
  async page(path: string): Promise<string> {
    return await (await this.send(path)).text();
  }

  /** Sends a form. */
  async post(
    path: string,
    fields: Readonly<Record<string, string>>,
    init: RequestInit = {},
  ): Promise<Response> {
    const body = new URLSearchParams(fields);
    return await this.send(path, { ...init, method: "POST", body });
  }

  /** Sends a form with the token of the dashboard. */
  async postOwn(path: string, fields: Readonly<Record<string, string>> = {}): Promise<Response> {
    return await this.post(path, { ...fields, csrf: csrfOf(await this.page("/dashboard")) });
  }

  /** Logs in. */
  async logIn(username: string, password = ""): Promise<Response> {
    return await this.post("/login", { username, password });
  }
}

/** Password of `cyn`; `ada` has none. */
export const PASSWORD = "correct horse";

/** The node. */
export interface NodeBed {
  readonly clock: FixedClock;
  readonly instance: Instance;
  readonly ada: User;
  readonly cyn: User;
  readonly node: NodeHandler;
  browser(): Browser;
  close(): Promise<void>;
}

/** A node in memory whose clock stands still. */
export async function nodeBed(
  options?: NodeOptions,
  storage: StorageDriver = memoryStorage(),
): Promise<NodeBed> {
  const clock = new FixedClock();
  clock.hold();
  const { instance, user: ada } = await Instance.createBackend(
    storage,
    NewUser.passwordless("ada"),
    { clock },
  );
  await (await ada.admin()).createUser(NewUser.withPassword("cyn", PASSWORD));
  const cyn = await instance.loginUser("cyn", PASSWORD);
  const node = nodeHandler(instance, { hosts: ["node.example"], ...options });
  return {
    clock,
    instance,
    ada,
    cyn,
    node,
    browser: () => new Browser(node),
    close: async () => {
      node.close();
      await instance.close();
    },
  };
}
