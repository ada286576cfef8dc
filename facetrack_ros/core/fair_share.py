"""Bounded mapping in which no sender displaces the items of others."""

from collections.abc import Hashable, Iterator, ValuesView
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Item = TypeVar("Item")


class FairShare(Generic[Key, Item]):
    """Items by key, each of a sender. Beyond the limit the oldest item of the sender with most of them goes.

    :param most: limit of items.
    """

    def __init__(self, most: int):
        self._most = most
        self._items: dict[Key, Item] = {}
        self._sender_of: dict[Key, str] = {}
        #: Keys by sender, the oldest first.
        self._keys: dict[str, dict[Key, None]] = {}

    def put(self, sender: str, key: Key, item: Item) -> Item | None:
        """Add an item, or replace that of the key, which is then the newest; the item that went for want of room."""
        self.pop(key)
        self._items[key], self._sender_of[key] = item, sender
        self._keys.setdefault(sender, {})[key] = None
        if len(self._items) > self._most:
            noisiest = max(self._keys.values(), key=len)
            return self.pop(next(iter(noisiest)))
        return None

    def pop(self, key: Key) -> Item | None:
        """Remove and return an item; None where there is none."""
        item = self._items.pop(key, None)
        sender = self._sender_of.pop(key, None)
        if sender is not None:
            keys = self._keys[sender]
            del keys[key]
            if not keys:
                del self._keys[sender]
        return item

    def get(self, key: Key) -> Item | None:
        """The item of a key; None where there is none."""
        return self._items.get(key)

    def values(self) -> ValuesView[Item]:
        """All items."""
        return self._items.values()

    def clear(self) -> None:
        """Remove all items."""
        self._items.clear()
        self._sender_of.clear()
        self._keys.clear()

    def __contains__(self, key: object) -> bool:
        return key in self._items

    def __getitem__(self, key: Key) -> Item:
        return self._items[key]

    def __iter__(self) -> Iterator[Key]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)
