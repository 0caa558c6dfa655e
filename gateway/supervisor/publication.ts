import type { LongerManifest } from '../snapshot/snapshot-files.ts';
import type { FromWorker, Manifest, ToControl, ToWorker } from './messages.ts';

/** A worker as the publication sees it. */
export type Subscriber = { readonly pid: number; version: number; send(message: ToWorker): void };

type Pending = {
  readonly version: number;
  readonly file: string;
  /** Null: what leads here was given up meanwhile. */
  readonly manifest: Manifest | null;
  readonly preparing: Set<number>;
  readonly applying: Set<number>;
  /** Some worker has compiled it: so can the others. */
  compiled: boolean;
  phase: 'prepare' | 'commit';
  timer?: NodeJS.Timeout;
};

/** A worker that does not say in so long that it compiled a version is left behind: it is hung, and its replacement loads the newest. */
const PREPARE_TIMEOUT_MS = 1_000;

/**
 * Hands a snapshot version to all workers in two phases, so that a unit that ONE worker cannot compile is
 * served by none: prepare (load and compile beside the old one), then commit (swap one reference).
 * Never parses what it hands out: it knows file names and versions only. Called by the supervisor role.
 */
export class Publication {
  #manifest: Manifest | null;
  #pending: Pending | undefined;
  /** Workers that could not load the manifest: for them only a full snapshot is right. */
  readonly #unloaded = new Set<number>();
  readonly #subscribers: () => Iterable<Subscriber>;
  readonly #answer: (message: ToControl) => void;
  readonly #onCommit: () => void;

  constructor(options: {
    manifest: Manifest | null;
    subscribers: () => Iterable<Subscriber>;
    answer: (message: ToControl) => void;
    onCommit: () => void;
  }) {
    this.#manifest = options.manifest;
    this.#subscribers = options.subscribers;
    this.#answer = options.answer;
    this.#onCommit = options.onCommit;
  }

  /** What a worker that starts now must load; null before the first publication of a new appliance. */
  get manifest(): Manifest | null {
    return this.#manifest;
  }

  begin(publish: { version: number; file: string; manifest: Manifest | LongerManifest }): void {
    this.#drop();
    const manifest = this.#resolved(publish);
    if (manifest === null) this.#answer({ type: 'rebuild' });
    const pending: Pending = {
      version: publish.version,
      file: publish.file,
      manifest,
      preparing: new Set(),
      applying: new Set(),
      compiled: false,
      phase: 'prepare',
    };
    this.#pending = pending;
    for (const worker of this.#followers(pending)) {
      pending.preparing.add(worker.pid);
      worker.send({ type: 'prepare', version: publish.version, file: publish.file });
    }
    this.#awaitPrepared(pending);
    this.#advance();
  }

