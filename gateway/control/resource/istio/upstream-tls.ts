import type { At } from '../reader/at.ts';

/**
 * TLS to backends is not honoured yet (a warning of its own says so); but a rule that would not check the backend's
 * certificate once it is, is told now. Reads what is written, since nobody has typed it.
 */
export function checkUpstreamTls(at: At): void {
  for (const [policy, path] of policiesOf(at.value)) {
    if (isUnverified(fieldOf(policy, 'tls'))) report(at, [...path, 'tls'], 'IST0128', '');
    for (const [index, settings] of listOf(fieldOf(policy, 'portLevelSettings')).entries()) {
      const port = fieldOf(fieldOf(settings, 'port'), 'number');
      if (!isUnverified(fieldOf(settings, 'tls'))) continue;
      report(at, [...path, 'portLevelSettings', index, 'tls'], 'IST0129', ` for port ${String(port)}`);
    }
  }
}

type Path = readonly (string | number)[];

function policiesOf(spec: unknown): readonly (readonly [unknown, Path])[] {
  const subsets = listOf(fieldOf(spec, 'subsets'));
  return [
    [fieldOf(spec, 'trafficPolicy'), ['trafficPolicy']],
    ...subsets.map((subset, index): [unknown, Path] => [
      fieldOf(subset, 'trafficPolicy'),
      ['subsets', index, 'trafficPolicy'],
    ]),
  ];
}

/** Modes that take any certificate unless a CA is named; ISTIO_MUTUAL brings its own. */
function isUnverified(tls: unknown): boolean {
  const mode = fieldOf(tls, 'mode');
  if (mode !== 'SIMPLE' && mode !== 'MUTUAL') return false;
  return ['caCertificates', 'credentialName', 'insecureSkipVerify'].every((name) => !fieldOf(tls, name));
}

function report(at: At, path: Path, code: 'IST0128' | 'IST0129', where: string): void {
  at.context.report(
    [...at.path, ...path],
    {
      severity: 'warning',
      code,
      message: `This TLS${where} names no CA, so any certificate of the backend would do: set caCertificates or credentialName (or insecureSkipVerify: true, if that is meant).`,
    },
    'key',
  );
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
