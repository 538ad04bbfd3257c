/** `#inspect` where consoles ask no object for its text: minifiers drop the calls, and the descriptions with them. */

/** See `inspect.ts`. */
export function setPrinter(_type: object, _name: string | undefined, _print: unknown): void {}

/** See `inspect.ts`. */
export function setInspection(_type: object, _name: string | undefined, _parts?: unknown): void {}

/** See `inspect.ts`. */
export function setMembersInspection(_type: object, _membersOf: unknown): void {}

/** See `inspect.ts`. */
export function quote(text: string): string {
  return text;
}
