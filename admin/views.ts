/**
 * What the admin API shows and does, and the one interface behind it: control implements `AdminBackend`.
 * Views are plain data for people and tools; they never hold key material, tokens or file contents.
 * Listeners, routes, clusters, endpoints and certificates are derived here from the served snapshot.
 */
import type { Certificate } from '../gateway/snapshot/certificate.ts';
import type { ObjectRef, Problem, SourcePosition } from '../gateway/snapshot/problem.ts';
import type { Snapshot } from '../gateway/snapshot/snapshot.ts';

/** Everything the admin server needs from control. All methods are cheap; only `shift` and `collect` wait for others. */
export interface AdminBackend {
  /** State of this node; the counts of units are added from `snapshot()`. */
  status(): NodeStatus;
  /** The snapshot that all workers serve; undefined until the first one is applied. Never mutated. */
  snapshot(): Snapshot | undefined;
  /** Every current problem: of objects, of settings, of the supervisor. Any order. */
  problems(): readonly Problem[];
  workers(): readonly WorkerView[];
  /** The appliances of the cluster, as far as this one knows them, itself first; itself alone without a cluster. */
  nodes(): readonly NodeView[];
  /** Where one object comes from and what became of it; undefined when there is no such object. */
  object(ref: ObjectRef): ObjectView | undefined;
  /** The object that somebody may have meant who named one that is not there. */
  nearObject(ref: ObjectRef): ObjectRef | undefined;
  /** The rules of one VirtualService and how they split; undefined when there is no such object. */
  traffic(namespace: string, virtualService: string): TrafficView | undefined;
  /**
   * Writes new weights into the source object. Resolves with a result once every worker serves them, with a
   * refusal otherwise; rejects only on a defect. The request's shape is already checked (see `ShiftRequest`).
   */
  shift(request: ShiftRequest): Promise<ShiftResult | ShiftRefusal>;
  /** Statistics of every live process, gathered within a second; a process that does not answer is left out. */
  collect(): Promise<Collection>;
}

/** State of this node as a whole. */
export type NodeStatus = {
  /** Host name of the node. */
  readonly node: string;
  /** Of several appliances of a cluster the one that writes conditions and events, as far as is known. */
  readonly leader?: string;
  /** Of a cluster: objects that wait for their condition or events, and requests of this process that wrote them. */
  readonly statusWriting?: { readonly waiting: number; readonly answered: number; readonly failed: number };
  /** True once every condition for serving traffic holds; `reasons` says why not. */
  readonly ready: boolean;
  readonly reasons: readonly string[];
  /** Milliseconds since the epoch at which the appliance (control, after its last restart) started. */
  readonly startedAt: number;
  /** Version served by all workers, 0 before the first; `published` is the newest one handed out. */
  readonly version: { readonly served: number; readonly published: number; readonly publishedAt?: number };
  readonly source: SourceStatus;
};

type SourceStatus = {
  readonly kind: string;
  /** Folder, or address of the cluster. */
  readonly location: string;
  readonly synced: boolean;
  /** Objects accepted. */
  readonly objects: number;
  /** What keeps the source from being known as it is now, in sentences. */
  readonly trouble?: string;
  /** Set when a sudden emptiness is held and not obeyed; a sentence. */
  readonly held?: string;
  /** Of a cluster: the API server that answered last, and when (milliseconds since the epoch). */
  readonly server?: string;
  readonly lastAnswerAt?: number;
  /** Of a cluster: how each kind fares. */
  readonly kinds?: readonly SourceKindStatus[];
};

/** One kind of a cluster. `held`: a list that lacks objects is not believed; `refused`: access is denied. */
export type SourceKindStatus = {
  readonly kind: string;
  readonly group: string;
  readonly state: 'unknown' | 'absent' | 'listing' | 'watching' | 'failing' | 'refused' | 'held';
  readonly objects: number;
  /** When what is known was last known to be the truth; milliseconds since the epoch. */
  readonly lastSyncAt?: number;
  readonly lists: number;
  readonly watches: number;
  readonly failures: number;
};

