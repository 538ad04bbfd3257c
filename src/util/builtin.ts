interface HostProcess {
  getBuiltinModule?(name: string): unknown;
}

/**
 * A built-in module of the runtime, for example `"crypto"`; undefined in browsers and where it is absent.
 *
 * An `import` of it would stop browsers and bundlers from loading the file at all.
 */
export function builtinModule<T>(name: string): T | undefined {
  const host = (globalThis as { process?: HostProcess }).process;
  try {
    return host?.getBuiltinModule?.(`node:${name}`) as T | undefined;
  } catch {
    return undefined;
  }
}
