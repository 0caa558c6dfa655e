import type { ServerResponse } from 'node:http';
import { ApiStatus, badRequest, expired } from './api-status.ts';
import type { ClusterState, Target } from './cluster-state.ts';
import { copyOf } from './kube-object.ts';
import { parseRevision } from './list.ts';
import { type TableOptions, tableOf } from './printed-table.ts';
import { apiVersionOf, storageName } from './resource-type.ts';
import { parseSelectors, type Selects } from './selectors.ts';
import type { Change, Entry, Table } from './table.ts';
import { changeLine, watchLine } from './wire.ts';

/** What waits unsent before a watcher counts as too slow and is cut off. */
const SLOW_WATCHER_BYTES = 256 * 1024 * 1024;

/** One running watch. The server keeps them, to cut or stall them on order. */
export class Watcher {
  readonly target: Target;
  readonly #all: Set<Watcher>;
  readonly #response: ServerResponse;
  readonly #state: ClusterState;
  readonly #selects: Selects | undefined;
  readonly #bookmarks: boolean;
  #held: Buffer[] | undefined;
  /** How `kubectl get -w` wants its events; without column heads once they were sent. */
  #table: TableOptions | undefined;
  #corked = false;
  #sentRevision = 0;
  #stopWatching: () => void = () => undefined;

  constructor(
    all: Set<Watcher>,
    state: ClusterState,
    target: Target,
    query: URLSearchParams,
    response: ServerResponse,
    table?: TableOptions,
  ) {
    this.#table = table;
    this.#all = all;
    this.#state = state;
    this.target = target;
    this.#response = response;
    const selects = parseSelectors(query, target.type);
    this.#selects = target.namespace === undefined ? selects : within(target.namespace, selects);
    this.#bookmarks = state.features.bookmarks && query.get('allowWatchBookmarks') === 'true';
  }

  /** `pods`, or `gateways.networking.istio.io`. */
  get resource(): string {
    return storageName(this.target.type);
  }

  /** Sends what happened since the asked revision and goes on until the client leaves or `end`. */
  start(query: URLSearchParams): void {
    checkTime(query);
    const table = this.#state.store.table(this.target.type);
    const backlog = this.#backlog(table, query.get('resourceVersion') ?? '');
    this.#open();
    if (backlog instanceof ApiStatus) {
      this.fail(backlog);
      return;
    }
    for (const line of backlog.lines) this.#write(line);
    this.#sentRevision = backlog.revision;
    this.#stopWatching = table.watch((change) => this.#tell(change));
    this.#limitTime(query);
  }