export type WorkerView = {
  readonly index: number;
  readonly pid: number;
  readonly state: 'starting' | 'serving' | 'draining';
  readonly version: number;
  readonly connections: number;
  readonly startedAt: number;
  readonly restarts: number;
};

/** One appliance of the cluster. */
export type NodeView = {
  readonly node: string;
  /**
   * Compared with this node: `here` (it is this one), `same` snapshot, `changing` (another one, as a change takes its
   * time), `drifted` (for too long), `incomparable` (other settings or program), `stopped`, `silent`.
   */
  readonly state: 'here' | 'same' | 'changing' | 'drifted' | 'incomparable' | 'stopped' | 'silent';
  /** True for the node that does what only one may do: conditions and events on the objects. */
  readonly leader: boolean;
  readonly programVersion: string;
  /** SHA-256 over all units that its workers serve; empty before the first. */
  readonly snapshotHash: string;
  /** Its own count of versions. */
  readonly servedVersion: number;
  /** Objects accepted. */
  readonly objects: number;
  /** Newest revision of the cluster that it has seen in an object. */
  readonly resourceVersion?: string;
  /** Where it stands, as `region/zone/subzone`; absent: nobody has said. */
  readonly locality?: string;
  /** ISO 8601. */
  readonly startedAt: string;
  /** Milliseconds since the epoch. */
  readonly lastSeenAt: number;
};

/** One object; its problems, and the units it became, are added from `problems()` and `snapshot()`. */
export type ObjectView = {
  readonly object: ObjectRef;
  readonly apiVersion?: string;
  /** Of the newest version that is known: a file, or `cluster:` and the path of the API. */
  readonly position: SourcePosition;
  /** RFC 3339, by the API server. */
  readonly createdAt?: string;
  readonly generation?: number;
  /** Of an object of a cluster: when its kind was last known to be as it is shown; milliseconds since the epoch. */
  readonly syncedAt?: number;
  readonly fate: ObjectFate;
  /** Keys of units of the snapshot. */
  readonly served: {
    readonly listeners: readonly string[];
    readonly virtualHosts: readonly string[];
    readonly clusters: readonly string[];
    readonly certificates: readonly string[];
  };
  /** Addresses behind a Service that get no traffic, and why. */
  readonly notReady: readonly { readonly address: string; readonly why: string }[];
  /** The public part of a Secret's certificate. */
  readonly certificate?: Omit<Certificate, 'key' | 'certificatePem' | 'privateKeyPem'>;
  readonly refersTo: readonly ObjectReference[];
  readonly referredBy: readonly ObjectReference[];
};

/**
 * `accepted`: all workers have its newest version; `changing`: it is on its way to them; `quarantined`: its last good
 * version is served; `not-served`: it has none; `held`: its source cannot tell what it is now. Times are milliseconds
 * since the epoch.
 */
export type ObjectFate = {
  readonly state: 'accepted' | 'changing' | 'quarantined' | 'not-served' | 'held';
  /** Since when its newest version is not taken, as far as is known. */
  readonly since?: number;
  /** When the version that is served was accepted. */
  readonly acceptedAt?: number;
  /** Where the version that is served was written, if it is not the newest. */
  readonly lastGood?: SourcePosition;
};

/** An object that another one names; `isThere` is false when nobody knows it. */
export type ObjectReference = ObjectRef & { readonly isThere: boolean };

/** One VirtualService as the API shows it for shifting. */
export type TrafficView = {
  readonly namespace: string;
  readonly virtualService: string;
  /** Where the object comes from: a file path, or `cluster:` and the path of the API. */
  readonly source?: string;
  /** Strong entity tag of the object's current content, quotes included: `"a1b2c3"`. */
  readonly etag: string;
  /** Snapshot version in which it is served. */
  readonly version: number;
  /** All rules that forward traffic, in order. */
  readonly routes: readonly TrafficRoute[];
  /** What to know before a shift (a tool that may put back the weights), in sentences. */
  readonly warnings: readonly string[];
};

