import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { normalizePath, type PathMode } from '#gateway/proxy/codec/path.ts';

/** The tables of Istio's own path normalisation test, per mode; `#` is refused before a path comes here. */
const ISTIO: Readonly<Record<PathMode, readonly (readonly [string, string])[]>> = {
  NONE: [
    ['/', '/'],
    ['/app/../admin', '/app/../admin'],
    ['/app/%2E./admin', '/app/%2E./admin'],
    ['/app\\admin', '/app\\admin'],
  ],
  BASE: [
    ['/', '/'],
    ['/app/', '/app/'],
    ['/app/../admin', '/admin'],
    ['/app//', '/app//'],
    ['/app/%2f', '/app/%2f'],
    ['/xyz%30..//abc', '/xyz0..//abc'],
    ['/app/%2E./admin', '/admin'],
    ['/app\\admin', '/app/admin'],
    ['/app/\\/\\/\\admin', '/app//////admin'],
    ['/%2Fapp%5cadmin%5Cabc', '/%2Fapp%5cadmin%5Cabc'],
    ['/app//../admin', '/app/admin'],
    ['/app//../../admin', '/admin'],
  ],
  MERGE_SLASHES: [
    ['/app//', '/app/'],
    ['/app%2f/', '/app%2f/'],
    ['/xyz%30..//abc', '/xyz0../abc'],
    ['/app/\\/\\/\\admin', '/app/admin'],
    ['/%5Capp%2f%5c%2F%2e%2e%2fadmin%5c\\abc', '/%5Capp%2f%5c%2F..%2fadmin%5c/abc'],
    ['/app//../admin', '/app/admin'],
    ['/app//../../admin', '/admin'],
  ],
  DECODE_AND_MERGE_SLASHES: [
    ['/app/%2f', '/app/'],
    ['/app%2f/', '/app/'],
    ['/%2Fapp%5cadmin%5Cabc', '/app/admin/abc'],
    ['/%5Capp%2f%5c%2F%2e%2e%2fadmin%5c\\abc', '/app/admin/abc'],
    ['/app//../../admin', '/admin'],
    ['/%c0%2e%c0%2e/admin', '/%c0.%c0./admin'],
    ['/%c0%2fadmin', '/%c0/admin'],
    ['/a%252fb', '/a%252fb'],
  ],
};

describe('normalizePath', () => {
  for (const [mode, table] of Object.entries(ISTIO) as [PathMode, (typeof ISTIO)[PathMode]][]) {
    for (const [input, expected] of table) {
      it(`${mode}: ${input} -> ${expected}`, () => assert.equal(normalizePath(input, mode).path, expected));
    }
  }

  it('BASE does what Envoy does with the rest of RFC 3986', () => {
    const of = (path: string): string => normalizePath(path, 'BASE').path;
    assert.equal(of('/%61%5F%7e%2D'), '/a_~-');
    assert.equal(of('/a/b/.'), '/a/b/');
    assert.equal(of('/a/b/..'), '/a/');
    assert.equal(of('/a/.b/..c/...'), '/a/.b/..c/...');
    assert.equal(of('/.well-known/acme'), '/.well-known/acme');
    assert.equal(of('/{a}|"<b>^`'), '/%7Ba%7D%7C%22%3Cb%3E%5E%60');
    assert.equal(of('/100%/%zz'), '/100%/%zz');
    assert.equal(of('/%c3%A4'), '/%c3%A4');
    assert.equal(of("/!$&'()*+,;=:@[]"), "/!$&'()*+,;=:@[]");
  });

  it('forwards what it matched, the query untouched', () => {
    assert.deepEqual(normalizePath('/a/../b?x=/../%41?y', 'BASE'), {
      path: '/b',
      query: 'x=/../%41?y',
      target: '/b?x=/../%41?y',
      error: 0,
    });
    assert.deepEqual(normalizePath('/b?', 'BASE'), { path: '/b', query: '', target: '/b?', error: 0 });
    assert.deepEqual(normalizePath('/b', 'BASE'), { path: '/b', query: '', target: '/b', error: 0 });
    assert.deepEqual(normalizePath('*', 'BASE'), { path: '*', query: '', target: '*', error: 0 });
  });

  it('refuses what the next one could read as another path', () => {
    for (const path of [
      '/..',
      '/../a',
      '/a/../..',
      '/a/../../b',
      '/%2e%2e',
      '/..\\a',
      '/%00',
      '/a%00b',
      '/%%30%30',
      '/%4%31',
      '/%2%35',
    ]) {
      assert.notEqual(normalizePath(path, 'BASE').error, 0, path);
    }
    assert.equal(normalizePath('/a?/../..', 'BASE').error, 0);
    assert.notEqual(normalizePath('/..%2f', 'DECODE_AND_MERGE_SLASHES').error, 0);
  });

  it('takes paths of any length', () => {
    const long = `/${'a/%41/'.repeat(20_000)}`;
    assert.equal(normalizePath(long, 'BASE').path, long.replaceAll('%41', 'A'));
    assert.equal(normalizePath(`${'/a/..'.repeat(50_000)}/b`, 'BASE').path, '/b');
  });
});
