import type { Problem } from '../../snapshot/problem.ts';
import type { ResourceKey } from '../resource/resource.ts';
import type { Condition } from './condition.ts';

/** So often somebody else may overwrite the condition of one object before it is left to them. */
export const MAX_OVERWRITES = 3;
const MAX_NAMED = 5;

/** Notices another writer of our conditions, and ends the quarrel by giving in. */
export class Overwrites {
  readonly #written = new Map<ResourceKey, Condition | undefined>();
  readonly #counts = new Map<ResourceKey, { readonly generation: number; readonly count: number }>();

  wrote(key: ResourceKey, condition: Condition | undefined): void {
    this.#written.set(key, condition);
  }

  /** What an object carries; counted once for each of our writes. */
  seen(key: ResourceKey, condition: Condition | undefined, generation: number): void {
    if (!this.#written.has(key) || isSame(this.#written.get(key), condition)) return;
    this.#written.delete(key);
    const before = this.#counts.get(key);
    const count = before?.generation === generation ? before.count + 1 : 1;
    this.#counts.set(key, { generation, count });
  }

  gone(key: ResourceKey): void {
    this.#written.delete(key);
    this.#counts.delete(key);
  }

  /** Until somebody changes the object itself. */
  isGivenUp(key: ResourceKey, generation: number): boolean {
    const found = this.#counts.get(key);
    return found !== undefined && found.generation === generation && found.count >= MAX_OVERWRITES;
  }

  problems(): Problem[] {
    const names = [...this.#counts].filter(([, { count }]) => count >= MAX_OVERWRITES).map(([key]) => key);
    if (names.length === 0) return [];
    const more = names.length > MAX_NAMED ? ` and ${names.length - MAX_NAMED} more` : '';
    return [
      {
        severity: 'warning',
        code: 'MG1403',
        message: `Somebody else overwrites the condition that this gateway writes into the status of ${names.slice(0, MAX_NAMED).join(', ')}${more}: it is left to them until the object is changed. Other appliances that share these objects need the same settings and the same namespace; else let the other writer keep conditions that are not its own.`,
      },
    ];
  }
}

function isSame(a: Condition | undefined, b: Condition | undefined): boolean {
  return a?.status === b?.status && a?.reason === b?.reason && a?.message === b?.message;
}
