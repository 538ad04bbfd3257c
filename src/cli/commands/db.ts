import type { Command } from "../frame/command.ts";

/** `eidetica db`: everything that is done with one database. */
export const db: Command = {
  about: "Database management commands",
  commands: {
    list: {
      about: "List the databases of a storage",
      load: async () => (await import("./db_list.ts")).dbList,
    },
    create: {
      about: "Make a database",
      load: async () => (await import("./db_create.ts")).dbCreate,
    },
    show: {
      about: "Show a database, or one entry of it",
      load: async () => (await import("./db_show.ts")).dbShow,
    },
    rename: {
      about: "Give a database another name",
      load: async () => (await import("./db_rename.ts")).dbRename,
    },
    drop: {
      about: "Forget a database for the user who acts",
      load: async () => (await import("./db_drop.ts")).dbDrop,
    },
    log: {
      about: "Show who wrote what, when, and whether it counts",
      load: async () => (await import("./db_log.ts")).dbLog,
    },
    tree: {
      about: "Draw the history of a database",
      load: async () => (await import("./db_tree.ts")).dbTree,
    },
    get: {
      about: "Read a value, a document or the rows of a table",
      load: async () => (await import("./db_get.ts")).dbGet,
    },
    set: {
      about: "Write a value or a row",
      load: async () => (await import("./db_set.ts")).dbSet,
    },
    del: {
      about: "Delete a value or a row",
      load: async () => (await import("./db_del.ts")).dbDel,
    },
    watch: {
      about: "Follow the changes of a database",
      load: async () => (await import("./db_watch.ts")).dbWatch,
    },
    keys: {
      about: "Show, grant and revoke what keys may do",
      load: async () => (await import("./db_keys.ts")).dbKeys,
    },
    verify: {
      about: "Judge what waits, and count verdicts",
      load: async () => (await import("./db_verify.ts")).dbVerify,
    },
    export: {
      about: "Write rows, or the whole history, as JSON lines",
      load: async () => (await import("./db_export.ts")).dbExport,
    },
    import: {
      about: "Take in what was exported",
      load: async () => (await import("./db_import.ts")).dbImport,
    },
    share: {
      about: "Make a ticket by which others find a database",
      load: async () => (await import("./db_share.ts")).dbShare,
    },
    join: {
      about: "Get the database of a ticket",
      load: async () => (await import("./db_join.ts")).dbJoin,
    },
    sync: {
      about: "Bring a database in step with its peers now",
      load: async () => (await import("./db_sync.ts")).dbSync,
    },
  },
};
