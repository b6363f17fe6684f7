import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { LinkedList, ListNode } from '../../src/pool/LinkedList.js';

class Item extends ListNode<Item> {
  constructor(readonly name: number) {
    super();
  }
}

describe('LinkedList', () => {
  it('does what an array does, from both ends and from the middle', () => {
    const steps = fc.array(fc.tuple(fc.constantFrom('push', 'insert', 'shift', 'remove'), fc.nat(9)), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(steps, all => {
        const items = Array.from({ length: 10 }, (_, name) => new Item(name));
        const list = new LinkedList<Item>();
        const array: Item[] = [];
        for (const [step, at] of all) {
          const item = items[at];
          if (step === 'push' && item.list === null) {
            list.push(item);
            array.push(item);
          } else if (step === 'insert' && item.list === null) {
            const behind = array[at % (array.length + 1)] ?? null;
            list.insertAfter(item, behind);
            array.splice(behind === null ? 0 : array.indexOf(behind) + 1, 0, item);
          } else if (step === 'shift') expect(list.shift()).toBe(array.shift() ?? null);
          else if (step === 'remove') {
            list.remove(item); // nothing, if it is not there
            if (array.includes(item)) array.splice(array.indexOf(item), 1);
          }
          expect([...list]).toEqual(array);
          expect([list.length, list.first, list.last]).toEqual([array.length, array[0] ?? null, array.at(-1) ?? null]);
          expect(items.map(({ list: of }) => of === list)).toEqual(items.map(each => array.includes(each)));
        }
      }),
    );
  });

  it('takes nothing out that stands in another', () => {
    const [one, other] = [new LinkedList<Item>(), new LinkedList<Item>()];
    const item = new Item(1);
    one.push(item);
    other.remove(item);
    expect([[...one], other.length]).toEqual([[item], 0]);
  });
});
