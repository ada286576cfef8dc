"""A question to the fleet, and the one merged answer: matches, and how each robot did."""
