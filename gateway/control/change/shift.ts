// Promises: new weights written to where the VirtualService is kept, and served by every worker when it says so.
// Never: keeps weights beside the object, runs two changes at once, knows files or clusters: a WeightWriter does.
// Called by: the admin API, by way of roles/control.ts.
import type { Problem } from '../../snapshot/problem.ts';
import { realTimers, type Timers } from '../../support/timers.ts';
import { type ResourceKey, resourceKey, type VirtualServiceResource } from '../resource/resource.ts';
import type { StoredObject } from '../source/object-store.ts';
import { CLUSTER_FILE } from '../source/source.ts';
import { planShift, type ShiftPlan, type TrafficRoute, trafficRoutes, type Weights, withPlan } from './traffic.ts';
import { CannotWrite, type ShiftTarget, type WeightWriter, type WrittenWeights } from './weight-writer.ts';

/** So long every worker may take to serve new weights before the answer is a timeout. */
export const CONFIRM_MS = 2_000;
const MAX_HISTORY = 100;

export type TrafficView = {
  readonly namespace: string;
  readonly virtualService: string;
  readonly source: string;
  readonly etag: string;
  readonly version: number;
  readonly routes: readonly TrafficRoute[];
  /** What to know before a change, in sentences. */
  readonly warnings: readonly string[];
};

export type ShiftOrder = {
  readonly namespace: string;
  readonly virtualService: string;
  readonly route?: string;
  readonly weights: Weights;
  readonly reason?: string;
  /** Entity tags, one of which the object must have; `*` is any. */
  readonly ifMatch?: readonly string[];
  /** Who asked, for the history. */
  readonly actor: Readonly<Record<string, string>>;
};

export type ShiftDone = {
  readonly ok: true;
  readonly namespace: string;
  readonly virtualService: string;
  readonly route: string;
  readonly before: Weights;
  readonly weights: Weights;
  /** False when the weights were so already: nothing was written. */
  readonly changed: boolean;
  readonly etag: string;
  readonly version: number;
  readonly node: string;
  readonly workers: readonly number[];
  readonly source: string;
  readonly warnings: readonly string[];
};

export type ShiftRefused = {
  readonly ok: false;
  readonly kind:
    | 'not-found'
    | 'invalid'
    | 'precondition-failed'
    | 'conflict'
    | 'not-writable'
    | 'unavailable'
    | 'timeout';
  readonly message: string;
  readonly validKeys?: readonly string[];
  readonly routes?: readonly TrafficRoute[];
  readonly etag?: string;
  /** The weights that are there now, where others than the decided ones were found. */
  readonly current?: Weights;
  readonly version?: number;
  readonly servedVersion?: number;
};

/** What was done to weights, newest last. */
export type ShiftRecord = Pick<ShiftDone, 'namespace' | 'virtualService' | 'route' | 'before' | 'weights'> &
  Pick<ShiftOrder, 'reason' | 'actor'> & {
    /** Milliseconds since the epoch. */
    readonly at: number;
  };

export type ShifterOptions = {
  readonly objects: { get(key: ResourceKey): StoredObject | undefined };
  readonly isQuarantined: (key: ResourceKey) => boolean;
  readonly problems: () => readonly Problem[];
  /** What keeps a version of an object from being served at once, in sentences. */
  readonly objections: (resource: VirtualServiceResource) => Promise<readonly string[]>;
  /** Writes to where the objects are kept. */
  readonly writer: WeightWriter;
  /** Resolves when everything told was published, or given up. */
  readonly settled: () => Promise<void>;
  /** `served`: by all workers; `newest`: handed out; `workers`: indexes of those that serve; `oldest`: the version of the last of them. */
  readonly fleet: () => { served: number; newest: number; oldest: number; workers: readonly number[] };
  /** Name of this node. */
  readonly node: string;
  readonly onShift: (record: ShiftRecord) => void;
  readonly timers?: Timers;
};

