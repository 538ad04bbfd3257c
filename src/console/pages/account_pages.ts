import { type Html, html } from "../html.ts";
import { errorLine, layout } from "./layout.ts";

/** The page to log in on, with what went wrong the last time. */
export function loginPage(error?: string, username = ""): Html {
  return account(
    "Login",
    html`
      <h2>Login</h2>
      ${errorLine(error)}
      <form method="post" action="/login">
        <label>Username <input type="text" name="username" value="${username}" required autofocus autocomplete="username"></label>
        <label>Password <input type="password" name="password" autocomplete="current-password" aria-describedby="password-note"></label>
        <p class="note" id="password-note">Leave blank for users without a password.</p>
        <button type="submit">Login</button>
      </form>
      <p><a href="/register">Register a new account</a></p>
    `,
  );
}

/** The page that says how accounts are made, with what went wrong the last time. */
export function registerPage(error?: string, username = ""): Html {
  return account(
    "Register",
    html`
      <h2>Register New Account</h2>
      ${errorLine(error)}
      <form method="post" action="/register">
        <label>Username <input type="text" name="username" value="${username}" required pattern="[a-zA-Z0-9_-]+" autocomplete="username"></label>
        <label>Password <input type="password" name="password" autocomplete="new-password"></label>
        <label>Password again <input type="password" name="password_confirm" autocomplete="new-password"></label>
        <button type="submit">Register</button>
      </form>
      <p><a href="/login">Back to the login</a></p>
    `,
  );
}

function account(name: string, content: Html): Html {
  return layout(
    `Eidetica - ${name}`,
    html`<main class="narrow">
<h1>Eidetica Sync Server</h1>
${content}
</main>`,
  );
}

/** The page that tells how busy a node is, and nothing of what it holds. */
export function statsPage(sessions: number): Html {
  return layout(
    "Eidetica Server Statistics",
    html`
      <main class="narrow">
        <h1>Eidetica Server Statistics</h1>
        <h2>Instance Overview</h2>
        <dl>
          <div class="stat">
            <dt>Active Sessions:</dt>
            <dd>${sessions}</dd>
          </div>
        </dl>
      </main>
    `,
  );
}
