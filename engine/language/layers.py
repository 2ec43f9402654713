"""A spec's file laid over the shared files that it takes in by `use`."""

from dataclasses import dataclass

from engine.issues import Place
from engine.language.source import Node


@dataclass(frozen=True, slots=True)
class Layers:
    """One node a key and one entry a map's key: the file's own (the last layer) before the shared ones."""

    own: Node
    layers: tuple[Node, ...]

    def node(self, key: str) -> Node | None:
        """The value of a key of the top; None where no layer has it."""
        return next((found for layer in reversed(self.layers) if (found := layer.get(key))), None)

    def entries(self, section: str) -> dict[str, tuple[Place, Node, Node]]:
        """The entries of a map: its key -> place, node, and the file that it comes from."""
        found: dict[str, tuple[Place, Node, Node]] = {}
        for layer in self.layers:
            node = layer.get(section)
            for key, place, child in node.items() if node else ():
                found[key] = (place, child, layer)
        return found
