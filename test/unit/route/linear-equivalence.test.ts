import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { RequestView } from '#gateway/proxy/route/request-view.ts';
import { compileVirtualHost } from '#gateway/proxy/route/virtual-host.ts';
import type { NamedMatch, Route, RouteMatch, StringMatch } from '#gateway/snapshot/route.ts';
import { aMatch, aRequest, aRoute, aVirtualHost } from './requests.ts';

const path = fc
  .array(fc.constantFrom('a', 'A', 'b', '/', 'ab'), { maxLength: 5 })
  .map((segments) => `/${segments.join('')}`);
const value = fc.constantFrom('', '1', '2', '12');

const uri: fc.Arbitrary<StringMatch> = fc.oneof(
  fc.record({ kind: fc.constantFrom('exact' as const, 'prefix' as const), value: path }),
  fc.record({
    kind: fc.constantFrom('exact' as const, 'prefix' as const),
    value: path.map((one) => one.toLowerCase()),
    ignoreCase: fc.constant(true as const),
  }),
  fc.record({ kind: fc.constant('regex' as const), value: path.map((one) => `${one}[ab]*`) }),
  fc.constant({ kind: 'present' as const, value: '' }),
);
const condition: fc.Arbitrary<StringMatch> = fc.oneof(
  fc.record({ kind: fc.constantFrom('exact' as const, 'prefix' as const, 'regex' as const), value }),
  fc.constant({ kind: 'present' as const, value: '' }),
);
const named: fc.Arbitrary<NamedMatch[]> = fc.array(fc.record({ name: fc.constantFrom('x', 'y'), match: condition }), {
  maxLength: 1,
});
const match: fc.Arbitrary<RouteMatch> = fc
  .record(
    { uri, headers: named, withoutHeaders: named, queryParams: named, port: fc.constantFrom(80, 443) },
    { requiredKeys: [] },
  )
  .map((parts) => aMatch(parts));
const routes = fc
  .array(fc.array(match, { maxLength: 3 }), { maxLength: 12 })
  .map((all) => all.map((matches, index) => aRoute(`r${index}`, ...matches)));
const request = fc
  .record({ path, headers: fc.dictionary(fc.constantFrom('x', 'y'), value), queryValue: fc.option(value) })
  .map((one) =>
    aRequest({ path: one.path, headers: one.headers, query: one.queryValue === null ? '' : `x=${one.queryValue}` }),
  );

test('the index finds what a linear search in the order of the rules finds', () => {
  fc.assert(
    fc.property(routes, fc.array(request, { minLength: 1, maxLength: 8 }), (all, requests) => {
      const compiled = compileVirtualHost(aVirtualHost(...all), () => undefined);
      for (const one of requests) assert.equal(compiled.match(one)?.route, linear(all, one));
    }),
    { numRuns: 2000 },
  );
});

/** The specification: try every rule in order, every block in order, every condition. */
function linear(all: readonly Route[], one: RequestView): Route | undefined {
  return all.find((route) => route.matches.length === 0 || route.matches.some((block) => blockHolds(block, one)));
}

function blockHolds(block: RouteMatch, one: RequestView): boolean {
  const parameter = (name: string) => (name === 'x' && one.query !== '' ? one.query.slice(2) : undefined);
  return (
    (block.uri === undefined || holds(block.uri, one.path)) &&
    (block.port === undefined || block.port === one.port) &&
    block.headers.every(({ name, match: inner }) => holdsIfPresent(inner, one.header(name))) &&
    block.withoutHeaders.every(({ name, match: inner }) =>
      inner.kind === 'present' ? one.header(name) === undefined : !holds(inner, one.header(name) ?? ''),
    ) &&
    block.queryParams.every(({ name, match: inner }) => holdsIfPresent(inner, parameter(name)))
  );
}

function holdsIfPresent(condition: StringMatch, text: string | undefined): boolean {
  return text !== undefined && holds(condition, text);
}

function holds({ kind, value: expected, ignoreCase }: StringMatch, text: string): boolean {
  const actual = ignoreCase ? text.toLowerCase() : text;
  if (kind === 'exact') return actual === expected;
  if (kind === 'prefix') return actual.startsWith(expected);
  return kind === 'present' || new RegExp(`^(?:${expected})$`).test(actual);
}
