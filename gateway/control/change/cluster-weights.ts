// Promises: weights written into the VirtualService in its cluster, only if its rule is the one that was decided on.
// Never: replaces more than the weights, writes over what somebody else has written, repeats a write that may have arrived.
// Called by: the shifter, where objects come from a cluster. Several nodes may call at once: the API server decides.
import type { ApiClient } from '../kubernetes/api-client.ts';
import { ApiError } from '../kubernetes/api-error.ts';
import { FIELD_MANAGER } from '../kubernetes/field-manager.ts';
import { generationOf } from '../kubernetes/generation.ts';
import type { ResourceKey } from '../resource/resource.ts';
import type { StoredObject } from '../source/object-store.ts';
import type { ObjectVersion } from '../source/source.ts';
import { Arrivals } from './arrivals.ts';
import { conflictWith } from './cluster-conflict.ts';
import { managerWarnings } from './managed-by.ts';
import type { ShiftPlan } from './traffic.ts';
import {
  CannotWrite,
  type ShiftTarget,
  type WeightChange,
  type WeightWriter,
  type WrittenWeights,
} from './weight-writer.ts';
import {
  asSeen,
  hasWeights,
  indexOfNamed,
  type PatchOperation,
  type RawRule,
  ruleIn,
  takeBackPatch,
  weightsPatch,
} from './weights-patch.ts';

/** A patch or a look at the object; the answer to people waits for it. */
const REQUEST_MS = 5_000;
/** An API server that is busy with the same object says 409 without having looked at ours. */
const TRIES = 3;

export type ClusterWeightsOptions = {
  readonly api: Pick<ApiClient, 'request'>;
  readonly objects: { get(key: ResourceKey): StoredObject | undefined };
  /** An object of the API server as the source makes a version of it. */
  readonly read: (object: unknown) => ObjectVersion | undefined;
  /** Called after each write, to leave a trace that people find beside the object. */
  readonly onWritten: (target: ShiftTarget, change: WeightChange) => void;
};

/** Weights to write: the rule that was decided on, as written, and the plan with the place where it is now. */
type Task = {
  readonly target: ShiftTarget;
  readonly change: WeightChange;
  readonly rule: RawRule;
  readonly plan: ShiftPlan;
};

export class ClusterWeights implements WeightWriter {
  readonly #options: ClusterWeightsOptions;
  readonly #arrivals: Arrivals;

  constructor(options: ClusterWeightsOptions) {
    this.#options = options;
    this.#arrivals = new Arrivals(options.objects);
  }

  warnings({ service }: ShiftTarget): readonly string[] {
    return managerWarnings(service);
  }

  /** The source has told of this object. */
  noted(key: ResourceKey): void {
    this.#arrivals.noted(key);
  }

  async write(target: ShiftTarget, change: WeightChange): Promise<WrittenWeights> {
    const rule = ruleIn(target.good.version.raw, change.plan.route.index);
    if (rule === undefined)
      throw new CannotWrite('conflict', `${nameOf(target)} is not known as it is in the cluster.`);
    const { answer, plan } = await this.#patch({ target, change, rule, plan: change.plan });
    this.#options.onWritten(target, change);
    const written = this.#options.read(answer);
    return {
      fingerprint: written?.fingerprint ?? '',
      seen: (signal) => this.#arrivals.of(target.key, { version: written, generation: generationOf(answer) }, signal),
      takeBack: () => this.#takeBack(target, rule, plan),
    };
  }

