import { describe, expect, it } from '@jest/globals';
import { without, type Attacks } from './attack.js';
import { controls, type Control, type Theme } from './controls.js';
import { exhaustion } from './exhaustion.js';
import { injection } from './injection.js';
import { options } from './options.js';
import { pollution, sourcesOf } from './pollution.js';
import { redirects } from './redirects.js';
import { secrets } from './secrets.js';
import { smuggling } from './smuggling.js';
import { ssrf } from './ssrf.js';
import { tls } from './tls.js';

const attacks: Readonly<Record<Exclude<Theme, 'pollution'>, Attacks>> = {
  exhaustion,
  injection,
  options,
  redirects,
  secrets,
  smuggling,
  ssrf,
  tls,
};

/** What the attack finds with the guard switched off. */
async function findingsOf({ theme, attack, mutations, names = [] }: Control): Promise<string> {
  if (theme === 'pollution') return polluted(attack as 'values' | 'reads', names, mutations);
  const titles = Object.keys(attacks[theme]).filter(title => title.startsWith(attack));
  expect(titles).toHaveLength(1);
  const library = await without(...mutations);
  // What comes out of an attack instead of a finding is one.
  const findings = await Promise.resolve()
    .then(() => attacks[theme][titles[0]](library))
    .catch((error: unknown) => [String(error)]);
  return findings.join('\n');
}

async function polluted(
  mode: 'values' | 'reads',
  names: readonly string[],
  mutations: Control['mutations'],
): Promise<string> {
  const { findings } = await pollution(mode, { names: [...names], mutations });
  const files = mode === 'reads' ? await sourcesOf(findings.map(({ got }) => got)) : [];
  return findings.map(({ name, got }, i) => `${name}: ${files[i] ?? got}`).join('\n');
}

// An attack that finds nothing says something only if it finds what is there.
describe('with a guard switched off', () => {
  const node = Number(process.versions.node.split('.')[0]);
  const applicable = controls.filter(({ before = Infinity }) => node < before);

  it.each(applicable)(
    '$theme: $guard ($attack)',
    async control => {
      expect(await findingsOf(control)).toMatch(control.finds);
    },
    20_000,
  );

  it('every theme and every attack has one', () => {
    const attacked = new Set(controls.map(({ theme, attack }) => `${theme}: ${attack}`));
    const missing = Object.entries(attacks).flatMap(([theme, all]) =>
      Object.keys(all).filter(title => ![...attacked].some(each => `${theme}: ${title}`.startsWith(each))),
    );
    expect(missing.map(title => title.slice(0, 40))).toEqual([]);
    expect(new Set(controls.map(({ theme }) => theme)).size).toBe(9);
  });

  it('a mutation whose text is not there fails', async () => {
    await expect(without({ file: 'errors/options.ts', from: 'no such text', to: '' })).rejects.toThrow('0 times');
  });
});
