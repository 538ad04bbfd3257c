/** A part of a path as it was before it was encoded; undefined when it cannot have been. */
export function tryDecode(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}
