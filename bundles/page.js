import { DocStore, Instance, NewUser, ready, Table } from "eidetica";
import { sample } from "./sample.js";

sample({ DocStore, Instance, NewUser, ready, Table }).then(
  (outcome) => parent.postMessage({ outcome }, "*"),
  (error) => parent.postMessage({ outcome: `${error} ${error.stack}` }, "*"),
);
