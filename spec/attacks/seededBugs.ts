import { load } from '../support/bundle.js';
import type { SeededBug } from '../support/seedBug.js';
import type { Attacks, Library } from './attack.js';
import { injection } from './injection.js';
import { pollution, sourcesOf } from './pollution.js';
import { redirects } from './redirects.js';
import { tls } from './tls.js';

/** A seeded bug, and the attack that must find it. */
interface AttackBug extends SeededBug {
  attack(bug: SeededBug): Promise<readonly string[]>;
  /** What the attack says. */
  readonly finds: RegExp;
}

/** The attack whose title begins so. */
function titled(attacks: Attacks, words: string): AttackBug['attack'] {
  const [title, ...more] = Object.keys(attacks).filter(each => each.startsWith(words));
  if (title === undefined || more.length > 0) throw new Error(`Not one attack is called ${words}`);
  return async bug => attacks[title](await load<Library>("export * from './index.js';", bug));
}

export const seededBugs: readonly AttackBug[] = [
  {
    name: 'a header may have any value',
    file: 'wire/fieldText.ts',
    declaration: 'fieldValue',
    replacement: 'export function fieldValue(name, value) { return String(value); }',
    attack: titled(injection, 'CVE-2022-31150, CVE-2018-12116'),
    finds: /wrote/,
  },
  {
    name: 'another origin may see every header',
    file: 'interceptors/redirected.ts',
    declaration: 'harmless',
    replacement: 'const harmless = { has: () => true };',
    attack: titled(redirects, 'CVE-2022-31151'),
    finds: /evil\.test saw .*cookie,sid=SECRET/,
  },
  {
    name: 'a certificate is verified on request',
    file: 'endpoint/TLSOptions.ts',
    declaration: 'checkTLSOptions',
    replacement: `export function checkTLSOptions(given) {
      return { ...original(given), rejectUnauthorized: given.rejectUnauthorized === true };
    }`,
    attack: titled(tls, 'CVE-2021-22939'),
    finds: /^Agent, undefined undefined: connected/m,
  },
  {
    name: 'an option may be inherited',
    file: 'errors/options.ts',
    declaration: 'own',
    replacement: 'export function own(options, name) { return options[name]; }',
    attack: async bug => (await pollution('values', { names: ['query'], bug })).findings.map(({ name }) => name),
    finds: /^query$/m,
  },
  {
    name: 'checked options have a prototype',
    file: 'endpoint/ownOptions.ts',
    declaration: 'ownOptions',
    replacement: 'export function ownOptions(options) { return { ...options }; }',
    async attack(bug) {
      const names = ['sessionCache', 'over', 'servername', 'family'];
      const { findings } = await pollution('reads', { names, bug });
      return (await sourcesOf(findings.map(({ got }) => got))).map(String);
    },
    finds: /^src\/endpoint\//m,
  },
];
