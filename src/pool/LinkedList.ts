/** A node of one list at a time. It holds its own links, so joining a list allocates nothing. */
export abstract class ListNode<N extends ListNode<N>> {
  previous: N | null = null;
  next: N | null = null;
  list: LinkedList<N> | null = null;
}

/** A queue that can be left from the middle, in constant time: a waiter cancels, an idle connection dies. */
export class LinkedList<N extends ListNode<N>> {
  length = 0;
  #first: N | null = null;
  #last: N | null = null;

  get first(): N | null {
    return this.#first;
  }

  get last(): N | null {
    return this.#last;
  }

  push(node: N): void {
    node.list = this;
    node.previous = this.#last;
    if (this.#last === null) this.#first = node;
    else this.#last.next = node;
    this.#last = node;
    this.length++;
  }

  /** Puts a node behind another one; null: at the front. */
  insertAfter(node: N, previous: N | null): void {
    const next = previous === null ? this.#first : previous.next;
    if (next === null) {
      this.push(node);
      return;
    }
    node.list = this;
    node.previous = previous;
    node.next = next;
    next.previous = node;
    if (previous === null) this.#first = node;
    else previous.next = node;
    this.length++;
  }

  /** Takes the first out. */
  shift(): N | null {
    const first = this.#first;
    if (first !== null) this.remove(first);
    return first;
  }

  /** Takes a node out; nothing if it is in no list, or in another. */
  remove(node: N): void {
    if (node.list !== this) return;
    if (node.previous === null) this.#first = node.next;
    else node.previous.next = node.next;
    if (node.next === null) this.#last = node.previous;
    else node.next.previous = node.previous;
    node.previous = node.next = node.list = null;
    this.length--;
  }

  *[Symbol.iterator](): IterableIterator<N> {
    for (let node = this.#first; node !== null; node = node.next) yield node;
  }
}
