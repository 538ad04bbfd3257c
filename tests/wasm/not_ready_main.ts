import { core } from "../../wasm/mod.ts";

try {
  core();
} catch (error) {
  const { name, code, message } = error as Error & { code: string };
  console.log(name, code, message.includes("await ready()"));
}
