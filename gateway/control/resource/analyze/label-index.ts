import type { Labels } from '../resource.ts';

type Labelled = { readonly namespace: string; readonly labels: Labels };

/** Finds workloads by labels without looking at all of them: it starts from the rarest label. */
export class LabelIndex {
  readonly #byLabel = new Map<string, Labelled[]>();
  readonly #byNamespace = new Map<string, Labelled[]>();

  add(workload: Labelled): void {
    push(this.#byNamespace, workload.namespace, workload);
    for (const [name, value] of Object.entries(workload.labels))
      push(this.#byLabel, `${workload.namespace}/${name}=${value}`, workload);
  }

  /** True when some workload of the namespace carries all labels of all selectors. */
  some(namespace: string, ...selectors: readonly Labels[]): boolean {
    const wanted = selectors.flatMap((selector) => Object.entries(selector));
    let candidates = this.#byNamespace.get(namespace) ?? [];
    for (const [name, value] of wanted) {
      const bucket = this.#byLabel.get(`${namespace}/${name}=${value}`) ?? [];
      if (bucket.length < candidates.length) candidates = bucket;
    }
    return candidates.some((workload) => wanted.every(([name, value]) => workload.labels[name] === value));
  }
}

function push<V>(map: Map<string, V[]>, key: string, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
