"""Where one can go: the rows that a new database starts with."""

from __future__ import annotations

DESTINATIONS = (
    ("europa-deep", "Europa Deep", "Jupiter", "A hotel under twenty kilometres of ice, with its own submarine."),
    ("kraken-mare", "Kraken Mare Harbour", "Saturn", "Sail a methane sea under Titan's orange sky."),
    ("lagrange-gardens", "Lagrange Gardens", "Earth", "Orchards in a slow spin at L5, between Earth and Moon."),
    ("occator-springs", "Occator Springs", "Ceres", "Salt baths in the bright crater, far from everything."),
    ("olympus-lodge", "Olympus Lodge", "Mars", "Twenty-two kilometres up, on the rim of the tallest volcano."),
    ("phobos-overlook", "Phobos Overlook", "Mars", "Three Mars rises a day from a glass dome on the inner moon."),
    ("shackleton-rim", "Shackleton Rim", "Moon", "Endless sunrise at the lunar south pole; ice climbing below."),
    ("skyhook-station", "Skyhook Station", "Earth", "The classic: sixteen sunrises a day, two hours from home."),
    ("tranquility-base", "Tranquility Base", "Moon", "The old landing site and its low-gravity ballroom."),
    ("valles-marineris", "Valles Marineris Camp", "Mars", "Two weeks along the great canyon, by airship."),
)


def rows(seats: int) -> list[dict[str, str | int]]:
    """The catalogue as database rows, with `seats` free seats to each destination."""
    return [
        {"slug": slug, "name": name, "body": body, "description": description, "seats_left": seats}
        for slug, name, body, description in DESTINATIONS
    ]
