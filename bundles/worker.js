import { DocStore, Instance, NewUser, ready, Table } from "eidetica";
import { sample } from "./sample.js";

export default {
  async fetch() {
    const outcome = await sample({ DocStore, Instance, NewUser, ready, Table }).catch((error) => {
      return `${error} ${error.stack}`;
    });
    return new Response(outcome);
  },
};
