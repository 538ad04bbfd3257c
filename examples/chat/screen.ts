import process from "node:process";
import { emitKeypressEvents } from "node:readline";
import { lineOf, shown } from "./lines.ts";
import type { Message, Room } from "./room.ts";

/** Lines that are no messages: top bar, title, input. */
const OTHER_LINES = 3;

interface Key {
  readonly name?: string;
  readonly ctrl?: boolean;
  readonly sequence?: string;
}

/** What shows, drawn anew whenever something has changed. */
class Screen {
  readonly #room: Room;
  #messages: readonly Message[] = [];
  /** How many of the newest messages are below the screen. */
  #below = 0;
  input = "";

  constructor(room: Room) {
    this.#room = room;
  }

  /** Takes the messages that are there now; the view moves to the end when there are more. */
  async refresh(): Promise<void> {
    const messages = await this.#room.messages();
    if (messages.length > this.#messages.length) this.#below = 0;
    this.#messages = messages;
    this.draw();
  }

  scroll(lines: number): void {
    const most = Math.max(0, this.#messages.length - 1);
    this.#below = Math.min(most, Math.max(0, this.#below + lines));
    this.draw();
  }

  draw(): void {
    const { columns = 80, rows = 24 } = process.stdout;
    const end = this.#messages.length - this.#below;
    const messages = this.#messages.slice(Math.max(0, end - (rows - OTHER_LINES)), end).map(lineOf);
    const lines = [
      shown(`${this.#room.name} | Share this room: ${this.#room.ticket}`),
      `Messages (${this.#messages.length})`,
      ...messages,
      ...Array<string>(Math.max(0, rows - OTHER_LINES - messages.length)).fill(""),
      `> ${this.input}`,
    ];
    const cut = lines.map((line) => [...line].slice(0, columns - 1).join(""));
    process.stdout.write(`\x1b[H\x1b[J${cut.join("\r\n")}`);
  }
}

/** On a terminal: messages above, what is typed below; Esc and Ctrl+C leave. */
export async function talkOnScreen(room: Room, author: string): Promise<void> {
  const { stdin, stdout } = process;
  const screen = new Screen(room);
  emitKeypressEvents(stdin);
  stdin.setRawMode(true);
  stdout.write("\x1b[?1049h");
  const following = await room.follow(() => screen.refresh());
  try {
    await screen.refresh();
    await typed(screen, (text) => room.send(author, text).then(() => screen.refresh()));
  } finally {
    following[Symbol.dispose]();
    stdout.write("\x1b[?1049l");
    stdin.setRawMode(false);
  }
}

/** Takes keys until somebody leaves. */
function typed(screen: Screen, send: (text: string) => Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const press = (text: string | undefined, key: Key) => {
      if (key.name === "escape" || (key.ctrl && key.name === "c")) {
        process.stdin.off("keypress", press);
        return resolve();
      }
      if (key.name === "return") {
        send(screen.input).catch(reject);
        screen.input = "";
      } else if (key.name === "backspace") screen.input = [...screen.input].slice(0, -1).join("");
      else if (key.name === "up" || key.name === "down") screen.scroll(key.name === "up" ? 1 : -1);
      else if (text !== undefined && !key.ctrl && text >= " ") screen.input += text;
      screen.draw();
    };
    process.stdin.on("keypress", press);
  });
}
