/**
 * What is used of hash-wasm while the program runs, named in a file of its own: a bundler that meets this
 * import leaves the other twenty algorithms out, and cannot do so where a whole module is imported
 * dynamically.
 *
 * @module
 */

export { argon2id } from "hash-wasm";
