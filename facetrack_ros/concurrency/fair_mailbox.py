"""Mailbox of a bounded number of items, taken by turns of those who sent them."""

from collections import OrderedDict, deque
from typing import Any


class FairMailbox:
    """Mailbox that keeps up to ``most`` items, ``most_of_one`` of one sender; senders take turns.

    One who sends much waits long for the last of it and delays others by one item.
    """

    def __init__(self, most: int, most_of_one: int):
        self.most, self.most_of_one = most, most_of_one
        self._items: OrderedDict[str, deque[Any]] = OrderedDict()  # in the order of the turns
        self._count = 0

    def has_room(self, sender: str) -> bool:
        """Whether one more item of a sender would be kept; :meth:`put` does not check it."""
        return self._count < self.most and len(self._items.get(sender, ())) < self.most_of_one

    def put(self, sender: str, item: Any) -> None:
        """Add an item."""
        self._items.setdefault(sender, deque()).append(item)
        self._count += 1

    def take(self) -> list[Any]:
        """Remove and return the oldest item of the sender whose turn it is; none if there are none."""
        if not self._items:
            return []
        sender, items = self._items.popitem(last=False)
        item = items.popleft()
        if items:
            self._items[sender] = items
        self._count -= 1
        return [item]

    def __len__(self) -> int:
        return self._count
