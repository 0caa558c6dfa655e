import { serviceHost } from '../host-names.ts';
import type { GatewayResource, SecretResource, ServiceEntryResource, ServiceResource } from '../resource.ts';
import { suggestion } from '../suggestion.ts';
import { GatewayHosts } from './gateway-hosts.ts';
import type { AnalyzeOptions } from './options.ts';

type Named = GatewayResource | SecretResource | ServiceResource | ServiceEntryResource;
type Candidates = readonly (readonly Named[])[];

/** A suggestion compares with every candidate: for a person's typos, not for ten thousand objects. */
const MAX_CANDIDATES = { whole: 200, partial: 2_000 } as const;
/** Of one validation, which lasts no longer for a folder that is wrong everywhere. */
const MAX_SUGGESTIONS_OF_PART = 50;

/** What is worked out once, though the checks of thousands of objects ask for it. Decides nothing. */
export class AnalysisMemory {
  readonly #hosts = new WeakMap<GatewayResource, GatewayHosts>();
  /** By the first list of candidates, which is another one when something in it changes. */
  readonly #suggestions = new WeakMap<
    readonly Named[],
    { readonly from: Candidates; readonly texts: Map<string, string> }
  >();
  #suggestionsOfPart = 0;

  hostsOf(gateway: GatewayResource): GatewayHosts {
    let hosts = this.#hosts.get(gateway);
    if (hosts === undefined) this.#hosts.set(gateway, (hosts = new GatewayHosts(gateway)));
    return hosts;
  }

  suggest(name: string, candidates: Candidates, { scope }: AnalyzeOptions): string {
    const count = candidates.reduce((sum, list) => sum + list.length, 0);
    if (count === 0 || count > MAX_CANDIDATES[scope]) return '';
    const texts = this.#textsFor(candidates);
    let text = texts.get(name);
    if (text === undefined) texts.set(name, (text = this.#compare(name, candidates, scope)));
    return text;
  }

  #compare(name: string, candidates: Candidates, scope: AnalyzeOptions['scope']): string {
    if (scope === 'partial' && this.#suggestionsOfPart++ >= MAX_SUGGESTIONS_OF_PART) return '';
    return suggestion(
      name,
      candidates.flatMap((list) => list.flatMap(namesOf)),
    );
  }

  #textsFor(candidates: Candidates): Map<string, string> {
    const first = candidates[0] as readonly Named[];
    const known = this.#suggestions.get(first);
    if (known?.from.every((list, index) => list === candidates[index])) return known.texts;
    const texts = new Map<string, string>();
    this.#suggestions.set(first, { from: candidates, texts });
    return texts;
  }
}

function namesOf(resource: Named): readonly string[] {
  if (resource.kind === 'ServiceEntry') return resource.spec.hosts;
  const { namespace, name } = resource;
  return [resource.kind === 'Service' ? serviceHost(name, namespace) : `${namespace}/${name}`];
}
