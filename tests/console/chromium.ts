/** A real Chromium, spoken to over its debugging protocol; enough of it for walks through pages. */

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PATHS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--remote-debugging-port=0",
];

/** How long anything may take, in milliseconds: as long as a slow machine wants. */
const PATIENCE_MS = 60_000;
const LOOK_MS = 50;

/** Where Chromium is, if it is installed. */
export const chromiumPath: string | undefined = PATHS.find((path) => existsSync(path));

// deno-lint-ignore no-explicit-any -- what the protocol says: JSON
type Json = any;

async function until<T>(
  find: () => Promise<T | undefined> | T | undefined,
  what: string,
): Promise<T> {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end;) {
    const found = await find();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  throw new Error(`${what}: not within ${PATIENCE_MS} ms`);
}

/** The browser. */
export class Chromium {
  readonly #process: ChildProcess;
  readonly #profile: string;
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, { resolve(value: Json): void; reject(error: Error): void }>();
  readonly #listeners = new Set<(message: Json) => void>();
  #last = 0;

  private constructor(process: ChildProcess, profile: string, socket: WebSocket) {
    this.#process = process;
    this.#profile = profile;
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => this.#take(JSON.parse(String(data))));
  }

  /** Starts it. */
  static async start(): Promise<Chromium> {
    const profile = mkdtempSync(join(tmpdir(), "eidetica-console-"));
    const process = spawn(chromiumPath!, [...FLAGS, `--user-data-dir=${profile}`, "about:blank"], {
      stdio: "ignore",
    });
    const told = join(profile, "DevToolsActivePort");
    const [port, path] = await until(() => {
      const lines = existsSync(told) ? readFileSync(told, "utf8").split("\n") : [];
      return lines.length >= 2 ? lines : undefined;
    }, "Chromium listens");
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`);
    await new Promise<void>((resolve, reject) => {
      socket.addEventListener("open", () => resolve(), { once: true });
      socket.addEventListener("error", () => reject(new Error("no connection to Chromium")), {
        once: true,
      });
    });
    return new Chromium(process, profile, socket);
  }

  #take(message: Json): void {
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (waiting === undefined) { for (const listener of this.#listeners) listener(message); }
    else if (message.error === undefined) waiting.resolve(message.result);
    else waiting.reject(new Error(message.error.message));
  }

  /** Has it do something. */
  send(method: string, params: Json = {}, sessionId?: string): Promise<Json> {
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#socket.send(JSON.stringify({ id, method, params, sessionId }));
    });
  }

  /** Hears what happens in a session. */
  listen(listener: (message: Json) => void): void {
    this.#listeners.add(listener);
  }

  /** Opens a tab with cookies of its own. */
  async open(): Promise<Tab> {
    const { browserContextId } = await this.send("Target.createBrowserContext");
    const { targetId } = await this.send("Target.createTarget", {
      url: "about:blank",
      browserContextId,
    });
    const { sessionId } = await this.send("Target.attachToTarget", { targetId, flatten: true });
    return await Tab.of(this, sessionId);
  }

  /** Ends it. */
  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once("exit", resolve));
    this.#socket.close();
    this.#process.kill();
    await ended;
    try {
      rmSync(this.#profile, { recursive: true, force: true, maxRetries: 10 });
    } catch {
      // Its children may write on for a moment; the folder is temporary anyway.
    }
  }
}

/** One tab. */
export class Tab {
  readonly #chromium: Chromium;
  readonly #session: string;
  /** URLs of all requests. */
  readonly requests: string[] = [];
  /** What the page complained of: exceptions, and what policies have refused. */
  readonly complaints: string[] = [];

  private constructor(chromium: Chromium, session: string) {
    this.#chromium = chromium;
    this.#session = session;
    chromium.listen((message) => message.sessionId === session && this.#hear(message));
  }

  /** A tab that tells what it does. */
  static async of(chromium: Chromium, session: string): Promise<Tab> {
    const tab = new Tab(chromium, session);
    for (const domain of ["Page", "Runtime", "Network", "Log"]) await tab.#send(`${domain}.enable`);
    return tab;
  }

  #hear({ method, params }: Json): void {
    if (method === "Network.requestWillBeSent") this.requests.push(params.request.url);
    if (method === "Runtime.exceptionThrown") {
      this.complaints.push(params.exceptionDetails.exception?.description ?? "an exception");
    }
    if (method === "Log.entryAdded" && params.entry.level === "error") {
      this.complaints.push(`${params.entry.text} ${params.entry.url ?? ""}`);
    }
  }

  #send(method: string, params?: Json): Promise<Json> {
    return this.#chromium.send(method, params, this.#session);
  }

  /** What an expression gives in the page. */
  async evaluate(expression: string): Promise<Json> {
    const { result, exceptionDetails } = await this.#send("Runtime.evaluate", {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails === undefined) return result.value;
    throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
  }

  /** Waits until an expression is true in the page. */
  async until(expression: string): Promise<void> {
    const look = async () => await this.evaluate(expression).catch(() => false) ? true : undefined;
    await until(look, expression).catch(async (error) => {
      throw new Error(`${error.message}\n${await this.evaluate("document.body.innerText")}`);
    });
  }

  /** Waits until a text is to be seen. */
  async untilText(text: string): Promise<void> {
    await this.until(`document.body.innerText.includes(${JSON.stringify(text)})`);
  }

  /** Loads a page. */
  async load(url: string): Promise<void> {
    await this.#send("Page.navigate", { url });
    await this.until(`document.readyState === "complete" && location.href !== "about:blank"`);
  }

  /** Clicks on the first link or button with this text, once it is there. */
  async click(text: string, within = "body"): Promise<void> {
    const find = `[...document.querySelectorAll(${
      JSON.stringify(`${within} a, ${within} button`)
    })].find((it) => it.textContent.trim() === ${JSON.stringify(text)})`;
    await this.until(`${find} !== undefined`);
    await this.evaluate(`${find}.click()`);
  }

  /** Presses keys, one after the other. */
  async press(...keys: string[]): Promise<void> {
    for (const key of keys) {
      const text = key.length === 1 ? key : key === "Enter" ? "\r" : undefined;
      const code = { Enter: 13, Escape: 27, Tab: 9 }[key];
      const params = { key, windowsVirtualKeyCode: code, ...text === undefined ? {} : { text } };
      await this.#send("Input.dispatchKeyEvent", { type: "keyDown", ...params });
      await this.#send("Input.dispatchKeyEvent", {
        type: "keyUp",
        key,
        windowsVirtualKeyCode: code,
      });
    }
  }

  /** What the page looks like: how wide it is, light or dark. */
  async look(width: number, scheme: "light" | "dark"): Promise<void> {
    await this.#send("Emulation.setDeviceMetricsOverride", {
      width,
      height: width < 600 ? 844 : 900,
      deviceScaleFactor: 1,
      mobile: false,
    });
    await this.#send("Emulation.setEmulatedMedia", {
      features: [{ name: "prefers-color-scheme", value: scheme }],
    });
  }

  /** A picture of what is to be seen, as PNG. */
  async picture(): Promise<Uint8Array> {
    const { data } = await this.#send("Page.captureScreenshot", { format: "png" });
    return Uint8Array.from(atob(data), (it) => it.charCodeAt(0));
  }
}
