import { type Html, html } from "../html.ts";
import { STYLE_PATH } from "./style.ts";

/** A whole page. */
export function layout(title: string, content: Html): Html {
  return html`
    <!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>${title}</title>
        <link rel="stylesheet" href="${STYLE_PATH}">
      </head>
      <body>
    ${content}
      </body>
    </html>
  `;
}

/** What went wrong, if anything did. */
export function errorLine(error: string | undefined): Html | undefined {
  return error === undefined ? undefined : html`<p class="error" role="alert">${error}</p>`;
}

/** A fact: what it is, and the value. */
export function infoRow(label: string, value: Html | string | number): Html {
  return html`
    <div class="info-row">
      <dt>${label}:</dt>
      <dd>${value}</dd>
    </div>
  `;
}

/** The field by which a form shows that it is ours. */
export function csrfField(csrf: string): Html {
  return html`<input type="hidden" name="csrf" value="${csrf}">`;
}

/** The page of a list that is shown, counted from 1, and how many there are. */
export interface PageOf {
  /** Which. */
  readonly page: number;
  /** Of how many; 1 for an empty list. */
  readonly pages: number;
}

/** Links to the other pages of a list, where there are any. */
export function pageLinks({ page, pages }: PageOf, linkOf: (page: number) => string): Html | false {
  if (pages === 1) return false;
  const link = (to: number, text: string) =>
    to < 1 || to > pages || to === page
      ? html`<span class="off">${text}</span>`
      : html`<a href="${linkOf(to)}">${text}</a>`;
  return html`<nav class="pages" aria-label="Pages">${link(page === 1 ? 0 : 1, "« First")}
${link(page - 1, "‹ Previous")}
<span>Page ${page} of ${pages}</span>
${link(page + 1, "Next ›")}
${link(page === pages ? 0 : pages, "Last »")}</nav>`;
}
