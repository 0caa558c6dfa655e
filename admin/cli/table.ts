/** One column of a table: its title, what it shows of a row, and whether only `-o wide` has it. */
export type Column<T> = { readonly title: string; readonly cell: (row: T) => string | number; readonly wide?: true };

/** Rows in aligned columns, in the manner of kubectl: two or more blanks between columns, none at the end. */
export function formatTable<T>(
  rows: readonly T[],
  columns: readonly Column<T>[],
  options: { readonly wide: boolean },
): string {
  const shown = columns.filter((column) => options.wide || column.wide === undefined);
  const lines = [shown.map(({ title }) => title), ...rows.map((row) => shown.map(({ cell }) => printable(cell(row))))];
  const widths = shown.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)));
  return lines
    .map(
      (line) =>
        `${line
          .map((cell, i) => cell.padEnd(widths[i] ?? 0))
          .join('   ')
          .trimEnd()}\n`,
    )
    .join('');
}

/** One line, without what a terminal would obey; an empty cell is shown as a dash, so that columns can be counted. */
function printable(value: string | number): string {
  const text = String(value).replaceAll(/[\x00-\x1f\x7f-\x9f]+/g, ' ');
  return text === '' ? '-' : text;
}
