/** The first user of an instance, or one more (08 §1). */
export class NewUser {
  /** Login name; compared exactly, case included. */
  readonly username: string;
  readonly #password: string | undefined;

  private constructor(username: string, password: string | undefined) {
    this.username = username;
    this.#password = password;
  }

  /** A user whose keys lie open in the database; whoever can read the storage can act as them. */
  static passwordless(username: string): NewUser {
    return new NewUser(username, undefined);
  }

  /** A user whose keys are encrypted with a password; the empty text is a password, too. */
  static withPassword(username: string, password: string): NewUser {
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
