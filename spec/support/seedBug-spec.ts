import { describe, expect, it } from '@jest/globals';
import { seedBug } from './seedBug.js';

const source = `
/** A constant. */
export const most = 3;
const one = 1, other = 2;
export function twice(value: number): number {
  return 2 * value;
}
export function over(value: string): void;
export function over(value: unknown): void {}
class Counter {
  #count = 0;
  readonly step = (): void => this.#add();
  static of(): Counter {
    return new Counter();
  }
  get count(): number {
    return this.#count;
  }
  #add(): void {
    this.#count += 1;
  }
  set both(value: number) {}
  get both(): number {
    return 0;
  }
}
`;

const seed = (declaration: string, replacement: string): Promise<string> =>
  seedBug(source, { name: 'a bug', file: 'some/file.ts', declaration, replacement });

describe('seedBug', () => {
  it.each([
    ['most', 'export const most = original + 1;', 'export const original = 3;'],
    ['twice', 'function twice(value) { return 3 * value; }', 'export function original(value: number): number {'],
    ['Counter.#count', '#count = 7;', '#original = 0;'],
    ['Counter.step', 'step() {}', 'readonly original = (): void'],
    ['Counter.of', 'static of() { return null; }', 'static original(): Counter'],
    ['Counter.count', 'get count() { return -1; }', 'get original(): number'],
    ['Counter.#add', '#add() { this.#original(); this.#original(); }', '#original(): void'],
  ])('exchanges %s, and keeps the old one under another name', async (declaration, replacement, original) => {
    const seeded = await seed(declaration, replacement);
    expect(seeded).toContain(`\n${replacement}\n`.slice(1));
    expect(seeded).toContain(original);
    expect(seeded.replace(`\n${replacement}`, '').replace('original', declaration.split(/\.?#|\./).at(-1)!)).toBe(
      source,
    );
  });

  it.each(['none', 'Counter.none', 'Counter.add', 'None.#add', 'one', 'Counter'])(
    'fails where there is no %s',
    async declaration => {
      await expect(seed(declaration, '')).rejects.toThrow(`${declaration} in some/file.ts: 0 declarations`);
    },
  );

  it.each(['over', 'Counter.both'])('fails where %s is there twice', async declaration => {
    await expect(seed(declaration, '')).rejects.toThrow(`${declaration} in some/file.ts: 2 declarations`);
  });

  it('fails where the replacement declares another name', async () => {
    await expect(seed('twice', 'function thrice() {}')).rejects.toThrow('The replacement of twice in some/file.ts: 0');
  });
});
