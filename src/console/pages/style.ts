/** Where the style sheet is. */
export const STYLE_PATH = "/assets/node.css";

/** The style of all pages that need no script: calm, light and dark. */
export const STYLE = `:root {
  color-scheme: light dark;
  --bg: #f6f7f7; --card: #ffffff; --sunk: #eceeee; --ink: #16211f; --ink2: #4b5a57; --ink3: #5f6d6a;
  --line: #d5dada; --control: #7f8b87; --accent: #0f5f63; --on-accent: #ffffff;
  --bad: #a82626; --bad-bg: #fbe7e5; --info: #2a55a0; --info-bg: #e6edf9;
}
@media (prefers-color-scheme: dark) {
  :root {
    --bg: #101615; --card: #171f1e; --sunk: #0b100f; --ink: #e6eceb; --ink2: #aab8b5; --ink3: #93a29f;
    --line: #2a3533; --control: #667571; --accent: #6fc9c4; --on-accent: #0b100f;
    --bad: #ff9a8f; --bad-bg: #3b1a18; --info: #9dbcf5; --info-bg: #1a2740;
  }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1100px; padding: 20px 16px 48px; background: var(--bg); color: var(--ink);
  font: 14px/20px Inter, ui-sans-serif, system-ui, sans-serif; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
h1 { font-size: 22px; line-height: 28px; margin: 0 0 16px; }
h2 { font-size: 16px; line-height: 22px; margin: 32px 0 12px; }
header { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 12px; }
header h1 { margin: 0; }
a { color: var(--accent); }
nav a { margin-right: 16px; }
.narrow { max-width: 420px; margin: 48px auto 0; padding: 24px; background: var(--card); border: 1px solid var(--line); border-radius: 12px; }
.narrow h2 { margin-top: 8px; }
dl { margin: 0; }
.info-row, .stat { display: flex; flex-wrap: wrap; gap: 4px 8px; padding: 4px 0; }
dt { color: var(--ink2); min-width: 150px; }
dd { margin: 0; }
.id, dd .id { font: 12.5px/20px ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
.number { text-align: right; }
.scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 12px; }
table { border-collapse: collapse; width: 100%; }
th, td { padding: 10px 12px; text-align: left; border-bottom: 1px solid var(--line); }
tbody tr:last-child td { border-bottom: 0; }
th { color: var(--ink2); font-size: 12px; line-height: 16px; white-space: nowrap; }
td:nth-child(n+3) { white-space: nowrap; }
label { display: block; margin: 0 0 12px; color: var(--ink2); }
input, select { display: block; width: 100%; min-height: 36px; margin-top: 4px; padding: 6px 10px; font: inherit; color: var(--ink);
  background: var(--card); border: 1px solid var(--control); border-radius: 8px; }
button { min-height: 36px; padding: 6px 16px; font: inherit; color: var(--on-accent); background: var(--accent); border: 0; border-radius: 8px; cursor: pointer; }
header button { color: var(--ink); background: var(--card); border: 1px solid var(--control); }
main > form { max-width: 560px; }
.note { margin: -8px 0 16px; font-size: 12px; line-height: 16px; color: var(--ink3); }
.empty { color: var(--ink2); }
.error, .notice { padding: 8px 12px; border-radius: 8px; }
.error { color: var(--bad); background: var(--bad-bg); }
.notice { color: var(--info); background: var(--info-bg); }
.pages { display: flex; flex-wrap: wrap; gap: 4px 16px; padding: 12px 0; }
.pages a { margin: 0; }
.off { color: var(--ink3); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
@media (max-width: 480px) { body { font-size: 15px; line-height: 22px; } button, input, select { min-height: 44px; } }
`;
