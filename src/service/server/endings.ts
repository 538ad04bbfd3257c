import { ServiceError } from "../../util/errors.ts";

/** Why a connection ends when its server does. */
export function stopped(): ServiceError {
  return new ServiceError("Stopped", "Cannot go on with the connection: the server is stopped");
}

/** Why a connection ends whose client leaves its notifications unread. */
export function notReading(): ServiceError {
  const message = "Cannot go on with the connection: the client does not read its notifications";
  return new ServiceError("NotReading", message);
}
