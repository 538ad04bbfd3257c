/** What a page does with the package; the same code with every bundler. Gives a line about the outcome. */
export async function sample({ DocStore, Instance, NewUser, ready, Table }) {
  const threads = watchThreads();
  const core = await ready();
  const { instance, user } = await Instance.connectOrCreate(
    "memory://",
    NewUser.withPassword("ada", "secret"),
  );
  const notes = await user.createDatabase({ name: "notes" });
  await notes.withTransaction(async (tx) => {
    await (await tx.getStore(DocStore, "pages")).set("meta.author", { name: "ada" });
    await (await tx.getStore(Table, "rows")).set("1", { title: "one" });
  });
  const again = await instance.loginUser("ada", "secret");
  const [found] = await again.findDatabase("notes");
  const name = await (await found.getStoreViewer(DocStore, "pages")).getString("meta.author.name");
  const copied = await copyOf(notes, { Instance, NewUser });
  await instance.close();
  const missing = await missingFeature(Instance, "sqlite://./notes.db");
  const verdicts = await verifyMany(core.ed25519);
  const inThreads = await threads() ? "in threads" : "in place";
  return [core.engine, name, copied, `no ${missing}`, verdicts, inThreads].join(", ");
}

/** Another instance judges all entries for itself. */
async function copyOf(notes, { Instance, NewUser }) {
  const { instance } = await Instance.connectOrCreate("memory://", NewUser.passwordless("bob"));
  const entries = await notes.getAllEntries();
  const { verified } = await instance.putRemoteEntries(notes.rootId, entries);
  await instance.close();
  return verified === entries.length ? "copied" : `${verified} of ${entries.length} verified`;
}

/** What a place lacks for a URL. */
async function missingFeature(Instance, url) {
  const error = await Instance.connect(url).catch((error) => error);
  return error.code === "BackendUnavailable" ? error.fields.missingFeature : String(error);
}

/** So many signatures that threads are wanted. */
async function verifyMany({ publicKey, sign, verifyBatch }) {
  const seed = new Uint8Array(32).fill(7);
  const data = new Uint8Array(8);
  const good = { publicKey: publicKey(seed), data, signature: sign(seed, data) };
  const items = Array.from({ length: 256 }, (_, at) => at === 77 ? { ...good, data: seed } : good);
  const rejected = (await verifyBatch(items)).flatMap((verdict, at) => verdict ? [] : [at]);
  return `rejected ${rejected}`;
}

/** Tells later whether any thread was started and has answered. */
function watchThreads() {
  const { Worker } = globalThis;
  const answers = [];
  if (Worker !== undefined) {
    globalThis.Worker = class extends Worker {
      constructor(...args) {
        super(...args);
        answers.push(
          new Promise((resolve) => {
            this.addEventListener("message", () => resolve(true));
            this.addEventListener("error", () => resolve(false));
          }),
        );
      }
    };
  }
  return async () => (await Promise.all(answers)).some(Boolean);
}
