"""The nodes, one a file; base, inputs, conversion, health and fleet hold what they are made of."""
