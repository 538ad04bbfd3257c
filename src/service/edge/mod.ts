/**
 * `eidetica/service`: one process owns an instance and serves it to the other programs of its user on the same
 * machine. They open it with `Instance.connect("unix:///…")`, each with a login of its own.
 *
 * @module
 */

export { ServiceError } from "../../util/errors.ts";
export { serveSocket, type ServeSocketOptions, type SocketService } from "./serve_socket.ts";
export { defaultSocketPath, defaultSocketUrl, type Environment } from "./socket_path.ts";
