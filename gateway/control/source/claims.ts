import type { Problem } from '../../snapshot/problem.ts';
import type { UnreadPolicy } from '../resource/policies/unread.ts';
import { isPolicyKey, type ResourceKey } from '../resource/resource.ts';
import { comparePaths } from './file-names.ts';
import { definedBy, type ObjectFile } from './object-file.ts';
import type { ObjectVersion, SourceEvent } from './source.ts';

type Claim = { readonly file: string; readonly order: number; readonly object: ObjectVersion | 'held' };

/**
 * Which file speaks for an object: the first by path, then the first in the file. Any further definition is a Problem.
 * Turns changed files into events per object. Costs what the changed file holds, not what the folder holds.
 */
export class Claims {
  readonly #claims = new Map<ResourceKey, Claim[]>();
  readonly #told = new Map<ResourceKey, ObjectVersion | 'held'>();
  readonly #duplicates = new Map<ResourceKey, readonly Problem[]>();
  readonly #ignored = new Map<ResourceKey, readonly UnreadPolicy[]>();

  /** Takes over what is known from before a restart: nothing is told for it, until it changes. */
  adopt(file: ObjectFile): void {
    for (const key of file.held) {
      this.#add(key, { file: file.path, order: 0, object: 'held' });
      this.#told.set(key, 'held');
    }
  }

  /** Replaces what a file says; `after` undefined: it is gone. */
  replace(before: ObjectFile | undefined, after: ObjectFile | undefined): ResourceKey[] {
    const touched = new Set([...definedBy(before), ...definedBy(after)]);
    for (const key of definedBy(before)) this.#dropFile(key, before?.path ?? '');
    after?.objects.forEach((object, order) => this.#add(object.key, { file: after.path, order, object }));
    for (const key of after?.held ?? []) this.#add(key, { file: after?.path ?? '', order: -1, object: 'held' });
    return [...touched];
  }

  /** What is new to tell about `keys`, which one or more replacements touched. */
  tell(keys: Iterable<ResourceKey>): SourceEvent[] {
    const events: SourceEvent[] = [];
    for (const key of keys) {
      const [winner, ...others] = this.#claims.get(key) ?? [];
      this.#noteDuplicates(key, winner, others);
      const told = this.#told.get(key);
      if (winner === undefined) {
        if (told !== undefined) events.push({ type: 'remove', key });
        this.#told.delete(key);
      } else if (winner.object !== told) {
        this.#told.set(key, winner.object);
        if (winner.object !== 'held') events.push({ type: 'upsert', object: winner.object });
      }
    }
    return events;
  }

  /** Objects that are defined more than once. */
  duplicates(): Problem[] {
    return [...this.#duplicates.values()].flat();
  }

  /** Other definitions of objects that may guard hosts, which are not obeyed and say something else. */
  ignoredPolicies(): UnreadPolicy[] {
    return [...this.#ignored.values()].flat();
  }

  /** Number of objects. */
  get size(): number {
    return this.#claims.size;
  }

  #add(key: ResourceKey, claim: Claim): void {
    const claims = this.#claims.get(key);
    if (claims === undefined) {
      this.#claims.set(key, [claim]);
      return;
    }
    claims.push(claim);
    claims.sort((a, b) => comparePaths(a.file, b.file) || a.order - b.order);
  }

  #dropFile(key: ResourceKey, file: string): void {
    const rest = (this.#claims.get(key) ?? []).filter((claim) => claim.file !== file);
    if (rest.length === 0) this.#claims.delete(key);
    else this.#claims.set(key, rest);
  }

  #noteDuplicates(key: ResourceKey, winner: Claim | undefined, others: readonly Claim[]): void {
    const problems = others.flatMap((claim) => (claim.object === 'held' ? [] : [duplicate(claim.object, winner)]));
    if (problems.length === 0) this.#duplicates.delete(key);
    else this.#duplicates.set(key, problems);
    const ignored = isPolicyKey(key) ? others.flatMap((claim) => ignoredBeside(claim, winner)) : [];
    if (ignored.length === 0) this.#ignored.delete(key);
    else this.#ignored.set(key, ignored);
  }
}

function ignoredBeside({ object }: Claim, winner: Claim | undefined): UnreadPolicy[] {
  if (object === 'held') return [];
  if (winner !== undefined && winner.object !== 'held' && winner.object.fingerprint === object.fingerprint) return [];
  const { key, position } = object;
  const [, namespace = ''] = key.split('/');
  return [{ kind: 'unread', policy: key, namespaces: [namespace], why: duplicate(object, winner).message, position }];
}

function duplicate(object: ObjectVersion, winner: Claim | undefined): Problem {
  const [kind = '', namespace = '', name = ''] = object.key.split('/');
  const line = winner === undefined || winner.object === 'held' ? '' : `:${winner.object.position.line}`;
  return {
    severity: 'error',
    code: 'MG0006',
    message: `${kind} ${namespace === '' ? '' : `${namespace}/`}${name} is already defined in ${winner?.file ?? '?'}${line}; that one counts, this one is ignored. Keep one of the two.`,
    object: { kind, namespace, name },
    position: object.position,
  };
}