export class Shifter {
  readonly #options: ShifterOptions;
  readonly #timers: Timers;
  readonly #history: ShiftRecord[] = [];
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: ShifterOptions) {
    this.#options = options;
    this.#timers = options.timers ?? realTimers;
  }

  /** The rules of a VirtualService as they are served; undefined when there is no such object. */
  traffic(namespace: string, virtualService: string): TrafficView | undefined {
    const target = this.#find(namespace, virtualService);
    if (target === undefined) return undefined;
    return {
      namespace,
      virtualService,
      source: target.good.version.position.file,
      etag: etagOf(target.good.version.fingerprint),
      version: this.#options.fleet().served,
      routes: trafficRoutes(target.service),
      warnings: this.#options.writer.warnings(target),
    };
  }

  /** The last changes of weights since this process started, oldest first. */
  get history(): readonly ShiftRecord[] {
    return this.#history;
  }

  /** One after the other: each sees the weights that the one before has left. */
  shift(order: ShiftOrder): Promise<ShiftDone | ShiftRefused> {
    const result = this.#turn.then(() => this.#shift(order));
    this.#turn = result.catch(() => undefined);
    return result;
  }

  async #shift(order: ShiftOrder): Promise<ShiftDone | ShiftRefused> {
    const target = this.#find(order.namespace, order.virtualService);
    if (target === undefined) return this.#notFound(order);
    const etag = etagOf(target.good.version.fingerprint);
    if (order.ifMatch !== undefined && !order.ifMatch.includes('*') && !order.ifMatch.includes(etag))
      return refused(
        'precondition-failed',
        'The VirtualService is not the one that you saw: look again, then decide.',
        { etag },
      );
    const plan = planShift(target.service, order);
    if ('message' in plan) return refused('invalid', plan.message, plan);
    if (this.#options.isQuarantined(target.key))
      return refused('conflict', this.#quarantineReason(target.key), { etag });
    if (plan.edits.length === 0) return this.#done(order, plan, target.good.version.fingerprint, { changed: false });
    return this.#carryOut(order, target, plan);
  }

  async #carryOut(order: ShiftOrder, target: ShiftTarget, plan: ShiftPlan): Promise<ShiftDone | ShiftRefused> {
    const { actor, reason, ifMatch } = order;
    const onlyAsSeen = ifMatch !== undefined && !ifMatch.includes('*');
    const objections = await this.#options.objections(withPlan(target.service, plan));
    if (objections.length > 0) return refused('conflict', notYet(objections));
    try {
      const change = { plan, actor, onlyAsSeen, ...(reason !== undefined && { reason }) };
      const written = await this.#options.writer.write(target, change);
      this.#note(order, plan);
      return await this.#confirm(order, target, plan, written);
    } catch (error) {
      if (!(error instanceof CannotWrite)) throw error;
      const { kind, message, current } = error;
      return refused(kind === 'changed' ? 'precondition-failed' : kind, message, current && { current });
    }
  }

  async #confirm(
    order: ShiftOrder,
    target: ShiftTarget,
    plan: ShiftPlan,
    written: WrittenWeights,
  ): Promise<ShiftDone | ShiftRefused> {
    const isInTime = await this.#within(CONFIRM_MS, async (signal) => {
      await written.seen(signal);
      await this.#options.settled();
    });
    if (!isInTime) return this.#timeout();
    const good = this.#options.objects.get(target.key)?.good?.version.fingerprint;
    if (good === written.fingerprint) return this.#done(order, plan, written.fingerprint, { changed: true });
    const newest = this.#options.objects.get(target.key)?.newest?.fingerprint;
    if (newest !== written.fingerprint)
      return refused(
        'conflict',
        'The new weights were written, and the object was changed by somebody else right after: look again at what it is now.',
      );
    const reason = this.#quarantineReason(target.key);
    const what = await written.takeBack();
    return refused('conflict', `The new weights could not be served. ${what} ${reason}`);
  }

  /** False when time ran out first. */
  async #within(ms: number, work: (signal: AbortSignal) => Promise<void>): Promise<boolean> {
    const abort = new AbortController();
    const { promise: late, resolve } = Promise.withResolvers<boolean>();
    const cancel = this.#timers.after(ms, () => resolve(false));
    const isInTime = await Promise.race([work(abort.signal).then(() => true), late]);
    cancel();
    abort.abort();
    return isInTime;
  }

  #timeout(): ShiftRefused {
    const { newest, oldest } = this.#options.fleet();
    return refused(
      'timeout',
      `The new weights are written, but not every worker has confirmed them within ${CONFIRM_MS / 1000} seconds: version ${newest} holds them, version ${oldest} is still served by at least one. A worker that hangs is replaced by itself and then serves them.`,
      { version: newest, servedVersion: oldest },
    );
  }

  #done(order: ShiftOrder, plan: ShiftPlan, fingerprint: string, { changed }: { changed: boolean }): ShiftDone {
    const { served, workers } = this.#options.fleet();
    const { namespace, virtualService } = order;
    const target = this.#find(namespace, virtualService);
    return {
      ok: true,
      namespace,
      virtualService,
      route: plan.route.route,
      before: plan.before,
      weights: order.weights,
      changed,
      etag: etagOf(fingerprint),
      version: served,
      node: this.#options.node,
      workers,
      source: target?.good.version.position.file ?? '',
      warnings: target === undefined ? [] : this.#options.writer.warnings(target),
    };
  }

  #note(order: ShiftOrder, plan: ShiftPlan): void {
    const { namespace, virtualService, weights, reason, actor } = order;
    const { route, before } = plan;
    const at = Date.now();
    const record = {
      at,
      namespace,
      virtualService,
      route: route.route,
      before,
      weights,
      actor,
      ...(reason !== undefined && { reason }),
    };
    this.#history.push(record);
    if (this.#history.length > MAX_HISTORY) this.#history.shift();
    this.#options.onShift(record);
  }

  #find(namespace: string, name: string): ShiftTarget | undefined {
    const key = resourceKey({ kind: 'VirtualService', namespace, name });
    const good = this.#options.objects.get(key)?.good;
    return good?.version.resource.kind === 'VirtualService' ? { key, good, service: good.version.resource } : undefined;
  }

  #notFound({ namespace, virtualService }: ShiftOrder): ShiftRefused {
    const key = resourceKey({ kind: 'VirtualService', namespace, name: virtualService });
    if (this.#options.objects.get(key) !== undefined)
      return refused(
        'conflict',
        `VirtualService ${namespace}/${virtualService} has never been served. ${this.#quarantineReason(key)}`,
      );
    return refused('not-found', `There is no VirtualService ${virtualService} in namespace ${namespace}.`);
  }

  #quarantineReason(key: ResourceKey): string {
    const problem = this.#options
      .problems()
      .find(({ object, severity }) => severity === 'error' && object && resourceKey(object) === key);
    const { file = '', line = 0 } = problem?.position ?? {};
    // An object of a cluster has no lines.
    const place = file === '' ? '' : ` (${file.startsWith(CLUSTER_FILE) ? file : `${file}:${line}`})`;
    if (problem === undefined)
      return 'The object is broken, or waits for another one: look at the problems, mend it, then try again.';
    return `Its newest version has a problem${place}: ${problem.message} Mend it, then try again.`;
  }
}

/** Written, it would only wait: for a minute at most for endpoints, and then turn requests into errors. */
function notYet(objections: readonly string[]): string {
  return `Nothing was written, since these weights could not be served now: ${objections.join(' ')} Mend that, then shift; weights that are set in the object itself wait for it (see MG1007).`;
}

/** Strong: two objects of equal content have the same tag. */
function etagOf(fingerprint: string): string {
  return `"${fingerprint.slice(0, 16)}"`;
}

function refused(
  kind: ShiftRefused['kind'],
  message: string,
  details: Partial<Omit<ShiftRefused, 'ok' | 'kind' | 'message'>> = {},
): ShiftRefused {
  return { ...details, ok: false, kind, message };
}
