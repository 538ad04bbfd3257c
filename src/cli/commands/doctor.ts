import type { Command } from "../frame/command.ts";
import { EXIT } from "../frame/failure.ts";
import { many, shown } from "../frame/text.ts";
import { BACKEND } from "../options.ts";
import {
  diskState,
  type Finding,
  folderRights,
  runtimeState,
  servedBy,
  storageState,
} from "../findings.ts";
import { placeOf } from "../place.ts";

/** `eidetica doctor`. */
export const doctor: Command = {
  about: "Look for what may go wrong",
  options: BACKEND,
  examples: ["eidetica doctor", "eidetica doctor --json"],
  run: async ({ values, out, signal }) => {
    const begun = performance.now();
    const place = placeOf(values);
    const findings: Finding[] = [
      await runtimeState(),
      ...await storageState(place, signal),
      await folderRights(place),
      await diskState(place),
      await servedBy(place),
    ];
    const problems = findings.filter(({ state }) => state === "fail").length;
    if (out.json) out.value(findings);
    else {
      for (const { check, state, detail, next } of findings) {
        const mark = state === "fail" ? "FAIL" : state;
        const style = { ok: "green", warn: "yellow", fail: "red" } as const;
        out.line(
          `${out.style(style[state], mark.padEnd(4))}  ${check.padEnd(9)}  ${shown(detail)}`,
        );
        if (next !== null) out.line(`                 next: ${shown(next)}`);
      }
      const warnings = findings.filter(({ state }) => state === "warn").length;
      const seconds = ((performance.now() - begun) / 1000).toFixed(1);
      out.line(`${many(problems, "problem")}, ${many(warnings, "warning")}, ${seconds} s`);
    }
    return problems > 0 ? EXIT.failed : 0;
  },
};
