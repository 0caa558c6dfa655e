/**
 * Finds every stored prefix of a string in O(log n) comparisons plus one step per nested prefix, so that a host with
 * thousands of prefix routes costs about what a host with one costs.
 */
export class PrefixTable<V> {
  readonly #nodes: readonly PrefixNode<V>[];

  constructor(entries: Iterable<readonly [prefix: string, value: V]>) {
    const sorted = [...entries].toSorted(([a], [b]) => (a < b ? -1 : 1));
    const nodes: PrefixNode<V>[] = [];
    let previous: PrefixNode<V> | undefined;
    for (const [prefix, value] of sorted) {
      previous = { prefix, value, parent: enclosing(previous, prefix) };
      nodes.push(previous);
    }
    this.#nodes = nodes;
  }

  get size(): number {
    return this.#nodes.length;
  }

  /** The longest stored prefix of `text`; follow `parent` for the shorter ones. */
  longest(text: string): PrefixNode<V> | undefined {
    return enclosing(this.#lastNotAfter(text), text);
  }

  #lastNotAfter(text: string): PrefixNode<V> | undefined {
    let low = 0;
    let high = this.#nodes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#nodes[middle] as PrefixNode<V>).prefix <= text) low = middle + 1;
      else high = middle;
    }
    return this.#nodes[low - 1];
  }
}

export type PrefixNode<V> = {
  readonly prefix: string;
  readonly value: V;
  /** The longest stored prefix of this prefix. */
  readonly parent: PrefixNode<V> | undefined;
};

/**
 * Any stored prefix of `text` sorts before it, and everything sorted between the two starts with that prefix. So from
 * the neighbour on the left, the chain of parents passes through all of them.
 */
function enclosing<V>(neighbour: PrefixNode<V> | undefined, text: string): PrefixNode<V> | undefined {
  let node = neighbour;
  while (node !== undefined && !text.startsWith(node.prefix)) node = node.parent;
  return node;
}
