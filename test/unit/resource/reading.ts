import assert from 'node:assert/strict';
import type { AnalyzeOptions } from '#gateway/control/resource/analyze/options.ts';
import { analyze } from '#gateway/control/resource/analyze.ts';
import { type ReadResult, readObject } from '#gateway/control/resource/read-object.ts';
import type { Resource, ResourceKind, ResourceOf } from '#gateway/control/resource/resource.ts';
import { parseYamlDocuments } from '#gateway/control/resource/yaml-documents.ts';
import type { Problem } from '#gateway/snapshot/problem.ts';

/** Reads every document of a text as the folder source does. */
export function readAll(text: string, strictness: 'folder' | 'cluster' = 'folder'): readonly ReadResult[] {
  const { documents, problems } = parseYamlDocuments(text, 'test.yaml');
  assert.deepEqual(problems, [], 'the YAML of a test must parse');
  return documents.map((document) => readObject(document, { defaultNamespace: 'default', strictness }));
}

/** Reads the one document of a text. */
export function readOne(text: string, strictness: 'folder' | 'cluster' = 'folder'): ReadResult {
  const [result, ...others] = readAll(text, strictness);
  assert.ok(result !== undefined && others.length === 0, 'one document is expected');
  return result;
}

/** The spec of the one document, which must be of that kind and without any problem but those of `allowed`. */
export function specOf<K extends ResourceKind>(
  kind: K,
  text: string,
  allowed: readonly string[] = [],
): ResourceOf<K>['spec'] {
  const { resource, problems } = readOne(text);
  assert.deepEqual(
    problems.filter(({ code }) => !allowed.includes(code)),
    [],
  );
  assert.equal(resource?.kind, kind);
  return (resource as ResourceOf<K>).spec;
}

/** `7:9 error MG0201 spec.http[0].wieght`: where, how bad, what. */
export function brief(problems: readonly Problem[]): string[] {
  return problems.map(({ position, severity, code, field }) =>
    [`${position?.line}:${position?.column}`, severity, code, ...(field === undefined ? [] : [field])].join(' '),
  );
}

/** What is found in all documents of a text together; reading them must find no error. */
export function analyzeText(text: string, options: Partial<AnalyzeOptions> = {}): Problem[] {
  const results = readAll(text);
  assert.deepEqual(
    results.flatMap(({ problems }) => brief(problems.filter(({ severity }) => severity === 'error'))),
    [],
  );
  const resources = results.flatMap(({ resource }): Resource[] => (resource === undefined ? [] : [resource]));
  return analyze(resources, { gatewayNamespace: 'istio-system', scope: 'partial', ...options });
}