  async #patch(task: Task): Promise<{ readonly answer: unknown; readonly plan: ShiftPlan }> {
    const { target, change, rule } = task;
    const seen = change.onlyAsSeen ? asSeen(target.good.version.raw) : [];
    let { plan } = task;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return { answer: await this.#send(apiPath(target), [...seen, ...weightsPatch(rule, plan)]), plan };
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        if (isUnknown(error)) return { answer: await this.#lookWhether({ ...task, plan }, error), plan };
        if (error.status !== 409 && error.status !== 422) throw whyNot(target, error);
        const now = await this.#look(target);
        const index = change.onlyAsSeen ? undefined : indexOfNamed(rule, now?.raw);
        const isMoved = index !== undefined && index !== plan.route.index;
        if (isMoved) plan = { ...plan, route: { ...plan.route, index } };
        const changed = isMoved ? undefined : conflictWith(target, { ...change, plan }, now);
        if (changed !== undefined) throw changed;
        if (error.status === 422 && !isMoved)
          throw new CannotWrite('not-writable', `The API server refuses the new weights: ${sentence(error)}`);
        if (attempt === TRIES)
          throw new CannotWrite(
            'conflict',
            `${nameOf(target)} is being changed by others all the time: nothing was written. Try again.`,
          );
      }
    }
  }

  /** Nobody said whether the weights were written: the object as it is now, if it has them. */
  async #lookWhether({ target, rule, plan }: Task, failure: ApiError): Promise<unknown> {
    try {
      const object = await this.#get(target);
      if (hasWeights(ruleIn(object, plan.route.index), rule, plan)) return object;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      throw notKnown(target, failure, 'and the object cannot be looked at now');
    }
    throw notKnown(target, failure, 'and the object does not have them now');
  }

  /** The object as it is now, where it is not what it was. */
  async #look(target: ShiftTarget): Promise<ObjectVersion | undefined> {
    try {
      return this.#options.read(await this.#get(target));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 404)
        throw new CannotWrite('conflict', `${nameOf(target)} was deleted meanwhile. Nothing was written.`);
      throw new CannotWrite(
        'conflict',
        `${nameOf(target)} is not what it was, and the API server does not say what it is now: ${sentence(error)} Nothing was written.`,
      );
    }
  }

  #get(target: ShiftTarget): Promise<unknown> {
    return this.#options.api.request({ method: 'GET', path: apiPath(target), timeoutMs: REQUEST_MS });
  }

  async #takeBack(target: ShiftTarget, rule: RawRule, plan: ShiftPlan): Promise<string> {
    try {
      await this.#send(apiPath(target), takeBackPatch(rule, plan));
      return 'The weights in the cluster are as they were before.';
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return error.status === 422 || error.status === 404
        ? 'The object was changed meanwhile and is left as it is.'
        : `They could not be taken back: ${sentence(error)} The cluster has the new weights.`;
    }
  }

  #send(path: string, operations: readonly PatchOperation[]): Promise<unknown> {
    return this.#options.api.request({
      method: 'PATCH',
      path,
      query: { fieldManager: FIELD_MANAGER },
      contentType: 'application/json-patch+json',
      body: operations,
      timeoutMs: REQUEST_MS,
    });
  }
}

/** The source keeps where an object is as `cluster:<path>`. */
function apiPath({ good }: ShiftTarget): string {
  return good.version.position.file.replace(/^cluster:/, '');
}

function nameOf({ service }: ShiftTarget): string {
  return `VirtualService ${service.namespace}/${service.name}`;
}

function whyNot(target: ShiftTarget, error: ApiError): CannotWrite {
  const name = nameOf(target);
  if (error.status === 404) return new CannotWrite('conflict', `${name} was deleted meanwhile. Nothing was written.`);
  if (error.status === 403 && !/admission webhook/i.test(error.message))
    return new CannotWrite(
      'not-writable',
      `The API server does not let this gateway change ${name}: ${sentence(error)} Its role needs the verb patch on virtualservices (config/cluster has it); or set the weights with kubectl.`,
    );
  if (error.status === 401)
    return new CannotWrite(
      'not-writable',
      `The API server does not take this gateway's credentials: ${sentence(error)}`,
    );
  if (error.status >= 400 && error.status < 429)
    return new CannotWrite('not-writable', `The API server refuses the new weights: ${sentence(error)}`);
  return new CannotWrite(
    'unavailable',
    `The API server cannot be asked to change ${name}: ${sentence(error)} Nothing was written. What is served stays as it is.`,
  );
}

/** To shift again is safe: the same weights a second time change nothing, and others first test what they find. */
function notKnown(target: ShiftTarget, error: ApiError, seen: string): CannotWrite {
  return new CannotWrite(
    'unavailable',
    `The API server did not say whether it has changed ${nameOf(target)}: ${sentence(error)} Whether the weights were written is not known, ${seen}; they may still arrive. Shift again: that is safe in either case.`,
  );
}

/** True when the request was sent, and nobody says what became of it. */
function isUnknown(error: ApiError): boolean {
  return error.status !== 429 && error.isOutage && !NOT_SENT.has(error.reason);
}

/** Failures before anything was sent. */
const NOT_SENT: ReadonlySet<string> = new Set(['NoAccess', 'Untrusted', 'Unreachable']);

function sentence({ message }: ApiError): string {
  return `${message.replace(/\.$/, '')}.`;
}
