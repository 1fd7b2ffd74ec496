/** A list node; `LocalCache.cache` maps keys to these (contract 8.1). */
export class LinkedListNode<T = unknown> {
  next: LinkedListNode | null = null
  prev: LinkedListNode | null = null

  constructor(
    public key: string,
    public data: T,
  ) {}
}

/** A doubly linked list: appends at the tail, removes anywhere, both at constant cost (contract 8.1). */
export class DoubleLinkedList {
  head: LinkedListNode | null = null
  tail: LinkedListNode | null = null
  size = 0

  /** Appends a node that is in no list, and returns it. */
  insertAtTail(node: LinkedListNode): LinkedListNode {
    node.prev = this.tail
    node.next = null
    if (this.tail) this.tail.next = node
    else this.head = node
    this.tail = node
    this.size += 1
    return node
  }

  /** Takes out a node, which must be in this list, and returns it; nothing happens without a node. */
  remove(node: LinkedListNode | null): LinkedListNode | undefined {
    if (!node) return undefined
    if (node.prev) node.prev.next = node.next
    else this.head = node.next
    if (node.next) node.next.prev = node.prev
    else this.tail = node.prev
    node.prev = null
    node.next = null
    this.size -= 1
    return node
  }

  /** Takes out the oldest node, if there is one. */
  removeHead(): LinkedListNode | undefined {
    return this.remove(this.head)
  }
}
