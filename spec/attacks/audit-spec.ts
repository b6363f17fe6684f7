import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

const root = join(__dirname, '../..');
const page = readFileSync(join(root, 'SECURITY.md'), 'utf8');
const id = /CVE-\d{4}-\d+|GHSA(?:-[0-9a-z]{4}){3}/g;

interface Row {
  readonly advisories: readonly string[];
  readonly answer: string;
  readonly specs: readonly string[];
}

/** The rows of the table of advisories. */
function rowsOf(text: string): Row[] {
  return text
    .split('\n')
    .filter(line => /^\| *(CVE|GHSA)-/.test(line))
    .map(line => {
      const [, advisories, , answer] = line.split('|').map(cell => cell.trim());
      return {
        advisories: advisories.match(id) ?? [],
        answer,
        specs: [...answer.matchAll(/`(spec\/[\w/-]+-spec\.ts)`/g)].map(([, path]) => path),
      };
    });
}

/** The text in which a spec's titles stand: its own, and that of the table of attacks beside it. */
function titlesOf(path: string): string {
  const table = join(root, path.replace('-spec.ts', '.ts'));
  return readFileSync(join(root, path), 'utf8') + (existsSync(table) ? readFileSync(table, 'utf8') : '');
}

/** What is wrong with a table: rows whose specs are not there, or name none of their advisories; lists what is missing. */
function faultsOf(text: string, known: readonly string[]): string[] {
  const rows = rowsOf(text);
  const listed = new Set(rows.flatMap(({ advisories }) => advisories));
  return [
    ...known.filter(advisory => !listed.has(advisory)).map(advisory => `${advisory} has no row`),
    ...rows.flatMap(({ advisories, answer, specs }) => {
      if (answer === '') return [`${advisories.join()} has neither a spec nor a reason`];
      return specs.flatMap(path => {
        if (!existsSync(join(root, path))) return [`${path} does not exist`];
        // "Not yet": what there is of it has its own title.
        const named = /^not yet/.test(answer) || advisories.some(advisory => titlesOf(path).includes(advisory));
        return named ? [] : [`${path} has no title with ${advisories.join(' or ')}`];
      });
    }),
  ];
}

/** The advisories that the table has to answer: those about undici, Node's own client and TLS, and what is built on them. */
const known = [
  ...['CVE-2022-31150', 'CVE-2022-31151', 'CVE-2022-32210', 'CVE-2022-35948', 'CVE-2022-35949', 'CVE-2023-23936'],
  ...['CVE-2023-24807', 'CVE-2023-45143', 'CVE-2024-24750', 'CVE-2024-24758', 'CVE-2024-30260', 'CVE-2024-30261'],
  ...['CVE-2024-38372', 'CVE-2025-22150', 'CVE-2025-47279', 'CVE-2026-22036', 'CVE-2026-1525', 'CVE-2026-1526'],
  ...['CVE-2026-1527', 'CVE-2026-1528', 'CVE-2026-2229', 'CVE-2026-2581', 'CVE-2026-6733', 'CVE-2026-9697'],
  ...[
    'GHSA-hm92-r4w5-c3mj',
    'GHSA-p88m-4jfj-68fv',
    'GHSA-g8m3-5g58-fq7m',
    'GHSA-v3r7-h72x-cjcm',
    'GHSA-vxpw-j846-p89q',
  ],
  ...[
    'GHSA-pr7r-676h-xcf6',
    'GHSA-jr45-8vmc-qm54',
    'GHSA-4cwx-7wf7-3272',
    'GHSA-m8rv-5g2x-5cg5',
    'GHSA-8xcm-r25x-g524',
  ],
  ...['GHSA-6cv7-626c-qhqw', 'CVE-2018-12116', 'CVE-2018-12121', 'CVE-2019-15605', 'CVE-2019-15606', 'CVE-2020-8287'],
  ...['CVE-2022-32213', 'CVE-2022-32214', 'CVE-2022-32215', 'CVE-2022-35256', 'CVE-2021-22959', 'CVE-2023-30589'],
  ...['CVE-2024-27982', 'CVE-2021-22960', 'CVE-2024-22019', 'CVE-2025-23167', 'CVE-2021-22939', 'CVE-2026-21710'],
  ...['CVE-2026-48931', 'CVE-2026-48618', 'CVE-2026-48928', 'CVE-2026-48934', 'CVE-2026-48930', 'CVE-2026-48615'],
  ...['CVE-2026-48619', 'CVE-2022-0155', 'CVE-2022-0536', 'CVE-2023-26159', 'CVE-2024-28849', 'CVE-2026-40895'],
  ...['CVE-2022-33987', 'CVE-2020-15168', 'CVE-2022-0235', 'CVE-2025-7783', 'CVE-2019-10742', 'GHSA-vf2m-468p-8v99'],
  ...[
    'GHSA-5c9x-8gcm-mpgx',
    'CVE-2020-28168',
    'CVE-2024-39338',
    'CVE-2025-27152',
    'CVE-2021-3749',
    'GHSA-hfxv-24rg-xrqf',
  ],
  ...['CVE-2023-45857', 'GHSA-xx6v-rp6x-q39c', 'CVE-2025-58754', 'CVE-2025-62718', 'GHSA-pmwg-cvhr-8vh7'],
  ...['GHSA-m7pr-hjqh-92cm', 'CVE-2026-44492', 'CVE-2026-44486', 'GHSA-p92q-9vqr-4j8v', 'CVE-2026-25639'],
  ...['CVE-2026-40175', 'CVE-2026-42033', 'CVE-2026-42035', 'CVE-2026-42264', 'CVE-2026-44494', 'CVE-2026-67319'],
  ...[
    'GHSA-445q-vr5w-6q77',
    'GHSA-62hf-57xw-28j9',
    'GHSA-777c-7fjr-54vf',
    'GHSA-35p6-xmwp-9g52',
    'GHSA-vmh5-mc38-953g',
  ],
];

describe('SECURITY.md', () => {
  it('answers every known advisory, by a spec that names it or by a reason', () => {
    expect(faultsOf(page, known)).toEqual([]);
    expect(rowsOf(page).length).toBeGreaterThan(50);
  });

  it('would not pass with a spec that is not there, one that names nothing, or a row less', () => {
    const [row] = rowsOf(page).filter(({ advisories }) => advisories.includes('CVE-2023-24807'));
    const [path] = row.specs;
    expect(faultsOf(page.replaceAll(path, 'spec/attacks/none-spec.ts'), known)).toContain(
      'spec/attacks/none-spec.ts does not exist',
    );
    expect(faultsOf(page.replace(/\| CVE-2023-24807.*/, ''), known)).toEqual(['CVE-2023-24807 has no row']);
    const other = page.replace(/(\| CVE-2023-24807.*)`spec\S+`/, '$1`spec/wire/HTTPHeaders-spec.ts`');
    expect(faultsOf(other, known)).toEqual([
      expect.stringContaining('spec/wire/HTTPHeaders-spec.ts has no title with CVE-2023-24807'),
    ]);
  });
});
