// What a page or an isolate gets: run with the condition "browser", by which bundlers for them resolve.
import { Instance, InstanceError, NewUser } from "../../mod.ts";

async function outcome(work: () => Promise<unknown>): Promise<unknown> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof InstanceError)) throw error;
    return [error.code, error.fields.scheme, error.fields.missingFeature];
  }
}

const ada = NewUser.passwordless("ada");
for (const url of ["sqlite://./x.db", "denokv:", "file:///x", "postgres://h/d", "memory:///x"]) {
  console.log(await outcome(() => Instance.connectOrCreate(url, ada)));
}
const { instance } = await Instance.connectOrCreate("memory://", ada);
console.log(await outcome(() => instance.snapshotToPath("/x.json")));
console.log((await instance.snapshotText()).length > 100);
await instance.close();
