import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { applyJsonPatch, PatchError } from '#test/kit/api-server/patch/json-patch.ts';

describe('the test API server applies JSON Patch as RFC 6902 has it', () => {
  const cases: readonly [string, unknown, unknown, unknown][] = [
    ['adds a member', { a: 1 }, [{ op: 'add', path: '/b', value: 2 }], { a: 1, b: 2 }],
    ['inserts before an index', { a: [1, 3] }, [{ op: 'add', path: '/a/1', value: 2 }], { a: [1, 2, 3] }],
    ['appends at -', { a: [1] }, [{ op: 'add', path: '/a/-', value: 2 }], { a: [1, 2] }],
    ['removes an index', { a: [1, 2, 3] }, [{ op: 'remove', path: '/a/1' }], { a: [1, 3] }],
    ['replaces the whole', { a: 1 }, [{ op: 'replace', path: '', value: [] }], []],
    ['moves', { a: { b: 1 }, c: {} }, [{ op: 'move', from: '/a/b', path: '/c/d' }], { a: {}, c: { d: 1 } }],
    ['copies', { a: { b: [1] } }, [{ op: 'copy', from: '/a/b', path: '/c' }], { a: { b: [1] }, c: [1] }],
    [
      'reads ~1 and ~0',
      { 'a/b': 1, 'c~d': 2 },
      [
        { op: 'remove', path: '/a~1b' },
        { op: 'remove', path: '/c~0d' },
      ],
      {},
    ],
    [
      'tests regardless of field order',
      { a: { x: 1, y: 2 } },
      [{ op: 'test', path: '/a', value: { y: 2, x: 1 } }],
      { a: { x: 1, y: 2 } },
    ],
    ['takes an absent member for null', {}, [{ op: 'test', path: '/a', value: null }], {}],
  ];
  for (const [name, document, patch, expected] of cases)
    it(name, () => {
      assert.deepEqual(applyJsonPatch(document, patch), expected);
    });

  it('takes a replace of nothing for an add, as the API server does', () => {
    assert.deepEqual(applyJsonPatch({ b: 2 }, [{ op: 'replace', path: '/a', value: 1 }]), { a: 1, b: 2 });
  });

  const failures: readonly [string, unknown, unknown][] = [
    ['a test of another value', { a: 1 }, [{ op: 'test', path: '/a', value: 2 }]],
    ['a remove of nothing', {}, [{ op: 'remove', path: '/a' }]],
    ['a replace past the end', { a: [] }, [{ op: 'replace', path: '/a/0', value: 1 }]],
    ['an operation that there is not', {}, [{ op: 'bake', path: '/a' }]],
    ['an add below nothing', {}, [{ op: 'add', path: '/a/b', value: 1 }]],
    ['an index past the end', { a: [] }, [{ op: 'add', path: '/a/1', value: 1 }]],
    ['a leading zero', { a: [1, 2] }, [{ op: 'remove', path: '/a/01' }]],
    ['a move into itself', { a: {} }, [{ op: 'move', from: '/a', path: '/a/b' }]],
  ];
  for (const [name, document, patch] of failures)
    it(`refuses ${name}`, () => {
      assert.throws(
        () => applyJsonPatch(document, patch),
        (error) => error instanceof PatchError && error.why === 'failed',
      );
    });

  it('leaves the document alone when a later operation fails', () => {
    const document = { a: 1 };
    const patch = [
      { op: 'replace', path: '/a', value: 2 },
      { op: 'test', path: '/a', value: 3 },
    ];
    assert.throws(() => applyJsonPatch(document, patch), PatchError);
    assert.deepEqual(document, { a: 1 });
  });
});
