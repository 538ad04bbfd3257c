import { EideticaError, ServiceError } from "../../util/errors.ts";
import type { ReceivedResponse } from "../protocol/messages.ts";

/** A kind of response. */
export type ResponseType = ReceivedResponse["type"];

/** A response that must be of one type. */
export function expected<T extends ResponseType>(
  response: ReceivedResponse,
  type: T,
): Extract<ReceivedResponse, { type: T }> {
  if (response.type === type) return response as Extract<ReceivedResponse, { type: T }>;
  throw new ServiceError(
    "UnexpectedResponse",
    `Cannot use the daemon's answer: it is ${response.type}, expected was ${type}`,
    { fields: { expected: type, actual: response.type } },
  );
}

/** Whether a request has no answer because its connection has ended. */
export function isUnanswered(error: unknown): boolean {
  return error instanceof EideticaError && error.module === "service" &&
    error.code === "ConnectionAborted";
}
