import { type Document, isAlias, isScalar, type LineCounter, type Node } from 'yaml';

/** One thing wrong with the settings, in words that say how to mend it. Line and column count from 1. */
export type SettingsProblem = {
  /** Dotted path: `timeouts.header`; empty when the file as a whole is meant. */
  readonly field: string;
  readonly message: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
};

/** What a field's reader stands on: its dotted path, and where its key stands if it has no value of its own. */
export type Place = { readonly path: string; readonly keyOffset: number };

/** The state of reading one settings file: collects every problem and remembers where each field stood. */
export class Reading {
  readonly problems: SettingsProblem[] = [];
  readonly #file: string;
  readonly #document: Document;
  readonly #lines: LineCounter;
  readonly #offsets = new Map<string, number>();

  constructor(source: { file: string; document: Document; lines: LineCounter }) {
    this.#file = source.file;
    this.#document = source.document;
    this.#lines = source.lines;
  }

  /** Follows an alias (`*name`) to what it stands for, and takes an empty value for null. */
  resolve(node: unknown): Node | null {
    const target = isAlias(node) ? node.resolve(this.#document) : node;
    if (target === undefined || target === null) return null;
    if (isScalar(target) && target.value === null) return null;
    return target as Node;
  }

  remember(place: Place, node: Node | null): void {
    this.#offsets.set(place.path, node?.range?.[0] ?? place.keyOffset);
  }

  /** Whether the file itself sets the field, rather than a default. */
  isSet(path: string): boolean {
    return this.#offsets.has(path);
  }

  report(path: string, message: string, offset = this.#offsets.get(path) ?? 0): void {
    const { line, col } = this.#lines.linePos(offset);
    this.problems.push({ field: path, message, file: this.#file, line: Math.max(line, 1), column: Math.max(col, 1) });
  }
}
