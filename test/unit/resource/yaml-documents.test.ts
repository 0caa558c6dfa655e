import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parseYamlDocuments, plainDocument } from '#gateway/control/resource/yaml-documents.ts';

function parse(text: string) {
  const { documents, problems } = parseYamlDocuments(text, 'f.yaml');
  return {
    documents,
    values: documents.map((document) => document.value),
    problems: problems.map(
      ({ position, severity, code }) => `${position?.line}:${position?.column} ${severity} ${code}`,
    ),
    messages: problems.map(({ message }) => message),
  };
}

describe('documents', () => {
  test('empty, blank and commented-out documents are skipped', () => {
    const { documents, values, problems } = parse(
      '---\n# nothing\n---   \na: 1   \n---\n\n--- # also nothing\nb: 2\n---\n',
    );
    assert.deepEqual(values, [{ a: 1 }, { b: 2 }]);
    assert.deepEqual(
      documents.map((document) => document.index),
      [0, 1],
    );
    assert.deepEqual(problems, []);
  });

  test('a directive belongs to the document after it', () => {
    assert.deepEqual(parse('%YAML 1.2\n---\na: 1\n...\n---\nb: 2\n').values, [{ a: 1 }, { b: 2 }]);
  });

  test('the items of a List are documents of their own, with their own positions', () => {
    const { documents } = parse('apiVersion: v1\nkind: ServiceList\nitems:\n- a: 1\n- b:\n    c: 2\n');
    assert.deepEqual(
      documents.map((document) => document.value),
      [{ a: 1 }, { b: { c: 2 } }],
    );
    assert.deepEqual(documents[1]?.position, { file: 'f.yaml', line: 5, column: 3 });
    assert.deepEqual(documents[1]?.positionOf(['b', 'c']), { file: 'f.yaml', line: 6, column: 5 });
  });

  test('JSON is read, also when it is indented with tabs', () => {
    const { documents, problems } = parse('{\n\t"a": [\n\t\t{"b": 1}\n\t]\n}\n');
    assert.deepEqual(problems, []);
    assert.deepEqual(documents[0]?.positionOf(['a', 0, 'b'], 'value'), { file: 'f.yaml', line: 3, column: 9 });
  });

  test('Windows line ends and a byte order mark are read', () => {
    assert.deepEqual(parse('\uFEFFa: 1\r\n---\r\nb: x\r\n').values, [{ a: 1 }, { b: 'x' }]);
  });

  test("kubectl's booleans are booleans, quoted ones are strings", () => {
    assert.deepEqual(parse('{a: yes, b: Off, c: "on", d: n, e: nope}').values, [
      { a: true, b: false, c: 'on', d: false, e: 'nope' },
    ]);
  });

  test('keys are strings, merge keys are merged, and __proto__ is only a name', () => {
    const { values } = parse('base: &base {x: 1}\n1: a\non: b\nmerged:\n  <<: *base\n  y: 2\n__proto__: {z: 1}\n');
    const value = values[0] as Record<string, unknown>;
    assert.deepEqual(Object.keys(value), ['1', 'base', 'on', 'merged', '__proto__']);
    assert.deepEqual(value['merged'], { x: 1, y: 2 });
    assert.equal(({} as Record<string, unknown>)['z'], undefined);
  });
});

describe('positions', () => {
  const text = 'spec:\n  http:\n  - route:\n    - weight: 50   # half\n';
  test('a field has the position of its key and of its value, and the offsets of its text', () => {
    const [document] = parseYamlDocuments(text, 'f.yaml').documents;
    const path = ['spec', 'http', 0, 'route', 0, 'weight'];
    assert.deepEqual(document?.positionOf(path), { file: 'f.yaml', line: 4, column: 7 });
    assert.deepEqual(document?.positionOf(path, 'value'), { file: 'f.yaml', line: 4, column: 15 });
    const range = document?.rangeOf(path);
    assert.equal(text.slice(range?.start, range?.end), '50');
  });

  test('offsets count from the start of the file, whichever document they are in', () => {
    const two = `a: 1\n---\n${text}`;
    const range = parseYamlDocuments(two, 'f.yaml').documents[1]?.rangeOf(['spec', 'http', 0, 'route', 0, 'weight']);
    assert.equal(two.slice(range?.start, range?.end), '50');
  });

  test('a field that does not exist has the position of its nearest parent, and no offsets', () => {
    const [document] = parseYamlDocuments('spec:\n  http: []\n', 'f.yaml').documents;
    assert.deepEqual(document?.positionOf(['spec', 'http', 3, 'route']), { file: 'f.yaml', line: 2, column: 3 });
    assert.equal(document?.rangeOf(['spec', 'http', 3, 'route']), undefined);
  });

  test('a document that came without a text has one position for all', () => {
    const document = plainDocument({ a: 1 }, 'cluster');
    assert.deepEqual(document.positionOf(['a']), { file: 'cluster', line: 1, column: 1 });
  });
});

