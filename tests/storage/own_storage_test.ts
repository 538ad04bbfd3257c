import { testStorage } from "../../src/testing/storage.ts";
import { arrayStorage } from "../../examples/own_storage.ts";

testStorage("the driver that the documentation shows", () => arrayStorage());
