/** The hooks by which Node, Bun and Deno print a value on a console. */
const HOOKS: readonly symbol[] = [
  Symbol.for("nodejs.util.inspect.custom"),
  Symbol.for("Deno.customInspect"),
];

/** Makes consoles print instances of a class as `describe` says. */
export function setInspection<T>(prototype: T, describe: (value: T) => string): void {
  for (const hook of HOOKS) {
    Object.defineProperty(prototype, hook, {
      value(this: T): string {
        return describe(this);
      },
    });
  }
}
