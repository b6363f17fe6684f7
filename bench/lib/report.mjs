// RESULTS.md, from what was measured.
import { comparisons, met } from '../goals.mjs';
import { compare, cost, rate, summary } from './rotation.mjs';

const number = value => (value >= 100 ? String(Math.round(value)) : value.toPrecision(3));
const interval = ({ ratio, low, high }) => `${ratio.toFixed(2)} [${low.toFixed(2)}–${high.toFixed(2)}]`;
const row = cells => `| ${cells.join(' | ')} |`;

/** Every comparison whose two sides were measured, with its ratio. */
export function compareAll(results) {
  return comparisons.flatMap(comparison => {
    const samples = results[comparison.group]?.samples;
    if (!samples?.has(comparison.of) || !samples.has(comparison.to)) return [];
    const ratio = compare(samples, comparison.of, comparison.to, comparison.figure);
    return [{ ...comparison, ...ratio, met: met(comparison, ratio) }];
  });
}

export function goalsTable(compared) {
  const lines = compared.map(({ must, control, title, of, to, unit, goal, more, met: reached, ...ratio }) =>
    row([
      must ? '●' : '',
      title,
      `${of} / ${to}`,
      unit,
      goal === undefined ? (control ? 'contains 1' : '') : `${more ? '≥' : '≤'} ${goal}`,
      interval(ratio),
      control
        ? ratio.low <= 1 && ratio.high >= 1
          ? 'yes'
          : '**no**'
        : goal === undefined
          ? ''
          : reached
            ? 'yes'
            : '**no**',
    ]),
  );
  return [
    row(['', 'work', 'of / to', 'figure', 'goal', 'ratio [95 %]', 'met']),
    row(Array(7).fill('---')),
    ...lines,
  ].join('\n');
}

const requestGroups = {
  c50: 'Small JSON GET, 50 connections, 50 at a time',
  c1: 'One after the other',
  'c1 awake': 'One after the other, a loop of the lowest priority keeping the cores awake',
  c200: '200 at a time over 50 connections',
  stack: 'With what one puts around a request, 50 at a time',
  tls: 'Over TLS (nginx), 50 at a time',
  hosts: '1 000 hosts, one connection each, in turn, 50 at a time',
};

export function clientTables(results) {
  return Object.entries(requestGroups)
    .filter(([group]) => results[group] !== undefined)
    .map(([group, title]) => {
      const { samples, contention } = results[group];
      const rows = [...samples].map(([name, each]) => [name, summary(each)]).sort(([, a], [, b]) => a.cost - b.cost);
      const base = samples.has('undici.request') ? 'undici.request' : [...samples.keys()].at(-1);
      return [
        `### ${title}\n`,
        row([
          'client',
          'req/s',
          'CPU µs/req',
          'p50 ms',
          'p99 ms',
          'client core',
          'server core',
          `req/s × ${base}`,
          `CPU × ${base}`,
        ]),
        row(Array(9).fill('---')),
        ...rows.map(([name, { rate: perSecond, cost: each, p50, p99, clientShare, serverShare }]) =>
          row([
            name,
            Math.round(perSecond),
            number(each),
            p50.toFixed(3),
            p99.toFixed(2),
            `${Math.round(clientShare * 100)} %`,
            serverShare > 0 ? `${Math.round(serverShare * 100)} %` : '',
            interval(compare(samples, name, base, rate)),
            interval(compare(samples, name, base, cost)),
          ]),
        ),
        contention === undefined
          ? ''
          : `\nThe client's core spent ${(contention.foreign * 100).toFixed(1)} % on others, and the host took ${(contention.stolen * 100).toFixed(1)} %.`,
      ].join('\n');
    })
    .join('\n\n');
}

export function transferTables(results) {
  const lines = Object.entries(results)
    .filter(([group]) => /^(down|up)load/.test(group))
    .flatMap(([group, { samples }]) =>
      [...samples].map(([name, each]) => {
        const { rate: bytes, cost: perByte } = summary(each);
        return row([group, name, (bytes / 1e9).toFixed(2), (1 / perByte / 1e3).toFixed(2)]);
      }),
    );
  return [row(['work', 'client', 'GB/s', 'GB per CPU-second']), row(Array(4).fill('---')), ...lines].join('\n');
}

export function otherTables(results) {
  const parts = [];
  if (results.lease !== undefined) {
    const lines = [...results.lease.samples].map(([name, each]) => row([name, (1e9 / summary(each).rate).toFixed(0)]));
    parts.push(
      '### Leases without I/O\n',
      row(['pool', 'ns per acquire and release, awaited']),
      row(['---', '---']),
      ...lines,
      '',
    );
  }
  if (results.idle !== undefined) {
    const middle = (each, name) =>
      number([...each].map(sample => sample[name]).sort((a, b) => a - b)[each.length >> 1] / 1_024);
    const lines = [...results.idle.samples].map(([name, each]) =>
      row([name, middle(each, 'rss'), middle(each, 'heap')]),
    );
    parts.push(
      '### An idle connection\n',
      row(['client', 'RSS KiB', 'JS heap KiB']),
      row(Array(3).fill('---')),
      ...lines,
      '',
    );
  }
  if (results.start !== undefined) {
    const middle = (each, name) =>
      number([...each].map(sample => sample[name]).sort((a, b) => a - b)[each.length >> 1]);
    const lines = [...results.start.samples].map(([name, each]) =>
      row([name, middle(each, 'elapsed'), middle(each, 'cpu')]),
    );
    parts.push(
      '### A fresh process: import, connect, one GET\n',
      row(['client', 'ms', 'CPU ms of the whole process']),
      row(Array(3).fill('---')),
      ...lines,
      '',
    );
  }
  if (results.growth !== undefined) {
    const lines = [...results.growth.samples].map(([name, each]) =>
      row([name, (summary(each).cost * 1_000).toFixed(0)]),
    );
    parts.push(
      '### A lease as the work grows\n',
      row(['in a pool with', 'CPU ns per lease and release']),
      row(['---', '---']),
      ...lines,
      '',
    );
  }
  return parts.join('\n');
}
