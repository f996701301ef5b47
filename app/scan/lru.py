"""A mapping of limited size. The least recently used values are forgotten first. Threads may share it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import RLock
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

KeyT = TypeVar("KeyT", bound=Hashable)
ValueT = TypeVar("ValueT")
OwnerT = TypeVar("OwnerT")


class Lru(Generic[KeyT, ValueT]):
    """Values by key, up to a total weight."""

    def __init__(self, most: int, weigh: Callable[[ValueT], int] = lambda _: 1) -> None:
        """Start empty.

        Args:
            most: The largest total weight that is kept.
            weigh: Gives the weight of a value, which must not change while the value is kept. By default each value weighs 1.
        """
        self.most, self._weigh = most, weigh
        # With the weight that each had when it came: adding all of them up takes too long where there are thousands.
        self._values: OrderedDict[KeyT, tuple[ValueT, int]] = OrderedDict()
        self._weight, self._lock = 0, RLock()

    def get(self, key: KeyT) -> ValueT | None:
        """The value, None if it is not kept. This counts as a use."""
        with self._lock:
            if key not in self._values:
                return None
            self._values.move_to_end(key)
            return self._values[key][0]

    def put(self, key: KeyT, value: ValueT) -> list[ValueT]:
        """Keep a value, as the one that was used last.

        Args:
            key: The key. A value that it had before is replaced.
            value: The value.

        Returns:
            The values that were forgotten to make room. The new value is among them if it is too heavy on its own.
        """
        with self._lock:
            self.pop(key)
            self._values[key] = value, self._weigh(value)
            self._weight += self._values[key][1]
            forgotten = []
            while self._weight > self.most:
                oldest, weight = self._values.popitem(last=False)[1]
                self._weight -= weight
                forgotten.append(oldest)
            return forgotten

    def keep_first(self, key: KeyT, value: ValueT) -> ValueT:
        """Keep a value unless the key has one already. If two threads bring values, both get the first one.

        Args:
            key: The key.
            value: The value to keep if there is none.

        Returns:
            The value that is kept for the key.
        """
        with self._lock:
            kept = self.get(key)
            if kept is None:
                self.put(key, value)
            return value if kept is None else kept

    def made(self, key: KeyT, make: Callable[[], ValueT]) -> ValueT:
        """The value of a key, made if it is not kept.

        Args:
            key: The key.
            make: Makes the value. Every other thread waits meanwhile.

        Returns:
            The value that is kept for the key.
        """
        with self._lock:
            kept = self.get(key)
            return self.keep_first(key, make()) if kept is None else kept

    def pop(self, key: KeyT) -> ValueT | None:
        """Forget a key and return its value, None if it was not kept."""
        with self._lock:
            value, weight = self._values.pop(key, (None, 0))
            self._weight -= weight
            return value

    def items(self) -> list[tuple[KeyT, ValueT]]:
        """What is kept, the least recently used first."""
        with self._lock:
            return [(key, value) for key, (value, _) in self._values.items()]

    @property
    def weight(self) -> int:
        """Total weight of what is kept."""
        with self._lock:
            return self._weight

    def __contains__(self, key: object) -> bool:
        with self._lock:
            return key in self._values

    def __len__(self) -> int:
        return len(self._values)


class LruOfEach(Generic[OwnerT, KeyT, ValueT]):
    """One Lru for each owner, such as an open scan. It is forgotten together with its owner."""

    def __init__(self, most: Callable[[OwnerT], int]) -> None:
        """Start empty. `most` says how many values are kept for an owner."""
        self._most = most
        self._kept: WeakKeyDictionary[OwnerT, Lru[KeyT, ValueT]] = WeakKeyDictionary()
        self._lock = RLock()

    def of(self, owner: OwnerT) -> Lru[KeyT, ValueT]:
        """What is kept for an owner."""
        with self._lock:
            return self._kept.setdefault(owner, Lru(self._most(owner)))

    def __len__(self) -> int:
        """How many owners have something kept for them."""
        return len(self._kept)