type TrafficRoute = {
  /** What `ShiftRequest.route` takes: the rule's name, or its index as a decimal string. */
  readonly route: string;
  readonly index: number;
  readonly name?: string;
  readonly destinations: readonly TrafficDestination[];
};

type TrafficDestination = {
  /** What a weight is keyed by: the subset, `host/subset[:port]` where that is ambiguous, the host where there is no subset. */
  readonly key: string;
  readonly host: string;
  readonly subset?: string;
  readonly port?: number;
  readonly weight: number;
};

/** Who asked for a change: for the history and the log. */
export type Actor = { readonly via: 'unix-socket' | 'token'; readonly address?: string };

/**
 * A change of weights. The server has checked: weights is not empty, every weight is an integer from 0 to 2^31-1,
 * their sum is above 0, keys are not empty. The backend checks everything that needs the object.
 */
export type ShiftRequest = {
  readonly namespace: string;
  readonly virtualService: string;
  /** Name or decimal index of the rule; needed when several rules split. */
  readonly route?: string;
  /** The whole vector. */
  readonly weights: Readonly<Record<string, number>>;
  readonly reason?: string;
  /** Entity tags the object must have one of (`If-Match`), quotes included; `['*']` is any existing object. */
  readonly ifMatch?: readonly string[];
  readonly actor: Actor;
};

/** The new weights are served by every worker of this node. */
export type ShiftResult = {
  readonly ok: true;
  readonly namespace: string;
  readonly virtualService: string;
  readonly route: string;
  readonly before: Readonly<Record<string, number>>;
  readonly weights: Readonly<Record<string, number>>;
  /** False when the weights were so already: nothing was written. */
  readonly changed: boolean;
  readonly etag: string;
  /** Snapshot version that serves them. */
  readonly version: number;
  readonly node: string;
  /** Indexes of the workers that confirmed. */
  readonly workers: readonly number[];
  readonly source?: string;
  /** As in the {@link TrafficView}. */
  readonly warnings: readonly string[];
};

/**
 * Why a shift was not done, and what it means over HTTP:
 * - `not-found` 404: no such VirtualService
 * - `invalid` 422: unknown or missing key, unknown or ambiguous route; `validKeys` or `routes` say what is possible
 * - `precondition-failed` 412: none of `ifMatch` is the current tag; `etag` is
 * - `conflict` 409: the object changed meanwhile, is quarantined, or a worker cannot compile the result
 * - `not-writable` 403: symlink, read-only, foreign owner, source that cannot be edited
 * - `unavailable` 503: whoever keeps the object does not answer; whether it was written is not known
 * - `timeout` 504: written, but not confirmed by every worker in time; `version` and `servedVersion` are set
 */
export type ShiftRefusal = {
  readonly ok: false;
  readonly kind:
    | 'not-found'
    | 'invalid'
    | 'precondition-failed'
    | 'conflict'
    | 'not-writable'
    | 'unavailable'
    | 'timeout';
  /** Full sentence(s) a person can act on. */
  readonly message: string;
  readonly validKeys?: readonly string[];
  readonly routes?: readonly TrafficRoute[];
  readonly etag?: string;
  /** `conflict`: the weights that are there now, where others than the decided ones were found. */
  readonly current?: Readonly<Record<string, number>>;
  /** `timeout`: the version that holds the new weights, and the oldest one still served. */
  readonly version?: number;
  readonly servedVersion?: number;
};

/** What `collect` gathers: one entry a process. */
export type Collection = { readonly processes: readonly ProcessCollection[] };

export type ProcessCollection = {
  readonly role: 'supervisor' | 'control' | 'worker';
  /** Worker index; absent for the other roles. */
  readonly index?: number;
  readonly pid: number;
  /** Parsed statistics file of that process; its shape is checked by the metrics side. */
  readonly statistics: unknown;
};
