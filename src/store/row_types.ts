/**
 * `T` as a row gives it back, and `never` wherever that would be something else: at dates, maps, bytes,
 * functions, in lists with gaps, and at a `bigint`, which comes back as a `number` when it fits one, so
 * that the type has to be `number | bigint`.
 */
export type Kept<T> = unknown extends T ? T : KeptMember<T, T>;

/** One member of the union `Whole`. */
type KeptMember<T, Whole> = T extends string | number | boolean | null | undefined ? T
  : T extends bigint ? (number extends Whole ? T : never)
  : T extends symbol | ((...args: never) => unknown) ? never
  : T extends { toJSON(...args: never): unknown } ? never
  : T extends readonly unknown[] ? { [At in keyof T]: KeptItem<T[At]> }
  : { [Key in keyof T]: Kept<T[Key]> };

/** Lists give back `null` or nothing for an item that is undefined, so they must not have one. */
type KeptItem<T> = unknown extends T ? T : undefined extends T ? never : Kept<T>;

/** `Row` if its members come back as they are: what a row type must extend. */
export type KeptRow<Row> = { [Key in keyof Row]: Kept<Row[Key]> };
