import type { NodeContext } from "../router.ts";
import { ApiRouter } from "./api_router.ts";
import { blameApi } from "./blame.ts";
import { databasesApi } from "./databases_api.ts";
import { differenceApi } from "./difference_api.ts";
import { entriesApi } from "./entries_api.ts";
import { eventsApi } from "./events_api.ts";
import { peopleApi } from "./people_api.ts";
import { requestsApi } from "./requests_api.ts";
import { storesApi } from "./stores_api.ts";
import { syncApi } from "./sync_api.ts";
import { writeApi } from "./write_api.ts";

/** The JSON API of a node: what the console shows, for programs as well. */
export function consoleApi(node: NodeContext): ApiRouter {
  return new ApiRouter({
    ...databasesApi(node),
    ...storesApi(),
    ...differenceApi(),
    ...blameApi(node),
    ...entriesApi(node),
    ...peopleApi(node),
    ...requestsApi(node),
    ...syncApi(node),
    ...writeApi(),
    ...eventsApi(node),
  });
}
