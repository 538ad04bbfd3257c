import { Logger } from "../../util/log.ts";
import { STYLE, STYLE_PATH } from "../pages/style.ts";
import type { Methods, NodeContext } from "../router.ts";

const log = new Logger("console");

/** Whether the node is well, and what pages look like. */
export function healthRoutes(node: NodeContext): Readonly<Record<string, Methods>> {
  return {
    "/health": { GET: () => health(node) },
    [STYLE_PATH]: { GET: style },
  };
}

/** Asks the storage for something that is always there: a process that answers may have lost its disk. */
async function health({ instance, storage }: NodeContext): Promise<Response> {
  const read = instance.host.backend.getInstanceMetadata();
  const isWell = await read.then((found) => found !== undefined).catch((error) => {
    log.error("the storage cannot be read: {error}", { error }, instance);
    return false;
  });
  const body = { status: isWell ? "healthy" : "unhealthy", backend: storage };
  const headers = { "content-type": "application/json", "cache-control": "no-store" };
  return new Response(JSON.stringify(body), { status: isWell ? 200 : 503, headers });
}

function style(): Response {
  const headers = { "content-type": "text/css; charset=utf-8", "cache-control": "max-age=3600" };
  return new Response(STYLE, { headers });
}
