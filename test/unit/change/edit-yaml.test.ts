import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseAllDocuments } from 'yaml';
import { CannotEdit, editWeights } from '#gateway/control/change/edit-yaml.ts';
import { parseYamlDocuments } from '#gateway/control/resource/yaml-documents.ts';

/** Sets the weights of `route` of rule 0 in the document that is a VirtualService. */
function edit(text: string, weights: readonly (number | undefined)[], rule = 0): string {
  const parsed = parseYamlDocuments(text, 'f.yaml');
  const { documents, problems } = parsed;
  assert.deepEqual(
    problems.filter(({ severity }) => severity === 'error'),
    [],
  );
  const document = documents.find(({ value }) => (value as { kind?: string }).kind === 'VirtualService');
  assert.ok(document);
  const edits = weights.flatMap((weight, destination) => (weight === undefined ? [] : [{ destination, weight }]));
  return editWeights(text, parsed, document, { rule, edits }).text;
}

/** A VirtualService around a route as somebody wrote it. */
function around(route: string): string {
  return `kind: VirtualService\nmetadata: { name: x }\nspec:\n  http:\n${route}`;
}

const block = around(`  - route:
    - destination:
        host: a # the host
        subset: v1
      weight: 50   # half
    - destination: { host: a, subset: v2 }
      weight: 50        
`);

test('only the scalars change: comments, blanks and layout stay', () => {
  assert.equal(
    edit(block, [90, 10]),
    block.replace('weight: 50   # half', 'weight: 90   # half').replace('weight: 50        ', 'weight: 10        '),
  );
  assert.equal(edit(block, [undefined, 5]), block.replace('weight: 50        ', 'weight: 5        '));
});

test('CRLF files keep their line ends, also in inserted lines', () => {
  const text = block.replace('      weight: 50   # half\n', '').replaceAll('\n', '\r\n');
  const edited = edit(text, [7, 8]);
  assert.equal(edited, text.replace('subset: v1\r\n', 'subset: v1\r\n      weight: 7\r\n').replace('50    ', '8    '));
});

test('a missing weight is inserted as its neighbours are written', () => {
  const cases: [string, string][] = [
    [
      '  - route:\n    - destination:\n        host: a\n        subset: v1 # blue\n    - destination:\n        host: a\n',
      '  - route:\n    - destination:\n        host: a\n        subset: v1 # blue\n      weight: 3\n    - destination:\n        host: a\n      weight: 4\n',
    ],
    [
      '  - route:\n    - destination:\n        host: a\n    - destination:\n        host: b',
      '  - route:\n    - destination:\n        host: a\n      weight: 3\n    - destination:\n        host: b\n      weight: 4',
    ],
    [
      '  - route: [{destination: {host: a}}, {destination: {host: b}, headers: {}, }]\n',
      '  - route: [{destination: {host: a}, weight: 3}, {destination: {host: b}, headers: {}, weight: 4, }]\n',
    ],
    [
      '  - route:\n    -\n      destination: {host: a}\n    # the second\n    - {\n        destination: {host: b}\n      }\n    timeout: 5s\n',
      '  - route:\n    -\n      destination: {host: a}\n      weight: 3\n    # the second\n    - {\n        destination: {host: b}, weight: 4\n      }\n    timeout: 5s\n',
    ],
    [
      '  - route:\n    - destination: {host: a}\n      weight:\n    - weight: ~\n      destination: {host: b}\n',
      '  - route:\n    - destination: {host: a}\n      weight: 3\n    - weight: 4\n      destination: {host: b}\n',
    ],
  ];
  for (const [before, after] of cases) {
    const edited = edit(around(before), [3, 4]);
    assert.deepEqual(parseAllDocuments(edited)[0]?.toJS(), parseAllDocuments(around(after))[0]?.toJS(), edited);
    if (!before.includes('- {\n')) assert.equal(edited, around(after));
  }
});

test('JSON is edited as JSON', () => {
  const object = {
    kind: 'VirtualService',
    spec: { http: [{ route: [{ destination: { host: 'a' }, weight: 50 }, { destination: { host: 'b' } }] }] },
  };
  for (const indent of [0, 2, 4]) {
    const text = JSON.stringify(object, null, indent);
    const edited = edit(text, [1, 2]);
    const route = object.spec.http[0]?.route.map((entry, index) => ({ ...entry, weight: index + 1 }));
    assert.equal(edited, JSON.stringify({ ...object, spec: { http: [{ route }] } }, null, indent));
  }
});

test('the right document of several, the right item of a List, the right rule are edited', () => {
  const item = (name: string): string => `- kind: VirtualService
  metadata: { name: ${name} }
  spec:
    http:
    - route: [{ destination: { host: a }, weight: 1 }, { destination: { host: b }, weight: 1 }]
    - route: [{ destination: { host: c }, weight: 1 }, { destination: { host: d }, weight: 1 }]
`;
  const text = `# first\n---\nkind: Gateway\n---\nkind: List\nitems:\n${item('x')}${item('y')}---\n`;
  const parsed = parseYamlDocuments(text, 'f.yaml');
  const document = parsed.documents[2];
  assert.ok(document);
  const edited = editWeights(text, parsed, document, { rule: 1, edits: [{ destination: 1, weight: 77 }] }).text;
  const at = text.lastIndexOf('weight: 1');
  assert.equal(edited, `${text.slice(0, at)}weight: 77${text.slice(at + 'weight: 1'.length)}`);
});