  /** Forgets a version that was not decided yet: its author (control) died, and the next one publishes anew. */
  abandon(): void {
    if (this.#pending?.phase === 'prepare') {
      for (const worker of this.#subscribers()) worker.send({ type: 'abort', version: this.#pending.version });
      this.#drop();
    }
  }

  heard(worker: Subscriber, message: FromWorker): void {
    const pending = this.#pending;
    if (message.type === 'applied') {
      worker.version = message.version;
      this.#unloaded.delete(worker.pid);
    }
    if (pending === undefined) return;
    if (message.type === 'prepared' && message.version === pending.version) {
      pending.compiled = true;
      pending.preparing.delete(worker.pid);
    } else if (message.type === 'applied' && message.version === pending.version) pending.applying.delete(worker.pid);
    else if (message.type === 'refused' && message.version === pending.version && pending.phase === 'prepare')
      return this.#refuse(pending, message);
    this.#advance();
  }

  /** A worker became ready with the version it was started with: brings it to the newest, which it confirms as the others do. */
  joined(worker: Subscriber): void {
    if (!this.#unloaded.has(worker.pid)) this.#catchUp(worker);
    if (this.#pending?.phase === 'prepare' && this.#canFollow(worker, this.#pending)) {
      this.#pending.preparing.add(worker.pid);
      worker.send({ type: 'prepare', version: this.#pending.version, file: this.#pending.file });
    }
  }

  /**
   * A worker cannot load `version`, nor could any that starts now: the manifest is given up, unless there is a newer one
   * to try. True when all units have to be published anew.
   */
  unloadable(worker: Subscriber, version: number): boolean {
    this.#pending?.applying.delete(worker.pid);
    this.#pending?.preparing.delete(worker.pid);
    const known = this.#manifest;
    if (known !== null && known.version > version) this.#catchUp(worker);
    else {
      this.#unloaded.add(worker.pid);
      this.#manifest = null;
    }
    this.#advance();
    return known !== null && this.#manifest === null;
  }

  /** A worker that died waits for nothing; its replacement starts from the manifest. */
  left(pid: number): void {
    this.#unloaded.delete(pid);
    this.#pending?.preparing.delete(pid);
    this.#pending?.applying.delete(pid);
    this.#advance();
  }

  #catchUp(worker: Subscriber): void {
    if (this.#manifest === null || this.#manifest.version <= worker.version) return;
    worker.send({ type: 'catch-up', manifest: this.#manifest });
    if (this.#pending?.phase === 'commit') this.#pending.applying.add(worker.pid);
  }

  #followers(pending: Pending): Subscriber[] {
    return [...this.#subscribers()].filter((worker) => this.#canFollow(worker, pending));
  }

  /** A delta says nothing to a worker that does not have what it builds on. */
  #canFollow(worker: Subscriber, pending: Pending): boolean {
    return !this.#unloaded.has(worker.pid) || pending.manifest?.files[0] === pending.file;
  }

  /** Null when it goes on from another manifest than the one that is known: all units have to be published anew. */
  #resolved({ version, file, manifest }: Parameters<Publication['begin']>[0]): Manifest | null {
    if ('files' in manifest) return manifest;
    const known = this.#manifest;
    return known?.version === manifest.after ? { version, files: [...known.files, file] } : null;
  }

  /**
   * A hung worker is not waited for. But as long as none has compiled the version, perhaps it takes that long (and may
   * still be refused): then all are waited for, and a worker that is hung indeed is killed before long.
   */
  #awaitPrepared(pending: Pending): void {
    pending.timer = setTimeout(() => {
      if (pending.compiled) this.#commit(pending);
      else this.#awaitPrepared(pending);
    }, PREPARE_TIMEOUT_MS);
  }

  #advance(): void {
    const pending = this.#pending;
    if (pending === undefined) return;
    if (pending.phase === 'prepare' && pending.preparing.size === 0) this.#commit(pending);
    else if (pending.phase === 'commit' && pending.applying.size === 0) {
      this.#drop();
      this.#answer({
        type: 'applied',
        version: pending.version,
        workers: [...this.#subscribers()].map((worker) => worker.pid),
      });
    }
  }

  /** A worker that has not prepared (hung) gets the commit as well: messages keep their order, so it applies both when it wakes. */
  #commit(pending: Pending): void {
    if (pending.phase === 'commit') return;
    clearTimeout(pending.timer);
    pending.phase = 'commit';
    this.#manifest = pending.manifest;
    for (const worker of this.#followers(pending)) {
      pending.applying.add(worker.pid);
      worker.send({ type: 'commit', version: pending.version });
    }
    this.#onCommit();
    this.#advance();
  }

  #refuse(pending: Pending, why: { unit: string; reason: string }): void {
    for (const worker of this.#subscribers()) worker.send({ type: 'abort', version: pending.version });
    this.#drop();
    this.#answer({ type: 'refused', version: pending.version, unit: why.unit, reason: why.reason });
  }

  #drop(): void {
    clearTimeout(this.#pending?.timer);
    this.#pending = undefined;
  }
}
