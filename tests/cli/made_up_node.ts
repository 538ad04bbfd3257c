import type { IncomingMessage, ServerResponse } from "node:http";

/** How long the slow answer takes, in milliseconds: longer than one second and shorter than nine. */
const SLOW_MS = 4000;

const HEALTHY = JSON.stringify({ status: "healthy" });

/** What each path answers: status and body. */
const ANSWERS: Readonly<Record<string, readonly [status: number, body: string]>> = {
  "/ok/health": [200, HEALTHY],
  "/ok": [200, HEALTHY],
  "/ok?x=1/health": [200, HEALTHY],
  "/text/health": [200, HEALTHY],
  "/500/health": [500, HEALTHY],
  "/204/health": [204, ""],
  "/degraded/health": [200, JSON.stringify({ status: "degraded" })],
  "/nostatus/health": [200, "{}"],
  "/number/health": [200, JSON.stringify({ status: 1 })],
  "/array/health": [200, "[]"],
  "/html/health": [200, "<!doctype html>"],
  "/extra/health": [200, '{"z":1,"status":"healthy","a":{"y":2,"x":[1,2]}}'],
};

/** Answers as the recorded node did. */
export function answerHealth({ url = "" }: IncomingMessage, response: ServerResponse): void {
  if (url === "/redir/health") response.writeHead(302, { location: "/ok/health" }).end();
  else if (url === "/loop/health") response.writeHead(302, { location: "/loop/health" }).end();
  else if (url === "/slow/health") {
    const later = setTimeout(() => response.end(HEALTHY), SLOW_MS);
    response.on("close", () => clearTimeout(later));
  } else {
    const [status, body] = ANSWERS[url] ?? [404, ""];
    response.writeHead(status).end(body);
  }
}
