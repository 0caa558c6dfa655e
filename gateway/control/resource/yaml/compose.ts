import { Composer, type CST, type Document, Parser, type ScalarTag } from 'yaml';

/** Deeper nesting than any object needs; the composer is recursive, so it must not see more. */
const MAX_DEPTH = 100;

/**
 * kubectl reads YAML 1.1 booleans (`yes`, `on`, ...). So do we: `version: on` without quotes is then the type error that
 * the API server would give, instead of a label that changes its meaning on the way to a cluster.
 */
const booleanTag: ScalarTag = {
  tag: 'tag:yaml.org,2002:bool',
  default: true,
  identify: (value) => typeof value === 'boolean',
  test: /^(?:y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON|n|N|no|No|NO|false|False|FALSE|off|Off|OFF)$/,
  resolve: (text) => /^(?:y|t|on)/i.test(text),
};

const OPTIONS = {
  prettyErrors: false,
  // Keys are strings in every Kubernetes object; also keeps a collection from being a key.
  stringKeys: true,
  merge: true,
  resolveKnownTags: false,
  logLevel: 'error',
  customTags: (tags: unknown[]) => [booleanTag, ...(tags as ScalarTag[]).filter((tag) => tag.tag !== booleanTag.tag)],
} as const;

/** What a text holds: its documents, and the places where nesting was too deep to look at. */
export type Composed = {
  readonly documents: readonly Document.Parsed[];
  readonly tooDeep: readonly number[];
};

/** Parses a text; syntax errors are in each document's `errors`. */
export function compose(text: string): Composed {
  const composer = new Composer(OPTIONS);
  const documents: Document.Parsed[] = [];
  const tooDeep: number[] = [];
  for (const token of new Parser().parse(text)) {
    if (token.type === 'document' && isTooDeep(token)) tooDeep.push(token.offset);
    else documents.push(...composer.next(token));
  }
  documents.push(...composer.end(false, text.length));
  return { documents, tooDeep };
}

/** Walks the concrete syntax without recursion. */
function isTooDeep(document: CST.Document): boolean {
  let level: CST.Token[] = document.value === undefined ? [] : [document.value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) return true;
    const next: CST.Token[] = [];
    for (const token of level) {
      if (!('items' in token)) continue;
      for (const item of token.items) {
        if (item.key) next.push(item.key);
        if (item.value) next.push(item.value);
      }
    }
    level = next;
  }
  return false;
}
