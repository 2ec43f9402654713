"""The words that stand in for others: names of birds and trees, and the Latin of printers.

Whoever reads them sees at once that they are invented.
"""

from engine.tools.record.chance import Chance


def listed(text: str) -> tuple[str, ...]:
    """The words of a text, in its order."""
    return tuple(text.split())


FIRST_NAMES = listed("""
Ada Alba Anouk Arlo Basil Bela Bruno Cleo Cora Dario Edda Elio Enzo Fabia Falk Gala Gil Hedda Hugo Ida Ines
Ivo Jolie Juno Kaja Kian Lale Leif Lior Mina Milo Nilo Noor Odile Otis Petra Pia Quinn Remo Rhea Rufus Selma
Sian Tara Tilo Uma Vito Wanda Xenia Yara Yves Zeno Zita
""")
LAST_NAMES = listed("""
Alder Aspen Avocet Beech Birch Bittern Cedar Chestnut Crane Curlew Cypress Dunlin Elder Finch Gannet Godwit
Grebe Hawthorn Hazel Heron Hobby Holly Jackdaw Juniper Kestrel Kite Knot Larch Lark Linden Linnet Magpie Maple
Martin Merlin Nuthatch Oak Osprey Owl Petrel Pine Pipit Plover Poplar Rail Raven Rowan Sequoia Shrike Siskin
Snipe Sparrow Starling Stork Swift Teal Tern Thrush Walnut Willow Wren
""")

_SHORT = listed("ad at ea est et ex hic in nec non nos qui quo sed sit tam tum ut vel")
_MIDDLING = listed("""
aliqua amet animi autem causa culpa dicta dolor eius elit enim facere fuga fugit harum illo ipsa ipsum iure
labore lorem magna minim modi nemo neque nisi nobis nulla odio optio porro quam quas quasi quia quis quos
rerum saepe sint sunt tempor totam ullam velit veniam vero vitae
""")
_LONG = listed("""
accusamus adipisci aliquam architecto asperiores aspernatur beatae blanditiis commodi consectetur consequat
cupiditate delectus deserunt dignissimos distinctio doloremque eligendi excepturi exercitation expedita
explicabo fugiat incididunt inventore laboriosam laudantium maiores molestiae necessitatibus nostrum
obcaecati occaecat officia perferendis perspiciatis possimus praesentium proident quibusdam quisquam
recusandae reiciendis repellat repudiandae similique suscipit temporibus tenetur ullamco vehicula
voluptas voluptate voluptatum
""")
_MOST_SHORT, _MOST_MIDDLING = 3, 6
_TRIES = 12
"""How often a list is tried before what it gives is made longer."""


def word_like(word: str, chance: Chance) -> str:
    """A word about as long, with capital letters where it has them."""
    if not any(character.isalnum() for character in word):
        return "\u2605" * min(len(word), 3)  # pictures
    made = _drawn(len(word), chance)
    while len(made) < len(word) * 2 // 3:
        made += _drawn(len(word), chance)
    for _ in range(chance.attempt // _TRIES):
        made += chance.pick(_MIDDLING)
    if word.isupper() and len(word) > 1:
        return made.upper()
    return made.capitalize() if word[:1].isupper() else made


def _drawn(length: int, chance: Chance) -> str:
    if length <= _MOST_SHORT:
        return chance.pick(_SHORT)
    return chance.pick(_MIDDLING if length <= _MOST_MIDDLING else _LONG)


def name_like(word: str, chance: Chance, names: tuple[str, ...]) -> str:
    """One word of a person's name, in small letters where that is; hyphens once the list is used up."""
    made = chance.pick(names)
    for _ in range(chance.attempt // _TRIES):
        made += f"-{chance.pick(names)}"
    return made.lower() if word.islower() else made
