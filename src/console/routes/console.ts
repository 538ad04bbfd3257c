import {
  CONSOLE_SCRIPT,
  CONSOLE_SCRIPT_PATH,
  CONSOLE_STYLE,
  CONSOLE_STYLE_PATH,
} from "../assets.ts";
import { html } from "../html.ts";
import { CONSOLE_POLICY, page, seeOther } from "../replies.ts";
import type { Exchange, Methods } from "../router.ts";

/** The console: one page, whatever its address below `/console`, and the two files that it loads. */
export function consoleRoutes(): Readonly<Record<string, Methods>> {
  return {
    "/console": { GET: show },
    "/console/*": { GET: show },
    [CONSOLE_SCRIPT_PATH]: { GET: () => file(CONSOLE_SCRIPT, "text/javascript") },
    [CONSOLE_STYLE_PATH]: { GET: () => file(CONSOLE_STYLE, "text/css") },
  };
}

function show({ session }: Exchange): Response {
  if (session === undefined) return seeOther("/login");
  return page(SHELL, 200, { "content-security-policy": CONSOLE_POLICY });
}

const SHELL = html`
  <!doctype html>
  <html lang="en">
    <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <title>console · eidetica</title>
      <link rel="stylesheet" href="${CONSOLE_STYLE_PATH}">
      <script type="module" src="${CONSOLE_SCRIPT_PATH}"></script>
    </head>
    <body>
      <div
        id="app"><noscript><p>The console is a program: without scripts, use the <a href="/dashboard">dashboard</a>.</p></noscript></div>
    </body>
  </html>
`;

/** A file whose name changes with what is in it. */
function file(text: string, type: string): Response {
  const headers = {
    "content-type": `${type}; charset=utf-8`,
    "cache-control": "max-age=31536000, immutable",
  };
  return new Response(text, { headers });
}
