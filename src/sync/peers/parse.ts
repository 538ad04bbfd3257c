/** What `parse` makes of a stored text, in a list; an empty one when the text cannot be read. */
export function tryParse<T>(parse: () => T): T[] {
  try {
    return [parse()];
  } catch {
    return [];
  }
}