test('weights with anchors or aliases are refused with the reason: other places would change with them', () => {
  const anchored = block
    .replace('weight: 50   # half', 'weight: &half 50')
    .replace('weight: 50        ', 'weight: *half');
  assert.throws(() => edit(anchored, [90, undefined]), /anchor \(&half\)/);
  assert.throws(() => edit(anchored, [undefined, 10]), /alias \(\*half\)/);
  const routeAlias = around('  - route: &r [{ destination: { host: a }, weight: 1 }]\n  - route: *r\n');
  assert.throws(() => edit(routeAlias, [5], 1), /spec\.http\[1\]\.route is an alias \(\*r\)/);
  assert.throws(() => edit(routeAlias, [5], 0), CannotEdit);
});

test('anchors that have nothing to do with weights are no obstacle', () => {
  const text = block
    .replace('kind: VirtualService', 'kind: &k VirtualService')
    .replace('name: x', 'name: x, labels: { k: *k }');
  assert.equal(edit(text, [90, 10]).match(/&k|\*k/g)?.length, 2);
});

test('whatever the style, the file reads as before but for the weights, and no other byte is touched', () => {
  const comment = fc.constantFrom('', ' # note', '   ');
  const blanks = fc.constantFrom('', '\n', '# between\n', '\n\n');
  const destination = fc.record({
    host: fc.constantFrom('a', '"b.example"', "'c'"),
    subset: fc.option(fc.constantFrom('v1', '"v2"')),
    weight: fc.option(fc.nat(1_000), { freq: 3 }),
    style: fc.constantFrom('block', 'flow', 'mixed'),
    first: fc.boolean(),
    comment,
    blanks,
  });
  const file = fc.record({
    destinations: fc.array(destination, { minLength: 1, maxLength: 4 }),
    indent: fc.constantFrom(0, 2, 4),
    eol: fc.constantFrom('\n', '\r\n'),
    before: fc.constantFrom('', '---\n', '# top\n---\nkind: Service\n---\n'),
    after: fc.constantFrom(
      '',
      '---\n',
      '  - route:\n    - destination: { host: z }\n      weight: 50\n',
      '---\nkind: Pod\nweight: 50\n',
    ),
    wanted: fc.array(fc.nat(100_000), { minLength: 4, maxLength: 4 }),
  });
  fc.assert(
    fc.property(file, ({ destinations, indent, eol, before, after, wanted }) => {
      const pad = ' '.repeat(indent + 4);
      const written = destinations.map((entry) => {
        const target = entry.subset === null ? `host: ${entry.host}` : `host: ${entry.host}, subset: ${entry.subset}`;
        const weight = entry.weight === null ? [] : [`weight: ${entry.weight}`];
        if (entry.style === 'flow')
          return `${pad}- { ${[`destination: { ${target} }`, ...weight].join(', ')} }${entry.comment}\n${entry.blanks}`;
        const nested = target.replace(', ', `\n${pad}    `);
        const body = entry.style === 'mixed' ? `destination: { ${target} }` : `destination:\n${pad}    ${nested}`;
        const lines = entry.first ? [...weight, body] : [body, ...weight];
        return `${pad}- ${lines.join(`${entry.comment}\n${pad}  `)}${entry.comment}\n${entry.blanks}`;
      });
      const text = `${before}kind: VirtualService\nspec:\n  http:\n  - route:\n${written.join('')}${after}`.replaceAll(
        '\n',
        eol,
      );
      const weights = wanted.slice(0, destinations.length);
      const edited = edit(text, weights);

      const expected = parseAllDocuments(text).map((document) => document.toJS() as Record<string, never> | null);
      const route = (
        expected as unknown as { kind?: string; spec: { http: { route: { weight?: number }[] }[] } }[]
      ).find((document) => document?.kind === 'VirtualService')?.spec.http[0]?.route;
      weights.forEach((weight, index) => Object.assign(route?.[index] ?? {}, { weight }));
      assert.deepEqual(
        parseAllDocuments(edited).map((document) => document.toJS() as unknown),
        expected,
      );

      // Without the weights, in whatever line they stand, both texts are the same.
      const bare = (source: string): string => source.replaceAll(/(,\s*)?(\r?\n\s*)?weight: ?\d*/g, '');
      if (destinations.every((entry) => entry.weight !== null)) {
        const digits = /weight: \d+/g;
        assert.equal(edited.replaceAll(digits, ''), text.replaceAll(digits, ''));
      } else assert.equal(bare(edited), bare(text));
    }),
    { numRuns: 300 },
  );
});
