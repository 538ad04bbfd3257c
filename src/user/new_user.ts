import { quote, setInspection } from "#inspect";
import { requireInstance, requireText } from "../util/arguments.ts";
import { ArgumentError } from "../util/errors.ts";

const CREATE = "create a user";

/** The first user of an instance, or one more: a name, and a password or none. */
export class NewUser {
  /** Login name; compared exactly, case included. */
  readonly username: string;
  readonly #password: string | undefined;

  private constructor(username: string, password: string | undefined) {
    requireText(username, CREATE, "the username");
    if (username === "") {
      throw new ArgumentError("InvalidArgument", `Cannot ${CREATE}: the username is empty`, {
        fields: { argument: "the username", expected: "a name", actual: "an empty text" },
      });
    }
    this.username = username;
    this.#password = password;
  }

  /** A user whose keys lie open in the database; whoever can read the storage can act as them. */
  static passwordless(username: string): NewUser {
    return new NewUser(username, undefined);
  }

  /**
   * A user whose keys are encrypted with a password. The empty text is a password, too; no text at all is
   * refused with the code `InvalidArgument`, as is half of a surrogate pair, which UTF-8 cannot hold.
   */
  static withPassword(username: string, password: string): NewUser {
    requireText(password, CREATE, "the password");
    return new NewUser(username, password);
  }

  /** The password; undefined for a passwordless user. It is never part of any output. */
  get password(): string | undefined {
    return this.#password;
  }

  /** The name, without the password. */
  toJSON(): { username: string } {
    return { username: this.username };
  }
}

setInspection(NewUser, "NewUser", ({ username }) => [quote(username)]);

/** Fails for anything but a {@link NewUser}: a plain object with a misspelt password would have none. */
export function requireNewUser(value: unknown): asserts value is NewUser {
  requireInstance(value, NewUser, CREATE, "the new user");
}
