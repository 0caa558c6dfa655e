const BACKGROUND: Readonly<Record<string, string>> = { v1: '#1f5fbf', v2: '#1f8f4d', v3: '#b3372f' };
const OTHER_BACKGROUND = '#555555';

/**
 * The page of one version: v1 blue, v2 green. It names its version exactly once, so that counting `v1` and `v2`
 * in answers counts requests, and it brings its own (empty) icon, so that a browser asks once per visit and not twice.
 */
export function pageOf({ app, version }: { readonly app: string; readonly version: string }): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(app)}</title>
<link rel="icon" href="data:,">
<style>
html { height: 100% }
body { margin: 0; height: 100%; display: grid; place-items: center; background: ${BACKGROUND[version] ?? OTHER_BACKGROUND}; color: white; font: 6vmin system-ui, sans-serif }
</style>
</head>
<body>
<h1>${escapeHtml(`${app} ${version}`.trim())}</h1>
</body>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
