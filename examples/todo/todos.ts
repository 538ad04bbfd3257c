import { type Database, Table } from "../../mod.ts";

/** Something to do, as the table holds it. */
interface Todo {
  title: string;
  completed: boolean;
  /** RFC 3339. */
  created_at: string;
  /** RFC 3339; null until it is done. */
  completed_at: string | null;
}

const Todos = Table.of<Todo>();
const STORE = "todos";

/** Notes something to do. */
export async function addTodo(db: Database, title: string): Promise<void> {
  const created_at = new Date().toISOString();
  const id = await db.withTransaction(async (tx) => {
    const todos = await tx.getStore(Todos, STORE);
    return await todos.insert({ title, completed: false, created_at, completed_at: null });
  });
  console.log(`Added todo with ID: ${id}`);
  console.log(`✓ Task added: ${title}`);
}

/** Notes that something is done; fails for what nobody has noted. */
export async function completeTodo(db: Database, id: string): Promise<void> {
  await db.withTransaction(async (tx) => {
    const todos = await tx.getStore(Todos, STORE);
    const todo = await todos.get(id);
    await todos.set(id, { ...todo, completed: true, completed_at: new Date().toISOString() });
  });
  console.log(`✓ Task completed: ${id}`);
}

/** Prints everything, the oldest first. */
export async function listTodos(db: Database): Promise<void> {
  const todos = await db.getStoreViewer(Todos, STORE);
  const all = await todos.search(() => true);
  if (all.length === 0) return console.log("No tasks found.");
  console.log("Tasks:");
  const made = all.sort(([, a], [, b]) => Date.parse(a.created_at) - Date.parse(b.created_at));
  for (const [id, { title, completed }] of made) {
    console.log(`[${completed ? "✓" : " "}] ${title} (ID: ${id})`);
  }
}
