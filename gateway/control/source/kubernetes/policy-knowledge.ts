// Promises: which kinds that may guard hosts were never read, in this life or before; and what has been read, to be kept.
// Never: takes a kind for absent because nobody could tell, forgets what was read because of a failure.
// Called by: kubernetes-source.ts, whenever a kind fares otherwise than before.
import type { UnreadPolicy } from '../../resource/policies/unread.ts';
import { POLICY_KINDS } from '../../resource/resource.ts';
import type { PolicyReads, UnreadPolicies } from '../source.ts';
import type { WatchedKindState } from './watched-kind-state.ts';
import type { WatchedScope } from './watched-scope.ts';

export type PolicyKnowledgeOptions = {
  readonly kinds: readonly WatchedKindState[];
  readonly gateway: { readonly namespace: string; readonly rootNamespace: string };
  /** What was read before a restart, and is known from then. */
  readonly before: PolicyReads;
  /** Whether what began at that time (of the monotonic clock) is not just a moment. */
  readonly isLasting: (since: number) => boolean;
  readonly now: () => number;
};

/** All namespaces. */
const ALL = '';

const guards: ReadonlySet<string> = new Set(POLICY_KINDS);

/** What is known of the kinds that may guard hosts. */
export class PolicyKnowledge {
  readonly #kinds: readonly WatchedKindState[];
  readonly #routes: readonly WatchedKindState[];
  readonly #namespaces: readonly string[];
  readonly #options: Pick<PolicyKnowledgeOptions, 'isLasting' | 'now'>;
  #reads: PolicyReads;
  /**
   * Kinds of which all was known while something was routed, and since when that is so no more: a CRD that comes beside
   * those of the routes has no objects yet.
   */
  readonly #known = new Map<string, number | undefined>();

  constructor({ kinds, gateway, before, ...options }: PolicyKnowledgeOptions) {
    this.#kinds = kinds.filter(({ kind }) => guards.has(kind.kind));
    this.#routes = kinds.filter(({ kind }) => kind.kind === 'VirtualService');
    this.#namespaces = [gateway.namespace, gateway.rootNamespace];
    this.#options = options;
    this.#reads = before;
  }

  /** How it stands now. */
  look(): Required<UnreadPolicies> {
    const reads = this.#kinds.map((state) => [state.kind.kind, this.#readsOf(state)] as const);
    this.#reads = Object.fromEntries(reads);
    return { unread: this.#kinds.flatMap((state) => this.#unreadOf(state)), read: this.#reads };
  }

  /** A first list is on its way: to be looked at again in a moment. */
  get isWaiting(): boolean {
    return this.#known.values().some((since) => since !== undefined);
  }

  #readsOf({ kind, presence, scopes }: WatchedKindState): readonly string[] | 'absent' {
    const before = this.#reads[kind.kind] ?? [];
    // That there was no such kind says nothing of the kind that there is now.
    const known = before === 'absent' ? [] : before;
    if (presence === 'unknown') return before;
    // What was read before is held while its kind is away: an API server that has just started lacks some.
    if (presence === 'absent' && known.length === 0) return 'absent';
    if (presence !== 'served') return known;
    const read = [...scopes].flatMap(([name, { isListed }]) => (isListed ? [name] : partOf(known, name)));
    return [...new Set(read)].sort();
  }

  #unreadOf(state: WatchedKindState): UnreadPolicy[] {
    const { kind } = state.kind;
    const reads = this.#reads[kind] ?? [];
    const isRead = (namespace: string): boolean => reads.includes(ALL) || reads.includes(namespace);
    if (reads === 'absent' || this.#namespaces.every(isRead)) {
      // Where nothing is routed, nobody is hurt by waiting for a first list.
      if (this.#isRouting()) this.#known.set(kind, undefined);
      else this.#known.delete(kind);
      return [];
    }
    const open = [...state.scopes.values()].filter(
      ({ namespace }) => namespace === undefined || (this.#namespaces.includes(namespace) && !isRead(namespace)),
    );
    if (state.presence === 'served' && this.#isJustComing(kind, open)) return [];
    this.#known.delete(kind);
    return [{ kind: 'unread', policy: kind, why: whyUnread(state, open) }];
  }

  #isRouting(): boolean {
    return this.#routes.some(({ presence }) => presence === 'served');
  }

  /** Its first list may take a moment. While nobody answers at all, nothing becomes known, and nothing less. */
  #isJustComing(kind: string, open: readonly WatchedScope[]): boolean {
    if (!this.#known.has(kind)) return false;
    const { isLasting, now } = this.#options;
    const since = this.#known.get(kind) ?? now();
    this.#known.set(kind, since);
    return open.every(({ failure }) =>
      failure === undefined ? !isLasting(since) : failure.error.status === 0 || !isLasting(failure.since),
    );
  }
}

/** Of what was read before, what lies in one namespace, or in all. */
function partOf(known: readonly string[], name: string): readonly string[] {
  if (name === ALL) return known;
  return known.includes(ALL) || known.includes(name) ? [name] : [];
}

function whyUnread(
  { kind: { kind, group, versions }, presence }: WatchedKindState,
  open: readonly WatchedScope[],
): string {
  if (presence === 'unknown') return `The cluster could not be asked yet whether it has ${kind} objects.`;
  if (presence === 'unreadable')
    return `The cluster serves ${kind} of ${group} in none of the versions that are read here (${versions.join(', ')}): serve one of them, or update the gateway.`;
  const scope = open.find(({ failure }) => failure !== undefined) ?? open[0];
  const where = scope?.namespace === undefined ? '' : ` in namespace ${scope.namespace}`;
  const error = scope?.failure?.error;
  if (scope === undefined || error === undefined) return `The ${kind} objects${where} have not been read yet.`;
  const reason = error.message.replace(/\.$/, '');
  if (error.status !== 403) return `The ${kind} objects${where} could not be read yet: ${reason}. It is tried again.`;
  const rule = `{apiGroups: [${group}], resources: [${scope.resource.plural}], verbs: [list, watch]}`;
  return `The ${kind} objects${where} may not be read: ${reason}. Let the gateway's account list and watch them: kubectl apply -f config/cluster, or add the rule ${rule} to its ClusterRole.`;
}