  /** Sends a bookmark when this client takes them: everything up to now has been told. */
  bookmark(): void {
    if (!this.#bookmarks) return;
    const { type, version } = this.target;
    const resourceVersion = String(Math.max(this.#state.store.revision, this.#sentRevision));
    const object = {
      kind: type.kind,
      apiVersion: apiVersionOf(type, version),
      metadata: { resourceVersion, creationTimestamp: null },
    };
    this.#write(Buffer.from(`${JSON.stringify({ type: 'BOOKMARK', object })}\n`));
  }

  /** Sends an ERROR event and ends the stream, as the server does when it cannot go on. */
  fail(failure: ApiStatus): void {
    this.#write(Buffer.from(`${JSON.stringify({ type: 'ERROR', object: failure.status })}\n`));
    this.end();
  }

  /** Sends bytes that are no watch event. */
  garble(bytes: string): void {
    this.#write(Buffer.from(bytes));
  }

  end(): void {
    this.#leave();
    this.#response.end();
  }

  /** Breaks the connection in the middle. */
  cut(): void {
    this.#leave();
    this.#response.destroy();
  }

  /** Keeps the connection open and silent until `resume`. */
  stall(): void {
    this.#held ??= [];
  }

  resume(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const line of held) this.#write(line);
  }

  #backlog(table: Table, asked: string): { lines: Buffer[]; revision: number } | ApiStatus {
    if (asked === '' || asked === '0') return this.#everything(table);
    const revision = parseRevision(asked);
    const changes = table.changesSince(revision);
    if (changes === undefined) return expired(`too old resource version: ${revision} (${table.oldestRevision})`);
    return { lines: changes.map((change) => this.#lineOf(change)).filter((line) => line !== undefined), revision };
  }

  #everything(table: Table): { lines: Buffer[]; revision: number } {
    const { type, version } = this.target;
    const entries = table.list().filter((entry) => this.#isSelected(entry));
    return {
      lines: entries.map((entry) => this.#tableLine('ADDED', entry) ?? watchLine('ADDED', type, version, entry)),
      revision: this.#state.store.revision,
    };
  }

  /** A client from the future (of a cluster restored from a backup) hears nothing until the present has caught up. */
  #tell(change: Change): void {
    if (change.revision <= this.#sentRevision) return;
    const line = this.#lineOf(change);
    if (line !== undefined) this.#write(line);
  }

  /** An object that enters or leaves the selection is added or deleted for this watcher. */
  #lineOf(change: Change): Buffer | undefined {
    const { type, version } = this.target;
    if (this.#selects === undefined)
      return this.#tableLine(change.type, change.entry) ?? changeLine(change, type, version);
    const was = change.previous !== undefined && this.#isSelected(change.previous);
    const is = change.type !== 'DELETED' && this.#isSelected(change.entry);
    if (!was && !is) return undefined;
    const kind = was && is ? 'MODIFIED' : is ? 'ADDED' : 'DELETED';
    const leaves = kind === 'DELETED' && change.type === 'MODIFIED';
    const entry = leaves ? asItLeft(change) : change.entry;
    const line = this.#tableLine(kind, entry);
    if (line !== undefined) return line;
    return kind === change.type ? changeLine(change, type, version) : watchLine(kind, type, version, entry);
  }

  #tableLine(kind: Change['type'], entry: Entry): Buffer | undefined {
    if (this.#table === undefined) return undefined;
    const { type, version } = this.target;
    const { resourceVersion = '' } = entry.object.metadata;
    const object = tableOf(type, version, [entry], { resourceVersion }, this.#table);
    this.#table = { ...this.#table, heads: 'none' };
    return Buffer.from(`${JSON.stringify({ type: kind, object })}\n`);
  }

  #isSelected(entry: Entry): boolean {
    return this.#selects === undefined || this.#selects(entry.object);
  }

  #open(): void {
    this.#response.writeHead(200, { 'Content-Type': 'application/json', 'Cache-Control': 'no-cache, private' });
    this.#response.flushHeaders();
    this.#all.add(this);
    this.#response.once('close', () => this.#leave());
  }

  #leave(): void {
    this.#stopWatching();
    this.#all.delete(this);
  }

  #limitTime(query: URLSearchParams): void {
    const seconds = Number(query.get('timeoutSeconds') ?? 0) || 1_800 + Math.floor(Math.random() * 1_800);
    const bookmarks = setInterval(() => this.bookmark(), this.#state.features.bookmarkIntervalMs).unref();
    const timeout = setTimeout(() => {
      this.bookmark();
      this.end();
    }, seconds * 1_000).unref();
    const clear = (): void => {
      clearInterval(bookmarks);
      clearTimeout(timeout);
    };
    this.#response.once('close', clear);
    // The client was gone before its watch began.
    if (this.#response.destroyed) {
      clear();
      this.#leave();
    }
  }

  #write(line: Buffer): void {
    // Its end was sent, and the connection is not closed yet.
    if (this.#response.writableEnded) return;
    if (this.#held !== undefined) {
      this.#held.push(line);
      return;
    }
    if (this.#response.writableLength > SLOW_WATCHER_BYTES) {
      this.cut();
      return;
    }
    this.#cork();
    this.#response.write(line);
  }

  /** Lines of one turn of the event loop leave in one record. */
  #cork(): void {
    if (this.#corked) return;
    this.#corked = true;
    this.#response.cork();
    setImmediate(() => {
      this.#corked = false;
      this.#response.uncork();
    });
  }
}

function checkTime(query: URLSearchParams): void {
  const seconds = query.get('timeoutSeconds') ?? '';
  if (!/^-?\d*$/.test(seconds)) throw badRequest(`strconv.ParseInt: parsing "${seconds}": invalid syntax`);
}

/** Whoever does not select the object any more is told what it was, as of now. */
function asItLeft({ entry, previous = entry }: Change): Entry {
  const object = copyOf(previous.object);
  object.metadata.resourceVersion = String(entry.revision);
  const { apiVersion: _version, kind: _kind, ...rest } = object;
  return { ...previous, object, rest: Buffer.from(JSON.stringify(rest).slice(1)) };
}

function within(namespace: string, selects: Selects | undefined): Selects {
  return (object) => object.metadata.namespace === namespace && (selects === undefined || selects(object));
}
