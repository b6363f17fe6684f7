import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import {
  faultRules,
  framingRules,
  grammarRules,
  injectionRules,
  limitRules,
  malformedRules,
  requests,
  responses,
  serialiserRules,
} from './tables/index.js';

const lists: Readonly<
  Record<string, { rules: readonly string[]; rows: readonly (readonly [string, ...unknown[]])[] }>
> = {
  framing: { rules: [...Object.keys(framingRules), ...Object.keys(grammarRules)], rows: responses['framing'] },
  limits: { rules: Object.keys(limitRules), rows: responses['limits'] },
  faults: { rules: Object.keys(faultRules), rows: responses['faults'] },
  malformed: { rules: malformedRules, rows: responses['malformed'] },
  requests: { rules: [...injectionRules, ...Object.keys(serialiserRules)], rows: requests },
};

describe.each(Object.entries(lists))('The table of %s', (_table, { rules, rows }) => {
  it('has a case for each rule, and each case is one of a rule', () => {
    const inTable = new Set(rows.map(([rule]) => rule));
    expect(rules.filter(rule => !inTable.has(rule))).toEqual([]);
    expect([...inTable].filter(rule => !rules.includes(rule))).toEqual([]);
  });

  it('has no case twice', () => {
    const titles = rows.map(([rule, what]) => `${rule} ${String(what)}`);
    expect(titles.filter((title, i) => titles.indexOf(title) !== i)).toEqual([]);
  });
});

describe('The rules', () => {
  it('are the whole list', () => {
    expect(Object.keys(framingRules)).toEqual(Array.from({ length: 32 }, (_, i) => `F${i + 1}`));
    expect([malformedRules.length, injectionRules.length, Object.keys(limitRules).length]).toEqual([60, 32, 9]);
  });

  it('of every verdict have a spec that is named after them', () => {
    const specs = readdirSync(__dirname)
      .filter(name => name.endsWith('-spec.ts'))
      .map(name => readFileSync(join(__dirname, name), 'utf8'))
      .join('\n');
    const titled = [...specs.matchAll(/(?:describe|it)(?:\.each\(.*?\))?\('([^']*)'/g)]
      .map(([, title]) => title)
      .join(' ');
    const missing = ['P0', 'P1', 'P2', 'P3', 'P4', 'P5', 'P6'].filter(
      rule => !new RegExp(`\\b${rule}\\b`).test(titled),
    );
    expect(missing).toEqual([]);
  });
});
