"""Parts that are too large, and the links across their cuts."""

import numpy as np

from ml.identity.linking.clustering import Links, divide_households, parts_of


def test_links_across_the_cut_of_a_large_part_are_of_neither_side() -> None:
    # chains of three and of six strong links; a weak one ties the first to the end of the second
    numbers = np.arange(100, 145, 5)
    left, right = np.delete(numbers[:-1], 2), np.delete(numbers[1:], 2)
    links = Links(
        np.append(left, numbers[2]), np.append(right, numbers[8]), np.array([9.0] * 7 + [1.0])
    )
    part, is_unclear, cut = parts_of(numbers, links, largest=6)
    assert cut == 1
    assert len(np.unique(part)) == 2
    grouping = divide_households(numbers, part, is_unclear, links)
    together = part[grouping.groups] == part
    assert together.all()