describe('faults', () => {
  test('a syntax error has a position and spoils its own document only', () => {
    const { values, problems, messages } = parse('a: 1\n---\nb: [1, 2\n---\nc: 3\n');
    assert.deepEqual(values, [{ a: 1 }, { c: 3 }]);
    assert.deepEqual(problems, ['4:1 error MG0001']);
    assert.match(messages[0] ?? '', /close every bracket/);
  });

  test('a quote that is never closed is reported where it opens', () => {
    const { values, problems } = parse('a: 1\nb: "x\n---\nc: 3\n');
    assert.deepEqual(values, [{ c: 3 }]);
    assert.deepEqual(problems, ['2:4 error MG0001']);
  });

  test('a tab as indentation, a second key and a wrong indentation each have a position', () => {
    assert.deepEqual(parse('a:\n\tb: 1\n').problems, ['2:1 error MG0001']);
    assert.deepEqual(parse('a: 1\nb: 2\na: 3\n').problems, ['3:1 error MG0001']);
    assert.deepEqual(parse('a:\n  b: 1\n c: 2\n').problems, ['3:1 error MG0001']);
  });

  test('a parser that lost its way is stopped at its first error', () => {
    assert.deepEqual(parse('a: [\n{b: c d: e}, {f: g, h: i}}\nj: k: l\n').problems.length, 1);
  });

  test('the object of a broken document is named when it can still be read', () => {
    const { problems } = parseYamlDocuments('kind: VirtualService\nmetadata:\n  name: myapp\nspec: {\n', 'f.yaml');
    assert.deepEqual(problems[0]?.object, { kind: 'VirtualService', namespace: 'default', name: 'myapp' });
  });

  test('no message quotes the source, which may be a secret', () => {
    const { messages } = parse(
      'kind: Secret\nstringData:\n  key: "hunter2\n---\nx: !!binary aHVudGVyMg==\n---\ny: hunter2 "x": {\n',
    );
    assert.ok(messages.length > 0);
    assert.doesNotMatch(messages.join('\n'), /hunter2|aHVudGVyMg/);
  });

  test('anchors that stand for millions of nodes are refused', () => {
    const levels = [
      'a: &a [x, x, x, x, x, x, x, x, x]',
      ...['b', 'c', 'd', 'e', 'f'].map((name, index) => `${name}: &${name} [${`*${'abcde'[index]}, `.repeat(9)}]`),
    ];
    assert.deepEqual(parse(levels.join('\n')).problems, ['1:1 error MG0003']);
  });

  test('an alias without anchor is reported where it stands', () => {
    assert.deepEqual(parse('a: 1\nb: *none\n').problems, ['2:4 error MG0003']);
  });

  test('nesting that would exhaust the stack is refused', () => {
    for (const text of ['['.repeat(50_000), '- '.repeat(5000), '{a: '.repeat(5000)])
      assert.deepEqual(parse(text).problems, ['1:1 error MG0003']);
  });
});

describe('parsing again', () => {
  test('positions survive the syntax tree, which is given up when memory is short', async () => {
    const [document] = parseYamlDocuments('a:\n  b: 1\n', 'f.yaml').documents;
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    // A weak reference holds until the current turn ends.
    await new Promise((resolve) => setImmediate(resolve));
    collect();
    assert.deepEqual(document?.positionOf(['a', 'b'], 'value'), { file: 'f.yaml', line: 2, column: 6 });
  });

  test('an unchanged document keeps its value, also when it moved', () => {
    const before = parseYamlDocuments('a: 1\n---\nb: {c: 2}\n', 'f.yaml');
    const after = parseYamlDocuments('a: 1\nx: 2\n---\nb: {c: 2}\n', 'f.yaml', before);
    assert.notEqual(after.documents[0]?.value, before.documents[0]?.value);
    assert.equal(after.documents[1]?.value, before.documents[1]?.value);
    assert.deepEqual(after.documents[1]?.positionOf(['b', 'c']), { file: 'f.yaml', line: 4, column: 5 });
  });
});
