/** From now on this process compiles no bytes to WASM, as edge isolates do; compiled modules run. */
export function forbidCompiling(): void {
  const refuse = (): never => {
    throw new WebAssembly.CompileError("Wasm code generation disallowed by embedder");
  };
  const { instantiate, Instance } = WebAssembly;
  Object.assign(WebAssembly, {
    compile: () => Promise.resolve().then(refuse),
    instantiate: (module: unknown, imports?: WebAssembly.Imports) => {
      if (ArrayBuffer.isView(module)) return Promise.resolve().then(refuse);
      return instantiate(module as WebAssembly.Module, imports);
    },
    Module: refuse,
    Instance,
  });
}
