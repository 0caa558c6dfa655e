import type { Problem } from '../../snapshot/problem.ts';
import { type ResourceKey, resourceKey } from '../resource/resource.ts';

/** The list of many problems is grouped at most this often. */
const MANY = 1_000;
const MANY_MS = 1_000;

/** The list of all problems by object, and which objects have others than before. */
export class ObjectProblems {
  #list: readonly Problem[] | undefined;
  #byObject = new Map<ResourceKey, readonly Problem[]>();
  #comparedAt = Number.NEGATIVE_INFINITY;

  get(key: ResourceKey): readonly Problem[] {
    return this.#byObject.get(key) ?? [];
  }

  keys(): Iterable<ResourceKey> {
    return this.#byObject.keys();
  }

  isBroken(key: ResourceKey): boolean {
    return this.get(key).some(({ severity }) => severity === 'error');
  }

  /** True once a list was taken. */
  get isKnown(): boolean {
    return this.#list !== undefined;
  }

  /** Takes the list as it is now; undefined when it is too early for another long one, else the objects that have others now. */
  compare(problems: () => readonly Problem[], now: number): ResourceKey[] | undefined {
    if ((this.#list?.length ?? 0) > MANY && now - this.#comparedAt < MANY_MS) return undefined;
    const list = problems();
    // The list is the very same while nothing in it has changed.
    if (list === this.#list) return [];
    this.#comparedAt = now;
    this.#list = list;
    const before = this.#byObject;
    const ofObjects = list.filter(({ object }) => object !== undefined);
    this.#byObject = Map.groupBy(ofObjects, ({ object }) => (object === undefined ? '' : resourceKey(object)));
    return [...new Set([...before.keys(), ...this.#byObject.keys()])].filter(
      (key) => !isSame(before.get(key), this.#byObject.get(key)),
    );
  }
}

function isSame(a: readonly Problem[] = [], b: readonly Problem[] = []): boolean {
  return (
    a === b || (a.length === b.length && a.every((one, index) => one === b[index] || textOf(one) === textOf(b[index])))
  );
}

function textOf(problem: Problem | undefined): string {
  return problem === undefined ? '' : `${problem.severity} ${problem.code} ${problem.field} ${problem.message}`;
}
