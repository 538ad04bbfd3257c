import type { Command, Named, Option } from "./command.ts";

/** Options that every command has. */
export const HELP: Option = { name: "help", short: "h", help: "Print help" };
/** The option of the program alone. */
export const VERSION: Option = { name: "version", short: "V", help: "Print version" };

/** The command that was named. */
export function commandOf(named: Named): Command {
  return named.path.at(-1)!;
}

/** All options of a command, those that it has of commands above it included. */
export function optionsOf(named: Named): Option[] {
  const own = commandOf(named).options ?? [];
  const above = named.path.slice(0, -1).flatMap(({ options = [] }) => options)
    .filter(({ global, name }) => global && !own.some((option) => option.name === name));
  return [...own, ...above];
}

/** How an option is written, with its value. */
export function optionText({ name, value }: Option): string {
  return value === undefined ? `--${name}` : `--${name} <${value}>`;
}

/** What a command takes, on one line. */
export function usageLine(named: Named): string {
  const { options = [], positionals = [], commands, run, standard } = commandOf(named);
  const required = options.filter((option) => option.required).map(optionText);
  const words = positionals.map(({ name, optional, rest }) => {
    const shown = rest ? `${name}…` : name;
    return optional ? `[${shown}]` : `<${shown}>`;
  });
  const isOptional = run !== undefined || standard !== undefined;
  const below = commands === undefined ? [] : [isOptional ? "[COMMAND]" : "<COMMAND>"];
  return [...named.words, "[OPTIONS]", ...required, ...words, ...below].join(" ");
}

function optionLine(option: Option): [string, string] {
  const { short, help, choices, env, default: value } = option;
  const notes = [
    // Which variable counts, and whether it is set; never its value, which may be a secret.
    ...(env === undefined ? [] : [`env: ${env}`]),
    ...(value === undefined ? [] : [`default: ${value}`]),
    ...(choices === undefined ? [] : [`possible values: ${choices.join(", ")}`]),
  ].map((note) => `[${note}]`);
  const head = short === undefined ? "    " : `-${short}, `;
  return [`  ${head}${optionText(option)}`, [help, ...notes].join(" ")];
}

function section(title: string, lines: readonly (readonly [string, string])[]): string[] {
  if (lines.length === 0) return [];
  const width = Math.max(...lines.map(([left]) => left.length));
  const texts = lines.map(([left, right]) => `${left.padEnd(width)}  ${right}`.trimEnd());
  return ["", `${title}:`, ...texts];
}

/** The help of a command. */
export function helpText(named: Named): string {
  const { about, positionals = [], commands = {}, examples = [] } = commandOf(named);
  const below: [string, string][] = Object.entries(commands)
    .filter(([, { isHidden }]) => !isHidden)
    .map(([name, lazy]) => [`  ${name}`, lazy.about]);
  if (below.length > 0) below.push(["  help", "Print this message or the help of a command"]);
  const words = positionals.map(({ name, help, default: value, optional }): [string, string] => [
    `  ${optional ? `[${name}]` : `<${name}>`}`,
    value === undefined ? help : `${help} [default: ${value}]`,
  ]);
  const options = [...optionsOf(named), HELP, ...(named.path.length === 1 ? [VERSION] : [])];
  return [
    about,
    "",
    `Usage: ${usageLine(named)}`,
    ...section("Commands", below),
    ...section("Arguments", words),
    ...section("Options", options.map(optionLine)),
    ...section("Examples", examples.map((example) => [`  ${example}`, ""])),
  ].join("\n");
}
