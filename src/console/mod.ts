/**
 * A node: an instance with pages for browsers, and its synchronisation, behind one web-standard handler.
 *
 * ```ts
 * import { Instance, NewUser } from "eidetica";
 * import { nodeHandler } from "eidetica/console";
 *
 * const { instance } = await Instance.connectOrCreate("memory://", NewUser.passwordless("ada"));
 * const node = nodeHandler(instance);
 * const answer = await node.fetch(new Request("http://localhost/login"));
 * if (!(await answer.text()).includes("Eidetica")) throw new Error("no page");
 * node.close();
 * await instance.close();
 * ```
 *
 * @module
 */

export { type NodeHandler, nodeHandler, type NodeOptions } from "./node_handler.ts";
