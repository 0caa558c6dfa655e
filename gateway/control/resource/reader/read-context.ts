import type { ObjectRef, Problem } from '../../../snapshot/problem.ts';
import type { Finding } from '../codes.ts';
import { formatPath } from '../field-path.ts';
import type { FieldPath } from '../resource.ts';
import type { YamlDocument } from '../yaml-documents.ts';
import type { Unhonoured } from './reader.ts';

/** Where an object comes from decides how an unknown field counts: a folder's author can mend it, a cluster pruned it. */
export type Strictness = 'folder' | 'cluster';

/** Everything the field readers of one object share: where to report, and what is known of the kind. */
export class ReadContext {
  readonly problems: Problem[] = [];
  readonly document: YamlDocument;
  readonly strictness: Strictness;
  readonly object: ObjectRef;
  readonly apiVersion: string;
  /** Known fields of the kind that are not honoured yet, by path pattern. */
  readonly unhonoured: ReadonlyMap<string, Unhonoured>;

  constructor(options: {
    readonly document: YamlDocument;
    readonly strictness: Strictness;
    readonly object: ObjectRef;
    readonly apiVersion: string;
    readonly unhonoured: ReadonlyMap<string, Unhonoured>;
  }) {
    this.document = options.document;
    this.strictness = options.strictness;
    this.object = options.object;
    this.apiVersion = options.apiVersion;
    this.unhonoured = options.unhonoured;
  }

  /** True while nothing has been found that keeps the object from being served. */
  get clean(): boolean {
    return this.problems.every((problem) => problem.severity !== 'error');
  }

  report(path: FieldPath, finding: Finding, part: 'key' | 'value' = 'value'): void {
    this.problems.push({
      severity: finding.severity ?? 'error',
      code: finding.code ?? (finding.severity === undefined || finding.severity === 'error' ? 'IST0106' : 'IST0133'),
      message: finding.message,
      object: this.object,
      ...(path.length > 0 && { field: formatPath(path) }),
      position: this.document.positionOf(path, part),
    });
  }
}
