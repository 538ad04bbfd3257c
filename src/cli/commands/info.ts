import type { Command } from "../frame/command.ts";
import { databaseRoots } from "../databases.ts";
import { BACKEND } from "../options.ts";
import { openToRead, placeOf } from "../place.ts";

/** `eidetica info`: also how scripts ask whether a storage is initialised. */
export const info: Command = {
  about: "Show device, storage and number of databases",
  options: BACKEND,
  examples: ["eidetica info", "eidetica info --json", "eidetica info -d /var/lib/eidetica"],
  run: async ({ values, out, signal }) => {
    const place = placeOf(values);
    const instance = await openToRead(place, { signal });
    try {
      const { length: databases } = await databaseRoots(instance);
      const device = instance.id.toString();
      out.result(
        { backend: place.label, databases, device_id: device },
        `Device ID:   ${device}`,
        `Backend:     ${place.label}`,
        `Databases:   ${databases}`,
      );
    } finally {
      await instance.close();
    }
  },
};
