import type { Finding } from '../codes.ts';
import type { FieldPath } from '../resource.ts';
import type { ReadContext } from './read-context.ts';

/** A value at its place in an object. Paths are built only when something is reported. */
export class At {
  readonly value: unknown;
  readonly context: ReadContext;
  /** Field name, or index in a list. */
  readonly key: string | number;
  readonly #parent: At | undefined;

  constructor(value: unknown, context: ReadContext, key: string | number = '', parent?: At) {
    this.value = value;
    this.context = context;
    this.key = key;
    this.#parent = parent;
  }

  child(key: string | number, value: unknown): At {
    return new At(value, this.context, key, this);
  }

  /** Another value at the same place: a part of it that is read on its own. */
  sibling(value: unknown): At {
    return new At(value, this.context, this.key, this.#parent);
  }

  get path(): FieldPath {
    return this.#parent === undefined ? [] : [...this.#parent.path, this.key];
  }

  /** The path with list indexes left open: `spec.http[].route[].weight`. */
  get pattern(): string {
    return patternOf(this.path);
  }

  /** Reports something about the value; points at the value. */
  report(finding: Finding): undefined {
    this.context.report(this.path, finding, 'value');
    return undefined;
  }

  /** Reports something about the field itself (unknown, not honoured, missing inside); points at its key. */
  reportKey(finding: Finding): undefined {
    this.context.report(this.path, finding, 'key');
    return undefined;
  }
}

function patternOf(path: FieldPath): string {
  let text = '';
  for (const step of path) text += typeof step === 'number' ? '[]' : text === '' ? step : `.${step}`;
  return text;
}
