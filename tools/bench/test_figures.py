# SPDX-License-Identifier: Apache-2.0
"""Unit tests of the statistics."""

import unittest

import figures


class Percentiles(unittest.TestCase):
    def test_one_sample_is_every_percentile(self):
        self.assertEqual(figures.summary([7]), {"n": 1, "min": 7, "median": 7, "p99": 7, "max": 7})

    def test_order_does_not_matter(self):
        self.assertEqual(figures.summary([3, 1, 2]), figures.summary([1, 2, 3]))

    def test_median_is_a_sample(self):
        self.assertEqual(figures.percentile([1, 2, 10, 20], 50), 2)
        self.assertEqual(figures.percentile([5, 1, 9], 50), 5)

    def test_p99_of_few_is_the_greatest(self):
        self.assertEqual(figures.percentile(list(range(1, 100)), 99), 99)

    def test_p99_of_a_hundred_leaves_one_out(self):
        self.assertEqual(figures.percentile(list(range(1, 101)), 99), 99)
        self.assertEqual(figures.percentile(list(range(1, 201)), 99), 198)

    def test_nothing_is_refused(self):
        with self.assertRaises(ValueError):
            figures.percentile([], 50)

    def test_spread(self):
        self.assertAlmostEqual(figures.spread([95, 100, 105]), 0.1)


if __name__ == "__main__":
    unittest.main()
