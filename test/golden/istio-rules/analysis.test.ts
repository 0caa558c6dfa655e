// `analysis.yaml` says of each case what Istio's analyzers find in it, what is found here, and why where both differ by a code of Istio's.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { analyze } from '#gateway/control/resource/analyze.ts';
import { readObject } from '#gateway/control/resource/read-object.ts';
import type { Resource } from '#gateway/control/resource/resource.ts';
import { parseYamlDocuments } from '#gateway/control/resource/yaml-documents.ts';

type AnalysisCase = {
  readonly title: string;
  readonly istio: readonly string[];
  readonly here: readonly string[];
  readonly because?: string;
  readonly text: string;
};

/** Told of fields and kinds, whatever the objects around. */
const OF_ITS_OWN: ReadonlySet<string> = new Set(['MG0101', 'MG0202']);

function readCases(): AnalysisCase[] {
  const file = readFileSync(new URL('analysis.yaml', import.meta.url), 'utf8');
  const [head = '', ...sections] = file.split(/^#### /m);
  const base = [...head.matchAll(/^#\+ (.*)$/gm)].map(([, line]) => line ?? '');
  return sections.map((section) => {
    const [title = ''] = section.split('\n', 1);
    const because = section.match(/^# because: (.+)$/m)?.[1];
    const own = section.slice(title.length);
    const documents = title.endsWith('(without these two)') ? [own] : [...base, own];
    const istio = listOf(section, 'Istio');
    const here = listOf(section, 'here');
    return { title, istio, here, text: documents.join('\n---\n'), ...(because !== undefined && { because }) };
  });
}

function listOf(section: string, name: 'Istio' | 'here'): string[] {
  const line = section.match(new RegExp(`^# ${name}: ?(.*)$`, 'm'))?.[1] ?? '';
  return line === '' ? [] : line.split(', ');
}

/** `IST0101 VirtualService default/vs`, sorted, each once. */
function findingsOf(text: string): string[] {
  const { documents, problems } = parseYamlDocuments(text, 'case.yaml');
  const read = documents.map((document) => readObject(document, { defaultNamespace: 'default', strictness: 'folder' }));
  const resources = read.flatMap(({ resource }): Resource[] => (resource === undefined ? [] : [resource]));
  const found = [
    ...problems,
    ...read.flatMap((one) => one.problems),
    ...analyze(resources, { gatewayNamespace: 'istio-system', scope: 'partial' }),
  ];
  const lines = found.flatMap(({ code, object }) =>
    OF_ITS_OWN.has(code) ? [] : [`${code} ${object?.kind} ${object?.namespace}/${object?.name}`],
  );
  return [...new Set(lines)].sort();
}

describe("objects together, as Istio's analyzers look at them", () => {
  for (const { title, istio, here, because, text } of readCases())
    test(title, () => {
      assert.deepEqual(findingsOf(text), here);
      const own = here.filter((line) => line.startsWith('IST'));
      if (because === undefined) assert.deepEqual(own, istio, 'a difference needs a reason');
      else assert.notDeepEqual(own, istio, `"${because}" is no reason for what does not differ`);
    });
});
