import { type ResourceType, storageName } from './resource-type.ts';
import { type Entry, Table } from './table.ts';

/** All objects as they were at one moment. */
export type Backup = { readonly revision: number; readonly tables: ReadonlyMap<string, readonly Entry[]> };

/** Everything the cluster knows: one table a resource, and the one counter that orders all changes (etcd's revision). */
export class Store {
  readonly #tables = new Map<string, Table>();
  readonly #history: number;
  #revision = 1_000;

  constructor(options: { history: number }) {
    this.#history = options.history;
  }

  get revision(): number {
    return this.#revision;
  }

  /** The next revision; every call stands for one change. */
  advance(): number {
    return ++this.#revision;
  }

  table(type: ResourceType): Table {
    const name = storageName(type);
    let table = this.#tables.get(name);
    if (table === undefined) {
      table = new Table(this, { history: this.#history });
      this.#tables.set(name, table);
    }
    return table;
  }

  /** Forgets the history: what is older than now answers 410 from here on. */
  compact(): void {
    const floor = this.advance();
    for (const table of this.#tables.values()) table.compact(floor);
  }

  backup(): Backup {
    return {
      revision: this.#revision,
      tables: new Map([...this.#tables].map(([name, table]) => [name, table.list()])),
    };
  }

  /** Goes back in time: revisions are counted from the backup's on, as if the rest had never been. */
  restore({ revision, tables }: Backup): void {
    this.#revision = revision;
    for (const [name, table] of this.#tables) table.restore(tables.get(name) ?? [], revision);
  }

  /** Every table, also of kinds that are served no more. */
  tables(): IterableIterator<[string, Table]> {
    return this.#tables.entries();
  }
}
