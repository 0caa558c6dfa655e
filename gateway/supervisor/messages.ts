/**
 * What the three roles say to each other over IPC: names, versions and counts only, never configuration
 * or traffic. Snapshot units and statistics travel as files in the runtime directory and are named here.
 */
import type { Problem } from '../snapshot/problem.ts';
import type { LongerManifest } from '../snapshot/snapshot-files.ts';

/** The files a worker loads, in order, to reach `version`: one full snapshot and the deltas since. */
export type Manifest = {
  readonly version: number;
  /** File names inside the runtime directory's `snapshot/`. */
  readonly files: readonly string[];
};

/** What a listening socket is for. `traffic` sockets are per node port; `health` is answered by workers themselves. */
export type SocketPurpose = { readonly kind: 'traffic'; readonly nodePort: number } | { readonly kind: 'health' };

export type ToWorker =
  | {
      readonly type: 'init';
      readonly settings: unknown;
      readonly index: number;
      readonly ticketKeys: string;
      readonly manifest: Manifest | null;
    }
  /** The node ports whose handles follow: the worker is ready for traffic once it has one of each. */
  | { readonly type: 'ports'; readonly nodePorts: readonly number[] }
  /** Comes with the listening handle. */
  | { readonly type: 'listen'; readonly socket: SocketPurpose }
  | { readonly type: 'unlisten'; readonly socket: SocketPurpose }
  | { readonly type: 'prepare'; readonly version: number; readonly file: string }
  | { readonly type: 'commit'; readonly version: number }
  | { readonly type: 'abort'; readonly version: number }
  /** Load what of this manifest is missing; sent to a worker that became ready while a newer version was published. */
  | { readonly type: 'catch-up'; readonly manifest: Manifest }
  /** Live connections of every worker, so that one over its share stops accepting for a while. */
  | { readonly type: 'load'; readonly connections: Readonly<Record<number, number>> }
  | { readonly type: 'ping'; readonly id: number }
  /** Write your statistics to `file` (in the runtime directory) and answer `collected`. */
  | { readonly type: 'collect'; readonly id: number; readonly file: string }
  | { readonly type: 'reopen-logs' }
  /** How the source fares, for whoever asks a worker for its health: it decides nothing. */
  | { readonly type: 'source'; readonly detail: string }
  | { readonly type: 'drain' };

export type FromWorker =
  /** Loaded what `init` named; `version` is 0 when there was nothing to load. */
  | { readonly type: 'ready'; readonly version: number }
  /** The files that lead to `version` cannot be loaded (missing, damaged, not compilable): it goes on with what it has. */
  | { readonly type: 'unloadable'; readonly version: number; readonly reason: string }
  /** It listens on every port that `ports` named. */
  | { readonly type: 'listening' }
  /** Send so many copies of the handle: one loop turn accepts one connection from each. */
  | { readonly type: 'want-listen'; readonly nodePort: number; readonly copies: number }
  | { readonly type: 'prepared'; readonly version: number }
  | { readonly type: 'refused'; readonly version: number; readonly unit: string; readonly reason: string }
  | { readonly type: 'applied'; readonly version: number }
  | { readonly type: 'load'; readonly connections: number }
  | { readonly type: 'pong'; readonly id: number }
  | { readonly type: 'collected'; readonly id: number; readonly file: string }
  | { readonly type: 'drained' };

export type ToControl =
  | {
      readonly type: 'init';
      readonly settings: unknown;
      readonly manifest: Manifest | null;
      readonly inherited: readonly number[];
    }
  /** Answer to `publish`: every live worker serves it. */
  | { readonly type: 'applied'; readonly version: number; readonly workers: readonly number[] }
  /** Answer to `publish`: at least one worker could not compile it, so no worker serves it. */
  | { readonly type: 'refused'; readonly version: number; readonly unit: string; readonly reason: string }
  /** A worker cannot load what was published: publish all units anew, as one full snapshot. */
  | { readonly type: 'rebuild' }
  | { readonly type: 'workers'; readonly workers: readonly WorkerStatus[] }
  /** Problems the supervisor sees: ports that cannot be bound, crash loops. Replaces the previous list. */
  | { readonly type: 'problems'; readonly problems: readonly Problem[] }
  | { readonly type: 'collected'; readonly id: number; readonly files: Readonly<Record<string, string>> }
  | { readonly type: 'ping'; readonly id: number }
  | { readonly type: 'reopen-logs' }
  | { readonly type: 'stop' };

export type FromControl =
  | { readonly type: 'ready' }
  /** How the source fares, in a sentence; sent when it changes. */
  | { readonly type: 'source'; readonly detail: string }
  /**
   * Serve this version. `file` is the delta from the version before; `manifest` is what a worker that starts
   * later must load; `nodePorts` are the ports to listen on (those not named are closed).
   */
  | {
      readonly type: 'publish';
      readonly version: number;
      readonly file: string;
      readonly manifest: Manifest | LongerManifest;
      readonly nodePorts: readonly number[];
    }
  /** Gather statistics files of the supervisor and all workers. */
  | { readonly type: 'collect'; readonly id: number }
  | { readonly type: 'pong'; readonly id: number };

export type WorkerStatus = {
  readonly index: number;
  readonly pid: number;
  readonly state: 'starting' | 'serving' | 'draining';
  /** Snapshot version it serves; 0 before the first. */
  readonly version: number;
  readonly connections: number;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** How often the worker of this index was replaced. */
  readonly restarts: number;
};
