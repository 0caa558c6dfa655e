// Promises: new weights written into the VirtualService's own file, and served by every worker when it says so.
// Never: writes anything that does not read back as asked, keeps weights beside the file, runs two changes at once.
// Called by: the admin API, by way of roles/control.ts.
import type { Problem } from '../../snapshot/problem.ts';
import { realTimers, type Timers } from '../../support/timers.ts';
import { readObject } from '../resource/read-object.ts';
import { type ResourceKey, resourceKey, type VirtualServiceResource } from '../resource/resource.ts';
import { type ParsedFile, parseYamlDocuments, type YamlDocument } from '../resource/yaml-documents.ts';
import { fingerprintOf } from '../source/object-file.ts';
import type { AcceptedVersion, StoredObject } from '../source/object-store.ts';
import { CannotEdit, editWeights } from './edit-yaml.ts';
import { CannotReplace, type ReadFile, readReplaceable, replaceFile } from './replace-file.ts';
import { planShift, type ShiftPlan, type TrafficRoute, trafficRoutes, type Weights } from './traffic.ts';

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
};

export type ShiftRefused = {
  readonly ok: false;
  readonly kind: 'not-found' | 'invalid' | 'precondition-failed' | 'conflict' | 'not-writable' | 'timeout';
  readonly message: string;
  readonly validKeys?: readonly string[];
  readonly routes?: readonly TrafficRoute[];
  readonly etag?: string;
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
  /** A file as the source has parsed it, to parse only what differs. */
  readonly parsed: (file: string) => ParsedFile | undefined;
  /** Makes the source look at a file now; resolves when it told what changed. */
  readonly refresh: (file: string) => Promise<void>;
  /** Resolves when everything told was published, or given up. */
  readonly settled: () => Promise<void>;
  /** `served`: by all workers; `newest`: handed out; `workers`: indexes of those that serve; `oldest`: the version of the last of them. */
  readonly fleet: () => { served: number; newest: number; oldest: number; workers: readonly number[] };
  /** Name of this node. */
  readonly node: string;
  readonly onShift: (record: ShiftRecord) => void;
  readonly timers?: Timers;
};

type Target = { readonly key: ResourceKey; readonly good: AcceptedVersion; readonly service: VirtualServiceResource };

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
    try {
      return await this.#write(order, target, plan);
    } catch (error) {
      if (error instanceof CannotEdit)
        return refused(
          'not-writable',
          `${error.message} The weights in ${target.good.version.position.file} cannot be set for you: edit them by hand.`,
        );
      if (error instanceof CannotReplace)
        return refused(error.kind === 'changed' ? 'conflict' : 'not-writable', error.message);
      throw error;
    }
  }

  async #write(order: ShiftOrder, target: Target, plan: ShiftPlan): Promise<ShiftDone | ShiftRefused> {
    const { file } = target.good.version.position;
    const read = await readReplaceable(file);
    const parsed = parseYamlDocuments(read.text, file, this.#options.parsed(file));
    const document = findObject(parsed, target);
    if (document === undefined)
      return refused(
        'conflict',
        `${file} does not hold the VirtualService as it is served: it was changed and is not loaded yet, or it is broken. Nothing was changed; look at the problems, then try again.`,
      );
    const edited = editWeights(read.text, parsed, document, { rule: plan.route.index, edits: plan.edits });
    await replaceFile(read, edited.text);
    this.#note(order, plan);
    return this.#confirm(order, target, plan, {
      read,
      text: edited.text,
      fingerprint: fingerprintOf(edited.document.value),
    });
  }

  async #confirm(
    order: ShiftOrder,
    target: Target,
    plan: ShiftPlan,
    written: { readonly read: ReadFile; readonly text: string; readonly fingerprint: string },
  ): Promise<ShiftDone | ShiftRefused> {
    const isInTime = await this.#within(CONFIRM_MS, async () => {
      await this.#options.refresh(written.read.path);
      await this.#options.settled();
    });
    if (!isInTime) return this.#timeout();
    const good = this.#options.objects.get(target.key)?.good?.version.fingerprint;
    if (good === written.fingerprint) return this.#done(order, plan, written.fingerprint, { changed: true });
    const reason = this.#quarantineReason(target.key);
    const isBack = await takeBack(written);
    const what = isBack
      ? 'The file is as it was before.'
      : `${written.read.path} was changed meanwhile and is left as it is.`;
    return refused('conflict', `The new weights could not be served. ${what} ${reason}`);
  }

  /** False when time ran out first. */
  async #within(ms: number, work: () => Promise<void>): Promise<boolean> {
    const { promise: late, resolve } = Promise.withResolvers<boolean>();
    const cancel = this.#timers.after(ms, () => resolve(false));
    const isInTime = await Promise.race([work().then(() => true), late]);
    cancel();
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
      source: this.#find(namespace, virtualService)?.good.version.position.file ?? '',
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

  #find(namespace: string, name: string): Target | undefined {
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
    const place = problem?.position === undefined ? '' : ` (${problem.position.file}:${problem.position.line})`;
    if (problem === undefined)
      return 'The object is broken, or waits for another one: look at the problems, mend it, then try again.';
    return `Its newest version has a problem${place}: ${problem.message} Mend it, then try again.`;
  }
}

/** The document that is served right now, if the file still holds it and can be read. */
function findObject({ documents }: ParsedFile, { key, good }: Target): YamlDocument | undefined {
  const { name } = good.version.resource;
  return documents.find(
    (document) =>
      isNamed(document.value, name) &&
      fingerprintOf(document.value) === good.version.fingerprint &&
      readObject(document, { defaultNamespace: 'default', strictness: 'folder' }).key === key,
  );
}

/** Spares the fingerprints of all others. */
function isNamed(value: unknown, name: string): boolean {
  const { metadata } = (value ?? {}) as { readonly metadata?: { readonly name?: unknown } };
  return metadata?.name === name;
}

/** Puts the text of before back, unless somebody else has written since. */
async function takeBack({ read, text }: { readonly read: ReadFile; readonly text: string }): Promise<boolean> {
  try {
    const now = await readReplaceable(read.path);
    if (now.text !== text) return false;
    await replaceFile(now, read.text);
    return true;
  } catch {
    return false;
  }
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
