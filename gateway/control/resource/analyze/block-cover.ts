// Promises: of a block's requests, whether an earlier block takes all of them; a yes is certain, a no is not.
// Never: costs more than a look at each length of prefix that there is, however many blocks there are.
// Called by: the check of the order of rules.
import type { NamedMatch, StringMatch } from '../../../snapshot/route.ts';
import type { HttpMatch } from '../istio/virtual-service.ts';

type Seen = { readonly rule: number; readonly block: HttpMatch };

/** Blocks under one prefix that a new one is compared with; people write a handful. */
const MAX_COMPARED = 64;

/** The blocks so far, in their order. */
export class SeenBlocks {
  readonly #same = new Map<string, Seen>();
  /** Blocks that take whole parts of the paths, by prefix; under '' those that take every path. */
  readonly #byPrefix = new Map<string, Seen[]>();
  readonly #lengths = new Set<number>();

  /** Gives the earlier block that takes all requests of this one; remembers this one if there is none. */
  add(rule: number, block: HttpMatch): Seen | undefined {
    const same = sameness(block);
    const earlier = this.#same.get(same) ?? this.#cover(block);
    if (earlier === undefined) this.#remember(same, { rule, block });
    return earlier;
  }

  #cover(block: HttpMatch): Seen | undefined {
    const path = pathsOf(block.uri);
    for (const length of this.#lengths) {
      if (length > path.length) continue;
      const found = this.#byPrefix.get(path.slice(0, length))?.find((one) => covers(one.block, block));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #remember(same: string, seen: Seen): void {
    this.#same.set(same, seen);
    const { uri } = seen.block;
    if (!takesEveryPath(uri) && (uri?.kind !== 'prefix' || uri.ignoreCase === true)) return;
    const prefix = takesEveryPath(uri) ? '' : (uri?.value ?? '');
    const list = this.#byPrefix.get(prefix) ?? [];
    if (list.length < MAX_COMPARED) list.push(seen);
    this.#byPrefix.set(prefix, list);
    this.#lengths.add(prefix.length);
  }
}

/** Istio's IsCatchAllRoute: no condition but a path that every request has. */
export function isCatchAll(match: HttpMatch): boolean {
  const { uri, headers, withoutHeaders, queryParams } = match;
  if (headers.length + withoutHeaders.length + queryParams.length > 0) return false;
  if (match.scheme ?? match.method ?? match.authority ?? match.port ?? match.gateways) return false;
  return takesEveryPath(uri);
}

function takesEveryPath(uri: StringMatch | undefined): boolean {
  if (uri === undefined || uri.kind === 'present') return true;
  return uri.kind === 'prefix' ? uri.value === '/' || uri.value === '' : uri.kind === 'regex' && uri.value === '.*';
}

/** What surely stands at the beginning of every path that a condition takes. */
function pathsOf(uri: StringMatch | undefined): string {
  return (uri?.kind === 'exact' || uri?.kind === 'prefix') && uri.ignoreCase !== true ? uri.value : '';
}

/** True when every condition of `wide`, whose path is known to do, is one of `narrow`. */
function covers(wide: HttpMatch, narrow: HttpMatch): boolean {
  for (const name of ['scheme', 'method', 'authority', 'port', 'gateways'] as const)
    if (wide[name] !== undefined && JSON.stringify(wide[name]) !== JSON.stringify(narrow[name])) return false;
  return (['headers', 'withoutHeaders', 'queryParams'] as const).every((name) => contains(narrow[name], wide[name]));
}

function contains(conditions: readonly NamedMatch[], wanted: readonly NamedMatch[]): boolean {
  return wanted.every((one) => conditions.some((other) => JSON.stringify(other) === JSON.stringify(one)));
}

function sameness({ index: _index, ...conditions }: HttpMatch): string {
  return JSON.stringify(conditions);
}
